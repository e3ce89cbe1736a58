package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/urfave/cli/v2"
)

// call is one call of refit in a transcript.
type call struct {
	where string
	args  []string // behind "refit"
	code  string   // "0", "not 0" or the code that is checked
}

var callLine = regexp.MustCompile(`^(?:\[[^\]]*\] *)*(! )?(?:exec|code (\d)) refit\b(.*)$`)

// calls returns the calls in testdata/script.
func calls(t *testing.T) []call {
	t.Helper()
	files, err := filepath.Glob("../../testdata/script/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	var out []call
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(txtar.Parse(data).Comment)) {
			m := callLine.FindStringSubmatch(strings.TrimSpace(line))
			if m == nil {
				continue
			}
			c := call{where: filepath.Base(file) + ": " + strings.TrimSpace(line), code: m[2], args: words(m[3])}
			if c.code == "" {
				c.code = "0"
				if m[1] != "" {
					c.code = "not 0"
				}
			}
			out = append(out, c)
		}
	}
	return out
}

// words splits a line of a transcript: at blanks, except in single quotes.
func words(line string) []string {
	var out []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 0 {
			out = append(out, strings.Fields(part)...)
		} else {
			out = append(out, part)
		}
	}
	return out
}

// TestTranscriptsOfFlags makes sure that a transcript shows the effect of each
// flag of each command. What is expected to be a mistake does not count.
func TestTranscriptsOfFlags(t *testing.T) {
	c := &console{in: &bytes.Buffer{}, out: &bytes.Buffer{}, err: &bytes.Buffer{}, getenv: func(string) string { return "" }}
	app := newApp(c)
	app.Setup()
	seen := map[string]bool{}
	for _, call := range calls(t) {
		if strings.HasPrefix(call.where, "usage.txt") && call.code != "0" || call.code == "2" {
			continue
		}
		args, err := permute(app, append([]string{"refit"}, call.args...))
		if err != nil {
			continue
		}
		name := ""
		for _, arg := range args[1:] {
			if arg == "--" {
				break
			}
			if flag, ok := strings.CutPrefix(arg, "-"); ok {
				flag, _, _ = strings.Cut(strings.TrimPrefix(flag, "-"), "=")
				seen[name+" "+flag] = true
			} else if name == "" {
				name = arg
			}
		}
	}
	check := func(command string, flags []cli.Flag) {
		for _, f := range flags {
			if !slices.ContainsFunc(f.Names(), func(n string) bool { return seen[command+" "+n] }) {
				t.Errorf("no transcript in testdata/script shows the effect of refit %s %s", command, dashed(f.Names()[0]))
			}
		}
	}
	check("", app.Flags)
	for _, cmd := range app.Commands {
		check(cmd.Name, cmd.Flags)
	}
}

// TestTranscriptsOfExitCodes makes sure that each exit code that a command
// documents is checked by a transcript.
func TestTranscriptsOfExitCodes(t *testing.T) {
	app := newApp(&console{})
	seen := map[string]bool{}
	for _, call := range calls(t) {
		if len(call.args) > 0 {
			seen[call.args[0]+" "+call.code] = true
		}
	}
	for _, cmd := range app.Commands {
		for _, code := range exitCodes(cmd.Name) {
			if n := string(rune('0' + code)); !seen[cmd.Name+" "+n] {
				t.Errorf("no transcript in testdata/script checks that refit %s ends with exit code %s", cmd.Name, n)
			}
		}
	}
}
