package transform

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

var _ = register(&virtualBuildDepsTransform)

var virtualBuildDepsTransform = Transform{
	Name:   "virtual-build-deps",
	Group:  "packages",
	Codes:  []string{},
	Safety: Unsafe,
	Run:    virtualBuildDeps,
	Doc: text(`Remove build packages in the RUN that needed them.

## What
On Alpine, compilers and their like (gcc, g++, make, musl-dev, build-base, cmake, linux-headers, python3-dev, …) that an ´apk add´ installs for a later command of the same RUN are installed as ´--virtual .build-deps´, and ´apk del .build-deps´ ends the RUN. With g++ or build-base, libstdc++ stays. On Debian, Ubuntu and the slim
images made from them, ´apt-get purge -y --auto-remove´ with the build packages (gcc, g++, make, build-essential, cmake, …) that the one ´apt-get install´ of the RUN names ends the RUN.

## Why
A compiler takes 100 to 200 MB, and the finished program does not need it.

## Example
~~~dockerfile before
FROM python:3.12-alpine
RUN apk add --no-cache gcc musl-dev && pip install --no-cache-dir psutil
~~~
~~~dockerfile after
FROM python:3.12-alpine
RUN apk add --no-cache --virtual .build-deps gcc musl-dev && pip install --no-cache-dir psutil && apk del .build-deps
~~~

## Instead
Development packages of libraries stay: what they bring along may be needed to run. Nothing changes in stages that ship no layer, and where a later instruction may build something. A build stage of its own is better still: see multi-stage. To switch it off: ´# refit: ignore=virtual-build-deps´.

## Safety
Unsafe. A program may start a compiler, or a library may need one of the packages or what came with them (on Debian, libgomp1 of gcc).

## References
- https://docs.docker.com/build/building/best-practices/#run
- https://wiki.alpinelinux.org/wiki/Alpine_Package_Keeper#Virtual_packages
`),
}

// isBuildPackage tells Alpine packages that only building needs.
func isBuildPackage(name string) bool {
	switch name {
	case "gcc", "g++", "make", "musl-dev", "libc-dev", "build-base", "linux-headers", "autoconf", "automake",
		"libtool", "cmake", "patch", "python3-dev", "ninja", "samurai", "alpine-sdk", "pkgconf", "pkgconfig":
		return true
	}
	return false
}

// isBuildTool tells commands that may compile something.
func isBuildTool(name string) bool {
	switch name {
	case "make", "gcc", "g++", "cc", "c++", "cmake", "ninja", "configure", "meson", "docker-php-ext-install", "pecl",
		"node-gyp", "autoreconf":
		return true
	}
	return false
}

func virtualBuildDeps(p *Pass) {
	p.purgeBuildDeps()
	m := facts.ManagerNamed("apk")
	for _, r := range p.runs(m) {
		if !r.State.Stage.Ships || r.In.Child != nil || len(mounts(r.In)) > 0 {
			continue
		}
		var adds []*facts.Invocation
		other := false
		for _, v := range p.Facts.Activity(r.In, m).Uses {
			switch {
			case v.Verb == "add" && !v.Nested:
				adds = append(adds, v)
			case v.Verb == "del":
				other = true
			}
		}
		if len(adds) != 1 || other || adds[0].HasFlag("-t", "--virtual", "--root", "-p") || adds[0].Opaque || !adds[0].Path.Always() || adds[0].Path.Subshell() {
			continue
		}
		p.virtual(r, adds[0])
	}
}

// isDebianBuildPackage tells packages of Debian and Ubuntu that only building needs.
// Development packages of libraries are none: they hold the library itself.
func isDebianBuildPackage(name string) bool {
	switch name {
	case "build-essential", "gcc", "g++", "make", "cmake", "ninja-build", "meson", "autoconf", "automake", "libtool", "pkg-config", "pkgconf",
		"dpkg-dev", "libc6-dev", "libc-dev", "linux-libc-dev", "python3-dev", "bison", "flex", "patch", "nasm", "yasm", "gcc-multilib", "g++-multilib":
		return true
	}
	return false
}

// purgeBuildDeps removes build packages at the end of RUNs that install them
// with apt.
func (p *Pass) purgeBuildDeps() {
	m := facts.ManagerNamed("apt")
	for _, r := range p.runs(m) {
		if !r.State.Stage.Ships || r.In.Child != nil || len(mounts(r.In)) > 0 || !bareDebian(r.State.Stage) {
			continue
		}
		var install *facts.Invocation
		plain := true
		for _, v := range p.Facts.Activity(r.In, m).Uses {
			switch v.Role {
			case facts.Install:
				plain = plain && install == nil && !v.Nested && !v.Sudo && !v.Opaque && !v.Xargs && v.Path.Always() && !v.Path.Subshell() && v.Name == "apt-get"
				install = v
			case facts.Remove:
				plain = false
			}
		}
		if install == nil || !plain {
			continue
		}
		var build []string
		for _, f := range install.Args {
			name, _, _ := strings.Cut(f.Text, "=")
			if f.Known && isDebianBuildPackage(name) {
				build = append(build, name)
			}
		}
		at := r.Span(install.Call)
		if len(build) == 0 || !slices.ContainsFunc(p.Facts.Calls(r.In)[install.Seq+1:], buildsNow) {
			continue
		}
		if in := p.buildsLater(r); in != nil {
			p.Skip(at, "%s may build something", p.line(in))
			continue
		}
		if slices.ContainsFunc(r.Tree.Stmts, func(st *syntax.Stmt) bool { b, ok := st.Cmd.(*syntax.BinaryCmd); return ok && b.Op == syntax.OrStmt }) {
			p.Skip(at, "the RUN goes on after a failure: the packages need not be there")
			continue
		}
		if in := p.namedBefore(r, m, build); in != nil {
			p.Skip(at, "%s installs one of the packages, too", p.line(in))
			continue
		}
		edits, effects, err := r.Append("apt-get purge -y --auto-remove " + strings.Join(build, " "))
		if err != nil {
			p.Skip(at, "%v", err)
			continue
		}
		p.Report(Change{
			Title: "remove build packages in the RUN that needs them", At: at, Edits: edits, Effects: effects, Safety: Unsafe,
			Reason: "a compiler takes 200 MB and more, and the finished program does not need it; check that nothing compiles later, and that what was built needs no library that came with the compiler (libgomp1)",
		})
	}
}

// bareDebian reports whether a stage's base image is known to have no build
// packages of its own: Debian, Ubuntu, and slim images.
func bareDebian(s *facts.Stage) bool {
	if s.Family != facts.Debian && s.Family != facts.Ubuntu {
		return false
	}
	repo, tag, _ := facts.SplitReference(s.Base().S)
	return repo == "debian" || repo == "ubuntu" || strings.Contains(tag, "slim") && repo != "php"
}

// namedBefore finds an earlier instruction of the stage or its parents that
// installs one of the packages.
func (p *Pass) namedBefore(r *Program, m *facts.Manager, names []string) *parse.Instruction {
	for s := r.State.Stage; s != nil; s = s.Parent {
		for _, in := range s.Instructions {
			if in.Index >= r.In.Index {
				continue
			}
			for _, v := range p.Facts.Invocations(in) {
				if v.Manager == m && slices.ContainsFunc(v.Args, func(f facts.Field) bool {
					name, _, _ := strings.Cut(f.Text, "=")
					return !f.Known || slices.Contains(names, name)
				}) {
					return in
				}
			}
		}
	}
	return nil
}

func (p *Pass) virtual(r *Program, v *facts.Invocation) {
	var build []string
	var ops []Op
	cpp := false
	for _, f := range v.Args {
		if isBuildPackage(f.Text) && f.Word > v.VerbAt.Word {
			build = append(build, f.Text)
			ops = append(ops, Op{At: f.Word, Delete: true})
			cpp = cpp || f.Text == "g++" || f.Text == "build-base" || f.Text == "alpine-sdk"
		}
	}
	at := r.Span(v.Call)
	if len(build) == 0 || !slices.ContainsFunc(p.Facts.Calls(r.In)[v.Seq+1:], p.builds) {
		return
	}
	if in := p.buildsLater(r); in != nil {
		p.Skip(at, "%s may build something", p.line(in))
		return
	}
	c := Change{
		Title: "remove build packages in the RUN that needs them", At: at, Safety: Unsafe,
		Reason: "a compiler takes 100 MB and more, and the finished program does not need it; check that nothing compiles later",
	}
	var err error
	if len(build) == len(v.Args) && !cpp {
		c.Edits, c.Effects, err = r.EditCommand(v.Call, Op{At: p.behindFlags(r, v), Insert: "--virtual .build-deps"})
	} else {
		if len(build) == len(v.Args) {
			ops[0] = Op{At: ops[0].At, Replace: "libstdc++"}
		} else if cpp {
			ops[0] = Op{At: ops[0].At, Replace: "libstdc++"}
		}
		if c.Edits, c.Effects, err = r.EditCommand(v.Call, ops...); err == nil {
			flag := ""
			if v.HasFlag("--no-cache") {
				flag = "--no-cache "
			}
			edits, effects, err2 := r.InsertBehind(v.Call, "apk add "+flag+"--virtual .build-deps "+strings.Join(build, " "))
			c.Edits, c.Effects, err = append(c.Edits, edits...), append(c.Effects, effects...), err2
		}
	}
	if err == nil {
		edits, effects, err2 := r.Append("apk del .build-deps")
		c.Edits, c.Effects, err = append(c.Edits, edits...), append(c.Effects, effects...), err2
	}
	if err != nil {
		p.Skip(at, "%v", err)
		return
	}
	p.Report(c)
}

// behindFlags is the word behind which an option goes: the last option right
// behind the sub-command.
func (p *Pass) behindFlags(r *Program, v *facts.Invocation) int {
	at := v.VerbAt.Word
	for at+1 < len(v.Call.Args) && r.Script.NodeText(v.Call.Args[at+1]) == "--no-cache" {
		at++
	}
	return at
}

// builds reports whether a command may compile something.
func (p *Pass) builds(c facts.Call) bool {
	name := c.Name()
	if isBuildTool(name) || strings.HasSuffix(name, ".sh") || name == "" {
		return true
	}
	switch {
	case strings.HasPrefix(name, "pip"), strings.HasPrefix(name, "python"), name == "npm", name == "yarn", name == "pnpm", name == "gem", name == "bundle", name == "cargo", name == "go", name == "poetry", name == "uv", name == "composer", name == "luarocks", name == "cpan", name == "cpanm":
		return true
	}
	return false
}

// buildsNow reports whether a command is one that the build packages of its RUN
// are there for.
func buildsNow(c facts.Call) bool {
	name := c.Name()
	has := func(words ...string) bool {
		return slices.ContainsFunc(c.Fields[1:], func(f facts.Field) bool { return slices.Contains(words, f.Text) })
	}
	switch {
	case isBuildTool(name):
		return true
	case len(c.Fields) < 2:
		return name == "yarn"
	case strings.HasPrefix(name, "python"):
		return has("setup.py") || has("pip") && has("install", "wheel")
	case strings.HasPrefix(name, "pip"):
		return has("install", "wheel", "sync")
	}
	switch name {
	case "npm", "yarn", "pnpm", "gem", "bundle", "cargo", "go", "poetry", "uv", "luarocks", "cpan", "cpanm":
		return has("install", "i", "ci", "add", "build", "sync", "update") || name == "cpan" || name == "cpanm"
	}
	return false
}

// buildsLater finds a later instruction of the stage, or of one FROM it, that
// may build something.
func (p *Pass) buildsLater(r *Program) *parse.Instruction {
	stages := []*facts.Stage{r.State.Stage}
	for len(stages) > 0 {
		s := stages[0]
		stages = append(stages[1:], s.Children...)
		for _, in := range s.Instructions {
			run := in
			if in.Child != nil {
				run = in.Child
			}
			if run.Name != "RUN" || in.Index <= r.In.Index {
				continue
			}
			calls := p.Facts.Calls(in)
			if len(calls) == 0 || slices.ContainsFunc(calls, p.builds) {
				return in
			}
		}
	}
	return nil
}
