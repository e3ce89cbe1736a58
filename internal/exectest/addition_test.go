//go:build unix

package exectest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/refit-dev/refit/pkg/transform"
)

// appendTests are instructions behind FROM and WORKDIR; can says whether a
// command can be added at the end of the last.
var appendTests = []struct {
	name, file string
	can        bool
}{
	{"chain", "RUN a && b", true},
	{"list", "RUN a; b", true},
	{"or", "RUN a || b", true},
	{"or true", "RUN a && b || true", true},
	{"not", "RUN a; ! b", true},
	{"pipeline", "RUN a; b | c", true},
	{"if", "RUN if a; then b; fi", true},
	{"for", "RUN for i in 1 2; do a $i; done", true},
	{"case", "RUN case x in x) a;; esac", true},
	{"subshell", "RUN (a; b)", true},
	{"group", "RUN { a; b; }", true},
	{"function", "RUN f() { a; b; }; f", true},
	{"trailing semicolon", "RUN a; b;", true},
	{"trap", "RUN trap 't' EXIT; a", true},
	{"cd", "RUN cd x; a", true},
	{"here-document", "RUN a <<EOF && b\nx\nEOF", true},
	{"here-document at the end", "RUN a && b <<EOF\nx\nEOF", false},
	{"here-document script", "RUN <<EOF\na\nb\nEOF", true},
	{"here-document script with set -e", "RUN <<EOF\nset -e\na\nb\nEOF", true},
	{"exit", "RUN a; exit 0", false},
	{"exec", "RUN a && exec b", false},
	{"background", "RUN a &", false},
	{"exit in the middle", "RUN a || exit 0; b", true},

	{"strict", "RUN set -e; a; b", true},
	{"strict chain", "RUN set -e; a && b", true},
	{"strict or", "RUN set -e; a; b || c", true},
	{"strict if", "RUN set -e; a; if b; then c; fi", true},
	{"strict if with a chain", "RUN set -e; if a; then b && c; fi", false},
	{"strict subshell", "RUN set -e; (a; b)", true},
	{"strict group", "RUN set -e; { a; b; }", true},
	{"strict group with a chain", "RUN set -e; { a; b && c; }", false},
	{"strict function", "RUN set -e; f() { a; b; }; f", true},
	{"strict function in a chain", "RUN set -e; f() { a; b; }; x && f", false},
	{"strict not", "RUN set -e; a; ! b", true},
	{"strict pipeline", "RUN set -e; a | b", true},
	{"strict substitution", "RUN set -e; a \"$(b; c)\"", true},
	{"strict and off again", "RUN set -e; a; set +e; b; c", true},
	{"strict and off again, compound", "RUN set -e; a; set +e; (b; c)", false},
	{"strict later", "RUN a; set -e; b; c", true},
	{"strict later, compound", "RUN a; set -e; (b; c)", false},
	{"strict in a subshell", "RUN (set -e; a; b)", false},
	{"strict in a group", "RUN { set -e; a; b; }", false},
	{"strict in a substitution", "RUN A=$(set -e; a; b)", false},
	{"strict in a function", "RUN f() { set -e; a; b; }; f", false},
	{"strict source", "RUN set -e; . ./env; a", true},
	{"source", "RUN a; . ./env", false},
	{"eval", "RUN eval 'set -e; a; b'", false},
	{"errexit shell", "SHELL [\"/bin/bash\", \"-ec\"]\nRUN a; b", true},
	{"errexit shell, compound", "SHELL [\"/bin/bash\", \"-ec\"]\nRUN a; (b; c)", false},
	{"pipefail shell", "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN a | b", true},
}

const cleanupText = "cleanup -f && cleanup2"

func TestAdditions(t *testing.T) {
	var cases []Case
	r := rand.New(rand.NewPCG(1, 2))
	for _, tt := range appendTests {
		src := []byte("FROM debian:12-slim\nWORKDIR /w\n" + tt.file + "\n")
		d, err := transform.Open(src, transform.Options{None: true})
		if err != nil {
			t.Fatal(err)
		}
		ps := d.Programs()
		if _, _, err := ps[len(ps)-1].Append(cleanupText); (err == nil) != tt.can {
			t.Errorf("%s: Append gives the error %v", tt.name, err)
		}
		// Several draws hit several commands.
		for range 3 {
			cs, err := Additions(tt.name, src, cleanupText, r)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range cs {
				if c.Kind == Other {
					t.Errorf("%s: %s", tt.name, c.Note)
					continue
				}
				cases = append(cases, c)
			}
		}
	}
	cases = distinct(cases)
	for _, v := range pool(t).Check(cases) {
		switch {
		case v.Err != "":
			t.Errorf("%s: %s", v.Name, v.Err)
		case v.Diff != "":
			t.Error(v.Diff)
		}
	}
}

// distinct removes cases that are the same but for their names.
func distinct(cases []Case) []Case {
	var out []Case
	seen := map[string]bool{}
	for _, c := range cases {
		key := fmt.Sprintf("%q %q %q %q", c.Kind, c.Before, c.After, c.Shells)
		if !seen[key] {
			seen[key] = true
			out = append(out, c)
		}
	}
	return out
}

func TestWrongAdditionsAreSeen(t *testing.T) {
	var cases []Case
	for _, tt := range []struct {
		name          string
		kind          Kind
		before, after string
	}{
		{"failure hidden", Append, "a", "a; cleanup"},
		{"failure of a list hidden", Append, "a; b && c", "a; b && c; cleanup"},
		{"failure of a chain under set -e hidden", Append, "set -e; a && b", "set -e; a && b; cleanup"},
		{"set -e without effect", Append, "set -e; (a; b)", "set -e; (a; b) && cleanup"},
		{"set -e in a subshell without effect", Append, "(set -e; a; b)", "(set -e; a; b) && cleanup"},
		{"runs only after a failure", Append, "a || b", "a || { b && cleanup; }"},
		{"in front", Append, "a", "cleanup && a"},
		{"twice", Append, "a", "a && cleanup && cleanup"},
		{"another command lost", Append, "a; b", "a && cleanup"},
		{"another command too", Append, "a", "a && b && cleanup"},
		{"failure hidden", Behind, "a; b", "a; cleanup; b; true"},
		{"failure in a group hidden", Behind, "{ x; a; } && b", "{ x; a; cleanup; } && b"},
		{"set -e without effect", Behind, "set -e; a; b", "set -e; a && cleanup; b"},
		{"another command too", Behind, "a; b", "a && c; b"},
	} {
		c := written(t, fmt.Sprintf("%s (%s)", tt.name, tt.kind), tt.kind, []string{tt.before}, tt.after, false)
		c.Added = "cleanup"
		cases = append(cases, c)
	}
	for i, v := range pool(t).Check(cases) {
		if v.Err != "" || v.Diff == "" {
			t.Errorf("%s: not seen: %s → %s %s", v.Name, cases[i].Before, cases[i].After, v.Err)
		}
	}
}

// TestRandomPrograms compares a few; cmd compares as many as one likes.
func TestRandomPrograms(t *testing.T) {
	n := 12
	if testing.Short() {
		n = 2
	}
	cases, err := Generate(n, 7)
	if err != nil {
		t.Fatal(err)
	}
	p := pool(t)
	if !p.Sandboxed() {
		t.Skip("random programs run in a sandbox only")
	}
	for _, v := range p.Check(cases) {
		if v.Err != "" || v.Diff != "" {
			t.Error(v.Err + v.Diff)
		}
	}
}
