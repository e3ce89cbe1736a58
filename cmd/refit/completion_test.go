//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
)

// completionScript writes the completion script of a shell, and returns the
// shell's path and the script's.
func completionScript(t *testing.T, shell string) (exe, script string) {
	t.Helper()
	exe, err := exec.LookPath(shell)
	if err != nil {
		t.Skipf("%s is not installed", shell)
	}
	out, err := exec.Command("refit", "completion", shell).Output()
	if err != nil {
		t.Fatal(err)
	}
	script = filepath.Join(t.TempDir(), "completion")
	if err := os.WriteFile(script, out, 0o666); err != nil {
		t.Fatal(err)
	}
	return exe, script
}

// TestZshCompletion types at a real zsh: where the text can be completed in one
// way only, Tab completes it.
func TestZshCompletion(t *testing.T) {
	exe, script := completionScript(t, "zsh")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "only.Dockerfile"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-f", "-i")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TERM=dumb", "PS1=> ", "ZDOTDIR="+dir, "HOME="+dir)
	term, err := pty.Start(cmd)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	defer func() {
		term.Close()
		cmd.Process.Kill()
		cmd.Wait()
	}()
	var screen bytes.Buffer
	chunks := make(chan []byte)
	go func() {
		defer close(chunks)
		for {
			buf := make([]byte, 4096)
			n, err := term.Read(buf)
			if n > 0 {
				chunks <- buf[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	wait := func(text string) string {
		for deadline := time.After(20 * time.Second); ; {
			if _, rest, ok := strings.Cut(screen.String(), text); ok {
				if line, _, ok := strings.Cut(rest, "]"); ok {
					screen.Reset()
					return line
				}
			}
			select {
			case chunk, ok := <-chunks:
				if !ok {
					t.Fatalf("zsh ended:\n%s", screen.String())
				}
				screen.Write(chunk)
			case <-deadline:
				t.Fatalf("no %q on the terminal:\n%s", text, screen.String())
			}
		}
	}
	// The marks are put together, so that the echo of what is typed is none.
	setup := "autoload -Uz compinit && compinit -u -d " + dir + "/dump && source " + script +
		" && refit() { print -r -- \"G\"\"OT[$*]\" } && print \"REA\"\"DY[]\"\n"
	if _, err := term.WriteString(setup); err != nil {
		t.Fatal(err)
	}
	wait("READY[")
	for _, tt := range []struct{ typed, want string }{
		{"refit measu\t", "measure"},
		{"refit fix --cache-n\t", "fix --cache-neutral"},
		{"refit fix --cache mo\t", "fix --cache mount"},
		{"refit fix --select merge-r\t", "fix --select merge-run"},
		{"refit verify --engine podm\t", "verify --engine podman"},
		{"refit rules --output-format js\t", "rules --output-format json"},
		{"refit explain apk-n\t", "explain apk-no-cache"},
		{"refit completion zs\t", "completion zsh"},
		{"refit fmt on\t", "fmt only.Dockerfile"},
	} {
		if _, err := term.WriteString(tt.typed + "\n"); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(wait("GOT[")); got != tt.want {
			t.Errorf("%q became %q, want %q", tt.typed, got, tt.want)
		}
	}
}

// TestFishCompletion asks a real fish for the completions of a text.
func TestFishCompletion(t *testing.T) {
	exe, script := completionScript(t, "fish")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "only.Dockerfile"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		typed string
		want  []string
	}{
		{"refit measu", []string{"measure"}},
		{"refit fix --cac", []string{"--cache", "--cache-neutral"}},
		{"refit fix --cache ", []string{"clean", "mount"}},
		{"refit fix --select merge-r", []string{"merge-run"}},
		{"refit verify --engine b", []string{"buildah", "buildkit"}},
		{"refit rules --output-format ", []string{"json", "text"}},
		{"refit explain apk-n", []string{"apk-no-cache"}},
		{"refit completion ", []string{"bash", "fish", "zsh"}},
		{"refit fmt on", []string{"only.Dockerfile"}},
		{"refit fmt -", nil},
	} {
		cmd := exec.Command(exe, "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", script, tt.typed)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var got []string
		for line := range strings.Lines(string(out)) {
			word, _, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t")
			got = append(got, word)
		}
		if tt.want == nil {
			if len(got) < 10 {
				t.Errorf("%q: only %q", tt.typed, got)
			}
			continue
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%q: -want +got:\n%s", tt.typed, d)
		}
	}
}
