package parse

import "sort"

// Logical is the text of an instruction as BuildKit sees it after joining
// continuation lines and dropping comments between them, with a two-way map
// to the source. The map is made of segments that are equal in both texts.
type Logical struct {
	Text string
	segs []Segment
}

// Segment says that N bytes at offset Text of the derived text are the N
// bytes at offset Src of the file.
type Segment struct{ Text, Src, N int }

// NewLogical returns a text with its segments, which must ascend in both
// texts and must not overlap. Package shell uses it for scripts.
func NewLogical(text string, segs []Segment) Logical { return Logical{text, segs} }

// Segments returns the map, ascending.
func (l *Logical) Segments() []Segment { return l.segs }

// Source returns the source offset of the byte at off. At the end of the text
// it is the offset behind the last byte.
func (l *Logical) Source(off int) int {
	i := sort.Search(len(l.segs), func(i int) bool { return l.segs[i].Text > off }) - 1
	// The text may have gaps that stand in no segment (a line ending that
	// only the shell sees): they belong to the end of the segment before.
	if i >= 0 {
		s := l.segs[i]
		return s.Src + min(off-s.Text, s.N)
	}
	if len(l.segs) > 0 {
		return l.segs[0].Src
	}
	return 0
}

// SourceEnd returns the source offset behind the byte at off-1. Where a
// continuation ends at off, this is the end of the line before it and Source
// is the start of the line behind it.
func (l *Logical) SourceEnd(off int) int {
	i := sort.Search(len(l.segs), func(i int) bool { return l.segs[i].Text >= off }) - 1
	if i < 0 {
		return l.Source(off)
	}
	s := l.segs[i]
	return s.Src + min(off-s.Text, s.N)
}

// Span maps the range [lo, hi) of the text to the source. The span covers
// whatever the text left out in between: continuation characters, comments.
func (l *Logical) Span(lo, hi int) Span {
	start := l.Source(lo)
	if hi <= lo {
		return Span{start, start}
	}
	return Span{start, l.SourceEnd(hi)}
}

// Contiguous reports whether [lo, hi) stands in the source without a gap.
func (l *Logical) Contiguous(lo, hi int) bool {
	sp := l.Span(lo, hi)
	return sp.Len() == hi-lo
}

// Offset maps a source offset to the text. ok is false where the source byte
// is not part of the text.
func (l *Logical) Offset(src int) (off int, ok bool) {
	i := sort.Search(len(l.segs), func(i int) bool { return l.segs[i].Src > src }) - 1
	if i < 0 {
		return 0, false
	}
	s := l.segs[i]
	if src < s.Src+s.N {
		return s.Text + src - s.Src, true
	}
	return s.Text + s.N, false
}

// Slice returns the part [lo, hi) of the text with its map.
func (l *Logical) Slice(lo, hi int) Logical {
	out := Logical{Text: l.Text[lo:hi]}
	for _, s := range l.segs {
		a, b := max(s.Text, lo), min(s.Text+s.N, hi)
		if a < b {
			out.segs = append(out.segs, Segment{a - lo, s.Src + a - s.Text, b - a})
		}
	}
	if len(out.segs) == 0 {
		out.segs = []Segment{{0, l.Source(lo), 0}}
	}
	return out
}
