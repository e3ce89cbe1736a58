package lsp

import (
	"bytes"
	"sort"
	"unicode/utf8"

	"github.com/refit-dev/refit/pkg/emit"
)

// encoding is the unit in which the client counts characters of a line.
type encoding string

// The encodings of the protocol.
const (
	utf8Units  encoding = "utf-8"
	utf16Units encoding = "utf-16"
	utf32Units encoding = "utf-32"
)

// negotiate picks an encoding from the client's list: bytes if it offers them,
// UTF-16 code units, which every client knows, if it says nothing.
func negotiate(offered []string) encoding {
	for _, want := range []encoding{utf8Units, utf16Units, utf32Units} {
		for _, o := range offered {
			if encoding(o) == want {
				return want
			}
		}
	}
	return utf16Units
}

// text is an immutable document text with its line index.
//
// Lines end at "\n" only. The specification counts a lone "\r" as an end of
// line too, but no editor does: they convert it when they load a file, or show
// it as a character within the line.
type text struct {
	src   []byte
	lines []int // offset of each line's first byte; the first is 0
	enc   encoding
}

func newText(src []byte, enc encoding) *text {
	t := &text{src: src, enc: enc, lines: make([]int, 1, bytes.Count(src, []byte{'\n'})+1)}
	for i, c := range src {
		if c == '\n' {
			t.lines = append(t.lines, i+1)
		}
	}
	return t
}

// lineSpan returns the offsets of a 0-based line's first byte and of its end
// without the line ending.
func (t *text) lineSpan(line int) (start, end int) {
	start, end = t.lines[line], len(t.src)
	if line+1 < len(t.lines) {
		end = t.lines[line+1] - 1
		if end > start && t.src[end-1] == '\r' {
			end--
		}
	}
	return start, end
}

// offset returns the byte offset of a position. What lies outside the text is
// moved to the nearest place inside, as the specification asks for characters;
// a position inside a character gives the character's start.
func (t *text) offset(p position) int {
	if p.Line < 0 {
		return 0
	}
	if p.Line >= len(t.lines) {
		return len(t.src)
	}
	start, end := t.lineSpan(p.Line)
	line := t.src[start:end]
	left := max(p.Character, 0)
	if t.enc == utf8Units {
		left = min(left, len(line))
		for left > 0 && left < len(line) && !utf8.RuneStart(line[left]) {
			left--
		}
		return start + left
	}
	off := 0
	for off < len(line) && left > 0 {
		r, n := utf8.DecodeRune(line[off:])
		if left -= t.units(r); left < 0 {
			break
		}
		off += n
	}
	return start + off
}

// units is the length of a character in the encoding, which is not UTF-8.
func (t *text) units(r rune) int {
	if t.enc == utf16Units && r > 0xFFFF {
		return 2
	}
	return 1
}

// position returns the position of a byte offset.
func (t *text) position(off int) position {
	off = min(max(off, 0), len(t.src))
	line := sort.Search(len(t.lines), func(i int) bool { return t.lines[i] > off }) - 1
	before := t.src[t.lines[line]:off]
	n := len(before)
	if t.enc != utf8Units {
		n = 0
		for len(before) > 0 {
			r, size := utf8.DecodeRune(before)
			n += t.units(r)
			before = before[size:]
		}
	}
	return position{line, n}
}

func (t *text) rangeOf(start, end int) textRange {
	return textRange{t.position(start), t.position(end)}
}

// change returns the text after a content change.
func (t *text) change(c contentChange) *text {
	if c.Range == nil {
		return newText([]byte(c.Text), t.enc)
	}
	start, end := t.offset(c.Range.Start), t.offset(c.Range.End)
	if end < start {
		start, end = end, start
	}
	src := make([]byte, 0, len(t.src)-(end-start)+len(c.Text))
	src = append(src, t.src[:start]...)
	src = append(src, c.Text...)
	src = append(src, t.src[end:]...)
	return newText(src, t.enc)
}

// textEdits puts edits of the text's bytes into the protocol's form, in
// order of position.
func (t *text) textEdits(edits []emit.Edit) []textEdit {
	out := make([]textEdit, 0, len(edits))
	for _, e := range edits {
		out = append(out, textEdit{Range: t.rangeOf(e.Start, e.End), NewText: e.New})
	}
	return out
}
