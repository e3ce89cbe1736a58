package emit

import (
	"strings"
	"unicode"

	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

// Ranks of the gaps outside shell programs; those inside are rankShell and
// more.
const (
	rankHead  = iota // between flags and arguments
	rankFlags        // between flags
	rankWords        // between arguments
	rankShell = 100
)

// longestLine is the length in bytes of lines that the layout does not make
// longer: BuildKit takes no more than 65,535.
const longestLine = 60000

// instruction lays out one instruction.
func (l *layouter) instruction(in *parse.Instruction) Group {
	g := Group{Instruction: in, Span: in.Span}
	if in.Form == parse.Opaque {
		g.Verbatim = in.OpaqueCause
		return g
	}
	if in.Child != nil && l.style.CacheNeutral {
		// The text of the child, trailing blanks included, is part of the
		// image's configuration.
		return g
	}
	if oddBlank(in) {
		g.Verbatim = "a blank behind a backslash, or a rare kind of white space, may decide where a here-document begins"
		return g
	}
	for _, line := range in.Lines {
		if line.Len() > longestLine {
			g.Verbatim = "a line is almost as long as BuildKit allows"
			return g
		}
	}
	d := &doc{f: l.f, in: in, style: l.style, eol: l.eol, pieces: l.pieces[:0], sum: l.sum}
	defer func() { l.pieces, l.sum = d.pieces, d.sum }()
	g.Verbatim = l.build(d, in)
	if why := d.gaps(); why != "" {
		g.Verbatim = why
		return g
	}
	d.head()
	d.settle()
	g.Edits = d.edits()
	if n := len(in.Heredocs); n > 0 || in.Child != nil && len(in.Child.Heredocs) > 0 {
		edits, why := l.heredocs(in)
		g.Edits = append(g.Edits, edits...)
		if g.Verbatim == "" {
			g.Verbatim = why
		}
	}
	return g
}

// build adds the pieces of an instruction. It returns why a script in it is
// left as it is, or "".
func (l *layouter) build(d *doc, in *parse.Instruction) (verbatim string) {
	keyword := d.add(piece{src: in.Keyword.Span, flat: " ", upper: true})
	if in.Child != nil {
		verbatim = l.build(d, in.Child)
		d.pieces[keyword+1].merge = +1
		return verbatim
	}
	var flags []int
	for _, fl := range in.Flags {
		flags = append(flags, d.add(piece{src: fl.Span, flat: " ", delta: 1}))
	}
	args := len(d.pieces)
	switch in.Form {
	case parse.Words:
		if almostJSON(in) {
			d.add(piece{src: in.Args.Span, flat: " ", delta: 1})
			verbatim = "the arguments begin like a JSON array, but are none"
			break
		}
		d.words(in)
	case parse.String:
		for _, w := range in.Words {
			d.add(piece{src: w.Span, flat: " ", delta: 1})
		}
	case parse.LegacyPair:
		// With quotes or escapes in the key, the white space behind it
		// decides whether BuildKit reads key=value pairs.
		if strings.ContainsAny(in.Pairs[0].Key.Value, "\\`'\"") {
			d.add(piece{src: in.Args.Span, flat: " ", delta: 1})
			break
		}
		d.add(piece{src: in.Pairs[0].Key.Span, flat: " ", delta: 1})
		if v := in.Pairs[0].Value; v.Lo < v.Hi {
			d.add(piece{src: v.Span, flat: " ", delta: 1})
		}
	case parse.Pairs:
		d.pairs(in)
	case parse.Exec:
		d.exec(in)
	case parse.Shell:
		if in.Name == "HEALTHCHECK" {
			d.add(piece{src: in.Words[0].Span, flat: " ", delta: 1, upper: true})
		}
		verbatim = l.script(d, in, args)
	}
	if len(flags) == 0 || args >= len(d.pieces) || in.Name == "FROM" {
		return verbatim
	}
	if in.Name == "RUN" && len(flags) > 1 {
		for _, i := range append(flags[1:], args) {
			d.pieces[i].broken = true
		}
	}
	if p := &d.pieces[args]; p.at == nil {
		p.delta = 1
	}
	d.group(&group{rank: rankHead}, args)
	d.group(&group{rank: rankFlags}, flags[1:]...)
	return verbatim
}

// oddBlank reports whether BuildKit, which looks for here-documents of COPY
// and ADD among words that it splits as a shell does, may take white space for
// a part of a word: a blank behind a backslash, a form feed. Other white space
// would be another word then.
// https://pkg.go.dev/github.com/moby/buildkit/frontend/dockerfile/parser: heredocsFromLine
func oddBlank(in *parse.Instruction) bool {
	text := in.Logical.Text
	if in.Form != parse.Words && (in.Child == nil || in.Child.Form != parse.Words) || !strings.Contains(text, "<<") {
		return false
	}
	escaped := false
	for _, r := range text {
		if unicode.IsSpace(r) && (escaped || !strings.ContainsRune(" \t\r\n", r)) {
			return true
		}
		escaped = r == '\\'
	}
	return false
}

// almostJSON reports whether BuildKit takes the arguments for words only
// because they fail as JSON. White space can be the reason (a tab inside a
// string, a form feed between two strings), so that other white space would
// turn the words into an array.
// https://pkg.go.dev/github.com/moby/buildkit/frontend/dockerfile/parser: parseMaybeJSONToList
func almostJSON(in *parse.Instruction) bool {
	switch in.Name {
	case "COPY", "ADD", "VOLUME":
		return strings.HasPrefix(in.Args.Value, "[")
	}
	return false
}

// words adds the words of FROM, COPY, ADD, ARG, EXPOSE, VOLUME and
// HEALTHCHECK NONE.
func (d *doc) words(in *parse.Instruction) {
	g := d.group(&group{rank: rankWords, fill: in.Name != "COPY" && in.Name != "ADD" && in.Name != "ARG"})
	for k, w := range in.Words {
		p := piece{src: w.Span, flat: " ", delta: 1}
		p.upper = in.Name == "FROM" && k == 1 && strings.EqualFold(w.Value, "as") ||
			in.Name == "HEALTHCHECK" && k == 0
		i := d.add(p)
		if k > 0 && in.Name != "FROM" {
			d.join(g, i) // tools read FROM line by line: it is never broken
		}
	}
}

// pairs adds the pairs of ENV and LABEL: one line, or one line each.
func (d *doc) pairs(in *parse.Instruction) {
	g := d.group(&group{rank: rankWords, strict: true})
	align := len(in.Name) + 1
	if in.Parent != nil {
		align = d.style.Indent
	}
	if d.style.Tabs {
		align = 0 // tabs have no width to align with: an indent like any other
	}
	for k, pair := range in.Pairs {
		i := d.add(piece{src: pair.Span, flat: " ", delta: 1})
		if k > 0 {
			d.pieces[i].col = align
			d.join(g, i)
		}
	}
}

// head decides about breaks behind the keyword: an instruction that is one
// line otherwise starts on the line of its keyword.
func (d *doc) head() {
	k := 1
	if d.in.Child != nil {
		d.move(1, +1) // a break between the keywords counts as one behind them
		k = 2
	}
	if k >= len(d.pieces) {
		return
	}
	in := d.in
	if in.Child != nil {
		in = in.Child
	}
	if in.Name == "FROM" || in.Form == parse.String || in.Form == parse.LegacyPair {
		for i := range d.pieces[k:] {
			p := &d.pieces[k+i]
			p.broken = len(p.comments) > 0
		}
	}
	p := &d.pieces[k]
	if !p.broken {
		return
	}
	width := 0
	sum := d.breaks()
	for i := range d.pieces {
		q := &d.pieces[i]
		width += len(q.flat) + q.first
		if len(q.comments) > 0 || q.multi || i > k && q.broken && !d.joins(sum, i) {
			if in.Form == parse.Pairs {
				for j := k + 1; j < len(d.pieces); j++ {
					d.pieces[j].col = 0
				}
			}
			return
		}
	}
	if width-1 <= d.style.Width || d.style.Width <= 0 && width < longestLine {
		p.broken = false
	} else if in.Form == parse.Pairs {
		for j := k + 1; j < len(d.pieces); j++ {
			d.pieces[j].col = 0
		}
	}
}

// exec adds the tokens of a JSON array, and the word before it in HEALTHCHECK.
func (d *doc) exec(in *parse.Instruction) {
	words := in.Words
	lo := in.Args.Lo
	if in.Name == "HEALTHCHECK" {
		d.add(piece{src: words[0].Span, flat: " ", delta: 1, upper: true})
		lo, words = words[0].Hi, words[1:]
	}
	ends := &group{rank: rankWords, strict: true}
	elems := &group{rank: rankWords + 1, fill: true}
	d.groups = append(d.groups, ends, elems)
	text := in.Logical.Text
	first, option := true, false
	for k := lo; k < in.Args.Hi; {
		c := text[k]
		p := piece{delta: 1}
		switch {
		case c == '"' && len(words) > 0:
			p.src, k = words[0].Span, words[0].Hi
			if !first {
				p.flat = " "
			}
			value := words[0].Value
			switch {
			case first:
				p.group = ends
			case !option || strings.HasPrefix(value, "-"):
				p.group = elems // an option stays with its value
			}
			first, option, words = false, takesValue(value), words[1:]
		case strings.IndexByte("[],", c) >= 0:
			p.src, k = in.Logical.Span(k, k+1), k+1
			switch c {
			case '[':
				p.flat = " "
			case ']':
				p.delta, p.group = 0, ends
			case ',':
				p.merge = +1
			}
		default:
			k++ // white space, or what makes gaps refuse the instruction
			continue
		}
		i := d.add(p)
		if g := p.group; g != nil {
			g.pieces = append(g.pieces, i)
		}
	}
	if len(ends.pieces) < 2 {
		ends.pieces = nil
	}
	if in.Name == "SHELL" {
		// No command line, but the setting of one: it stays in one line, as in
		// every manual.
		ends.pieces, elems.pieces = nil, nil
	}
}

// script adds the pieces of a shell-form command. from is the first piece
// behind the flags.
func (l *layouter) script(d *doc, in *parse.Instruction, from int) string {
	whole := func(why string) string {
		if w := in.Command(); w.Lo < w.Hi {
			d.add(piece{src: w.Span, flat: " ", delta: 1})
		}
		return why
	}
	s := l.scripts(in)
	if s == nil || s.Kind == shell.Body {
		return whole("")
	}
	if l.style.CacheNeutral {
		return whole("")
	}
	file, err := s.Parse()
	if err != nil {
		return whole(err.Error())
	}
	a := &annotator{d: d, s: s, trailing: l.style.Operators == "trailing", force: in.Name == "RUN", notes: l.notes[:0]}
	defer func() { l.notes = a.notes }()
	w := in.Command()
	a.n = w.Hi - w.Lo
	var cmd *construct
	if in.Name == "HEALTHCHECK" {
		cmd = &construct{piece: from, head: true}
	}
	a.program(file, cmd)
	return ""
}
