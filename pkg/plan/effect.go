package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

// Effect is one difference that a change declares. Instructions are named by
// their index in the file before the change, commands of a script by their
// number in shell.Commands of its tree before the change. Effects of one
// comparison are applied in the order Command, Drop, Append and the like
// first, then Merge, Remove, Move, Insert, so their indices never shift.
type Effect interface {
	apply(*editor) error
	describe() string
	rank() int
}

// Command declares that a simple command becomes the one in Text, its
// redirections aside.
type Command struct {
	Instr, Index int
	Text         string
}

// Drop declares that the statement which is the simple command goes from its
// && chain or statement list.
type Drop struct{ Instr, Index int }

// Behind declares commands right behind the simple command that is a plain
// statement, after && or, with Semi, after a semicolon or line break.
type Behind struct {
	Instr, Index int
	Semi         bool
	Text         string
}

// Append declares commands at the end of a script, after && or, with Semi,
// after a semicolon or line break.
type Append struct {
	Instr int
	Semi  bool
	Text  string
}

// Prepend declares commands at the start of a script, before && or, with
// Semi, before a semicolon or line break.
type Prepend struct {
	Instr int
	Semi  bool
	Text  string
}

// Flags declares the complete new list of an instruction's flags.
type Flags struct {
	Instr int
	Flags []string
}

// MergeMode says how the parts of a Merge are joined.
type MergeMode uint8

// The modes of a merge.
const (
	MergeAnd   MergeMode = iota // part && part
	MergeSemi                   // set -e; part; part: the heads of later parts go
	MergeLines                  // set -e, and each operand of the parts' && chains is a statement
)

// Wrap says what a part of a merge is put into.
type Wrap uint8

// The wraps.
const (
	WrapNone Wrap = iota
	WrapGroup
	WrapSubshell
)

// Merge declares that RUN instructions become one, at the place of the first.
type Merge struct {
	Instrs []int
	Wraps  []Wrap
	Mode   MergeMode
}

// Remove declares that an instruction goes.
type Remove struct{ Instr int }

// Move declares that an instruction moves in front of another; Before may be
// the number of instructions.
type Move struct{ Instr, Before int }

// Insert declares new instructions in front of an instruction; Before may be
// the number of instructions, for the end of the file.
type Insert struct {
	Before int
	Text   string
}

// Replace declares that an instruction becomes the ones in Text.
type Replace struct {
	Instr int
	Text  string
}

// Rewrites tells which instruction an effect changes the text of, if any. With
// whole, the effect gives the instruction's new text: no other effect that
// rewrites the instruction can be declared beside it.
func Rewrites(e Effect) (instr int, whole, ok bool) {
	switch e := e.(type) {
	case Command:
		return e.Instr, false, true
	case Drop:
		return e.Instr, false, true
	case Behind:
		return e.Instr, false, true
	case Append:
		return e.Instr, false, true
	case Prepend:
		return e.Instr, false, true
	case Flags:
		return e.Instr, false, true
	case Replace:
		return e.Instr, true, true
	}
	return 0, false, false
}

func (Command) rank() int { return 0 }
func (Drop) rank() int    { return 0 }
func (Behind) rank() int  { return 0 }
func (Append) rank() int  { return 1 }
func (Prepend) rank() int { return 1 }
func (Flags) rank() int   { return 1 }
func (Replace) rank() int { return 2 }
func (Merge) rank() int   { return 3 }
func (Remove) rank() int  { return 4 }
func (Move) rank() int    { return 5 }
func (Insert) rank() int  { return 6 }

func (e Command) describe() string {
	return fmt.Sprintf("instruction %d: command %d becomes %s", e.Instr, e.Index, e.Text)
}
func (e Drop) describe() string {
	return fmt.Sprintf("instruction %d: command %d goes", e.Instr, e.Index)
}
func (e Behind) describe() string {
	return fmt.Sprintf("instruction %d: command %d is followed by %s", e.Instr, e.Index, e.Text)
}
func (e Append) describe() string {
	return fmt.Sprintf("instruction %d: ends with %s", e.Instr, e.Text)
}
func (e Prepend) describe() string {
	return fmt.Sprintf("instruction %d: starts with %s", e.Instr, e.Text)
}
func (e Flags) describe() string {
	return fmt.Sprintf("instruction %d: flags %s", e.Instr, strings.Join(e.Flags, " "))
}
func (e Merge) describe() string  { return fmt.Sprintf("instructions %v become one", e.Instrs) }
func (e Remove) describe() string { return fmt.Sprintf("instruction %d goes", e.Instr) }
func (e Move) describe() string {
	return fmt.Sprintf("instruction %d moves before %d", e.Instr, e.Before)
}
func (e Insert) describe() string  { return fmt.Sprintf("before instruction %d: %s", e.Before, e.Text) }
func (e Replace) describe() string { return fmt.Sprintf("instruction %d becomes %s", e.Instr, e.Text) }

// editor is a plan being edited: its steps by the position of the plan before.
type editor struct {
	plan   *Plan
	at     [][]*step      // at[i]: what stands at instruction i's place; the last is the end
	copied map[*step]bool // steps that own has made
}

// apply returns a copy of the plan with the effects applied.
func (p *Plan) apply(effects []Effect) (*Plan, error) {
	ed := &editor{plan: &Plan{File: p.File, syntax: p.syntax, check: p.check}, copied: map[*step]bool{}}
	for _, s := range p.steps {
		ed.at = append(ed.at, []*step{s})
	}
	ed.at = append(ed.at, nil)
	es := slices.Clone(effects)
	slices.SortStableFunc(es, func(a, b Effect) int { return a.rank() - b.rank() })
	for _, e := range es {
		if err := e.apply(ed); err != nil {
			return nil, fmt.Errorf("%s: %w", e.describe(), err)
		}
	}
	for _, ss := range ed.at {
		ed.plan.steps = append(ed.plan.steps, ss...)
	}
	return ed.plan, nil
}

var errNoInstruction = errors.New("no such instruction")

// own returns the step of an instruction as a copy that may be changed.
func (ed *editor) own(instr int) (*step, error) {
	if instr < 0 || instr >= len(ed.at)-1 {
		return nil, errNoInstruction
	}
	for i, s := range ed.at[instr] {
		if s.instr == instr {
			if !ed.copied[s] {
				s = s.clone()
				ed.at[instr][i], ed.copied[s] = s, true
			}
			return s, nil
		}
	}
	return nil, errNoInstruction
}

// command returns an instruction's script, ready for an edit, and the offset
// of its command with that number.
func (ed *editor) command(instr, index int) (*script, uint, error) {
	s, err := ed.own(instr)
	if err != nil {
		return nil, 0, err
	}
	if s.script == nil {
		return nil, 0, errors.New("the instruction has no shell program")
	}
	f, err := s.script.tree()
	if err != nil {
		return nil, 0, err
	}
	var cmds []*syntax.CallExpr
	if src := s.script.src; src != nil && src.Lang == s.script.lang {
		cmds, err = src.Commands()
	} else {
		cmds = shell.Commands(f)
	}
	if err != nil {
		return nil, 0, err
	}
	if index < 0 || index >= len(cmds) {
		return nil, 0, errors.New("no such command")
	}
	if s.script.edits == nil { // a plan's steps have none: these are the copy's
		s.script.edits = newEdits()
	}
	return s.script, cmds[index].Pos().Offset(), nil
}

func (e Command) apply(ed *editor) error {
	sc, at, err := ed.command(e.Instr, e.Index)
	if err != nil {
		return err
	}
	f, err := shell.ParseText(e.Text, sc.lang)
	if err != nil {
		return err
	}
	if len(f.Stmts) != 1 {
		return errors.New("not a simple command")
	}
	call, ok := f.Stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || !plain(f.Stmts[0]) {
		return errors.New("not a simple command")
	}
	if sc.edits.replace[at] != nil {
		return errors.New("two changes of one command")
	}
	sc.edits.replace[at] = call
	return nil
}

func (e Drop) apply(ed *editor) error {
	sc, at, err := ed.command(e.Instr, e.Index)
	if err != nil {
		return err
	}
	sc.edits.drop[at] = true
	return nil
}

func (e Behind) apply(ed *editor) error {
	sc, at, err := ed.command(e.Instr, e.Index)
	if err != nil {
		return err
	}
	if _, ok := sc.edits.behind[at]; ok {
		return errors.New("two additions behind one command")
	}
	sc.edits.behind[at] = extra{semi: e.Semi, text: e.Text}
	return nil
}

func (ed *editor) extra(instr int, front, semi bool, text string) error {
	s, err := ed.own(instr)
	if err != nil {
		return err
	}
	if s.script == nil {
		return errors.New("the instruction has no shell program")
	}
	if _, err := shell.ParseText(text, s.script.lang); err != nil {
		return err
	}
	s.script.ends = append(slices.Clone(s.script.ends), extra{front, semi, text})
	return nil
}

func (e Append) apply(ed *editor) error  { return ed.extra(e.Instr, false, e.Semi, e.Text) }
func (e Prepend) apply(ed *editor) error { return ed.extra(e.Instr, true, e.Semi, e.Text) }

func (e Flags) apply(ed *editor) error {
	s, err := ed.own(e.Instr)
	if err != nil {
		return err
	}
	if s.name != "RUN" || s.script == nil {
		return errors.New("not a shell-form RUN")
	}
	var k keyer
	k.add(s.name)
	k.add(e.Flags...)
	k.add("shell")
	if s.file != "" {
		k.add("file", s.file)
	}
	s.key = k.String()
	return nil
}

func (e Replace) apply(ed *editor) error {
	if e.Instr < 0 || e.Instr >= len(ed.at)-1 {
		return errNoInstruction
	}
	steps, err := ed.plan.parseSteps(e.Text)
	if err != nil {
		return err
	}
	if len(steps) > 0 {
		steps[0].instr = e.Instr
	}
	ed.at[e.Instr] = steps
	return nil
}

func (e Insert) apply(ed *editor) error {
	if e.Before < 0 || e.Before >= len(ed.at) {
		return errNoInstruction
	}
	steps, err := ed.plan.parseSteps(e.Text)
	if err != nil {
		return err
	}
	// In front of the instruction itself, behind what was inserted before.
	list := ed.at[e.Before]
	i := slices.IndexFunc(list, func(s *step) bool { return s.instr == e.Before })
	if i < 0 {
		i = len(list)
	}
	ed.at[e.Before] = slices.Concat(list[:i], steps, list[i:])
	return nil
}

func (e Remove) apply(ed *editor) error {
	if e.Instr < 0 || e.Instr >= len(ed.at)-1 {
		return errNoInstruction
	}
	list := ed.at[e.Instr]
	i := slices.IndexFunc(list, func(s *step) bool { return s.instr == e.Instr })
	if i < 0 {
		return errors.New("the instruction is gone already")
	}
	ed.at[e.Instr] = slices.Concat(list[:i], list[i+1:])
	return nil
}

func (e Move) apply(ed *editor) error {
	s, err := ed.own(e.Instr)
	if err != nil {
		return err
	}
	if e.Before < 0 || e.Before >= len(ed.at) {
		return errNoInstruction
	}
	if err := (Remove{e.Instr}).apply(ed); err != nil {
		return err
	}
	list := ed.at[e.Before]
	i := slices.IndexFunc(list, func(s *step) bool { return s.instr == e.Before })
	if i < 0 {
		i = len(list)
	}
	ed.at[e.Before] = slices.Concat(list[:i], []*step{s}, list[i:])
	return nil
}

func (e Merge) apply(ed *editor) error {
	if len(e.Instrs) < 2 || len(e.Wraps) != len(e.Instrs) {
		return errors.New("a merge needs two parts or more")
	}
	var parts []mergePart
	var first *step
	for i, n := range e.Instrs {
		s, err := ed.own(n)
		if err != nil {
			return err
		}
		if s.name != "RUN" || s.script == nil || len(s.parts) > 0 {
			return errors.New("only shell-form RUN instructions merge")
		}
		if i == 0 {
			first = s
		} else {
			if s.key != first.key {
				return errors.New("the flags of the instructions differ")
			}
			if err := (Remove{n}).apply(ed); err != nil {
				return err
			}
		}
		parts = append(parts, mergePart{s.script, e.Wraps[i]})
	}
	first.parts, first.mode = parts, e.Mode
	return nil
}

// parseSteps reads declared instructions as BuildKit does.
func (p *Plan) parseSteps(text string) ([]*step, error) {
	res, err := parser.Parse(strings.NewReader("# escape=" + string(p.File.Escape) + "\n" + text + "\n"))
	if err != nil {
		return nil, err
	}
	sub := &Plan{File: p.File}
	var out []*step
	for _, n := range res.AST.Children {
		s, err := sub.step((*parse.Instruction)(nil), n)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
