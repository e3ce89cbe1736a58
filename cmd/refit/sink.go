package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/transform"
	"github.com/refit-dev/refit/pkg/workspace"
)

// sink takes the outcomes in order and writes what the mode asks for. An error
// ends the run.
type sink interface {
	file(o *outcome) error
	failed(o *outcome, r *emit.FileReport) error
	end() error
}

func (j *job) sink() (sink, error) {
	switch {
	case j.set.format != "text":
		return &reportSink{job: j, report: emit.Report{Version: versionText(), Rules: transform.Rules()}}, nil
	case j.command == "lint":
		return &lintSink{j}, nil
	}
	return &rewriteSink{j}, nil
}

// rewriteSink serves fix and fmt.
type rewriteSink struct{ *job }

func (s *rewriteSink) end() error { return nil }

func (s *rewriteSink) failed(*outcome, *emit.FileReport) error { return nil }

func (s *rewriteSink) file(o *outcome) error {
	changed := o.res.Changed() || len(o.res.Companions) > 0
	if !s.set.hasMode() {
		if _, err := s.c.out.Write(o.res.After); err != nil {
			return err
		}
		s.mention(o)
		return nil
	}
	if !changed {
		return nil
	}
	if s.set.list {
		if _, err := fmt.Fprintln(s.c.out, o.name); err != nil {
			return err
		}
	}
	if s.set.diff {
		if err := s.diff(o); err != nil {
			return err
		}
	}
	if s.set.check && !s.set.list && !s.set.diff {
		fmt.Fprintf(s.c.err, "%s: would change\n", o.name)
	}
	if s.set.write {
		if o.writeErr != nil {
			s.fail(o.writeErr)
		}
		return nil
	}
	s.raise(exitFound)
	return nil
}

func (s *rewriteSink) diff(o *outcome) error {
	if _, err := s.c.out.Write(emit.Unified(slashed(o.name), o.res.Before, o.res.After, emit.DiffOptions{Color: s.set.outColor})); err != nil {
		return err
	}
	for _, f := range o.res.Companions {
		path := o.companion(f)
		old, err := os.ReadFile(path)
		d := emit.Unified(slashed(path), old, f.Content, emit.DiffOptions{Color: s.set.outColor, Created: err != nil})
		if _, err := s.c.out.Write(d); err != nil {
			return err
		}
	}
	return nil
}

func slashed(path string) string { return filepath.ToSlash(filepath.Clean(path)) }

// companion is the path of a file that a change writes in the build context.
func (o *outcome) companion(f transform.Companion) string {
	dir := filepath.Dir(o.name)
	if o.rules.Context != nil {
		dir = *o.rules.Context
	}
	return filepath.Join(dir, filepath.FromSlash(f.Path))
}

// write writes the result in place.
func (j *job) write(o *outcome) error {
	if err := o.src.Replace(o.res.After, os.TempDir()); err != nil {
		return err
	}
	for _, f := range o.res.Companions {
		if err := writeCompanion(o.companion(f), f.Content); err != nil {
			return err
		}
	}
	return nil
}

// writeCompanion creates a file, or replaces the one that the change has read.
func writeCompanion(path string, content []byte) error {
	src, err := workspace.Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return workspace.Create(path, content)
	}
	if err != nil {
		return err
	}
	return src.Replace(content, os.TempDir())
}

// mention names the companion files that printing the result leaves out.
func (s *rewriteSink) mention(o *outcome) {
	for _, f := range o.res.Companions {
		fmt.Fprintf(s.c.err, "%s: also writes %s; use -w to write it, -d to see it\n", o.name, o.companion(f))
	}
}

// lintSink prints findings.
type lintSink struct{ *job }

func (s *lintSink) end() error { return nil }

func (s *lintSink) failed(*outcome, *emit.FileReport) error { return nil }

func (s *lintSink) file(o *outcome) error {
	r := s.reported(o)
	if len(r.Findings) == 0 {
		return nil
	}
	s.judge(o, r)
	_, err := s.c.out.Write(emit.Text(r, emit.TextOptions{Color: s.set.outColor, Reasons: true}))
	return err
}

// reported lists the findings of an outcome that are to be reported.
func (j *job) reported(o *outcome) *emit.FileReport {
	r := &emit.FileReport{Path: slashed(o.name), Source: o.res.Before, Findings: o.res.Findings()}
	for i := range r.Findings {
		files := r.Findings[i].Files
		for n := range files {
			files[n].Path = slashed(o.companion(transform.Companion{Path: files[n].Path}))
		}
	}
	if j.set.baseline != nil {
		j.set.baseline.filter(r, o.name, j.set.writeBaseline)
	}
	j.tally.findings += len(r.Findings)
	return r
}

// judge lets findings that are serious enough fail the run.
func (j *job) judge(o *outcome, r *emit.FileReport) {
	for _, f := range r.Findings {
		if rank(f.Level) >= rank(o.failOn()) {
			j.raise(exitFound)
		}
	}
}

// reportSink collects the findings of a run and writes one report.
type reportSink struct {
	*job
	report emit.Report
}

func (s *reportSink) file(o *outcome) error {
	r := s.reported(o)
	r.Source = nil
	if len(r.Findings) > 0 {
		s.report.Files = append(s.report.Files, r)
	}
	changed := o.res.Changed() || len(o.res.Companions) > 0
	switch {
	case s.command == "lint":
		s.judge(o, r)
	case s.set.write:
		if o.writeErr != nil {
			s.fail(o.writeErr)
		}
	case s.set.check && changed:
		s.raise(exitFound)
	}
	return nil
}

func (s *reportSink) failed(_ *outcome, r *emit.FileReport) error {
	r.Source = nil
	s.report.Files = append(s.report.Files, r)
	return nil
}

func (s *reportSink) end() error {
	t := &s.tally
	s.report.Summary = emit.Summary{
		Files: t.files, Changed: t.changed, Failed: t.failed, Findings: t.findings,
		StepsBefore: t.stepsBefore, StepsAfter: t.stepsAfter, LayersBefore: t.layersBefore, LayersAfter: t.layersAfter,
	}
	out, err := emit.Render(s.set.format, &s.report)
	if err == nil {
		_, err = s.c.out.Write(out)
	}
	return err
}

// failOn is the least serious level that makes lint fail.
func (o *outcome) failOn() emit.Level {
	if o.rules.FailOn != nil {
		return emit.Level(*o.rules.FailOn)
	}
	return emit.LevelNote
}

func rank(l emit.Level) int {
	return slices.Index([]emit.Level{emit.LevelNote, emit.LevelWarning, emit.LevelError}, l)
}
