package transform

import (
	"errors"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/shell"
)

// InsertBehind adds a command right behind a simple command that is a plain
// statement, so that it runs when that one has succeeded, and everything else
// runs and fails as before. The error says why that cannot be done.
func (r *Program) InsertBehind(c *syntax.CallExpr, text string) ([]emit.Edit, []plan.Effect, error) {
	st := r.Stmt(c)
	if st == nil || st.Negated || st.Background || st.Coprocess {
		return nil, nil, errors.New("the command is not a plain statement")
	}
	semi, err := r.behindMode(st)
	if err != nil {
		return nil, nil, err
	}
	for _, rd := range st.Redirs {
		if rd.Hdoc != nil {
			return nil, nil, errors.New("the command reads a here-document")
		}
	}
	at := r.end(st)
	if r.commentFollows(at) {
		return nil, nil, errors.New("a comment stands behind the command")
	}
	return []emit.Edit{{Span: parse.Span{Start: at, End: at}, New: r.joint(st, semi, text)}},
		[]plan.Effect{plan.Behind{Instr: r.In.Index, Index: r.Index(c), Semi: semi, Text: text}}, nil
}

// commentFollows reports whether a comment of the shell program starts on the
// same line behind an offset.
func (r *Program) commentFollows(at int) bool {
	found := false
	syntax.Walk(r.Tree, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.Comment); ok {
			if start := r.Span(c).Start; start >= at && r.file.Position(start).Line == r.file.Position(at).Line {
				found = true
			}
		}
		return true
	})
	return found
}

// behindMode decides how a command is joined behind a statement. Under set -e
// the failure of a command that && follows does not end the shell, see
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_26_03.
func (r *Program) behindMode(st *syntax.Stmt) (semi bool, err error) {
	const (
		unknown = iota
		inList
		inChain
	)
	where, lastInChain, lastChain := unknown, false, false
	var visit func(list []*syntax.Stmt, top bool)
	var inside func(s *syntax.Stmt, last bool)
	inside = func(s *syntax.Stmt, last bool) {
		chain := shell.AndList(s)
		for i, o := range chain {
			if o == st {
				where, lastInChain, lastChain = inChain, i == len(chain)-1, last
				if len(chain) == 1 {
					where = inList
				}
				return
			}
			switch c := o.Cmd.(type) {
			case *syntax.Block:
				visit(c.Stmts, last && i == len(chain)-1 && len(o.Redirs) == 0)
			case *syntax.Subshell:
				visit(c.Stmts, false)
			case *syntax.IfClause:
				for n := c; n != nil; n = n.Else {
					visit(n.Then, false)
				}
			case *syntax.ForClause:
				visit(c.Do, false)
			case *syntax.WhileClause:
				visit(c.Do, false)
			case *syntax.CaseClause:
				for _, it := range c.Items {
					visit(it.Stmts, false)
				}
			}
		}
	}
	visit = func(list []*syntax.Stmt, top bool) {
		for i, s := range list {
			if where == unknown {
				inside(s, top && i == len(list)-1)
			}
		}
	}
	visit(r.Tree.Stmts, true)
	switch {
	case where == unknown:
		return false, errors.New("nothing can be added behind the command")
	case !r.mayErrExit():
		return false, nil
	case where == inList:
		return true, nil
	case lastChain || !lastInChain:
		return false, nil
	}
	return false, errors.New("set -e is in force and the command ends a chain")
}

// mayErrExit reports whether set -e may be in force somewhere.
func (r *Program) mayErrExit() bool {
	if r.State.Shell.ErrExit || shell.ErrExitHead(r.Tree) != nil {
		return true
	}
	for _, c := range shell.ScopeOf(r.Tree.Stmts, r.Tree.Last).Changes {
		if c == "set" || c == "eval" || c == "." || c == "source" {
			return true
		}
	}
	return r.Script.Shebang
}
