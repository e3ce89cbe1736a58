package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/refit-dev/refit/pkg/emit"
)

// applyDiffs writes the original files into a scratch folder, applies one
// patch with all diffs there with git, and compares the files.
func applyDiffs(paths []string, results []outcome) (applied int, errs []string) {
	dir, err := os.MkdirTemp("", "corpuscheck")
	if err != nil {
		return 0, []string{err.Error()}
	}
	defer os.RemoveAll(dir)
	var patch []byte
	for i, o := range results {
		if o.res == nil || !o.res.Changed() {
			continue
		}
		name := fmt.Sprintf("f%d/Dockerfile", i)
		write(filepath.Join(dir, name), o.res.Before)
		patch = append(patch, emit.Unified(name, o.res.Before, o.res.After, emit.DiffOptions{})...)
	}
	if len(patch) == 0 {
		return 0, nil
	}
	write(filepath.Join(dir, "all.patch"), patch)
	cmd := exec.Command("git", "apply", "--whitespace=nowarn", "all.patch")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, []string{fmt.Sprintf("git apply: %v: %s", err, out)}
	}
	for i, o := range results {
		if o.res == nil || !o.res.Changed() {
			continue
		}
		got, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("f%d/Dockerfile", i)))
		if err != nil || string(got) != string(o.res.After) {
			errs = append(errs, paths[i]+": the applied diff gives another file")
			continue
		}
		applied++
	}
	return applied, errs
}
