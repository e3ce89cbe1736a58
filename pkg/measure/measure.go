package measure

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"crypto/rand"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

// Version is one of the two Dockerfiles that are built.
type Version struct {
	Dockerfile string            // path of the file
	Text       []byte            // what to build instead of the file's bytes; nil: the file's own
	Context    string            // folder of the build context
	Files      map[string][]byte // files of the build context that are to be read instead of its own, by path with slashes
}

// Options say what to build and to measure.
type Options struct {
	Engine        Engine
	Before, After Version
	Want          Expectation
	Target        string
	Platform      string
	Args          []string // build arguments, NAME=value
	Secrets       []string
	SSH           []string
	// Rebuilds: measure, too, how long it takes to build again after an edit.
	Rebuilds bool
	// Source and Manifest are the files of the build context that are edited for that, with slashes; empty: a source
	// file and a dependency manifest that are found in it.
	Source, Manifest string
	TempDir          string // where builds put their files; empty: the system's folder
	Keep             string // folder that the two images are kept in, as before and after; empty: they are deleted
	// Progress is told what is being built ("before, cold") and how its steps go. May be nil.
	Progress func(phase string, s Step)
}

// Side is what was measured of one Dockerfile.
type Side struct {
	Steps      int           `json:"steps"` // instructions that were carried out, over all stages that the image needs
	Layers     []LayerSize   `json:"layers"`
	Size       int64         `json:"size"`       // bytes of the files in all layers
	Compressed int64         `json:"compressed"` // bytes that a registry stores and a machine pulls
	Cold       time.Duration `json:"cold"`       // nanoseconds to build without the cache, without fetching base images and exporting
	Source     *Rebuild      `json:"source,omitempty"`
	Manifest   *Rebuild      `json:"manifest,omitempty"`
	StepTimes  []Step        `json:"stepTimes"` // of the cold build
}

// Rebuild is a build after an edit, with a warm cache.
type Rebuild struct {
	Time  time.Duration `json:"time"`  // nanoseconds
	Again int           `json:"again"` // steps that were carried out again
}

// LayerSize is a layer in a report.
type LayerSize struct {
	CreatedBy  string `json:"createdBy"`
	Size       int64  `json:"size"`
	Compressed int64  `json:"compressed"`
	Files      int    `json:"files"`
}

// Report is what Run found.
type Report struct {
	Dockerfile string      `json:"dockerfile"`
	Engine     string      `json:"engine"`
	Before     Side        `json:"before"`
	After      Side        `json:"after"`
	Touched    Touched     `json:"touched"`
	Comparison *Comparison `json:"comparison"`
}

// Touched names the files that were edited for the rebuilds; empty where the build context has none.
type Touched struct {
	Source   string `json:"source,omitempty"`
	Manifest string `json:"manifest,omitempty"`
}

// VersionError says which of the two Dockerfiles could not be built.
type VersionError struct {
	Version string // "before" or "after"
	Err     error
}

func (e *VersionError) Error() string {
	return "building the Dockerfile " + e.Version + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *VersionError) Unwrap() error { return e.Err }

// runner is one call of Run.
type runner struct {
	opt Options
	tmp string
}

// Run builds both Dockerfiles without the cache and compares the images; with Rebuilds it then edits a source file and
// a dependency manifest in a copy of the build context, and builds again with the cache. Where an unexpected difference
// in content remains, the Dockerfile before is built once more, and what differs between its own two builds is benign.
// Nothing is left behind but the engine's cache, also when the context ends. Errors of a build are *VersionError.
func Run(ctx context.Context, opt Options) (rep *Report, err error) {
	r := &runner{opt: opt}
	if r.tmp, err = os.MkdirTemp(opt.TempDir, "refit-measure-"); err != nil {
		return nil, err
	}
	defer func() {
		if rerr := os.RemoveAll(r.tmp); rerr != nil && err == nil {
			rep, err = nil, rerr
		}
	}()
	rep = &Report{Dockerfile: opt.Before.Dockerfile, Engine: opt.Engine.Name()}
	if err := r.run(ctx, rep); err != nil {
		return nil, err
	}
	return rep, nil
}

func (r *runner) run(ctx context.Context, rep *Report) error {
	before, err := r.prepare("before", r.opt.Before)
	if err != nil {
		return err
	}
	after, err := r.prepare("after", r.opt.After)
	if err != nil {
		return err
	}
	for _, v := range []*version{before, after} {
		if err := r.warm(ctx, v); err != nil {
			return err
		}
	}
	var reader Reader
	imgA, err := r.cold(ctx, before, &reader, &rep.Before)
	if err != nil {
		return err
	}
	imgB, err := r.cold(ctx, after, &reader, &rep.After)
	if err != nil {
		return err
	}
	if rep.Comparison, err = Compare(imgA, imgB, r.opt.Want); err != nil {
		return err
	}
	if err := r.settle(ctx, rep, before, &reader, imgA, imgB); err != nil {
		return err
	}
	if !r.opt.Rebuilds {
		return nil
	}
	return r.rebuilds(ctx, rep, before, after)
}

// version is a Dockerfile that is ready to be built.
type version struct {
	name       string
	dockerfile string
	context    string
	bases      []string
}

func (r *runner) prepare(name string, v Version) (*version, error) {
	out := &version{name: name, dockerfile: v.Dockerfile, context: v.Context}
	text := v.Text
	var err error
	if text == nil {
		if text, err = os.ReadFile(v.Dockerfile); err != nil {
			return nil, err
		}
	} else {
		dir := filepath.Join(r.tmp, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
		out.dockerfile = filepath.Join(dir, filepath.Base(v.Dockerfile))
		if err := os.WriteFile(out.dockerfile, text, 0o644); err != nil {
			return nil, err
		}
		// An ignore file of this Dockerfile's own moves with it.
		if data, err := os.ReadFile(v.Dockerfile + ".dockerignore"); err == nil {
			if err := os.WriteFile(out.dockerfile+".dockerignore", data, 0o644); err != nil {
				return nil, err
			}
		}
	}
	if len(v.Files) > 0 {
		s, err := takeSnapshot(v.Context, r.tmp)
		if err != nil {
			return nil, err
		}
		for rel, data := range v.Files {
			if err := s.put(rel, data); err != nil {
				return nil, err
			}
		}
		out.context = s.dir
	}
	out.bases = bases(text)
	return out, nil
}

// bases returns the images that a Dockerfile starts from, as far as it tells.
func bases(text []byte) []string {
	f, err := parse.Parse(text)
	if err != nil {
		return nil // the engine will say what is wrong
	}
	var out []string
	for _, s := range facts.New(f, facts.Options{}).Stages {
		if s.Parent == nil && s.Image.Known && s.Image.S != "scratch" && s.Image.S != "" && s.Platform == "" {
			out = append(out, s.Image.S)
		}
	}
	return out
}

// warm makes the engine fetch the base images, so that fetching is not part of the first build's time. Failing is no
// error: the build itself will say what is wrong.
func (r *runner) warm(ctx context.Context, v *version) error {
	dir, err := os.MkdirTemp(r.tmp, "warm-")
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "Dockerfile")
	for _, base := range v.bases {
		// A step of any kind makes the engine unpack the image.
		if err := os.WriteFile(file, []byte("FROM "+base+"\nWORKDIR /refit\n"), 0o644); err != nil {
			return err
		}
		r.tell(v.name+", base image", Step{Name: base})
		if _, err := r.opt.Engine.Build(ctx, Build{Dockerfile: file, Context: dir, Platform: r.opt.Platform}); err != nil {
			var failed *BuildError
			if !errors.As(err, &failed) {
				return err
			}
		}
	}
	return nil
}

func (r *runner) tell(phase string, s Step) {
	if r.opt.Progress != nil {
		r.opt.Progress(phase, s)
	}
}

func (r *runner) build(ctx context.Context, v *version, phase, folder, output string, noCache bool) (*Built, error) {
	b, err := r.opt.Engine.Build(ctx, Build{
		Dockerfile: v.dockerfile, Context: folder, Target: r.opt.Target, Platform: r.opt.Platform, Args: r.opt.Args,
		Secrets: r.opt.Secrets, SSH: r.opt.SSH, NoCache: noCache, Output: output,
		Progress: func(s Step) { r.tell(v.name+", "+phase, s) },
	})
	if err != nil && ctx.Err() == nil {
		return nil, &VersionError{v.name, err}
	}
	return b, err
}

// cold builds without the cache and reads the image.
func (r *runner) cold(ctx context.Context, v *version, reader *Reader, side *Side) (*Image, error) {
	output := filepath.Join(r.tmp, v.name+"-image")
	if r.opt.Keep != "" {
		output = filepath.Join(r.opt.Keep, v.name)
	}
	b, err := r.build(ctx, v, "cold", v.context, output, true)
	if err != nil {
		return nil, err
	}
	img, err := reader.Read(output)
	if err != nil {
		return nil, fmt.Errorf("the image %s: %w", v.name, err)
	}
	side.Steps, side.StepTimes, side.Cold = len(b.Steps), b.Steps, b.Time
	side.Size, side.Compressed = img.Size(), img.Compressed()
	for _, l := range img.Layers {
		side.Layers = append(side.Layers, LayerSize{l.CreatedBy, l.Content, l.Compressed, l.Files})
	}
	return img, nil
}

// settle builds the Dockerfile before once more if that can explain unexpected differences.
func (r *runner) settle(ctx context.Context, rep *Report, before *version, reader *Reader, imgA, imgB *Image) error {
	doubtful := false
	for _, d := range rep.Comparison.Of(Unexpected) {
		doubtful = doubtful || d.Config == "" && (d.What == "content" || d.What == "added" || d.What == "missing" || d.What == "link")
	}
	if !doubtful {
		return nil
	}
	output := filepath.Join(r.tmp, "again-image")
	if _, err := r.build(ctx, before, "once more", before.context, output, true); err != nil {
		return err
	}
	again, err := reader.Read(output)
	if err != nil {
		return err
	}
	noise, err := Compare(imgA, again, Expectation{})
	if err != nil {
		return err
	}
	want := r.opt.Want
	want.Varies = map[string]bool{}
	for _, d := range noise.Differences {
		if d.Config == "" {
			want.Varies[d.Path] = true
		}
	}
	rep.Comparison, err = Compare(imgA, imgB, want)
	return err
}

// rebuilds edits files in copies of the build contexts and builds with the cache that the cold builds left.
func (r *runner) rebuilds(ctx context.Context, rep *Report, before, after *version) error {
	source, manifest := r.opt.Source, r.opt.Manifest
	if source == "" || manifest == "" {
		c, err := facts.NewContext(os.DirFS(before.context), "")
		if err != nil {
			return err
		}
		s, m := chooseTouched(before.context, c.Ignored)
		if source == "" {
			source = s
		}
		if manifest == "" {
			manifest = m
		}
	}
	rep.Touched = Touched{source, manifest}
	var seed [2]byte
	_, _ = rand.Read(seed[:]) // never fails (crypto/rand)
	edit := int(binary.BigEndian.Uint16(seed[:]))%4096 + 1
	for _, side := range []struct {
		v   *version
		out *Side
	}{{before, &rep.Before}, {after, &rep.After}} {
		s, err := takeSnapshot(side.v.context, r.tmp)
		if err != nil {
			return err
		}
		for _, t := range []struct {
			file, what string
			out        **Rebuild
		}{{source, "source edited", &side.out.Source}, {manifest, "manifest edited", &side.out.Manifest}} {
			if t.file == "" {
				continue
			}
			edit++
			if err := s.touch(t.file, edit); err != nil {
				return err
			}
			b, err := r.build(ctx, side.v, t.what, s.dir, "", false)
			if err != nil {
				return err
			}
			re := &Rebuild{Time: b.Time}
			for _, step := range b.Steps {
				if !step.Cached {
					re.Again++
				}
			}
			*t.out = re
		}
	}
	return nil
}
