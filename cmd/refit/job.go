package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/transform"
	"github.com/refit-dev/refit/pkg/workspace"
)

// stdinPath is the operand that means standard input.
const stdinPath = "-"

// job is a run of one command over files.
type job struct {
	c        *console
	set      *settings
	command  string // fix, fmt or lint
	tally    tally
	code     int
	contexts contexts
	values   gitValues
	changes  *workspace.Changes // of --changed
	said     map[string]bool    // configuration errors that were printed
}

// runJob is what fix, fmt and lint do.
func runJob(c *console) func(*call) error {
	return func(ctx *call) error {
		set, err := readSettings(c, ctx)
		if err != nil {
			return err
		}
		return (&job{c: c, set: set, command: ctx.cmd.name}).run(ctx.args)
	}
}

// outcome is what came out for one file.
type outcome struct {
	file     workspace.File
	name     string // for messages and diffs
	src      *workspace.Source
	res      *transform.Result
	rules    workspace.Rules // that hold for the file
	skipped  bool            // stdin that the rules exclude: echo it
	err      error
	writeErr error // of -w; the result is complete
}

// run processes the operands and returns the command's error.
func (j *job) run(args []string) (err error) {
	if !j.c.outTTY && !j.c.errTTY {
		var flush func() error
		j.c, flush = j.c.buffered()
		defer func() {
			if ferr := flush(); err == nil {
				err = ferr
			}
		}()
	}
	files, err := j.inputs(args)
	if err != nil {
		return err
	}
	if !j.set.hasMode() && j.command != "lint" && len(files) > 1 {
		return usagef("%d files and no mode: add -w to rewrite them, -d for a diff, -l for their names, or --check", len(files))
	}
	if j.needsFull(files) {
		return handOver()
	}
	if j.set.interactive {
		if !j.c.inTTY {
			return usagef("--interactive needs a terminal to ask on")
		}
		i := &interactive{job: j, in: bufio.NewReader(j.c.in), skipped: map[string]bool{}}
		return j.finish(i.run(files))
	}
	sink, err := j.sink()
	if err != nil {
		return err
	}
	workers := j.set.jobs
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var fatal error
	line := watch(j.c, j.set, len(files))
	workspace.Each(len(files), workers, func(i int) *outcome {
		return j.process(files[i])
	}, func(i int, o *outcome) bool {
		j.tally.files++
		fatal = j.deliver(sink, o)
		line.step(i + 1)
		return fatal == nil
	})
	line.clear()
	if fatal == nil {
		fatal = sink.end()
	}
	return j.finish(fatal)
}

// finish prints the summary and gives the command's error.
func (j *job) finish(err error) error {
	if err != nil && !errors.Is(err, errQuit) {
		return err
	}
	if j.set.writeBaseline {
		if err := j.set.baseline.save(); err != nil {
			return err
		}
	}
	if j.set.online != nil && j.set.online.update {
		names, err := j.set.online.save()
		if err != nil {
			return err
		}
		for _, n := range names {
			if !j.set.quiet {
				fmt.Fprintf(j.c.err, "locked: %s\n", n)
			}
		}
	}
	j.summary()
	if j.code != exitOK {
		return &failure{code: j.code}
	}
	return nil
}

// inputs finds the files. Paths that cannot be read are reported at once and
// do not stop the others.
func (j *job) inputs(args []string) ([]workspace.File, error) {
	if j.set.changed != "" {
		var err error
		if j.changes, err = workspace.ChangedSince(".", j.set.changed); err != nil {
			return nil, err
		}
		if len(args) == 0 {
			args = []string{"."}
		}
	}
	if len(args) == 0 {
		if !j.c.inPiped || j.set.write || j.set.interactive {
			return nil, usagef("%s needs a path: a Dockerfile, a directory (. for this one), or - for standard input", j.command)
		}
		args = []string{stdinPath}
	}
	var files []workspace.File
	var paths []string
	flush := func() {
		if len(paths) == 0 {
			return
		}
		found, errs := workspace.Find(paths, j.set.find)
		if j.changes != nil {
			found = slices.DeleteFunc(found, func(f workspace.File) bool { return !j.changes.File(f.Path) })
		}
		files = append(files, found...)
		for _, err := range errs {
			j.fail(err)
		}
		paths = nil
	}
	for _, a := range args {
		if a == "" {
			return nil, usagef("a path is empty: a variable of a script that is not set?")
		}
		if a != stdinPath {
			paths = append(paths, a)
			continue
		}
		if j.set.write || j.set.interactive {
			return nil, usagef("standard input cannot be rewritten in place: leave -w and -i out, the result is printed")
		}
		if j.set.changedLines != "" {
			return nil, usagef("--changed-lines asks git about files, standard input is none")
		}
		flush()
		files = append(files, workspace.File{Path: stdinPath, Named: true})
	}
	flush()
	return files, nil
}

// process does the work for one file; it runs on several goroutines.
func (j *job) process(f workspace.File) (o *outcome) {
	o = &outcome{file: f, name: f.Path}
	defer func() {
		if r := recover(); r != nil {
			o.res = nil
			o.err = &internalError{fmt.Sprintf("%v\n%s", r, debug.Stack())}
		}
	}()
	if f.Path == stdinPath {
		if o.name = "stdin"; j.set.stdinName != "" {
			o.name = j.set.stdinName
		}
		data, err := io.ReadAll(j.c.in)
		if err != nil {
			o.err = err
			return o
		}
		o.src = &workspace.Source{Path: f.Path, Data: data}
		if j.set.stdinName != "" && workspace.Ignored(j.set.stdinName, j.set.find) {
			o.skipped = true
			return o
		}
	} else {
		o.src, o.err = workspace.Load(f.Path)
		if o.err != nil {
			return o
		}
	}
	gc.reading(len(o.src.Data))
	opt, err := j.options(o)
	if err != nil {
		o.err = &settingError{err}
		return o
	}
	if o.res, o.err = transform.Run(o.src.Data, opt); o.err == nil && j.set.write {
		o.writeErr = j.write(o)
	}
	return o
}

// internalError is a bug in refit that was caught.
type internalError struct{ msg string }

func (e *internalError) Error() string { return "internal error: " + e.msg }

// settingError is a setting that cannot be followed.
type settingError struct{ error }

func (e *settingError) Unwrap() error { return e.error }

// errQuit ends a run early without an error.
var errQuit = errors.New("quit")

// deliver reports one outcome; outcomes come in the order of the files.
func (j *job) deliver(sink sink, o *outcome) error {
	if o.skipped {
		if j.command == "lint" || j.set.hasMode() {
			return nil
		}
		_, err := j.c.out.Write(o.src.Data)
		return err
	}
	if o.err != nil {
		var name *transform.UnknownNameError
		if errors.As(o.err, &name) {
			return usagef("%v", name)
		}
		j.tally.failed++
		j.raise(exitFailure)
		var config *workspace.ConfigError
		if errors.As(o.err, &config) {
			// One mistake fails many files; it is told once.
			if msg := config.Error(); !j.said[msg] {
				if j.said == nil {
					j.said = map[string]bool{}
				}
				j.said[msg] = true
				j.print(configReport(config))
			}
			return nil
		}
		report := &emit.FileReport{Path: filepath.ToSlash(o.name), Findings: []emit.Finding{problem(o.err)}}
		if o.src != nil {
			report.Source = o.src.Data
			path := o.file.Path
			if path == stdinPath {
				path = j.set.stdinName
			}
			if hint := remedy(path, o.src.Data, o.err); hint != "" {
				report.Findings[0].Hint = hint
			}
		}
		j.print(report)
		return sink.failed(o, report)
	}
	for _, msg := range o.res.Internal {
		j.tally.internal++
		fmt.Fprintf(j.c.err, "%s: internal error, a change was dropped: %s [internal]\n", o.name, msg)
		j.raise(exitFailure)
	}
	j.tally.add(o.res)
	j.details(o)
	return sink.file(o)
}

// raise makes the exit code at least code.
func (j *job) raise(code int) { j.code = max(j.code, code) }

// fail reports a path that could not be used.
func (j *job) fail(err error) {
	j.tally.failed++
	j.raise(exitFailure)
	if config := (*workspace.ConfigError)(nil); errors.As(err, &config) {
		j.print(configReport(config))
		return
	}
	name := ""
	var pe *fs.PathError
	var none *workspace.NoFilesError
	switch {
	case errors.As(err, &pe):
		name = pe.Path
	case errors.As(err, &none):
		name = none.Dir
	}
	j.print(&emit.FileReport{Path: filepath.ToSlash(name), Findings: []emit.Finding{problem(err)}})
}

func (j *job) print(r *emit.FileReport) {
	j.c.err.Write(emit.Text(r, emit.TextOptions{Color: j.set.errColor, Reasons: true}))
}

// problem turns an error into a finding.
func problem(err error) emit.Finding {
	f := emit.Finding{Level: emit.LevelError, Rule: "io", Title: err.Error()}
	var pe *parse.Error
	var path *fs.PathError
	var none *workspace.NoFilesError
	var internal *internalError
	var setting *settingError
	var lookup *lookupError
	switch {
	case errors.As(err, &lookup):
		f.Rule, f.Start = "registry", place(lookup.pos)
		f.Title, f.Hint = lookup.finding()
	case errors.As(err, &setting):
		f.Rule = "config"
	case errors.As(err, &pe):
		f.Rule, f.Title = "parse", pe.Msg
		if pe.Line > 0 {
			f.Start = place(parse.Position{Line: pe.Line, Col: pe.Col})
		}
	case errors.As(err, &none):
		f.Rule, f.Title = "no-files", none.Reason()
	case errors.As(err, &path) && errors.Is(err, fs.ErrNotExist):
		f.Title = missing(path)
	case errors.As(err, &path):
		f.Title = fmt.Sprintf("cannot %s: %v", path.Op, path.Err)
	case errors.As(err, &internal):
		f.Rule = "internal"
		f.Hint = "this is a bug in refit; please report it with the file"
	}
	return f
}

// details prints what -v and --explain-skips ask for.
func (j *job) details(o *outcome) {
	r := &emit.FileReport{Path: filepath.ToSlash(o.name), Source: o.res.Before}
	if j.set.verbose && j.command != "lint" {
		places := emit.NewPlaces(o.res.Before)
		for i := range o.res.Changes {
			r.Findings = append(r.Findings, o.res.Changes[i].Finding(places))
		}
	}
	if j.set.verbose || j.set.explainSkips {
		for _, s := range o.res.Skips {
			r.Findings = append(r.Findings, emit.Finding{Rule: s.Transform, Level: emit.LevelNote, Start: place(s.Pos), Title: "not changed: " + s.Reason})
		}
		if j.command == "fmt" { // otherwise the places are those of a text in between
			for _, s := range o.res.Verbatim {
				r.Findings = append(r.Findings, emit.Finding{Rule: s.Transform, Level: emit.LevelNote, Start: place(s.Pos), Title: "not laid out: " + s.Reason})
			}
		}
	}
	if len(r.Findings) > 0 {
		j.c.err.Write(emit.Text(r, emit.TextOptions{Color: j.set.errColor, Reasons: j.set.verbose}))
	}
}

// place makes a place of a position where the text is not at hand.
func place(p parse.Position) emit.Place { return emit.Place{Line: p.Line, Col: p.Col, Char: p.Col} }

func configReport(e *workspace.ConfigError) *emit.FileReport {
	f := emit.Finding{Level: emit.LevelError, Rule: "config", Title: e.Msg, Start: place(parse.Position{Line: e.Line, Col: e.Col})}
	path := e.Path
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, path); err == nil && filepath.IsLocal(rel) {
			path = rel
		}
	}
	return &emit.FileReport{Path: filepath.ToSlash(path), Source: e.Source, Findings: []emit.Finding{f}}
}
