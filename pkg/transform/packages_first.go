package transform

import (
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

var _ = register(&packagesFirstTransform)

var packagesFirstTransform = Transform{
	Name:   "packages-first",
	Group:  "order",
	Safety: Safe,
	First:  true,
	Run:    packagesFirst,
	Doc: text(`Install packages before files are copied that they do not need.

## What
A RUN that only installs packages by name (apt-get, apk, dnf, pip, npm -g, …) moves above the COPY and ADD
instructions in front of it, if it uses nothing that they bring.

## Why
Whenever a copied file changes, everything behind its COPY is built again. Packages that are installed in front of it
stay cached.

## Example
~~~dockerfile before
FROM debian:12
WORKDIR /app
COPY . .
RUN apt-get update && apt-get install -y curl
~~~
~~~dockerfile after
FROM debian:12
WORKDIR /app
RUN apt-get update && apt-get install -y curl
COPY . .
~~~

## Instead
A RUN stays where it is if it runs anything but package managers and simple file commands, if it names a path that the
COPY writes, if the COPY brings files to system directories (a package source, a certificate, a
command), or if a variable points programs to the copied files.

## Safety
Safe. The RUN finds the same system in its new place: what the COPY brings lies in a directory of its own, which no
package manager looks at.

## References
- https://docs.docker.com/build/building/best-practices/#leverage-build-cache
- https://docs.docker.com/build/cache/optimize/#order-your-layers
`),
}

func packagesFirst(p *Pass) {
	for _, st := range p.Facts.Stages {
		if st.Family == facts.Windows {
			continue
		}
		list := st.Instructions
		for i := 0; i < len(list); i++ {
			top, why := p.passes(st, i, i)
			if why != "" {
				p.Skip(list[i].Keyword.Span, "%s", why)
			}
			if top < 0 {
				continue
			}
			// RUNs that follow and can pass the same copies go along.
			start := i
			for i+1 < len(list) {
				if next, _ := p.passes(st, i+1, start); next != top {
					break
				}
				i++
			}
			p.moveUp(list[start:i+1], list[top], Change{
				Title: "install packages before the files are copied", Safety: Safe,
				Reason: "an edit of any copied file installs the packages again, which use none of them",
			})
		}
	}
}

// passes returns the index of the topmost COPY that a RUN can pass if the
// instructions from index from on go with it, or -1. why is the reason why it
// can pass none, "" if it need not be told.
func (p *Pass) passes(st *facts.Stage, i, from int) (top int, why string) {
	in := st.Instructions[i]
	if in.Name != "RUN" || from == i && !behindCopy(st, i) {
		return -1, ""
	}
	r, _ := p.Program(in)
	if r == nil {
		return -1, ""
	}
	u := p.programUses(r)
	if !u.brings || len(u.installs) > 0 {
		return -1, ""
	}
	if u.other != "" {
		return -1, "the RUN also uses " + u.other
	}
	if len(bindMounts(in)) > 0 {
		return -1, "the RUN reads files through a mount"
	}
	x := p.obstacles(st)
	block := max(lastBelow(x.hard, from), lastBelow(x.steering, from))
	if u.cwd {
		block = max(block, lastBelow(x.workdirs, from))
	}
	for _, q := range u.paths {
		block = max(block, lastBelow(x.below[q], from))
		upwards(q, func(dir string) { block = max(block, lastBelow(x.at[dir], from)) })
	}
	if i := sort.SearchInts(x.movable, block+1); i < len(x.movable) && x.movable[i] < from {
		return x.movable[i], ""
	}
	if block < 0 {
		return -1, ""
	}
	o := st.Instructions[block]
	if o.Name == "WORKDIR" {
		return -1, "it depends on the working directory"
	}
	if c := p.Facts.Copy(o); c != nil {
		return -1, fmt.Sprintf("line %d: %s", o.StartLine, p.inTheWay(c, r, &u))
	}
	return -1, ""
}

// behindCopy reports whether a COPY or ADD stands between an instruction and
// whatever it cannot pass.
func behindCopy(st *facts.Stage, i int) bool {
	for _, o := range slices.Backward(st.Instructions[:i]) {
		switch {
		case o.Name == "COPY" || o.Name == "ADD":
			return true
		case !neutral(o.Name) && o.Name != "WORKDIR":
			return false
		}
	}
	return false
}

// lastBelow is the last of a sorted list that is less than n, or -1.
func lastBelow(list []int, n int) int {
	if i := sort.SearchInts(list, n); i > 0 {
		return list[i-1]
	}
	return -1
}

// obstacles are the positions of a stage's instructions by what a RUN that
// moves up meets in them, so that it need not look at each.
type obstacles struct {
	hard     []int            // what none passes, without a word
	steering []int            // copies that no RUN passes
	movable  []int            // copies that are worth passing
	workdirs []int            // WORKDIR
	at       map[string][]int // copies by their destinations
	below    map[string][]int // copies by their destinations and the directories above
}

// obstaclesOf is a key of once.
type obstaclesOf struct{ *facts.Stage }

func (p *Pass) obstacles(st *facts.Stage) *obstacles {
	return once(p, obstaclesOf{st}, func() *obstacles {
		x := &obstacles{at: map[string][]int{}, below: map[string][]int{}}
		for i, o := range st.Instructions {
			switch {
			case neutral(o.Name):
			case o.Name == "WORKDIR":
				x.workdirs = append(x.workdirs, i)
			case o.Name == "COPY" || o.Name == "ADD":
				c := p.Facts.Copy(o)
				if c == nil {
					x.hard = append(x.hard, i)
					continue
				}
				// No ENV stands between it and a RUN that could pass it.
				if p.steersAll(c, o) != "" || unpacksToRoot(c) {
					x.steering = append(x.steering, i)
					continue
				}
				x.at[c.Dest.S] = append(x.at[c.Dest.S], i)
				upwards(c.Dest.S, func(dir string) { x.below[dir] = append(x.below[dir], i) })
				if c.Local() || c.From != "" {
					x.movable = append(x.movable, i)
				}
			default:
				x.hard = append(x.hard, i)
			}
		}
		return x
	})
}

// inTheWay says why a RUN cannot pass a COPY, or "".
func (p *Pass) inTheWay(c *facts.Copy, r *Program, u *usage) string {
	if why := p.steersAll(c, r.In); why != "" {
		return why
	}
	for _, q := range u.paths {
		if leadsTo(q, c.Dest.S) || leadsTo(c.Dest.S, q) {
			return "the RUN uses " + q
		}
	}
	if unpacksToRoot(c) {
		return "it may unpack an archive to /"
	}
	return ""
}

// steersAll says why a COPY that stands in front of an instruction may matter to
// any program there, or "".
func (p *Pass) steersAll(c *facts.Copy, before *parse.Instruction) string {
	if !c.Dest.Certain() {
		return "the destination is not certain"
	}
	if why := p.steersPrograms(c); why != "" {
		return why
	}
	return p.steeredBy(before, c)
}

// unpacksToRoot reports whether an ADD may unpack an archive to /.
func unpacksToRoot(c *facts.Copy) bool {
	return c.Add && c.Dest.S == "/" && slices.ContainsFunc(c.Sources, func(s facts.CopySource) bool {
		return s.Kind == facts.LocalSource && (!s.Path.Known || s.Glob || strings.Contains(path.Base(s.Path.S), ".t"))
	})
}

// envValue is a variable that ENV sets.
type envValue struct {
	in         *parse.Instruction
	name, text string // text is the value as far as it is known
}

// envValuesOf is a key of once.
type envValuesOf struct{}

// envValues are the variables that the file sets, with the index of their values.
type envValues struct {
	list   []envValue
	values texts
}

func (p *Pass) findEnvValues() *envValues {
	s := &envValues{}
	for _, in := range p.File.Instructions {
		if in.Name != "ENV" {
			continue
		}
		for _, pair := range in.Pairs {
			text := pair.Value.Value
			if v := p.Facts.Expand(text, in); v.Known {
				text = v.S
			}
			s.list = append(s.list, envValue{in, pair.Key.Value, text})
		}
	}
	s.values = newTexts(len(s.list), func(i int) string { return s.list[i].text })
	return s
}

// steeredBy says which variable points programs at an instruction to what a
// COPY brings, or "": of its stage or else of the nearest of its parents.
func (p *Pass) steeredBy(at *parse.Instruction, c *facts.Copy) (why string) {
	if c.Dest.S == "/" {
		return ""
	}
	s := once(p, envValuesOf{}, p.findEnvValues)
	here := p.Facts.At(at).Stage
	var from *facts.Stage // of the variable that why is about
	for _, i := range slices.Backward(s.values.with(c.Dest.S)) {
		set := &s.list[i]
		st := p.Facts.At(set.in).Stage
		if set.in.Index > at.Index || !here.Descends(st) {
			continue
		}
		if from != nil && st != from {
			break
		}
		if points := p.pointsTo(set, c); points != "" {
			why, from = points, st // the first of a stage counts
		}
	}
	return why
}

// pointsTo says how a variable points programs to what a COPY brings, or "".
func (p *Pass) pointsTo(set *envValue, c *facts.Copy) string {
	name := set.name
	if name == "PATH" || name == "LD_LIBRARY_PATH" {
		if p.pathInto(strings.Trim(set.text, `"'`), c) {
			return fmt.Sprintf("%s leads to %s", name, c.Dest.S)
		}
		return ""
	}
	upper := strings.ToUpper(name)
	for _, part := range []string{"CERT", "CA_", "_CA", "CONFIG", "CONF", "_FILE", "BUNDLE", "PIP_", "NPM_", "UV_", "APT_", "RUBYLIB", "NODE_OPTIONS", "NODE_PATH", "PRELOAD", "VIRTUAL_ENV"} {
		if strings.Contains(upper, part) {
			return fmt.Sprintf("%s points to %s", name, c.Dest.S)
		}
	}
	return ""
}

// pathInto reports whether a list of directories leads to commands that a COPY
// may bring.
func (p *Pass) pathInto(list string, c *facts.Copy) bool {
	for _, dir := range strings.Split(list, ":") {
		if !path.IsAbs(dir) || !facts.Within(path.Clean(dir), c.Dest.S) {
			continue
		}
		if strings.HasSuffix(path.Clean(dir), "node_modules/.bin") || strings.HasSuffix(path.Clean(dir), "vendor/bin") {
			if p.Options.Context == nil {
				continue
			}
		}
		if _, has := c.Origin(p.Options.Context, path.Clean(dir)); has != facts.No {
			return true
		}
	}
	return false
}

// moveUp reports a change that moves instructions that follow each other, with the comments
// above them, in front of another.
func (p *Pass) moveUp(group []*parse.Instruction, before *parse.Instruction, c Change) {
	src := p.File.Src
	eol := p.File.LineEnding()
	first, last := group[0], group[len(group)-1]
	if last.Unfinished() {
		p.Skip(first.Keyword.Span, "the file ends with a continuation character")
		return
	}
	for _, in := range []*parse.Instruction{before, first} {
		if at := p.detached(in); at != nil {
			p.Skip(first.Keyword.Span, "what the comment in line %d belongs to is not certain", p.File.Position(at.Start).Line)
			return
		}
	}
	span := parse.Span{Start: leadStart(first), End: last.End}
	text := span.Text(src)
	if !strings.HasSuffix(text, "\n") {
		text += eol
	}
	if blankBefore(p.File, span.Start) {
		text += eol
		// Together with one of the blank lines around it.
		if end := skipBlank(p.File, span.End); end > span.End {
			span.End = end
		} else if span.End == len(src) {
			span.Start = lineEndBefore(src, span.Start)
		}
	}
	if span.End == len(src) && !strings.HasSuffix(string(src), "\n") {
		// What comes to stand last has no line ending either.
		span.Start = lineEndBefore(src, span.Start)
	}
	at := leadStart(before)
	c.At = first.Keyword.Span
	c.Edits = []emit.Edit{{Span: parse.Span{Start: at, End: at}, New: text}, {Span: span}}
	for _, in := range group {
		c.Effects = append(c.Effects, plan.Move{Instr: in.Index, Before: before.Index})
	}
	p.Report(c)
}

// lineEndBefore is where the line ending starts that ends at an offset.
func lineEndBefore(src []byte, at int) int {
	if at > 1 && src[at-2] == '\r' {
		return at - 2
	}
	return at - 1
}

// detached finds a comment between an instruction and the one before that does not stand
// right above it: the heading of a section, an instruction that is commented
// out. Moving would change what follows it.
func (p *Pass) detached(in *parse.Instruction) *parse.Tile {
	start, end := 0, leadStart(in)
	if in.Index > 0 {
		start = p.File.Instructions[in.Index-1].End
	}
	i := sort.Search(len(p.File.Tiles), func(i int) bool { return p.File.Tiles[i].Start >= start })
	for ; i < len(p.File.Tiles) && p.File.Tiles[i].Start < end; i++ {
		if p.File.Tiles[i].Kind == parse.TileComment {
			return &p.File.Tiles[i]
		}
	}
	return nil
}

// leadStart is where an instruction starts with the comments above it.
func leadStart(in *parse.Instruction) int {
	if len(in.Lead) > 0 {
		return in.Lead[0].Start
	}
	return in.Start
}
