package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/refit-dev/refit/pkg/workspace"
)

// TestOwnDockerfile holds refit's own image to refit's standards.
func TestOwnDockerfile(t *testing.T) {
	var out, err bytes.Buffer
	c := &console{in: &bytes.Buffer{}, out: &out, err: &err, getenv: func(string) string { return "" }}
	root := filepath.Join("..", "..")
	args := []string{"refit", "lint", "--unsafe", "--format", "--no-config", "--context", root, filepath.Join(root, "Dockerfile")}
	if code := run(c, args); code != exitOK {
		t.Errorf("exit code %d\n%s%s", code, out.String(), err.String())
	}
}

// TestOwnDockerfileFix: refit has nothing to improve in it.
func TestOwnDockerfileFix(t *testing.T) {
	root := filepath.Join("..", "..")
	for _, args := range [][]string{
		{"refit", "fix", "--unsafe", "--diff", filepath.Join(root, "Dockerfile")},
		{"refit", "fix", "--unsafe", "--diff", "--context", root, filepath.Join(root, "Dockerfile")},
		{"refit", "fmt", "--diff", filepath.Join(root, "Dockerfile")},
	} {
		var out, err bytes.Buffer
		c := &console{in: &bytes.Buffer{}, out: &out, err: &err, getenv: func(string) string { return "" }}
		if code := run(c, args); code != exitOK || out.Len() > 0 {
			t.Errorf("%v: exit code %d\n%s%s", args, code, out.String(), err.String())
		}
	}
}

// TestFilesForTools checks that what other tools read is YAML, and that the
// hooks of pre-commit take the names that refit itself looks for.
func TestFilesForTools(t *testing.T) {
	for _, name := range []string{"action.yml", ".goreleaser.yaml", ".pre-commit-hooks.yaml"} {
		data, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := yaml.Unmarshal(data, &doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name != ".pre-commit-hooks.yaml" {
			continue
		}
		var hooks []struct{ ID, Files, Exclude string }
		if err := yaml.Unmarshal(data, &hooks); err != nil || len(hooks) != 3 {
			t.Fatalf("%v: %+v", err, hooks)
		}
		for _, h := range hooks {
			files, exclude := regexp.MustCompile(h.Files), regexp.MustCompile(h.Exclude)
			for _, file := range []string{"Dockerfile", "a/dockerfile.dev", "app.Dockerfile", "x/Containerfile", "Dockerfile.j2", "Dockerfile.md", "mydockerfile", "dockerfile.go", "README", "a-Dockerfile"} {
				if got, want := files.MatchString(file) && !exclude.MatchString(file), workspace.IsDockerfile(filepath.Base(file)); got != want {
					t.Errorf("%s: the hook takes %s: %v, refit: %v", h.ID, file, got, want)
				}
			}
		}
	}
}
