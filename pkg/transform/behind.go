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
	if r.escapes(st) {
		return nil, nil, errEscapes
	}
	at := r.end(st)
	if r.commentFollows(at) {
		return nil, nil, errors.New("a comment stands behind the command")
	}
	return []emit.Edit{{Span: parse.Span{Start: at, End: at}, New: r.joint(st, semi, text)}},
		[]plan.Effect{plan.Behind{Instr: r.In.Index, Index: r.Index(c), Semi: semi, Text: text}}, nil
}

// behindMode decides how a command is joined behind a statement. Where set -e
// is in force, the failure of a command that && follows does not end the shell;
// where it is not, or is without effect, the failure of a command that a
// semicolon follows goes unnoticed. It is without effect in what && and ||
// follow, and in conditions. See
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_26_03.
func (r *Program) behindMode(st *syntax.Stmt) (semi bool, err error) {
	p, ok := r.spotOf(st)
	on := r.errExit()
	switch {
	case !ok:
		return false, errors.New("nothing can be added behind the command")
	case on == errExitOff || p.ignored || !p.chainEnd:
		return false, nil
	case !p.chain && on == errExitOn:
		return true, nil
	case !p.last:
		return false, errors.New("set -e may be in force and the command ends a list")
	case !simple(st) || runsText(st) || r.hasFunctions():
		// && would turn -e off inside what it runs.
		return false, errors.New("set -e may be in force and the command runs others")
	}
	return false, nil // its failure is the program's
}

// spot is where a statement stands in a program.
type spot struct {
	ignored  bool // set -e is without effect there
	last     bool // its status is the program's
	chain    bool // it is an operand of &&
	chainEnd bool // nothing follows it with &&
	top      bool // it is no part of a compound command
}

// readSpots notes the spots of the statements in a list and in the compound
// commands in it. p is the spot of the list.
func readSpots(spots map[*syntax.Stmt]spot, list []*syntax.Stmt, p spot) {
	for i, s := range list {
		chain := shell.AndList(s)
		for k, o := range chain {
			here := spot{
				ignored: p.ignored, last: p.last && i == len(list)-1 && k == len(chain)-1,
				chain: len(chain) > 1, chainEnd: k == len(chain)-1, top: p.top,
			}
			spots[o] = here
			here.ignored = p.ignored || k < len(chain)-1 || o.Negated
			inside := func(list []*syntax.Stmt, last bool) {
				q := here
				q.top = false
				q.last = here.last && last && !o.Negated
				readSpots(spots, list, q)
			}
			switch c := o.Cmd.(type) {
			case *syntax.Block:
				inside(c.Stmts, len(o.Redirs) == 0)
			case *syntax.Subshell:
				inside(c.Stmts, false)
			case *syntax.IfClause:
				for n := c; n != nil; n = n.Else {
					inside(n.Then, false)
				}
			case *syntax.ForClause:
				inside(c.Do, false)
			case *syntax.WhileClause:
				inside(c.Do, false)
			case *syntax.CaseClause:
				for _, it := range c.Items {
					inside(it.Stmts, false)
				}
			}
		}
	}
}
