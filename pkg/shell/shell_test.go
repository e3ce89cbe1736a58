package shell

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/parse"
)

func TestOf(t *testing.T) {
	for _, c := range []struct {
		argv string
		want Shell
	}{
		{"/bin/sh -c", Shell{Lang: POSIX}},
		{"/bin/bash -o pipefail -c", Shell{Lang: Bash, PipeFail: true}},
		{"/bin/bash -exo pipefail -c", Shell{Lang: Bash, ErrExit: true, PipeFail: true}},
		{"bash -euo pipefail -c", Shell{Lang: Bash, ErrExit: true, NoUnset: true, PipeFail: true}},
		{"/usr/bin/env bash -c", Shell{Lang: Bash}},
		{"/bin/bash --login -c", Shell{Lang: Bash, Login: true}},
		{"/bin/ash -eo pipefail -c", Shell{Lang: POSIX, ErrExit: true, PipeFail: true}},
		{"bash -f -c", Shell{Lang: Bash, Other: true}},
		{"/bin/bash", Shell{}},
		{"/bin/bash -c x", Shell{}},
		{"/bin/bash script", Shell{}},
		{"cmd /S /C", Shell{}},
		{"powershell -Command", Shell{}},
		{"/usr/bin/fish -c", Shell{}},
		{"python3 -c", Shell{}},
	} {
		argv := strings.Fields(c.argv)
		c.want.Argv = argv
		if diff := cmp.Diff(c.want, Of(argv)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.argv, diff)
		}
	}
}

// script returns the script of the last instruction of a Dockerfile.
func script(t *testing.T, src string) (*parse.File, *Script) {
	t.Helper()
	f, err := parse.Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	in := f.Instructions[len(f.Instructions)-1]
	if in.Child != nil {
		in = in.Child
	}
	return f, New(f, in, DefaultLinux())
}

func TestScript(t *testing.T) {
	for _, c := range []struct {
		src, text string
		kind      Kind
		lang      Lang
	}{
		{"FROM a\nRUN --mount=type=ssh a \\\n  # c\n  b", "a   b", Line, POSIX},
		{"FROM a\nRUN <<EOF\na\nb\nEOF\n", "a\nb\n", Body, POSIX},
		{"FROM a\nRUN <<-EOF\n\ta\n\t\tb\n\tEOF\n", "a\nb\n", Body, POSIX},
		{"FROM a\nRUN <<EOF\n#!/usr/bin/env bash\na\nEOF\n", "#!/usr/bin/env bash\na\n", Body, Bash},
		{"FROM a\nRUN <<EOF\n#!/usr/bin/python3\na\nEOF\n", "#!/usr/bin/python3\na\n", Body, None},
		{"FROM a\nRUN cat <<A <<B && c\n1\nA\n2\nB\n", "cat <<A <<B && c\n1\nA\n2\nB", Heredocs, POSIX},
		{"FROM a\nRUN <<EOF python3\nx\nEOF\n", "<<EOF python3\nx\nEOF", Heredocs, POSIX},
		{"FROM a\nHEALTHCHECK CMD a || b", "a || b", Line, POSIX},
		{"FROM a\nONBUILD RUN a \\\n b", "a  b", Line, POSIX},
		{"FROM a\nCMD a b", "a b", Line, POSIX},
	} {
		f, s := script(t, c.src)
		if s == nil {
			t.Errorf("%q: no script", c.src)
			continue
		}
		if s.Text() != c.text || s.Kind != c.kind || s.Lang != c.lang {
			t.Errorf("%q: %q, kind %d, %v; want %q, kind %d, %v", c.src, s.Text(), s.Kind, s.Lang, c.text, c.kind, c.lang)
		}
		for _, seg := range s.Map.Segments() {
			if got, want := string(f.Src[seg.Src:seg.Src+seg.N]), s.Text()[seg.Text:seg.Text+seg.N]; got != want {
				t.Errorf("%q: segment %v is %q in the source, %q in the text", c.src, seg, got, want)
			}
		}
	}
	for _, src := range []string{"FROM a\nRUN [\"a\"]", "FROM a\nCOPY a b", "FROM a\nHEALTHCHECK NONE", "FROM a\nSHELL [\"sh\", \"-c\"]"} {
		if _, s := script(t, src); s != nil {
			t.Errorf("%q: has a script", src)
		}
	}
}

func TestParseDialects(t *testing.T) {
	for _, c := range []struct {
		text string
		lang Lang
		ok   bool
	}{
		{"a && b", POSIX, true},
		{"a <(b)", POSIX, true}, // read as bash: sh may be bash
		{"a=(1 2)", Bash, true},
		{"a && && b", POSIX, false},
		{"if a; then", POSIX, false},
		{"a\r\nb", POSIX, false},
		{"a", None, false},
	} {
		_, err := ParseText(c.text, c.lang)
		if (err == nil) != c.ok {
			t.Errorf("%q as %v: error %v", c.text, c.lang, err)
		}
	}
}

func mustParse(t *testing.T, text string) *syntax.File {
	t.Helper()
	f, err := ParseText(text, Bash)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return f
}

func TestScopeOf(t *testing.T) {
	for _, c := range []struct {
		text       string
		changes    string
		background bool
		comment    bool
	}{
		{text: "a && b | c"},
		{text: "cd /x && make", changes: "cd"},
		{text: "(cd /x; A=1; exit)"},
		{text: "a | (cd /x) | while read l; do B=$l; done"},
		{text: "x=$(cd /y && pwd) a"},
		{text: "A=1", changes: "assignment"},
		{text: "a=1 B=2 c_proxy=3", changes: "variable a assignment"},
		{text: "A=1 b"},
		{text: "export A=1 && umask 022", changes: "export umask"},
		{text: "if a; then cd b; fi", changes: "cd"},
		{text: "f() { cd x; }", changes: "function"},
		{text: "for i in 1 2; do a; done", changes: "loop variable i"},
		{text: "a & b", background: true},
		{text: "(a &) && b", background: true},
		{text: "a # b", comment: true},
		{text: "command cd /x", changes: "cd"},
		{text: "$X y", changes: "a command named by an expansion"},
		{text: "$HOME/bin/x y"},
		{text: ": ${A:=1}", changes: "assignment"},
		{text: "echo $((i++))", changes: "assignment"},
		{text: "echo $((i+1))"},
		{text: ". /etc/profile; eval x; exec y; exit; trap - EXIT; set -e; unset A; shift; read b; hash -r; ulimit -n 1; return; alias q=r",
			changes: ". eval exec exit trap set unset shift read hash ulimit return alias"},
	} {
		f := mustParse(t, c.text)
		s := ScopeOf(f.Stmts, f.Last)
		if got := strings.Join(s.Changes, " "); got != c.changes || s.Background != c.background || s.Comment != c.comment {
			t.Errorf("%q: changes %q, background %v, comment %v; want %q, %v, %v", c.text, got, s.Background, s.Comment, c.changes, c.background, c.comment)
		}
	}
}

func TestFailsLoudly(t *testing.T) {
	for text, want := range map[string]bool{
		"a":                                   true,
		"a | b":                               true,
		"(a && b)":                            true,
		"a && b":                              false,
		"a || b":                              true,
		"a && b || c":                         true,
		"! a":                                 false,
		"{ a; b; }":                           true,
		"{ a; b && c; }":                      false,
		"if a; then b; else c; fi":            true,
		"if a; then b && c; fi":               false,
		"for i in 1; do a; done":              true,
		"for i in 1; do a && b; done":         false,
		"case x in a) b ;; *) c && d ;; esac": false,
		"while a; do b; done":                 true,
		"[[ -f x ]]":                          true,
		"f() { a; }":                          false,
	} {
		if got := FailsLoudly(mustParse(t, text).Stmts[0]); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestErrExitHead(t *testing.T) {
	for text, want := range map[string]bool{
		"set -e; a": true, "set -eux; a": true, "set -ex && a": false, "set -euo pipefail; a": true, "set -o errexit; a": true,
		"set -x; a": false, "set +e; a": false, "set -e": false, "set -- a; b": false, "a; set -e": false, "set -e $X; a": false,
	} {
		if got := ErrExitHead(mustParse(t, text)) != nil; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestLiteral(t *testing.T) {
	for text, want := range map[string]string{
		`a`: "a", `'a b'`: "a b", `"a\"b"`: `a"b`, `a\ b`: "a b", `a'b'"c"`: "abc", `"\x"`: `\x`,
	} {
		w := mustParse(t, "x "+text).Stmts[0].Cmd.(*syntax.CallExpr).Args[1]
		if got, ok := Literal(w); !ok || got != want {
			t.Errorf("%s: %q, %v; want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{`$a`, `"$a"`, `*.c`, `~/x`, `$(a)`, `{a,b}`, `a[bc]`} {
		w := mustParse(t, "x "+text).Stmts[0].Cmd.(*syntax.CallExpr).Args[1]
		if got, ok := Literal(w); ok {
			t.Errorf("%s: literal %q", text, got)
		}
	}
}

func TestOptions(t *testing.T) {
	for text, want := range map[string]Options{
		"set -eux; a":          {ErrExit: true, NoUnset: true},
		"set -euo pipefail; a": {ErrExit: true, NoUnset: true, PipeFail: true},
		"set -o errexit -x; a": {ErrExit: true},
	} {
		if got := HeadOptions(ErrExitHead(mustParse(t, text))); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
	for text, want := range map[string]bool{
		"a && b": true, "a || b": true, "a | b": false, "a $x": false, "a '$x'": true, "a $(b)": false, "for i in 1; do a; done": false,
		". x": false, "(a)": false,
	} {
		if got := (Options{ErrExit: true, NoUnset: true, PipeFail: true}).Bears(mustParse(t, text).Stmts); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
