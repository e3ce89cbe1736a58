package transform

import (
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/shell"
)

var _ = register(func() *Transform {
	return &Transform{
		Name:   "deps-first",
		Group:  "order",
		Safety: Safe,
		First:  true,
		After:  []string{"packages-first"},
		Run:    depsFirst,
		Doc: `Install dependencies before the sources are copied.

## What
Where a RUN installs a project's dependencies behind a COPY of the whole project, only the files that the install reads
(package.json and lock file, requirements, go.mod, …) are copied in front of it, and the rest behind it. Which files these are
follows from the arguments of the command and, where the build context is in sight, from what the manifests
themselves name.

Cargo cannot compile dependencies alone. Where the build context shows one crate with src/main.rs or src/lib.rs, a build with
a stand-in for these files goes in front of the COPY of the sources, and the real build touches them first: cargo
goes by the time of a file, and the sources may be older than the stand-in.

## Why
A COPY of the sources differs after every edit, and everything behind it is built again. With the manifests
in front, an edit of a source file no longer installs anything.

## Example
` + "```dockerfile before" + `
FROM node:20
WORKDIR /app
COPY . .
RUN npm ci
` + "```\n```dockerfile after" + `
FROM node:20
WORKDIR /app
COPY package*.json .npmrc* ./
RUN npm ci
COPY . .
` + "```" + `

## Instead
Nothing is moved where the RUN does more than install (unless the install can be split off in front), where
instructions between COPY and RUN may use the copied files, where the project runs its own scripts when it is installed,
installs itself (` + "`pip install -e .`" + `), or brings what the install writes (a node_modules that .dockerignore does not exclude).

## Safety
Safe if the build context shows that the install reads nothing but the manifests. Unsafe without the context, or where the
reason names a doubt: a file that the install needs may be missing, which fails the build.

## References
- https://docs.docker.com/build/building/best-practices/#leverage-build-cache
- https://docs.docker.com/build/cache/optimize/#order-your-layers
`,
	}
})

func depsFirst(p *Pass) {
	for _, in := range p.File.Instructions {
		run := in
		if in.Child != nil {
			run = in.Child
		}
		if run.Name != "RUN" {
			continue
		}
		r, _ := p.Program(in)
		if r == nil {
			continue
		}
		p.depsFirst(r)
		p.cargoFirst(r)
	}
}

// reorder is a rewrite being put together.
type reorder struct {
	p        *Pass
	r        *Program
	stretch  stretch
	installs []*facts.DepsInstall
	split    *syntax.Stmt // the first statement that stays behind the sources, nil for none
	writes   []string     // what the installs write
	needs    []need
	moves    []*facts.Copy
	doubts   []string
}

// need is a file or directory that an install reads.
type need struct {
	path string // in the image
	src  string // in the build context
	dir  bool
	by   *facts.Copy
}

// copiesBefore are the copies of the stage and its parents up to the RUN.
func (o *reorder) copiesBefore() []*facts.Copy { return o.p.stageCopies(o.r.In) }

func (p *Pass) depsFirst(r *Program) {
	at := r.In.Keyword.Span
	installs, split, why := p.installPart(r)
	if len(installs) == 0 && why == "" {
		return
	}
	if r.In.Child != nil {
		p.Skip(at, "ONBUILD runs in another build, whose context is not in sight")
		return
	}
	if r.State.Stage.Family == facts.Windows {
		p.Skip(at, "paths of Windows images are not understood")
		return
	}
	o := &reorder{p: p, r: r, installs: installs, split: split, stretch: p.stretchBefore(r.In)}
	if o.onlyManifests() {
		return
	}
	if why == "" && len(o.stretch.copies) == 0 {
		why = o.stretch.stop
	}
	if why == "" {
		why = o.plan()
	}
	if why != "" {
		if why != quietly {
			p.Skip(at, "%s", why)
		}
		return
	}
	if c, why := o.change(); why != "" {
		p.Skip(at, "%s", why)
	} else {
		p.Report(c)
	}
}

// quietly is a reason that need not be told.
const quietly = "-"

// installPart finds the installs of a RUN: of all of it, or of the first part of
// its && chain. why says what stands against moving them.
func (p *Pass) installPart(r *Program) (installs []*facts.DepsInstall, split *syntax.Stmt, why string) {
	u := p.programUses(r)
	if u.other == "" {
		return u.installs, nil, ""
	}
	if len(u.installs) == 0 && !u.changes {
		return nil, nil, ""
	}
	if u.changes && len(u.installs) == 0 {
		return nil, nil, "the RUN uses " + u.other
	}
	why = "the RUN also uses " + u.other
	if len(r.Tree.Stmts) != 1 || r.Script.Kind != shell.Line {
		return u.installs, nil, why
	}
	chain := shell.AndList(r.Tree.Stmts[0])
	k, v := p.usesOfHead(r, chain[:len(chain)-1])
	installs = v.installs
	if len(installs) == 0 {
		return u.installs, nil, why
	}
	if s := shell.ScopeOf(chain[:k], nil); len(s.Changes) > 0 || s.Background || s.Comment {
		return installs, nil, why + ", and the shell's state goes from one part to the other"
	}
	if r.State.Stage.Ships {
		for _, st := range chain[k:] {
			if removes(st) {
				return installs, nil, why + ", and removes files: two layers would be larger than one"
			}
		}
	}
	gap := parse.Span{Start: r.end(chain[k-1]), End: r.Script.Source(chain[k].Pos())}
	if r.hasComment(gap) {
		return installs, nil, why + ", and a comment stands between the parts"
	}
	for _, fl := range r.In.Flags {
		if fl.Name == "mount" {
			if t := facts.ParseMount(fl.Arg).Type; t != "cache" {
				return installs, nil, why + ", with a mount of type " + t
			}
		}
	}
	return installs, chain[k], ""
}

// removes reports whether a statement frees space.
func removes(st *syntax.Stmt) bool {
	for _, c := range shell.Commands(st) {
		for _, w := range shell.Literals(c) {
			switch path.Base(w) {
			case "rm", "prune", "clean", "purge", "autoremove", "del", "uninstall", "remove", "cleanup":
				return true
			}
		}
	}
	return false
}

// onlyManifests reports whether all earlier local copies bring manifests only.
func (o *reorder) onlyManifests() bool {
	first := o.firstSources(o.r.State.Stage)
	return first < 0 || first >= o.r.In.Index
}

// sourcesIn is a key of once: a stage, and what counts as manifests.
type sourcesIn struct {
	*facts.Stage
	manifests string
}

// firstSources returns the index of the first local COPY of a stage or its
// parents that does not bring manifests only, or -1.
func (o *reorder) firstSources(st *facts.Stage) int {
	var manifests strings.Builder
	for _, in := range o.installs {
		fmt.Fprintf(&manifests, "%p", in.Ecosystem)
		for _, f := range in.Files {
			fmt.Fprintf(&manifests, " %q", path.Base(f))
		}
		manifests.WriteByte('\n')
	}
	var first func(st *facts.Stage) int
	first = func(st *facts.Stage) int {
		return once(o.p, sourcesIn{st, manifests.String()}, func() int {
			if st.Parent != nil {
				if i := first(st.Parent); i >= 0 {
					return i
				}
			}
			for _, c := range o.p.ownCopies(st) {
				if c.Local() && !o.manifestNames(c) {
					return c.Instruction.Index
				}
			}
			return -1
		})
	}
	return first(st)
}

// manifestNames reports whether a COPY names nothing but manifests of the
// installs' ecosystems.
func (o *reorder) manifestNames(c *facts.Copy) bool {
	for _, s := range c.Sources {
		ok := false
		base := path.Base(s.Path.S)
		for _, in := range o.installs {
			e := in.Ecosystem
			ok = ok || e.Project != "" && matchEither(base, e.Project)
			for _, list := range [][]string{e.Optional, e.Lock, e.Guess} {
				for _, n := range list {
					ok = ok || matchEither(base, n) || matchEither(base, strings.TrimSuffix(n, "*"))
				}
			}
			for _, f := range in.Files {
				ok = ok || matchEither(base, path.Base(f))
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

// matchEither reports whether one of two names, which may be patterns,
// matches the other.
func matchEither(a, b string) bool {
	if a == b {
		return true
	}
	if strings.Trim(a, "*.") == "" || strings.Trim(b, "*.") == "" {
		return false
	}
	m, _ := path.Match(a, b)
	k, _ := path.Match(b, a)
	return m || k
}

// plan decides what moves. It returns why nothing can, or "".
func (o *reorder) plan() string {
	for _, m := range bindMounts(o.r.In) {
		if m.From == "" {
			return "the RUN reads the build context through a bind mount"
		}
	}
	for _, in := range o.p.steering(o.r.State.Stage) {
		if in.Index > o.r.In.Index {
			break
		}
		for _, name := range variables([]*parse.Instruction{in}) {
			if steersInstall(name) {
				o.doubts = append(o.doubts, "the variable "+name+" is set")
			}
		}
	}
	var why string
	if o.p.Options.Context != nil {
		why = o.look()
	} else {
		why = o.guess()
	}
	if why != "" {
		return why
	}
	return o.choose()
}

// steersInstall reports whether a variable that is set in front of an install
// may be about it.
func steersInstall(name string) bool { return steers(name) && name != "PATH" && name != "HOME" }

// steeringOf is a key of once.
type steeringOf struct{ *facts.Stage }

// steering lists the instructions of a stage that set variables which steer
// installs.
func (p *Pass) steering(st *facts.Stage) []*parse.Instruction {
	return once(p, steeringOf{st}, func() []*parse.Instruction {
		var out []*parse.Instruction
		for _, in := range st.Instructions {
			if slices.ContainsFunc(variables([]*parse.Instruction{in}), steersInstall) {
				out = append(out, in)
			}
		}
		return out
	})
}

// look finds what the installs need in the build context.
func (o *reorder) look() string {
	t := &facts.Tree{Context: o.p.Options.Context, Copies: o.copiesBefore()}
	for _, in := range o.installs {
		n := in.Needs(t)
		if n.Stop != "" {
			return n.Stop
		}
		o.doubts = append(o.doubts, n.Doubts...)
		o.writes = append(o.writes, n.Writes...)
		for _, list := range [][]string{n.Files, n.Dirs} {
			for _, f := range list {
				src, by, has := t.Origin(f)
				switch {
				case has == facts.Maybe:
					return fmt.Sprintf("where %s comes from is not certain", f)
				case has == facts.No:
					return fmt.Sprintf("%s is not among the copied files of the build context", f)
				}
				o.need(need{path: f, src: src, dir: o.p.Options.Context.IsDir(src), by: by})
			}
		}
	}
	// What lies in a directory that goes as a whole needs no COPY of its own.
	o.needs = slices.DeleteFunc(o.needs, func(n need) bool {
		return slices.ContainsFunc(o.needs, func(d need) bool { return d.dir && d.path != n.path && facts.Within(n.path, d.path) })
	})
	return ""
}

// last reports whether nothing is run behind the install in a stage that others
// copy from, the installed modules aside.
func (o *reorder) last() bool {
	st := o.p.Facts.At(o.r.In).Stage
	if len(st.Readers) == 0 || len(st.Children) > 0 {
		return false
	}
	for _, in := range st.Instructions[o.p.position(o.r.In)+1:] {
		if in.Name == "RUN" {
			return false
		}
	}
	for _, reader := range st.Readers {
		for _, in := range reader.Instructions {
			c := o.p.Facts.Copy(in)
			if c == nil || c.From == "" || o.p.Facts.StageRef(c.From, reader) != st {
				continue
			}
			for _, s := range c.Sources {
				if path.Base(s.Path.S) != "node_modules" {
					return true
				}
			}
		}
	}
	return false
}

func (o *reorder) need(n need) {
	if !slices.ContainsFunc(o.needs, func(k need) bool { return k.path == n.path }) {
		o.needs = append(o.needs, n)
	}
}

// guess names the manifests by convention, without sight of the context.
func (o *reorder) guess() string {
	copies := o.p.copyIndex(o.r.In)
	for _, in := range o.installs {
		if in.Ecosystem.Project == "package.json" && !in.NoScripts && o.split == nil && o.last() {
			return "other stages use what nothing but the install can have built: the project may run its own scripts (--context)"
		}
		if why := in.Blind(); why != "" {
			return why
		}
		first := in.Files
		if len(first) == 0 && in.Ecosystem.Project != "" {
			first = []string{path.Join(in.Dir, in.Ecosystem.Project)}
		}
		if len(first) == 0 {
			return "the manifests can only be found in the build context (--context)"
		}
		for _, f := range first {
			src, by, has := copies.Origin(o.r.In, f)
			switch {
			case has == facts.Maybe || has == facts.No:
				return fmt.Sprintf("where %s comes from is not known without the build context (--context)", f)
			}
			if len(in.Files) > 0 {
				o.need(need{path: f, src: src, by: by})
				continue
			}
			if names := listed(by, in); names != nil {
				for _, s := range names {
					o.need(need{path: path.Join(in.Dir, path.Base(s)), src: s, by: by})
				}
				continue
			}
			for _, g := range in.Ecosystem.Guess {
				if in.Locked && len(in.Ecosystem.Lock) == 1 && strings.TrimSuffix(g, "*") == in.Ecosystem.Lock[0] {
					g = in.Ecosystem.Lock[0]
				}
				if g = brings(by, in, g); g == "" {
					continue
				}
				o.need(need{path: path.Join(in.Dir, g), src: path.Join(path.Dir(src), g), by: by})
			}
		}
	}
	o.doubts = append(o.doubts, "the build context is not in sight (--context)")
	return ""
}

// listed returns the sources of a COPY that are manifests of an install by
// convention, if the COPY names each of its files and puts them where the
// install runs; otherwise nil.
func listed(by *facts.Copy, in *facts.DepsInstall) []string {
	if !by.Dest.Known || by.Dest.S != in.Dir || !by.DestDir {
		return nil
	}
	var out []string
	for _, s := range by.Sources {
		if s.Glob || s.Dir || !s.Path.Known || s.Kind != facts.LocalSource || !strings.Contains(path.Base(s.Path.S), ".") {
			return nil
		}
		for _, g := range in.Ecosystem.Guess {
			if matchEither(path.Base(s.Path.S), g) || matchEither(path.Base(s.Path.S), strings.TrimSuffix(g, "*")) {
				out = append(out, s.Path.S)
				break
			}
		}
	}
	return out
}

// brings narrows a conventional source to what a COPY brings: one that lists
// its sources has no more than these.
func brings(by *facts.Copy, in *facts.DepsInstall, pattern string) string {
	has := func(name string) bool {
		_, h := by.Origin(nil, path.Join(in.Dir, name))
		return h == facts.Yes
	}
	if before, after, ok := strings.Cut(strings.TrimSuffix(pattern, "*"), "*"); ok {
		for _, l := range in.Ecosystem.Lock {
			if m, _ := path.Match(pattern, l); m && has(l) {
				return pattern
			}
		}
		pattern = before + after
	}
	if !has(strings.TrimSuffix(pattern, "*")) {
		return ""
	}
	return pattern
}

// choose sorts the copies of the stretch into those that stay and those that
// move behind the install.
func (o *reorder) choose() string {
	for i, c := range o.stretch.copies {
		if o.stays(c) {
			continue
		}
		pos := slices.Index(o.stretch.list, c.Instruction)
		after := o.stretch.list[pos+1:]
		provides := o.provides(c)
		if why := o.p.steersPrograms(c); why != "" {
			if provides {
				return fmt.Sprintf("line %d cannot move: %s", c.Instruction.StartLine, why)
			}
			continue
		}
		if why := o.p.steeredBy(o.r, c); why != "" {
			o.doubts = append(o.doubts, why)
		}
		if mentions(c.Instruction, variables(after)) {
			return fmt.Sprintf("line %d uses a variable that is set between it and the install", c.Instruction.StartLine)
		}
		if c.Dest.Default {
			o.doubts = append(o.doubts, "--build-arg can change the destination of line "+fmt.Sprint(c.Instruction.StartLine))
		}
		if provides && c.Parents {
			return fmt.Sprintf("line %d copies with --parents", c.Instruction.StartLine)
		}
		for _, later := range o.stretch.copies[i+1:] {
			if why := o.overwrites(c, later); why != "" {
				return why
			}
		}
		if why := o.collides(c); why != "" {
			return why
		}
		o.moves = append(o.moves, c)
	}
	if len(o.moves) == 0 {
		return quietly
	}
	if o.p.Options.Context == nil {
		if why := o.deliberate(); why != "" {
			return why
		}
	}
	// A need that an earlier COPY brings from the same place already is met:
	// it sees the same file.
	o.needs = slices.DeleteFunc(o.needs, func(n need) bool {
		return slices.Contains(o.moves, n.by) && o.met(n)
	})
	return ""
}

// stays reports whether a COPY has no reason to move: it brings only what the
// installs read, or it does not come from the build context.
func (o *reorder) stays(c *facts.Copy) bool {
	if !c.Local() {
		return true
	}
	ctx := o.p.Options.Context
	if ctx == nil && (o.manifestNames(c) || o.namesSubproject(c)) {
		return true
	}
	for _, s := range c.Sources {
		if !s.Path.Known || ctx == nil && (s.Dir || s.Glob) {
			return false
		}
		matches := []string{s.Path.S}
		if s.Glob {
			matches, _ = ctx.Glob(s.Path.S)
		}
		for _, m := range matches {
			if !slices.ContainsFunc(o.needs, func(n need) bool { return n.src == m || n.dir && strings.HasPrefix(m, n.src+"/") }) {
				return o.manifestNames(c)
			}
		}
	}
	return true
}

// namesSubproject reports whether a COPY names the project file of another
// folder than the installs': of a workspace's package, of a module.
func (o *reorder) namesSubproject(c *facts.Copy) bool {
	for _, s := range c.Sources {
		if s.Glob && strings.Trim(path.Base(s.Path.S), "*.") == "" {
			continue
		}
		for _, in := range o.installs {
			project := in.Ecosystem.Project
			if project == "" || !s.Path.Known || !matchEither(path.Base(s.Path.S), project) {
				continue
			}
			if !slices.ContainsFunc(o.needs, func(n need) bool { return n.src == s.Path.S }) {
				return true
			}
		}
	}
	return false
}

// isWorkspaceFile tells files that declare a repository of several packages, each with a
// manifest of its own.
func isWorkspaceFile(name string) bool {
	switch name {
	case "pnpm-workspace.yaml", "lerna.json", "turbo.json", "nx.json", "rush.json", "go.work":
		return true
	}
	return false
}

// deliberate says why the writer seems to have sorted the copies already, so
// that those in front of the install are there because the install reads
// them (the schema that a postinstall script compiles, the packages of a workspace).
func (o *reorder) deliberate() string {
	if again := o.again(); again != "" {
		return again
	}
	for _, c := range o.moves {
		for _, s := range c.Sources {
			if s.Path.S == "." {
				return ""
			}
		}
	}
	for _, c := range o.p.bringsWorkspace() {
		if c.Instruction.Index >= o.r.In.Index || !o.r.State.Stage.Descends(o.p.Facts.At(c.Instruction).Stage) {
			continue
		}
		for _, s := range c.Sources {
			if isWorkspaceFile(path.Base(s.Path.S)) {
				return fmt.Sprintf("line %d brings %s: which manifests the packages have is only known from the build context (--context)", c.Instruction.StartLine, path.Base(s.Path.S))
			}
		}
	}
	// The next directory that is copied to, around or below where one installs.
	near := o.p.copiedDirs(o.r.State.Stage)
	var lists [][]int
	for _, d := range o.installs {
		dir := path.Join("/", d.Dir)
		for lists = append(lists, near.below[dir], near.at[dir]); dir != "/"; {
			dir = path.Dir(dir)
			lists = append(lists, near.at[dir])
		}
	}
	if in := o.p.next(o.r.In.Index+1, nil, lists...); in != nil {
		return fmt.Sprintf("line %d copies the sources behind the install already, so what stands in front may be there for it (--context tells)", in.StartLine)
	}
	return ""
}

func (o *reorder) provides(c *facts.Copy) bool {
	return slices.ContainsFunc(o.needs, func(n need) bool { return n.by == c })
}

// met reports whether a COPY that stays brings a need from the same source.
func (o *reorder) met(n need) bool {
	p := n.path
	optional := strings.HasSuffix(p, "*")
	if o.p.Options.Context == nil {
		p = strings.TrimSuffix(p, "*")
		if strings.Contains(p, "*") { // package*.json
			p = strings.ReplaceAll(p, "*", "")
		}
	}
	// The last of them counts.
	for c := range o.p.copyIndex(o.r.In).Onto(n.by.Instruction, p, path.Dir(n.path)) {
		if slices.Contains(o.moves, c) {
			continue
		}
		src, has := c.Origin(o.p.Options.Context, p)
		switch {
		case has == facts.Yes && (src == n.src || o.p.Options.Context == nil):
			return c.Chown == n.by.Chown && c.Chmod == n.by.Chmod
		case has == facts.No && o.p.Options.Context == nil && optional && o.manifestNames(c) && facts.Within(path.Dir(n.path), c.Dest.S):
			return true // the writer listed the manifests without it
		case has != facts.No:
			return false
		}
	}
	return false
}

// overwrites says why a COPY that stays in front of the install while c moves
// behind it would change who has the last word about a file.
func (o *reorder) overwrites(c, later *facts.Copy) string {
	if later.Local() && !o.stays(later) && o.p.steersPrograms(later) == "" {
		return "" // it moves as well, behind c
	}
	if !later.Dest.Known || !c.Dest.Known {
		return fmt.Sprintf("the destination of line %d is not known", later.Instruction.StartLine)
	}
	if !facts.Within(c.Dest.S, later.Dest.S) && !facts.Within(later.Dest.S, c.Dest.S) {
		return ""
	}
	why := fmt.Sprintf("line %d may overwrite files of line %d", later.Instruction.StartLine, c.Instruction.StartLine)
	ctx := o.p.Options.Context
	if !later.Local() || later.Parents {
		if later.DestDir && ctx != nil || later.Dest.S != c.Dest.S && ctx != nil {
			if _, has := c.Origin(ctx, later.Dest.S); has == facts.No && later.Dest.S != c.Dest.S {
				return ""
			}
		}
		return why
	}
	for _, s := range later.Sources {
		if !s.Path.Known || s.Dir && ctx == nil {
			return why
		}
		matches := []string{s.Path.S}
		if s.Glob {
			if ctx == nil {
				return why
			}
			matches, _ = ctx.Glob(s.Path.S)
		}
		for _, m := range matches {
			if ctx != nil && ctx.IsDir(m) {
				if c.Chown != later.Chown || c.Chmod != later.Chmod {
					return why
				}
				if src, has := c.Origin(ctx, later.Dest.S); has == facts.Yes && src == m {
					continue // the same directory at the same place
				} else if has == facts.No {
					continue
				}
				return why
			}
			target := later.Dest.S
			if later.DestDir || o.p.dirBefore(later) {
				target = path.Join(target, path.Base(m))
			}
			src, has := c.Origin(ctx, target)
			if has == facts.No || has == facts.Yes && src == m && c.Chown == later.Chown && c.Chmod == later.Chmod {
				continue
			}
			return why
		}
	}
	return ""
}

// dirBefore reports whether the destination of a COPY is its working
// directory.
func (p *Pass) dirBefore(c *facts.Copy) bool {
	w := p.Facts.At(c.Instruction).Workdir
	return w.Known && facts.Within(w.S, c.Dest.S)
}

// collides says why what a COPY brings would overwrite what the install
// wrote.
func (o *reorder) collides(c *facts.Copy) string {
	ctx := o.p.Options.Context
	for _, w := range o.writes {
		if facts.Within(c.Dest.S, w) {
			return fmt.Sprintf("line %d copies into %s, which the install writes", c.Instruction.StartLine, w)
		}
		if ctx == nil {
			continue
		}
		switch src, has := c.Origin(ctx, w); has {
		case facts.Yes:
			return fmt.Sprintf("%s is in the build context and would overwrite what the install writes: list it in .dockerignore", src)
		case facts.Maybe:
			return fmt.Sprintf("line %d may bring %s, which the install writes", c.Instruction.StartLine, w)
		}
	}
	return ""
}

// change writes the rewrite down.
func (o *reorder) change() (Change, string) {
	p := o.p
	eol := p.File.LineEnding()
	first := o.moves[0].Instruction
	c := Change{At: first.Keyword.Span, Safety: Unsafe, Title: "install dependencies before the sources are copied"}
	var moved strings.Builder
	var names []string
	spaced := false
	for _, k := range o.moves {
		in := k.Instruction
		manifests, why := o.manifests(k, &names)
		if why != "" {
			return c, why
		}
		lead := in.Lead
		if len(manifests) > 0 && aboutInstall(p.File.Src, lead) {
			lead = nil // the comment is about the install: it stays
		}
		span := in.Span
		if len(lead) > 0 {
			span.Start = lead[0].Start
			for _, l := range lead {
				moved.WriteString(l.Text(p.File.Src))
			}
		}
		text, replaced, why := o.moveText(k)
		if why != "" {
			return c, why
		}
		moved.WriteString(text)
		spaced = spaced || blankAfter(p.File, in)
		insert := ""
		for _, m := range manifests {
			insert += m + eol
		}
		if insert == "" && blankBefore(p.File, span.Start) {
			span.End = skipBlank(p.File, span.End)
		}
		c.Edits = append(c.Edits, emit.Edit{Span: span, New: insert})
		if insert != "" {
			c.Effects = append(c.Effects, plan.Insert{Before: in.Index, Text: strings.TrimRight(strings.ReplaceAll(insert, "\r\n", "\n"), "\n")})
		}
		if replaced {
			c.Effects = append(c.Effects, plan.Replace{Instr: in.Index, Text: strings.TrimRight(text, "\r\n")})
		}
		c.Effects = append(c.Effects, plan.Move{Instr: in.Index, Before: o.r.In.Index + 1})
	}
	o.place(&c, moved.String(), spaced)
	o.explain(&c, names)
	return c, ""
}

// place puts the moved instructions behind the RUN, or between its parts.
func (o *reorder) place(c *Change, moved string, spaced bool) {
	eol := o.p.File.LineEnding()
	in := o.r.In
	if spaced {
		moved = eol + moved
	}
	if o.split == nil {
		end := in.End
		if !strings.HasSuffix(in.Text(o.p.File.Src), "\n") {
			moved = eol + strings.TrimSuffix(moved, eol)
		}
		c.Edits = append(c.Edits, emit.Edit{Span: parse.Span{Start: end, End: end}, New: moved})
		return
	}
	chain := shell.AndList(o.r.Tree.Stmts[0])
	i := slices.Index(chain, o.split)
	gap := parse.Span{Start: o.r.end(chain[i-1]), End: o.r.Script.Source(o.split.Pos())}
	head := in.Keyword.Text(o.p.File.Src)
	for _, fl := range in.Flags {
		head += " " + fl.Span.Text(o.p.File.Src)
	}
	c.Edits = append(c.Edits, emit.Edit{Span: gap, New: eol + moved + head + " "})
	src := o.p.File.Src
	c.Effects = append(c.Effects,
		plan.Replace{Instr: in.Index, Text: string(src[in.Start:gap.Start])},
		plan.Insert{Before: in.Index + 1, Text: head + " " + strings.TrimRight(string(src[gap.End:in.End]), "\r\n")})
}

// explain gives the change its reason and class.
func (o *reorder) explain(c *Change, names []string) {
	var b strings.Builder
	b.WriteString("an edit of any copied file installs everything again")
	if len(names) > 0 {
		fmt.Fprintf(&b, "; the install reads %s", strings.Join(names, ", "))
	}
	o.doubts = compact(o.doubts)
	if len(o.doubts) == 0 {
		c.Safety = Safe
		b.WriteString(" and nothing else, as the build context shows")
	} else {
		fmt.Fprintf(&b, ". Unsafe, because %s", strings.Join(o.doubts, "; "))
	}
	c.Reason = b.String()
}

func compact(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// aboutInstall reports whether a comment speaks of installing.
func aboutInstall(src []byte, lead []parse.Span) bool {
	for _, sp := range lead {
		t := strings.ToLower(sp.Text(src))
		if _, v := pragma(t); v != "" {
			return false
		}
		for _, w := range []string{"install", "dependenc", "requirement", "package", "deps", "librar"} {
			if strings.Contains(t, w) {
				return true
			}
		}
	}
	return false
}

// blankAfter reports whether a blank line follows an instruction.
func blankAfter(f *parse.File, in *parse.Instruction) bool {
	return skipBlank(f, in.End) > in.End
}

// skipBlank returns the end of the blank lines at an offset.
func skipBlank(f *parse.File, off int) int {
	i := sort.Search(len(f.Tiles), func(i int) bool { return f.Tiles[i].Start >= off })
	for ; i < len(f.Tiles) && f.Tiles[i].Start == off; i++ {
		if f.Tiles[i].Kind == parse.TileBlank {
			return f.Tiles[i].End
		}
	}
	return off
}

// blankBefore reports whether blank lines end at an offset.
func blankBefore(f *parse.File, off int) bool {
	i := sort.Search(len(f.Tiles), func(i int) bool { return f.Tiles[i].End >= off })
	for ; i < len(f.Tiles) && f.Tiles[i].End == off; i++ {
		if f.Tiles[i].Kind == parse.TileBlank {
			return true
		}
	}
	return false
}

// manifests writes the COPY instructions for what installs read of a COPY that
// moves, one a directory.
func (o *reorder) manifests(k *facts.Copy, names *[]string) (lines []string, why string) {
	type group struct {
		dest string
		srcs []string
		glob bool
	}
	var groups []*group
	for _, n := range o.needs {
		if n.by != k {
			continue
		}
		src, ok := o.spellSource(k, n.src)
		if !ok || !plainPath(src) || strings.ContainsAny(src, "[?") {
			return nil, fmt.Sprintf("the name of %s cannot be written plainly", n.src)
		}
		dir := path.Dir(n.path)
		if n.dir {
			dir = n.path
		}
		if !n.dir && !strings.Contains(n.src, "*") && path.Base(n.src) != path.Base(n.path) {
			return nil, fmt.Sprintf("line %d copies %s under another name", k.Instruction.StartLine, n.src)
		}
		dest, ok := spellDest(k, dir)
		if !ok || !plainPath(strings.NewReplacer("$", "", "{", "", "}", "").Replace(dest)) {
			return nil, fmt.Sprintf("the destination of %s cannot be written plainly", n.src)
		}
		*names = append(*names, src)
		i := slices.IndexFunc(groups, func(g *group) bool { return g.dest == dest && !n.dir })
		if i < 0 || n.dir {
			groups = append(groups, &group{dest: dest})
			i = len(groups) - 1
		}
		groups[i].srcs = append(groups[i].srcs, src)
	}
	if len(groups) > 12 {
		return nil, "the manifests lie in more than 12 directories"
	}
	keyword := "COPY"
	if k.Instruction.Keyword.Value == strings.ToLower(k.Instruction.Keyword.Value) {
		keyword = "copy"
	}
	for _, fl := range k.Instruction.Flags {
		switch fl.Name {
		case "chown", "chmod", "link":
			keyword += " " + fl.Span.Text(o.p.File.Src)
		case "exclude":
		default:
			if len(groups) > 0 {
				return nil, "the flag --" + fl.Name + " cannot be kept"
			}
		}
	}
	for _, g := range groups {
		lines = append(lines, keyword+" "+strings.Join(g.srcs, " ")+" "+g.dest)
	}
	return lines, ""
}

// spellSource writes a path of the build context in the way of the sources of
// a COPY.
func (o *reorder) spellSource(k *facts.Copy, src string) (string, bool) {
	for _, s := range k.Sources {
		if !s.Path.Known || s.Glob {
			continue
		}
		if s.Path.S == "." {
			return src, true
		}
		if src == s.Path.S {
			return strings.TrimSuffix(s.Raw, "/"), true
		}
		if rel, ok := strings.CutPrefix(src, s.Path.S+"/"); ok {
			return strings.TrimSuffix(strings.TrimSuffix(s.Raw, "."), "/") + "/" + rel, true
		}
	}
	return src, true
}

// spellDest writes a directory of the image in the way of a COPY's destination, with a
// slash at its end.
func spellDest(k *facts.Copy, dir string) (string, bool) {
	raw := k.RawDest
	rel := ""
	switch {
	case dir == k.Dest.S:
	case facts.Within(dir, k.Dest.S):
		rel = strings.TrimPrefix(strings.TrimPrefix(dir, k.Dest.S), "/") + "/"
	case path.Dir(k.Dest.S) == dir:
		// A file with its name as destination.
		raw = strings.TrimSuffix(raw, path.Base(raw))
		if raw == "" {
			raw = "."
		}
	default:
		return dir + "/", true
	}
	switch raw {
	case ".", "./", "":
		return "./" + rel, true
	}
	return strings.TrimSuffix(strings.TrimSuffix(raw, "/."), "/") + "/" + rel, true
}

// plainPath reports whether a word needs no quotes in COPY.
func plainPath(s string) bool {
	for _, c := range s {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune("._-/+@~*=,", c):
		default:
			return false
		}
	}
	return s != "" && s[0] != '-'
}

// moveText is the text of a COPY at its new place. Where a WORKDIR stands in
// between, a relative destination becomes absolute.
func (o *reorder) moveText(k *facts.Copy) (text string, replaced bool, why string) {
	in := k.Instruction
	text = o.p.instructionText(in)
	if edits := o.dropSources(k); len(edits) > 0 {
		// The span of the text starts at the instruction.
		for i := range edits {
			edits[i].Start -= in.Start
			edits[i].End -= in.Start
		}
		cut, err := emit.Apply([]byte(text), edits)
		if err != nil {
			return "", false, err.Error()
		}
		text, replaced = string(cut), true
	}
	pos := slices.Index(o.stretch.list, in)
	crossed := slices.ContainsFunc(o.stretch.list[pos+1:], func(i *parse.Instruction) bool { return i.Name == "WORKDIR" })
	dest := o.p.Facts.Expand(k.RawDest, in)
	if !crossed || dest.Known && path.IsAbs(dest.S) {
		return text, replaced, ""
	}
	if replaced {
		return "", false, "a WORKDIR stands between the COPY and the install"
	}
	if in.Form != parse.Words || len(in.Words) < 2 || !k.Dest.Certain() || !plainPath(k.Dest.S) {
		return "", false, "a WORKDIR stands between the COPY and the install"
	}
	w := in.Words[len(in.Words)-1]
	abs := k.Dest.S
	if k.DestDir && abs != "/" {
		abs += "/"
	}
	src := o.p.File.Src
	text = string(src[in.Start:w.Start]) + abs + string(src[w.End:in.End])
	return text, true, ""
}

// dropSources removes from a COPY that moves the files that it names and that
// are copied in front of the install: copied twice, they would be in two layers.
func (o *reorder) dropSources(k *facts.Copy) []emit.Edit {
	in := k.Instruction
	if in.Form != parse.Words || len(in.Words) != len(k.Sources)+1 || len(in.Comments) > 0 || k.Parents {
		return nil
	}
	var edits []emit.Edit
	for i, s := range k.Sources {
		if s.Dir || s.Glob || !s.Path.Known {
			continue
		}
		if slices.ContainsFunc(o.needs, func(n need) bool { return n.by == k && n.src == s.Path.S && !n.dir }) {
			edits = append(edits, emit.Edit{Span: parse.Span{Start: in.Words[i].Start, End: in.Words[i+1].Start}})
		}
	}
	if len(edits) == len(k.Sources) {
		return nil
	}
	return edits
}
