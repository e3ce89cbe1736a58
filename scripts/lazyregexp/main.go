// Command lazyregexp prepares a build whose dependencies compile the regular
// expressions of their package-level variables when one is first used, and not
// at every start of the program, which is a sixth of the start of refit
// (docs/performance.md).
//
//	go build -modfile "$(go run ./scripts/lazyregexp DIR)" ./cmd/refit
//
// It copies the modules that have such variables into DIR, which must not
// exist, rewrites the copies, and prints the path of a go.mod that puts them in
// place of the modules: go version -m shows them. The packages behind DIR are
// those that will be built; the default is ./cmd/refit.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

func main() {
	if len(os.Args) < 2 || strings.HasPrefix(os.Args[1], "-") {
		fmt.Fprintln(os.Stderr, "usage: lazyregexp DIR [PACKAGE …]")
		os.Exit(2)
	}
	pkgs := os.Args[2:]
	if len(pkgs) == 0 {
		pkgs = []string{"./cmd/refit"}
	}
	path, err := prepare(os.Args[1], pkgs)
	if err != nil {
		fmt.Fprintln(os.Stderr, "lazyregexp:", err)
		os.Exit(1)
	}
	fmt.Println(path)
}

// source is what go list says of a package.
type source struct {
	ImportPath     string
	Dir            string
	Module         *module // nil for the standard library
	GoFiles        []string
	IgnoredGoFiles []string // of other systems and build tags
}

type module struct {
	Path  string
	Dir   string
	GoMod string
	Main  bool
}

// prepare writes DIR and returns the path of its go.mod.
func prepare(dir string, pkgs []string) (string, error) {
	sources, err := list(pkgs)
	if err != nil {
		return "", err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	var main *module
	var deps []*pkg
	for _, s := range sources {
		switch {
		case s.Module == nil:
		case s.Module.Main:
			main = s.Module
		default:
			p, err := parse(s)
			if err != nil {
				return "", err
			}
			deps = append(deps, p)
		}
	}
	if main == nil {
		return "", errors.New("the packages are not those of this module")
	}
	copies := map[string]string{} // the folders of module copies
	for _, p := range deps {
		for name, text := range p.rewrite(deps) {
			to := copies[p.Module.Path]
			if to == "" {
				to = filepath.Join(dir, filepath.FromSlash(p.Module.Path))
				if err := copyModule(p.Module, to); err != nil {
					return "", err
				}
				copies[p.Module.Path] = to
			}
			rel, err := filepath.Rel(p.Module.Dir, filepath.Join(p.Dir, name))
			if err != nil {
				return "", err
			}
			if err := os.WriteFile(filepath.Join(to, rel), text, 0o644); err != nil {
				return "", err
			}
		}
	}
	return writeModfile(dir, main, copies)
}

// list asks the go command for the packages and all that they import.
func list(pkgs []string) ([]source, error) {
	cmd := exec.Command("go", append([]string{"list", "-deps", "-json=ImportPath,Dir,Module,GoFiles,IgnoredGoFiles"}, pkgs...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var all []source
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var s source
		if err := d.Decode(&s); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
}

// copyModule copies a module, whose files in the module cache are read-only.
// Its language becomes Go 1.18 if it is older: sync.OnceValue is generic. Below
// 1.22, the version of the language changes no meaning.
func copyModule(m *module, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	if err := os.CopyFS(to, os.DirFS(m.Dir)); err != nil {
		return err
	}
	data, err := os.ReadFile(m.GoMod) // in the cache also where the module has none
	if err != nil {
		return err
	}
	f, err := modfile.ParseLax(m.GoMod, data, nil)
	if err != nil {
		return err
	}
	if f.Go == nil || semver.Compare("v"+f.Go.Version, "v1.18") < 0 {
		if err := f.AddGoStmt("1.18"); err != nil {
			return err
		}
	}
	if data, err = f.Format(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "go.mod"), data, 0o644)
}

// writeModfile writes the main module's go.mod with the copies as
// replacements, and its go.sum, which go build -modfile reads beside it.
func writeModfile(dir string, main *module, copies map[string]string) (string, error) {
	data, err := os.ReadFile(main.GoMod)
	if err != nil {
		return "", err
	}
	f, err := modfile.Parse(main.GoMod, data, nil)
	if err != nil {
		return "", err
	}
	for _, path := range slices.Sorted(maps.Keys(copies)) {
		to := copies[path]
		if rel, err := filepath.Rel(main.Dir, to); err == nil { // the same wherever the release is built
			to = filepath.ToSlash(rel)
			if filepath.IsLocal(rel) {
				to = "./" + to
			}
		}
		if err := f.AddReplace(path, "", to, ""); err != nil {
			return "", err
		}
	}
	if data, err = f.Format(); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "go.mod")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return "", err
	}
	if data, err = os.ReadFile(filepath.Join(main.Dir, "go.sum")); err != nil {
		return "", err
	}
	return path, os.WriteFile(filepath.Join(dir, "go.sum"), data, 0o644)
}
