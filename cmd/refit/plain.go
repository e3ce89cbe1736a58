//go:build plain

// The plain program is the refit of a release: fix, fmt, lint, rules, explain
// and init, which is what people wait for. What needs packages that would make
// every start of the process slower (builds of images, registries, Bake files,
// the language server: docs/performance.md) is in refit-full, the same program
// without the build tag plain, and is handed over to it. go install and go run
// make the full program, which needs no other.

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/refit-dev/refit/pkg/workspace"
)

var verifyCommand, measureCommand, lspCommand, completionCommand, manCommand func(*console) *command

// buildEntries leaves the process to the full program. Nothing has been printed
// when Compose and Bake files are read.
func buildEntries(string, []byte, func(string) (string, bool)) ([]workspace.BuildEntry, error) {
	return nil, handOver()
}

// newDigester leaves the process to the full program.
func newDigester() (digester, error) { return nil, handOver() }

// handOver starts the full program with this process's arguments in its place.
// It returns if that fails.
func handOver() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(self); err == nil {
		self = real
	}
	name := "refit-full"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	dir := filepath.Dir(self)
	for _, full := range []string{filepath.Join(dir, name), filepath.Join(dir, "..", "libexec", "refit", name)} {
		if _, err := os.Stat(full); err == nil {
			return replaceProcess(full)
		} else if !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return fmt.Errorf("this needs the program %s, which belongs into %s beside refit: both are in a release's archive (go install github.com/refit-dev/refit/cmd/refit@latest makes one program that needs no other)", name, dir)
}
