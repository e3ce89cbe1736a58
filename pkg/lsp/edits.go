package lsp

import (
	"bytes"
	"unicode/utf8"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
)

// minimalEdits returns small edits that turn before into after, so that an
// editor keeps cursor, marks and folds. escape is the file's continuation
// character.
func minimalEdits(before, after []byte, escape byte) []emit.Edit {
	if bytes.Equal(before, after) {
		return nil
	}
	if edits, ok := layoutEdits(before, after, escape); ok {
		return edits
	}
	edits := lineEdits(before, after)
	if got, err := emit.Apply(before, edits); err == nil && bytes.Equal(got, after) {
		return edits
	}
	return []emit.Edit{trim(before, emit.Edit{Span: parse.Span{Start: 0, End: len(before)}, New: string(after)})}
}

// layoutEdits compares two texts that differ in white space, continuation
// characters and the case of letters only, as a text and its layout do: it
// walks over both in step, in linear time, and edits only the gaps that
// differ. ok is false if the texts differ in something else.
func layoutEdits(before, after []byte, escape byte) (edits []emit.Edit, ok bool) {
	i, j := 0, 0
	for {
		i2, j2 := i+gap(before[i:], escape), j+gap(after[j:], escape)
		if !bytes.Equal(before[i:i2], after[j:j2]) {
			edits = append(edits, trim(before, emit.Edit{Span: parse.Span{Start: i, End: i2}, New: string(after[j:j2])}))
		}
		i, j = i2, j2
		if i == len(before) || j == len(after) {
			return edits, i == len(before) && j == len(after)
		}
		if before[i] != after[j] {
			// A keyword in the other case: one edit for all of it.
			n := letters(before[i:])
			if n == 0 || n != letters(after[j:]) || !bytes.EqualFold(before[i:i+n], after[j:j+n]) {
				return nil, false
			}
			edits = append(edits, emit.Edit{Span: parse.Span{Start: i, End: i + n}, New: string(after[j : j+n])})
			i, j = i+n, j+n
			continue
		}
		i, j = i+1, j+1
	}
}

// gap is the number of bytes of white space and continuations at the start of b.
func gap(b []byte, escape byte) int {
	n := 0
	for n < len(b) {
		switch c := b[n]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			n++
		case c == escape:
			rest := bytes.TrimLeft(b[n+1:], " \t\r")
			if len(rest) == 0 || rest[0] != '\n' {
				return n
			}
			n = len(b) - len(rest)
		default:
			return n
		}
	}
	return n
}

func letters(b []byte) int {
	n := 0
	for n < len(b) && (b[n]|0x20 >= 'a' && b[n]|0x20 <= 'z') {
		n++
	}
	return n
}

// lineEdits is the line diff of two texts, each edit cut to the bytes that
// really differ.
func lineEdits(before, after []byte) []emit.Edit {
	old, next := starts(before), starts(after)
	var edits []emit.Edit
	for _, h := range emit.DiffLines(before, after) {
		edits = append(edits, trim(before, emit.Edit{
			Span: parse.Span{Start: old[h.OldStart], End: old[h.OldEnd]},
			New:  string(after[next[h.NewStart]:next[h.NewEnd]]),
		}))
	}
	return edits
}

// starts returns the offset of each line of emit.Lines, and the text's length.
func starts(src []byte) []int {
	out := []int{0}
	for _, l := range emit.Lines(src) {
		out = append(out, out[len(out)-1]+len(l))
	}
	return out
}

// trim cuts what an edit does not change off both of its ends, without
// splitting a character or a "\r\n".
func trim(src []byte, e emit.Edit) emit.Edit {
	old, next := src[e.Start:e.End], []byte(e.New)
	front := 0
	for front < len(old) && front < len(next) && old[front] == next[front] {
		front++
	}
	for front > 0 && (inside(old, front) || inside(next, front)) {
		front--
	}
	back := 0
	for back < len(old)-front && back < len(next)-front && old[len(old)-1-back] == next[len(next)-1-back] {
		back++
	}
	for back > 0 && (inside(old, len(old)-back) || inside(next, len(next)-back)) {
		back--
	}
	return emit.Edit{Span: parse.Span{Start: e.Start + front, End: e.End - back}, New: e.New[front : len(next)-back]}
}

// inside reports whether offset i is within a character or between "\r" and
// "\n".
func inside(b []byte, i int) bool {
	if i >= len(b) || i == 0 {
		return false
	}
	return !utf8.RuneStart(b[i]) || b[i] == '\n' && b[i-1] == '\r'
}
