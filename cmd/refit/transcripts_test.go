package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// call is one call of refit in a transcript.
type transcribed struct {
	where string
	args  []string // behind "refit"
	code  string   // "0", "not 0" or the code that is checked
}

var callLine = regexp.MustCompile(`^(?:\[[^\]]*\] *)*(! )?(?:exec|code (\d)) refit\b(.*)$`)

// calls returns the calls in testdata/script.
func calls(t *testing.T) []transcribed {
	t.Helper()
	files, err := filepath.Glob("../../testdata/script/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	var out []transcribed
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
			c := transcribed{where: filepath.Base(file) + ": " + strings.TrimSpace(line), code: m[2], args: words(m[3])}
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
	seen := map[string]bool{}
	for _, call := range calls(t) {
		if len(call.args) == 0 || strings.HasPrefix(call.where, "usage.txt") && call.code != "0" || call.code == "2" {
			continue
		}
		if len(call.args) == 1 {
			seen[call.args[0]] = true
		}
		line, err := understand(c, call.args)
		if err != nil {
			continue
		}
		for name := range line.values {
			seen[line.cmd.name+" --"+name] = true
		}
	}
	wanted := []string{"--help", "--version"}
	for _, cmd := range commands(c) {
		for f := range cmd.eachFlag() {
			wanted = append(wanted, cmd.name+" --"+f.name)
		}
	}
	for _, w := range wanted {
		if !seen[w] {
			t.Errorf("no transcript in testdata/script shows the effect of refit %s", w)
		}
	}
}

// TestTranscriptsOfExitCodes makes sure that each exit code that a command
// documents is checked by a transcript.
func TestTranscriptsOfExitCodes(t *testing.T) {
	seen := map[string]bool{}
	for _, call := range calls(t) {
		if len(call.args) > 0 {
			seen[call.args[0]+" "+call.code] = true
		}
	}
	for _, cmd := range commands(&console{}) {
		for _, code := range exitCodes(cmd.name) {
			if n := string(rune('0' + code)); !seen[cmd.name+" "+n] {
				t.Errorf("no transcript in testdata/script checks that refit %s ends with exit code %s", cmd.name, n)
			}
		}
	}
}
