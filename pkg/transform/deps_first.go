package transform

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

var _ = register(&depsFirstTransform)

var depsFirstTransform = Transform{
	Name:   "deps-first",
	Group:  "order",
	Safety: Safe,
	First:  true,
	After:  []string{"packages-first"},
	Run:    depsFirst,
	Doc: text(`Install dependencies before the sources are copied.

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
~~~dockerfile before
FROM node:20
WORKDIR /app
COPY . .
RUN npm ci
~~~
~~~dockerfile after
FROM node:20
WORKDIR /app
COPY package*.json .npmrc* ./
RUN npm ci
COPY . .
~~~

## Instead
Nothing is moved where the RUN does more than install (unless the install can be split off in front), where
instructions between COPY and RUN may use the copied files, where the project runs its own scripts when it is installed,
installs itself (´pip install -e .´), or brings what the install writes (a node_modules that .dockerignore does not exclude).

## Safety
Safe if the build context shows that the install reads nothing but the manifests. Unsafe without the context, or where the
reason names a doubt: a file that the install needs may be missing, which fails the build.

## References
- https://docs.docker.com/build/building/best-practices/#leverage-build-cache
- https://docs.docker.com/build/cache/optimize/#order-your-layers
`),
}

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
	if r.In.Unfinished() {
		p.Skip(at, "the file ends with a continuation character")
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
	t := o.p.tree(o.r.In)
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
