package transform

import (
	"path"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

var _ = register(&workdirMkdirTransform)

var workdirMkdirTransform = Transform{
	Name:   "workdir-mkdir",
	Group:  "layers",
	Codes:  []string{},
	Safety: Safe,
	Run:    workdirMkdir,
	Doc: text(`Leave the creation of a working directory to WORKDIR.

## What
´mkdir -p /app´ in a RUN right before ´WORKDIR /app´ goes; so does the RUN if that is all it does.

## Why
WORKDIR creates the directory itself: one layer less.

## Example
~~~dockerfile before
FROM alpine:3.20
RUN mkdir -p /app
WORKDIR /app
~~~
~~~dockerfile after
FROM alpine:3.20
WORKDIR /app
~~~

## Instead
Nothing changes where the user is not root (WORKDIR's directory belongs to root), where mkdir is given a mode, and where the rest of the RUN uses the directory. To switch it off: ´# refit: ignore=workdir-mkdir´.

## Safety
Safe. The directory has the same owner and mode.

## References
- https://docs.docker.com/reference/dockerfile/#workdir
`),
}

func workdirMkdir(p *Pass) {
	for _, r := range p.Programs() {
		wd := p.nextBuilding(r.In)
		if wd == nil || wd.Name != "WORKDIR" || len(mounts(r.In)) > 0 {
			continue
		}
		dir := p.Facts.Expand(wd.Args.Value, wd)
		if !dir.Certain() || !path.IsAbs(dir.S) {
			continue
		}
		calls := p.Facts.Calls(r.In)
		for i := range calls {
			p.mkdirCall(r, calls, i, path.Clean(dir.S))
		}
	}
}

// nextBuilding is the instruction behind in that is not metadata only.
func (p *Pass) nextBuilding(in *parse.Instruction) *parse.Instruction {
	for _, o := range p.File.Instructions[in.Index+1:] {
		switch o.Name {
		case "LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "STOPSIGNAL", "HEALTHCHECK", "MAINTAINER":
			continue
		}
		return o
	}
	return nil
}

func (p *Pass) mkdirCall(r *Program, calls []facts.Call, i int, dir string) {
	c := &calls[i]
	if c.Nested || c.Name() != "mkdir" || !c.Path.Always() || c.Path.Subshell() {
		return
	}
	at := r.Span(c.Expr)
	operands, hit := 0, -1
	for _, f := range c.Fields[1:] {
		switch {
		case f.Text == "-p" || f.Text == "--parents" || f.Text == "-v" || f.Text == "-pv" || f.Text == "-vp":
		case strings.HasPrefix(f.Text, "-"):
			return // a mode
		default:
			operands++
			if f.Known && !f.Glob && path.IsAbs(f.Text) && path.Clean(f.Text) == dir {
				hit = f.Word
			}
		}
	}
	if hit < 0 {
		return
	}
	user := r.State.User
	top := strings.Count(dir, "/") == 1 || strings.HasPrefix(dir, "/usr/") || strings.HasPrefix(dir, "/opt/")
	if c.User != "" && !facts.Root(c.User) || user.Known && !facts.Root(user.S) || !user.Known && !top {
		p.Skip(at, "WORKDIR makes the directory as root, the RUN may not")
		return
	}
	for j := range calls {
		if j == i {
			continue
		}
		if calls[j].Name() == "umask" || j > i && p.touches(r, &calls[j], dir) {
			p.Skip(at, "the RUN uses the directory")
			return
		}
	}
	c2 := Change{Title: "leave the directory to WORKDIR", At: at, Safety: Safe, Reason: "WORKDIR creates it"}
	var err error
	switch {
	case operands > 1:
		c2.Edits, c2.Effects, err = r.EditCommand(c.Expr, Op{At: hit, Delete: true})
	case len(r.Cmds) == 1 && len(r.Tree.Stmts) == 1 && len(r.In.Heredocs) == 0:
		if len(c.Stmt.Redirs) > 0 {
			return
		}
		c2.Edits, c2.Effects = []emit.Edit{p.removal(r.In)}, []plan.Effect{plan.Remove{Instr: r.In.Index}}
	default:
		c2.Edits, c2.Effects, err = r.DropCommand(c.Expr)
	}
	if err != nil {
		p.Skip(at, "%v", err)
		return
	}
	p.Report(c2)
}

// touches reports whether a command may use a directory: it names it, or a
// path below or above it, or is not known to stay away.
func (p *Pass) touches(r *Program, c *facts.Call, dir string) bool {
	switch c.Name() {
	case "mkdir", "echo", "useradd", "adduser", "groupadd", "addgroup", "true", "apt-get", "apk", "yum", "dnf", "pip", "npm", "set", "ln", "touch", "chmod", "chown", "rm", "cp", "mv", "install", "curl", "wget":
	default:
		return true
	}
	for _, f := range c.Fields[1:] {
		if !f.Known || strings.Contains(f.Text, dir) || f.Text == "/" || f.Glob {
			return true
		}
	}
	return c.Stmt != nil && len(c.Stmt.Redirs) > 0
}
