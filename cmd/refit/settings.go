package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/transform"
	"github.com/refit-dev/refit/pkg/workspace"
)

// settings are a command's flags, understood.
type settings struct {
	write, diff, list, check, interactive bool

	verbose, explainSkips, quiet bool
	outColor, errColor           bool
	stdinName                    string
	format                       string // of the report: text, json, …
	jobs                         int
	lines                        [][2]int          // --lines
	images                       map[string]string // of --images
	online                       *online           // of --online, nil without
	changed                      string            // --changed
	changedLines                 string            // --changed-lines
	baseline                     *baseline
	writeBaseline                bool
	labels                       []transform.Label // of --label, in order
	rules                        workspace.Rules   // of the flags; they win over those of files
	resolver                     workspace.Resolver
	find                         workspace.FindOptions
}

func (s *settings) hasMode() bool {
	return s.write || s.diff || s.list || s.check || s.interactive || s.format != "text"
}

// onlyAsks reports whether the names of the files that change are all that is
// wanted.
func (s *settings) onlyAsks() bool {
	return (s.check || s.list) && !s.write && !s.diff && !s.interactive && !s.verbose && !s.explainSkips && s.format == "text"
}

// The categories of flags in the help.
const (
	catMode   = "Mode"
	catWhat   = "What to change"
	catBuild  = "About the build"
	catEngine = "Building"
	catLayout = "Layout"
	catFiles  = "Files"
	catOutput = "Output"
)

var modeFlags = []flag{
	{name: "write", short: "w", category: catMode, usage: "rewrite the files in place"},
	{name: "diff", short: "d", category: catMode, usage: "print a unified diff; exit 1 if there is one"},
	{name: "list", short: "l", category: catMode, usage: "print the names of the files that change; exit 1 if there are any"},
	{name: "check", category: catMode, usage: "change nothing; exit 1 if a file would change"},
}

var selectFlags = []flag{
	{name: "select", kind: isList, category: catWhat, usage: "run only these transforms, by `NAME` or code, comma-separated; an unsafe one named here is applied"},
	{name: "ignore", kind: isList, category: catWhat, usage: "do not run these transforms, by `NAME` or code, comma-separated"},
	{name: "unsafe", category: catWhat, usage: "also make the changes that may alter what is installed or how the container starts"},
	{name: "cache", kind: isText, category: catWhat, def: "clean", usage: "`MODE` of the cache transforms: clean (delete caches in the same RUN) or mount (keep them in cache mounts)"},
	{name: "label", kind: isList, category: catWhat, usage: "add a label `KEY=VALUE` to the images; may be repeated"},
	{name: "author", kind: isText, category: catWhat, usage: "add the `NAME` as the label org.opencontainers.image.authors"},
	{name: "label-style", kind: isText, category: catWhat, def: "label", usage: "`STYLE` of the author: label, or maintainer for the deprecated MAINTAINER instruction"},
	{name: "stages", kind: isText, category: catWhat, def: "ships", usage: "`WHICH` stages to merge RUN instructions and to clean up in: ships (those that end up in an image) or all"},
	{name: "merge-style", kind: isText, category: catWhat, def: "auto", usage: "`STYLE` of merged RUN instructions: auto, and (a && chain) or heredoc"},
	{name: "dockerignore", kind: isText, category: catWhat, def: "create", usage: "`HOW` to write a .dockerignore: create (only where there is none) or merge (add to an existing one, too)"},
	{name: "max-lines", kind: isNumber, category: catWhat, def: "60", usage: "merge no RUN beyond `N` lines"},
}

var buildFlags = []flag{
	{name: "context", kind: isText, category: catBuild, usage: "the build context `DIR`, where transforms look at the files that are copied; default: the Dockerfile's folder, if what is copied is there"},
	{name: "build-arg", kind: isList, category: catBuild, usage: "the value of a build argument, `NAME=VALUE`; may be repeated"},
	{name: "images", kind: isText, category: catBuild, usage: "a `FILE` that names base images: per line a reference as in FROM and the one that pin-base replaces it by"},
	{name: "target", kind: isList, category: catBuild, usage: "a `STAGE` that is built as an image; may be repeated"},
}

// layoutFlags has the defaults of emit.DefaultStyle.
var layoutFlags = []flag{
	{name: "indent", kind: isNumber, category: catLayout, def: "4", usage: "indent continuation lines by `N` blanks per level"},
	{name: "tabs", category: catLayout, usage: "indent continuation lines by one tab per level"},
	{name: "width", kind: isNumber, category: catLayout, def: "100", usage: "break lines at column `N` where possible; 0 for no limit"},
	{name: "operators", kind: isText, category: catLayout, def: "leading", usage: "`WHERE` && and || stand at a line break: leading or trailing"},
	{name: "newline", kind: isText, category: catLayout, def: "keep", usage: "the line `ENDING`: keep, lf or crlf"},
	{name: "heredoc-bodies", category: catLayout, usage: "lay out the bodies of RUN here-documents too"},
	{name: "cache-neutral", category: catLayout, usage: "leave the text of RUN instructions alone, so that no layer is built again"},
}

var fileFlags = []flag{
	{name: "stdin-filename", kind: isText, category: catFiles, usage: "the `PATH` that standard input stands for"},
	{name: "config", kind: isText, category: catFiles, usage: "use this configuration `FILE` instead of searching for .refit.toml"},
	{name: "no-config", category: catFiles, usage: "read no .refit.toml, .editorconfig or .hadolint.yaml"},
	{name: "changed", kind: isText, category: catFiles, usage: "only files that git says differ from `REF` (HEAD without one); without a path, below this directory", without: "HEAD"},
	{name: "changed-lines", kind: isText, category: catFiles, usage: "only what touches lines that git says differ from `REF` (HEAD without one)", without: "HEAD"},
	{name: "force-exclude", category: catFiles, usage: "ignore rules hold for paths named on the command line, too"},
	{name: "no-ignore", category: catFiles, usage: "search directories without regard to .gitignore"},
	{name: "jobs", kind: isNumber, short: "j", category: catFiles, usage: "process `N` files at a time; 0 for one per processor"},
}

var outputFlags = []flag{
	{name: "verbose", short: "v", category: catOutput, usage: "name each change and each place that was left alone, with reasons, on standard error"},
	{name: "explain-skips", category: catOutput, usage: "list every place where a transform wanted to act and why it did not"},
	{name: "output-format", kind: isText, category: catOutput, def: "text", usage: "write a report as `FORMAT`: text, json, sarif, rdjson (reviewdog), github (annotations) or gitlab (code quality)"},
	{name: "quiet", short: "q", category: catOutput, usage: "no summary"},
	{name: "color", kind: isText, category: catOutput, def: "auto", usage: "`WHEN` to colour: auto (on a terminal, unless NO_COLOR is set), always or never"},
}

// readSettings understands the flags that the command has.
func readSettings(c *console, ctx *call) (*settings, error) {
	s := &settings{
		write: ctx.on("write"), diff: ctx.on("diff"), list: ctx.on("list"), check: ctx.on("check"),
		interactive: ctx.on("interactive"),
		verbose:     ctx.on("verbose"), explainSkips: ctx.on("explain-skips"), quiet: ctx.on("quiet"),
		stdinName: ctx.text("stdin-filename"),
		jobs:      ctx.number("jobs"),
		find:      workspace.FindOptions{ForceExclude: ctx.on("force-exclude"), NoIgnore: ctx.on("no-ignore"), User: userIgnore(c)},
	}
	s.resolver.File, s.resolver.None = ctx.text("config"), ctx.on("no-config")
	s.find.Excluded, s.find.Listed = s.resolver.Excluded, s.resolver.Listed
	s.find.Builds = buildEntries
	s.find.Lookup = func(name string) (string, bool) { v := c.getenv(name); return v, v != "" }
	if s.resolver.File != "" {
		if s.resolver.None {
			return nil, usagef("--config and --no-config exclude each other")
		}
		if _, err := workspace.ReadConfig(s.resolver.File); err != nil {
			return nil, err
		}
	}
	if s.format = ctx.text("output-format"); s.format == "" {
		s.format = "text"
	} else if all := append([]string{"text"}, emit.Formats()...); !slices.Contains(all, s.format) {
		return nil, choiceError("output-format", s.format, all...)
	}
	if s.format != "text" && (s.diff || s.list || s.interactive) {
		return nil, usagef("--output-format %s excludes --diff, --list and --interactive: all of them write to standard output", s.format)
	}
	if s.write && s.check {
		return nil, usagef("-w and --check exclude each other")
	}
	if s.interactive && (s.write || s.diff || s.list || s.check) {
		return nil, usagef("-i excludes -w, -d, -l and --check: it writes what is accepted")
	}
	switch when := ctx.text("color"); when {
	case "auto", "":
		plain := c.getenv("NO_COLOR") != "" || c.getenv("TERM") == "dumb"
		s.outColor, s.errColor = c.outTTY && !plain, c.errTTY && !plain
	case "always":
		s.outColor, s.errColor = true, true
	case "never":
	default:
		return nil, choiceError("color", when, "auto", "always", "never")
	}
	if s.changed, s.changedLines = ctx.text("changed"), ctx.text("changed-lines"); s.changed == "" {
		s.changed = s.changedLines
	}
	if s.changedLines != "" && s.changed != s.changedLines {
		return nil, usagef("--changed=%s and --changed-lines=%s name two revisions", s.changed, s.changedLines)
	}
	if s.interactive && s.changedLines != "" {
		return nil, usagef("-i and --changed-lines exclude each other: each answer moves the lines; --changed asks about the files that differ")
	}
	if err := s.readBaseline(ctx); err != nil {
		return nil, err
	}
	if file := ctx.text("images"); file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if s.images, err = transform.ParseImages(data); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	var err error
	if s.online, err = readOnline(ctx, &s.resolver); err != nil {
		return nil, err
	}
	return s, s.readRules(ctx)
}

// readBaseline understands --baseline and --write-baseline.
func (s *settings) readBaseline(ctx *call) (err error) {
	read, write := ctx.text("baseline"), ctx.text("write-baseline")
	switch {
	case read != "" && write != "":
		return usagef("--baseline and --write-baseline exclude each other")
	case read != "":
		s.baseline, err = readBaseline(read)
	case write != "":
		s.baseline, s.writeBaseline = &baseline{path: write}, true
	}
	return err
}

// readRules turns the flags that were given into rules.
func (s *settings) readRules(ctx *call) error {
	for _, l := range ctx.list("label") {
		k, v, ok := strings.Cut(l, "=")
		if !ok || k == "" {
			return usagef("--label %q: want KEY=VALUE", l)
		}
		s.labels = append(s.labels, transform.Label{Key: k, Value: v})
	}
	f := flagReader{ctx: ctx}
	s.rules = workspace.Rules{
		Select: split(ctx.list("select")), Ignore: split(ctx.list("ignore")),
		Unsafe: f.bool("unsafe"), Author: f.string("author"), Context: f.string("context"),
		Cache: f.choice("cache", "clean", "mount"), LabelStyle: f.choice("label-style", "label", "maintainer"),
		Stages: f.choice("stages", "ships", "all"), MergeStyle: f.choice("merge-style", "auto", "and", "heredoc"),
		Dockerignore: f.choice("dockerignore", "create", "merge"),
		FailOn:       f.choice("fail-on", "note", "warning", "error"),
		MaxLines:     f.int("max-lines", 1, 10000), Targets: ctx.list("target"), BuildArgs: f.pairs("build-arg"),
		Format: &workspace.Format{
			Enabled: f.bool("format"), Indent: f.int("indent", 1, 16), Tabs: f.bool("tabs"), Width: f.int("width", 0, 100000),
			Operators: f.choice("operators", "leading", "trailing"), Newline: f.choice("newline", "keep", "lf", "crlf"),
			HeredocBodies: f.bool("heredoc-bodies"), CacheNeutral: f.bool("cache-neutral"),
		},
	}
	if l := ctx.text("lines"); l != "" {
		var r [2]int
		if n, err := fmt.Sscanf(l, "%d:%d\n", &r[0], &r[1]); n != 2 || err != nil || r[0] < 1 || r[1] < r[0] {
			return usagef("--lines %q: want FROM:TO, two line numbers from 1", l)
		}
		if s.changedLines != "" {
			return usagef("--lines and --changed-lines exclude each other")
		}
		s.lines = [][2]int{r}
	}
	return f.err
}

// flagReader gives the flags that were set; the first mistake is in err.
type flagReader struct {
	ctx *call
	err error
}

func (f *flagReader) bool(name string) *bool {
	if !f.ctx.given(name) {
		return nil
	}
	v := f.ctx.on(name)
	return &v
}

func (f *flagReader) string(name string) *string {
	if !f.ctx.given(name) {
		return nil
	}
	v := f.ctx.text(name)
	return &v
}

func (f *flagReader) int(name string, lo, hi int) *int {
	if !f.ctx.given(name) {
		return nil
	}
	v := f.ctx.number(name)
	if (v < lo || v > hi) && f.err == nil {
		f.err = usagef("--%s %d: want %d to %d", name, v, lo, hi)
	}
	return &v
}

func (f *flagReader) choice(name string, choices ...string) *string {
	v := f.string(name)
	if v != nil && !slices.Contains(choices, *v) && f.err == nil {
		f.err = choiceError(name, *v, choices...)
	}
	return v
}

func (f *flagReader) pairs(name string) map[string]string {
	var out map[string]string
	for _, a := range f.ctx.list(name) {
		k, v, ok := strings.Cut(a, "=")
		if (!ok || k == "") && f.err == nil {
			f.err = usagef("--%s %q: want NAME=VALUE", name, a)
		}
		if out == nil {
			out = map[string]string{}
		}
		out[k] = v
	}
	return out
}

// userIgnore says where git's settings of the user are, see
// https://git-scm.com/docs/git-config#FILES.
func userIgnore(c *console) *workspace.UserIgnore {
	u := &workspace.UserIgnore{Ask: c.getenv("GIT_CONFIG_COUNT") != "" || c.getenv("GIT_CONFIG_PARAMETERS") != ""}
	home, dir := c.getenv("HOME"), c.getenv("XDG_CONFIG_HOME")
	if dir == "" && home != "" {
		dir = filepath.Join(home, ".config")
	}
	if dir != "" {
		u.Default = filepath.Join(dir, "git", "ignore")
	}
	switch system := c.getenv("GIT_CONFIG_SYSTEM"); {
	case c.getenv("GIT_CONFIG_NOSYSTEM") != "":
	case system != "":
		u.Configs = append(u.Configs, system)
	default:
		u.Configs = append(u.Configs, "/etc/gitconfig", "/usr/local/etc/gitconfig", "/opt/homebrew/etc/gitconfig")
	}
	if global := c.getenv("GIT_CONFIG_GLOBAL"); global != "" {
		u.Configs = append(u.Configs, global)
		return u
	}
	if dir != "" {
		u.Configs = append(u.Configs, filepath.Join(dir, "git", "config"))
	}
	if home != "" {
		u.Configs = append(u.Configs, filepath.Join(home, ".gitconfig"))
	}
	return u
}

func choiceError(flag, got string, choices ...string) error {
	hint := ""
	if near := nearest(got, choices); near != "" {
		hint = "; did you mean " + near + "?"
	}
	return usagef("--%s %q: want %s%s", flag, got, strings.Join(choices, ", "), hint)
}

// split cuts comma-separated values.
func split(values []string) []string {
	var out []string
	for _, v := range values {
		for _, s := range strings.Split(v, ",") {
			if s = strings.TrimSpace(s); s != "" {
				out = append(out, s)
			}
		}
	}
	return out
}
