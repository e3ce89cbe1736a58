package plan

import (
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

// scriptOf returns the script of an instruction, or nil.
func (k *Known) scriptOf(f *parse.File, in *parse.Instruction) *shell.Script {
	switch {
	case k.Script != nil:
		return k.Script(in)
	case k.Shell != nil:
		return shell.New(f, in, k.Shell(in))
	}
	return nil
}

// same returns the step of an instruction if the plan before has it: a step
// depends on nothing but the instruction's logical line (which holds flags and
// arguments), the escape character and the language of its script.
// Here-documents are not part of that line, so those are not looked up.
func (p *Plan) same(in *parse.Instruction) *step {
	old := p.known.Before
	if old == nil || old.File.Escape != p.File.Escape || len(in.Node.Heredocs) > 0 {
		return nil
	}
	st := old.stepOf(in.Index, in.Node.Original)
	if st == nil {
		if p.known.steps == nil {
			p.known.steps = make(map[string]*step, len(old.steps))
			for _, s := range old.steps {
				if o := old.File.Instructions[s.instr]; len(o.Node.Heredocs) == 0 {
					p.known.steps[o.Node.Original] = s
				}
			}
		}
		if st = p.known.steps[in.Node.Original]; st == nil {
			return nil
		}
	}
	if st.script != nil {
		child := in
		if in.Name == "ONBUILD" {
			child = in.Child
		}
		if p.lang(child) != st.script.lang {
			return nil
		}
	}
	if st.instr != in.Index {
		c := *st
		c.instr = in.Index
		st = &c
	}
	return st
}

// lang is the language of an instruction's script without here-documents.
func (p *Plan) lang(in *parse.Instruction) shell.Lang {
	if in == nil || p.known.Shell == nil {
		return shell.POSIX
	}
	return p.known.Shell(in).Lang
}

// stepOf returns the step of the instruction with that index, if its logical
// line is text.
func (p *Plan) stepOf(index int, text string) *step {
	if index >= len(p.steps) || p.steps[index].instr != index {
		return nil
	}
	if n := p.File.Instructions[index].Node; n.Original != text || len(n.Heredocs) > 0 {
		return nil
	}
	return p.steps[index]
}
