package transform

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/refit-dev/refit/pkg/facts"
)

// passOn is a pass over a text.
func passOn(t *testing.T, src string) *Pass {
	t.Helper()
	v, err := load([]byte(src), &Options{})
	if err != nil {
		t.Fatal(err)
	}
	return newPass(v, &Options{})
}

// TestMentioning compares the index of texts with a search, far beyond the
// number of texts that are searched for.
func TestMentioning(t *testing.T) {
	var src strings.Builder
	src.WriteString("FROM alpine\n")
	for i := range 300 {
		fmt.Fprintf(&src, "RUN echo x%d y%d\n", i%40, i*7%100)
	}
	p := passOn(t, src.String())
	for i := range 3 * manyTexts {
		for _, text := range []string{fmt.Sprintf("x%d", i), fmt.Sprintf("y%d", i), fmt.Sprintf("%d y", i), fmt.Sprintf("%decho", i)} {
			var want []int
			for _, in := range p.File.Instructions {
				if strings.Contains(in.Args.Value, text) {
					want = append(want, in.Index)
				}
			}
			if got := p.mentioning(text); !slices.Equal(got, want) {
				t.Fatalf("%q: %v, want %v", text, got, want)
			}
		}
	}
}

func TestPathIndex(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	random := func() string {
		s := ""
		for range rnd.IntN(4) {
			s += "/" + string(rune('a'+rnd.IntN(3)))
		}
		if s == "" {
			s = "/"
		}
		return s
	}
	for range 3000 {
		var list []string
		for range rnd.IntN(6) {
			list = append(list, random())
		}
		p := random()
		want := slices.IndexFunc(list, func(w string) bool { return facts.Within(w, p) || facts.Within(p, w) })
		if got := newPathIndex(list).meeting(p); got != want {
			t.Fatalf("%q in %q: %d, want %d", p, list, got, want)
		}
	}
}

// TestInstaller looks for packages in stages that are FROM each other.
func TestInstaller(t *testing.T) {
	p := passOn(t, `FROM debian:12 AS a
RUN apt-get install -y curl
RUN apt-get install -y curl wget
FROM debian:12 AS other
RUN apt-get install -y git
FROM a AS b
RUN apt-get install -y wget
RUN true
RUN apt-get install -y wget git
FROM b
RUN true
`)
	last := p.Facts.Stages[3]
	for _, tt := range []struct {
		st     *facts.Stage
		before int
		name   string
		line   int
	}{
		{last, 100, "curl", 2}, {last, 100, "wget", 7}, {last, 100, "git", 9}, {last, 100, "make", 0},
		{p.Facts.Stages[2], 8, "git", 0}, {p.Facts.Stages[2], 6, "wget", 3}, {p.Facts.Stages[1], 100, "git", 5}, {p.Facts.Stages[1], 100, "curl", 0},
	} {
		line := 0
		if in := p.installer(tt.st, tt.before, tt.name); in != nil {
			line = in.StartLine
		}
		if line != tt.line {
			t.Errorf("%s before %d in stage %d: line %d, want %d", tt.name, tt.before, tt.st.Index, line, tt.line)
		}
	}
}
