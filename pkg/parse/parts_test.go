package parse

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// TestParts holds the tree of a file that was parsed in parts against the tree
// of the whole file.
func TestParts(t *testing.T) {
	all := seeds(t)
	rng := rand.New(rand.NewPCG(3, 4))
	inParts := 0
	for i, tail := range []string{"\n", "RUN x", "RUN a \\\n", "RUN <<E\n", "# the end\n\n"} {
		var b bytes.Buffer
		b.WriteString("# syntax=docker/dockerfile:1\n\n# a comment\n")
		for b.Len() < 2*leastPart {
			b.Write(bytes.TrimRight(all[rng.IntN(len(all))], "\n\\` "))
			b.WriteByte('\n')
		}
		b.WriteString(tail)
		for _, src := range [][]byte{b.Bytes(), bytes.ReplaceAll(b.Bytes(), []byte("\n"), []byte("\r\n")), append([]byte("\xef\xbb\xbf"), b.Bytes()...)}[:max(1, 3-2*i)] {
			if bytes.IndexByte(src, 0) >= 0 {
				continue
			}
			parts := (&File{Src: src, lines: lineStarts(src)}).parseParts()
			whole, err := (&File{Src: src, lines: lineStarts(src)}).parseWhole()
			if parts == nil {
				continue
			}
			inParts++
			if err != nil {
				t.Fatalf("only the whole file is refused: %v", err)
			}
			if !reflect.DeepEqual(whole, parts) {
				t.Fatalf("trees differ with %q at the end", tail)
			}
		}
	}
	t.Logf("%d files parsed in parts", inParts)
	// What looks like the start of an instruction and is none.
	for _, src := range []string{
		"FROM a\nRUN <<EOF\n" + strings.Repeat("RUN b\n", leastPart/2) + "EOF\n",
		"FROM a\nCOPY <<EOF /x\n" + strings.Repeat("RUN b\n", leastPart/2) + "EOF\nRUN c\n",
		"# escape=`\nFROM a\n" + strings.Repeat("RUN b `\nRUN c\n", leastPart/4),
	} {
		f := &File{Src: []byte(src), lines: lineStarts([]byte(src))}
		parts := f.parseParts()
		whole, err := f.parseWhole()
		if err != nil || parts != nil && !reflect.DeepEqual(whole, parts) {
			t.Errorf("%.30q…: trees differ (%v)", src, err)
		}
	}
	if inParts < 5 {
		t.Errorf("only %d files were parsed in parts", inParts)
	}
}
