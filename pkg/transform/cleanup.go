package transform

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

// mounts returns the --mount flags of an instruction.
func mounts(in *parse.Instruction) []facts.Mount {
	if in.Child != nil {
		in = in.Child
	}
	var out []facts.Mount
	for _, fl := range in.Flags {
		if fl.Name == "mount" {
			out = append(out, facts.ParseMount(fl.Arg))
		}
	}
	return out
}

// covered reports whether mounts keep all of the directories out of the layer.
func (p *Pass) covered(r *Program, dirs ...string) bool {
	ms := mounts(r.In)
	if len(ms) == 0 {
		return false
	}
	home := p.Facts.Home(r.State)
	for _, d := range dirs {
		if !p.Facts.MountCovers(ms, d, home) {
			return false
		}
	}
	return true
}

// anyCovered reports whether a mount keeps one of the directories out of the
// layer.
func (p *Pass) anyCovered(r *Program, dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return p.covered(r, d) })
}

// runs returns the programs of RUN instructions that call a manager, and
// reports those which cannot be read but name it.
func (p *Pass) runs(m *facts.Manager) []*Program {
	all := once(p, runsOf{}, p.findRuns)
	for _, in := range all.closed {
		if in.calls(p, m) {
			p.Skip(in.Keyword.Span, "%s is called in a RUN that cannot be edited: %s", m.Name, in.why)
		}
	}
	return all.open[m]
}

// managerRuns are the RUN instructions by the managers that they call.
type managerRuns struct {
	open   map[*facts.Manager][]*Program
	closed []closedRun
}

// closedRun is a RUN that cannot be read.
type closedRun struct {
	*parse.Instruction
	why string
}

// runsOf is a key of once.
type runsOf struct{}

func (p *Pass) findRuns() *managerRuns {
	all := &managerRuns{open: map[*facts.Manager][]*Program{}}
	for _, in := range p.File.Instructions {
		if in.Name != "RUN" && (in.Child == nil || in.Child.Name != "RUN") {
			continue
		}
		r, why := p.Program(in)
		if r == nil {
			all.closed = append(all.closed, closedRun{in, why})
			continue
		}
		for _, v := range p.Facts.Invocations(in) {
			if list := all.open[v.Manager]; len(list) == 0 || list[len(list)-1] != r {
				all.open[v.Manager] = append(list, r)
			}
		}
	}
	return all
}

// calls reports whether a RUN calls a manager or names it.
func (in closedRun) calls(p *Pass, m *facts.Manager) bool {
	run := in.Instruction
	if in.Child != nil {
		run = in.Child
	}
	return slices.ContainsFunc(p.Facts.Invocations(in.Instruction), func(v *facts.Invocation) bool { return v.Manager == m }) ||
		slices.ContainsFunc(m.Commands, func(c string) bool { return strings.Contains(run.Args.Value, strings.TrimSuffix(c, "#")+" ") })
}

// pays says why it is no use to keep files in some directories from a RUN's
// layer, or "": no image has them, or where they are copied to, their manager m
// is used. m may be nil.
func (p *Pass) pays(r *Program, m *facts.Manager, dirs ...string) string {
	st := r.State.Stage
	if st.Ships || p.Options.Stages == "all" {
		return ""
	}
	home := p.Facts.Home(r.State)
	reach := once(p, reachOf{st, home, strings.Join(dirs, ":")}, func() facts.Reach { return p.Facts.Reach(st, home, dirs...) })
	if !reach.Image {
		return "the stage ships no layer, and no image gets what is left in it (--stages all acts there too)"
	}
	for _, s := range reach.Readers {
		for _, in := range s.Instructions {
			if m != nil && slices.ContainsFunc(p.Facts.Invocations(in), func(v *facts.Invocation) bool { return v.Manager == m }) {
				return p.line(in) + " may use what is copied from this stage"
			}
		}
	}
	return ""
}

// reachOf is a key of once.
type reachOf struct {
	*facts.Stage
	home, dirs string
}

// asRoot says how a command that needs root must be written in a RUN where the
// invocation v works: with sudo in front or not, and whether that is certain.
func (p *Pass) asRoot(r *Program, v *facts.Invocation) (prefix string, sure bool) {
	root := r.State.User.Known && facts.Root(r.State.User.S)
	if !v.Sudo || root {
		return "", true
	}
	return "sudo ", false
}

// withPrefix puts a prefix in front of each command of a && chain.
func withPrefix(prefix, text string) string {
	if prefix == "" {
		return text
	}
	return prefix + strings.ReplaceAll(text, " && ", " && "+prefix)
}

// place says where a cleanup command goes.
type place uint8

const (
	placeEnd    place = iota // at the end of the RUN; right behind the invocation where that cannot be done
	placeBehind              // right behind the invocation; at the end where that cannot be done
	placeOnly                // right behind the invocation, or nowhere
	placeLast                // at the end of the RUN, or nowhere
)

// cleanup proposes to run a command behind the invocation v.
func (p *Pass) cleanup(r *Program, v *facts.Invocation, text string, where place, c Change) {
	c.waits = true
	if v.Manager == nil { // not a manager's own cache
		p.place(r, v, text, where, c)
		return
	}
	if what := p.missed(r, v.Manager, math.MaxInt, nil); what != "" {
		p.Skip(r.Span(v.Call), "%s", what)
		return
	}
	if p.missed(r, v.Manager, v.Seq, nil) != "" {
		where = placeLast
	}
	p.place(r, v, text, where, c)
}

// place reports a change that runs a command behind the invocation v.
func (p *Pass) place(r *Program, v *facts.Invocation, text string, where place, c Change) {
	appended := func() ([]emit.Edit, []plan.Effect, error) { return r.Append(text) }
	inserted := func() ([]emit.Edit, []plan.Effect, error) { return r.InsertBehind(v.Call, text) }
	tries := []func() ([]emit.Edit, []plan.Effect, error){appended, inserted}
	switch where {
	case placeBehind:
		tries = []func() ([]emit.Edit, []plan.Effect, error){inserted, appended}
	case placeOnly:
		tries = tries[1:]
	case placeLast:
		tries = tries[:1]
	}
	var first error
	for _, try := range tries {
		edits, effects, err := try()
		if err == nil {
			c.Edits, c.Effects = append(c.Edits, edits...), append(c.Effects, effects...)
			p.Report(c)
			return
		}
		if first == nil {
			first = err
		}
	}
	p.Skip(r.Span(v.Call), "%s cannot be added: %v", text, first)
}

// where chooses the place for a cleanup command that needs the manager itself:
// it must run only where the manager has run, unless the base image is known
// to have it.
func (p *Pass) where(r *Program, a facts.Activity, v *facts.Invocation, text string) place {
	if strings.HasPrefix(text, "rm ") || strings.HasPrefix(text, "sudo rm ") {
		if v.Manager.System {
			return placeEnd
		}
		return placeBehind
	}
	removed := slices.ContainsFunc(p.Facts.Invocations(r.In), func(o *facts.Invocation) bool { return o.Seq > v.Seq && o.Role == facts.Remove })
	ran := slices.ContainsFunc(a.Uses, func(o *facts.Invocation) bool { return o.Path.Always() && !o.Path.Subshell() && !o.Nested })
	sure := (ran || v.Manager.Comes(r.State.Stage)) && !removed
	switch {
	case !sure, v.Path.Background():
		return placeOnly
	case v.Manager.System || !v.Path.Always():
		return placeEnd
	}
	return placeBehind
}

// line names an instruction by its line, for messages.
func (p *Pass) line(in *parse.Instruction) string { return fmt.Sprintf("line %d", in.StartLine) }

// wholeRemovals returns the rm commands that delete nothing but the paths.
func (p *Pass) wholeRemovals(r *Program, paths ...string) (calls []*syntax.CallExpr) {
	for _, call := range p.Facts.Calls(r.In) {
		if call.Nested || call.Name() != "rm" {
			continue
		}
		other := slices.ContainsFunc(call.Fields[1:], func(f facts.Field) bool {
			return !strings.HasPrefix(f.Text, "-") && !slices.Contains(paths, strings.TrimSuffix(f.Text, "/"))
		})
		if !other && len(call.Fields) > 1 {
			calls = append(calls, call.Expr)
		}
	}
	return calls
}

// removal is a word of a command that a change takes out, or all of the command.
type removal struct {
	call *syntax.CallExpr
	word int
	all  bool
}

// dropRemovals adds to a change that the program no longer deletes the paths,
// which are compared as they are written: the words go from rm commands, and
// those whose operands are all among the paths go whole. What cannot be taken
// out stays. It returns what went.
func (p *Pass) dropRemovals(r *Program, c *Change, also []*syntax.CallExpr, paths ...string) (gone []removal) {
	also = append(slices.Clone(also), p.wholeRemovals(r, paths...)...)
	for _, call := range p.Facts.Calls(r.In) {
		if call.Nested || call.Name() != "rm" {
			continue
		}
		var ops []Op
		operands := 0
		for _, f := range call.Fields[1:] {
			if strings.HasPrefix(f.Text, "-") {
				continue
			}
			operands++
			if slices.Contains(paths, strings.TrimSuffix(f.Text, "/")) {
				ops = append(ops, Op{At: f.Word, Delete: true})
			}
		}
		if len(ops) == 0 {
			continue
		}
		edits, effects, err := r.EditCommand(call.Expr, ops...)
		if len(ops) == operands {
			edits, effects, err = r.DropCommand(call.Expr, also...)
		}
		if err == nil {
			c.Edits, c.Effects = append(c.Edits, edits...), append(c.Effects, effects...)
			for _, op := range ops {
				gone = append(gone, removal{call.Expr, op.At, len(ops) == operands})
			}
		}
	}
	return gone
}
