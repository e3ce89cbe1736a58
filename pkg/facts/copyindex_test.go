package facts

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/refit-dev/refit/pkg/parse"
)

// TestCopyIndex compares the index with a walk over all copies, with and
// without a build context.
func TestCopyIndex(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	tree := fstest.MapFS{}
	for _, name := range []string{"a", "b/c", "b/d.txt", "e.tar", "f.txt", "g.x/h", ".env"} {
		tree[name] = &fstest.MapFile{Data: []byte("x")}
	}
	ctx, err := NewContext(tree, "")
	if err != nil {
		t.Fatal(err)
	}
	source := func() string {
		return pick("a", "b", "b/", "b/c", "b/d.txt", "e.tar", "f.txt", "g.x", ".", "*.txt", "b/*", "*/h", "$X", ".env", "https://example.com/f.txt", "./b/./c")
	}
	path := func() string {
		return pick("/", "/a", "/a/", "/b/c", "/b", "/b/c/d", "/a/f.txt", "/a/b/d.txt", ".", "w/", "$Y/", "/a/e.tar", "/w/h")
	}
	for range 1500 {
		var src strings.Builder
		stages := 1 + rnd.IntN(3)
		for s := range stages {
			from := "debian"
			if s > 0 && rnd.IntN(3) > 0 {
				from = fmt.Sprintf("s%d", rnd.IntN(s))
			}
			fmt.Fprintf(&src, "FROM %s AS s%d\n", from, s)
			if rnd.IntN(3) == 0 {
				src.WriteString("WORKDIR /w\n")
			}
			for range rnd.IntN(6) {
				switch kind := pick("COPY", "COPY", "ADD", "from", "parents", "heredoc", "RUN"); kind {
				case "from":
					fmt.Fprintf(&src, "COPY --from=x %s %s\n", pick("/b", "/f.txt", "/g/", "/*.txt"), path())
				case "parents":
					fmt.Fprintf(&src, "COPY --parents %s %s\n", pick("b/c", "b/", "./b/./d.txt", "*/c"), path())
				case "heredoc":
					fmt.Fprintf(&src, "COPY <<f.txt %s\nx\nf.txt\n", path())
				case "RUN":
					src.WriteString("RUN true\n")
				default:
					dest := path()
					srcs := source()
					if rnd.IntN(3) == 0 {
						srcs += " " + source()
						dest = strings.TrimSuffix(dest, "/") + "/"
					}
					fmt.Fprintf(&src, "%s %s %s\n", kind, srcs, dest)
				}
			}
		}
		src.WriteString("RUN true\n")
		f, err := parse.Parse([]byte(src.String()))
		if err != nil {
			continue // ADD of a URL to a place that BuildKit refuses
		}
		fs := New(f, Options{})
		in := f.Instructions[len(f.Instructions)-1]
		st := fs.At(in).Stage
		for _, c := range []*Context{nil, ctx} {
			var all []*Copy
			for _, o := range f.Instructions {
				if cp := fs.Copy(o); cp != nil && st.Descends(fs.At(o).Stage) {
					all = append(all, cp)
				}
			}
			x := fs.NewCopyIndex(st.Root(), c)
			if got := x.Tree(st, in.Index).Copies(); !slices.Equal(got, all) {
				t.Fatalf("copies in\n%s\n%v; want %v", src.String(), got, all)
			}
			for _, p := range []string{"/", "/a", "/b", "/b/c", "/b/c/d", "/a/f.txt", "/a/b", "/a/b/d.txt", "/w", "/w/f.txt", "/w/w/b/c", "/f.txt", "/a/.env", "/b/e.tar", "/w/h", "/a/h/g.x/h"} {
				var from string
				var by *Copy
				has := No
				for _, cp := range slices.Backward(all) {
					if f, h := cp.Origin(c, p); h != No {
						from, by, has = f, cp, h
						break
					}
				}
				gotFrom, gotBy, gotHas := x.Origin(in, p)
				if from != gotFrom || by != gotBy || has != gotHas {
					t.Fatalf("%s (context %v) in\n%s\nfrom %q, %v, by %v; want %q, %v, %v", p, c != nil, src.String(), gotFrom, gotHas, gotBy, from, has, by)
				}
			}
		}
	}
}

// TestLongChains compares the index of many variables with the chain.
func TestLongChains(t *testing.T) {
	var e *env
	want := map[string]string{}
	for i := range 20 * longChain {
		name := fmt.Sprintf("V%d", i*i%97)
		e = e.push(name, known(fmt.Sprint(i)), false)
		want[name] = fmt.Sprint(i)
		if i%50 == 0 { // a branch does not disturb
			e.push("V0", known("other"), false).push("W", known("w"), true)
		}
		for n := range 100 {
			name := fmt.Sprintf("V%d", n)
			v, ok := e.lookup(name)
			if w, set := want[name]; v.S != w || ok != set {
				t.Fatalf("%s after %d: %q, %v; want %q, %v", name, i, v.S, ok, w, set)
			}
		}
	}
	if _, ok := e.lookup("W"); ok {
		t.Error("a variable of a branch is set")
	}
}

func TestDescends(t *testing.T) {
	f, err := parse.Parse([]byte("FROM x AS a\nFROM a AS b\nFROM y AS c\nFROM a AS d\nFROM b AS e\nFROM c AS f\nFROM d\n"))
	if err != nil {
		t.Fatal(err)
	}
	fs := New(f, Options{})
	for _, s := range fs.Stages {
		for _, from := range fs.Stages {
			want := false
			root := s
			for o := s; o != nil; o = o.Parent {
				want = want || o == from
				root = o
			}
			if s.Descends(from) != want || s.Root() != root {
				t.Errorf("%s from %s: %v, want %v", s.Name, from.Name, !want, want)
			}
		}
	}
}
