package transform

import (
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/shell"
)

// How deps-first writes its change.

// change writes the rewrite down.
func (o *reorder) change() (Change, string) {
	p := o.p
	eol := p.File.LineEnding()
	first := o.moves[0].Instruction
	c := Change{At: first.Keyword.Span, Safety: Unsafe, Title: "install dependencies before the sources are copied"}
	var moved strings.Builder
	var names []string
	spaced := false
	gap, end := false, 0 // whether a blank line stands in front of what goes, up to end
	for _, k := range o.moves {
		in := k.Instruction
		manifests, why := o.manifests(k, &names)
		if why != "" {
			return c, why
		}
		lead := in.Lead
		if len(manifests) > 0 && aboutInstall(p.File.Src, lead) {
			lead = nil // the comment is about the install: it stays
		}
		span := in.Span
		if len(lead) > 0 {
			span.Start = lead[0].Start
			for _, l := range lead {
				moved.WriteString(l.Text(p.File.Src))
			}
		}
		text, replaced, why := o.moveText(k)
		if why != "" {
			return c, why
		}
		moved.WriteString(text)
		spaced = spaced || blankAfter(p.File, in)
		insert := ""
		for _, m := range manifests {
			insert += m + eol
		}
		// What goes takes a blank line along where one stands on either side.
		gap = blankBefore(p.File, span.Start) || gap && end == span.Start
		if gap = gap && insert == ""; gap {
			span.End = skipBlank(p.File, span.End)
		}
		end = span.End
		c.Edits = append(c.Edits, emit.Edit{Span: span, New: insert})
		if insert != "" {
			c.Effects = append(c.Effects, plan.Insert{Before: in.Index, Text: strings.TrimRight(strings.ReplaceAll(insert, "\r\n", "\n"), "\n")})
		}
		if replaced {
			c.Effects = append(c.Effects, plan.Replace{Instr: in.Index, Text: strings.TrimRight(text, "\r\n")})
		}
		c.Effects = append(c.Effects, plan.Move{Instr: in.Index, Before: o.r.In.Index + 1})
	}
	o.place(&c, moved.String(), spaced)
	o.explain(&c, names)
	return c, ""
}

// place puts the moved instructions behind the RUN, or between its parts.
func (o *reorder) place(c *Change, moved string, spaced bool) {
	eol := o.p.File.LineEnding()
	in := o.r.In
	if spaced {
		moved = eol + moved
	}
	if o.split == nil {
		end := in.End
		if !strings.HasSuffix(in.Text(o.p.File.Src), "\n") {
			moved = eol + strings.TrimSuffix(moved, eol)
		}
		c.Edits = append(c.Edits, emit.Edit{Span: parse.Span{Start: end, End: end}, New: moved})
		return
	}
	chain := shell.AndList(o.r.Tree.Stmts[0])
	i := slices.Index(chain, o.split)
	gap := parse.Span{Start: o.r.end(chain[i-1]), End: o.r.Script.Source(o.split.Pos())}
	head := in.Keyword.Text(o.p.File.Src)
	for _, fl := range in.Flags {
		head += " " + fl.Span.Text(o.p.File.Src)
	}
	c.Edits = append(c.Edits, emit.Edit{Span: gap, New: eol + moved + head + " "})
	src := o.p.File.Src
	c.Effects = append(c.Effects,
		plan.Replace{Instr: in.Index, Text: string(src[in.Start:gap.Start])},
		plan.Insert{Before: in.Index + 1, Text: head + " " + strings.TrimRight(string(src[gap.End:in.End]), "\r\n")})
}

// explain gives the change its reason and class.
func (o *reorder) explain(c *Change, names []string) {
	var b strings.Builder
	b.WriteString("an edit of any copied file installs everything again")
	if len(names) > 0 {
		fmt.Fprintf(&b, "; the install reads %s", strings.Join(names, ", "))
	}
	o.doubts = compact(o.doubts)
	if len(o.doubts) == 0 {
		c.Safety = Safe
		b.WriteString(" and nothing else, as the build context shows")
	} else {
		fmt.Fprintf(&b, ". Unsafe, because %s", strings.Join(o.doubts, "; "))
	}
	c.Reason = b.String()
}

func compact(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// aboutInstall reports whether a comment speaks of installing.
func aboutInstall(src []byte, lead []parse.Span) bool {
	for _, sp := range lead {
		t := strings.ToLower(sp.Text(src))
		if _, v := pragma(t); v != "" {
			return false
		}
		for _, w := range []string{"install", "dependenc", "requirement", "package", "deps", "librar"} {
			if strings.Contains(t, w) {
				return true
			}
		}
	}
	return false
}

// blankAfter reports whether a blank line follows an instruction.
func blankAfter(f *parse.File, in *parse.Instruction) bool {
	return skipBlank(f, in.End) > in.End
}

// skipBlank returns the end of the blank lines at an offset.
func skipBlank(f *parse.File, off int) int {
	i := sort.Search(len(f.Tiles), func(i int) bool { return f.Tiles[i].Start >= off })
	for ; i < len(f.Tiles) && f.Tiles[i].Start == off; i++ {
		if f.Tiles[i].Kind == parse.TileBlank {
			return f.Tiles[i].End
		}
	}
	return off
}

// blankBefore reports whether blank lines end at an offset.
func blankBefore(f *parse.File, off int) bool {
	i := sort.Search(len(f.Tiles), func(i int) bool { return f.Tiles[i].End >= off })
	for ; i < len(f.Tiles) && f.Tiles[i].End == off; i++ {
		if f.Tiles[i].Kind == parse.TileBlank {
			return true
		}
	}
	return false
}

// manifests writes the COPY instructions for what installs read of a COPY that
// moves, one a directory.
func (o *reorder) manifests(k *facts.Copy, names *[]string) (lines []string, why string) {
	type group struct {
		dest string
		srcs []string
	}
	var groups []*group
	for _, n := range o.needs {
		if n.by != k {
			continue
		}
		src, ok := o.spellSource(k, n.src)
		if !ok || !plainPath(src) || strings.ContainsAny(src, "[?") {
			return nil, fmt.Sprintf("the name of %s cannot be written plainly", n.src)
		}
		dir := path.Dir(n.path)
		if n.dir {
			dir = n.path
		}
		if !n.dir && !strings.Contains(n.src, "*") && path.Base(n.src) != path.Base(n.path) {
			return nil, fmt.Sprintf("line %d copies %s under another name", k.Instruction.StartLine, n.src)
		}
		dest, ok := spellDest(k, dir)
		if !ok || !plainPath(strings.NewReplacer("$", "", "{", "", "}", "").Replace(dest)) {
			return nil, fmt.Sprintf("the destination of %s cannot be written plainly", n.src)
		}
		*names = append(*names, src)
		i := slices.IndexFunc(groups, func(g *group) bool { return g.dest == dest && !n.dir })
		if i < 0 || n.dir {
			groups = append(groups, &group{dest: dest})
			i = len(groups) - 1
		}
		groups[i].srcs = append(groups[i].srcs, src)
	}
	if len(groups) > 12 {
		return nil, "the manifests lie in more than 12 directories"
	}
	keyword := "COPY"
	if k.Instruction.Keyword.Value == strings.ToLower(k.Instruction.Keyword.Value) {
		keyword = "copy"
	}
	for _, fl := range k.Instruction.Flags {
		switch fl.Name {
		case "chown", "chmod", "link":
			keyword += " " + fl.Span.Text(o.p.File.Src)
		case "exclude":
		default:
			if len(groups) > 0 {
				return nil, "the flag --" + fl.Name + " cannot be kept"
			}
		}
	}
	for _, g := range groups {
		lines = append(lines, keyword+" "+strings.Join(g.srcs, " ")+" "+g.dest)
	}
	return lines, ""
}

// spellSource writes a path of the build context in the way of the sources of
// a COPY.
func (o *reorder) spellSource(k *facts.Copy, src string) (string, bool) {
	for _, s := range k.Sources {
		if !s.Path.Known || s.Glob {
			continue
		}
		if s.Path.S == "." {
			return src, true
		}
		if src == s.Path.S {
			return strings.TrimSuffix(s.Raw, "/"), true
		}
		if rel, ok := strings.CutPrefix(src, s.Path.S+"/"); ok {
			return strings.TrimSuffix(strings.TrimSuffix(s.Raw, "."), "/") + "/" + rel, true
		}
	}
	return src, true
}

// spellDest writes a directory of the image in the way of a COPY's destination, with a
// slash at its end.
func spellDest(k *facts.Copy, dir string) (string, bool) {
	raw := k.RawDest
	rel := ""
	switch {
	case dir == k.Dest.S:
	case facts.Within(dir, k.Dest.S):
		rel = strings.TrimPrefix(strings.TrimPrefix(dir, k.Dest.S), "/") + "/"
	case path.Dir(k.Dest.S) == dir:
		// A file with its name as destination.
		raw = strings.TrimSuffix(raw, path.Base(raw))
		if raw == "" {
			raw = "."
		}
	default:
		return dir + "/", true
	}
	switch raw {
	case ".", "./", "":
		return "./" + rel, true
	}
	return strings.TrimSuffix(strings.TrimSuffix(raw, "/."), "/") + "/" + rel, true
}

// plainPath reports whether a word needs no quotes in COPY.
func plainPath(s string) bool {
	for _, c := range s {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune("._-/+@~*=,", c):
		default:
			return false
		}
	}
	return s != "" && s[0] != '-'
}

// moveText is the text of a COPY at its new place. Where a WORKDIR stands in
// between, a relative destination becomes absolute.
func (o *reorder) moveText(k *facts.Copy) (text string, replaced bool, why string) {
	in := k.Instruction
	text = o.p.instructionText(in)
	if edits := o.dropSources(k); len(edits) > 0 {
		// The span of the text starts at the instruction.
		for i := range edits {
			edits[i].Start -= in.Start
			edits[i].End -= in.Start
		}
		cut, err := emit.Apply([]byte(text), edits)
		if err != nil {
			return "", false, err.Error()
		}
		text, replaced = string(cut), true
	}
	pos := slices.Index(o.stretch.list, in)
	crossed := slices.ContainsFunc(o.stretch.list[pos+1:], func(i *parse.Instruction) bool { return i.Name == "WORKDIR" })
	dest := o.p.Facts.Expand(k.RawDest, in)
	if !crossed || dest.Known && path.IsAbs(dest.S) {
		return text, replaced, ""
	}
	if replaced {
		return "", false, "a WORKDIR stands between the COPY and the install"
	}
	if in.Form != parse.Words || len(in.Words) < 2 || !k.Dest.Certain() || !plainPath(k.Dest.S) {
		return "", false, "a WORKDIR stands between the COPY and the install"
	}
	w := in.Words[len(in.Words)-1]
	abs := k.Dest.S
	if k.DestDir && abs != "/" {
		abs += "/"
	}
	src := o.p.File.Src
	text = string(src[in.Start:w.Start]) + abs + string(src[w.End:in.End])
	return text, true, ""
}

// dropSources removes from a COPY that moves the files that it names and that
// are copied in front of the install: copied twice, they would be in two layers.
func (o *reorder) dropSources(k *facts.Copy) []emit.Edit {
	in := k.Instruction
	if in.Form != parse.Words || len(in.Words) != len(k.Sources)+1 || len(in.Comments) > 0 || k.Parents {
		return nil
	}
	var edits []emit.Edit
	for i, s := range k.Sources {
		if s.Dir || s.Glob || !s.Path.Known {
			continue
		}
		if slices.ContainsFunc(o.needs, func(n need) bool { return n.by == k && n.src == s.Path.S && !n.dir }) {
			edits = append(edits, emit.Edit{Span: parse.Span{Start: in.Words[i].Start, End: in.Words[i+1].Start}})
		}
	}
	if len(edits) == len(k.Sources) {
		return nil
	}
	return edits
}
