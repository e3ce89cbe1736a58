//go:build unix

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

// onTerminal runs refit on a pseudo-terminal, types each answer when a
// question stands there, and returns what the terminal showed.
func onTerminal(t *testing.T, dir string, args []string, answers ...string) (screen string, code int) {
	t.Helper()
	exe, err := exec.LookPath("refit") // testscript.Main puts the command there
	if err != nil {
		if exe, err = os.Executable(); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(exe, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=")
	term, err := pty.Start(cmd)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	defer term.Close()
	var out bytes.Buffer
	buf := make([]byte, 4096)
	questions := 0
	for {
		n, err := term.Read(buf)
		out.Write(buf[:n])
		if strings.Count(out.String(), "[y,n,a,d,s,q,?]? ") > questions && questions < len(answers) {
			io.WriteString(term, answers[questions])
			questions++
		}
		if err != nil { // EIO when the other side is closed
			if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.EIO) {
				t.Fatal(err)
			}
			break
		}
	}
	if questions < len(answers) {
		t.Errorf("only %d questions for %d answers:\n%s", questions, len(answers), out.String())
	}
	err = cmd.Wait()
	return strings.ReplaceAll(out.String(), "\r\n", "\n"), exitCode(err)
}

func exitCode(err error) int {
	var e *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.ExitCode()
	}
	return -1
}

func TestInteractive(t *testing.T) {
	const one = "FROM alpine\nADD x /x\nRUN a\nRUN b\n"
	const added = "FROM alpine\nCOPY x /x\nRUN a\nRUN b\n"
	const merged = "FROM alpine\nADD x /x\nRUN a \\\n    && b\n"
	const both = "FROM alpine\nCOPY x /x\nRUN a \\\n    && b\n"
	tests := []struct {
		name    string
		answers []string
		want    [2]string // of two files with the same content
		shows   string
	}{
		{"all by one", []string{"y\n", "y\n", "y\n", "y\n"}, [2]string{both, both}, "build steps 8 → 6"},
		{"none", []string{"n\n", "n\n", "n\n", "n\n"}, [2]string{one, one}, ""},
		{"a for the file", []string{"a\n", "n\n", "n\n"}, [2]string{both, one}, ""},
		{"d for the file", []string{"d\n", "a\n"}, [2]string{one, both}, ""},
		{"q keeps what was accepted", []string{"y\n", "q\n"}, [2]string{"", one}, ""},
		{"end of input", []string{"y\n", "\x04"}, [2]string{"", one}, ""},
		{"s skips a transform", []string{"s\n", "y\n", "y\n"}, [2]string{"", ""}, ""},
		{"help and nonsense", []string{"?\n", "x\n", "q\n"}, [2]string{one, one}, "q - quit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range []string{"a.Dockerfile", "b.Dockerfile"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(one), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			screen, code := onTerminal(t, dir, []string{"fix", "-i", "--select", "add-to-copy,merge-run", "."}, tt.answers...)
			if code != 0 {
				t.Errorf("exit code %d\n%s", code, screen)
			}
			for i, name := range []string{"a.Dockerfile", "b.Dockerfile"} {
				got, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				// Which change comes first is the transforms' business.
				ok := string(got) == tt.want[i] || tt.want[i] == "" && (string(got) == added || string(got) == merged)
				if !ok {
					t.Errorf("%s holds %q\n%s", name, got, screen)
				}
			}
			if !strings.Contains(screen, "\x1b[32m+") {
				t.Errorf("no colour on the terminal:\n%q", screen)
			}
			if !strings.Contains(screen, tt.shows) {
				t.Errorf("the terminal does not show %q:\n%s", tt.shows, screen)
			}
		})
	}
}
