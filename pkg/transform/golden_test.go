package transform

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// minGolden is a lower bound for the number of cases, so that a harness that
// finds none fails.
const minGolden = 40

// goldenOptions is options.json of a case.
type goldenOptions struct {
	Select     []string          `json:"select"` // default: the folder's name
	Ignore     []string          `json:"ignore"`
	Default    bool              `json:"default"` // all transforms that are on by default
	Unsafe     bool              `json:"unsafe"`
	Author     string            `json:"author"`
	Labels     []string          `json:"labels"` // key=value
	LabelStyle string            `json:"labelStyle"`
	Cache      string            `json:"cache"`
	Stages     string            `json:"stages"`
	MergeStyle string            `json:"mergeStyle"`
	MaxLines   int               `json:"maxLines"`
	Ignorefile string            `json:"dockerignore"`
	BuildArgs  map[string]string `json:"buildArgs"`
	Targets    []string          `json:"targets"`
	Images     map[string]string `json:"images"`
	Pins       map[string]string `json:"pins"`
	Resolved   map[string]string `json:"resolved"`
	Not        []string          `json:"not"` // variants that make no sense: crlf, bom, no-newline
}

// TestGolden runs the cases in testdata/fix/<transform>/*.txtar. Sections:
// Dockerfile, want (absent: nothing may change), options.json, context/… (the
// build context), want/… (companion files), skips (a part of a skip's reason
// per line).
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("../../testdata/fix/*/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		name := filepath.Base(filepath.Dir(path))
		t.Run(name+"/"+strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { golden(t, path, name) })
	}
	if len(files) < minGolden {
		t.Errorf("%d golden cases, want at least %d", len(files), minGolden)
	}
}

func golden(t *testing.T, path, name string) {
	ar, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var src, want []byte
	var skips []string
	hasWant := false
	g := goldenOptions{}
	tree := fstest.MapFS{}
	wantCompanions := map[string]string{}
	for _, f := range ar.Files {
		switch {
		case f.Name == "Dockerfile":
			src = f.Data
		case f.Name == "want":
			want, hasWant = f.Data, true
		case f.Name == "options.json":
			dec := json.NewDecoder(bytes.NewReader(f.Data))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&g); err != nil {
				t.Fatal(err)
			}
		case f.Name == "skips":
			skips = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
		case strings.HasPrefix(f.Name, "context/"):
			tree[strings.TrimPrefix(f.Name, "context/")] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
		case strings.HasPrefix(f.Name, "want/"):
			wantCompanions[strings.TrimPrefix(f.Name, "want/")] = string(f.Data)
		default:
			t.Fatalf("unknown section %q", f.Name)
		}
	}
	if !hasWant {
		want = src
	}
	opt := g.options(t, name, tree)

	res := run(t, src, opt)
	if *update {
		writeGolden(t, path, ar, res)
		return
	}
	if diff := cmp.Diff(string(want), string(res.After)); diff != "" {
		t.Errorf("result (-want +got):\n%s\nskips: %v", diff, res.Skips)
	}
	got := map[string]string{}
	for _, c := range res.Companions {
		got[c.Path] = string(c.Content)
	}
	if diff := cmp.Diff(wantCompanions, got); diff != "" {
		t.Errorf("companions (-want +got):\n%s", diff)
	}
	for _, s := range skips {
		if !slices.ContainsFunc(res.Skips, func(k Skip) bool { return strings.Contains(k.Reason, s) }) {
			t.Errorf("no skip says %q; skips: %v", s, res.Skips)
		}
	}
	crlf := func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) }
	bom := func(b []byte) []byte { return append([]byte("\xef\xbb\xbf"), b...) }
	bare := func(b []byte) []byte { return bytes.TrimRight(b, "\n") }
	for _, v := range []struct {
		name string
		f    func([]byte) []byte
	}{{"crlf", crlf}, {"bom", bom}, {"no-newline", bare}} {
		// A shell script with carriage returns is no script to touch.
		if slices.Contains(g.Not, v.name) || v.name == "crlf" && bytes.Contains(src, []byte("<<")) {
			continue
		}
		res := run(t, v.f(src), opt)
		if diff := cmp.Diff(string(v.f(want)), string(res.After)); diff != "" {
			t.Errorf("variant %s (-want +got):\n%s", v.name, diff)
		}
	}
}

// run rewrites and demands what must hold for every run: no internal error,
// and a second run changes nothing.
func run(t *testing.T, src []byte, opt Options) *Result {
	t.Helper()
	in := bytes.Clone(src)
	res, err := Run(in, opt)
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	if !bytes.Equal(in, src) {
		t.Fatal("Run modified its input")
	}
	for _, e := range res.Internal {
		t.Errorf("internal error: %s", e)
	}
	again, err := Run(res.After, opt)
	if err != nil {
		t.Fatalf("second run: %v\n%s", err, res.After)
	}
	if diff := cmp.Diff(string(res.After), string(again.After)); diff != "" {
		t.Errorf("a second run changes (-first +second):\n%s", diff)
	}
	return res
}

func (g goldenOptions) options(t *testing.T, name string, tree fstest.MapFS) Options {
	opt := Options{
		Recheck: true,
		Select:  g.Select, Ignore: g.Ignore, Unsafe: g.Unsafe, Author: g.Author, LabelStyle: g.LabelStyle,
		Cache: g.Cache, Stages: g.Stages, MergeStyle: g.MergeStyle, MaxLines: g.MaxLines, Dockerignore: g.Ignorefile,
		Facts: facts.Options{BuildArgs: g.BuildArgs, Targets: g.Targets}, Images: g.Images, Pins: g.Pins, Resolved: g.Resolved,
	}
	if len(opt.Select) == 0 && !g.Default {
		opt.Select = []string{name}
	}
	for _, l := range g.Labels {
		k, v, _ := strings.Cut(l, "=")
		opt.Labels = append(opt.Labels, Label{k, v})
	}
	if len(tree) > 0 {
		ctx, err := facts.NewContext(fs.FS(tree), "")
		if err != nil {
			t.Fatal(err)
		}
		opt.Context = ctx
	}
	return opt
}

func writeGolden(t *testing.T, path string, ar *txtar.Archive, res *Result) {
	var files []txtar.File
	for _, f := range ar.Files {
		if f.Name == "want" || strings.HasPrefix(f.Name, "want/") {
			continue
		}
		files = append(files, f)
		if f.Name == "Dockerfile" && res.Changed() {
			files = append(files, txtar.File{Name: "want", Data: res.After})
		}
	}
	for _, c := range res.Companions {
		files = append(files, txtar.File{Name: "want/" + c.Path, Data: c.Content})
	}
	ar.Files = files
	if err := os.WriteFile(path, txtar.Format(ar), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestExamples runs the example in each transform's documentation.
func TestExamples(t *testing.T) {
	ran := 0
	for _, tr := range All() {
		before, after, ok := Example(tr)
		if !ok {
			if tr.Safety != Advice {
				t.Errorf("%s: Doc has no example", tr.Name)
			}
			continue
		}
		ran++
		t.Run(tr.Name, func(t *testing.T) {
			res := run(t, []byte(before), ExampleOptions(tr))
			if diff := cmp.Diff(after, string(res.After)); diff != "" {
				t.Errorf("(-want +got):\n%s\nskips: %v", diff, res.Skips)
			}
		})
	}
	if ran == 0 {
		t.Error("no example ran")
	}
}

// TestRegistry checks that each transform's data is complete.
func TestRegistry(t *testing.T) {
	for _, tr := range All() {
		if tr.Summary() == "" || tr.Group == "" || tr.Run == nil {
			t.Errorf("%s: incomplete", tr.Name)
		}
		for _, section := range []string{"## What", "## Why", "## Safety", "## References"} {
			if !strings.Contains(tr.Markdown(), section+"\n") {
				t.Errorf("%s: Doc has no %q", tr.Name, section)
			}
		}
		if tr.Safety == Advice {
			continue // advice changes nothing: see TestAdvice
		}
		if _, err := os.Stat(filepath.Join("../../testdata/fix", tr.Name)); err != nil {
			t.Errorf("%s: no golden cases in testdata/fix", tr.Name)
		}
	}
}

// TestRunErrors checks what Run refuses.
func TestRunErrors(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"", "no instructions"},
		{"# only\n", "no instructions"},
		{"FROM a\nFOO b\n", "2:1: unknown instruction: FOO"},
		{"FROM a\nRUN <<EOF\nx\n", "2: unterminated heredoc"},
		{"FROM a\nRUN \x00\n", "2:5: file has a NUL byte"},
		{"RUN a\nFROM b\n", "1:1: RUN before the first FROM"},
		{"ARG A\n", "no FROM instruction"},
		{"FROM a\nRUN " + strings.Repeat("x", 70000) + "\n", "BuildKit takes at most 65535"},
	} {
		_, err := Run([]byte(c.src), Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.30q: error %v, want %q", c.src, err, c.want)
		}
		if _, ok := err.(*parse.Error); !ok {
			t.Errorf("%.30q: error is a %T", c.src, err)
		}
	}
	_, err := Run([]byte("FROM a\n"), Options{Select: []string{"merge-runs"}})
	if err == nil || !strings.Contains(err.Error(), `did you mean "merge-run"`) {
		t.Errorf("error %v, want a hint at merge-run", err)
	}
}
