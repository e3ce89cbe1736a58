package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"refit": main})
}

// TestScript runs the transcripts in testdata/script with the real command.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		ContinueOnError:     true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			scripts, err := filepath.Abs("../../scripts")
			env.Setenv("SCRIPTS", scripts)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"bytes": bytesCmd, "code": codeCmd},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, nil
		},
	})
}

// bytesCmd writes files that a txtar archive cannot hold: bytes FILE 'GO
// STRING' [COUNT] … writes each string COUNT times.
func bytesCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: bytes FILE 'GO STRING' [COUNT] …")
	}
	var b strings.Builder
	for i := 1; i < len(args); i++ {
		text, err := strconv.Unquote(`"` + args[i] + `"`)
		ts.Check(err)
		n := 1
		if i+1 < len(args) {
			if c, err := strconv.Atoi(args[i+1]); err == nil {
				n = c
				i++
			}
		}
		b.WriteString(strings.Repeat(text, n))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o666))
}

// codeCmd runs a command that must end with an exit code: code N COMMAND ….
// "! exec" says only that it is not 0.
func codeCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND …")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
