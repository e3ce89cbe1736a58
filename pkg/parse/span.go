package parse

import "sort"

// Span is a half-open range [Start, End) of byte offsets in File.Src.
type Span struct{ Start, End int }

// Len is the length of the span in bytes.
func (s Span) Len() int { return s.End - s.Start }

// Empty reports whether the span has no bytes.
func (s Span) Empty() bool { return s.End <= s.Start }

// Contains reports whether o lies wholly within s.
func (s Span) Contains(o Span) bool { return s.Start <= o.Start && o.End <= s.End }

// Overlaps reports whether s and o share at least one byte.
func (s Span) Overlaps(o Span) bool { return s.Start < o.End && o.Start < s.End }

// Text returns the bytes of the span in src.
func (s Span) Text(src []byte) string { return string(src[s.Start:s.End]) }

// Position is a place in a file for people: Line and Col are 1-based, Col
// counts bytes.
type Position struct{ Line, Col int }

// lineStarts returns the offset of the first byte of each line. A line ends
// after "\n", as BuildKit splits lines; "\r" is part of the line.
func lineStarts(src []byte) []int {
	n := 1
	for _, c := range src {
		if c == '\n' {
			n++
		}
	}
	starts := make([]int, 1, n+1)
	for i, c := range src {
		if c == '\n' && i+1 < len(src) {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// Position returns the line and column of byte offset off.
func (f *File) Position(off int) Position {
	i := sort.Search(len(f.lines), func(i int) bool { return f.lines[i] > off }) - 1
	if i < 0 {
		return Position{1, 1}
	}
	return Position{i + 1, off - f.lines[i] + 1}
}

// Line returns the span of a 1-based line, its line ending included. A line
// past the end of the file gives an empty span there.
func (f *File) Line(line int) Span {
	if line < 1 || line > len(f.lines) {
		return Span{len(f.Src), len(f.Src)}
	}
	return Span{f.lines[line-1], f.lineEnd(line)}
}

// LineCount is the number of lines in the file.
func (f *File) LineCount() int { return len(f.lines) }

// lineEnd is the offset behind the last byte of a 1-based line, its line
// ending included.
func (f *File) lineEnd(line int) int {
	if line < len(f.lines) {
		return f.lines[line]
	}
	return len(f.Src)
}
