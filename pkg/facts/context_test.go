package facts

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/patternmatcher"

	"github.com/refit-dev/refit/pkg/parse"
)

func TestContextIgnore(t *testing.T) {
	m := fstest.MapFS{
		".dockerignore": {Data: []byte("# comment\n*.md\n!README.md\nbuild\nsecret/*\n!secret/ok\n")},
		"README.md":     {}, "x.md": {}, "build/a": {}, "src/b": {}, "secret/ok": {}, "secret/no": {},
	}
	c, err := NewContext(m, "")
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]bool{
		"README.md": true, "x.md": false, "build": false, "build/a": false, "src/b": true, "./src/../src/b": true, "/src/b": true, "secret/ok": true, "secret/no": false, "none": false, "../README.md": true,
	} {
		if got := c.Exists(p); got != want {
			t.Errorf("Exists(%q) = %t", p, got)
		}
	}
	// The Dockerfile's own ignore file wins.
	m["app.Dockerfile.dockerignore"] = &fstest.MapFile{Data: []byte("src\n")}
	if c, err = NewContext(m, "app.Dockerfile"); err != nil || c.Exists("src/b") || !c.Exists("x.md") {
		t.Errorf("app.Dockerfile.dockerignore is not used: %v", err)
	}
	m[".dockerignore"] = &fstest.MapFile{Data: []byte("[\n")}
	if _, err := NewContext(m, ""); err == nil {
		t.Error("a broken pattern is no error")
	}
}

// TestDirFS: links that lead out of the directory are not followed.
func TestDirFS(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "ctx")
	for p, text := range map[string]string{"outside": "out", "ctx/in": "in", "ctx/sub/x": "x"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(top, p)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(top, p), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"good": "in", "bad": "../outside", "loop": "loop", "dir": "sub"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	c, err := NewContext(DirFS(dir), "Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	if data, ok := c.Read("good"); !ok || string(data) != "in" {
		t.Errorf("a link inside gives %q", data)
	}
	for _, p := range []string{"bad", "loop", "../outside"} {
		if data, ok := c.Read(p); ok {
			t.Errorf("%s gives %q", p, data)
		}
	}
	if !c.IsDir("dir") || !c.HasLinks("dir/x") || c.HasLinks("sub/x") || !c.ThroughLink("good", ".") {
		t.Error("links are not told from files")
	}
	if got, ok := c.Glob("s*/x"); !ok || len(got) != 1 || got[0] != "sub/x" {
		t.Errorf("Glob gives %v", got)
	}
}

func TestGuessContext(t *testing.T) {
	for _, tt := range []struct {
		dockerfile string
		files      []string
		want       bool
	}{
		{"COPY . /app", []string{"Dockerfile"}, false},
		{"COPY . /app", []string{"Dockerfile", "package.json"}, true},
		{"COPY src /app", []string{"src/a"}, true},
		{"COPY src lib /app/", []string{"src/a", "package.json"}, false},
		{"COPY --from=x src /app", []string{"package.json"}, false},
		{"ADD https://example.com/x /x", []string{"package.json"}, false},
		{"RUN true", []string{"package.json"}, false},
		{"COPY web/*.json /app/\nCOPY . .", []string{"package.json"}, false},
	} {
		m := fstest.MapFS{}
		for _, f := range tt.files {
			m[f] = &fstest.MapFile{}
		}
		f, err := parse.Parse([]byte("FROM a\n" + tt.dockerfile + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		c, err := NewContext(m, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := New(f, Options{}).GuessContext(func() *Context { return c }) != nil; got != tt.want {
			t.Errorf("%s with %v: %t", tt.dockerfile, tt.files, got)
		}
	}
}

// TestCopyMany: whether a destination is a directory depends on the COPYs
// before it. That must not take exponential time.
func TestCopyMany(t *testing.T) {
	src := "FROM debian:12\n"
	for range 300 {
		src += "COPY a b /somewhere\nCOPY c /elsewhere/c\n"
	}
	f, err := parse.Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	fs := New(f, Options{})
	for _, in := range f.Instructions {
		if in.Name == "COPY" && fs.Copy(in) == nil {
			t.Fatal("a COPY is not understood")
		}
	}
}

// TestIgnoredAsPatternMatcher compares what a Context remembers of parents with
// what moby/patternmatcher says of whole paths. Exceptions are left out: there
// the two differ where an exception matches a directory that was not excluded,
// and the walk from the top down is what BuildKit does.
func TestIgnoredAsPatternMatcher(t *testing.T) {
	parts := []string{"a", "b", "ab", "x.log", ".git", "node_modules"}
	patterns := []string{"a", "a/b", "**/b", "a/**", "*.log", "**/*.log", "ab", "*", "node_modules", "a*/b", "a/b/ab", ".git", "**"}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var list []string
		for range 1 + rnd.IntN(4) {
			list = append(list, patterns[rnd.IntN(len(patterns))])
		}
		c, err := NewContext(fstest.MapFS{".dockerignore": {Data: []byte(strings.Join(list, "\n"))}}, "")
		if err != nil {
			t.Fatal(err)
		}
		pm, err := patternmatcher.New(list)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			var p []string
			for range 1 + rnd.IntN(4) {
				p = append(p, parts[rnd.IntN(len(parts))])
			}
			file := strings.Join(p, "/")
			want, err := pm.MatchesOrParentMatches(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Ignored(file); got != want {
				t.Fatalf("%q: Ignored(%q) = %t, want %t", list, file, got, want)
			}
		}
	}
}
