package parse

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// seeds returns the Dockerfiles of all golden cases.
func seeds(tb testing.TB) [][]byte {
	tb.Helper()
	var out [][]byte
	for _, glob := range []string{"../../testdata/fix/*/*.txtar", "../../testdata/fmt/*.txtar", "../../testdata/fmt/*/*.txtar"} {
		paths, err := filepath.Glob(glob)
		if err != nil {
			tb.Fatal(err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				tb.Fatal(err)
			}
			for _, f := range txtar.Parse(data).Files {
				if strings.HasPrefix(f.Name, "Dockerfile") || f.Name == "want" {
					out = append(out, f.Data)
				}
			}
		}
	}
	if len(out) < 40 {
		tb.Fatalf("only %d Dockerfiles among the golden cases", len(out))
	}
	return out
}

// invariants are what holds for every tree.
func invariants(t *testing.T, f *File) {
	t.Helper()
	pos := 0
	for _, tile := range f.Tiles {
		if tile.Start != pos || tile.End <= tile.Start {
			t.Fatalf("tile %v does not follow byte %d", tile.Span, pos)
		}
		pos = tile.End
	}
	if pos != len(f.Src) {
		t.Fatalf("the tiles end at %d of %d", pos, len(f.Src))
	}
	if len(f.Instructions) != len(f.AST.Children) {
		t.Fatalf("%d instructions, BuildKit has %d", len(f.Instructions), len(f.AST.Children))
	}
	for _, in := range f.Instructions {
		if in.Logical.Text != in.Node.Original {
			t.Fatalf("line %d: logical line %q, BuildKit has %q", in.StartLine, in.Logical.Text, in.Node.Original)
		}
		for _, s := range in.Logical.Segments() {
			if got, want := string(f.Src[s.Src:s.Src+s.N]), in.Logical.Text[s.Text:s.Text+s.N]; got != want {
				t.Fatalf("line %d: segment %v is %q in the source and %q in the line", in.StartLine, s, got, want)
			}
		}
		for i := range in.Logical.Text {
			src := in.Logical.Source(i)
			if f.Src[src] != in.Logical.Text[i] {
				t.Fatalf("line %d: offset %d maps to another byte", in.StartLine, i)
			}
			if back, ok := in.Logical.Offset(src); !ok || back != i {
				t.Fatalf("line %d: offset %d maps back to %d", in.StartLine, i, back)
			}
			if end := in.Logical.SourceEnd(i + 1); end != src+1 {
				t.Fatalf("line %d: SourceEnd(%d) = %d, want %d", in.StartLine, i+1, end, src+1)
			}
		}
		if in.Form == Opaque && in.OpaqueCause == "" {
			t.Fatalf("line %d: opaque without a cause", in.StartLine)
		}
	}
}

func TestInvariants(t *testing.T) {
	for _, src := range seeds(t) {
		for _, v := range [][]byte{
			src,
			bytes.ReplaceAll(src, []byte("\n"), []byte("\r\n")),
			append([]byte("\xef\xbb\xbf"), src...),
			bytes.TrimRight(src, "\n"),
		} {
			f, err := Parse(v)
			if err != nil {
				continue // what BuildKit refuses is TestErrors' business
			}
			invariants(t, f)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, src := range seeds(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		in := bytes.Clone(src)
		file, err := Parse(in)
		if !bytes.Equal(in, src) {
			t.Fatal("Parse modified its input")
		}
		if err == nil {
			invariants(t, file)
		}
	})
}

// tokens renders an instruction's tokens for comparison.
func tokens(in *Instruction) []string {
	out := []string{in.Name, in.Form.String()}
	for _, fl := range in.Flags {
		out = append(out, "flag "+fl.Name+"="+fl.Arg)
	}
	for _, w := range in.Words {
		out = append(out, w.Value)
	}
	for _, p := range in.Pairs {
		out = append(out, p.Key.Value+" = "+p.Value.Value)
	}
	for _, h := range in.Heredocs {
		out = append(out, "heredoc "+h.Name+" at "+h.Opener.Value)
	}
	for range in.Comments {
		out = append(out, "comment")
	}
	if in.Child != nil {
		out = append(out, tokens(in.Child)...)
	}
	return out
}

func TestTokens(t *testing.T) {
	for _, c := range []struct {
		src  string
		want []string
	}{
		{"FROM --platform=$BUILDPLATFORM a AS b", []string{"FROM", "words", "flag platform=$BUILDPLATFORM", "a", "AS", "b"}},
		{"FROM \\\n  a", []string{"FROM", "words", "a"}},
		{"FR\\\nOM a", []string{"FROM", "words", "a"}},
		{"COPY [\"a b\", \"c\"]", []string{"COPY", "exec", "a b", "c"}},
		{"COPY --from=x --chown=1:1 a b\tc", []string{"COPY", "words", "flag from=x", "flag chown=1:1", "a", "b", "c"}},
		{"RUN --mount=type=cache,id=\"my id\",target=/c a --b", []string{"RUN", "shell", "flag mount=type=cache,id=my id,target=/c", "a --b"}},
		{"RUN -- a", []string{"RUN", "shell", "a"}},
		{"RUN --mount=type=ssh \\\n  # why\n  --network=none \\\n  a", []string{"RUN", "shell", "flag mount=type=ssh", "flag network=none", "a", "comment"}},
		{"RUN [\"a\", \"b \\\" c\"]", []string{"RUN", "exec", "a", "b \" c"}},
		{"RUN ['a']", []string{"RUN", "shell", "['a']"}},
		{"ENV a=b c=\"d e\" f='g h'", []string{"ENV", "pairs", "a = b", "c = \"d e\"", "f = 'g h'"}},
		{"ENV a b  c", []string{"ENV", "legacy pair", "a = b  c"}},
		{"ENV a=b\\ c", []string{"ENV", "pairs", "a = b\\ c"}},
		{"LABEL a=b \\\n\n  c=d", []string{"LABEL", "pairs", "a = b", "c = d"}},
		{"ARG a b=c", []string{"ARG", "words", "a", "b=c"}},
		{"HEALTHCHECK --interval=5s CMD [\"a\"]", []string{"HEALTHCHECK", "exec", "flag interval=5s", "CMD", "a"}},
		{"HEALTHCHECK CMD a b", []string{"HEALTHCHECK", "shell", "CMD", "a b"}},
		{"HEALTHCHECK NONE", []string{"HEALTHCHECK", "words", "NONE"}},
		{"ONBUILD RUN a \\\n b", []string{"ONBUILD", "compound", "RUN", "shell", "a  b"}},
		{"ONBUILD COPY <<E /x\nq\nE", []string{"ONBUILD", "compound", "heredoc E at <<E", "COPY", "words", "<<E", "/x", "heredoc E at <<E"}},
		{"RUN cat <<A <<-'B' > /x\n1\nA\n2\n\tB", []string{"RUN", "shell", "cat <<A <<-'B' > /x", "heredoc A at <<A", "heredoc B at <<-'B'"}},
		{"WORKDIR /a b ", []string{"WORKDIR", "string", "/a b"}},
		{"FOO bar", []string{"FOO", "opaque"}},
		{"VOLUME /a /b", []string{"VOLUME", "words", "/a", "/b"}},
	} {
		f, err := Parse([]byte(c.src))
		if err != nil {
			t.Errorf("%q: %v", c.src, err)
			continue
		}
		if diff := cmp.Diff(c.want, tokens(f.Instructions[0])); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.src, diff)
		}
	}
}

func TestEscapeDirective(t *testing.T) {
	f, err := Parse([]byte("# syntax=docker/dockerfile:1\n# escape=`\n# comment\nFROM a\nCOPY a `\n  C:\\b\\\nRUN c\n"))
	if err != nil {
		t.Fatal(err)
	}
	if f.Escape != '`' || len(f.Directives) != 2 || len(f.Instructions) != 3 {
		t.Fatalf("escape %q, directives %v, %d instructions", f.Escape, f.Directives, len(f.Instructions))
	}
	if got := f.Instructions[1].Words[1].Value; got != `C:\b\` {
		t.Errorf("destination %q", got)
	}
	if len(f.Instructions[0].Lead) != 1 {
		t.Errorf("lead comments %v", f.Instructions[0].Lead)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		src  string
		line int
	}{
		{"", 1},
		{"FROM a\nRUN <<EOF\nx", 2},
		{"FROM a\nENV a=b c\n", 2},
		{"FROM a\nRUN a\x00b\n", 2},
		{"FROM a\n\nRUN " + strings.Repeat("x", 70000), 3},
	} {
		_, err := Parse([]byte(c.src))
		pe, ok := err.(*Error)
		if !ok {
			t.Errorf("%.20q: error %v is no *Error", c.src, err)
			continue
		}
		if pe.Line != c.line {
			t.Errorf("%.20q: line %d, want %d (%v)", c.src, pe.Line, c.line, pe)
		}
	}
}

func TestPosition(t *testing.T) {
	f, err := Parse([]byte("FROM a\nRUN b\n"))
	if err != nil {
		t.Fatal(err)
	}
	for off, want := range map[int]Position{0: {1, 1}, 6: {1, 7}, 7: {2, 1}, 11: {2, 5}, 13: {2, 7}} {
		if got := f.Position(off); got != want {
			t.Errorf("Position(%d) = %v, want %v", off, got, want)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	var files [][]byte
	n := 0
	for _, s := range seeds(b) {
		if _, err := Parse(s); err == nil {
			files = append(files, s)
			n += len(s)
		}
	}
	b.SetBytes(int64(n))
	b.ReportAllocs()
	for b.Loop() {
		for _, s := range files {
			if _, err := Parse(s); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkParseGrowth shows how time grows with the size: the throughput must
// stay level.
func BenchmarkParseGrowth(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		src := []byte("FROM a\n" + strings.Repeat("RUN apt-get update && \\\n    # why\n    apt-get install -y curl\n", n))
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				if _, err := Parse(src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
