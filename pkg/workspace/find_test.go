//go:build unix

package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIsDockerfile(t *testing.T) {
	yes := []string{"Dockerfile", "dockerfile", "DOCKERFILE", "Containerfile", "Dockerfile.dev", "dockerfile.alpine-3.20", "Dockerfile-dev", "Dockerfile_dev",
		"app.Dockerfile", "app.dockerfile", "a.containerfile", "Containerfile.x86", "ubuntu-Dockerfile", "projects__x__Dockerfile", "Dockerfile.3.12", ".Dockerfile"}
	no := []string{"Dockerfiles", "Dockerfile.j2", "Dockerfile.tmpl", "Dockerfile.erb", "Dockerfile.in", "Dockerfile.template", "app.dockerfile.j2", "Dockerfile.md", "Dockerfile.dockerignore",
		"Dockerfile.bak", "Dockerfile~", "Dockerfile.dev~", "mydockerfile", "parse_dockerfile.snap", "x-dockerfile.j2", "docker-compose.yml", "Makefile", "Dockerfile.", "dockerfile.go", "x"}
	for _, n := range yes {
		if !IsDockerfile(n) {
			t.Errorf("%s is a Dockerfile", n)
		}
	}
	for _, n := range no {
		if IsDockerfile(n) {
			t.Errorf("%s is no Dockerfile", n)
		}
	}
}

// tree writes files, given as path and content in turn.
func tree(t *testing.T, dir string, files ...string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		write(t, filepath.Join(dir, filepath.FromSlash(files[i])), files[i+1])
	}
}

// found lists what Find finds, relative to dir.
func found(t *testing.T, dir string, opt FindOptions, args ...string) []string {
	t.Helper()
	files, errs := Find(args, opt)
	for _, err := range errs {
		if none := (*NoFilesError)(nil); !errors.As(err, &none) {
			t.Error(err)
		}
	}
	var out []string
	for _, f := range files {
		rel, err := filepath.Rel(dir, f.Path)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, filepath.ToSlash(rel))
	}
	return out
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir,
		"Dockerfile", "FROM a\n", "z/Dockerfile.dev", "FROM a\n", "b/app.dockerfile", "FROM a\n",
		"b/node_modules/x/Dockerfile", "FROM a\n", ".git/Dockerfile", "", "b/Dockerfile.j2", "FROM {{ x }}\n",
		"b/Dockerfile.go", "package dockerfile\n", "z/x-dockerfile.snap", "Array [\n", "z/x-Dockerfile.rhel", "\n# RHEL\nARG a=1\nFROM $a\n", "b/Dockerfile.py", "# Python\nFROM python\n",
		".gitignore", "out/\n*.log\n", "out/Dockerfile", "FROM a\n", "keep/.gitignore", "!Dockerfile.log\n", "keep/Dockerfile.x", "FROM a\n",
		"sub/.git/HEAD", "", "sub/out/Dockerfile", "FROM a\n")
	if err := os.Symlink("..", filepath.Join(dir, "b", "loop")); err != nil {
		t.Fatal(err)
	}
	os.Symlink("Dockerfile", filepath.Join(dir, "Dockerfile.link"))
	os.Symlink("nowhere", filepath.Join(dir, "Dockerfile.broken"))
	os.Symlink("b", filepath.Join(dir, "Dockerfile.dir"))
	want := []string{"Dockerfile", "Dockerfile.link", "b/Dockerfile.py", "b/app.dockerfile", "keep/Dockerfile.x", "sub/out/Dockerfile", "z/Dockerfile.dev", "z/x-Dockerfile.rhel"}
	if d := cmp.Diff(want, found(t, dir, FindOptions{}, dir)); d != "" {
		t.Error(d)
	}
	// Nothing comes twice, named files bypass the rules, the order is that of the arguments.
	named := []string{filepath.Join(dir, "z"), filepath.Join(dir, "out", "Dockerfile"), dir, filepath.Join(dir, "z", "Dockerfile.dev")}
	want = []string{"z/Dockerfile.dev", "z/x-Dockerfile.rhel", "out/Dockerfile", "Dockerfile", "Dockerfile.link", "b/Dockerfile.py", "b/app.dockerfile", "keep/Dockerfile.x", "sub/out/Dockerfile"}
	if d := cmp.Diff(want, found(t, dir, FindOptions{}, named...)); d != "" {
		t.Error(d)
	}
	want = slices.DeleteFunc(slices.Clone(want), func(s string) bool { return s == "out/Dockerfile" })
	if d := cmp.Diff(want, found(t, dir, FindOptions{ForceExclude: true}, named...)); d != "" {
		t.Error(d)
	}
	if got := found(t, dir, FindOptions{NoIgnore: true}, filepath.Join(dir, "out")); len(got) != 1 {
		t.Error(got)
	}
	_, errs := Find([]string{filepath.Join(dir, ".git", "x"), filepath.Join(dir, "b", "node_modules", "x"), filepath.Join(dir, "keep", ".gitignore")}, FindOptions{})
	if len(errs) != 1 || !errors.Is(errs[0], os.ErrNotExist) {
		t.Error(errs)
	}
	empty := filepath.Join(dir, "empty")
	tree(t, dir, "empty/out/Dockerfile", "FROM a\n")
	_, errs = Find([]string{empty}, FindOptions{})
	if e := (*NoFilesError)(nil); len(errs) != 1 || !errors.As(errs[0], &e) || e.Skipped != 1 {
		t.Error(errs)
	}
}

var ignorePieces = []string{"a", "b", "ab", "a b", "{x}", "x,y", "[q]", "!n", "#h", "é", "c.log", "d.Log", ".hid", "a-b", "A", "1", "a\\"}

var ignoreLines = []string{
	"a", "b", "*.log", "*b", "a*", "?", "??", "/a", "/a/b", "a/", "b/", "/b/", "a/b", "a/*", "a/**", "**/a", "**/b/c.log", "a/**/b", "/**/ab", "**", "*", "a**b",
	"!a", "!b", "!*.log", "!/a/b", "!a/**", "[ab]", "[!ab]", "[^a]", "[a-b]*", "[]a]", "[a-]b", "[[:alpha:]]", "[[:digit:][:upper:]]", "[[:bad:]]", "[a", "{a,b}", "{x}", "x,y", "\\[q\\]", "[[]q]",
	"\\!n", "\\#h", "# comment", "", "a b", "a\\ b", "a ", "a\\ ", " a", "é", "?.Log", "/", "//", "a//b", "./a", "../a", ".*", "!.hid", "a/b/", "!a/b/", "*/b", "*/*/b", "b/**/", "/**", "!/**/a", "ab/?", "a/[!x]/b",
	"*[b]", "a\\", "a\\\\", "*\\\\", "[a\\-b]", "**/**", "**a", "a/**b", "*.l?g", "a*b*", "[!/]b", "a[/]b", "[A-Z]", "\ta", "a[+-9]b", "a[[:punct:]]b", "a[.-/]b",
}

// TestIgnoreLikeGit compares with git check-ignore on generated trees of 1,000
// paths.
func TestIgnoreLikeGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	rnd := rand.New(rand.NewPCG(6, 4))
	for n, where := range []string{"default", "global", "repository", "included", "worktree"} {
		dir, home := t.TempDir(), t.TempDir()
		for k, v := range map[string]string{"GIT_CONFIG_NOSYSTEM": "1", "HOME": home, "XDG_CONFIG_HOME": filepath.Join(home, "xdg"), "GIT_CEILING_DIRECTORIES": filepath.Dir(dir)} {
			t.Setenv(k, v)
		}
		user := &UserIgnore{Configs: []string{filepath.Join(home, ".gitconfig")}, Default: filepath.Join(home, "xdg", "git", "ignore")}
		git := func(stdin []byte, args ...string) []byte {
			cmd := exec.Command("git", args...)
			cmd.Dir = dir
			cmd.Stdin = bytes.NewReader(stdin)
			out, err := cmd.Output()
			if e := (*exec.ExitError)(nil); err != nil && !(errors.As(err, &e) && e.ExitCode() == 1) {
				t.Fatalf("git %v: %v", args, err)
			}
			return out
		}
		if where == "worktree" {
			main := t.TempDir()
			git(nil, "init", "-q", main)
			git(nil, "-C", main, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "--allow-empty", "-m", "x")
			git(nil, "-C", main, "worktree", "add", "-q", dir, "HEAD")
		} else {
			git(nil, "init", "-q")
		}
		random := func(top bool) string {
			var lines []string
			for len(lines) < 1+rnd.IntN(7) {
				l := ignoreLines[rnd.IntN(len(ignoreLines))]
				if top && slices.Contains([]string{"*", "**", "/**", "**/**", "[!ab]", "[^a]", "*/b", "[!/]b", "[[:bad:]]"}, l) && rnd.IntN(20) > 0 {
					continue // hides all the others
				}
				lines = append(lines, l)
			}
			sep := "\n"
			if rnd.IntN(5) == 0 {
				sep = "\r\n"
			}
			return strings.Join(lines, sep)
		}
		_, common := gitDirs(dir)
		if err := os.MkdirAll(filepath.Join(common, "info"), 0o777); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(common, "info", "exclude"), random(true))
		write(t, filepath.Join(home, "xdg", "git", "ignore"), random(true))
		write(t, filepath.Join(home, "own"), random(true))
		switch where {
		case "global":
			write(t, filepath.Join(home, ".gitconfig"), "[core]\n\tExcludesFile = ~/own\n")
		case "included":
			write(t, filepath.Join(home, "more"), "[core]\n\texcludesFile = ~/own\n")
			write(t, filepath.Join(home, ".gitconfig"), "[include]\n\tpath = more\n")
		case "repository", "worktree":
			git(nil, "config", "core.excludesFile", filepath.Join(home, "own"))
		}
		paths := map[string]bool{}
		dirs := map[string]bool{"": true}
		for len(paths) < 1000 {
			p := ""
			for range rnd.IntN(4) {
				p = filepath.Join(p, ignorePieces[rnd.IntN(len(ignorePieces))])
				dirs[p] = true
			}
			p = filepath.Join(p, "f."+ignorePieces[rnd.IntN(len(ignorePieces))])
			if rnd.IntN(2) == 0 {
				p = filepath.Join(filepath.Dir(p), "Dockerfile."+ignorePieces[rnd.IntN(len(ignorePieces))])
			}
			paths[p] = true
		}
		for p := range paths {
			write(t, filepath.Join(dir, p), "FROM a\n")
		}
		for _, d := range slices.Sorted(maps.Keys(dirs)) {
			if d == "" || rnd.IntN(6) == 0 {
				write(t, filepath.Join(dir, d, ".gitignore"), random(d == ""))
			}
		}
		var in bytes.Buffer
		var all []string
		for p := range paths {
			all = append(all, p)
		}
		slices.Sort(all)
		for _, p := range all {
			in.WriteString(p + "\x00")
		}
		ignored := map[string]bool{}
		for _, p := range strings.Split(string(git(in.Bytes(), "check-ignore", "--no-index", "-z", "--stdin")), "\x00") {
			ignored[p] = true
		}
		var want []string
		for _, p := range all {
			if got := Ignored(filepath.Join(dir, p), FindOptions{User: user}); got != ignored[p] {
				t.Errorf("tree %d: %q: ignored %v, git says %v", n, p, got, ignored[p])
				for d := filepath.Dir(p); ; d = filepath.Dir(d) {
					data, _ := os.ReadFile(filepath.Join(dir, d, ".gitignore"))
					t.Logf("%s: %q", d, data)
					if d == "." {
						break
					}
				}
			}
			if !ignored[p] && IsDockerfile(filepath.Base(p)) {
				want = append(want, filepath.ToSlash(p))
			}
		}
		got := found(t, dir, FindOptions{User: user}, dir)
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("tree %d: %s", n, d)
		}
		t.Logf("tree %d: %d of %d ignored", n, len(ignored), len(all))
	}
}

func TestEach(t *testing.T) {
	for _, n := range []int{0, 1, 3, 500} {
		for _, workers := range []int{0, 1, 2, 7} {
			var got []string
			Each(n, workers, func(i int) string { return fmt.Sprint(i) }, func(i int, v string) bool {
				if v != fmt.Sprint(i) {
					t.Errorf("%d: %s", i, v)
				}
				got = append(got, v)
				return true
			})
			if len(got) != n {
				t.Errorf("%d workers: %d of %d results", workers, len(got), n)
			}
		}
	}
	n := 0
	Each(1000, 4, func(i int) int { return i }, func(i, v int) bool { n++; return i < 10 })
	if n != 11 {
		t.Errorf("%d results after the stop", n)
	}
}
