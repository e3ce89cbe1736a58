package emit

import (
	"bytes"
	"sort"
	"unicode/utf8"
)

// Places converts offsets in a text to places.
type Places struct {
	src    []byte
	starts []int
}

// NewPlaces prepares a text.
func NewPlaces(src []byte) *Places {
	p := &Places{src: src, starts: []int{0}}
	for i, c := range src {
		if c == '\n' {
			p.starts = append(p.starts, i+1)
		}
	}
	return p
}

// At gives the place of an offset.
func (p *Places) At(off int) Place {
	i := sort.Search(len(p.starts), func(i int) bool { return p.starts[i] > off }) - 1
	head := p.src[p.starts[i]:off]
	pl := Place{Offset: off, Line: i + 1, Col: len(head) + 1, Char: len(head) + 1}
	if utf8.Valid(head) {
		pl.Char = utf8.RuneCount(head) + 1
	}
	return pl
}

// LineCol gives the place of a line and a column in bytes, both 1-based.
func (p *Places) LineCol(line, col int) Place {
	if line < 1 || line > len(p.starts) {
		return Place{}
	}
	off := p.starts[line-1] + max(col, 1) - 1
	return p.At(min(off, len(p.src)))
}

// HunkFix is a hunk of the difference of two texts as a replacement in the
// old one. The lines are those of the hunk, [OldStart, OldEnd), 0-based.
type HunkFix struct {
	Hunk
	Replacement
}

// Fixes returns the replacements, in order, that turn old into new: one for
// each run of lines that differ. They begin and end within lines that exist,
// so that review tools can show them: the line ending that both sides have is
// left out.
func Fixes(old, new []byte) []HunkFix {
	a, b := Lines(old), Lines(new)
	hunks := diffLines(a, b)
	places := NewPlaces(old)
	offsets := func(lines [][]byte) []int {
		out := make([]int, len(lines)+1)
		for i, l := range lines {
			out[i+1] = out[i] + len(l)
		}
		return out
	}
	oa, ob := offsets(a), offsets(b)
	var out []HunkFix
	for _, h := range hunks {
		from, to := oa[h.OldStart], oa[h.OldEnd]
		text := new[ob[h.NewStart]:ob[h.NewEnd]]
		gone := old[from:to]
		switch {
		case bytes.HasSuffix(gone, []byte("\n")) && bytes.HasSuffix(text, []byte("\n")):
			to--
			text = text[:len(text)-1]
		case from == to && to == len(old) && bytes.HasSuffix(old, []byte("\n")) && bytes.HasSuffix(text, []byte("\n")):
			// An insertion behind the last line: at its end instead.
			from, to = from-1, to-1
			text = append([]byte("\n"), text[:len(text)-1]...)
		case len(text) == 0 && to == len(old) && from > 0 && bytes.HasSuffix(gone, []byte("\n")):
			// A deletion of the last lines: from the end of the line before.
			from, to = from-1, to-1
		}
		out = append(out, HunkFix{h, Replacement{places.At(from), places.At(to), string(text)}})
	}
	return out
}
