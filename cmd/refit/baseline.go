package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/workspace"
)

// baseline is a file of findings that are known and not reported again, so
// that a large repository can begin with those that are new.
type baseline struct {
	path  string
	known map[string]bool // fingerprints; true once met
	fresh []baselineEntry // for --write-baseline
}

type baselineFile struct {
	Version  int             `json:"version"`
	Findings []baselineEntry `json:"findings"`
}

type baselineEntry struct {
	Path        string `json:"path"`
	Rule        string `json:"rule"`
	Title       string `json:"title"`
	Fingerprint string `json:"fingerprint"`
}

// readBaseline reads a baseline file.
func readBaseline(path string) (*baseline, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, usagef("there is no baseline %s; refit lint --write-baseline %s makes one", path, path)
		}
		return nil, err
	}
	var f baselineFile
	if err := json.Unmarshal(data, &f); err != nil || f.Version != 1 {
		return nil, usagef("%s is no baseline that this version of refit understands (%v)", path, err)
	}
	b := &baseline{path: path, known: map[string]bool{}}
	for _, e := range f.Findings {
		b.known[e.Fingerprint] = false
	}
	return b, nil
}

// filter takes the known findings out of a report, or with --write-baseline
// all of them. Paths are taken relative to the baseline's folder, so that the
// working directory does not matter.
func (b *baseline) filter(r *emit.FileReport, path string, write bool) {
	rel := &emit.FileReport{Path: filepath.ToSlash(path), Findings: r.Findings}
	if p := within(filepath.Dir(b.path), path); p != "" {
		rel.Path = p
	}
	var kept []emit.Finding
	for i, print := range rel.Fingerprints() {
		f := r.Findings[i]
		if write {
			b.fresh = append(b.fresh, baselineEntry{rel.Path, f.Rule, f.Title, print})
			continue
		}
		if _, ok := b.known[print]; ok {
			b.known[print] = true
			continue
		}
		kept = append(kept, f)
	}
	r.Findings = kept
}

// gone counts the entries that no finding matched.
func (b *baseline) gone() int {
	n := 0
	for _, met := range b.known {
		if !met {
			n++
		}
	}
	return n
}

// save writes the collected findings.
func (b *baseline) save() error {
	if b.fresh == nil {
		b.fresh = []baselineEntry{}
	}
	data, err := json.MarshalIndent(baselineFile{1, b.fresh}, "", "  ")
	if err != nil {
		return err
	}
	data = append(data, '\n')
	src, err := workspace.Load(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return workspace.Create(b.path, data)
	}
	if err != nil {
		return err
	}
	return src.Replace(data, os.TempDir())
}

func (b *baseline) summary(write bool) string {
	if write {
		return fmt.Sprintf("%s written to %s", plural(len(b.fresh), "finding"), b.path)
	}
	if n := b.gone(); n > 0 {
		return fmt.Sprintf("%d of the baseline no longer occur (or were not looked for)", n)
	}
	return ""
}
