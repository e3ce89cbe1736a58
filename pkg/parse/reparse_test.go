package parse

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pieces are what random edits insert: whatever can change where an
// instruction, a comment or a directive begins or ends.
var pieces = []string{
	"", "\n", " ", "\\", "\\\n", "#", "# x\n", "\n# x\n", "# escape=`\n", "# syntax=a\n", "RUN a\n", "RUN a && \\\n  b\n", "RUN <<E\nx\nE\n",
	"<<E", "E\n", "\nFROM b AS c\n", "ONBUILD RUN x\n", "\r\n", "`", "x", "RUN \\\n# c\n\n y\n", "\n\n\n", "COPY a b\n", "\t", "\xef\xbb\xbf", "\"", "[\"a\"]",
}

// randomEdits replaces up to four spans of a text. Some spans are blank, whole
// lines or empty.
func randomEdits(rng *rand.Rand, src string) (string, []Replaced) {
	var out strings.Builder
	var rs []Replaced
	pos := 0
	for range 1 + rng.IntN(4) {
		if pos > len(src) {
			break
		}
		start := pos + rng.IntN(len(src)-pos+1)
		if rng.IntN(2) == 0 { // at the start of a line
			if i := strings.IndexByte(src[start:], '\n'); i >= 0 {
				start += i + 1
			}
		}
		end := start
		switch rng.IntN(4) {
		case 0:
			end = min(len(src), start+rng.IntN(6))
		case 1:
			if i := strings.IndexByte(src[start:], '\n'); i >= 0 {
				end = start + i + rng.IntN(2)
			}
		case 2:
			if rng.IntN(4) == 0 {
				end = start + rng.IntN(len(src)-start+1)
			}
		}
		text := pieces[rng.IntN(len(pieces))]
		out.WriteString(src[pos:start])
		out.WriteString(text)
		rs = append(rs, Replaced{Span{start, end}, len(text)})
		pos = end + 1
		if end < len(src) {
			out.WriteByte(src[end])
		}
	}
	if pos < len(src) {
		out.WriteString(src[pos:])
	}
	return out.String(), rs
}

// checkReparse holds Reparse against Parse, and reports whether it needed the
// whole text.
func checkReparse(t *testing.T, f *File, src string, rs []Replaced) (whole bool) {
	t.Helper()
	before := *f
	want, wantErr := Parse([]byte(src))
	whole = f.reparse([]byte(src), rs) == nil
	got, err := f.Reparse([]byte(src), rs)
	if !reflect.DeepEqual(before, *f) {
		t.Fatalf("the tree before was changed by %v", rs)
	}
	if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
		t.Fatalf("error %v, want %v\nbefore: %q\nafter: %q\n%v", err, wantErr, f.Src, src, rs)
	}
	if err == nil && !reflect.DeepEqual(want, got) {
		t.Fatalf("trees differ\nbefore: %q\nafter: %q\n%v\n%s", f.Src, src, rs, cmp.Diff(want, got, cmp.AllowUnexported(File{}, Instruction{}, Logical{}), cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Parent" }, cmp.Ignore())))
	}
	if got, err := f.Update([]byte(src)); (err == nil) != (wantErr == nil) || err == nil && !reflect.DeepEqual(want, got) {
		t.Fatalf("Update differs (%v)\nbefore: %q\nafter: %q", err, f.Src, src)
	}
	return whole
}

// TestReparse edits many Dockerfiles at random.
func TestReparse(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	parts, wholes := 0, 0
	for _, src := range seeds(t) {
		f, err := Parse([]byte(src))
		if err != nil {
			continue
		}
		for range 40 {
			after, rs := randomEdits(rng, string(src))
			if checkReparse(t, f, after, rs) {
				wholes++
			} else {
				parts++
			}
		}
	}
	t.Logf("%d texts parsed in part, %d as a whole", parts, wholes)
	if parts < 5000 || parts < wholes {
		t.Errorf("%d texts parsed in part, %d as a whole: not worth it", parts, wholes)
	}
}

func FuzzReparse(f *testing.F) {
	for _, src := range seeds(f) {
		f.Add(string(src), uint64(1))
	}
	f.Fuzz(func(t *testing.T, src string, seed uint64) {
		file, err := Parse([]byte(src))
		if err != nil {
			t.Skip()
		}
		after, rs := randomEdits(rand.New(rand.NewPCG(seed, 0)), src)
		checkReparse(t, file, after, rs)
	})
}
