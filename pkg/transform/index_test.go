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

// TestPasses compares what a RUN can pass with a walk over the instructions in
// front of it.
func TestPasses(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	dest := func() string { return pick("/", "/a", "/a/b", "/a/b/c", "/c", "/etc/x", "/root", "/d/.e") }
	for range 2000 {
		var src strings.Builder
		src.WriteString("FROM debian:12\n")
		for range 3 + rnd.IntN(12) {
			src.WriteString(pick(
				"COPY x "+dest()+"\n", "COPY x/ "+dest()+"/\n", "ADD y.tar "+dest()+"\n", "COPY --from=img /x "+dest()+"\n", "COPY $x "+dest()+"\n",
				"ENV PATH="+dest()+":$PATH PIP_X="+dest()+"\n", "WORKDIR "+dest()+"\n", "LABEL a=b\n", "EXPOSE 80\n", "USER x\n",
				"RUN apt-get install -y x\n", "RUN apt-get install -y x\n", "RUN apt-get install -y x && rm -rf "+dest()+"/z\n",
				"RUN apt-get install -y x > log\n", "RUN --mount=type=bind,target=/x apt-get install -y x\n", "RUN make\n"))
		}
		p := passOn(t, src.String())
		st := p.Facts.Stages[0]
		for i, in := range st.Instructions {
			for from := i; from >= 0 && (from == i || st.Instructions[from].Name == "RUN"); from-- {
				top, why := p.passes(st, i, from)
				wantTop, wantWhy := p.walkUp(st, i, from)
				if top != wantTop || from == i && why != wantWhy {
					t.Fatalf("line %d from %d: %d %q, want %d %q\n%s", in.StartLine, from, top, why, wantTop, wantWhy, src.String())
				}
			}
		}
	}
}

// walkUp is passes without an index.
func (p *Pass) walkUp(st *facts.Stage, i, from int) (top int, why string) {
	r, _ := p.Program(st.Instructions[i])
	if r == nil {
		return -1, ""
	}
	u := p.programUses(r)
	switch {
	case !behindCopy(st, from) || !u.brings || len(u.installs) > 0:
		return -1, ""
	case u.other != "":
		return -1, "the RUN also uses " + u.other
	case len(bindMounts(r.In)) > 0:
		return -1, "the RUN reads files through a mount"
	}
	top = -1
	for j := from - 1; j >= 0 && why == ""; j-- {
		switch o := st.Instructions[j]; {
		case neutral(o.Name):
		case o.Name == "WORKDIR":
			if u.cwd {
				why = "it depends on the working directory"
			}
		case p.Facts.Copy(o) == nil:
			return top, ""
		default:
			c := p.Facts.Copy(o)
			if why = p.inTheWay(c, r, &u); why != "" {
				why = fmt.Sprintf("line %d: %s", o.StartLine, why)
			} else if c.Local() || c.From != "" {
				top = j
			}
		}
	}
	if top >= 0 {
		why = ""
	}
	return top, why
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
