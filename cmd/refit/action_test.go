//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// action is what the test reads of action.yml, see
// https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax.
type action struct {
	Name, Description string
	Inputs            map[string]struct {
		Description, Default string
		Required             bool
	}
	Runs struct {
		Using string
		Steps []actionStep
	}
}

type actionStep struct {
	Name, If, Uses, Shell, Run string
	Env, With                  map[string]string
}

func readAction(t *testing.T) *action {
	t.Helper()
	data, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	a := &action{}
	d := yaml.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(a); err != nil {
		t.Fatal(err)
	}
	return a
}

var expression = regexp.MustCompile(`\$\{\{ *(\S+) *\}\}`)

// TestActionMetadata holds action.yml to the rules for composite actions: each
// input has a description and is used, each expression is one of an input or of
// the context that composite actions have, each script has a shell.
func TestActionMetadata(t *testing.T) {
	a := readAction(t)
	if a.Name == "" || a.Description == "" || a.Runs.Using != "composite" {
		t.Errorf("name %q, description %q, using %q", a.Name, a.Description, a.Runs.Using)
	}
	used := map[string]bool{}
	for i, s := range a.Runs.Steps {
		if (s.Run == "") == (s.Uses == "") || (s.Run == "") != (s.Shell == "") {
			t.Errorf("step %d: wants uses, or run and shell", i)
		}
		if strings.Contains(s.Run, "${{") {
			t.Errorf("step %d: an expression in a script lets its value run as code", i)
		}
		values := []string{"${{ " + s.If + " }}"}
		for _, m := range []map[string]string{s.Env, s.With} {
			for _, v := range m {
				values = append(values, v)
			}
		}
		for _, v := range values {
			for _, m := range expression.FindAllStringSubmatch(v, -1) {
				if name, ok := strings.CutPrefix(m[1], "inputs."); ok {
					if _, defined := a.Inputs[name]; !defined {
						t.Errorf("step %d: there is no input %s", i, name)
					}
					used[name] = true
				} else if !strings.HasPrefix(m[1], "github.") {
					t.Errorf("step %d: unknown context %s", i, m[1])
				}
			}
		}
	}
	for name, in := range a.Inputs {
		if in.Description == "" || !used[name] {
			t.Errorf("input %s: description %q, used %v", name, in.Description, used[name])
		}
	}
}

// TestActionRun runs the script of the action as GitHub's runner does, in a
// shallow clone with the merge of a pull request, with a program that stands in
// for reviewdog.
func TestActionRun(t *testing.T) {
	for _, tool := range []string{"bash", "git"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	a := readAction(t)
	at := slices.IndexFunc(a.Runs.Steps, func(s actionStep) bool { return s.Name == "run" })
	if at < 0 || a.Runs.Steps[at].Shell != "bash" {
		t.Fatal("there is no step run for bash")
	}
	step := a.Runs.Steps[at]
	bin := t.TempDir()
	stub := "#!/bin/sh\necho \"$@\" >" + bin + "/args\ncat >" + bin + "/input\n"
	if err := os.WriteFile(filepath.Join(bin, "reviewdog"), []byte(stub), 0o755); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(bin, "script.sh")
	if err := os.WriteFile(script, []byte(step.Run), 0o644); err != nil {
		t.Fatal(err)
	}

	// origin has main, which has moved on, and the merge of a topic into it.
	origin := t.TempDir()
	git := func(dir string, args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	put := func(name, text string) {
		t.Helper()
		name = filepath.Join(origin, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	const two = "FROM acme/base:1\nRUN a\nRUN b\n"
	git(origin, "init", "-q", "-b", "main")
	put("old/Dockerfile", two)
	put("new/Dockerfile", "FROM acme/base:1\n")
	put("broken/Dockerfile.bad", "FROM acme/base:1\n")
	git(origin, "add", ".")
	git(origin, "commit", "-q", "-m", "start")
	git(origin, "checkout", "-q", "-b", "topic")
	put("new/Dockerfile", two)
	git(origin, "commit", "-q", "-a", "-m", "topic")
	git(origin, "checkout", "-q", "main")
	put("elsewhere/Dockerfile", two)
	git(origin, "add", ".")
	git(origin, "commit", "-q", "-m", "main moves on")
	git(origin, "checkout", "-q", "-b", "merge")
	git(origin, "merge", "-q", "--no-edit", "topic")

	for _, tt := range []struct {
		name   string
		inputs map[string]string
		base   string // of the pull request
		code   int
		files  []string // in the report
		stdout string
		stderr string
		posted bool
	}{
		{name: "suggestions", base: "main", files: []string{"new/Dockerfile"}, posted: true},
		{name: "suggestions that fail the job", inputs: map[string]string{"fail": "true"}, base: "main", code: 1, files: []string{"new/Dockerfile"}, posted: true},
		{name: "all files", inputs: map[string]string{"changed-only": "false"}, base: "main", files: []string{"elsewhere/Dockerfile", "new/Dockerfile", "old/Dockerfile"}, posted: true},
		{name: "a push", files: []string{"elsewhere/Dockerfile", "new/Dockerfile", "old/Dockerfile"}, posted: true},
		{name: "paths and flags", inputs: map[string]string{"path": "old new", "args": "--select merge-run --max-lines 1"}, posted: true},
		{name: "paths", inputs: map[string]string{"path": "old new"}, files: []string{"new/Dockerfile", "old/Dockerfile"}, posted: true},
		{name: "annotations", inputs: map[string]string{"reporter": "annotations", "args": "--select merge-run"}, base: "main", stdout: "::warning file=new/Dockerfile,line=2,endLine=3,"},
		{name: "sarif", inputs: map[string]string{"reporter": "sarif", "command": "fix"}, base: "main", files: []string{"new/Dockerfile"}},
		{name: "fmt", inputs: map[string]string{"command": "fmt"}, base: "main", posted: true},
		{name: "fix", inputs: map[string]string{"command": "fix", "args": "--check", "fail": "true"}, base: "main", code: 1, files: []string{"new/Dockerfile"}, posted: true},
		{name: "a wrong flag", inputs: map[string]string{"args": "--nonsense"}, code: 2, stderr: "lint has no flag --nonsense"},
		{name: "a wrong reporter", inputs: map[string]string{"reporter": "mail"}, code: 2, stderr: "the input reporter must be"},
		{name: "a wrong command", inputs: map[string]string{"command": "rm"}, code: 2, stderr: "the input command must be"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			os.Remove(filepath.Join(bin, "args"))
			os.Remove(filepath.Join(bin, "input"))
			dir := filepath.Join(t.TempDir(), "work")
			git(origin, "clone", "-q", "--depth", "1", "--branch", "merge", "file://"+origin, dir)
			cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", script)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "GIT_CONFIG_GLOBAL=/dev/null")
			for k, v := range step.Env {
				v = expression.ReplaceAllStringFunc(v, func(e string) string {
					name := expression.FindStringSubmatch(e)[1]
					if name == "github.base_ref" {
						return tt.base
					}
					name = strings.TrimPrefix(name, "inputs.")
					if set, ok := tt.inputs[name]; ok {
						return set
					}
					return a.Inputs[name].Default
				})
				cmd.Env = append(cmd.Env, k+"="+v)
			}
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			_ = cmd.Run() // the exit code is compared
			if got := cmd.ProcessState.ExitCode(); got != tt.code {
				t.Errorf("exit code %d, want %d", got, tt.code)
			}
			if !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("want %q and %q", tt.stdout, tt.stderr)
			}
			args, err := os.ReadFile(filepath.Join(bin, "args"))
			if (err == nil) != tt.posted || tt.posted && string(args) != "-f=rdjson -name=refit -reporter=github-pr-review -fail-level=none\n" {
				t.Errorf("reviewdog was called with %q", args)
			}
			report, _ := os.ReadFile(filepath.Join(bin, "input"))
			if !tt.posted {
				report, _ = os.ReadFile(filepath.Join(dir, "refit.sarif"))
			}
			if d := reportedFiles(t, report); !slices.Equal(d, tt.files) {
				t.Errorf("the report is about %q, want %q", d, tt.files)
			}
			if t.Failed() {
				t.Logf("stdout: %s\nstderr: %s", stdout.String(), stderr.String())
			}
		})
	}
}

// reportedFiles lists the files in an rdjson or SARIF report.
func reportedFiles(t *testing.T, report []byte) []string {
	t.Helper()
	if len(report) == 0 {
		return nil
	}
	var doc struct {
		Diagnostics []struct {
			Location struct{ Path string }
		}
		Runs []struct {
			Results []struct {
				Locations []struct {
					PhysicalLocation struct{ ArtifactLocation struct{ URI string } }
				}
			}
		}
	}
	if err := json.Unmarshal(report, &doc); err != nil {
		t.Errorf("%v in the report:\n%s", err, report)
	}
	var out []string
	for _, d := range doc.Diagnostics {
		out = append(out, d.Location.Path)
	}
	for _, r := range doc.Runs {
		for _, res := range r.Results {
			for _, l := range res.Locations {
				out = append(out, l.PhysicalLocation.ArtifactLocation.URI)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
