package transform

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

// report proposes the change.
func (s *splitter) report() {
	p, src, eol := s.p, s.p.File.Src, s.p.File.LineEnding()
	name := s.builderName()
	change := Change{
		Title: fmt.Sprintf("compile in a builder stage, run on %s", s.rt.Image), At: s.st.From.Keyword.Span, Safety: Unsafe, Alone: true,
		Reason: "the compiler and the sources stay out of the image; start the container to see that it finds everything it reads",
	}
	for _, n := range s.notes {
		change.Reason += "; " + n
	}
	split := plan.Split{From: s.st.From.Index, At: s.at, Builder: name, Image: s.rt.Image, Workdir: s.rt.Workdir}

	// FROM … AS build; the final stage keeps the name that the stage has.
	from, as := s.st.From, ""
	if len(from.Words) >= 3 {
		as = " " + from.Words[1].Value + " " + from.Words[2].Value
		change.Edits = append(change.Edits, emit.Edit{Span: from.Words[2].Span, New: name})
	} else {
		change.Edits = append(change.Edits, emit.Edit{Span: parse.Span{Start: from.Words[0].End, End: from.Words[0].End}, New: " " + s.keyword("AS") + " " + name})
	}
	var lines []string
	flag := ""
	if s.st.Platform != "" {
		flag = "--platform=" + s.st.Platform + " "
	}
	lines = append(lines, from.Keyword.Text(src)+" "+flag+s.rt.Image+as+eol)
	insert := func(text string) {
		lines = append(lines, text+eol)
		split.Head = append(split.Head, plan.SplitPart{Text: text})
	}
	for _, in := range s.st.Instructions {
		if in.Index >= s.at {
			break
		}
		switch s.roles[in] {
		case moves:
			span := parse.Span{Start: leadStart(in), End: in.End}
			lines = append(lines, span.Text(src))
			if blankBefore(p.File, span.Start) {
				span.End = skipBlank(p.File, span.End)
			}
			change.Edits = append(change.Edits, emit.Edit{Span: span})
			split.Head = append(split.Head, plan.SplitPart{Instr: in.Index})
		case both:
			lines = append(lines, p.instructionText(in))
			split.Head = append(split.Head, plan.SplitPart{Instr: in.Index, Repeat: true})
		case stays:
			if in.Name == "ENV" {
				split.Left = append(split.Left, variables([]*parse.Instruction{in})...)
			}
		}
	}
	if dir := s.plainWorkdir(); dir != "" {
		insert(s.keyword("WORKDIR") + " " + dir)
	}
	for _, text := range s.copyLines(name) {
		insert(text)
	}
	// In front of what stays in its place, with a blank line before it.
	text := strings.Join(lines, "")
	var pos int
	var prefix, suffix string
	if s.at < len(p.File.Instructions) {
		pos = leadStart(p.File.Instructions[s.at])
		if blankBefore(p.File, pos) {
			suffix = eol
		} else {
			prefix = eol
		}
	} else {
		last := p.File.Instructions[len(p.File.Instructions)-1]
		pos = last.End
		prefix = eol
		if !strings.HasSuffix(last.Text(src), "\n") {
			prefix += eol
			text = strings.TrimSuffix(text, eol)
		}
	}
	change.Edits = append(change.Edits, emit.Edit{Span: parse.Span{Start: pos, End: pos}, New: prefix + text + suffix})
	split.Sets = s.sets()
	change.Effects = []plan.Effect{split}
	p.Report(change)
}

// keyword writes a word in the case of the stage's FROM.
func (s *splitter) keyword(word string) string {
	if k := s.st.From.Keyword.Text(s.p.File.Src); k == strings.ToLower(k) {
		return strings.ToLower(word)
	}
	return word
}

// builderName is a name that no stage and no image of the file has.
func (s *splitter) builderName() string {
	for _, name := range []string{"build", "builder", "compile"} {
		taken := false
		for _, in := range s.p.File.Instructions {
			for _, w := range in.Words {
				taken = taken || in.Name == "FROM" && strings.EqualFold(w.Value, name)
			}
			for _, fl := range in.Flags {
				taken = taken || fl.Name == "from" && strings.EqualFold(fl.Arg, name) || fl.Name == "mount" && strings.Contains(fl.Arg, "from="+name)
			}
		}
		if !taken {
			return name
		}
	}
	return fmt.Sprintf("build-%d", s.st.Index)
}

// plainWorkdir is the working directory that no instruction of the file sets
// but the base image does, "" where that is not so.
func (s *splitter) plainWorkdir() string {
	for _, in := range s.st.Instructions {
		if in.Name == "WORKDIR" && fixed(in.Args.Value) && (in.Index >= s.at || s.roles[in] == both) {
			return ""
		}
	}
	if s.rt.Workdir == "/" {
		return ""
	}
	return s.rt.Workdir
}

// copyLines writes the COPY instructions of the final stage, the files of one
// folder together.
func (s *splitter) copyLines(builder string) []string {
	type group struct {
		dir  string
		from []string
	}
	var groups []*group
	var out []string
	for _, c := range s.ship {
		if !c.file || path.Base(c.from) != path.Base(c.to) || path.Dir(c.to) == "/" {
			groups = append(groups, &group{dir: c.to, from: []string{c.from}})
			continue
		}
		dir := strings.TrimSuffix(path.Dir(c.to), "/") + "/"
		i := slices.IndexFunc(groups, func(g *group) bool { return g.dir == dir })
		if i < 0 {
			groups = append(groups, &group{dir: dir})
			i = len(groups) - 1
		}
		groups[i].from = append(groups[i].from, c.from)
	}
	for _, g := range groups {
		out = append(out, s.keyword("COPY")+" --from="+builder+" "+strings.Join(g.from, " ")+" "+g.dir)
	}
	return out
}
