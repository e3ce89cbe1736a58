//go:build unix

package exectest

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/transform"
)

func TestMain(m *testing.M) {
	Worker()
	code := m.Run()
	if shared != nil {
		shared.Close()
	}
	os.Exit(code)
}

var (
	plain  = flag.Bool("plain", false, "run the tests as where there are no sandboxes")
	shared *Pool
)

// pool starts sandboxes, or works without where there can be none: the cases
// here only use relative paths.
func pool(t *testing.T) *Pool {
	t.Helper()
	if len(findShells()) == 0 {
		t.Skip("neither dash nor bash is installed")
	}
	if shared != nil {
		return shared
	}
	err := error(ErrNoSandbox)
	if !*plain {
		shared, err = NewPool(2)
	}
	if errors.Is(err, ErrNoSandbox) {
		t.Log(err)
		shared, err = NewPlainPool()
	}
	if err != nil {
		t.Fatal(err)
	}
	return shared
}

// mergeTests are Dockerfiles behind their FROM, with the number of RUN
// instructions that must be left. stops: the programs fail by themselves.
var mergeTests = []struct {
	name, file string
	left       int
	stops      bool
}{
	// What binds to what.
	{name: "and", left: 1, file: "RUN a && b\nRUN c && d"},
	{name: "or on the right", left: 1, file: "RUN a\nRUN b || c"},
	{name: "or on the left", left: 1, file: "RUN a || b\nRUN c"},
	{name: "or in the middle", left: 1, file: "RUN a\nRUN b || c\nRUN d"},
	{name: "and or", left: 1, file: "RUN a && b || c\nRUN d && e || f\nRUN g || h && i"},
	{name: "or true", left: 1, file: "RUN a || true\nRUN b || :\nRUN c"},
	{name: "or exit", left: 1, file: "RUN a || exit 1\nRUN b || { c; exit 3; }\nRUN d"},
	{name: "list on the right", left: 1, file: "RUN a\nRUN b; c"},
	{name: "list on the left", left: 1, file: "RUN a; b\nRUN c"},
	{name: "lists", left: 1, file: "RUN a; b && c; d\nRUN e; f || g\nRUN h; i"},
	{name: "trailing semicolon", left: 1, file: "RUN a;\nRUN b; c;\nRUN d"},
	{name: "not", left: 1, file: "RUN ! a\nRUN b\nRUN ! c && d\nRUN ! e", stops: true},
	{name: "not a pipeline", left: 1, file: "RUN ! a | b\nRUN c", stops: true},
	{name: "subshells", left: 1, file: "RUN (a; b)\nRUN (c || d) && e\nRUN (cd x && f); g"},
	{name: "subshell right behind the paren", left: 1, file: "RUN (cd x; a); cd y\nRUN ((b); c)\nRUN d"},
	{name: "groups", left: 1, file: "RUN { a; b; }\nRUN { c || d; } && e\nRUN f"},

	// Jobs and comments.
	{name: "background first", left: 2, file: "RUN a & b\nRUN c"},
	{name: "background last", left: 2, file: "RUN a &\nRUN b"},
	{name: "background in the last part", left: 1, file: "RUN a\nRUN b & wait"},
	{name: "comment lines", left: 1, file: "RUN a \\\n  # one\n  && b\n# two\nRUN c \\\n# three\n || d\nRUN e"},
	{name: "comment in a command line", left: 2, file: "RUN a # && b\nRUN c"},

	// set.
	{name: "strict", left: 1, file: "RUN set -e; a; b\nRUN set -e; c; d"},
	{name: "strict chains", left: 1, file: "RUN set -e; a && b\nRUN set -e; c; d && e\nRUN set -e; f"},
	{name: "strict negation last", left: 1, file: "RUN set -e; a; ! b\nRUN set -e; c", stops: true},
	{name: "strict negation of a group", left: 2, file: "RUN set -e; ! { a; b; }\nRUN set -e; c", stops: true},
	{name: "strict or last", left: 1, file: "RUN set -e; a || b\nRUN set -e; c || d\nRUN set -e; e"},
	{name: "strict if last", left: 1, file: "RUN set -e; if a; then b && c; fi\nRUN set -e; d"},
	{name: "strict while last", left: 1, file: "RUN set -e; for i in 1 2; do a $i && b; done\nRUN set -e; c"},
	{name: "strict state", left: 1, file: "RUN set -e; cd x; A=1; export A; a\nRUN set -e; b; c"},
	{name: "strict exit", left: 1, file: "RUN set -e; a; exit 0\nRUN set -e; b; c || exit 1\nRUN set -e; d"},
	{name: "strict exec", left: 1, file: "RUN set -e; a; exec b\nRUN set -e; c"},
	{name: "strict with nounset", left: 1, file: "RUN set -eu; a; b $UNSET\nRUN set -eu; c", stops: true},
	{name: "strict with other options", left: 2, file: "RUN set -e; a\nRUN set -eu; b"},
	{name: "strict then plain", left: 2, file: "RUN set -e; a; b\nRUN c; d"},
	{name: "plain then strict", left: 2, file: "RUN a; b\nRUN set -e; c; d"},
	{name: "strict in the middle", left: 2, file: "RUN a && set -e && b; c\nRUN d"},
	{name: "strict in the last part", left: 1, file: "RUN a\nRUN b && set -e && c"},
	{name: "strict in a subshell", left: 2, file: "RUN (set -e; a; b)\nRUN c"},
	{name: "strict in a group", left: 2, file: "RUN { set -e; a; b; }\nRUN c"},
	{name: "strict in a function", left: 2, file: "RUN f() { set -e; a; b; }; f\nRUN c"},
	{name: "strict in an if", left: 2, file: "RUN if a; then set -e; b; c; fi\nRUN d"},
	{name: "strict by option name", left: 2, file: "RUN set -o errexit && a; b\nRUN c"},
	{name: "strict in a command substitution", left: 2, file: "RUN A=$(set -e; a; b); c $A\nRUN d"},
	{name: "strict behind eval", left: 2, file: "RUN eval 'set -e'; a; b\nRUN c"},
	{name: "strict in a subshell behind set -e", left: 1, file: "RUN set -e; (set -e; a; b)\nRUN set -e; c"},
	{name: "sourced script at the end", left: 2, file: "RUN a && . ./env\nRUN b"},
	{name: "eval at the end", left: 2, file: "RUN eval 'set -e; a; b'\nRUN c"},
	{name: "strict with positional parameters", left: 1, file: "RUN set -- -e; a $1\nRUN b $1"},
	{name: "errexit and a substitution", left: 2, file: "SHELL [\"/bin/sh\", \"-ec\"]\nRUN a $(b; c)\nRUN d"},
	{name: "errexit and eval", left: 2, file: "SHELL [\"/bin/sh\", \"-ec\"]\nRUN eval 'a; b'\nRUN c"},
	{name: "set in a chain", left: 1, file: "RUN set -x && a\nRUN set -u && b\nRUN c $UNSET"},
	{name: "set positional", left: 1, file: "RUN set -- 1 2 && a $# \"$@\"\nRUN b $#"},
	{name: "set f", left: 1, file: "RUN set -f && a *\nRUN b *"},
	{name: "strict trap", left: 1, file: "RUN set -e; trap 'a' EXIT; b\nRUN set -e; c"},
	{name: "strict subshell", left: 1, file: "RUN set -e; (a; b)\nRUN set -e; (c; d); e"},
	{name: "strict group last", left: 1, file: "RUN set -e; { a; b && c; }\nRUN set -e; d"},
	{name: "strict case last", left: 1, file: "RUN set -e; case x in x) a && b;; esac\nRUN set -e; c"},

	// State of the shell.
	{name: "cd", left: 1, file: "RUN cd x && a\nRUN b\nRUN cd y; c\nRUN cd z && d"},
	{name: "cd and redirection", left: 1, file: "RUN cd x && echo 1 > f\nRUN echo 2 > f; a"},
	{name: "cd that fails", left: 1, file: "RUN cd $UNSET/no/such && a\nRUN b", stops: true},
	{name: "assignment", left: 1, file: "RUN A=1; a $A\nRUN b \"$A\""},
	{name: "assignment for a command", left: 1, file: "RUN A=1 a\nRUN b \"$A\"\nRUN A=2 B=3 c"},
	{name: "assignment of a failing command", left: 1, file: "RUN A=$(a) && b $A\nRUN c"},
	{name: "assignment inside", left: 1, file: "RUN a ${A:=1}\nRUN b $A\nRUN c $((B = 2))\nRUN d $B"},
	{name: "export", left: 1, file: "RUN export A=1 && a\nRUN b\nRUN export B=2; c\nRUN d"},
	{name: "readonly", left: 1, file: "RUN readonly A=1; a\nRUN A=2; b $A"},
	{name: "unset", left: 1, file: "RUN unset HOME; a\nRUN b ${HOME+set}"},
	{name: "umask", left: 1, file: "RUN umask 077 && a\nRUN mkdir d && echo > e\nRUN umask 027; b"},
	{name: "trap", left: 1, file: "RUN trap 'a' EXIT; b\nRUN c\nRUN trap 'd' EXIT && e"},
	{name: "exit", left: 1, file: "RUN a; exit 0\nRUN b && exit\nRUN c || exit 1\nRUN d"},
	{name: "exit in a function", left: 1, file: "RUN f() { a; exit 0; }; f; b\nRUN c"},
	{name: "exec", left: 1, file: "RUN exec a\nRUN b && exec c\nRUN d"},
	{name: "exec redirection", left: 1, file: "RUN exec > log; echo 1; a\nRUN echo 2"},
	{name: "return from a function", left: 1, file: "RUN f() { a; return 1; }; f; b\nRUN c"},
	{name: "return at the top", left: 2, file: "RUN a; return 0\nRUN c"},
	{name: "function", left: 1, file: "RUN b() { a; }; b\nRUN b"},
	{name: "alias", left: 1, file: "RUN alias b=a; b\nRUN b"},
	{name: "source", left: 1, file: "RUN . ./env && a\nRUN b"},
	{name: "source in a list", left: 2, file: "RUN . ./env; if a; then b; fi\nRUN c"},
	{name: "eval", left: 1, file: "RUN eval \"A=1\" && a $A\nRUN b $A"},
	{name: "read", left: 1, file: "RUN echo x > f && read A < f && a $A\nRUN b $A"},
	{name: "shift", left: 1, file: "RUN set -- 1 2; shift; a $1\nRUN b $1"},
	{name: "hash", left: 1, file: "RUN hash -r && a\nRUN b"},
	{name: "ulimit", left: 1, file: "RUN ulimit -n 64 && a\nRUN b"},
	{name: "loop variable", left: 1, file: "RUN for i in 1 2; do a $i; done\nRUN b $i"},
	{name: "loop variable seen later", left: 1, file: "RUN for i in 1 2; do a $i; done\nRUN b\nRUN c $i"},
	{name: "shell variable unseen", left: 1, file: "RUN v=$(a); b $v\nRUN c\nRUN set -- x; d"},
	{name: "shell variable seen later", left: 1, file: "RUN set -e; v=$(a); b $v\nRUN set -e; c\nRUN set -e; d $v"},
	{name: "loop variable unseen", left: 1, file: "RUN for i in 1 2; do a $i; done\nRUN b"},
	{name: "getopts", left: 1, file: "RUN set -- -a; getopts a o; a $o\nRUN b $o$OPTIND"},
	{name: "command builtin", left: 1, file: "RUN command cd x && a\nRUN b"},
	{name: "state behind a pipe", left: 1, file: "RUN echo 1 | read A; a $A\nRUN b $A"},
	{name: "program upgrades itself", left: 1, file: "RUN pip install -U pip\nRUN pip install x\nRUN pip install y"},
	{name: "state in the last part only", left: 1, file: "RUN a\nRUN b\nRUN cd x; A=1; c $A; exit 0"},
	{name: "read from a file", left: 1, file: "RUN while read l; do a $l; done < list\nRUN b"},
	{name: "break", left: 1, file: "RUN for i in 1 2; do a || break; done\nRUN b"},

	// Compound commands and pipelines.
	{name: "if", left: 1, file: "RUN if a; then b; else c; fi\nRUN if d; then e; elif f; then g; fi\nRUN h"},
	{name: "if and or", left: 1, file: "RUN if a; then b; fi || c\nRUN d"},
	{name: "for", left: 1, file: "RUN for i in 1 2 3; do a $i || exit 1; done\nRUN b"},
	{name: "while", left: 1, file: "RUN while a; do b; break; done\nRUN until c; do d; break; done\nRUN e"},
	{name: "case", left: 1, file: "RUN case \"$(uname -m)\" in x86_64) a;; *) b; exit 1;; esac; c\nRUN case x in y) d;; esac\nRUN e"},
	{name: "pipelines", left: 1, file: "RUN a | b\nRUN echo 1 | c && d\nRUN e | f || g\nRUN h"},
	{name: "redirections", left: 1, file: "RUN echo 1 > f\nRUN a >> f 2>&1\nRUN { echo 2; b; } > g\nRUN c < f"},
	{name: "command substitution", left: 1, file: "RUN a \"$(b || c)\"\nRUN d `e`"},
	{name: "test", left: 1, file: "RUN [ -d x ] || a\nRUN test -n \"$HOME\" && b\nRUN [ -f no ] && c\nRUN d", stops: true},

	// How it is written.
	{name: "continuation lines", left: 1, file: "RUN a \\\n    && b \\\n    || c\nRUN d; \\\n    e\nRUN f"},
	{name: "continuation at the end", left: 1, file: "RUN a \\\n\nRUN b"},
	{name: "trailing operators", left: 1, file: "RUN a && \\\n    b\nRUN c || \\\n    d"},
	{name: "tabs and blank lines", left: 1, file: "RUN a; \\\n\n\tb\nRUN c; \\\n\td"},
	{name: "here-document for a command", left: 1, file: "RUN a\nRUN b\nRUN cat <<EOF > f\none $HOME\nEOF"},
	{name: "here-document in front", left: 2, file: "RUN cat <<EOF > f\none $HOME\nEOF\nRUN a"},
	{name: "here-documents for commands", left: 2, file: "RUN a <<EOF && b\none\nEOF\nRUN c\nRUN d <<'EOF' || e\ntwo $x\nEOF"},
	{name: "here-document scripts", left: 1, file: "RUN <<EOF\nset -e\na\nb\nEOF\nRUN <<EOF\nset -e\nc\nd\nEOF"},
	{name: "here-document scripts with state", left: 2, file: "RUN <<EOF\nset -e\ncd x\na\nEOF\nRUN <<EOF\nset -e\nb\nEOF"},
	{name: "here-document scripts without set -e", left: 2, file: "RUN <<EOF\na\nb\nEOF\nRUN <<EOF\nc\nd\nEOF"},
	{name: "quotes", left: 1, file: "RUN a 'x && y' \"z; #\"\nRUN b \\; c '}'\nRUN d \\)"},
	{name: "metadata between", left: 1, file: "RUN a || b\nLABEL x=y\nRUN c; d\nCMD x\nRUN e"},

	// Other shells.
	{name: "bash", left: 1, file: "SHELL [\"/bin/bash\", \"-c\"]\nRUN [[ -n $HOME ]] && a\nRUN shopt -s nullglob; b *.no\nRUN c *.no\nRUN declare A=1; d $A\nRUN e $A"},
	{name: "bash pipefail", left: 1, file: "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN a | b\nRUN c | d || e\nRUN f"},
	{name: "set pipefail", left: 1, file: "SHELL [\"/bin/bash\", \"-c\"]\nRUN set -o pipefail && a | b\nRUN c | d\nRUN e"},
	{name: "bash errexit", left: 1, file: "SHELL [\"/bin/bash\", \"-ec\"]\nRUN a && b\nRUN c"},
	{name: "bash errexit compound", left: 2, file: "SHELL [\"/bin/bash\", \"-ec\"]\nRUN if a; then b; c; fi\nRUN d"},
	{name: "bash errexit with options", left: 1, file: "SHELL [\"/bin/bash\", \"-euxo\", \"pipefail\", \"-c\"]\nRUN a | b\nRUN c && d\nRUN e; f || g"},
	{name: "sh errexit", left: 2, file: "SHELL [\"/bin/sh\", \"-ec\"]\nRUN a; b\nRUN c; d"},
	{name: "bash process substitution", left: 1, file: "SHELL [\"/bin/bash\", \"-c\"]\nRUN a\nRUN while read l; do b $l; done < <(printf '1\\n2\\n')\nRUN c"},
	{name: "bash pushd", left: 1, file: "SHELL [\"/bin/bash\", \"-c\"]\nRUN pushd x && a && popd\nRUN b"},
	{name: "bash arithmetic", left: 1, file: "SHELL [\"/bin/bash\", \"-c\"]\nRUN ((A = 3)); a $A\nRUN b $A"},
	{name: "bash arrays", left: 1, file: "SHELL [\"/bin/bash\", \"-c\"]\nRUN A=(1 2); a \"${A[@]}\"\nRUN b ${A[0]}"},
	{name: "bash strict", left: 1, file: "SHELL [\"/bin/bash\", \"-c\"]\nRUN set -euo pipefail; a | b; c\nRUN set -euo pipefail; d | e\nRUN set -euo pipefail; f"},
}

func TestMerges(t *testing.T) {
	var cases []Case
	var of []int
	for i, tt := range mergeTests {
		src := []byte("FROM debian:12-slim\nWORKDIR /w\n" + tt.file + "\n")
		opt := transform.Options{Select: []string{"merge-run"}}
		res, err := transform.Run(src, opt)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if len(res.Internal) > 0 {
			t.Errorf("%s: %v", tt.name, res.Internal)
		}
		if n := runs(res.File); n != tt.left {
			t.Errorf("%s: %d RUN instructions are left, want %d:\n%s%v", tt.name, n, tt.left, res.After, res.Skips)
		}
		cs, err := FromDockerfile(tt.name, src, opt)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		for _, c := range cs {
			cases, of = append(cases, c), append(of, i)
		}
	}
	for i, v := range pool(t).Check(cases) {
		tt := mergeTests[of[i]]
		switch {
		case v.Err != "":
			t.Errorf("%s: %s", tt.name, v.Err)
		case v.Diff != "":
			t.Error(v.Diff)
		case len(v.Skipped) > 0:
			if bins := findShells(); bins["bash"] != "" && bins["dash"] != "" {
				t.Errorf("%s: not compared: %v", tt.name, v.Skipped)
			}
		case v.Runs <= v.Complete:
			t.Errorf("%s: no failure was injected", tt.name)
		case v.Complete == 0 && !tt.stops:
			t.Errorf("%s: stops early: %s", tt.name, v.Stops)
		}
	}
}

func runs(f *parse.File) int {
	n := 0
	for _, in := range f.Instructions {
		if in.Name == "RUN" {
			n++
		}
	}
	return n
}

// faultTests are merges that are wrong, each in one way: the test must see it.
var faultTests = []struct {
	name   string
	before []string
	after  string
	bash   bool
}{
	{"no group around an or list", []string{"a", "b || c"}, "a && b || c", false},
	{"no group around a list", []string{"a", "b; c"}, "a && b; c", false},
	{"or list on the left of a semicolon", []string{"a || b", "c"}, "a || b; c", false},
	{"negation lost", []string{"! a", "b"}, "a && b", false},
	{"order", []string{"a", "b"}, "b && a", false},
	{"part lost", []string{"a", "b", "c"}, "a && c", false},
	{"part twice", []string{"a", "b"}, "a && b && b", false},
	{"other arguments", []string{"a 'x y'", "b"}, "a x y && b", false},
	{"cd leaks", []string{"cd x && a", "b"}, "cd x && a && b", false},
	{"cd leaks to a redirection", []string{"cd x", "echo 1 > f"}, "cd x && echo 1 > f", false},
	{"group instead of subshell", []string{"cd x; a", "b"}, "{ cd x; a; } && b", false},
	{"assignment leaks", []string{"A=1; a", "b $A"}, "{ A=1; a; } && b $A", false},
	{"export leaks", []string{"export A=1 && a", "b"}, "export A=1 && a && b", false},
	{"umask leaks", []string{"umask 077 && a", "b"}, "umask 077 && a && b", false},
	{"umask leaks to a file", []string{"umask 077", "echo > f"}, "umask 077 && echo > f", false},
	{"unset leaks", []string{"unset HOME", "b"}, "unset HOME && b", false},
	{"trap runs late", []string{"trap 'a' EXIT; b", "c"}, "{ trap 'a' EXIT; b; } && c", false},
	{"exit ends the rest", []string{"a; exit 0", "b"}, "{ a; exit 0; } && b", false},
	{"exec ends the rest", []string{"exec a", "b"}, "exec a && b", false},
	{"standard output leaks", []string{"exec > f", "echo 1"}, "exec > f && echo 1", false},
	{"set -e under &&", []string{"set -e; a; b", "c"}, "(set -e; a; b) && c", false},
	{"set -e lost", []string{"set -e; a; b", "set -e; c; d"}, "a; b; c; d", false},
	{"set -e where there was none", []string{"a; b", "c"}, "set -e; a; b; c", false},
	{"failure of a chain under set -e", []string{"set -e; a && b", "set -e; c"}, "set -e; a && b; c", false},
	{"failure of a negation under set -e", []string{"set -e; ! a", "set -e; b"}, "set -e; ! a; b", false},
	{"set -f leaks", []string{"set -f", "a /us*"}, "set -f && a /us*", false},
	{"background job", []string{"a & b", "c"}, "a & b; c", false},
	{"comment swallows the rest", []string{"a # x", "b"}, "a # x && b", false},
	{"here-document swallows the rest", []string{"a <<E\nx\nE\n", "b"}, "a <<E\nx\n&& b\nE\n", false},
	{"standard input", []string{"a <<E\nx\nE\n", "b"}, "a <<E && b\ny\nE\n", false},
	{"function shadows a command", []string{"b() { :; }; a", "b"}, "{ b() { :; }; a; } && b", false},
	{"pipeline splits", []string{"a", "b | c"}, "a && b && c", false},
	{"pipefail leaks", []string{"set -o pipefail; a", "b | c"}, "{ set -o pipefail; a; } && b | c", true},
	{"shopt leaks", []string{"shopt -s nullglob", "a no*"}, "shopt -s nullglob && a no*", true},
	{"file lost", []string{"echo 1 > f", "a"}, "a", false},
	{"file with other content", []string{"echo 1 > f", "a"}, "echo 2 > f && a", false},
	{"branch", []string{"if a; then b; fi", "c"}, "if a; then b; c; fi", false},
}

func TestFaultsAreSeen(t *testing.T) {
	t.Run("sandbox", func(t *testing.T) { testFaults(t, pool(t), len(faultTests)) })
	t.Run("plain", func(t *testing.T) {
		if len(findShells()) == 0 {
			t.Skip("neither dash nor bash is installed")
		}
		p, err := NewPlainPool()
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		testFaults(t, p, 12)
	})
}

// testFaults checks that the first n faults are seen.
func testFaults(t *testing.T, p *Pool, n int) {
	faultTests := faultTests[:n]
	var cases []Case
	for _, tt := range faultTests {
		cases = append(cases, written(t, tt.name, Merge, tt.before, tt.after, tt.bash))
	}
	// The same programs against themselves are equal.
	for _, tt := range faultTests {
		cases = append(cases, written(t, tt.name, Merge, tt.before[:1], tt.before[0], tt.bash))
	}
	for i, v := range p.Check(cases) {
		name := fmt.Sprintf("%s (%d)", v.Name, i)
		switch {
		case v.Err != "":
			t.Errorf("%s: %s", name, v.Err)
		case i < len(faultTests) && v.Diff == "":
			t.Errorf("%s: not seen: %s → %s", name, strings.Join(cases[i].Before, " | "), cases[i].After)
		case i >= len(faultTests) && v.Diff != "":
			t.Errorf("a program differs from itself: %s", v.Diff)
		}
	}
}
