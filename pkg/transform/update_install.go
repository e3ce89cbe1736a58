package transform

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/shell"
	"mvdan.cc/sh/v3/syntax"
)

var _ = register(&updateInstallTransform)

var updateInstallTransform = Transform{
	Name:   "update-install",
	Group:  "packages",
	Codes:  []string{"aptGetUpdatePrecedesInstall", "DL3009"},
	Safety: Safe,
	After:  []string{"merge-run"},
	Run:    updateInstall,
	Doc: text(`Fetch the package lists in the RUN that installs from them.

## What
A RUN that only runs ´apt-get update´ (or ´apk update´) moves into the later RUN that installs without an update of its own, if nothing between them has to do with packages.

## Why
BuildKit caches the update: when the list of packages changes months later, the install works from old lists and fails, or installs old versions. And lists in a layer of their own cannot be deleted.

## Example
~~~dockerfile before
FROM debian:12
RUN apt-get update
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get install -y curl
~~~
~~~dockerfile after
FROM debian:12
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update && apt-get install -y curl
~~~

## Instead
Nothing changes where the lists are used more than once, in another stage, or where an instruction in between may change the package sources. To switch it off: ´# refit: ignore=update-install´.

## Safety
Safe. The same commands run in the same order, as far as packages are concerned.

## References
- https://docs.docker.com/build/building/best-practices/#apt-get
`),
}

func updateInstall(p *Pass) {
	for _, name := range []string{"apt", "apk"} {
		m := facts.ManagerNamed(name)
		for _, r := range p.Programs() {
			if p.onlyUpdates(r, m) {
				p.moveUpdate(r, m)
			}
		}
	}
}

var errSeveral = errors.New("the RUN that installs is not one chain of commands")

// onlyUpdates reports whether a RUN is one chain of nothing but updates.
func (p *Pass) onlyUpdates(r *Program, m *facts.Manager) bool {
	uses := p.Facts.Invocations(r.In)
	if len(r.Tree.Stmts) != 1 || len(uses) == 0 || len(uses) != len(r.Cmds) || r.Script.Kind != shell.Line || len(r.Tree.Last) > 0 {
		return false
	}
	for _, st := range shell.AndList(r.Tree.Stmts[0]) {
		if _, ok := st.Cmd.(*syntax.CallExpr); !ok || st.Negated || st.Background || len(st.Redirs) > 0 {
			return false
		}
	}
	return !slices.ContainsFunc(uses, func(v *facts.Invocation) bool {
		_, helper := m.Helpers.Of(v.Name)
		return v.Manager != m || v.Role != facts.Update || v.Nested || helper
	})
}

func (p *Pass) moveUpdate(r *Program, m *facts.Manager) {
	at := r.In.Keyword.Span
	need, ok := p.Facts.NeededLater(r.In, m)
	if !ok || need.Doubt != "" {
		return
	}
	to := need.In
	o, why := p.Program(to)
	switch {
	case o == nil:
		p.Skip(at, "%s, which uses the lists, cannot be edited: %s", p.line(to), why)
		return
	case to.Child != nil || p.Facts.At(to).Stage != r.State.Stage:
		p.Skip(at, "the lists are used in another stage or an ONBUILD trigger")
		return
	case len(r.In.Comments) > 0 || p.flagsText(r.In) != p.flagsText(to) || r.State.Shell.Lang != o.State.Shell.Lang:
		p.Skip(at, "the RUN in %s is not like this one", p.line(to))
		return
	case r.State.User != o.State.User:
		p.Skip(at, "the RUN in %s has another user", p.line(to))
		return
	}
	if in := p.sourcesBetween(r.In, to); in != nil {
		p.Skip(at, "%s may change what the update fetches", p.line(in))
		return
	}
	text := r.Script.NodeText(r.Tree.Stmts[0])
	if strings.ContainsAny(text, "\n") || strings.Contains(r.Span(r.Tree.Stmts[0]).Text(p.File.Src), "\n") {
		p.Skip(at, "the update goes over several lines")
		return
	}
	c := Change{
		Title: "fetch the lists in the RUN that installs", At: at, Safety: Safe,
		Reason: "a cached update makes the install in " + p.line(to) + " work from old lists",
	}
	edits, effects, err := o.prepend(text)
	if err != nil {
		p.Skip(at, "%v", err)
		return
	}
	// The comment above the update goes along, in front of the RUN's own.
	if len(r.In.Lead) > 0 {
		var lead strings.Builder
		for _, l := range r.In.Lead {
			lead.WriteString(l.Text(p.File.Src))
		}
		front := to.Start
		if len(to.Lead) > 0 {
			front = to.Lead[0].Start
		}
		edits = append(edits, emit.Edit{Span: parse.Span{Start: front, End: front}, New: lead.String()},
			emit.Edit{Span: parse.Span{Start: r.In.Lead[0].Start, End: r.In.Start}})
	}
	c.Edits = append(edits, p.removal(r.In))
	c.Effects = append(effects, plan.Remove{Instr: r.In.Index})
	p.Report(c)
}

func (p *Pass) flagsText(in *parse.Instruction) string {
	var out []string
	for _, fl := range in.Flags {
		out = append(out, fl.Text(p.File.Src))
	}
	return strings.Join(out, " ")
}

// sourcesBetween finds an instruction between two that may change the package
// sources, the network, or the lists.
func (p *Pass) sourcesBetween(from, to *parse.Instruction) *parse.Instruction {
	for _, in := range p.File.Instructions[from.Index+1 : to.Index] {
		switch in.Name {
		case "LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "STOPSIGNAL", "HEALTHCHECK", "MAINTAINER", "WORKDIR", "USER", "ARG":
			continue
		case "ENV":
			if strings.Contains(strings.ToLower(in.Args.Value), "proxy") || strings.Contains(in.Args.Value, "APT_CONFIG") {
				return in
			}
			continue
		case "COPY", "ADD":
			if len(in.Words) > 1 {
				dest := p.Facts.Expand(in.Words[len(in.Words)-1].Value, in)
				full := p.Facts.At(in).Resolve(dest.S)
				if dest.Certain() && full.Certain() && path.Clean(full.S) != "/" && !slices.ContainsFunc([]string{"/etc", "/usr", "/var", "/lib"}, func(d string) bool { return facts.Below(full.S, d) }) {
					continue
				}
			}
		case "RUN":
			if p.quietRun(in) {
				continue
			}
		}
		return in
	}
	return nil
}

// quietRun reports whether a RUN does nothing but make directories and users.
func (p *Pass) quietRun(in *parse.Instruction) bool {
	calls := p.Facts.Calls(in)
	if len(calls) == 0 {
		return false
	}
	for _, c := range calls {
		switch c.Name() {
		case "mkdir", "useradd", "groupadd", "chmod", "chown", "true", "echo":
		default:
			return false
		}
		if c.Stmt == nil || len(c.Stmt.Redirs) > 0 {
			return false
		}
	}
	return true
}

// prepend puts a command in front of the program so that the rest runs only
// if it has succeeded.
func (r *Program) prepend(text string) ([]emit.Edit, []plan.Effect, error) {
	if head := shell.ErrExitHead(r.Tree); head != nil {
		return r.InsertBehind(head, text)
	}
	if r.Script.Kind != shell.Line || len(r.Tree.Stmts) != 1 {
		return nil, nil, errSeveral
	}
	for _, st := range shell.AndList(r.Tree.Stmts[0]) {
		if b, ok := st.Cmd.(*syntax.BinaryCmd); ok && b.Op == syntax.OrStmt || st.Background {
			return nil, nil, errSeveral
		}
	}
	if shell.ScopeOf(r.Tree.Stmts, r.Tree.Last).Comment || r.State.Shell.ErrExit {
		return nil, nil, errSeveral
	}
	first := r.Tree.Stmts[0]
	at := r.Script.Source(first.Pos())
	joint := " && "
	if multi, indent := r.style(first); multi {
		cont := r.continued()
		joint = cont + indent + "&& "
		if r.trailing() {
			joint = " &&" + cont + indent
		}
	}
	return []emit.Edit{{Span: parse.Span{Start: at, End: at}, New: text + joint}},
		[]plan.Effect{plan.Prepend{Instr: r.In.Index, Text: text}}, nil
}
