package emit

import (
	"mvdan.cc/sh/v3/syntax"
)

// word keeps a word whole. Only a command substitution that the writer has
// put on several lines is looked into: white space inside it separates, even
// where the substitution is quoted.
func (a *annotator) word(w *syntax.Word, c *construct) {
	a.parts(w.Parts, off(w.Pos()), off(w.End()), c)
}

func (a *annotator) parts(parts []syntax.WordPart, lo, hi int, c *construct) {
	if hi > a.n || a.s.Map.Contiguous(lo, hi) {
		a.keepWhole(lo, hi)
		return
	}
	from := lo
	var walk func([]syntax.WordPart)
	walk = func(parts []syntax.WordPart) {
		for _, p := range parts {
			switch p := p.(type) {
			case *syntax.DblQuoted:
				walk(p.Parts)
			case *syntax.CmdSubst:
				l, r := off(p.Left), off(p.Right)
				if p.Backquotes || p.TempFile || p.ReplyVar || len(p.Stmts) == 0 || a.s.Map.Contiguous(l, r+1) {
					continue
				}
				if a.s.Map.Text[l:l+2] != "$(" || a.s.Map.Text[l+2] == '(' || off(p.Stmts[0].Position) <= l+1 || !a.plain(p) {
					continue
				}
				a.keepWhole(from, l+2)
				in := a.construct(l, c.opener)
				a.enclosed(p.Stmts, l+2, p.Right, in, 0, true)
				from = r
			}
		}
	}
	walk(parts)
	a.keepWhole(from, hi)
}

// plain reports whether a command substitution has no comments in it, which
// would go to its end.
func (a *annotator) plain(p *syntax.CmdSubst) bool {
	ok := true
	syntax.Walk(p, func(n syntax.Node) bool {
		if _, is := n.(*syntax.Comment); is {
			ok = false
		}
		return ok
	})
	return ok
}

func (a *annotator) assign(as *syntax.Assign, c *construct) {
	lo, hi := off(as.Pos()), off(as.End())
	switch {
	case as.Value != nil && as.Index == nil:
		v := off(as.Value.Pos())
		a.parts(as.Value.Parts, lo, max(hi, v), c)
	case as.Array != nil && as.Index == nil && hi <= a.n && !a.s.Map.Contiguous(lo, hi):
		a.keepWhole(lo, off(as.Array.Lparen)+1)
		in := a.construct(lo, c.opener)
		g := a.group(&group{rank: rankBody, strict: true})
		for i, e := range as.Array.Elems {
			n := note{p: piece{flat: " ", at: in, delta: 1}}
			if i == 0 {
				n.tight, n.group = true, g
			}
			a.note(e.Pos(), n)
			a.keepWhole(off(e.Pos()), off(e.End()))
		}
		a.note(as.Array.Rparen, note{p: piece{flat: " ", at: in, comDelta: 1}, group: g, tight: true})
		a.keepWhole(off(as.Array.Rparen), hi)
	default:
		a.keepWhole(lo, hi)
	}
}
