package transform

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

// runWith runs made-up transforms instead of the registered ones.
func runWith(t *testing.T, src string, opt Options, ts ...*Transform) *Result {
	t.Helper()
	v, err := load([]byte(src), &opt)
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{opt: &opt, sel: selection{list: ts}, orig: v, cur: v, banned: map[string]bool{}, seen: map[string]bool{src: true}}
	e.res = &Result{Before: []byte(src), After: []byte(src), File: v.file}
	e.fixpoint()
	return e.finish()
}

// replacing makes a transform that replaces one text by another.
func replacing(name, from, to string, effects func(p *Pass) []plan.Effect) *Transform {
	return &Transform{Name: name, Safety: Safe, Run: func(p *Pass) {
		i := bytes.Index(p.File.Src, []byte(from))
		if i < 0 {
			return
		}
		c := Change{Title: name, At: parse.Span{Start: i, End: i + len(from)}, Safety: Safe,
			Edits: []emit.Edit{{Span: parse.Span{Start: i, End: i + len(from)}, New: to}}}
		if effects != nil {
			c.Effects = effects(p)
		}
		p.Report(c)
	}}
}

// TestEngineDrops checks that each kind of broken change is dropped and named,
// and that sound ones beside it are kept.
func TestEngineDrops(t *testing.T) {
	const src = "FROM a\n# keep\nRUN one\nCOPY b /c\n"
	for _, c := range []struct{ name, from, to, want string }{
		{"does not parse", "FROM a", "", "does not parse"},
		{"unknown instruction", "COPY", "COPI", "does not parse"},
		{"undeclared", "RUN one", "RUN two", "the build would change"},
		{"loses a comment", "# keep\n", "", `the comment "# keep" got lost`},
		{"becomes a directive", "FROM a\n", "# escape=`\nFROM a\n", "the escape directive got lost"},
		{"outside", "COPY b /c\n", "COPY b /c\nRUN <<EOF\n", "does not parse"},
	} {
		good := replacing("good", "b /c", "b /d", func(p *Pass) []plan.Effect { return []plan.Effect{plan.Replace{Instr: 2, Text: "COPY b /d"}} })
		res := runWith(t, src, Options{}, replacing(c.name, c.from, c.to, nil), good)
		if len(res.Internal) != 1 || !strings.Contains(res.Internal[0], c.want) {
			t.Errorf("%s: internal %q, want %q", c.name, res.Internal, c.want)
		}
		if got, want := string(res.After), strings.Replace(src, "/c", "/d", 1); got != want {
			t.Errorf("%s: result %q, want %q", c.name, got, want)
		}
	}
}

// TestEnginePanic checks that a transform that panics is named and left out,
// and that the others do their work.
func TestEnginePanic(t *testing.T) {
	bad := &Transform{Name: "bad", Safety: Safe, Run: func(p *Pass) { panic("oops") }}
	good := replacing("good", "b /c", "b /d", func(p *Pass) []plan.Effect { return []plan.Effect{plan.Replace{Instr: 1, Text: "COPY b /d"}} })
	res := runWith(t, "FROM a\nCOPY b /c\n", Options{}, bad, good)
	if len(res.Internal) != 1 || !strings.Contains(res.Internal[0], "bad: internal error: oops") || string(res.After) != "FROM a\nCOPY b /d\n" {
		t.Errorf("%q %q", res.Internal, res.After)
	}
}

// TestEngineEnds checks that transforms that never agree end with the original
// bytes.
func TestEngineEnds(t *testing.T) {
	swap := func(name, from, to string) *Transform {
		return replacing(name, from, to, func(p *Pass) []plan.Effect { return []plan.Effect{plan.Replace{Instr: 1, Text: to}} })
	}
	const src = "FROM a\nLABEL x=1\n"
	res := runWith(t, src, Options{}, swap("there", "LABEL x=1", "LABEL x=2"), swap("back", "LABEL x=2", "LABEL x=1"))
	if len(res.Internal) != 1 || !strings.Contains(res.Internal[0], "undo each other") || string(res.After) != src {
		t.Errorf("two that undo each other: %q %q", res.Internal, res.After)
	}
	grow := &Transform{Name: "grow", Safety: Safe, Run: func(p *Pass) {
		at := len(p.File.Src)
		text := "LABEL x=" + strings.Repeat("y", 1000)
		p.Report(Change{Title: "grow", At: p.File.Instructions[0].Keyword.Span, Safety: Safe,
			Edits:   []emit.Edit{{Span: parse.Span{Start: at, End: at}, New: text + "\n"}},
			Effects: []plan.Effect{plan.Insert{Before: len(p.File.Instructions), Text: text}}})
	}}
	res = runWith(t, src, Options{}, grow)
	if len(res.Internal) != 1 || !strings.Contains(res.Internal[0], "grows without end") || string(res.After) != src {
		t.Errorf("one that grows: %q", res.Internal)
	}
	count := &Transform{Name: "count", Safety: Safe, Run: func(p *Pass) {
		in := p.File.Instructions[1]
		n, _ := strconv.Atoi(in.Pairs[0].Value.Value)
		text := "LABEL x=" + strconv.Itoa(n+1)
		p.Report(Change{Title: "count", At: in.Keyword.Span, Safety: Safe,
			Edits:   []emit.Edit{{Span: parse.Span{Start: in.Start, End: in.TextEnd()}, New: text}},
			Effects: []plan.Effect{plan.Replace{Instr: 1, Text: text}}})
	}}
	res = runWith(t, src, Options{}, count)
	if len(res.Internal) != 1 || !strings.Contains(res.Internal[0], "never come to an end") || string(res.After) != src {
		t.Errorf("one without end: %q", res.Internal)
	}
}

// TestEngineConflict checks that of two changes of one text the first wins
// and the other gets its turn in the next round.
func TestEngineConflict(t *testing.T) {
	label := func(name, from, to string) *Transform {
		return replacing(name, from, to, func(p *Pass) []plan.Effect { return []plan.Effect{plan.Replace{Instr: 1, Text: to}} })
	}
	res := runWith(t, "FROM a\nLABEL x=1\n", Options{}, label("first", "LABEL x=1", "LABEL x=2"), label("second", "LABEL x=1", "LABEL x=3"))
	if string(res.After) != "FROM a\nLABEL x=2\n" || len(res.Internal) != 0 {
		t.Errorf("%q %q", res.After, res.Internal)
	}
}

// TestSafetyClasses checks which classes are applied.
func TestSafetyClasses(t *testing.T) {
	unsafe := &Transform{Name: "risky", Safety: Unsafe, Run: func(p *Pass) {
		if in := p.File.Instructions[0]; len(p.File.Instructions) == 1 {
			p.Report(Change{Title: "risky", At: in.Keyword.Span, Safety: Unsafe,
				Edits:   []emit.Edit{lineBehind(p.File, in.End, "USER x")},
				Effects: []plan.Effect{plan.Insert{Before: 1, Text: "USER x"}}})
			p.Advise(in.Keyword.Span, "think", "because")
		}
	}}
	res := runWith(t, "FROM a\n", Options{}, unsafe)
	if res.Changed() || len(res.Available) != 1 || len(res.Advice) != 1 {
		t.Errorf("without --unsafe: %+v", res)
	}
	res = runWith(t, "FROM a\n", Options{Unsafe: true}, unsafe)
	if string(res.After) != "FROM a\nUSER x\n" || len(res.Available) != 0 || len(res.Advice) != 1 {
		t.Errorf("with --unsafe: %q %+v", res.After, res)
	}
}

// TestPositions checks that later rounds report places of the original file.
func TestPositions(t *testing.T) {
	res, err := Run([]byte("FROM a\nRUN b\nRUN c\n\nADD d /e\nMAINTAINER f\n"), Options{Author: "g"})
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string][]int{}
	for _, c := range res.Changes {
		lines[c.Transform] = append(lines[c.Transform], c.Pos.Line)
	}
	for name, want := range map[string]int{"merge-run": 2, "add-to-copy": 5, "maintainer-label": 6, "add-labels": 6} {
		if got := lines[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: lines %v, want %d", name, got, want)
		}
	}
}

// cases returns the Dockerfiles of the golden cases.
func cases(tb testing.TB) [][]byte {
	tb.Helper()
	paths, err := filepath.Glob("../../testdata/fix/*/*.txtar")
	if err != nil {
		tb.Fatal(err)
	}
	var out [][]byte
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		for _, f := range txtar.Parse(data).Files {
			if f.Name == "Dockerfile" {
				out = append(out, f.Data)
			}
		}
	}
	return out
}

// projects is a build context with something for each transform that looks at
// it.
var projects = fstest.MapFS{
	"package.json":            {Data: []byte(`{"name": "a", "version": "1.0.0", "scripts": {"build": "tsc"}, "dependencies": {"b": "1"}, "workspaces": ["packages/*"]}`)},
	"package-lock.json":       {Data: []byte(`{"lockfileVersion": 3, "packages": {}}`)},
	"packages/c/package.json": {Data: []byte(`{"name": "c"}`)},
	"yarn.lock":               {},
	"pnpm-lock.yaml":          {Data: []byte("lockfileVersion: '9.0'\n")},
	"index.js":                {},
	"requirements.txt":        {Data: []byte("flask\n-r src/more.txt\n")},
	"src/more.txt":            {Data: []byte("django\n")},
	"pyproject.toml":          {Data: []byte("[project]\nname = \"a\"\nversion = \"1\"\n")},
	"poetry.lock":             {},
	"uv.lock":                 {},
	"go.mod":                  {Data: []byte("module a\n\ngo 1.24\n")},
	"go.sum":                  {},
	"main.go":                 {Data: []byte("package main\n\nfunc main() {}\n")},
	"Cargo.toml":              {Data: []byte("[package]\nname = \"a\"\nversion = \"0.1.0\"\n")},
	"Cargo.lock":              {},
	"src/main.rs":             {Data: []byte("fn main() {}\n")},
	"pom.xml":                 {Data: []byte("<project><artifactId>a</artifactId></project>\n")},
	"src/main/java/A.java":    {},
	"Gemfile":                 {Data: []byte("gem 'rails'\n")},
	"Gemfile.lock":            {},
	"composer.json":           {Data: []byte("{}")},
	"composer.lock":           {Data: []byte("{}")},
	"a.csproj":                {Data: []byte("<Project Sdk=\"Microsoft.NET.Sdk\"></Project>\n")},
	"entrypoint.sh":           {Data: []byte("#!/bin/sh\nexec \"$@\"\n"), Mode: 0o755},
}

// FuzzRun looks for panics, results that do not parse, internal errors and
// results that a second run changes.
func FuzzRun(f *testing.F) {
	for _, src := range cases(f) {
		f.Add(src, uint8(0))
		f.Add(src, uint8(0xff))
	}
	f.Fuzz(func(t *testing.T, src []byte, options uint8) { checkRun(t, src, drawn(t, options)) })
}

// drawn are the options that a number stands for.
func drawn(t *testing.T, n uint8) Options {
	opt := Options{Unsafe: n&1 != 0, Author: "me", Recheck: true}
	if n&2 == 0 {
		style := emit.DefaultStyle()
		if n&4 != 0 {
			style.Width, style.Operators = 20, "trailing"
		}
		opt.Format = &style
	}
	if n&8 != 0 {
		opt.Cache = "mount"
	}
	if n&16 != 0 {
		opt.Stages = "all"
	}
	switch n >> 5 & 3 {
	case 1:
		opt.MergeStyle = "and"
	case 2:
		opt.MergeStyle = "heredoc"
	}
	if n&128 != 0 {
		context, err := facts.NewContext(projects, "")
		if err != nil {
			t.Fatal(err)
		}
		opt.Context = context
	}
	return opt
}

// checkRun runs the transforms on a text that may be refused.
func checkRun(t *testing.T, src []byte, opt Options) {
	res, err := Run(src, opt)
	if bug := (*InternalError)(nil); errors.As(err, &bug) {
		t.Fatalf("%v\n%s", bug, bug.Stack)
	}
	if err != nil {
		return
	}
	if len(res.Internal) > 0 {
		t.Fatalf("internal error: %q\n%s", res.Internal, src)
	}
	again, err := Run(res.After, opt)
	if err != nil {
		t.Fatalf("the result is refused: %v\n%s", err, res.After)
	}
	if !bytes.Equal(again.After, res.After) {
		t.Fatalf("a second run changes:\n%s\n---\n%s", res.After, again.After)
	}
}

// TestRepeated runs the golden cases with everything behind the first FROM
// written several times: changes meet many others of their own kind.
func TestRepeated(t *testing.T) {
	ran := 0
	for _, src := range cases(t) {
		f, err := parse.Parse(src)
		if err != nil || len(f.Instructions) < 2 {
			continue
		}
		first := slices.IndexFunc(f.Instructions, func(in *parse.Instruction) bool { return in.Name == "FROM" })
		last := f.Instructions[len(f.Instructions)-1]
		if first < 0 || last.Unfinished() {
			continue
		}
		end := f.Instructions[first].End
		body := slices.Concat(bytes.TrimRight(src[end:], "\r\n"), []byte("\n"))
		all := slices.Concat(src[:end], bytes.Repeat(body, 8))
		if _, err := parse.Parse(all); err != nil {
			continue // stages of one name
		}
		for _, n := range []uint8{0, 1 | 2 | 8 | 16} {
			t.Run("", func(t *testing.T) { checkRun(t, all, drawn(t, n)) })
		}
		ran++
	}
	if ran < 800 {
		t.Errorf("%d cases ran, want at least 800", ran)
	}
}

func benchmarkRun(b *testing.B, srcs [][]byte, opt Options) {
	n := 0
	for _, s := range srcs {
		n += len(s)
	}
	b.SetBytes(int64(n))
	b.ReportAllocs()
	for b.Loop() {
		for _, s := range srcs {
			if _, err := Run(s, opt); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// valid keeps what Run accepts.
func valid(srcs [][]byte) [][]byte {
	var out [][]byte
	for _, s := range srcs {
		if _, err := Run(s, Options{None: true}); err == nil {
			out = append(out, s)
		}
	}
	return out
}

// BenchmarkNoop is the engine on files in which nothing is to be done.
func BenchmarkNoop(b *testing.B) {
	var done [][]byte
	for _, s := range valid(cases(b)) {
		if res, err := Run(s, Options{}); err == nil {
			done = append(done, res.After)
		}
	}
	benchmarkRun(b, done, Options{})
}

// BenchmarkChanges is the engine on files that need changes.
func BenchmarkChanges(b *testing.B) { benchmarkRun(b, valid(cases(b)), Options{}) }

// BenchmarkLayout is parse, plan and layout without transforms.
func BenchmarkLayout(b *testing.B) {
	style := emit.DefaultStyle()
	benchmarkRun(b, valid(cases(b)), Options{None: true, Format: &style})
}

// BenchmarkFacts is parse, facts and plan alone.
func BenchmarkFacts(b *testing.B) { benchmarkRun(b, valid(cases(b)), Options{None: true}) }

// BenchmarkGrowth shows how time grows with the file: the throughput must stay
// level.
func BenchmarkGrowth(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		src := []byte("FROM debian:12\n" + strings.Repeat("RUN apt-get update && \\\n    apt-get install -y curl\nCOPY a b\n", n))
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			benchmarkRun(b, [][]byte{src}, Options{Select: []string{"merge-run", "key-value"}})
		})
	}
}
