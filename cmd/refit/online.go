package main

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/transform"
	"github.com/refit-dev/refit/pkg/workspace"
)

var onlineFlags = []flag{
	{name: "online", category: catBuild, usage: "ask registries which images moving tags stand for, for pin-base"},
	{name: "update-lock", category: catBuild, usage: "with --online: write what the registries answer to refit.lock, for the images that it names already, too"},
}

// digester asks a registry which digest a reference stands for.
type digester interface {
	Digest(ctx context.Context, ref string) (string, error)
}

// online asks registries and keeps their answers. It may be used by several
// goroutines.
type online struct {
	client digester
	update bool // the locks
	files  *workspace.Resolver

	mu      sync.Mutex
	answers map[string]*answer
	locks   map[string]*workspace.Lock // that are updated, by path
}

type answer struct {
	once   sync.Once
	digest string
	err    error
}

// readOnline understands --online and --update-lock; nil without the first.
func readOnline(ctx *call, files *workspace.Resolver) (*online, error) {
	update := ctx.on("update-lock")
	switch {
	case update && !ctx.on("online"):
		return nil, usagef("--update-lock needs --online: the registries say what goes into refit.lock")
	case update && files.None:
		return nil, usagef("--update-lock and --no-config exclude each other: without configuration refit.lock is not read")
	case !ctx.on("online"):
		return nil, nil
	}
	client, err := newDigester()
	if err != nil {
		return nil, err
	}
	return &online{client: client, update: update, files: files, answers: map[string]*answer{}, locks: map[string]*workspace.Lock{}}, nil
}

// ask returns the digest that a reference stands for.
func (o *online) ask(ref string) (string, error) {
	o.mu.Lock()
	a := o.answers[ref]
	if a == nil {
		a = &answer{}
		o.answers[ref] = a
	}
	o.mu.Unlock()
	a.once.Do(func() { a.digest, a.err = o.client.Digest(context.Background(), ref) })
	return a.digest, a.err
}

// pin asks about the base images of a file and sets the options of pin-base.
// lock is the lock that holds for the file, or nil.
func (o *online) pin(opt *transform.Options, src []byte, path string, lock *workspace.Lock) error {
	images, err := transform.BaseImages(src, opt.Facts)
	if err != nil {
		return nil // the run says it better
	}
	opt.Resolved = map[string]string{}
	pins := maps.Clone(opt.Pins)
	for _, img := range images {
		kept, locked := pins[img.Key]
		switch {
		case locked && !o.update, locked && !strings.Contains(kept, ":"), !locked && !img.Moving:
			continue
		}
		digest, err := o.ask(img.Key)
		if err != nil {
			return &lookupError{err, img.Pos}
		}
		if !o.update {
			opt.Resolved[img.Key] = digest
			continue
		}
		if pins == nil {
			pins = map[string]string{}
		}
		pins[img.Key] = digest
		if err := o.keep(img.Key, digest, path, lock); err != nil {
			return err
		}
	}
	opt.Pins = pins
	return nil
}

// keep notes an answer for the lock of a file.
func (o *online) keep(ref, digest, path string, lock *workspace.Lock) error {
	if lock == nil {
		p, err := o.files.LockPath(path, ".")
		if err != nil {
			return err
		}
		lock = &workspace.Lock{Path: p, Images: map[string]string{}}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	l := o.locks[lock.Path]
	if l == nil {
		// Others read the lock that was found: change a copy.
		c := *lock
		c.Images = maps.Clone(lock.Images)
		l = &c
		o.locks[lock.Path] = l
	}
	l.Images[ref] = digest
	return nil
}

// save writes the locks and returns their names.
func (o *online) save() (names []string, err error) {
	for _, path := range slices.Sorted(maps.Keys(o.locks)) {
		if err := o.locks[path].Save(); err != nil {
			return names, err
		}
		names = append(names, fmt.Sprintf("%s (%d images)", shorten(path), len(o.locks[path].Images)))
	}
	return names, nil
}

// shorten is a path relative to the working directory if it is below it.
func shorten(path string) string {
	dir, err := filepath.Abs(".")
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

// lookupError is a registry's refusal, with the place of the image's name.
type lookupError struct {
	error
	pos parse.Position
}

// finding says what a registry refused, and what to do.
func (e *lookupError) finding() (title, hint string) {
	if r, ok := e.error.(interface{ Advice() (string, string) }); ok {
		return r.Advice()
	}
	return e.Error(), ""
}
