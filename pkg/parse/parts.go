package parse

import (
	"bytes"
	"runtime"
	"sync"
)

// A large file is parsed in parts, on all cores. A part begins where a line
// looks like an instruction and the line before it like the end of one. Whether
// it was is known when the part before it has been parsed: BuildKit's parser
// remembers nothing between two instructions but the escape character, see
// Reparse. Where a guess was wrong, and for every file that the parser refuses,
// the whole file is parsed at once.

const leastPart = 128 << 10 // bytes; smaller parts are not worth it

// parseParts returns nil if the file cannot be parsed in parts.
func (f *File) parseParts() *File {
	starts := f.parts(min(len(f.Src)/leastPart, runtime.GOMAXPROCS(0)))
	if len(starts) < 2 {
		return nil
	}
	const head = "FROM scratch\n"
	files := make([]*File, len(starts))
	var wg sync.WaitGroup
	for i, line := range starts {
		wg.Go(func() {
			src := f.Src[f.lines[line-1]:]
			if i+1 < len(starts) {
				src = f.Src[f.lines[line-1]:f.lines[starts[i+1]-1]]
			}
			if i > 0 {
				src = append([]byte(head), src...)
			}
			g, err := (&File{Src: src, lines: lineStarts(src)}).parsePiece()
			if err != nil {
				return
			}
			last := g.Tiles[len(g.Tiles)-1]
			if g.Escape != '\\' || i+1 < len(starts) && (last.Kind != TileInstruction || last.Instruction.Unfinished()) {
				return
			}
			if i > 0 {
				g.Tiles, g.Instructions = g.Tiles[1:], g.Instructions[1:]
				for _, in := range g.Instructions {
					in.shift(f.lines[line-1]-len(head), line-2)
				}
			}
			files[i] = g
		})
	}
	wg.Wait()
	for _, g := range files {
		if g == nil {
			return nil
		}
	}
	out := files[0]
	out.Src, out.lines = f.Src, f.lines
	out.countEndings()
	for i, g := range files[1:] {
		d := f.lines[starts[i+1]-1] - len(head)
		for _, t := range g.Tiles {
			t.Start, t.End = t.Start+d, t.End+d
			if in := t.Instruction; in != nil {
				in.Index = len(out.Instructions)
			}
			out.put(t)
		}
	}
	out.AST.EndLine = out.Instructions[len(out.Instructions)-1].EndLine
	return out
}

// parts gives the 1-based lines at which up to n parts begin, the first
// included.
func (f *File) parts(n int) []int {
	starts := []int{1}
	for k := 1; k < n; k++ {
		for line := max(len(f.lines)*k/n, starts[len(starts)-1]+1); line < len(f.lines)*(k+1)/n; line++ {
			if f.looksNew(line) {
				starts = append(starts, line)
				break
			}
		}
	}
	return starts
}

// looksNew reports whether an instruction seems to begin at a line, right
// behind the end of another one.
func (f *File) looksNew(line int) bool {
	text := f.Src[f.lines[line-1]:f.lineEnd(line)]
	before := bytes.TrimRight(f.Src[f.lines[line-2]:f.lines[line-1]], "\r\n")
	word, rest, _ := bytes.Cut(text, []byte(" "))
	for _, c := range word {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	if first := bytes.TrimSpace(before); len(word) == 0 || len(rest) == 0 || len(first) == 0 || first[0] == '#' {
		return false
	}
	_, more := contAt(before, '\\')
	return !more
}
