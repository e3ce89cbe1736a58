package workspace

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const someDigest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func TestParseLock(t *testing.T) {
	l, err := ParseLock([]byte("version = 1\n[images]\n\"python:latest\" = \""+someDigest+"\"\n\"localhost:5000/a:b\" = \"1.2\"\n"), "x")
	want := map[string]string{"python:latest": someDigest, "localhost:5000/a:b": "1.2"}
	if err != nil || !cmp.Equal(l.Images, want) {
		t.Errorf("%v, %v", l, err)
	}
	for src, want := range map[string]string{
		"version = 2\n":           "x: version = 2: this refit reads version 1",
		"":                        "version = 0",
		"version = 1\nimage = 1":  `x:2:1: unknown key "image"; did you mean "images"?`,
		"version = 1\n[images\n":  "x:2:",
		"version = 1\n[images]\n": "",
		"version = 1\n[images]\n\"a:1\" = \"2\"\n\"python\" = \"3\"":                   `x:4:1: "python": want a reference with a tag`,
		"version = 1\n[images]\n\"localhost:5000/a\" = \"3\"":                          "want a reference with a tag",
		"version = 1\n[images]\n\"a:1@sha256:b\" = \"3\"":                              "want a reference with a tag",
		"version = 1\n[images]\n\"a:1\" = \"sha256:b\"":                                "is no digest",
		"version = 1\n[images]\n\"a:1\" = \"sha1:" + strings.Repeat("a", 40) + "\"":    "is no digest",
		"version = 1\n[images]\n\"a:1\" = \"sha512:" + strings.Repeat("a", 128) + "\"": "",
		"version = 1\n[images]\n\"a:1\" = \"x y\"":                                     "is neither a digest nor a tag",
		"version = 1\n[images]\n\"a:1\" = \"\"":                                        "is neither a digest nor a tag",
		"version = 1\n[images]\n\"a:1\" = 3":                                           "x:3:",
		"version = 1\n[images]\n\"a:1\" = \"2\"\n\"a:1\" = \"3\"":                      "x:4:",
	} {
		_, err := ParseLock([]byte(src), "x")
		var ce *ConfigError
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", src, err)
		case want != "" && (!errors.As(err, &ce) || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: error %v, want %q", src, err, want)
		}
	}
}

// TestLockFile writes a lock, finds it from a folder below, changes it, and
// checks what is written against the schema.
func TestLockFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sub", "Dockerfile")
	var r Resolver
	if l, err := r.Lock(file); l != nil || err != nil {
		t.Fatalf("Lock = %v, %v; want none", l, err)
	}
	for from, want := range map[string]string{dir: dir, filepath.Join(dir, "other"): filepath.Join(dir, "sub")} {
		if got, err := r.LockPath(file, from); err != nil || got != filepath.Join(want, LockName) {
			t.Errorf("LockPath from %s = %s, %v; want it in %s", from, got, err, want)
		}
	}
	l := &Lock{Path: filepath.Join(dir, LockName), Images: map[string]string{"node:20": someDigest}}
	if err := l.Save(); err != nil {
		t.Fatal(err)
	}
	r = Resolver{}
	got, err := r.Lock(file)
	if err != nil || got == nil || got.Images["node:20"] != someDigest {
		t.Fatalf("Lock = %v, %v", got, err)
	}
	got.Images["a:1"] = "2"
	if err := got.Save(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(l.Path)
	if err != nil {
		t.Fatal(err)
	}
	want := "# Which images the tags in Dockerfiles stand for. Written by\n# refit fix --online --update-lock; commit this file.\nversion = 1\n\n[images]\n\"a:1\" = \"2\"\n\"node:20\" = \"" + someDigest + "\"\n"
	if d := cmp.Diff(want, string(data)); d != "" {
		t.Error(d)
	}
	var v any
	if err := toml.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	var schema any
	if err := json.Unmarshal(LockSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("lock.json", schema); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Error(err)
	}
	if s.Validate(map[string]any{"version": int64(1), "images": map[string]any{"a": "2"}}) == nil {
		t.Error("the schema allows a reference without a tag")
	}
	// What someone else wrote meanwhile is not overwritten.
	got, _ = (&Resolver{}).Lock(file)
	if err := os.WriteFile(l.Path, []byte("version = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got.Images["b:1"] = "2"
	if err := got.Save(); !errors.Is(err, ErrChanged) {
		t.Errorf("Save = %v, want ErrChanged", err)
	}
	if l, err := (&Resolver{None: true}).Lock(file); l != nil || err != nil {
		t.Errorf("without configuration: Lock = %v, %v", l, err)
	}
}
