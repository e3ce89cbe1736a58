package main

import (
	"os"
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
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			scripts, err := filepath.Abs("../../scripts")
			env.Setenv("SCRIPTS", scripts)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"bytes": bytesCmd},
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
