package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"
)

// notRun is how many shell blocks of the documentation may be marked as not
// run, by file.
var notRun = map[string]int{"README.md": 3, "docs/lock.md": 1}

// block is a fenced block of a Markdown file.
type block struct {
	line    int // of the opening fence, 1-based
	lang    string
	text    string
	mark    string // the HTML comment directly before it
	diff    string // for a console block: the diff block behind it, which is its output
	hasDiff bool
}

// blocks returns the fenced blocks of a Markdown file.
func blocks(t *testing.T, file string) []block {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []block
	var open *block
	mark := ""
	for i, line := range strings.Split(string(data), "\n") {
		lang, fence := strings.CutPrefix(line, "```")
		switch {
		case open == nil && fence:
			lang, _, _ = strings.Cut(lang, " ")
			open = &block{line: i + 1, lang: lang, mark: mark}
			mark = ""
		case open != nil && fence:
			out, open = append(out, *open), nil
		case open != nil:
			open.text += line + "\n"
		case strings.HasPrefix(line, "<!-- ") && strings.HasSuffix(line, " -->"):
			mark = strings.TrimSuffix(strings.TrimPrefix(line, "<!-- "), " -->")
		case strings.TrimSpace(line) != "":
			mark = ""
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block does not end", file, open.line)
	}
	for i := range out {
		if i > 0 && out[i].lang == "diff" && out[i-1].lang == "console" {
			out[i-1].diff, out[i-1].hasDiff = out[i].text, true
		}
	}
	return out
}

// step is one command of a shell block and what it must do.
type step struct {
	command string
	output  string // of stdout and stderr together
	compare bool
	code    int
}

var exitComment = regexp.MustCompile(`\s#.*\bexit (\d)\b`)

// steps takes a shell block apart. In an sh block each line is a command; in
// a console block a line with $ is one, lines with > continue it, and the
// others are its output. A comment that says "exit 1" is taken at its word.
func (b *block) steps() []step {
	var out []step
	for line := range strings.Lines(b.text) {
		command := line
		if b.lang == "console" {
			if more, ok := strings.CutPrefix(line, "> "); ok && len(out) > 0 {
				out[len(out)-1].command += more
				continue
			}
			var ok bool
			if command, ok = strings.CutPrefix(line, "$ "); !ok {
				if len(out) > 0 {
					out[len(out)-1].output += line
				}
				continue
			}
		} else if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		} else if n := len(out); n > 0 && strings.HasSuffix(out[n-1].command, "\\\n") {
			out[n-1].command += line
			continue
		}
		out = append(out, step{command: command, compare: b.lang == "console" && !b.hasDiff})
	}
	for i := range out {
		if m := exitComment.FindStringSubmatch(out[i].command); m != nil {
			out[i].code, _ = strconv.Atoi(m[1])
		}
	}
	return out
}

func isShell(lang string) bool {
	switch lang {
	case "sh", "console", "bash", "shell":
		return true
	}
	return false
}

// TestDocsShell runs every shell block of README.md and docs/*.md with the
// refit under test, and compares every output that is shown. A block runs in a
// new copy of testdata/docs/project.txtar, or, with the comment
// <!-- run in the repository --> before it, in the repository itself. The
// network is not used: a block with <!-- not run: REASON --> is left out, and
// listed.
func TestDocsShell(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the blocks are for a Unix shell")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	left := map[string]int{}
	for _, file := range append(files, filepath.Join(root, "README.md")) {
		name, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		name = filepath.ToSlash(name)
		for _, b := range blocks(t, file) {
			if b.mark == "Dockerfile of testdata/docs/project.txtar" {
				data, err := os.ReadFile(filepath.Join(docsProject(t, root), "Dockerfile"))
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(b.text, string(data)); d != "" {
					t.Errorf("%s:%d: -shown +in the project:\n%s", name, b.line, d)
				}
			}
			if !isShell(b.lang) {
				continue
			}
			if reason, ok := strings.CutPrefix(b.mark, "not run: "); ok {
				t.Logf("%s:%d: not run: %s", name, b.line, reason)
				left[name]++
				continue
			}
			ran++
			t.Run(fmt.Sprintf("%s:%d", name, b.line), func(t *testing.T) {
				dir := root
				if b.mark != "run in the repository" {
					dir = docsProject(t, root)
				}
				for _, s := range b.steps() {
					docsStep(t, dir, &b, s)
				}
			})
		}
	}
	if d := cmp.Diff(notRun, left); d != "" {
		t.Errorf("blocks that are not run, -allowed +found:\n%s", d)
	}
	if ran < 5 {
		t.Errorf("only %d blocks ran", ran)
	}
}

// docsStep runs one command.
func docsStep(t *testing.T, dir string, b *block, s step) {
	t.Helper()
	cmd := exec.Command("sh", "-c", s.command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GIT_CONFIG_GLOBAL=/dev/null", "XDG_CONFIG_HOME="+t.TempDir(), "LC_ALL=C", "NO_COLOR=1")
	var all, stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &all, &all
	if b.hasDiff {
		cmd.Stdout = &stdout
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); code != s.code {
		t.Errorf("%sexit code %d, want %d\n%s", s.command, code, s.code, all.String())
	}
	if b.hasDiff {
		if d := cmp.Diff(b.diff, stdout.String()); d != "" {
			t.Errorf("%s-documented +got:\n%s", s.command, d)
		}
	}
	if s.compare {
		if d := cmp.Diff(s.output, all.String()); d != "" {
			t.Errorf("%s-documented +got:\n%s", s.command, d)
		}
	}
}

// docsProject makes the project in which the blocks run.
func docsProject(t *testing.T, root string) string {
	t.Helper()
	ar, err := txtar.ParseFile(filepath.Join(root, "testdata", "docs", "project.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(f txtar.File) {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	git := func(args ...string) {
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	for _, f := range ar.Files {
		if f.Name == "web/Dockerfile" {
			f.Data = bytes.Replace(f.Data, []byte("from"), []byte("FROM"), 1)
		}
		write(f)
	}
	git("init", "-q")
	git("add", ".")
	git("commit", "-q", "-m", "start")
	git("update-ref", "refs/remotes/origin/main", "HEAD")
	for _, f := range ar.Files {
		write(f)
	}
	git("commit", "-q", "-a", "-m", "change web/Dockerfile")
	return dir
}

// TestDocsInline holds the commands in running text to the flags that exist.
func TestDocsInline(t *testing.T) {
	c := &console{in: &bytes.Buffer{}, out: &bytes.Buffer{}, err: &bytes.Buffer{}, getenv: func(string) string { return "" }}
	inline := regexp.MustCompile("`(refit [^`]+)`")
	var files []string
	for _, pattern := range []string{"README.md", "docs/*.md", "editors/*.md", "editors/*/README.md"} {
		found, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	n := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range inline.FindAllStringSubmatch(string(data), -1) {
			command, _, _ := strings.Cut(m[1], " >")
			n++
			args := strings.Fields(command)[1:]
			if len(args) == 1 && strings.HasPrefix(args[0], "-") {
				continue // refit --version
			}
			if _, err := understand(c, args); err != nil && !strings.Contains(err.Error(), "needs a value") {
				t.Errorf("%s: `%s`: %v", file, m[1], err)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d commands in running text", n)
	}
}

// TestDocsYAML runs refit's commands in the CI snippets of docs/ci.md and
// looks up the hooks that they name.
func TestDocsYAML(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are for a Unix shell")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := os.ReadFile(filepath.Join(root, ".pre-commit-hooks.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	ran, named := 0, 0
	for _, b := range blocks(t, filepath.Join(root, "docs", "ci.md")) {
		if b.lang != "yaml" {
			continue
		}
		var doc struct {
			Repos []struct {
				Hooks []struct{ ID string }
			}
			Refit struct {
				Script    []string
				Artifacts struct{ Reports map[string]string }
			}
		}
		if err := yaml.Unmarshal([]byte(b.text), &doc); err != nil {
			t.Errorf("docs/ci.md:%d: %v", b.line, err)
		}
		for _, r := range doc.Repos {
			for _, h := range r.Hooks {
				named++
				if !strings.Contains(string(hooks), "- id: "+h.ID+"\n") {
					t.Errorf("docs/ci.md:%d: there is no hook %s", b.line, h.ID)
				}
			}
		}
		for _, command := range doc.Refit.Script {
			if strings.HasPrefix(command, "go install ") { // needs the network
				continue
			}
			ran++
			dir := docsProject(t, root)
			docsStep(t, dir, &b, step{command: command})
			for _, report := range doc.Refit.Artifacts.Reports {
				if data, err := os.ReadFile(filepath.Join(dir, report)); err != nil || !bytes.HasPrefix(data, []byte("[")) {
					t.Errorf("docs/ci.md:%d: no report in %s: %v", b.line, report, err)
				}
			}
		}
	}
	if ran != 1 || named != 1 {
		t.Errorf("%d commands and %d hooks in docs/ci.md", ran, named)
	}
}
