package parse

import (
	"bytes"
	"slices"
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// BuildKit's parser matches a regular expression against every byte of every
// line to find the continuation character at its end; that is two thirds of
// its time. In the words of a plain RUN command it reads nothing else than
// where they end. So it is given the file with the middle of such lines cut
// out, and a comment for each line between the first and the last of a command;
// it decides as before what is a comment, a directive or an instruction. What
// was cut is then put back into its nodes. Each node is compared with the lines
// that it was made of, less the cuts. Where that fails, and for every file that
// the parser refuses, the whole file is parsed.

const (
	leastCut = 4         // shorter cuts are not worth it
	longLine = 60 * 1024 // files with such a long line are not cut: BuildKit limits it
)

// cut is a part [at, at+n) of the source that BuildKit's parser is not given.
// A whole line leaves a number sign: the parser skips it, and counts it.
type cut struct {
	at, n int
	line  bool
}

// parseShort parses the file with its RUN lines cut. It returns nil if nothing
// can be cut, BuildKit refuses the file, or a cut was in a wrong place.
func (f *File) parseShort() *File {
	short, cuts := f.elide()
	if len(cuts) == 0 {
		return nil
	}
	res, err := parser.Parse(bytes.NewReader(short))
	if err != nil {
		return nil
	}
	g := &File{Src: f.Src, lines: f.lines, cuts: cuts, mended: true}
	g.read(res)
	if !g.mended || len(g.cuts) > 0 {
		return nil
	}
	g.cuts, g.mended = nil, false
	return g
}

// elide returns the source without what may be cut, and the cuts in order.
func (f *File) elide() ([]byte, []cut) {
	var cuts []cut
	for line := 1; line <= len(f.lines); {
		first, from, start := line, len(cuts), f.lines[line-1]
		head, more := f.plainRun(line)
		for head++; more && line <= len(f.lines); line++ {
			var c cut
			if c, more = f.cutLine(line, head); c.n > 0 {
				cuts = append(cuts, c)
			}
			head = 0
		}
		line = max(line, first+1)
		text := f.Src[start:f.lineEnd(line-1)]
		if len(text) > longLine && slices.ContainsFunc(f.lines[first-1:line-1], func(at int) bool { return bytes.IndexByte(f.Src[at:min(at+longLine, len(f.Src))], '\n') < 0 }) {
			return f.Src, nil
		}
		if len(cuts) > from && bytes.IndexByte(text, '<') >= 0 && f.mayOpen(first, line, cuts[from:]) {
			cuts = cuts[:from]
		}
	}
	if len(cuts) == 0 {
		return f.Src, nil
	}
	return without(make([]byte, 0, len(f.Src)), f.Src, 0, len(f.Src), cuts), cuts
}

// without appends the bytes [pos, end) of the source without the cuts.
func without(out, src []byte, pos, end int, cuts []cut) []byte {
	for _, c := range cuts {
		out = append(out, src[pos:c.at]...)
		if c.line {
			out = append(out, '#')
		}
		pos = c.at + c.n
	}
	return append(out, src[pos:end]...)
}

// mayOpen reports whether the lines [first, line) might open a here-document,
// before or after the cuts.
func (f *File) mayOpen(first, line int, cuts []cut) bool {
	var joined []byte
	for n := first; n < line; n++ {
		body := bytes.TrimRight(f.Src[f.lines[n-1]:f.lineEnd(n)], "\r\n")
		if at, ok := contAt(body, '\\'); ok {
			body = body[:at]
		}
		joined = append(joined, body...) // comments, too: they do no harm
	}
	return bytes.Contains(joined, []byte("<<")) ||
		bytes.IndexByte(without(nil, f.Src, f.lines[first-1], f.lineEnd(line-1), cuts), '<') >= 0
}

// plainRun reports whether a line looks like RUN with a command on the same
// line: no flag, no JSON, no continuation character. args is where the command
// starts, from the start of the line.
func (f *File) plainRun(line int) (args int, ok bool) {
	text := f.Src[f.lines[line-1]:f.lineEnd(line)]
	blanks := func(i int) int {
		for i < len(text) && (text[i] == ' ' || text[i] == '\t') {
			i++
		}
		return i
	}
	i := blanks(0)
	if i+3 >= len(text) || text[i]|0x20 != 'r' || text[i+1]|0x20 != 'u' || text[i+2]|0x20 != 'n' {
		return 0, false
	}
	args = blanks(i + 3)
	if args == i+3 || args == len(text) {
		return 0, false
	}
	c := text[args]
	return args, c > ' ' && c < 0x7f && strings.IndexByte("-[\\`", c) < 0
}

// cutLine gives the part of a line that may be cut, if any, and whether the
// line seems to go on. Of the first line of an instruction head bytes stay; of
// the others, where head is 0, only the end.
func (f *File) cutLine(line, head int) (c cut, more bool) {
	start := f.lines[line-1]
	body := bytes.TrimRight(f.Src[start:f.lineEnd(line)], "\r\n")
	if head == 0 {
		if text := bytes.TrimLeftFunc(body, unicode.IsSpace); len(text) == 0 || text[0] == '#' {
			return cut{}, true
		}
	}
	_, more = contAt(body, '\\')
	if more && head == 0 && line < len(f.lines) {
		return cut{start, len(body), true}, true
	}
	// The two bytes before trailing blanks stay: they decide whether the line
	// goes on. What is left must not look like a comment or a blank line.
	end := len(bytes.TrimRight(body, " \t")) - 2
	if end-head < leastCut {
		return cut{}, more
	}
	a, b := body[end], body[end+1]
	if a == '#' || a >= 0x80 || b == '#' || b <= ' ' || b >= 0x7f {
		return cut{}, more
	}
	return cut{start + head, end - head, false}, more
}

// takeCuts returns the cuts before end, and removes them from the list.
func (f *File) takeCuts(end int) []cut {
	n := 0
	for n < len(f.cuts) && f.cuts[n].at < end {
		n++
	}
	out := f.cuts[:n:n]
	f.cuts = f.cuts[n:]
	return out
}

// restore puts what was cut back into the node of a RUN, if the node is what
// BuildKit makes of its lines less the cuts.
func (in *Instruction) restore(src []byte, cuts []cut) bool {
	node := in.Node
	if in.Name != "RUN" || len(node.Flags) > 0 || len(node.Heredocs) > 0 || node.Attributes != nil || node.Next == nil || node.Next.Next != nil {
		return false
	}
	short, same := node.Original, true
	part := func(lo, hi int) { // of the source, is next in the line
		n := hi - lo
		if same = same && n <= len(short) && short[:n] == string(src[lo:hi]); same {
			short = short[n:]
		}
	}
	for _, s := range in.Logical.segs {
		pos, end := s.Src, s.Src+s.N
		for len(cuts) > 0 && cuts[0].line && cuts[0].at+cuts[0].n <= pos {
			cuts = cuts[1:] // nothing but the continuation character
		}
		if len(cuts) > 0 && cuts[0].line && cuts[0].at == pos {
			cuts = cuts[1:]
			continue
		}
		for len(cuts) > 0 && cuts[0].at >= pos && cuts[0].at+cuts[0].n <= end {
			part(pos, cuts[0].at)
			pos = cuts[0].at + cuts[0].n
			cuts = cuts[1:]
		}
		part(pos, end)
	}
	if len(cuts) > 0 || !same || short != "" {
		return false
	}
	// The arguments are the rest of the trimmed line, unread: see
	// parseMaybeJSON in BuildKit's line_parsers.go.
	trimmed := strings.TrimSpace(node.Original)
	args := len(trimmed) - len(node.Next.Value)
	if args < 4 || trimmed[args:] != node.Next.Value || !strings.HasPrefix(in.Logical.Text, node.Original[:args+1]) {
		return false
	}
	node.Original = in.Logical.Text
	node.Next = &parser.Node{Value: strings.TrimSpace(node.Original)[args:]}
	return true
}
