package transform

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

// layout lays the current text out: one group of edits per instruction. Groups
// that fail a check are dropped, which leaves their instruction as it is.
func (e *engine) layout() {
	if e.opt.Any {
		e.layoutAny()
		return
	}
	v := e.cur
	filter := emit.NewFilter(v.file, e.keep())
	var todo []emit.Group
	e.res.Verbatim = nil
	for _, g := range emit.LayoutScripts(v.file, v.facts.Script, *e.opt.Format) {
		if g = filter.Apply(g); len(g.Edits) > 0 {
			todo = append(todo, g)
		}
		if g.Verbatim != "" && g.Instruction != nil {
			in := g.Instruction
			e.res.Verbatim = append(e.res.Verbatim, Skip{Transform: "layout", At: in.Keyword.Span, Pos: v.file.Position(in.Keyword.Start), Reason: g.Verbatim})
		}
	}
	if len(todo) == 0 {
		return
	}
	next, cmp, err := e.tryLayout(todo)
	if err != nil {
		todo = slices.Concat(sound(todo, err, func(some []emit.Group) error { _, _, err := e.tryLayout(some); return err }, e.dropLayout)...)
		if next, cmp, err = e.tryLayout(todo); err != nil {
			e.res.Internal = append(e.res.Internal, fmt.Sprintf("the layout was dropped: %v", err))
			return
		}
	}
	e.acceptLayout(todo, next, cmp)
}

// layoutAny makes the edits of one group that passes the checks.
func (e *engine) layoutAny() {
	v := e.cur
	filter := emit.NewFilter(v.file, e.keep())
	for g := range emit.LayoutQuickFirst(v.file, v.facts.Script, *e.opt.Format) {
		if g = filter.Apply(g); len(g.Edits) == 0 {
			continue
		}
		one := []emit.Group{g}
		next, cmp, err := e.tryLayout(one)
		if err == nil {
			e.acceptLayout(one, next, cmp)
			return
		}
		e.dropLayout(g, err)
	}
}

// acceptLayout makes a text that was laid out the current one.
func (e *engine) acceptLayout(groups []emit.Group, next *version, cmp plan.Comparison) {
	var edits []emit.Edit
	for _, g := range groups {
		edits = append(edits, g.Edits...)
		if g.Instruction != nil && !e.opt.Any {
			e.res.Formatted++
		}
	}
	if !e.opt.Any {
		e.res.Rebuilt += cmp.Rebuilt
	}
	e.grade = max(e.grade, cmp.Grade)
	e.maps = append(e.maps, newOffsetMap(nil, edits))
	e.cur = next
}

// dropLayout reports a group that failed a check.
func (e *engine) dropLayout(g emit.Group, err error) {
	line := 1
	if in := g.Instruction; in != nil {
		line = in.StartLine
	}
	e.res.Internal = append(e.res.Internal, fmt.Sprintf("%d:1: the layout was dropped: %v", line, err))
}

// tryLayout applies groups and checks that the build stays the same but for
// the layout of shell programs, and that the comments keep their order.
func (e *engine) tryLayout(groups []emit.Group) (*version, plan.Comparison, error) {
	var edits []emit.Edit
	for _, g := range groups {
		edits = append(edits, g.Edits...)
	}
	v := e.cur
	next, err := v.edited(edits, e.opt)
	if err != nil {
		return nil, plan.Comparison{}, err
	}
	cmp := plan.Compare(v.plan, next.plan, nil)
	limit := plan.SameProgram
	if e.opt.Format.CacheNeutral {
		limit = plan.Identical
	}
	if cmp.Grade > limit {
		return nil, cmp, fmt.Errorf("the build would change: %s", strings.Join(cmp.Differences, "; "))
	}
	if next.file.Escape != v.file.Escape || !sameOrder(v.file, next.file) {
		return nil, cmp, errors.New("a comment or directive would move or get lost")
	}
	return next, cmp, nil
}

// sameOrder reports whether two files have the same comments in the same
// order.
func sameOrder(a, b *parse.File) bool {
	trimmed := func(f *parse.File) []string {
		var out []string
		for _, sp := range f.Comments() {
			out = append(out, strings.TrimSpace(sp.Text(f.Src)))
		}
		return out
	}
	return slices.Equal(trimmed(a), trimmed(b))
}
