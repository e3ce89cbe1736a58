package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// The program, its dependency dep, and user, which reads a variable of dep.
const modules = `
-- go.mod --
module example.com/main
go 1.26
require (
	example.com/dep v1.0.0
	example.com/user v1.0.0
)
replace example.com/dep => ./dep
replace example.com/user => ./user
-- go.sum --
-- main.go --
package main

import (
	"fmt"

	"example.com/dep"
	"example.com/user"
)

func main() {
	fmt.Println(dep.Match("a1"), dep.Kind("b2"), dep.Local("x"), dep.Swap("7"), dep.Anchored("a"), user.Match("z"))
}
-- dep/go.mod --
module example.com/dep
go 1.13
-- dep/dep.go --
package dep

import "regexp"

var Exported = regexp.MustCompile("z")
var Base = regexp.MustCompile("a")
var anchored = regexp.MustCompile("^" + Base.String() + "$")

var (
	word  = regexp.MustCompile("[a-z][0-9]") // a comment
	kinds = map[string]*regexp.Regexp{
		"a": regexp.MustCompile("a."),
		"b": regexp.MustCompile("b."),
	}
	swapped = regexp.MustCompile("x")
	system  = regexp.MustCompile("s")
	typed *regexp.Regexp = regexp.MustCompile("t")
)

type holder struct{ word string }

func Match(s string) bool { return word.MatchString(s) && typed != nil && system != nil && other(s) }

func Anchored(s string) bool { return anchored.MatchString(s) }

func Kind(s string) bool {
	f := kinds["b"].MatchString
	return f(s)
}

func Local(s string) string {
	word := s
	h := holder{word: word}
	return h.word + word
}

func Swap(s string) bool {
	swapped = regexp.MustCompile("7")
	return swapped.MatchString(s)
}
-- dep/other.go --
package dep

func other(s string) bool { return word.MatchString(s) }
-- dep/other_plan9.go --
package dep

func plan9() bool { return system.MatchString("s") }
-- user/go.mod --
module example.com/user
go 1.21
require example.com/dep v1.0.0
-- user/user.go --
package user

import "example.com/dep"

func Match(s string) bool { return dep.Exported.MatchString(s) }
`

func TestPrepare(t *testing.T) {
	root := t.TempDir()
	for _, f := range txtar.Parse([]byte(modules)).Files {
		path := filepath.Join(root, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(root)
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	before := run("run", ".")
	t.Setenv("GOFLAGS", "-mod=mod")
	path, err := prepare("lazy", []string{"."})
	if err != nil {
		t.Fatal(err)
	}
	if after := run("run", "-modfile", path, "."); after != before || strings.Count(before, "true") != 5 {
		t.Errorf("before %q, after %q", before, after)
	}
	text, err := os.ReadFile("lazy/example.com/dep/dep.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Base", "anchored", "word", "kinds"} {
		if !strings.Contains(string(text), name+" = lazyregexp_sync.OnceValue(") && !strings.Contains(string(text), name+"  = lazyregexp_sync.OnceValue(") {
			t.Errorf("%s is compiled at start", name)
		}
	}
	// Used by another module, assigned to, mentioned by a file of another system, and of a type that is written out.
	if n := strings.Count(string(text), "OnceValue"); n != 4 {
		t.Errorf("%d variables are functions:\n%s", n, text)
	}
	if a, b := strings.Count(string(text), "\n"), strings.Count(modules[strings.Index(modules, "-- dep/dep.go --"):strings.Index(modules, "-- dep/other.go --")], "\n")-1; a != b {
		t.Errorf("%d lines, were %d", a, b)
	}
	if _, err := os.Stat("lazy/example.com/user"); err == nil {
		t.Error("a module without changes is copied")
	}
}
