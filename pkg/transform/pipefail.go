package transform

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/shell"
)

var _ = register(&pipefailTransform)

var pipefailTransform = Transform{
	Name: "pipefail", Group: "metadata", Codes: []string{"DL4006"}, Safety: Unsafe, Run: pipefail,
	Doc: &page{
		Summary: "Let a RUN fail when any part of a pipe fails.",
		What:    "A RUN with a pipe starts with `set -o pipefail`, where its shell has it: bash, Alpine's ash, and the sh of the Red Hat, SUSE and Arch families.",
		Why:     "Without it only the last command of a pipe counts: `curl … | tar x` succeeds when the download fails.",
		Before:  "FROM alpine:3.20\nRUN wget -qO- https://example.com/x | sh",
		After:   "FROM alpine:3.20\nRUN set -o pipefail && wget -qO- https://example.com/x | sh",
		Instead: "The dash of Debian and Ubuntu has no pipefail: use `SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]`. Pipes that end early on purpose (head, grep -q) stay.",
		Safety:  "Unsafe: a build whose pipes failed unnoticed fails now.",
		Refs:    []string{practicesURL + "#using-pipes", "https://github.com/hadolint/hadolint/wiki/DL4006"},
	},
}

func pipefail(p *Pass) {
	for _, r := range p.Programs() {
		if !strings.Contains(r.Script.Text(), "|") {
			continue
		}
		pipe := (*syntax.BinaryCmd)(nil)
		early := ""
		unseen := unseenPipes(r.Tree, r.strict())
		syntax.Walk(r.Tree, func(n syntax.Node) bool {
			b, ok := n.(*syntax.BinaryCmd)
			if !ok || b.Op != syntax.Pipe && b.Op != syntax.PipeAll {
				return true
			}
			if pipe == nil && !unseen[b] {
				pipe = b
			}
			for _, c := range shell.Commands(b) {
				if endsEarly(c) {
					early = shell.Name(c)
				}
			}
			return true
		})
		if pipe == nil || r.State.Shell.PipeFail || setsPipefail(r) {
			continue
		}
		at := r.Span(pipe)
		family := r.State.Stage.Family
		has := r.Script.Lang == shell.Bash || family == facts.Alpine || family == facts.RedHat || family == facts.SUSE || family == facts.Arch
		switch {
		case !has:
			p.Skip(at, "the shell is not known to have pipefail (%s)", family)
			continue
		case early != "":
			p.Skip(at, "%s ends the pipe early, or fails on purpose", early)
			continue
		case r.Script.Kind != shell.Line:
			p.Skip(at, "a here-document")
			continue
		}
		reason := "only the last command of a pipe counts otherwise"
		if head := shell.ErrExitHead(r.Tree); head != nil {
			edits, effects, err := r.EditCommand(head, Op{At: len(head.Args) - 1, Insert: "-o pipefail"})
			if err != nil {
				p.Skip(at, "%v", err)
				continue
			}
			p.Report(Change{Title: "set -o pipefail", At: at, Safety: Unsafe, Reason: reason, Edits: edits, Effects: effects})
			continue
		}
		start := r.Script.Source(r.Tree.Stmts[0].Pos())
		op, semi := " && ", len(r.Tree.Stmts) > 1
		// a || b && c: && in front would bind to a alone.
		for st := r.Tree.Stmts[0]; ; {
			b, ok := st.Cmd.(*syntax.BinaryCmd)
			if !ok {
				break
			}
			semi = semi || b.Op == syntax.OrStmt
			st = b.X
		}
		if semi {
			op = "; "
		}
		p.Report(Change{
			Title: "set -o pipefail", At: at, Safety: Unsafe, Reason: reason,
			Edits:   []emit.Edit{{Span: parse.Span{Start: start, End: start}, New: "set -o pipefail" + op}},
			Effects: []plan.Effect{plan.Prepend{Instr: r.In.Index, Semi: semi, Text: "set -o pipefail"}},
		})
	}
}

// endsEarly reports whether a command stops to read its input before the end,
// so that the one that writes fails, or tells something by failing.
func endsEarly(c *syntax.CallExpr) bool {
	script := ""
	for _, w := range c.Args[min(1, len(c.Args)):] {
		if text, ok := shell.Literal(w); ok && !strings.HasPrefix(text, "-") {
			script = text
			break
		}
	}
	switch shell.Name(c) {
	case "head", "grep", "egrep", "fgrep", "zgrep", "pgrep", "yes", "less", "more", "read", "diff", "cmp", "which", "ldd":
		return true
	case "awk", "gawk", "mawk":
		return script == "" || strings.Contains(script, "exit")
	case "sed":
		// The command q behind an address, a brace or a semicolon: 1q, /x/q, {p;q}.
		return script == "" || strings.HasSuffix(strings.TrimRight(strings.ToLower(script), "} ;0123456789"), "q")
	}
	return false
}

// unseenPipes returns the pipes whose status nothing looks at: those in the
// command substitutions of a command's arguments, and of export and the like, and
// without set -e (strict) those that a semicolon follows.
func unseenPipes(tree *syntax.File, strict bool) map[*syntax.BinaryCmd]bool {
	unseen := map[*syntax.BinaryCmd]bool{}
	mark := func(root syntax.Node) {
		syntax.Walk(root, func(n syntax.Node) bool {
			if sub, ok := n.(*syntax.CmdSubst); ok {
				syntax.Walk(sub, func(n syntax.Node) bool {
					if b, ok := n.(*syntax.BinaryCmd); ok {
						unseen[b] = true
					}
					return true
				})
			}
			return true
		})
	}
	if !strict && len(tree.Stmts) > 0 {
		for _, st := range tree.Stmts[:len(tree.Stmts)-1] {
			if b, ok := st.Cmd.(*syntax.BinaryCmd); ok && (b.Op == syntax.Pipe || b.Op == syntax.PipeAll) {
				unseen[b] = true
			}
		}
	}
	syntax.Walk(tree, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.DeclClause:
			mark(n)
		case *syntax.CallExpr:
			if len(n.Args) > 0 {
				mark(n)
			}
		case *syntax.Redirect:
			mark(n)
		}
		return true
	})
	return unseen
}

// setsPipefail reports whether a program turns pipefail on itself.
func setsPipefail(r *Program) bool {
	for _, c := range r.Cmds {
		if shell.Name(c) != "set" {
			continue
		}
		for _, w := range shell.Literals(c) {
			if w == "pipefail" {
				return true
			}
		}
	}
	return false
}
