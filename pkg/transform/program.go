package transform

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

// Program is a shell-form RUN whose program is understood, with what one needs to
// edit it. For ONBUILD RUN, In is the ONBUILD.
type Program struct {
	In     *parse.Instruction
	Script *shell.Script
	Tree   *syntax.File
	Cmds   []*syntax.CallExpr // the simple commands; plan effects name them by index
	State  *facts.State

	file  *parse.File
	stmts map[*syntax.CallExpr]*syntax.Stmt
	used  *usage // see programUses
	index programIndex
}

// Program returns the program of a RUN instruction, or nil and why there is none:
// exec form, a shell that is not POSIX, text that does not parse.
func (p *Pass) Program(in *parse.Instruction) (*Program, string) {
	if r, ok := p.programs[in]; ok && r != nil {
		return r, ""
	}
	run := in
	if in.Child != nil {
		run = in.Child
	}
	switch {
	case run.Name != "RUN":
		return nil, "not a RUN"
	case run.Form == parse.Exec:
		return nil, "exec form"
	case run.Form != parse.Shell:
		return nil, "not understood: " + in.OpaqueCause
	}
	s := p.Facts.Script(in)
	tree, err := s.Parse()
	cmds, _ := s.Commands()
	if err != nil {
		if s.Shebang {
			return nil, "the here-document has an interpreter line"
		}
		if s.Lang == shell.None {
			return nil, "the shell in effect is not a POSIX shell"
		}
		return nil, "the shell program does not parse: " + err.Error()
	}
	r := &Program{In: in, Script: s, Tree: tree, Cmds: cmds, State: p.Facts.At(in), file: p.File}
	p.programs[in] = r
	return r, ""
}

// Programs returns the RUN instructions whose programs are understood, ONBUILD's
// excepted, in order.
func (p *Pass) Programs() []*Program {
	var out []*Program
	for _, in := range p.File.Instructions {
		if in.Name == "RUN" {
			if r, _ := p.Program(in); r != nil {
				out = append(out, r)
			}
		}
	}
	return out
}

// Span is the source span of a node of the program.
func (r *Program) Span(n syntax.Node) parse.Span { return r.Script.Span(n) }

// Stmt returns the statement that a simple command is.
func (r *Program) Stmt(c *syntax.CallExpr) *syntax.Stmt {
	if r.stmts == nil {
		r.stmts = map[*syntax.CallExpr]*syntax.Stmt{}
		syntax.Walk(r.Tree, func(n syntax.Node) bool {
			if st, ok := n.(*syntax.Stmt); ok {
				if call, ok := st.Cmd.(*syntax.CallExpr); ok {
					r.stmts[call] = st
				}
			}
			return true
		})
	}
	return r.stmts[c]
}
