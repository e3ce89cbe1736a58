package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refit-dev/refit/pkg/lsp"
)

// TestEditorConfig changes the files between calls: nothing is remembered.
func TestEditorConfig(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "Dockerfile")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	configure := editorConfig(&console{getenv: func(string) string { return "" }})
	get := func(set lsp.Settings) lsp.Config {
		t.Helper()
		cfg, err := configure(path, set)
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	if cfg := get(lsp.Settings{}); cfg.Style.Indent != 4 || cfg.Style.Width != 100 || cfg.Excluded {
		t.Errorf("the defaults: %+v", cfg)
	}
	write(".editorconfig", "root = true\n[*]\nindent_size = 3\n")
	if cfg := get(lsp.Settings{}); cfg.Style.Indent != 3 {
		t.Errorf("with .editorconfig: %+v", cfg.Style)
	}
	write(".refit.toml", "ignore = [\"merge-run\"]\ncontext = \".\"\nexclude = [\"old/\"]\n[format]\nindent = 2\noperators = \"trailing\"\n")
	cfg := get(lsp.Settings{})
	if cfg.Style.Indent != 2 || cfg.Style.Operators != "trailing" || len(cfg.Transform.Ignore) != 1 || cfg.Transform.Context == nil || cfg.ContextDir != dir {
		t.Errorf("with .refit.toml: %+v", cfg)
	}
	width := 80
	if cfg := get(lsp.Settings{Width: &width, Ignore: []string{}}); cfg.Style.Width != 80 || cfg.Style.Indent != 2 || len(cfg.Transform.Ignore) != 0 {
		t.Errorf("the user's settings: %+v", cfg)
	}
	if cfg, err := configure(filepath.Join(dir, "old", "Dockerfile"), lsp.Settings{}); err != nil || !cfg.Excluded {
		t.Errorf("an excluded file: %+v, %v", cfg, err)
	}
	write(".refit.toml", "ignoer = []\n")
	if _, err := configure(path, lsp.Settings{}); err == nil || !strings.Contains(err.Error(), ".refit.toml:1:1") {
		t.Errorf("a mistake: %v", err)
	}
}
