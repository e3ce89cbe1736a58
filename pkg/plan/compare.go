package plan

import (
	"fmt"
	"strings"

	"github.com/refit-dev/refit/pkg/shell"
)

// Grade says how alike two plans are.
type Grade uint8

// The grades, best first.
const (
	Identical   Grade = iota // BuildKit sees the same build: no layer is rebuilt
	SameProgram              // shell texts differ in layout only: their layers rebuild once
	Declared                 // the plans differ exactly as declared
	Different                // anything else: never written
)

func (g Grade) String() string {
	return [...]string{"identical", "same program", "declared", "different"}[g]
}

// Comparison is the result of Compare.
type Comparison struct {
	Grade       Grade
	Rebuilt     int      // RUN steps of the plan after whose shell text changed in layout only
	Differences []string // what differs, for grades Declared and Different
}

// Compare holds the plan after against the plan before with the declared
// effects applied. Effects name instructions of the plan before.
func Compare(before, after *Plan, effects []Effect) Comparison {
	want := before
	if len(effects) > 0 {
		var err error
		if want, err = before.apply(effects); err != nil {
			return Comparison{Grade: Different, Differences: []string{"a declared difference does not fit the file: " + err.Error()}}
		}
	}
	cmp := diff(want, after)
	if len(effects) > 0 && cmp.Grade != Different {
		cmp.Grade = Declared
		for _, e := range effects {
			cmp.Differences = append(cmp.Differences, e.describe())
		}
	}
	return cmp
}

// diff compares two plans as they are.
func diff(a, b *Plan) Comparison {
	out := Comparison{Grade: Identical}
	fail := func(format string, args ...any) {
		out.Grade = Different
		out.Differences = append(out.Differences, fmt.Sprintf(format, args...))
	}
	if a.syntax != b.syntax {
		fail("the frontend changes from %q to %q", a.syntax, b.syntax)
	}
	if a.check != b.check {
		fail("the check directive changes from %q to %q", a.check, b.check)
	}
	sa, sb := a.stages(), b.stages()
	if len(sa) != len(sb) {
		fail("%d stages become %d", len(sa), len(sb))
		return out
	}
	for i := range sa {
		for _, kind := range [][2][]item{{sa[i].build, sb[i].build}, {sa[i].meta, sb[i].meta}} {
			x, y := kind[0], kind[1]
			if len(x) != len(y) {
				fail("stage %d: expected %s, got %s", i, names(x), names(y))
				continue
			}
			for j := range x {
				g, why := sameStep(x[j], y[j])
				switch {
				case g == Different:
					fail("stage %d: %s", i, why)
				case g == SameProgram:
					out.Grade = max(out.Grade, SameProgram)
					if y[j].name == "RUN" {
						out.Rebuilt++
					}
				}
			}
		}
	}
	return out
}

// item is a step with the epochs that its meaning depends on: how many steps
// before it set variables, and which SHELL is in effect. 0 means that it does
// not depend on them.
type item struct {
	*step
	epoch [2]int
}

type stage struct {
	build []item
	meta  []item
}

// stages sorts the steps into what makes the file system (in order) and what
// only goes into the config (in order). A config step may move across a RUN,
// which it cannot influence, but not across what its words or its shell depend
// on.
func (p *Plan) stages() []stage {
	out := []stage{{}}
	envs, shells := 0, 0
	for _, s := range p.steps {
		cur := &out[len(out)-1]
		if s.class == fromStep {
			out = append(out, stage{})
			cur = &out[len(out)-1]
			envs, shells = 0, 0
		}
		it := item{step: s}
		if s.class != metaStep {
			cur.build = append(cur.build, it)
		} else {
			if s.reads {
				it.epoch[0] = envs + 1
			}
			if s.shell {
				it.epoch[1] = shells + 1
			}
			cur.meta = append(cur.meta, it)
		}
		if s.env {
			envs++
		}
		if s.name == "SHELL" {
			shells++
		}
	}
	return out
}

func sameStep(a, b item) (Grade, string) {
	if a.name != b.name {
		return Different, fmt.Sprintf("expected %s, got %s", a.name, b.name)
	}
	if a.epoch != b.epoch {
		return Different, fmt.Sprintf("%s moved across an instruction that it depends on", a.name)
	}
	if a.step == b.step {
		return Identical, ""
	}
	if a.key != b.key {
		return Different, fmt.Sprintf("expected %s, got %s", show(a.key), show(b.key))
	}
	if a.script == nil && b.script == nil {
		return Identical, ""
	}
	if a.script == nil || b.script == nil {
		return Different, a.name + ": a shell program comes or goes"
	}
	if len(a.parts) == 0 && a.script.edits == nil && len(a.script.ends) == 0 && a.script.text == b.script.text {
		return Identical, ""
	}
	// What is no POSIX shell on one side is read as bash on both: the two
	// dialects have different trees for one text.
	lang := b.script.lang
	x, y, why := samePrograms(a.step, b.step, lang)
	if why != "" && lang == shell.POSIX {
		x, y, why = samePrograms(a.step, b.step, shell.Bash)
	}
	if why != "" {
		return Different, a.name + ": " + why
	}
	if !x.equal(y) {
		return Different, fmt.Sprintf("%s: expected the program %s, got %s", a.name, show(x.String()), show(y.String()))
	}
	return SameProgram, ""
}

// samePrograms gives the canonical programs of two steps, or why there is none.
func samePrograms(a, b *step, lang shell.Lang) (x, y program, why string) {
	x, err := a.program(lang)
	if err != nil {
		return x, y, "the program before cannot be compared: " + err.Error()
	}
	y, err = b.program(lang)
	if err != nil {
		return x, y, "the program after cannot be compared: " + err.Error()
	}
	return x, y, ""
}

// show shortens canonical text for a message.
func show(s string) string {
	s = strings.NewReplacer("\x1d", "; ", "\x1c", " ; ", "\x1e", " && ").Replace(s)
	if len(s) > 2000 {
		s = s[:2000] + "…"
	}
	return s
}

func names(items []item) string {
	var out []string
	for _, it := range items {
		out = append(out, it.name)
	}
	return strings.Join(out, " ")
}
