package transform

import (
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

var _ = register(&sourceCleanupTransform)

var sourceCleanupTransform = Transform{
	Name:   "source-cleanup",
	Group:  "caches",
	After:  []string{"merge-run", "archive-cleanup"},
	Codes:  []string{"mkdirUsrSrcThenRemove"},
	Safety: Unsafe,
	Run:    sourceCleanup,
	Doc: text(`Delete a source folder below /usr/src in the RUN that builds and installs it.

## What
Where one RUN makes a folder below ´/usr/src´ (mkdir, git clone, an archive unpacked there), runs ´make install´ or its like in it, and leaves it behind, ´rm -rf FOLDER´ is
added at the end of the RUN.

## Why
Sources and object files are often many times as large as what is installed from them.

## Example
~~~dockerfile before
FROM debian:12
RUN cd /usr/src && tar -xzf /tool-1.2.tar.gz && cd tool-1.2 && make install
~~~
~~~dockerfile after
FROM debian:12
RUN cd /usr/src && tar -xzf /tool-1.2.tar.gz && cd tool-1.2 && make install \
    && rm -rf /usr/src/tool-1.2
~~~

## Instead
Nothing changes where a later instruction names the folder or /usr/src, or works below it, where the RUN links to the folder, and in stages that ship no layer. To keep the
sources: ´# refit: ignore=source-cleanup´.

## Safety
Unsafe: a program may be installed as a link into its sources, or look for them when it runs.

## References
- https://docs.docker.com/build/building/best-practices/#run
`),
}

func sourceCleanup(p *Pass) {
	for _, r := range p.Programs() {
		if !strings.Contains(r.In.Args.Value, "/usr/src") {
			continue
		}
		dir, by := p.builtSources(r)
		if dir == "" {
			continue
		}
		at := r.Span(by.Expr)
		if why := p.keepsSources(r, dir); why != "" {
			if why != quietObstacle {
				p.Skip(at, "%s", why)
			}
			continue
		}
		if why := p.pays(r, nil, dir); why != "" {
			p.Skip(at, "%s", why)
			continue
		}
		edits, effects, err := r.Append("rm -rf " + dir)
		if err != nil {
			p.Skip(at, "%v", err)
			continue
		}
		p.Report(Change{
			Title: "delete the sources in " + dir, At: at, Edits: edits, Effects: effects, Safety: Unsafe,
			Reason: "they stay in the layer after the installation; check that what is installed does not need them",
		})
	}
}

// builtSources finds the folder below /usr/src that a RUN makes, builds and
// installs from, and the command that installs.
func (p *Pass) builtSources(r *Program) (dir string, by *facts.Call) {
	cwd := ""
	if r.State.Workdir.Certain() {
		cwd = r.State.Workdir.S
	}
	abs := func(s string) string {
		if path.IsAbs(s) {
			return path.Clean(s)
		}
		if cwd == "" {
			return ""
		}
		return path.Join(cwd, s)
	}
	made := map[string]bool{}     // folders below /usr/src that the RUN makes
	unpacked := map[string]bool{} // folders into which it unpacks
	calls := p.Facts.Calls(r.In)
	for i := range calls {
		c := &calls[i]
		if c.Nested {
			return "", nil
		}
		operands := plainOperands(c)
		switch c.Name() {
		case "cd", "pushd":
			if c.Path.Subshell() || len(operands) != 1 || !plainPath(operands[0]) {
				cwd = ""
				continue
			}
			parent := cwd
			if cwd = abs(operands[0]); parent != "" && unpacked[parent] && path.Dir(cwd) == parent {
				made[cwd] = true
			}
		case "mkdir":
			for _, o := range operands {
				made[abs(o)] = true
			}
		case "git":
			if len(operands) > 1 && operands[0] == "clone" {
				last := operands[len(operands)-1]
				if strings.Contains(last, ":") {
					last = strings.TrimSuffix(path.Base(last), ".git")
				}
				made[abs(last)] = true
			}
		case "tar", "bsdtar", "unzip":
			into := cwd
			for j, f := range c.Fields[1:] {
				if prev := c.Fields[j].Text; j > 0 && (prev == "-C" || prev == "--directory" || prev == "-d") {
					into = abs(f.Text)
				}
			}
			unpacked[into] = true
		default:
			if !installs(c) {
				continue
			}
			for d := cwd; strings.HasPrefix(d, "/usr/src/"); d = path.Dir(d) {
				if made[d] && plainPath(d) {
					dir, by = d, c
				}
			}
		}
	}
	return dir, by
}

// plainOperands are the operands of a command whose text is known, in order.
func plainOperands(c *facts.Call) (out []string) {
	for _, f := range c.Fields[1:] {
		if f.Known && !f.Glob && !strings.HasPrefix(f.Text, "-") {
			out = append(out, f.Text)
		}
	}
	return out
}

// installs reports whether a command installs what has been built.
func installs(c *facts.Call) bool {
	has := func(words ...string) bool {
		return slices.ContainsFunc(c.Fields[1:], func(f facts.Field) bool { return slices.Contains(words, f.Text) })
	}
	switch c.Name() {
	case "make", "gmake", "ninja", "meson", "bmake":
		return has("install", "altinstall", "install-strip", "install_sw")
	case "cmake":
		return has("--install", "install")
	}
	return false
}

// keepsSources says what uses, deletes or links to a source folder, "" if
// nothing does.
func (p *Pass) keepsSources(r *Program, dir string) string {
	for _, c := range p.Facts.Calls(r.In) {
		switch n := c.Name(); n {
		case "rm":
			if c.Removes(dir) || slices.ContainsFunc(c.Fields[1:], func(f facts.Field) bool {
				return f.Glob || !f.Known || path.Base(path.Clean(f.Text)) == path.Base(dir) || strings.HasPrefix(f.Text, dir)
			}) {
				return quietObstacle
			}
		case "ln", "ldconfig":
			if n == "ln" && slices.ContainsFunc(c.Fields[1:], func(f facts.Field) bool {
				return !path.IsAbs(f.Text) && !strings.HasPrefix(f.Text, "-") || strings.HasPrefix(f.Text, dir)
			}) {
				return "a link may point into " + dir
			}
		case "pip", "pip3", "npm":
			if slices.ContainsFunc(c.Fields[1:], func(f facts.Field) bool { return f.Text == "-e" || f.Text == "--editable" || f.Text == "link" }) {
				return n + " links to " + dir
			}
		}
	}
	if w := r.State.Workdir; !w.Known || facts.Below(w.S, "/usr/src") {
		return "the working directory lies in /usr/src"
	}
	for _, in := range p.File.Instructions {
		if in == r.In {
			continue
		}
		text := in.Args.Value
		if strings.Contains(text, dir) || in.Index > r.In.Index && (strings.Contains(text, "/usr/src") || strings.Contains(text, path.Base(dir))) {
			return p.line(in) + " may use " + dir
		}
	}
	return ""
}
