package transform

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/shell"
)

var _ = register(&tempDirCleanupTransform)

var tempDirCleanupTransform = Transform{
	Name:   "temp-dir-cleanup",
	Group:  "caches",
	After:  []string{"merge-run", "archive-cleanup"},
	Codes:  []string{"rmRecursiveAfterMktempD"},
	Safety: Unsafe,
	Run:    tempDirCleanup,
	Doc: text(`Delete the folder that mktemp -d makes in the RUN that makes it.

## What
Where a RUN sets a variable to ´$(mktemp -d)´ and never deletes the folder, ´rm -rf "$NAME"´ is added at its end. A keyring in ´GNUPGHOME´ is deleted
behind ´gpgconf --kill all´, which ends the agent that works in it.

## Why
The folder has a random name: nothing that runs later can find it, but its files stay in the layer.

## Example
~~~dockerfile before
FROM debian:12
RUN work=$(mktemp -d) && tar -xf /tool.tar -C "$work" && cp "$work/tool" /usr/bin/
~~~
~~~dockerfile after
FROM debian:12
RUN work=$(mktemp -d) && tar -xf /tool.tar -C "$work" && cp "$work/tool" /usr/bin/ \
    && rm -rf "$work"
~~~

## Instead
Nothing changes where the variable is set twice, inside a condition or a subshell, where the RUN deletes the folder or makes a link to it, and in stages that
ship no layer. To keep the folder: ´# refit: ignore=temp-dir-cleanup´.

## Safety
Unsafe: what was installed may point into the folder, or have its name written down.

## References
- https://www.gnu.org/software/coreutils/manual/html_node/mktemp-invocation.html
- https://www.gnupg.org/documentation/manuals/gnupg/gpgconf.html
`),
}

func tempDirCleanup(p *Pass) {
	for _, r := range p.Programs() {
		name, at, why := r.tempDir()
		if name == "" {
			continue
		}
		if why == "" {
			why = p.keepsTempDir(r, name)
		}
		if why == "" {
			why = p.pays(r, nil, "/tmp")
		}
		if why != "" {
			if why != quietObstacle {
				p.Skip(r.Span(at), "%s", why)
			}
			continue
		}
		text := "rm -rf \"$" + name + "\""
		c := Change{
			Title: "delete the folder that mktemp makes", At: r.Span(at), Safety: Unsafe,
			Reason: "its name is random: nothing finds it later, and its files stay in the layer; check that nothing which is installed points to it",
		}
		if name == "GNUPGHOME" {
			text = "gpgconf --kill all && " + text
			c.Reason += ", and that gpgconf is there"
		}
		edits, effects, err := r.Append(text)
		if err != nil {
			p.Skip(r.Span(at), "%v", err)
			continue
		}
		c.Edits, c.Effects = edits, effects
		p.Report(c)
	}
}

// setting is an assignment, plain or as an argument of export.
type setting struct {
	name  string
	value *syntax.Word
	at    syntax.Node
}

// settings returns the assignments of a command.
func settings(n syntax.Node) (out []setting) {
	switch n := n.(type) {
	case *syntax.CallExpr:
		for _, a := range n.Assigns {
			if a.Name != nil {
				out = append(out, setting{a.Name.Value, a.Value, a})
			}
		}
		if name := shell.Name(n); name == "export" || name == "readonly" {
			for _, w := range n.Args[1:] {
				lit, ok := w.Parts[0].(*syntax.Lit)
				if !ok {
					continue
				}
				if name, rest, ok := strings.Cut(lit.Value, "="); ok {
					value := &syntax.Word{Parts: w.Parts[1:]}
					if rest != "" {
						value = w
					}
					out = append(out, setting{name, value, w})
				}
			}
		}
	case *syntax.DeclClause:
		for _, a := range n.Args {
			if a.Name != nil {
				out = append(out, setting{a.Name.Value, a.Value, a})
			}
		}
	}
	return out
}

// tempDir finds the variable that a program sets to the name of a new
// temporary folder, "" if there is none, and why it is not understood.
func (r *Program) tempDir() (name string, at syntax.Node, why string) {
	assigned := map[string]int{}
	syntax.Walk(r.Tree, func(n syntax.Node) bool {
		for _, s := range settings(n) {
			assigned[s.name]++
			if at == nil && makesTempDir(s.value) {
				name, at = s.name, s.at
			}
		}
		return true
	})
	switch {
	case at == nil:
		return "", nil, ""
	case assigned[name] > 1:
		return name, at, name + " is set more than once"
	}
	for _, st := range r.Tree.Stmts {
		for _, u := range shell.AndList(st) {
			c, call := u.Cmd.(*syntax.CallExpr)
			inFront := call && len(c.Args) > 0 && len(c.Assigns) > 0 // of the command alone
			for _, s := range settings(u.Cmd) {
				if s.at == at && !u.Negated && !u.Background && !inFront {
					return name, at, ""
				}
			}
		}
	}
	return name, at, "the folder is made in a part of the program that need not run"
}

// makesTempDir reports whether a value is $(mktemp -d …), and nothing else.
func makesTempDir(w *syntax.Word) bool {
	if w == nil || len(w.Parts) != 1 {
		return false
	}
	part := w.Parts[0]
	if q, ok := part.(*syntax.DblQuoted); ok && len(q.Parts) == 1 {
		part = q.Parts[0]
	}
	sub, ok := part.(*syntax.CmdSubst)
	if !ok || len(sub.Stmts) != 1 {
		return false
	}
	c, ok := sub.Stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || shell.Name(c) != "mktemp" {
		return false
	}
	for _, a := range shell.Literals(c)[1:] {
		if a == "--directory" || strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.Contains(a, "d") && !strings.HasPrefix(a, "-p") {
			return true
		}
	}
	return false
}

// keepsTempDir says what in a RUN deletes or keeps the folder that a variable
// names.
func (p *Pass) keepsTempDir(r *Program, name string) string {
	why := ""
	for _, c := range p.Facts.Calls(r.In) {
		n := c.Name()
		uses := false
		if c.Nested { // the names of its variables are not known
			uses = slices.ContainsFunc(c.Fields, func(f facts.Field) bool { return !f.Known })
		} else {
			for _, a := range c.Expr.Args {
				text := r.Script.NodeText(a)
				uses = uses || strings.Contains(text, "$"+name) || strings.Contains(text, "${"+name)
			}
		}
		switch {
		case n == "rm" || n == "trap" || n == "rmdir" || n == "find":
			if uses {
				return quietObstacle
			}
			for _, f := range c.Fields {
				if strings.HasPrefix(f.Text, "/tmp") {
					return quietObstacle
				}
			}
		case !uses:
		case n == "ln" || n == "echo" || n == "printf" || n == "mv" || n == "eval":
			why = n + " is told of the folder"
		}
	}
	return why
}
