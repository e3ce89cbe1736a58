package plan

import (
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

func build(t *testing.T, src string) *Plan {
	t.Helper()
	f, err := parse.Parse([]byte(src))
	if err != nil {
		t.Fatalf("%q: %v", src, err)
	}
	p, err := Build(f, func(*parse.Instruction) shell.Shell { return shell.DefaultLinux() })
	if err != nil {
		t.Fatalf("%q: %v", src, err)
	}
	return p
}

func TestGrades(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want Grade
	}{
		{"FROM a\nRUN b", "FROM  a \nrun b\n", Identical},
		{"FROM a\nRUN b", "# c\nFROM a\n\nRUN b\n", Identical},
		{"FROM a\nRUN b \\\n  c", "FROM a\nRUN b \\\n c", SameProgram},
		{"FROM a\nRUN b  &&  c", "FROM a\nRUN b && c", SameProgram},
		{"FROM a\nRUN b; c", "FROM a\nRUN b && c", Different},
		{"FROM a\nRUN { b; c; } && d", "FROM a\nRUN b; c && d", SameProgram},
		{"FROM a\nRUN set -e; { b; c; } && d", "FROM a\nRUN set -e; b; c && d", Different},
		{"FROM a\nRUN set -e; { b; c; }; d", "FROM a\nRUN set -e; b; c; d", SameProgram},
		{"FROM a\nRUN b 'x  y'", "FROM a\nRUN b 'x y'", Different},
		{"FROM a\nRUN b $x", "FROM a\nRUN b ${x}", Different},
		{"FROM a\nRUN b > c", "FROM a\nRUN b >c", SameProgram},
		{"FROM a\nRUN b > c", "FROM a\nRUN b >> c", Different},
		{"FROM a\nRUN b\nRUN c", "FROM a\nRUN c\nRUN b", Different},
		{"FROM a\nRUN [\"b\",\"c\"]", "FROM a\nRUN [ \"b\" , \"c\" ]", Identical},
		{"FROM a\nRUN [\"b\",\"c\"]", "FROM a\nRUN b c", Different},
		{"FROM a\nENV b c d", "FROM a\nENV b=\"c d\"", Identical},
		{"FROM a\nENV b c d", "FROM a\nENV b=c d=", Different},
		{"FROM a\nENV b='$c'", "FROM a\nENV b=\"$c\"", Different},
		{"FROM a\nENV b=\"\\$c\"", "FROM a\nENV b='$c'", Identical},
		{"FROM a\nENV b=${c:-d}", "FROM a\nENV b=${c:-e}", Different},
		{"FROM a\nENV b=${c:-d}", "FROM a\nENV b=${c:+d}", Different},
		{"FROM a\nLABEL x=y", "FROM a\nLABEL x=\"y\"", Identical},
		{"FROM a\nLABEL x=y\nRUN b", "FROM a\nRUN b\nLABEL x=y", Identical},
		{"FROM a\nENV v=1\nLABEL x=$v", "FROM a\nLABEL x=$v\nENV v=1", Different},
		{"FROM a\nENV v=1\nLABEL x=y", "FROM a\nLABEL x=y\nENV v=1", Identical},
		{"FROM a\nSHELL [\"b\"]\nCMD c", "FROM a\nCMD c\nSHELL [\"b\"]", Different},
		{"FROM a\nCMD b\nENTRYPOINT [\"c\"]", "FROM a\nENTRYPOINT [\"c\"]\nCMD b", Different},
		{"FROM a\nEXPOSE 80 81", "FROM a\nEXPOSE 81 80", Identical},
		{"FROM a\nCOPY b c /d/", "FROM a\nCOPY b  c\t/d/", Identical},
		{"FROM a\nCOPY b /d/", "FROM a\nCOPY b /d", Different},
		{"FROM a\nCOPY --link b /d/", "FROM a\nCOPY b /d/", Different},
		{"FROM a\nADD b /d/", "FROM a\nCOPY b /d/", Different},
		{"FROM a\nCOPY <<E /x\n1\nE", "FROM a\nCOPY <<E /x\n2\nE", Different},
		{"FROM a\nRUN <<E\nb\nE", "FROM a\nRUN <<F\nb\nF", Identical},
		{"FROM a\nRUN <<E\nb\nE", "FROM a\nRUN <<E\nb\nc\nE", Different},
		{"FROM a\nUSER b\nRUN c", "FROM a\nRUN c\nUSER b", Different},
		{"FROM a\nWORKDIR /b\nRUN c", "FROM a\nRUN c\nWORKDIR /b", Different},
		{"# syntax=x\nFROM a", "FROM a", Different},
		{"# syntax=x\nFROM a", "# syntax = x\nFROM a", Identical},
		{"# check=error=true\nFROM a", "FROM a", Different},
		{"FROM a", "FROM a\nFROM b", Different},
		{"FROM a AS b", "FROM a as b", Identical},
		{"FROM a AS b", "FROM a AS c", Different},
		{"FROM --platform=x a", "FROM a", Different},
		{"ARG x=1\nFROM a", "ARG x=2\nFROM a", Different},
		{"FROM a\nHEALTHCHECK --interval=60s CMD b", "FROM a\nHEALTHCHECK --interval=1m CMD b", Identical},
		{"FROM a\nHEALTHCHECK CMD b  c", "FROM a\nHEALTHCHECK CMD b c", SameProgram},
		{"FROM a\nONBUILD RUN b", "FROM a\nONBUILD RUN c", Different},
		{"FROM a\nONBUILD RUN b  c", "FROM a\nONBUILD RUN b c", SameProgram},
		{"FROM a\nRUN --mount=type=ssh b", "FROM a\nRUN b", Different},
		{"FROM a\nRUN { b; }", "FROM a\nRUN b", SameProgram},
		{"FROM a\nRUN { b; c; } && d", "FROM a\nRUN b; c && d", SameProgram},
		{"FROM a\nRUN b && { c; d; }", "FROM a\nRUN b && c; d", Different},
		{"FROM a\nRUN b || c && d", "FROM a\nRUN { b || c; } && d", SameProgram},
		{"FROM a\nRUN b || c && d", "FROM a\nRUN b || { c && d; }", Different},
		{"FROM a\nRUN if b; then c; fi", "FROM a\nRUN if b; then  c ; fi", SameProgram},
		{"FROM a\nRUN for i in 1 2; do c; done", "FROM a\nRUN for i in 1 3; do c; done", Different},
		{"FROM a\nRUN case $x in a) b ;; esac", "FROM a\nRUN case $x in a) c ;; esac", Different},
		{"FROM a\nRUN b &", "FROM a\nRUN b", Different},
		{"FROM a\nRUN ! b", "FROM a\nRUN b", Different},
		{"FROM a\nRUN x=1 b", "FROM a\nRUN x=2 b", Different},
		{"FROM a\nRUN f() { b; }; f", "FROM a\nRUN f() { c; }; f", Different},
		{"FROM a\nRUN cat <<E\nx\nE", "FROM a\nRUN cat <<'E'\nx\nE", Different},
	} {
		got := Compare(build(t, c.a), build(t, c.b), nil)
		if got.Grade != c.want {
			t.Errorf("%q\n%q\n: %v %v, want %v", c.a, c.b, got.Grade, got.Differences, c.want)
		}
	}
}

// Under a SHELL with -e, a group in front of && hides failures that a list
// does not.
func TestGroupUnderErrExit(t *testing.T) {
	for _, c := range []struct {
		errExit bool
		want    Grade
	}{{false, SameProgram}, {true, Different}} {
		plans := make([]*Plan, 2)
		for i, src := range []string{"FROM a\nRUN { b; c; } && d", "FROM a\nRUN b; c && d"} {
			f, err := parse.Parse([]byte(src))
			if err != nil {
				t.Fatal(err)
			}
			plans[i], err = Build(f, func(*parse.Instruction) shell.Shell {
				sh := shell.DefaultLinux()
				sh.ErrExit = c.errExit
				return sh
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if got := Compare(plans[0], plans[1], nil); got.Grade != c.want {
			t.Errorf("-e %v: %v, want %v", c.errExit, got.Grade, c.want)
		}
	}
}

// The same where the program itself turns -e on, or may.
func TestGroupUnderSet(t *testing.T) {
	for _, c := range []struct {
		format string
		want   Grade
	}{
		{"RUN %s", SameProgram},
		{"RUN set -x; %s", SameProgram},
		{"RUN set -e; %s", Different},
		{"RUN set -o errexit; %s", Different},
		{"RUN set -eux; %s", Different},
		{"RUN command set -e; %s", Different},
		{"RUN . ./env; %s", Different},
		{"RUN f() { set -e; }; f; %s", Different},
		{"RUN if x; then set $o; fi; %s", Different},
		{"RUN <<E\nset -e\n%s\nE", Different},
		{"RUN <<E\n%s\nE", SameProgram},
		{"RUN <<E\n#!/bin/sh -e\n%s\nE", Different},
		{"RUN set -e; for i in 1; do %s; done", Different},
		{"RUN set -e; ( %s )", Different},
		{"RUN set -e; x=$(%s)", Different},
	} {
		a, b := strings.Replace(c.format, "%s", "{ b; c; } && d", 1), strings.Replace(c.format, "%s", "b; c && d", 1)
		if got := Compare(build(t, "FROM a\n"+a), build(t, "FROM a\n"+b), nil); got.Grade != c.want {
			t.Errorf("%q: %v, want %v", a, got.Grade, c.want)
		}
	}
	if got := Compare(build(t, "FROM a\nRUN <<E\n#!/bin/sh -e\nb\nE"), build(t, "FROM a\nRUN <<E\nb\nE"), nil); got.Grade != Different {
		t.Errorf("an interpreter line goes: %v", got.Grade)
	}
}

// TestEffects has, for each kind of effect, a rewrite that it declares and
// rewrites that it does not.
func TestEffects(t *testing.T) {
	none := WrapNone
	for _, c := range []struct {
		name    string
		before  string
		effects []Effect
		after   string
		ok      bool
	}{
		{"merge", "FROM a\nRUN b\nRUN c", []Effect{Merge{[]int{1, 2}, []Wrap{none, none}, MergeAnd}}, "FROM a\nRUN b && c", true},
		{"merge across metadata", "FROM a\nRUN b\nLABEL x=y\nRUN c", []Effect{Merge{[]int{1, 3}, []Wrap{none, none}, MergeAnd}}, "FROM a\nRUN b && c\nLABEL x=y", true},
		{"merge with a list", "FROM a\nRUN b\nRUN c; d", []Effect{Merge{[]int{1, 2}, []Wrap{none, WrapGroup}, MergeAnd}}, "FROM a\nRUN b && { c; d; }", true},
		{"merge without its group", "FROM a\nRUN b\nRUN c; d", []Effect{Merge{[]int{1, 2}, []Wrap{none, WrapGroup}, MergeAnd}}, "FROM a\nRUN b && c; d", false},
		{"merge with or", "FROM a\nRUN b\nRUN c || d", []Effect{Merge{[]int{1, 2}, []Wrap{none, WrapGroup}, MergeAnd}}, "FROM a\nRUN b && c || d", false},
		{"merge that loses", "FROM a\nRUN b\nRUN c", []Effect{Merge{[]int{1, 2}, []Wrap{none, none}, MergeAnd}}, "FROM a\nRUN b", false},
		{"merge that leaks cd", "FROM a\nRUN cd b\nRUN c", []Effect{Merge{[]int{1, 2}, []Wrap{none, none}, MergeAnd}}, "FROM a\nRUN cd b && c", false},
		{"merge with cd in a subshell", "FROM a\nRUN cd b\nRUN c", []Effect{Merge{[]int{1, 2}, []Wrap{WrapSubshell, none}, MergeAnd}}, "FROM a\nRUN (cd b) && c", true},
		{"merge of a job", "FROM a\nRUN b & c\nRUN d", []Effect{Merge{[]int{1, 2}, []Wrap{WrapSubshell, none}, MergeAnd}}, "FROM a\nRUN (b & c) && d", false},
		{"merge under set -e", "FROM a\nRUN set -e; b\nRUN set -e; c", []Effect{Merge{[]int{1, 2}, []Wrap{none, none}, MergeSemi}}, "FROM a\nRUN set -e; b; c", true},
		{"merge under set -e that hides a failure", "FROM a\nRUN set -e; b && c\nRUN set -e; d", []Effect{Merge{[]int{1, 2}, []Wrap{none, none}, MergeSemi}}, "FROM a\nRUN set -e; b && c; d", false},
		{"merge without set -e", "FROM a\nRUN set -x; b\nRUN set -x; c", []Effect{Merge{[]int{1, 2}, []Wrap{none, none}, MergeSemi}}, "FROM a\nRUN set -x; b; c", false},
		{"merge with other flags", "FROM a\nRUN --network=none b\nRUN c", []Effect{Merge{[]int{1, 2}, []Wrap{none, none}, MergeAnd}}, "FROM a\nRUN --network=none b && c", false},
		{"command", "FROM a\nRUN b c && d", []Effect{Command{1, 0, "b --x c"}}, "FROM a\nRUN b --x c && d", true},
		{"another command", "FROM a\nRUN b c && d", []Effect{Command{1, 1, "d --x"}}, "FROM a\nRUN b --x c && d", false},
		{"no such command", "FROM a\nRUN b", []Effect{Command{1, 3, "b"}}, "FROM a\nRUN b", false},
		{"drop", "FROM a\nRUN b && c && d", []Effect{Drop{1, 1}}, "FROM a\nRUN b && d", true},
		{"drop in a list", "FROM a\nRUN set -e; c; d", []Effect{Drop{1, 1}}, "FROM a\nRUN set -e; d", true},
		{"drop of another", "FROM a\nRUN b && c && d", []Effect{Drop{1, 1}}, "FROM a\nRUN b && c", false},
		{"append", "FROM a\nRUN b", []Effect{Append{1, false, "rm x"}}, "FROM a\nRUN b && rm x", true},
		{"append behind or", "FROM a\nRUN b || true", []Effect{Append{1, false, "rm x"}}, "FROM a\nRUN b || true && rm x", true},
		{"append that hides a failure", "FROM a\nRUN b", []Effect{Append{1, false, "rm x"}}, "FROM a\nRUN b; rm x", false},
		{"append under set -e", "FROM a\nRUN set -e; b", []Effect{Append{1, true, "rm x"}}, "FROM a\nRUN set -e; b; rm x", true},
		{"prepend", "FROM a\nRUN b; c", []Effect{Prepend{1, false, "x"}}, "FROM a\nRUN x && { b; c; }", true},
		{"prepend before one of two", "FROM a\nRUN b; c", []Effect{Prepend{1, false, "x"}}, "FROM a\nRUN x && b; c", false},
		{"two edits of one RUN", "FROM a\nRUN b && c", []Effect{Command{1, 0, "b x"}, Append{1, false, "d"}, Drop{1, 1}}, "FROM a\nRUN b x && d", true},
		{"flags", "FROM a\nRUN b", []Effect{Flags{1, []string{"--mount=type=cache,target=/x"}}}, "FROM a\nRUN --mount=type=cache,target=/x b", true},
		{"replace", "FROM a\nMAINTAINER x", []Effect{Replace{1, "LABEL a=x"}}, "FROM a\nLABEL a=x", true},
		{"replace by two", "FROM a\nENV a=1 b=$a", []Effect{Replace{1, "ENV a=1\nENV b=$a"}}, "FROM a\nENV a=1\nENV b=$a", true},
		{"insert", "FROM a\nRUN b", []Effect{Insert{1, "COPY x /x"}}, "FROM a\nCOPY x /x\nRUN b", true},
		{"insert elsewhere", "FROM a\nRUN b", []Effect{Insert{1, "COPY x /x"}}, "FROM a\nRUN b\nCOPY x /x", false},
		{"remove", "FROM a\nCMD b\nCMD c", []Effect{Remove{1}}, "FROM a\nCMD c", true},
		{"move", "FROM a\nCOPY b /b\nRUN c", []Effect{Move{2, 1}}, "FROM a\nRUN c\nCOPY b /b", true},
		{"undeclared move", "FROM a\nCOPY b /b\nRUN c", nil, "FROM a\nRUN c\nCOPY b /b", false},
	} {
		got := Compare(build(t, c.before), build(t, c.after), c.effects)
		if (got.Grade == Declared) != c.ok {
			t.Errorf("%s: %v %v, want ok %v", c.name, got.Grade, got.Differences, c.ok)
		}
	}
}

func TestBuildErrors(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"FROM a\n  FOO b", "2:3: unknown instruction: FOO"},
		{"FROM a\nCOPY --bad=1 a b", "2:1: unknown flag: --bad"},
		{"FROM a\nONBUILD FROM x", "isn't allowed as an ONBUILD trigger"},
		{"RUN a\nFROM b", "1:1: RUN before the first FROM"},
		{"ARG a", "no FROM instruction"},
		{"FROM a\nCOPY a", "requires at least two arguments"},
	} {
		f, err := parse.Parse([]byte(c.src))
		if err != nil {
			t.Fatal(err)
		}
		_, err = Build(f, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.src, err, c.want)
		}
	}
}

// TestPlainRun holds the short way for plain RUN instructions against
// BuildKit's typed instruction.
func TestPlainRun(t *testing.T) {
	for _, src := range []string{
		"RUN a", "run  a  && \\\n # x\n b \\\n\n", "RUN a\tb \"c\\ d\"  ", "RUN \\\n a", "RUN [\"a\" b]", "RUN a < b >>c", "RUN -- a", "RUN ünï \\\n  é", "RUN {\"a\": 1}",
	} {
		f, err := parse.Parse([]byte("FROM x\n" + src + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		in := f.Instructions[1]
		v, err := in.Typed()
		if err != nil {
			t.Fatal(err)
		}
		run := v.(*instructions.RunCommand)
		if !run.PrependShell || len(run.CmdLine) != 1 || len(run.Files) > 0 || len(run.FlagsUsed) > 0 {
			t.Errorf("%q is not plain: %+v", src, run)
		}
		p, err := Build(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.steps[1]; got.script == nil || got.script.text != run.CmdLine[0] || got.class != buildStep || !got.shell || got.key != "3:RUN5:shell" {
			t.Errorf("%q: step %+v of %q", src, got, run.CmdLine)
		}
	}
}
