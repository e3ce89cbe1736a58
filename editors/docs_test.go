package editors

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// snippets returns the fenced code blocks of a language in the READMEs.
func snippets(t *testing.T, lang string) []string {
	t.Helper()
	var out []string
	for _, name := range []string{"README.md", "neovim/README.md", "emacs/README.md", "vscode/README.md"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(data), "\n```"+lang+"\n")[1:] {
			code, _, ok := strings.Cut(part, "\n```\n")
			if !ok {
				t.Fatalf("%s: a block does not end", name)
			}
			out = append(out, code+"\n")
		}
	}
	if len(out) == 0 {
		t.Fatalf("there are no %s snippets", lang)
	}
	return out
}

func TestSnippetsParse(t *testing.T) {
	for _, s := range snippets(t, "toml") {
		var v struct {
			Servers  map[string]struct{ Command string } `toml:"language-server"`
			Language []map[string]any
		}
		if err := toml.Unmarshal([]byte(s), &v); err != nil || v.Servers["refit"].Command != "refit" || len(v.Language) != 1 {
			t.Errorf("%v: %+v", err, v)
		}
	}
	for _, s := range snippets(t, "json") {
		if !json.Valid([]byte(s)) {
			t.Errorf("no JSON: %s", s)
		}
	}
}

func TestLuaSnippetsParse(t *testing.T) {
	nvim := need(t, "nvim", "neovim")
	for _, s := range snippets(t, "lua") {
		file := filepath.Join(t.TempDir(), "snippet.lua")
		if err := os.WriteFile(file, []byte(s), 0o666); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(nvim, "--headless", "-u", "NONE", "-i", "NONE", "--cmd", "lua assert(loadfile('"+file+"')) io.stdout:write('ok')", "--cmd", "qall!").CombinedOutput()
		if err != nil || string(bytes.TrimSpace(out)) != "ok" {
			t.Errorf("%v: %s\n%s", err, out, s)
		}
	}
}

func TestElispSnippetsParse(t *testing.T) {
	emacs := need(t, "emacs", "emacs-nox")
	for _, s := range snippets(t, "elisp") {
		file := filepath.Join(t.TempDir(), "snippet.el")
		if err := os.WriteFile(file, []byte(s), 0o666); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(emacs, "--batch", "-Q", "--eval", `(with-temp-buffer (insert-file-contents "`+file+`") (emacs-lisp-mode) (check-parens))`).CombinedOutput()
		if err != nil {
			t.Errorf("%v: %s\n%s", err, out, s)
		}
	}
}

// TestFilter is the contract that filters of editors rely on.
func TestFilter(t *testing.T) {
	exe, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".refit.toml"), []byte("exclude = [\"old/\"]\n[format]\nindent = 2\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, in, file, out, err string
		code                     int
	}{
		{"changed", "from a\nRUN b &&   c\n", "Dockerfile", "FROM a\nRUN b \\\n  && c\n", "", 0},
		{"unchanged", "FROM a\n", "Dockerfile", "FROM a\n", "", 0},
		{"broken", "FROM a\nRUNN b\n", "Dockerfile", "", "Dockerfile:2:1: unknown instruction: RUNN", 2},
		{"empty", "", "Dockerfile", "", "Dockerfile", 2},
		{"excluded", "from   a\n", "old/Dockerfile", "from   a\n", "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command(exe, "fmt", "-", "--stdin-filename", filepath.Join(dir, tt.file))
			cmd.Stdin = strings.NewReader(tt.in)
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			_ = cmd.Run() // the exit code is compared below
			if out.String() != tt.out || !strings.Contains(errs.String(), tt.err) || cmd.ProcessState.ExitCode() != tt.code {
				t.Errorf("exit %d, stdout %q, stderr %q", cmd.ProcessState.ExitCode(), out.String(), errs.String())
			}
		})
	}
}
