package transform

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"sort"
	"strings"
	"sync/atomic"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

const (
	minRounds  = 100
	mostRounds = 1000
	maxGrowth  = 4 // times the original size, with some slack for tiny files
)

// version is a text of the file with everything known about it.
type version struct {
	file  *parse.File
	facts *facts.Facts
	plan  *plan.Plan
}

// Memory is what earlier runs know of the text of one document. A run with an
// edited text does not do again what the texts have in common. Several
// goroutines may use it at once.
type Memory struct{ last atomic.Pointer[version] }

// load parses a text and builds its facts and plan. The error is a
// *parse.Error.
func load(src []byte, opt *Options) (v *version, err error) {
	var before *version
	if opt.Memory != nil {
		before = opt.Memory.last.Load()
	}
	var f *parse.File
	if before != nil {
		f, err = before.file.Update(src)
	} else {
		f, err = parse.Parse(src)
	}
	if err != nil {
		return nil, err
	}
	if v, err = know(f, opt, before); err == nil && opt.Memory != nil {
		opt.Memory.last.Store(v)
	}
	return v, err
}

// edited is the version with some edits applied. What the texts have in common
// is taken over.
func (v *version) edited(edits []emit.Edit, opt *Options) (*version, error) {
	text, err := emit.Apply(v.file.Src, edits)
	if err != nil {
		return nil, err
	}
	f, err := v.file.Reparse(text, replaced(edits))
	if err == nil {
		v, err = know(f, opt, v)
	}
	if err != nil {
		return nil, fmt.Errorf("the result does not parse: %w", err)
	}
	return v, nil
}

// replaced tells the parser what edits did.
func replaced(edits []emit.Edit) []parse.Replaced {
	es := slices.Clone(edits)
	emit.Sort(es)
	out := make([]parse.Replaced, len(es))
	for i, e := range es {
		out[i] = parse.Replaced{Span: e.Span, Len: len(e.New)}
	}
	return out
}

// know builds the facts and the plan of a file.
func know(f *parse.File, opt *Options, before *version) (*version, error) {
	fs := facts.New(f, opt.Facts)
	known := plan.Known{Shell: fs.Shell, Script: fs.Script}
	if before != nil {
		fs.Adopt(before.facts)
		known.Before = before.plan
	}
	p, err := plan.BuildFrom(f, known)
	if err != nil {
		return nil, err
	}
	return &version{f, fs, p}, nil
}

// Run rewrites a Dockerfile. The error is a *parse.Error for a file that
// BuildKit would refuse, an *UnknownNameError for a bad option; src is never
// modified. Changes that fail a check are dropped and named in
// Result.Internal. A panic anywhere below is an *InternalError.
func Run(src []byte, opt Options) (res *Result, err error) {
	defer catch(&err)
	sel, err := choose(&opt)
	if err != nil {
		return nil, err
	}
	v, err := load(src, &opt)
	if err != nil {
		return nil, err
	}
	opt.settle(v)
	e := newEngine(v, &opt, sel)
	if len(sel.list) > 0 {
		e.fixpoint()
	}
	if opt.Format != nil {
		// A layout may open the way for a change (it completes a file that
		// ends with a continuation character), and that needs a layout again.
		for range minRounds {
			before := e.cur
			e.layout()
			if e.cur == before || len(sel.list) == 0 {
				break
			}
			before = e.cur
			e.fixpoint()
			if e.cur == before {
				break
			}
		}
	}
	if opt.Recheck && e.cur != e.orig {
		if err := recheck(e.cur, &opt); err != nil {
			e.res.Internal = append(e.res.Internal, fmt.Sprintf("the result fails its last check: %v; the file was left as it was", err))
			e.revert()
		}
	}
	return e.finish(), nil
}

// recheck parses a text once more, without any short way, and holds its plan
// against the one that was checked step by step.
func recheck(v *version, opt *Options) error {
	f, err := parse.ParseWhole(v.file.Src)
	if err != nil {
		return err
	}
	p, err := plan.Build(f, facts.New(f, opt.Facts).Shell)
	if err != nil {
		return err
	}
	if cmp := plan.Compare(v.plan, p, nil); cmp.Grade != plan.Identical {
		return fmt.Errorf("the build would change: %s", strings.Join(cmp.Differences, "; "))
	}
	return nil
}

type engine struct {
	opt    *Options
	sel    selection
	orig   *version
	cur    *version
	res    *Result
	maps   []*offsetMap // of the rounds, oldest first
	grade  plan.Grade
	rounds int
	banned map[string]bool // proposals that failed a check
	seen   map[string]bool // texts before
}

func newEngine(v *version, opt *Options, sel selection) *engine {
	src := v.file.Src
	return &engine{
		opt: opt, sel: sel, orig: v, cur: v, banned: map[string]bool{}, seen: map[string]bool{string(src): true},
		res: &Result{Before: src, After: src, File: v.file, Grade: plan.Identical.String()},
	}
}

// fixpoint runs rounds until nothing is accepted.
func (e *engine) fixpoint() {
	for round := e.rounds + 1; ; round++ {
		e.rounds = round
		accepted := e.round(round)
		if len(accepted) == 0 {
			return
		}
		text := string(e.cur.file.Src)
		limit := maxGrowth*len(e.orig.file.Src) + 4096
		switch {
		case e.seen[text] && slices.ContainsFunc(accepted, func(c Change) bool { return len(c.Edits) > 0 }):
			e.giveUp("they undo each other", accepted)
			return
		case len(text) > limit:
			e.giveUp("the file grows without end", accepted)
			return
		case round >= e.maxRounds():
			e.giveUp("they never come to an end", accepted)
			return
		}
		e.seen[text] = true
	}
}

// maxRounds is when the engine stops to believe that it will come to an end: an
// instruction may pass one other a round.
func (e *engine) maxRounds() int {
	return min(minRounds+len(e.orig.file.Instructions), mostRounds)
}

// giveUp returns to the original text and names the transforms.
func (e *engine) giveUp(why string, last []Change) {
	var names []string
	for _, c := range last {
		if !slices.Contains(names, c.Transform) {
			names = append(names, c.Transform)
		}
	}
	e.res.Internal = append(e.res.Internal, fmt.Sprintf("%s: %s; the file was left as it was", strings.Join(names, ", "), why))
	e.revert()
}

// revert goes back to the original text.
func (e *engine) revert() {
	e.cur, e.maps, e.grade = e.orig, nil, plan.Identical
	e.res.Changes, e.res.Companions = nil, nil
	e.res.Formatted, e.res.Rebuilt = 0, 0
}

// round proposes, accepts, applies and checks changes once.
func (e *engine) round(round int) []Change {
	proposals, skips, broken := propose(e.cur, e.sel, e.opt)
	if len(broken) > 0 {
		e.res.Internal = append(e.res.Internal, broken...)
		e.sel = e.sel.without(broken)
	}
	if round == 1 {
		e.res.Skips = skips
	}
	var wanted []Change
	for _, c := range proposals {
		e.place(&c)
		switch {
		case e.opt.Lines != nil && !e.touchesLines(&c):
		case c.Safety == Advice:
			if round == 1 {
				e.res.Advice = append(e.res.Advice, c)
			}
		case c.Safety == Unsafe && !e.opt.Unsafe && !e.namedUnsafe(c.Transform):
			if round == 1 {
				e.res.Available = append(e.res.Available, c)
			}
		case len(c.Edits) == 0 && e.written(&c):
		case !e.banned[key(e.cur.file, &c)]:
			c.Round = round
			wanted = append(wanted, c)
		}
	}
	chosen := compatible(wanted)
	if len(chosen) == 0 {
		return nil
	}
	next, _, err := e.try(chosen)
	if err != nil {
		groups := sound(chosen, err, func(some []Change) error { _, _, err := e.try(some); return err }, e.drop)
		if len(groups) == 0 {
			return e.again(round)
		}
		if chosen, next = e.together(groups); next == nil {
			return e.again(round)
		}
	}
	e.accept(next, chosen)
	return chosen
}

// sound returns groups of some items, each of which passes try, given the error
// of all together; drop is told of the items in no group. It halves them, so
// that few bad ones among many cost few tries.
func sound[T any](items []T, err error, try func([]T) error, drop func(T, error)) (groups [][]T) {
	if len(items) == 1 {
		drop(items[0], err)
		return nil
	}
	for _, half := range [][]T{items[:len(items)/2], items[len(items)/2:]} {
		if err := try(half); err != nil {
			groups = append(groups, sound(half, err, try, drop)...)
		} else {
			groups = append(groups, half)
		}
	}
	return groups
}

// together returns as many of several groups as pass the checks together, the
// first of them first, and the version that they make. The rest proposes itself
// again.
func (e *engine) together(groups [][]Change) (chosen []Change, next *version) {
	if all := slices.Concat(groups...); len(groups) > 1 {
		if next, _, err := e.try(all); err == nil {
			return all, next
		}
	}
	for _, g := range groups {
		more := slices.Concat(chosen, g)
		v, _, err := e.try(more)
		switch {
		case err == nil:
			chosen, next = more, v
		case len(chosen) == 0: // alone, it has passed before
			e.drop(g[0], err)
		}
	}
	return chosen, next
}

// drop reports a change that failed a check, and sees to it that it is not
// tried again.
func (e *engine) drop(c Change, err error) {
	e.banned[key(e.cur.file, &c)] = true
	e.res.Internal = append(e.res.Internal, fmt.Sprintf("%d:%d: %s (%s): dropped: %v", c.Pos.Line, c.Pos.Col, c.Title, c.Transform, err))
}

// again proposes once more after bans, unless nothing is left.
func (e *engine) again(round int) []Change {
	if round >= e.maxRounds() {
		return nil
	}
	return e.round(round + 1)
}

func (e *engine) namedUnsafe(name string) bool {
	for t := range e.sel.named {
		if t.Name == name {
			return true
		}
	}
	return false
}

// propose runs the transforms on a version. broken names those that panicked;
// what they proposed is left out.
func propose(v *version, sel selection, opt *Options) (changes []Change, skips []Skip, broken []string) {
	p := newPass(v, opt)
	for _, t := range sel.list {
		p.transform = t
		n := len(p.changes)
		if err := p.run(t); err != nil {
			p.changes = p.changes[:n]
			broken = append(broken, t.Name+": "+err.Error())
		}
	}
	quiet := suppressions(v.file)
	var kept []Change
	for _, c := range p.changes {
		if why := quiet.covers(v.file, &c); why != "" {
			p.skips = append(p.skips, Skip{Transform: c.Transform, At: c.At, Pos: v.file.Position(c.At.Start), Reason: why})
			continue
		}
		c.Before = c.At.Text(v.file.Src)
		kept = append(kept, c)
	}
	if len(sel.list) > 0 {
		kept = append(kept, quiet.unused(v.file, sel, p.skips)...)
	}
	return kept, p.skips, broken
}

// run runs a transform; a panic in it is an error.
func (p *Pass) run(t *Transform) (err error) {
	defer catch(&err)
	t.Run(p)
	return nil
}

// InternalError is a bug in refit: a panic. The file was left as it was.
type InternalError struct {
	Panic any
	Stack []byte
}

func (e *InternalError) Error() string { return fmt.Sprintf("internal error: %v", e.Panic) }

// catch turns a panic into an *InternalError.
func catch(err *error) {
	if r := recover(); r != nil {
		*err = &InternalError{Panic: r, Stack: debug.Stack()}
	}
}

// key names a proposal so that a failed one is not tried again.
func key(f *parse.File, c *Change) string {
	return c.Transform + "\x00" + c.Title + "\x00" + c.At.Text(f.Src)
}

// compatible keeps the changes whose edits can be applied together, first
// come first served. The others propose themselves again in the next round, as
// do those that wait while a change wants to merge their RUN.
func compatible(changes []Change) []Change {
	var out []Change
	merged := map[int]bool{}       // the instructions that are to become part of another
	edits := map[int][]emit.Edit{} // the accepted ones, by the 256-byte pieces of the file that they touch
	paths := map[string]bool{}
	rewritten, replaced := map[int]bool{}, map[int]bool{} // instructions
	if i := slices.IndexFunc(changes, func(c Change) bool { return c.Alone }); i >= 0 {
		return changes[i : i+1]
	}
	pieces := func(e emit.Edit, f func(piece int)) {
		for i := e.Start >> 8; i <= e.End>>8; i++ {
			f(i)
		}
	}
	for _, c := range changes {
		for _, eff := range c.Effects {
			if m, ok := eff.(plan.Merge); ok {
				for _, i := range m.Instrs {
					merged[i] = true
				}
			}
		}
	}
next:
	for _, c := range changes {
		if c.waits && slices.ContainsFunc(c.Effects, func(eff plan.Effect) bool { return merged[addsTo(eff)] }) {
			continue
		}
		for _, e := range c.Edits {
			conflict := false
			pieces(e, func(i int) {
				conflict = conflict || slices.ContainsFunc(edits[i], func(o emit.Edit) bool { return emit.Conflict(e, o) })
			})
			if conflict {
				continue next
			}
		}
		for _, f := range c.Companions {
			if paths[f.Path] {
				continue next
			}
		}
		for _, e := range c.Effects {
			if i, whole, ok := plan.Rewrites(e); ok && (replaced[i] || whole && rewritten[i]) {
				continue next
			}
		}
		for _, e := range c.Effects {
			if i, whole, ok := plan.Rewrites(e); ok {
				rewritten[i], replaced[i] = true, replaced[i] || whole
			}
		}
		for _, f := range c.Companions {
			paths[f.Path] = true
		}
		for _, e := range c.Edits {
			pieces(e, func(i int) { edits[i] = append(edits[i], e) })
		}
		out = append(out, c)
	}
	return out
}

// addsTo is the index of the instruction that an effect adds a command to, or
// -1.
func addsTo(eff plan.Effect) int {
	switch eff := eff.(type) {
	case plan.Append:
		return eff.Instr
	case plan.Behind:
		return eff.Instr
	}
	return -1
}

// try applies changes to the current version and checks the result.
func (e *engine) try(changes []Change) (*version, plan.Comparison, error) {
	return check(e.cur, changes, e.opt)
}

// check applies changes to a version and returns the next, or says what is
// wrong with them.
func check(v *version, changes []Change, opt *Options) (*version, plan.Comparison, error) {
	var edits []emit.Edit
	var effects []plan.Effect
	var drops []parse.Span
	for _, c := range changes {
		edits = append(edits, c.Edits...)
		effects = append(effects, c.Effects...)
		drops = append(drops, c.Drops...)
	}
	next, err := v.edited(edits, opt)
	if err != nil {
		return nil, plan.Comparison{}, err
	}
	if next.file.Escape != v.file.Escape {
		return nil, plan.Comparison{}, errors.New("the escape directive got lost")
	}
	cmp := plan.Compare(v.plan, next.plan, effects)
	if cmp.Grade == plan.Different {
		return nil, cmp, fmt.Errorf("the build would change: %s", strings.Join(cmp.Differences, "; "))
	}
	if err := sameComments(v.file, next.file, drops); err != nil {
		return nil, cmp, err
	}
	return next, cmp, nil
}

// sameComments checks that every comment is still there, in the Dockerfile or
// in a script's here-document.
func sameComments(before, after *parse.File, drops []parse.Span) error {
	count := map[string]int{}
	for _, t := range commentTexts(after) {
		count[t]++
	}
	for _, sp := range drops {
		count[strings.TrimSpace(sp.Text(before.Src))]++
	}
	for _, t := range commentTexts(before) {
		if count[t] == 0 {
			return fmt.Errorf("the comment %q got lost", t)
		}
		count[t]--
	}
	return nil
}

func commentTexts(f *parse.File) []string {
	var out []string
	for _, spans := range [][]parse.Span{f.Comments(), f.BodyComments()} {
		for _, sp := range spans {
			out = append(out, strings.TrimSpace(sp.Text(f.Src)))
		}
	}
	return out
}

// written reports whether a change's companion files are written already.
func (e *engine) written(c *Change) bool {
	for _, f := range c.Companions {
		if !slices.ContainsFunc(e.res.Companions, func(o Companion) bool { return o.Path == f.Path && bytes.Equal(o.Content, f.Content) }) {
			return false
		}
	}
	return true
}

// accept makes a checked version the current one.
func (e *engine) accept(next *version, changes []Change) {
	var edits []emit.Edit
	for i := range changes {
		c := &changes[i]
		edits = append(edits, c.Edits...)
		for _, f := range c.Companions {
			e.res.Companions = slices.DeleteFunc(e.res.Companions, func(o Companion) bool { return o.Path == f.Path })
			e.res.Companions = append(e.res.Companions, f)
		}
		e.res.Changes = append(e.res.Changes, *c)
	}
	e.maps = append(e.maps, newOffsetMap(e.cur.file.Src, edits))
	e.cur = next
	e.grade = plan.Declared
}

// place sets a change's position, and those of its edits, in the original
// file.
func (e *engine) place(c *Change) {
	at := e.origin(c.At)
	c.Pos = e.orig.file.Position(at.Start)
	c.End = e.orig.file.Position(at.End)
	c.Touched = make([]parse.Span, len(c.Edits))
	for i, edit := range c.Edits {
		c.Touched[i] = e.origin(edit.Span)
	}
}

// touchesLines reports whether a change is about one of Options.Lines, or edits
// one.
func (e *engine) touchesLines(c *Change) bool {
	return e.onLines(e.origin(c.At)) || slices.ContainsFunc(c.Touched, e.onLines)
}

// keep is the filter of a layout of the current text for Options.Lines.
func (e *engine) keep() func(parse.Span) bool {
	if e.opt.Lines == nil {
		return nil
	}
	return func(sp parse.Span) bool { return e.onLines(e.origin(sp)) }
}

// onLines reports whether a span of the original text has a byte on one of
// Options.Lines; an empty span counts for the line it is on.
func (e *engine) onLines(sp parse.Span) bool {
	first := e.orig.file.Position(sp.Start).Line
	last := e.orig.file.Position(max(sp.Start, sp.End-1)).Line
	return slices.ContainsFunc(e.opt.Lines, func(r [2]int) bool { return r[0] <= last && (first <= r[1] || r[1] == 0) })
}

// origin maps a span of the current text to the original one.
func (e *engine) origin(sp parse.Span) parse.Span {
	for i := len(e.maps) - 1; i >= 0; i-- {
		sp = e.maps[i].span(sp)
	}
	return sp
}

// finish fills in the figures of the result.
func (e *engine) finish() *Result {
	r := e.res
	r.After, r.File = e.cur.file.Src, e.cur.file
	r.Grade = e.grade.String()
	r.StepsBefore, r.StepsAfter = e.orig.plan.Steps(), e.cur.plan.Steps()
	r.LayersBefore, r.LayersAfter = layers(e.orig.facts), layers(e.cur.facts)
	if bytes.Equal(r.Before, r.After) {
		r.Grade = plan.Identical.String()
	}
	return r
}

// layers counts the instructions that make a layer in the last stage and the
// stages that it is FROM.
func layers(fs *facts.Facts) int {
	n := 0
	if len(fs.Stages) == 0 {
		return 0
	}
	for s := fs.Stages[len(fs.Stages)-1]; s != nil; s = s.Parent {
		for _, in := range s.Instructions {
			switch in.Name {
			case "RUN", "COPY", "ADD", "WORKDIR":
				n++
			}
		}
	}
	return n
}

// offsetMap maps offsets behind edits to offsets before them.
type offsetMap struct {
	edits []struct{ before, after, oldLen, newLen int }
	lines []copiedLine
}

// copiedLine is a line of new text that is a line of the old one, too: that of
// an instruction which was moved or copied.
type copiedLine struct{ before, after, len int }

// newOffsetMap maps the offsets behind edits of src; src is nil where nothing
// is moved.
func newOffsetMap(src []byte, edits []emit.Edit) *offsetMap {
	es := slices.Clone(edits)
	emit.Sort(es)
	m := &offsetMap{}
	shift := 0
	var old map[string]int
	for _, e := range es {
		if src != nil && strings.Contains(e.New, "\n") {
			if old == nil {
				old = linesOf(src, es)
			}
			at := e.Start + shift
			whole := e.Start == 0 || src[e.Start-1] == '\n'
			for line := range strings.SplitAfterSeq(e.New, "\n") {
				text := strings.TrimRight(line, "\r\n")
				whole = whole && (len(text) < len(line) || e.End == len(src) || src[e.End] == '\n')
				if before, ok := old[text]; ok && whole {
					m.lines = append(m.lines, copiedLine{before, at, len(text)})
				}
				at, whole = at+len(line), true
			}
		}
		m.edits = append(m.edits, struct{ before, after, oldLen, newLen int }{e.Start, e.Start + shift, e.Len(), len(e.New)})
		shift += len(e.New) - e.Len()
	}
	return m
}

// linesOf gives for each line of a text where it starts. Of equal ones, the
// first that an edit deletes counts, or else the first.
func linesOf(src []byte, edits []emit.Edit) map[string]int {
	all, gone := map[string]int{}, map[string]int{}
	at := 0
	for line := range strings.SplitAfterSeq(string(src), "\n") {
		end := at + len(line)
		text := strings.TrimRight(line, "\r\n")
		for len(edits) > 0 && edits[0].End <= at {
			edits = edits[1:]
		}
		if len(strings.TrimSpace(text)) > 1 {
			if _, ok := all[text]; !ok {
				all[text] = at
			}
			if _, ok := gone[text]; !ok && len(edits) > 0 && edits[0].Start <= at && edits[0].End >= at+len(text) {
				gone[text] = at
			}
		}
		at = end
	}
	maps.Copy(all, gone)
	return all
}

// span maps a span.
func (m *offsetMap) span(sp parse.Span) parse.Span {
	start, end := m.back(sp.Start), m.back(sp.End)
	if m.copied(sp.Start) != nil && sp.End > sp.Start {
		end = m.back(sp.End-1) + 1
	}
	return parse.Span{Start: start, End: max(start, end)}
}

// copied returns the copied line that an offset is in, or nil.
func (m *offsetMap) copied(off int) *copiedLine {
	i := sort.Search(len(m.lines), func(i int) bool { return m.lines[i].after > off }) - 1
	if i < 0 || off > m.lines[i].after+m.lines[i].len {
		return nil
	}
	return &m.lines[i]
}

// back maps an offset; inside new text that is not copied it gives the start of
// what it replaced.
func (m *offsetMap) back(off int) int {
	if l := m.copied(off); l != nil {
		return l.before + off - l.after
	}
	i := sort.Search(len(m.edits), func(i int) bool { return m.edits[i].after > off }) - 1
	if i < 0 {
		return off
	}
	s := m.edits[i]
	if off < s.after+s.newLen {
		return s.before + min(off-s.after, s.oldLen)
	}
	return s.before + s.oldLen + off - s.after - s.newLen
}
