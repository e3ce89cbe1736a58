package emit

import (
	"bytes"
	"iter"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/refit-dev/refit/pkg/parse"
)

// A doc is one instruction on its way through the layout: pieces of source
// that stay whole, and what stands in the gaps between them. The layout
// decides for each gap whether the line breaks there. Breaks are only ever
// added, by rules that look at the breaks and widths reached so far, until no
// rule has anything to add: a laid out instruction is a fixed point of the
// rules, which is why a second run changes nothing.
type doc struct {
	f      *parse.File
	in     *parse.Instruction
	style  Style
	eol    string
	pieces []piece
	groups []*group
	tail   []parse.Span // comments behind the last piece
	end    int          // source offset behind the last line
	multi  bool         // some piece spans lines
	sum    []int        // for breaks
}

// piece is a run of source bytes that the layout copies, together with the
// gap before it.
type piece struct {
	src         parse.Span
	upper       bool // print in upper case
	multi       bool // spans several lines
	first, last int  // columns of its first and last line
	lo          int  // offset in the script's text, for pieces of a script

	flat     string       // white space of the gap on an unbroken line
	broken   bool         // the line breaks in the gap
	fixed    bool         // must not be broken
	merge    int          // break and comments go to the gap that many pieces on
	comments []parse.Span // comments in the gap
	section  bool         // a line of only a continuation in the gap stays
	empty    bool         // the gap has such a line
	at       *construct   // what the indent of a new line is relative to
	delta    int          // levels added to it
	role     role         // what the indent depends on behind an opening token on the line
	comDelta int          // levels added for the comments in the gap
	col      int          // column of a new line, instead of at and delta
	group    *group

	line, indent int // set by place
}

// role says what a piece is to a program.
type role uint8

const (
	roleNone role = iota
	roleArg       // an argument
	roleAnd       // && or ||
	rolePipe      // |
	roleSemi      // ; behind a command
)

// construct is a part of the program that indents what is inside it: its
// indent is the one of the line on which it starts.
type construct struct {
	off    int        // offset in the script's text
	piece  int        // index of the piece at off
	opener *construct // the construct around it
	head   bool       // opens on lines other than the first only
	header bool       // if, elif, while, until, for: its condition stands on the line
	paren  bool       // a subshell, group or command substitution
	lone   bool       // the whole program: the first line needs no level for it
}

// group is a set of gaps that are treated alike when a line is too wide.
type group struct {
	rank   int // lower ranks break first
	fill   bool
	strict bool // one break breaks all
	inner  bool // a break anywhere between first and last breaks all
	pieces []int
}

func (d *doc) add(p piece) int {
	text := d.f.Src[p.src.Start:p.src.End]
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		p.multi, d.multi = true, true
		p.first = columns(bytes.TrimRight(text[:i], "\r"))
		p.last = d.columnsAt(text[bytes.LastIndexByte(text, '\n')+1:])
	} else {
		p.first = columns(text)
	}
	if len(text) > 0 && text[0] == '#' {
		p.fixed = true
	}
	d.pieces = append(d.pieces, p)
	return len(d.pieces) - 1
}

func columns(text []byte) int { return utf8.RuneCount(text) }

// columnsAt counts the columns of text at the start of a line, where a tab is
// as wide as a level.
func (d *doc) columnsAt(text []byte) int {
	return columns(text) + (d.style.Indent-1)*bytes.Count(text, []byte("\t"))
}

func (d *doc) group(g *group, pieces ...int) *group {
	d.groups = append(d.groups, g)
	for _, i := range pieces {
		d.join(g, i)
	}
	return g
}

func (d *doc) join(g *group, i int) {
	d.pieces[i].group = g
	g.pieces = append(g.pieces, i)
}

// gaps reads the gaps from the source: where the writer broke the line, and
// the comments. It returns why the layout cannot go on, or "".
func (d *doc) gaps() string {
	comments := d.in.Comments
	lines := d.in.Lines
	pos := d.in.Start
	for i := range d.pieces {
		p := &d.pieces[i]
		if p.src.Start < pos {
			return "tokens overlap"
		}
		var ok bool
		comments, p.comments, ok = d.gap(parse.Span{Start: pos, End: p.src.Start}, comments)
		if !ok {
			return "text between tokens"
		}
		if i > 0 && bytes.IndexByte(d.f.Src[pos:p.src.Start], '\n') >= 0 {
			p.broken = true
		}
		for len(lines) > 0 && lines[0].End <= p.src.Start {
			if p.section && lines[0].Start > pos && lines[0].Kind == parse.CodeLine {
				p.empty = true
			}
			lines = lines[1:]
		}
		if p.fixed && p.broken {
			return "a line must not start with a number sign"
		}
		for len(comments) > 0 && comments[0].Start < p.src.End {
			comments = comments[1:]
		}
		pos = p.src.End
	}
	d.end = d.in.End
	if n := len(d.in.Heredocs); n > 0 || d.in.Child != nil && len(d.in.Child.Heredocs) > 0 {
		d.end = d.in.Lines[len(d.in.Lines)-1].End
	}
	var ok bool
	if _, d.tail, ok = d.gap(parse.Span{Start: pos, End: d.end}, comments); !ok {
		return "text behind the last token"
	}
	if len(d.pieces) > 0 && len(d.pieces[0].comments) > 0 {
		return "a comment before the keyword"
	}
	if len(d.tail) > 0 && d.end < d.in.End {
		return "a comment between the instruction and its here-document"
	}
	return ""
}

// gap splits off the comments that stand in a gap and checks that nothing
// else does than white space and continuations.
func (d *doc) gap(sp parse.Span, comments []parse.Span) (rest, in []parse.Span, ok bool) {
	pos := sp.Start
	blank := func(end int) bool {
		for _, c := range d.f.Src[pos:end] {
			if !strings.ContainsRune(" \t\v\f\r\n", rune(c)) && c != d.in.Escape() {
				return false
			}
		}
		return true
	}
	for len(comments) > 0 && comments[0].Start < sp.End {
		c := comments[0]
		if c.Start < pos || !blank(c.Start) {
			return nil, nil, false
		}
		in = append(in, c)
		pos = c.End
		comments = comments[1:]
	}
	return comments, in, blank(sp.End)
}

// settle decides where lines break.
func (d *doc) settle() {
	// In the direction of the move, so that it goes on where neighbours move too.
	for i := len(d.pieces) - 1; i >= 0; i-- {
		d.move(i, -1)
	}
	for i := range d.pieces {
		d.move(i, +1)
	}
	for d.close() {
	}
	d.semicolons()
	for {
		if !d.close() && !d.fit() {
			return
		}
	}
}

// semicolons puts a semicolon that has a line of its own behind its command,
// unless that command has several lines.
func (d *doc) semicolons() {
	sum := d.breaks()
	for i := range d.pieces {
		if d.joins(sum, i) {
			d.pieces[i].broken = false
		}
	}
}

// joins reports whether piece i is such a semicolon. sum is from breaks.
func (d *doc) joins(sum []int, i int) bool {
	p := &d.pieces[i]
	return p.role == roleSemi && p.broken && len(p.comments) == 0 && sum[i] == sum[p.at.piece+1] && !d.pieces[p.at.piece].multi
}

// breaks counts the line breaks before each piece.
func (d *doc) breaks() []int {
	d.sum = slices.Grow(d.sum[:0], len(d.pieces)+1)[:len(d.pieces)+1]
	sum := d.sum
	sum[0] = 0
	for i := range d.pieces {
		sum[i+1] = sum[i]
		if d.pieces[i].broken || d.pieces[i].multi {
			sum[i+1]++
		}
	}
	return sum
}

// move hands the break and the comments of a gap over to its neighbour.
func (d *doc) move(i, dir int) {
	p := &d.pieces[i]
	if p.merge != dir || i+dir < 1 || i+dir >= len(d.pieces) {
		return
	}
	q := &d.pieces[i+dir]
	if q.fixed {
		return
	}
	q.broken = q.broken || p.broken
	if dir < 0 {
		q.comments = append(q.comments, p.comments...)
	} else {
		q.comments = append(append([]parse.Span(nil), p.comments...), q.comments...)
	}
	p.broken, p.comments = false, nil
}

// close applies the rules that need no widths.
func (d *doc) close() bool {
	changed := false
	sum := d.breaks()
	for _, g := range d.groups {
		if len(g.pieces) == 0 || !g.strict {
			continue
		}
		first, last := g.pieces[0], g.pieces[len(g.pieces)-1]
		if g.inner && g.at(d) >= 0 {
			first = g.at(d) + 1
		}
		n := 0
		if sum[last+1] > sum[first] {
			for _, i := range g.pieces {
				if d.pieces[i].broken {
					n++
				}
			}
			if g.inner && n < len(g.pieces) {
				n = max(n, 1)
			}
		}
		if n > 0 && n < len(g.pieces) {
			changed = d.breakAll(g) || changed
		}
	}
	return changed
}

// at is the piece on which the construct of an inner group starts.
func (g *group) at(d *doc) int {
	if c := d.pieces[g.pieces[0]].at; c != nil {
		return c.piece
	}
	return -1
}

func (d *doc) breakAll(g *group) bool {
	changed := false
	for _, i := range g.pieces {
		p := &d.pieces[i]
		if !p.broken && !p.fixed && i > 0 {
			p.broken, changed = true, true
		}
	}
	return changed
}

// place computes the line and the indent of each piece.
func (d *doc) place() {
	line, indent := 0, 0
	for i := range d.pieces {
		p := &d.pieces[i]
		if p.broken {
			line++
			indent = d.indent(p, p.delta)
		}
		p.line, p.indent = line, indent
	}
}

// indent is the column of a new line at a piece.
func (d *doc) indent(p *piece, delta int) int {
	if p.col > 0 {
		return p.col
	}
	if p.at == nil {
		return delta * d.style.Indent
	}
	start := &d.pieces[p.at.piece]
	column := start.indent
	if start.line == 0 {
		if p.at.lone {
			return delta * d.style.Indent
		}
		column = d.style.Indent
	}
	o := p.at.opener
	if o != nil && d.pieces[o.piece].line == start.line && !(o.head && start.line == 0) {
		// The construct around it starts on the same line.
		switch {
		case o.header && p.role != roleNone:
			// Deeper than the body that follows the header.
			return column + 2*d.style.Indent
		case o.paren && p.role == rolePipe:
			delta--
		}
		column += d.style.Indent
	}
	return column + delta*d.style.Indent
}

// fit breaks lines that are too wide, each at its best place.
func (d *doc) fit() bool {
	if d.style.Width <= 0 {
		return false
	}
	d.place()
	changed := false
	start, col := 0, 0
	for i := range d.pieces {
		p := &d.pieces[i]
		if p.broken {
			col = p.indent
			start = i
		} else if i > 0 {
			col += len(p.flat)
		}
		col += p.first
		end := i+1 == len(d.pieces) || d.pieces[i+1].broken || p.multi
		if !end {
			continue
		}
		wide := col
		if i+1 < len(d.pieces) && d.pieces[i+1].broken && !p.multi {
			wide += 2
		}
		if wide > d.style.Width && d.breakLine(start, i) {
			changed = true
		}
		// The line goes on behind a piece that spans lines.
		col, start = p.last, i
	}
	return changed
}

// breakLine breaks the line of the pieces [from, to] in the group of lowest
// rank that has an unbroken gap on it.
func (d *doc) breakLine(from, to int) bool {
	var best *group
	for i := from + 1; i <= to; i++ {
		p := &d.pieces[i]
		if p.broken || p.fixed || p.group == nil {
			continue
		}
		if best == nil || p.group.rank < best.rank {
			best = p.group
		}
	}
	if best == nil {
		return false
	}
	if !best.fill {
		return d.breakAll(best)
	}
	return d.fill(best, from, to)
}

// fill breaks a line at gaps of a group so that each new line takes as much as
// fits.
func (d *doc) fill(g *group, from, to int) bool {
	changed := false
	col := d.pieces[from].indent + d.pieces[from].first
	if d.pieces[from].multi {
		col = d.pieces[from].last
	}
	last := -1 // latest gap of the group on this line
	for i := from + 1; i <= to; i++ {
		p := &d.pieces[i]
		col += len(p.flat) + p.first
		if p.group == g && !p.fixed {
			// Everything up to this gap fits, or there was no better gap.
			last = i
		}
		reserve := 2
		if i == to && (i+1 == len(d.pieces) || p.multi) {
			reserve = 0
		}
		if col+reserve > d.style.Width && last >= 0 {
			q := &d.pieces[last]
			q.broken, changed = true, true
			col = d.indent(q, q.delta) + q.first
			for k := last + 1; k <= i; k++ {
				col += len(d.pieces[k].flat) + d.pieces[k].first
			}
			last = -1
		}
	}
	return changed
}

// edits renders the gaps as edits of the source.
func (d *doc) edits() []Edit {
	d.place()
	var out []Edit
	set := func(sp parse.Span, text string) {
		if sp.Text(d.f.Src) != text {
			out = append(out, Edit{sp, text})
		}
	}
	pos := d.in.Start
	var b strings.Builder
	for i := range d.pieces {
		p := &d.pieces[i]
		b.Reset()
		switch {
		case i == 0:
		case p.broken || len(p.comments) > 0:
			d.brk(&b)
			if p.empty {
				d.pad(&b, p.indent)
				d.continuation(&b)
			}
			d.comments(&b, p.comments, d.indent(p, p.delta+p.comDelta))
			d.pad(&b, p.indent)
		default:
			b.WriteString(p.flat)
		}
		set(parse.Span{Start: pos, End: p.src.Start}, b.String())
		if p.upper {
			for sp := range letters(d.f.Src, p.src) {
				if !slices.ContainsFunc(d.in.Comments, sp.Overlaps) {
					set(sp, strings.ToUpper(sp.Text(d.f.Src)))
				}
			}
		}
		if p.multi {
			d.tidy(p.src, set)
		}
		pos = p.src.End
	}
	if e := d.in.Escape(); pos >= 2 && d.f.Src[pos-1] == e && d.f.Src[pos-2] != e {
		// What follows keeps the last byte from being a continuation.
		return out
	}
	b.Reset()
	b.WriteString(d.eol)
	for _, c := range d.tail {
		b.WriteString(trimEnd(c.Text(d.f.Src)))
		b.WriteString(d.eol)
	}
	set(parse.Span{Start: pos, End: d.end}, b.String())
	return out
}

// letters yields the runs of ASCII letters in a span: a keyword is one, unless
// a continuation takes it apart, perhaps with comments behind it.
func letters(src []byte, in parse.Span) iter.Seq[parse.Span] {
	isLetter := func(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
	return func(yield func(parse.Span) bool) {
		for i := in.Start; i < in.End; {
			k := i
			for k < in.End && isLetter(src[k]) {
				k++
			}
			if k > i && !yield(parse.Span{Start: i, End: k}) {
				return
			}
			i = k + 1
		}
	}
}

// brk writes what ends a line that goes on.
func (d *doc) brk(b *strings.Builder) {
	b.WriteByte(' ')
	d.continuation(b)
}

func (d *doc) continuation(b *strings.Builder) {
	b.WriteByte(d.in.Escape())
	b.WriteString(d.eol)
}

func (d *doc) comments(b *strings.Builder, comments []parse.Span, indent int) {
	for _, c := range comments {
		d.pad(b, indent)
		b.WriteString(trimEnd(c.Text(d.f.Src)))
		b.WriteString(d.eol)
	}
}

func (d *doc) pad(b *strings.Builder, columns int) { writeIndent(b, d.style, columns) }

// writeIndent writes an indent of so many columns.
func writeIndent(b *strings.Builder, style Style, columns int) {
	if style.Tabs {
		for ; columns >= style.Indent; columns -= style.Indent {
			b.WriteByte('\t')
		}
	}
	for ; columns > 0; columns-- {
		b.WriteByte(' ')
	}
}

// tidy cleans the lines inside a piece without touching the text that BuildKit
// makes of them: line endings, white space behind continuation characters and
// comments, blank lines, lines of only a continuation character.
func (d *doc) tidy(sp parse.Span, set func(parse.Span, string)) {
	lines := d.in.Lines
	lines = lines[sort.Search(len(lines), func(i int) bool { return lines[i].End > sp.Start }):]
	for _, line := range lines {
		if line.End >= sp.End {
			return
		}
		inside := line.Start > sp.Start
		switch {
		case inside && line.Kind == parse.BlankLine,
			inside && line.Kind == parse.CodeLine && line.ContAt == line.Start:
			set(line.Span, "")
			continue
		case line.Kind == parse.CodeLine && line.ContAt >= 0:
			set(parse.Span{Start: line.ContAt + 1, End: line.End}, d.eol)
		default:
			n := len(trimEnd(line.Text(d.f.Src)))
			set(parse.Span{Start: line.Start + n, End: line.End}, d.eol)
		}
	}
}
