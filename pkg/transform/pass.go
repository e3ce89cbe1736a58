package transform

import (
	"fmt"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

// Pass is what a transform sees of one file in one round, and where it
// reports to.
type Pass struct {
	File    *parse.File
	Facts   *facts.Facts
	Options *Options

	transform *Transform
	changes   []Change
	skips     []Skip
	programs  map[*parse.Instruction]*Program
	memory    map[any]any // see once
}

func newPass(v *version, opt *Options) *Pass {
	return &Pass{File: v.file, Facts: v.facts, Options: opt, programs: map[*parse.Instruction]*Program{}, memory: map[any]any{}}
}

// once computes something about the file that many instructions ask for. key is
// of a type of its own.
func once[T any](p *Pass, key any, compute func() T) T {
	if v, ok := p.memory[key]; ok {
		return v.(T)
	}
	v := compute()
	p.memory[key] = v
	return v
}

// Report proposes a change. Edits must not overlap each other.
func (p *Pass) Report(c Change) {
	c.Transform = p.transform.Name
	if c.Safety > p.transform.Safety {
		panic(fmt.Sprintf("%s claims %s, at most %s is declared", c.Transform, c.Safety, p.transform.Safety))
	}
	p.changes = append(p.changes, c)
}

// Advise reports something that needs a person.
func (p *Pass) Advise(at parse.Span, title, reason string) {
	p.Report(Change{Title: title, Reason: reason, At: at, Safety: Advice})
}

// Skip says why the transform does nothing at a place where it wanted to act.
// at is usually an instruction's keyword or a command.
func (p *Pass) Skip(at parse.Span, format string, args ...any) {
	p.skips = append(p.skips, Skip{Transform: p.transform.Name, At: at, Pos: p.File.Position(at.Start), Reason: fmt.Sprintf(format, args...)})
}

// firstMention is the index of the first instruction whose arguments contain a
// text, or the number of instructions if none does.
func (p *Pass) firstMention(text string) int {
	if list := p.mentioning(text); len(list) > 0 {
		return list[0]
	}
	return len(p.File.Instructions)
}
