// Package editors holds refit's set-ups for editors. Its tests run the real
// editors against the real server; they skip with a message where an editor is
// not installed.
package editors

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// binary builds refit once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "refit-editors")
	if err != nil {
		return "", err
	}
	exe := filepath.Join(dir, "refit")
	if runtime.GOOS == "windows" {
		exe += ".exe"
	}
	out, err := exec.Command("go", "build", "-o", exe, "../cmd/refit").CombinedOutput()
	if err != nil {
		return "", &buildError{string(out)}
	}
	return exe, nil
})

type buildError struct{ out string }

func (e *buildError) Error() string { return "go build: " + e.out }

func TestMain(m *testing.M) {
	code := m.Run()
	if exe, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(exe))
	}
	os.Exit(code)
}

// need returns the path of an editor, or skips the test.
func need(t *testing.T, editor, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(editor)
	if err != nil {
		t.Skipf("%s is not installed (Debian: apt-get install %s)", editor, pkg)
	}
	return path
}

const dockerfile = `from debian:12-slim as base
# a whale: 🐳
RUN   echo one
RUN echo two  && echo 日本
copy  --from=base /a /b
CMD ["python3","/app.py"]
ENV A=1
ENV B=2
`

// run runs an editor's script on a new Dockerfile; the script prints "ok", or
// "skip:" and why, as its last line.
func run(t *testing.T, env []string, editor string, args ...string) {
	t.Helper()
	exe, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(file, []byte(dockerfile), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, editor, args...)
	cmd.Env = append(os.Environ(), "REFIT="+exe, "FILE="+file, "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_STATE_HOME="+dir, "XDG_CACHE_HOME="+dir, "LC_ALL=C.UTF-8")
	cmd.Env = append(cmd.Env, env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(out.String(), "\r", "")), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	if why, ok := strings.CutPrefix(last, "skip: "); ok && err == nil {
		t.Skip(why)
	}
	if err != nil || last != "ok" {
		t.Errorf("%s: %v\n%s", editor, err, out.String())
	}
}

func TestNeovim(t *testing.T) {
	nvim := need(t, "nvim", "neovim")
	module, err := filepath.Abs("neovim")
	if err != nil {
		t.Fatal(err)
	}
	run(t, nil, nvim, "--headless", "-u", "NONE", "-i", "NONE", "-n", "--cmd", "set runtimepath^="+module, "-c", "luafile "+filepath.Join(module, "test", "e2e.lua"))
}

func TestEmacs(t *testing.T) {
	emacs := need(t, "emacs", "emacs-nox elpa-eglot")
	module, err := filepath.Abs("emacs")
	if err != nil {
		t.Fatal(err)
	}
	run(t, nil, emacs, "--batch", "--no-init-file", "-L", module, "-l", filepath.Join(module, "test", "e2e.el"))
}
