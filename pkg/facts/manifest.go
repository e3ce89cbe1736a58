package facts

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Ecosystem is a package manager that installs what a project's manifests
// name.
type Ecosystem struct {
	Name     string
	Project  string   // the file that makes a directory a project
	Optional []string // other files that it reads where they exist, in the order in which people list them
	Lock     []string // which of these are lock files
	Guess    []string // sources of a COPY for the manifests without sight of the context; a trailing * may match nothing
	Writes   []string // what it creates below the project directory
	inspect  func(*Tree, *DepsInstall, *Needs)
}

// ecosystems are declared in the files manifest_*.go.
var ecosystems = [...]*Ecosystem{
	&ecoCargo,
	&ecoDotnet,
	&ecoGo,
	&ecoMaven,
	&ecoGradle,
	&ecoMix,
	&ecoPub,
	&ecoSwift,
	&ecoRenv,
	&ecoNpm,
	&ecoYarn,
	&ecoPnpm,
	&ecoBun,
	&ecoComposer,
	&ecoPip,
	&ecoPipenv,
	&ecoPoetry,
	&ecoUv,
	&ecoConda,
	&ecoBundler,
}

// EcosystemNamed returns an ecosystem, or nil.
func EcosystemNamed(name string) *Ecosystem {
	for _, e := range ecosystems {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// DepsInstall is a command that installs a project's dependencies.
type DepsInstall struct {
	Ecosystem *Ecosystem
	Dir       string   // the project directory, an absolute path in the image
	Cwd       string   // the working directory of the command
	Files     []string // manifests that its arguments name, absolute paths in the image
	Locked    bool     // it never changes the lock file
	NoScripts bool     // it runs no lifecycle scripts
	NoDev     bool     // it leaves development dependencies out
	NoProject bool     // it does not install the project itself (poetry, uv)
	Wrapper   string   // the project's own script that runs it: mvnw, gradlew
	Stubs     bool     // stand-ins for the sources will be there

	Optimize, NoAutoloader bool     // composer: the autoloader is made from the sources; none is made
	Writes                 []string // further paths that it writes, absolute
}

// Needs is what an install command reads and writes of a project.
type Needs struct {
	Files  []string // absolute paths in the image
	Dirs   []string // directories that it needs whole, absolute paths in the image
	Writes []string // absolute paths that it creates or rewrites
	Doubts []string // what keeps this from being certain
	Stubs  []string // sources of which it needs stand-ins, absolute paths in the image
	Stop   string   // why it needs more than manifests, "" if it does not
}

func (n *Needs) file(p string) {
	if !slices.Contains(n.Files, p) {
		n.Files = append(n.Files, p)
	}
}

func (n *Needs) dir(p string) {
	if !slices.Contains(n.Dirs, p) {
		n.Dirs = append(n.Dirs, p)
	}
}

func (n *Needs) doubt(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if !slices.Contains(n.Doubts, s) {
		n.Doubts = append(n.Doubts, s)
	}
}

func (n *Needs) stop(format string, args ...any) {
	if n.Stop == "" {
		n.Stop = fmt.Sprintf(format, args...)
	}
}

// Needs finds out what an install reads, looking through the COPY
// instructions before it at the build context.
func (in *DepsInstall) Needs(t *Tree) Needs {
	var n Needs
	eco := in.Ecosystem
	for _, w := range eco.Writes {
		n.Writes = append(n.Writes, path.Join(in.Dir, w))
	}
	n.Writes = append(n.Writes, in.Writes...)
	if eco.Project != "" && len(in.Files) == 0 {
		p := path.Join(in.Dir, eco.Project)
		if !t.Exists(p) {
			n.stop("%s is not among the copied files of the build context", t.rel(p))
			return n
		}
		n.file(p)
	}
	for _, f := range in.Files {
		if !t.Exists(f) {
			n.stop("%s is not among the copied files of the build context", t.rel(f))
			return n
		}
		n.file(f)
	}
	for _, o := range eco.Optional {
		if strings.ContainsAny(o, "*?[") {
			for _, name := range t.List(in.Dir) {
				if ok, _ := path.Match(o, name); ok {
					n.file(path.Join(in.Dir, name))
				}
			}
			continue
		}
		p := path.Join(in.Dir, o)
		switch {
		case !t.Exists(p):
		case t.IsDir(p):
			n.dir(p)
		default:
			n.file(p)
		}
	}
	if eco.inspect != nil {
		eco.inspect(t, in, &n)
	}
	n.Doubts = append(n.Doubts, t.doubts...)
	return n
}

// Blind says why the files that an install reads cannot be named by
// convention, without sight of the build context, or "".
func (in *DepsInstall) Blind() string {
	eco := in.Ecosystem
	switch {
	case len(in.Files) > 0 && eco.Name == "bundler":
		return "the lock file of " + in.Files[0] + " is only known from the build context (--context)"
	case len(in.Files) > 0:
		return ""
	case len(eco.Guess) == 0:
		return "which files " + eco.Name + " reads is only known from the build context (--context)"
	case (eco.Name == "poetry" || eco.Name == "uv") && !in.NoProject:
		return "the install may build the project itself, not only its dependencies (--context tells)"
	case eco.Name == "composer" && !in.NoScripts:
		return "the project may run scripts when it is installed (--context tells)"
	case eco.Name == "composer" && in.Optimize && !in.NoAutoloader:
		return "the optimised autoloader is made from the sources"
	}
	return ""
}

// lock returns the lock file that a project has, "" if none.
func (in *DepsInstall) lock(t *Tree) string {
	for _, l := range in.Ecosystem.Lock {
		if p := path.Join(in.Dir, l); t.Exists(p) {
			return p
		}
	}
	return ""
}

// Tree is the part of an image's file system that COPY and ADD instructions
// bring from the build context; see CopyIndex.Tree.
type Tree struct {
	Context *Context

	index  *CopyIndex
	stage  *Stage
	before int
	doubts []string
}

// Copies returns the instructions, in order.
func (t *Tree) Copies() []*Copy {
	var out []*Copy
	for _, c := range t.index.list {
		if c.Instruction.Index < t.before && t.stage.Descends(t.index.fs.At(c.Instruction).Stage) {
			out = append(out, c)
		}
	}
	return out
}

// Origin tells which path of the build context stands at an absolute path of
// the image, and which instruction copied it.
func (t *Tree) Origin(p string) (from string, by *Copy, has Presence) {
	for c := range t.index.bringing(t.stage, t.before, p) {
		if from, has := c.Origin(t.Context, p); has != No {
			return from, c, has
		}
	}
	return "", nil, No
}

// Doubts says where the methods so far could not tell what is there, oldest
// first.
func (t *Tree) Doubts() []string { return t.doubts }

// at is Origin that notes doubts.
func (t *Tree) at(p string) (from string, ok bool) {
	from, by, has := t.Origin(p)
	if has == Maybe {
		d := fmt.Sprintf("line %d may bring %s from somewhere that is not known", by.Instruction.StartLine, p)
		if from != "" {
			d = from + " is or leads through a symbolic link"
		}
		if !slices.Contains(t.doubts, d) {
			t.doubts = append(t.doubts, d)
		}
	}
	return from, has == Yes
}

// rel names a path of the image for people: as in the context if it is known.
func (t *Tree) rel(p string) string {
	if from, _, has := t.Origin(p); has == Yes {
		return from
	}
	return p
}

// Exists reports whether a path is there.
func (t *Tree) Exists(p string) bool {
	from, ok := t.at(p)
	return ok && t.Context.Exists(from)
}

// IsDir reports whether a path is a directory.
func (t *Tree) IsDir(p string) bool {
	from, ok := t.at(p)
	return ok && t.Context.IsDir(from)
}

// Read returns a file's content.
func (t *Tree) Read(p string) ([]byte, bool) {
	from, ok := t.at(p)
	if !ok {
		return nil, false
	}
	return t.Context.Read(from)
}

// List returns the names of a directory's entries without slashes, sorted.
func (t *Tree) List(dir string) []string {
	var out []string
	add := func(name string) {
		if !slices.Contains(out, name) && t.Exists(path.Join(dir, name)) {
			out = append(out, name)
		}
	}
	lists := [][]int{t.index.under[dir]}
	for d := range upwards(dir) {
		lists = append(lists, t.index.dests[d])
	}
	for c := range t.index.merged(t.stage, t.before, lists) {
		if !c.Local() {
			continue
		}
		for _, s := range c.Sources {
			if !s.Path.Known {
				continue
			}
			matches := []string{s.Path.S}
			if s.Glob {
				matches, _ = t.Context.Glob(s.Path.S)
			}
			for _, m := range matches {
				switch {
				case !t.Context.IsDir(m):
					if target := c.fileTarget(m); path.Dir(target) == dir {
						add(path.Base(target))
					}
					if path.Dir(c.Dest.S) == dir {
						add(path.Base(c.Dest.S))
					}
				case Within(dir, c.Dest.S):
					rel := strings.TrimPrefix(strings.TrimPrefix(dir, c.Dest.S), "/")
					names, complete := t.Context.list(path.Join(m, rel))
					if !complete {
						t.doubts = append(t.doubts, path.Join(m, rel)+" is too large to look through")
					}
					for _, n := range names {
						add(strings.TrimSuffix(n, "/"))
					}
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// Glob returns the paths below dir that match a pattern whose wildcards span
// no slash, sorted. ok is false for patterns with **.
func (t *Tree) Glob(dir, pattern string) (matches []string, ok bool) {
	if strings.Contains(pattern, "**") {
		return nil, false
	}
	paths := []string{dir}
	for _, part := range strings.Split(strings.Trim(path.Clean(pattern), "/"), "/") {
		var next []string
		for _, d := range paths {
			if !hasWildcards(part) {
				next = append(next, path.Join(d, part))
				continue
			}
			for _, n := range t.List(d) {
				if m, _ := path.Match(part, n); m {
					next = append(next, path.Join(d, n))
				}
			}
		}
		paths = next
	}
	return slices.DeleteFunc(paths, func(p string) bool { return !t.Exists(p) }), true
}
