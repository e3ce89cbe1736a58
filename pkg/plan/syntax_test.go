package plan

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Where BuildKit finds a syntax directive, it is looked for.
func TestMayHaveSyntax(t *testing.T) {
	for src, want := range map[string]bool{
		"# syntax=a/b\nFROM x\n": true, "#!/bin/x\n# syntax = a\n": true, "\xef\xbb\xbf# syntax=a\n": true, "// syntax=a\n": true,
		`{"syntax": "a"}`: true, "\n {\"\\u0073yntax\": \"a\"}": true, " # syntax=a\n": true,
		"": false, "FROM x\n# syntax=a\n": false, "ARG x\n": false, "\xef\xbb\xbfFROM x\n": false,
	} {
		if got := mayHaveSyntax([]byte(src)); got != want {
			t.Errorf("%q: %v", src, got)
		}
	}
	parts := []string{"#", "//", "/", "{", "}", `"syntax"`, "syntax", "SYNTAX", "=", " = ", ":", `"a/b"`, "a/b", "\n", "\r\n", "\n\n", " ", "\t", "\v", "\u00a0", "\u0085", "\ufeff", "\xef\xbb\xbf", "#!/x\n", "# escape=`\n", "check=skip", "FROM x"}
	directives := []string{"#syntax=a/b", "# syntax = a/b", "# SYNTAX=a", "//syntax=a", "// syntax = a/b", `{"syntax":"a"}`, `{"x": 1, "syntax" : "a"}`}
	rng := rand.New(rand.NewPCG(3, 4))
	some := func(b *strings.Builder) {
		for range rng.IntN(4) {
			b.WriteString(parts[rng.IntN(len(parts))])
		}
	}
	found := 0
	for range 20_000 {
		var b strings.Builder
		some(&b)
		b.WriteString(directives[rng.IntN(len(directives))])
		some(&b)
		src := []byte(b.String())
		if _, _, _, ok := parser.DetectSyntax(src); !ok {
			continue
		}
		found++
		if !mayHaveSyntax(src) {
			t.Fatalf("BuildKit finds a directive in %q", src)
		}
	}
	if found < 1000 {
		t.Errorf("only %d texts with a directive among those tried", found)
	}
}
