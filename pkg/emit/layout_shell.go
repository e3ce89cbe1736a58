package emit

import (
	"slices"
	"sort"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

// What breaks first when a line of a shell program is too wide. rankDepth is
// added for each level of nesting.
const (
	rankAnd = rankShell + iota
	rankOr
	rankPipe
	rankBody
	rankList
	rankArgs
	rankDepth = 10
)

// annotator walks the tree of a shell program and notes what the layout has
// to know about the gaps between its tokens. Offsets are those of the
// script's text; the text is one line, since BuildKit has joined it.
type annotator struct {
	d        *doc
	s        *shell.Script
	n        int // length of the command line; what follows are here-documents
	trailing bool
	force    bool // one command per line
	notes    []note
	whole    []parse.Span // parts of the text that stay as they are, in text offsets
	made     []*construct
	lone     bool // the next statement is the whole program
}

// note is what is known about the gap before the token at off.
type note struct {
	off   int
	p     piece
	group *group
	keep  bool // no white space where the writer has none
	tight bool // no white space where the token before allows it
}

func off(p syntax.Pos) int { return int(p.Offset()) }

// program lays out the whole script. cmd is the construct that the script
// stands in, if any.
func (a *annotator) program(file *syntax.File, cmd *construct) {
	text := a.s.Map.Text[:a.n]
	a.notes = slices.Grow(a.notes, len(text)/8+4)
	root := a.construct(0, cmd)
	g := a.group(&group{rank: rankAnd, strict: true})
	stmts := file.Stmts
	for i, st := range stmts {
		if off(st.Position) >= a.n {
			break
		}
		p := piece{flat: " ", at: root, section: true}
		if i == 0 {
			a.note(st.Position, note{p: piece{flat: " ", delta: 1}})
		} else {
			p.broken = a.force
			a.note(st.Position, note{p: p, group: g})
		}
		a.lone = len(stmts) == 1 && cmd == nil && alone(st)
		a.stmt(st, cmd, 0, a.force && len(stmts) == 1)
	}
	if strings.IndexByte(text, '#') >= 0 {
		syntax.Walk(file, func(n syntax.Node) bool {
			if c, ok := n.(*syntax.Comment); ok && off(c.Hash) < a.n && !a.inside(off(c.Hash)) {
				a.note(c.Hash, note{p: piece{flat: " ", fixed: true}})
				a.whole = append(a.whole, parse.Span{Start: off(c.Hash), End: a.n})
			}
			return true
		})
	}
	a.tokens(text)
}

// alone reports whether a program is one command or pipeline: what follows its
// first line is part of it, and needs no level to tell it from other commands.
func alone(st *syntax.Stmt) bool {
	switch cmd := st.Cmd.(type) {
	case *syntax.CallExpr, *syntax.DeclClause:
		return true
	case *syntax.BinaryCmd:
		return cmd.Op == syntax.Pipe || cmd.Op == syntax.PipeAll
	}
	return false
}

// inside reports whether an offset is in a part that stays as it is.
func (a *annotator) inside(o int) bool {
	for _, w := range a.whole {
		if w.Start <= o && o < w.End {
			return true
		}
	}
	return false
}

func (a *annotator) construct(o int, opener *construct) *construct {
	c := &construct{off: o, opener: opener}
	a.made = append(a.made, c)
	return c
}

func (a *annotator) group(g *group) *group {
	a.d.groups = append(a.d.groups, g)
	return g
}

func (a *annotator) note(pos syntax.Pos, n note) { a.noteAt(off(pos), n) }

func (a *annotator) noteAt(o int, n note) {
	if o < a.n {
		n.off = o
		a.notes = append(a.notes, n)
	}
}

// keepWhole marks a part of the text that the layout does not look into.
func (a *annotator) keepWhole(lo, hi int) {
	if hi > a.n {
		hi = a.n
	}
	if lo < hi {
		a.whole = append(a.whole, parse.Span{Start: lo, End: hi})
	}
}

// tokens cuts the text into pieces: at white space outside the parts that stay
// whole, and at the notes.
func (a *annotator) tokens(text string) {
	byOff := func(x, y note) int { return x.off - y.off }
	if !slices.IsSortedFunc(a.notes, byOff) {
		slices.SortStableFunc(a.notes, byOff)
	}
	slices.SortFunc(a.whole, func(x, y parse.Span) int { return x.Start - y.Start })
	base := len(a.d.pieces)
	a.d.pieces = slices.Grow(a.d.pieces, len(a.notes)+len(a.notes)/4)
	notes, whole := a.notes, a.whole
	var at *construct
	end := 0 // of the token before
	for i := 0; i < len(text); {
		if text[i] == ' ' || text[i] == '\t' {
			i++
			continue
		}
		start := i
		for i < len(text) {
			for len(whole) > 0 && whole[0].End <= i {
				whole = whole[1:]
			}
			if len(whole) > 0 && whole[0].Start <= i {
				i = whole[0].End
			} else if text[i] == ' ' || text[i] == '\t' {
				break
			} else {
				i++
			}
			for len(notes) > 0 && notes[0].off < start {
				notes = notes[1:]
			}
			k := 0
			for k < len(notes) && notes[k].off <= start {
				k++
			}
			if k < len(notes) && notes[k].off <= i {
				i = max(notes[k].off, start+1)
				break
			}
		}
		n := note{off: -1}
		for len(notes) > 0 && notes[0].off <= start {
			if notes[0].off == start && n.off < 0 {
				n = notes[0]
			}
			notes = notes[1:]
		}
		p := n.p
		if n.off < 0 {
			p = piece{flat: " ", at: at, delta: 1}
			n.keep = true
		} else if p.at != nil {
			at = p.at
		}
		p.src, p.lo = a.s.Map.Span(start, i), start
		if n.keep && start == end && start > 0 {
			p.flat, n.group = "", nil
		}
		if n.tight && start > 0 && canTouch(text[end-1], text[start]) && !opensHeredoc(text[:end]) {
			p.flat = ""
		}
		k := a.d.add(p)
		if n.group != nil {
			a.d.join(n.group, k)
		}
		end = i
	}
	pieces := a.d.pieces[base:]
	for _, c := range a.made {
		k := sort.Search(len(pieces), func(i int) bool { return pieces[i].lo > c.off })
		c.piece = base + max(k-1, 0)
	}
}

// canTouch reports whether two tokens may stand next to each other without
// becoming another token.
func canTouch(before, after byte) bool {
	if strings.IndexByte(`;&|<>$\!`, before) >= 0 {
		return false
	}
	return before != '(' || after != '('
}

// opensHeredoc reports whether a text ends in a word that BuildKit may take for
// the start of a here-document. For it, words end at white space only: what
// touched the word would become part of the delimiter.
func opensHeredoc(text string) bool {
	return strings.Contains(text[strings.LastIndexAny(text, " \t")+1:], "<<")
}

// stmts notes the statements of a body.
func (a *annotator) stmts(list []*syntax.Stmt, first note, g *group, at *construct, depth int) {
	for i, st := range list {
		n := note{p: piece{flat: " ", at: at, delta: 1, section: true}, group: g}
		if i == 0 {
			first.p.at, first.p.delta, first.group = at, 1, g
			n = first
		}
		a.note(st.Position, n)
		a.stmt(st, at, depth, false)
	}
}

var space = note{p: piece{flat: " "}}

// stmt notes what is in a statement. opener is the construct around it; all
// says that each command of an and-or list gets a line.
func (a *annotator) stmt(st *syntax.Stmt, opener *construct, depth int, all bool) {
	c := a.construct(off(st.Position), opener)
	c.lone, a.lone = a.lone, false
	rank := depth * rankDepth
	if st.Negated {
		a.noteAt(a.skip(off(st.Position)+1), note{p: piece{flat: " ", at: c, delta: 1}})
	}
	switch cmd := st.Cmd.(type) {
	case *syntax.CallExpr:
		a.call(st, cmd, c, rank)
	case *syntax.DeclClause:
		a.decl(st, cmd, c, rank)
	case *syntax.BinaryCmd:
		if cmd.Op == syntax.Pipe || cmd.Op == syntax.PipeAll {
			a.chain(st, c, opener, depth, false)
		} else {
			a.chain(st, c, opener, depth, all)
		}
	case *syntax.Subshell:
		if text := a.s.Map.Text; text[off(cmd.Lparen)+1] == '(' {
			// Two subshells for dash, arithmetic for the shells that know it:
			// the parentheses must stay together.
			a.keepWhole(off(cmd.Lparen), off(cmd.Rparen)+1)
			break
		}
		a.enclosed(cmd.Stmts, off(cmd.Lparen)+1, cmd.Rparen, c, depth, true)
	case *syntax.Block:
		a.enclosed(cmd.Stmts, off(cmd.Lbrace)+1, cmd.Rbrace, c, depth, false)
	case *syntax.IfClause:
		a.ifClause(cmd, c, depth)
	case *syntax.WhileClause:
		g := a.body(rank)
		c.header = true
		a.stmts(cmd.Cond, space, nil, c, depth+1)
		a.loop(cmd.DoPos, cmd.Do, cmd.DonePos, g, c, depth)
	case *syntax.ForClause:
		g := a.body(rank)
		a.forClause(cmd, c, rank)
		a.loop(cmd.DoPos, cmd.Do, cmd.DonePos, g, c, depth)
	case *syntax.CaseClause:
		a.caseClause(cmd, c, depth)
	case *syntax.FuncDecl:
		a.note(cmd.Body.Position, note{p: piece{flat: " ", at: c, merge: +1}})
		a.stmt(cmd.Body, opener, depth, false)
	case *syntax.TimeClause:
		if cmd.Stmt != nil {
			a.note(cmd.Stmt.Position, note{p: piece{flat: " ", at: c, delta: 1}})
			a.stmt(cmd.Stmt, opener, depth, false)
		}
	case nil:
	default:
		a.keepWhole(off(cmd.Pos()), off(cmd.End()))
	}
	if _, ok := st.Cmd.(*syntax.CallExpr); !ok {
		if _, ok := st.Cmd.(*syntax.DeclClause); !ok {
			a.redirs(st.Redirs, st, c, rank)
		}
	}
	if st.Semicolon.IsValid() {
		n := note{p: piece{at: c, comDelta: 1, role: roleSemi}}
		if st.Background || st.Coprocess {
			n.p.flat, n.p.role = " ", roleNone
		} else {
			n.p.flat, n.tight = " ", true
		}
		a.note(st.Semicolon, n)
	}
}

// skip returns the offset of the next byte that is no white space.
func (a *annotator) skip(o int) int {
	for o < a.n && (a.s.Map.Text[o] == ' ' || a.s.Map.Text[o] == '\t') {
		o++
	}
	return o
}

func (a *annotator) body(rank int) *group {
	return a.group(&group{rank: rank + rankBody, strict: true, inner: true})
}

// chain notes the operators of an and-or list or of a pipeline.
func (a *annotator) chain(st *syntax.Stmt, c, opener *construct, depth int, all bool) {
	type link struct {
		op   syntax.BinCmdOperator
		pos  syntax.Pos
		stmt *syntax.Stmt
	}
	pipe := func(op syntax.BinCmdOperator) bool { return op == syntax.Pipe || op == syntax.PipeAll }
	b := st.Cmd.(*syntax.BinaryCmd)
	isPipe := pipe(b.Op)
	var links []link // from the last to the first
	for {
		links = append(links, link{b.Op, b.OpPos, b.Y})
		x, ok := b.X.Cmd.(*syntax.BinaryCmd)
		if !ok || pipe(x.Op) != isPipe || b.X.Negated || len(b.X.Redirs) > 0 || b.X.Semicolon.IsValid() {
			break
		}
		b = x
	}
	rank := depth * rankDepth
	and := a.group(&group{rank: rank + rankAnd, strict: true})
	or := a.group(&group{rank: rank + rankOr})
	pipes := a.group(&group{rank: rank + rankPipe})
	a.stmt(b.X, opener, depth, false)
	for i := len(links) - 1; i >= 0; i-- {
		l := links[i]
		line := note{p: piece{flat: " ", at: c, role: roleAnd}}
		glue := note{p: piece{flat: " ", at: c, delta: 1}}
		switch {
		case isPipe:
			line.group, line.p.delta, line.p.role = pipes, 1, rolePipe
		case l.op == syntax.AndStmt:
			line.group = and
			line.p.broken = all
		default:
			line.group = or
		}
		if a.trailing {
			glue.p.merge = +1
			a.note(l.pos, glue)
			a.note(l.stmt.Position, line)
		} else {
			glue.p.merge = -1
			a.note(l.pos, line)
			a.note(l.stmt.Position, glue)
		}
		a.stmt(l.stmt, opener, depth, false)
	}
}

// enclosed notes a subshell, a group or a command substitution: inner is the
// offset behind the opening token.
func (a *annotator) enclosed(list []*syntax.Stmt, inner int, end syntax.Pos, c *construct, depth int, tight bool) {
	c.paren = true
	g := a.group(&group{rank: depth*rankDepth + rankBody, strict: true})
	a.stmts(list, note{p: piece{flat: " "}, tight: tight}, g, c, depth+1)
	n := note{p: piece{flat: " ", at: c, comDelta: 1}, group: g}
	o := off(end)
	n.tight = tight && o > 0 && a.s.Map.Text[o-1] != ')' && !strings.HasSuffix(strings.TrimRight(a.s.Map.Text[:o], " \t"), ")")
	n.keep = !n.tight && tight
	a.note(end, n)
}

// ifClause notes if, elif and else.
func (a *annotator) ifClause(cmd *syntax.IfClause, c *construct, depth int) {
	g := a.body(depth * rankDepth)
	for first := true; cmd != nil; first, cmd = false, cmd.Else {
		h := c
		if !first {
			a.note(cmd.Position, note{p: piece{flat: " ", at: c, comDelta: 1}, group: g})
			h = a.construct(off(cmd.Position), c.opener)
		}
		h.header = true
		if cmd.ThenPos.IsValid() {
			a.stmts(cmd.Cond, space, nil, h, depth+1)
			a.note(cmd.ThenPos, note{p: piece{flat: " ", at: c, merge: +1}})
		}
		a.stmts(cmd.Then, space, g, c, depth+1)
		if cmd.Else == nil {
			a.note(cmd.FiPos, note{p: piece{flat: " ", at: c, comDelta: 1}, group: g})
		}
	}
}

// loop notes do, the body and done.
func (a *annotator) loop(do syntax.Pos, body []*syntax.Stmt, done syntax.Pos, g *group, c *construct, depth int) {
	a.note(do, note{p: piece{flat: " ", at: c, merge: +1}})
	a.stmts(body, space, g, c, depth+1)
	a.note(done, note{p: piece{flat: " ", at: c, comDelta: 1}, group: g})
}

// forClause notes the head of a for loop.
func (a *annotator) forClause(cmd *syntax.ForClause, c *construct, rank int) {
	w, ok := cmd.Loop.(*syntax.WordIter)
	if !ok {
		a.keepWhole(off(cmd.Loop.Pos()), off(cmd.Loop.End()))
		return
	}
	o := off(cmd.DoPos) - 1
	text := a.s.Map.Text
	for o > 0 && (text[o] == ' ' || text[o] == '\t') {
		o--
	}
	semi := o > 0 && text[o] == ';'
	own := false // the semicolon has a line of its own
	if semi {
		k := o - 1
		for k > 0 && (text[k] == ' ' || text[k] == '\t') {
			k--
		}
		own = !a.s.Map.Contiguous(k, o+1)
	}
	delta := 2
	if own {
		delta = 1
	}
	g := a.group(&group{rank: rank + rankArgs, fill: true})
	for _, it := range w.Items {
		a.note(it.Pos(), note{p: piece{flat: " ", at: c, delta: delta}, group: g})
		a.word(it, c)
	}
	if semi && len(w.Items) > 0 {
		a.noteAt(o, note{p: piece{flat: " ", at: c, comDelta: 1}, tight: true})
	}
}

// caseClause notes the items of a case.
func (a *annotator) caseClause(cmd *syntax.CaseClause, c *construct, depth int) {
	rank := depth * rankDepth
	text := a.s.Map.Text
	a.note(cmd.Word.Pos(), note{p: piece{flat: " ", at: c, delta: 1}})
	a.word(cmd.Word, c)
	a.note(cmd.In, note{p: piece{flat: " ", at: c, merge: +1}})
	g := a.body(rank)
	for _, it := range cmd.Items {
		if len(it.Patterns) == 0 {
			continue
		}
		o := off(it.Patterns[0].Pos())
		k := o - 1
		for k > 0 && (text[k] == ' ' || text[k] == '\t') {
			k--
		}
		paren := k > off(cmd.In) && text[k] == '('
		start := o
		if paren {
			start = k
		}
		ic := a.construct(start, c)
		a.noteAt(start, note{p: piece{flat: " ", at: c, delta: 1}, group: g})
		for i, p := range it.Patterns {
			if i > 0 || paren {
				a.note(p.Pos(), note{p: piece{flat: " ", at: ic, delta: 1}, keep: true})
			}
			a.keepWhole(off(p.Pos()), off(p.End()))
		}
		body := a.group(&group{rank: rank + rankDepth + rankBody, strict: true})
		a.stmts(it.Stmts, space, body, ic, depth+2)
		if it.OpPos.IsValid() && off(it.OpPos) < off(cmd.Esac) {
			n := note{p: piece{flat: " ", at: ic, delta: 1}}
			a.note(it.OpPos, n)
		}
	}
	a.note(cmd.Esac, note{p: piece{flat: " ", at: c, comDelta: 1}, group: g})
}
