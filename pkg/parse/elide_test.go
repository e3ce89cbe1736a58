package parse

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sameTrees holds the tree of a file whose RUN lines were cut for BuildKit's
// parser against the tree of the whole file. It reports whether cuts held.
func sameTrees(t *testing.T, src []byte) bool {
	t.Helper()
	if bytes.IndexByte(src, 0) >= 0 {
		return false
	}
	short := (&File{Src: src, lines: lineStarts(src)}).parseShort()
	if short == nil {
		return false
	}
	whole, err := (&File{Src: src, lines: lineStarts(src)}).parseWhole()
	if err != nil {
		t.Fatalf("only the whole file is refused: %v\n%q", err, src)
	}
	if !reflect.DeepEqual(short, whole) {
		t.Errorf("the trees differ for\n%s\n%s", src, cmp.Diff(whole.AST, short.AST))
	}
	return true
}

const long = "a-command --with=many words that go on and on until the line is long"

func TestElide(t *testing.T) {
	for _, c := range []struct {
		src  string
		cuts bool // whether something can be cut
	}{
		{"FROM a\nRUN " + long + "\n", true},
		{"FROM a\nrun\t " + long + " \\\n  && " + long + "\t\\ \n\n# a comment that is longer than a cut \\\n\n   " + long + "  \nCMD x", true},
		{"# escape=`\nFROM a\nRUN " + long + " `\n && " + long + "\nRUN " + long + " \\\nENV a b\n", false},
		{"FROM a\nRUN " + long + " \\\\\nRUN " + long + " \\\\\\\nENV a=b\n", true},
		{"FROM a\nRUN " + long + "\u00a0\u3000\n", false},
		{"FROM a\nRUN " + long + " \u00a0 x\\\n" + strings.Repeat("\u3000", 9) + "ab\n", true},
		{"FROM a\r\nRUN " + long + " \\\r\n  " + long + "\r\n", true},
		{"FROM a\nLABEL a=" + long + "=1 \\\n\nRUN " + long + "\n", false},
		{"FROM a\nENV a=b \\\nRUN x=" + strings.Repeat("y", 30) + "\n", false},
		{"FROM a\nRUN [\"" + long + "\"]\nRUN --mount=type=cache,target=/" + strings.Repeat("x", 30) + " a\nRUN \\\n" + long + "\n", false},
		{"FROM a\nRUN cat <<EOF " + long + "\nRUN " + long + "\nEOF\nRUN " + long + " <\\\n< " + long + "\n", false},
		{"FROM a\nCOPY <<EOF /x\nRUN " + long + "\nEOF\n", false},
		{"FROM a\nONBUILD RUN " + long + "\n", false},
		{"FROM a\nRUN " + long + " \\\n" + long + " #\\\n" + long + " # x\n", true},
		{"FROM a\nRUN " + long + " \\\n", true},
		{"FROM a\nRUN " + long + " \\", true},
		{"FROM a\nRUN " + long + "\nRUN " + strings.Repeat("x", longLine+1) + "\n", false},
		{"FROM a\nRUN a \\\n" + strings.Repeat("  "+long+" \\\n", longLine/10) + "b\n", true},
		{"FROM a\nRUN a \\\n" + long + " \\\n" + strings.Repeat("x", longLine+1) + " \\\nb\n", false},
	} {
		if got := sameTrees(t, []byte(c.src)); got != c.cuts {
			t.Errorf("cuts hold: %t, want %t, in\n%.300s", got, c.cuts, c.src)
		}
	}
}

// TestElideFiles compares the trees of the Dockerfiles in testdata and, where it is
// at hand, in the corpus.
func TestElideFiles(t *testing.T) {
	n := 0
	for _, root := range []string{"../../testdata", "../transform/testdata", "../../../shared/corpus"} {
		filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil
			}
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if sameTrees(t, src) {
				n++
			}
			return nil
		})
	}
	if n == 0 {
		t.Error("nothing was cut in any file")
	}
}

func FuzzElide(f *testing.F) {
	f.Add([]byte("FROM a\nRUN " + long + " \\\n  && " + long + " \\\n# c\n\n  x\nENV a=b \\\n  RUN y\n"))
	f.Add([]byte("# escape=`\nFROM a\nRUN " + long + " `\n && " + long + " <<E\nE\n"))
	f.Fuzz(func(t *testing.T, src []byte) { sameTrees(t, src) })
}
