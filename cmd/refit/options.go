package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/transform"
	"github.com/refit-dev/refit/pkg/workspace"
)

// options are the engine's options for one file: those of the configuration
// that holds for it, under those of the flags.
func (j *job) options(o *outcome) (transform.Options, error) {
	path := j.place(o.file)
	var opt transform.Options
	st, err := j.set.resolver.For(path)
	if err != nil {
		return opt, err
	}
	o.rules = j.set.rules.Over(buildRules(o.file.Build).Over(st.Rules))
	o.rules.Ignore = slices.Concat(st.Rules.Ignore, j.set.rules.Ignore)
	r := &o.rules
	r.Apply(&opt)
	opt.Recheck = j.set.write || j.set.interactive
	opt.Images = j.set.images
	if err := j.pins(&opt, o, path); err != nil {
		return opt, err
	}
	if err := j.labels(&opt, r, path); err != nil {
		return opt, err
	}
	if j.set.changedLines != "" && j.changes != nil {
		lines, all, err := j.changes.Lines(o.file.Path)
		if err != nil {
			return opt, err
		}
		if !all {
			opt.Lines = append([][2]int{}, lines...) // not nil: none may be left
		}
	}
	switch {
	case j.command == "fmt":
		opt.None, opt.Format = true, r.Style()
		if j.set.lines != nil {
			opt.Lines = j.set.lines
		}
		opt.Any = j.set.onlyAsks()
		return opt, nil // the layout does not depend on the build context
	case r.Format != nil && r.Format.Enabled != nil && *r.Format.Enabled:
		opt.Format = r.Style()
	}
	if r.Context != nil {
		opt.Context, err = j.contexts.open(*r.Context, path)
	} else if o.file.Path != stdinPath || j.set.stdinName != "" {
		// As for docker build . in the Dockerfile's folder; without a readable
		// ignore file there is none.
		opt.Nearby = func() *facts.Context {
			near, err := facts.NewContext(facts.DirFS(filepath.Dir(path)), filepath.Base(path))
			if err != nil {
				return nil
			}
			return near
		}
	}
	return opt, err
}

// place is the path that settings are looked up for.
func (j *job) place(f workspace.File) string {
	switch {
	case f.Path != stdinPath:
		return f.Path
	case j.set.stdinName != "":
		return j.set.stdinName
	}
	return "Dockerfile"
}

// needsFull reports whether the settings of a file ask for what the plain
// program does not have: the list of licences, and net/url.
func (j *job) needsFull(files []workspace.File) bool {
	if transform.ValidLicense != nil || j.command == "fmt" {
		return false
	}
	for _, f := range files {
		st, err := j.set.resolver.For(j.place(f))
		if err != nil {
			continue // told with the file
		}
		for _, kind := range st.Rules.LabelSchema {
			if kind == "spdx" || kind == "url" {
				return true
			}
		}
	}
	return false
}

// pins sets what base images stand for, from refit.lock and from registries.
func (j *job) pins(opt *transform.Options, o *outcome, path string) error {
	if j.command == "fmt" {
		return nil
	}
	lock, err := j.set.resolver.Lock(path)
	if err != nil {
		return err
	}
	if lock != nil {
		opt.Pins = lock.Images
	}
	if j.set.online == nil {
		return nil
	}
	return j.set.online.pin(opt, o.src.Data, path, lock)
}

// buildRules are what a Compose or Bake file says about a build.
func buildRules(b *workspace.Build) (r workspace.Rules) {
	if b == nil {
		return r
	}
	if b.Context != "" {
		r.Context = &b.Context
	}
	if b.Target != "" {
		r.Targets = []string{b.Target}
	}
	if len(b.Args) > 0 {
		r.BuildArgs = b.Args
	}
	return r
}

// labels adds the labels that come from elsewhere, and puts those of the
// command line last.
func (j *job) labels(opt *transform.Options, r *workspace.Rules, path string) error {
	add := func(k, v string) {
		opt.Labels = append(slices.DeleteFunc(opt.Labels, func(l transform.Label) bool { return l.Key == k }), transform.Label{Key: k, Value: v})
	}
	for _, k := range slices.Sorted(maps.Keys(r.LabelsFromEnv)) {
		v := j.c.getenv(r.LabelsFromEnv[k])
		if v == "" {
			return fmt.Errorf("the label %s wants the environment variable %s, which is not set", k, r.LabelsFromEnv[k])
		}
		add(k, v)
	}
	for _, k := range slices.Sorted(maps.Keys(r.LabelsFromGit)) {
		v, err := j.values.git(filepath.Dir(path), r.LabelsFromGit[k])
		if err != nil {
			return fmt.Errorf("the label %s wants the %s: %w", k, r.LabelsFromGit[k], err)
		}
		add(k, v)
	}
	for _, l := range j.set.labels {
		add(l.Key, l.Value)
	}
	return nil
}

// contexts remembers the build contexts that were opened.
type contexts struct {
	mu    sync.Mutex
	roots map[string]*os.Root
}

// open opens the build context of a Dockerfile. Nothing outside the
// directory is ever read through it.
func (b *contexts) open(dir, dockerfile string) (*facts.Context, error) {
	b.mu.Lock()
	root := b.roots[dir]
	var err error
	if root == nil {
		if root, err = os.OpenRoot(dir); err == nil {
			if b.roots == nil {
				b.roots = map[string]*os.Root{}
			}
			b.roots[dir] = root
		}
	}
	b.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("build context: %w", err)
	}
	ctx, err := facts.NewContext(root.FS(), within(dir, dockerfile))
	if err != nil {
		return nil, fmt.Errorf("build context %s: its ignore file: %w", dir, err)
	}
	return ctx, nil
}

// within is a file's slash-separated path below a directory, or "".
func within(dir, path string) string {
	d, err1 := filepath.Abs(dir)
	p, err2 := filepath.Abs(path)
	if err1 != nil || err2 != nil {
		return ""
	}
	rel, err := filepath.Rel(d, p)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return ""
	}
	return filepath.ToSlash(rel)
}

// gitValues remembers what git said.
type gitValues struct {
	mu   sync.Mutex
	said map[[2]string]string
}

func (v *gitValues) git(dir, what string) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := [2]string{dir, what}
	if s, ok := v.said[key]; ok {
		return s, nil
	}
	s, err := workspace.GitValue(dir, what)
	if err != nil {
		return "", err
	}
	if v.said == nil {
		v.said = map[[2]string]string{}
	}
	v.said[key] = s
	return s, nil
}
