package transform

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

// What an install of dependencies needs, and which copies may come behind it.

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
		if in.Ecosystem.Project == "package.json" {
			if why := o.severalPackages(); why != "" {
				return why
			}
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
			if g := chosen(by, in); g != "" {
				return fmt.Sprintf("%s comes with %s, which the install may read (--context)", f, g)
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

// chosen is a pattern among the sources of a COPY that is neither conventional
// for an install nor code: somebody who lists *.gemspec beside the manifest
// needs it there.
func chosen(by *facts.Copy, in *facts.DepsInstall) string {
	for _, s := range by.Sources {
		base := path.Base(s.Path.S)
		if !s.Glob || strings.Trim(base, "*?.") == "" || slices.ContainsFunc(in.Ecosystem.Guess, func(g string) bool { return matchEither(base, g) }) {
			continue
		}
		if ext := path.Ext(base); !slices.Contains([]string{"", ".js", ".mjs", ".cjs", ".ts", ".jsx", ".tsx", ".py", ".rb", ".go", ".php", ".java", ".html", ".css"}, strings.TrimRight(ext, "*")) {
			return s.Path.S
		}
	}
	return ""
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
		if why := o.p.steeredBy(o.r.In, c); why != "" {
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
		case has == facts.Yes && (src == n.src || o.p.Options.Context == nil && o.manifestNames(c)):
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
