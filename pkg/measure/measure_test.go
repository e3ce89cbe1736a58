package measure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeEngine answers each build from a function.
type fakeEngine struct {
	builds []Build
	build  func(n int, b Build) ([][]file, ContainerConfig, error)
	t      *testing.T
}

func (e *fakeEngine) Name() string { return "fake" }

func (e *fakeEngine) Close() error { return nil }

func (e *fakeEngine) Build(_ context.Context, b Build) (*Built, error) {
	if strings.Contains(b.Dockerfile, "warm-") {
		return nil, &BuildError{"fake", "no registry"}
	}
	e.builds = append(e.builds, b)
	layers, cfg, err := e.build(len(e.builds), b)
	if err != nil {
		return nil, err
	}
	if b.Output != "" {
		if err := os.Rename(layout(e.t, cfg, layers...), b.Output); err != nil {
			return nil, err
		}
	}
	if b.Progress != nil {
		b.Progress(Step{Name: "[1/1] COPY . /"})
	}
	return &Built{Steps: []Step{{Name: "[1/1] COPY . /"}}, Time: time.Duration(len(e.builds)) * time.Second}, nil
}

func app(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, body := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRun(t *testing.T) {
	dir := app(t, map[string]string{
		"Dockerfile": "FROM debian:12\nCOPY . /\n", "package.json": "{}", "lib/a.js": "1", "index.js": "2", ".dockerignore": "secret.js\n", "secret.js": "3",
	})
	var seen []string
	e := &fakeEngine{t: t}
	e.build = func(n int, b Build) ([][]file, ContainerConfig, error) {
		text, err := os.ReadFile(b.Dockerfile)
		if err != nil {
			t.Fatal(err)
		}
		index, _ := os.ReadFile(filepath.Join(b.Context, "index.js"))
		ignore, _ := os.ReadFile(filepath.Join(b.Context, ".dockerignore"))
		pkg, _ := os.ReadFile(filepath.Join(b.Context, "package.json"))
		seen = append(seen, strings.Join([]string{strings.Fields(string(text))[2], string(bytes.TrimRight(index, "\n")), string(ignore), map[bool]string{true: "cold", false: "warm"}[b.NoCache]}, "|"))
		if !b.NoCache && len(index)+len(pkg) < 4 {
			t.Errorf("build %d: nothing was edited", n)
		}
		extra := file{name: "var/lib/apt/lists/x", body: "lists"}
		if string(ignore) != "secret.js\n" { // the version after has another ignore file
			extra = file{name: "var/lib/apt/lists/"}
		}
		// a file that differs from build to build
		return [][]file{base, {extra, {name: "app/id", body: strings.Repeat("x", n)}}}, ContainerConfig{}, nil
	}
	var phases []string
	tmp := t.TempDir()
	rep, err := Run(context.Background(), Options{
		Engine: e, TempDir: tmp, Rebuilds: true,
		Before:   Version{Dockerfile: filepath.Join(dir, "Dockerfile"), Context: dir},
		After:    Version{Dockerfile: filepath.Join(dir, "Dockerfile"), Context: dir, Text: []byte("FROM debian:12\nADD . /\n"), Files: map[string][]byte{".dockerignore": []byte("*.log")}},
		Progress: func(phase string, s Step) { phases = append(phases, phase) },
	})
	if err != nil {
		t.Fatal(err)
	}
	wantDiff(t, seen, "COPY|2|secret.js\n|cold", "ADD|2|*.log|cold", "COPY|2|secret.js\n|cold", "COPY|2|secret.js\n|warm", "COPY|2|secret.js\n|warm", "ADD|2|*.log|warm", "ADD|2|*.log|warm")
	wantDiff(t, phases, "before, base image", "after, base image", "before, cold", "after, cold", "before, once more", "before, source edited", "before, manifest edited", "after, source edited", "after, manifest edited")
	if !rep.Comparison.Equivalent() {
		t.Errorf("unexpected: %v", rep.Comparison.Of(Unexpected))
	}
	if rep.Touched != (Touched{"index.js", "package.json"}) {
		t.Errorf("touched %+v", rep.Touched)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "index.js")); err != nil || string(data) != "2" {
		t.Errorf("the user's file was changed: %q %v", data, err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, ".dockerignore")); err != nil || string(data) != "secret.js\n" {
		t.Errorf("the user's ignore file was changed: %q %v", data, err)
	}
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if rep.Before.Cold != time.Second || rep.After.Cold != 2*time.Second || rep.Before.Source.Time != 4*time.Second || rep.After.Manifest.Time != 7*time.Second || rep.Before.Source.Again != 1 {
		t.Errorf("times %+v %+v", rep.Before, rep.After)
	}

	var text bytes.Buffer
	if err := rep.Write(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"built with fake", "before  ", "rebuild, index.js edited", "0 unexpected", "declared: apt lists removed: 1 path", "benign: differs between two builds of the same Dockerfile: 1 path"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	data, err := json.Marshal(rep)
	if err != nil || !strings.Contains(string(data), `"class":"declared"`) {
		t.Errorf("json: %s %v", data, err)
	}
	var page bytes.Buffer
	p := Page{Report: rep, Diff: "--- a\n+++ b\n@@ -1 +1 @@\n-COPY <a> /\n+ADD . /\n", Changes: []PageChange{{"x", "safe", "merge", "because"}}}
	if err := p.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<span class="del">-COPY &lt;a&gt; /</span>`, "The images are equivalent.", "<td class=\"left\">because</td>", "rebuild, index.js edited"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if strings.Contains(page.String(), "<script") || strings.Contains(page.String(), "http:") || strings.Contains(page.String(), "ZgotmplZ") {
		t.Error("the page is not self-contained, or a value was refused by the template")
	}
}

func TestRunFinds(t *testing.T) {
	dir := app(t, map[string]string{"Dockerfile": "FROM scratch\n"})
	v := Version{Dockerfile: filepath.Join(dir, "Dockerfile"), Context: dir}
	e := &fakeEngine{t: t, build: func(n int, b Build) ([][]file, ContainerConfig, error) {
		if strings.HasSuffix(b.Output, "after-image") {
			return [][]file{base[:3]}, ContainerConfig{User: "x"}, nil
		}
		return [][]file{base}, ContainerConfig{}, nil
	}}
	rep, err := Run(context.Background(), Options{Engine: e, Before: v, After: v})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(rep.Comparison.Of(Unexpected)); n != len(base)-3+1 {
		t.Errorf("%d unexpected differences: %v", n, rep.Comparison.Of(Unexpected))
	}
	var page bytes.Buffer
	if err := (&Page{Report: rep}).WriteHTML(&page); err != nil || !strings.Contains(page.String(), "differ in ways that no change declares") {
		t.Errorf("page: %v", err)
	}
	e.build = func(n int, b Build) ([][]file, ContainerConfig, error) {
		if strings.HasSuffix(b.Output, "after-image") {
			return nil, ContainerConfig{}, &BuildError{"fake", "RUN false"}
		}
		return [][]file{base}, ContainerConfig{}, nil
	}
	_, err = Run(context.Background(), Options{Engine: e, Before: v, After: v})
	var which *VersionError
	if !errors.As(err, &which) || which.Version != "after" {
		t.Errorf("got %v", err)
	}
}

func TestChooseTouched(t *testing.T) {
	dir := app(t, map[string]string{"setup.py": "", "src/b.py": "", "src/a.py": "", "node_modules/x.js": "", "settings.yaml": ""})
	if s, m := chooseTouched(dir, func(string) bool { return false }); s != "src/a.py" || m != "setup.py" {
		t.Errorf("got %q, %q", s, m)
	}
	if s, m := chooseTouched(dir, func(p string) bool { return strings.HasSuffix(p, ".py") }); s != "settings.yaml" || m != "" {
		t.Errorf("got %q, %q", s, m)
	}
}

func TestSnapshot(t *testing.T) {
	dir := app(t, map[string]string{"a/run.sh": "x", "b": "y"})
	if err := os.Chmod(filepath.Join(dir, "a/run.sh"), 0o751); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("run.sh", filepath.Join(dir, "a/link")); err != nil {
		t.Fatal(err)
	}
	s, err := takeSnapshot(dir, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.touch("a/run.sh", 2); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(filepath.Join(s.dir, "a/run.sh"))
	if err != nil || st.Mode().Perm() != 0o751 || st.Size() != 3 {
		t.Errorf("got %v, %v", st, err)
	}
	if l, err := os.Readlink(filepath.Join(s.dir, "a/link")); err != nil || l != "run.sh" {
		t.Errorf("link %q, %v", l, err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "a/run.sh")); err != nil || string(data) != "x" {
		t.Errorf("the original was changed: %q, %v", data, err)
	}
}
