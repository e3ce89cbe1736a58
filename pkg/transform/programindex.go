package transform

import (
	"cmp"
	"slices"
	"sort"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/internal/lazy"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

// programIndex is what edits of a program ask of its whole tree, so that a RUN
// of thousands of commands is not walked through for each of them. All of it is
// made when it is first asked for.
type programIndex struct {
	commands  map[*syntax.CallExpr]int
	comments  []int        // where those of the tree start, in order
	remarks   []parse.Span // those, and those between the lines of the instruction; by their starts
	ends      []int        // the last end of a remark up to each
	commented bool         // comments, remarks and ends are there
	spots     map[*syntax.Stmt]spot
	seats     map[*syntax.Stmt]seat
	exit      lazy.Answer[errExit]
	functions lazy.Answer[bool]
	chained   lazy.Answer[[]syntax.Pos]
	leading   lazy.Answer[[]int]
	indent    lazy.Answer[string] // see leastIndent
	trails    lazy.Answer[bool]
}

// seat is the statement list, or else the && chain, that a statement is in.
type seat struct {
	list  []*syntax.Stmt
	chain bool
	at    int
}

// Index is the number of a command, as plan effects count them.
func (r *Program) Index(c *syntax.CallExpr) int {
	if r.index.commands == nil {
		r.index.commands = make(map[*syntax.CallExpr]int, len(r.Cmds))
		for i, o := range r.Cmds {
			r.index.commands[o] = i
		}
	}
	if i, ok := r.index.commands[c]; ok {
		return i
	}
	return -1
}

func (r *Program) readComments() *programIndex {
	x := &r.index
	if x.commented {
		return x
	}
	x.commented = true
	x.remarks = slices.Clone(r.In.Comments)
	syntax.Walk(r.Tree, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.Comment); ok {
			sp := r.Span(c)
			x.comments = append(x.comments, sp.Start)
			x.remarks = append(x.remarks, sp)
		}
		return true
	})
	slices.Sort(x.comments)
	slices.SortFunc(x.remarks, func(a, b parse.Span) int { return cmp.Compare(a.Start, b.Start) })
	last := 0
	for _, sp := range x.remarks {
		last = max(last, sp.End)
		x.ends = append(x.ends, last)
	}
	return x
}

// hasComment reports whether a comment of the instruction lies in a span.
func (r *Program) hasComment(sp parse.Span) bool {
	x := r.readComments()
	n := sort.Search(len(x.remarks), func(i int) bool { return x.remarks[i].Start >= sp.End })
	return n > 0 && x.ends[n-1] > sp.Start
}

// commentFollows reports whether a comment of the shell program starts on the
// same line behind an offset.
func (r *Program) commentFollows(at int) bool {
	x := r.readComments()
	i := sort.SearchInts(x.comments, at)
	return i < len(x.comments) && r.file.Position(x.comments[i]).Line == r.file.Position(at).Line
}

// spotOf is where a statement stands in the program.
func (r *Program) spotOf(st *syntax.Stmt) (spot, bool) {
	if r.index.spots == nil {
		r.index.spots = map[*syntax.Stmt]spot{}
		readSpots(r.index.spots, r.Tree.Stmts, spot{last: true, top: true})
	}
	p, ok := r.index.spots[st]
	return p, ok
}

// seatOf is the list or chain that a statement may be taken out of.
func (r *Program) seatOf(st *syntax.Stmt) (seat, bool) {
	if r.index.seats == nil {
		r.index.seats = map[*syntax.Stmt]seat{}
		r.readSeats()
	}
	s, ok := r.index.seats[st]
	return s, ok
}

func (r *Program) readSeats() {
	add := func(list []*syntax.Stmt, chain bool) {
		for i, st := range list {
			r.index.seats[st] = seat{list, chain, i}
		}
	}
	inner := map[*syntax.Stmt]bool{} // the start of another chain
	syntax.Walk(r.Tree, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.File:
			add(n.Stmts, false)
		case *syntax.Subshell:
			add(n.Stmts, false)
		case *syntax.Block:
			add(n.Stmts, false)
		case *syntax.IfClause:
			add(n.Then, false)
		case *syntax.ForClause:
			add(n.Do, false)
		case *syntax.WhileClause:
			add(n.Do, false)
		case *syntax.Stmt:
			if b, ok := n.Cmd.(*syntax.BinaryCmd); ok && b.Op == syntax.AndStmt && !n.Negated && !n.Background && len(n.Redirs) == 0 {
				if !inner[n] {
					add(shell.AndList(n), true)
				}
				inner[b.X] = true
			}
		}
		return true
	})
}
