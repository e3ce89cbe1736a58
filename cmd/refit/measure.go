//go:build !plain

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/measure"
	"github.com/refit-dev/refit/pkg/transform"
	"github.com/refit-dev/refit/pkg/workspace"
)

func measureCommand(c *console) *command {
	return &command{
		operands: "[path]",
		description: "Builds the Dockerfile as it is and as refit fix would rewrite it, without the cache, and compares the two images file\n" +
			"by file; then edits a source file and a dependency manifest in a copy of the build context and builds again with\n" +
			"the cache. Nothing is changed in the build context, and nothing is left behind but the engine's cache.",
		flags: [][]flag{{
			{name: "html", kind: isText, category: catOutput, usage: "also write a report to `FILE`: one page with layers, diff and reasons"},
			{name: "no-rebuild", category: catEngine, usage: "do not measure builds after an edit"},
			{name: "touch-source", kind: isText, category: catEngine, usage: "the source `FILE` to edit, relative to the build context; chosen if not given"},
			{name: "touch-manifest", kind: isText, category: catEngine, usage: "the dependency manifest `FILE` to edit; chosen if not given"},
		}, selectFlags, engineFlags},
		run: func(ctx *call) error { return runMeasure(c, ctx) },
	}
}

// measured is the JSON of refit measure.
type measured struct {
	Changed    bool            `json:"changed"`
	Equivalent bool            `json:"equivalent"`
	Changes    []measuredFix   `json:"changes"`
	Report     *measure.Report `json:"report,omitempty"`
}

type measuredFix struct {
	Transform string `json:"transform"`
	Safety    string `json:"safety"`
	Title     string `json:"title"`
	Reason    string `json:"reason"`
}

func runMeasure(c *console, ctx *call) error {
	file, err := oneDockerfile(ctx)
	if err != nil {
		return err
	}
	set, err := readSettings(c, ctx)
	if err != nil {
		return err
	}
	src, err := workspace.Load(file)
	if err != nil {
		return err
	}
	dir := contextOf(ctx, file)
	opt, err := (&job{c: c, set: set, command: "fix"}).options(&outcome{file: workspace.File{Path: file}})
	if err != nil {
		return err
	}
	if t := ctx.text("target"); t != "" {
		opt.Facts.Targets = []string{t}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if opt.Context, err = facts.NewContext(root.FS(), within(dir, file)); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	res, err := transform.Run(src.Data, opt)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	out := &measured{Changed: res.Changed() || len(res.Companions) > 0, Equivalent: true}
	for _, ch := range res.Changes {
		out.Changes = append(out.Changes, measuredFix{ch.Transform, ch.Safety.String(), ch.Title, ch.Reason})
	}
	if !out.Changed {
		if ctx.on("json") {
			return printJSON(c, out)
		}
		hint := ""
		if len(res.Available) > 0 {
			hint = fmt.Sprintf("; with --unsafe there are %s to measure", plural(len(res.Available), "change"))
		}
		_, err := fmt.Fprintf(c.out, "%s: refit fix changes nothing%s\n", file, hint)
		return err
	}
	b, err := startBuilds(c, ctx)
	if err != nil {
		return err
	}
	defer b.end()
	b.opt.Before = measure.Version{Dockerfile: file, Context: dir}
	b.opt.After = measure.Version{Dockerfile: file, Context: dir, Text: res.After}
	b.opt.Rebuilds = !ctx.on("no-rebuild")
	b.opt.Source, b.opt.Manifest = ctx.text("touch-source"), ctx.text("touch-manifest")
	b.opt.Want = measure.Expect(res.Changes)
	if err := addCompanions(&b.opt, dir, res.Companions); err != nil {
		return err
	}
	if out.Report, err = b.run(); err != nil {
		return buildFailed(err, file)
	}
	out.Equivalent = out.Report.Comparison.Equivalent()
	if name := ctx.text("html"); name != "" {
		if err := writePage(name, file, res, out); err != nil {
			return err
		}
	}
	if ctx.on("json") {
		err = printJSON(c, out)
	} else {
		err = out.Report.Write(c.out)
	}
	if err == nil && !out.Equivalent {
		err = &failure{exitFound, fmt.Sprintf("%s: the images differ in %s that no change declares", file, plural(len(out.Report.Comparison.Of(measure.Unexpected)), "way"))}
	}
	return err
}

// buildFailed gives an error of a build its exit code: a rewritten Dockerfile that does not build is a finding.
func buildFailed(err error, after string) error {
	var which *measure.VersionError
	if errors.As(err, &which) && which.Version == "after" {
		return &failure{exitFound, fmt.Sprintf("%s: the Dockerfile after does not build, the one before does: %v", after, which.Err)}
	}
	return err
}

// addCompanions puts the files that changes write beside the Dockerfile into the build after. What a new ignore file
// keeps out of the build context may be missing in the image.
func addCompanions(opt *measure.Options, dir string, files []transform.Companion) error {
	for _, f := range files {
		if opt.After.Files == nil {
			opt.After.Files = map[string][]byte{}
		}
		opt.After.Files[f.Path] = f.Content
		opt.Want.Paths = append(opt.Want.Paths, "**/"+f.Path) // the file itself is copied
		if !strings.HasSuffix(f.Path, ".dockerignore") {
			continue
		}
		ignored, err := ignoredFiles(dir, f.Content)
		if err != nil {
			return err
		}
		for _, name := range ignored {
			opt.Want.Paths = append(opt.Want.Paths, "**/"+escapeGlob(name), "**/"+escapeGlob(name)+"/**")
		}
	}
	return nil
}

// escapeGlob makes a pattern that matches the name only.
func escapeGlob(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`).Replace(name)
}

// ignoredFiles lists what an ignore file keeps out of the build context: the topmost names only.
func ignoredFiles(dir string, text []byte) ([]string, error) {
	only, err := facts.NewContext(ignoreFS{os.DirFS(dir), text}, "")
	if err != nil {
		return nil, err
	}
	var out []string
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return nil
		}
		if only.Ignored(name) {
			out = append(out, name)
			if d.IsDir() {
				return fs.SkipDir
			}
		}
		return nil
	})
	return out, err
}

// ignoreFS is a file system with another .dockerignore.
type ignoreFS struct {
	fs.FS
	text []byte
}

func (f ignoreFS) ReadFile(name string) ([]byte, error) {
	if path.Clean(name) == ".dockerignore" {
		return f.text, nil
	}
	return fs.ReadFile(f.FS, name)
}

func writePage(name, file string, res *transform.Result, out *measured) error {
	p := &measure.Page{Report: out.Report, Diff: string(emit.Unified(slashed(file), res.Before, res.After, emit.DiffOptions{}))}
	for _, ch := range out.Changes {
		p.Changes = append(p.Changes, measure.PageChange{Transform: ch.Transform, Safety: ch.Safety, Title: ch.Title, Reason: ch.Reason})
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := p.WriteHTML(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func printJSON(c *console, v any) error {
	enc := json.NewEncoder(c.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// oneDockerfile finds the Dockerfile that the operand means.
func oneDockerfile(ctx *call) (string, error) {
	if len(ctx.args) > 1 {
		return "", usagef("measure takes one path, not %d: builds are compared one Dockerfile at a time", len(ctx.args))
	}
	arg := ctx.first()
	if arg == "" {
		arg = "."
	}
	if arg == stdinPath {
		return "", usagef("measure needs a file with a build context, not standard input")
	}
	if st, err := os.Stat(arg); err != nil || !st.IsDir() {
		return arg, err
	}
	for _, name := range []string{"Dockerfile", "Containerfile"} {
		if st, err := os.Stat(filepath.Join(arg, name)); err == nil && !st.IsDir() {
			return filepath.Join(arg, name), nil
		}
	}
	found, errs := workspace.Find([]string{arg}, workspace.FindOptions{})
	if len(errs) > 0 {
		return "", errs[0]
	}
	if len(found) == 1 {
		return found[0].Path, nil
	}
	var names []string
	for _, f := range found[:min(len(found), 10)] {
		names = append(names, f.Path)
	}
	return "", usagef("%s holds %d Dockerfiles: name one of %s", arg, len(found), strings.Join(names, ", "))
}
