package plan

import (
	"errors"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/shell"
)

// mergePart is a script in a declared merge.
type mergePart struct {
	*script
	wrap Wrap
}

// program gives a step's canonical program, parsed as one dialect, with
// everything declared.
func (s *step) program(lang shell.Lang) (program, error) {
	if len(s.parts) == 0 {
		return s.script.program(lang)
	}
	var out program
	if s.mode == MergeLines {
		return s.lines(lang)
	}
	for i, part := range s.parts {
		p, err := part.program(lang)
		if err != nil {
			return program{}, err
		}
		if len(p.units) == 0 {
			return program{}, errors.New("a part of the merge has no command")
		}
		head := ""
		if s.mode == MergeSemi {
			if head, p, err = part.strict(p, i == 0, s.parts[0].script, lang); err != nil {
				return program{}, err
			}
		}
		if err := part.mayPrecede(s.mode, lang); err != nil && i < len(s.parts)-1 {
			return program{}, err
		}
		if part.wrap == WrapSubshell {
			p = program{units: []string{"(sub[" + strings.Join(p.statements(), "") + "])"}}
		}
		switch {
		case i == 0 && s.mode == MergeSemi:
			out = program{pre: append([]string{head}, p.pre...), units: p.units, group: p.group}
		case i == 0:
			out = p
		case s.mode == MergeSemi:
			if out, err = out.join(p, false, true); err != nil {
				return program{}, err
			}
		default:
			out.units = append(append([]string(nil), out.units...), p.unit()...)
		}
	}
	return out, nil
}

// lines gives the program of a merge whose parts become the lines of a script
// under set -e.
func (s *step) lines(lang shell.Lang) (program, error) {
	out := program{units: []string{`(call{"set"}{"-e"})`}}
	for i, part := range s.parts {
		p, err := part.program(lang)
		if err != nil {
			return program{}, err
		}
		f, err := part.parse(lang)
		if err != nil {
			return program{}, err
		}
		if len(p.pre) > 0 || len(p.units) == 0 || !(shell.Options{ErrExit: true}).Bears(f.Stmts) {
			return program{}, errors.New("a part would change under set -e")
		}
		if i == len(s.parts)-1 {
			if !shell.ScopeOf(f.Stmts, nil).LineByLine() {
				return program{}, errors.New("the last part would change as lines")
			}
		} else if err := part.mayPrecede(MergeLines, lang); err != nil {
			return program{}, err
		}
		units := p.units
		if part.wrap == WrapSubshell {
			units = []string{"(sub[" + and(units) + "])"}
		}
		for _, u := range units {
			out = program{pre: append(out.pre, and(out.units)), units: []string{u}}
		}
	}
	return out, nil
}

// strict takes the set -e off a part of a merge under set -e, and returns it.
// The first part must have one, and later ones the same options; a part
// without it must mean the same under the first one's options.
func (part mergePart) strict(p program, first bool, lead *script, lang shell.Lang) (string, program, error) {
	f, err := part.parse(lang)
	if err != nil {
		return "", p, err
	}
	head := shell.ErrExitHead(f)
	if head != nil {
		text := p.pre[0]
		p.pre = p.pre[1:]
		if first {
			return text, p, nil
		}
	} else if first {
		return "", p, errors.New("the first part does not start with set -e")
	}
	lf, err := lead.parse(lang)
	if err != nil {
		return "", p, err
	}
	options := shell.HeadOptions(shell.ErrExitHead(lf))
	if head != nil && shell.HeadOptions(head) != options {
		return "", p, errors.New("the parts run under other options")
	}
	if head == nil && !options.Bears(f.Stmts) {
		return "", p, errors.New("a part without set -e would change under it")
	}
	return "", p, nil
}

// mayPrecede is the plan's own opinion on a merge: each RUN starts a fresh
// shell, so a part that changes the shell's state must not stand in front of
// others without a subshell, a background job not at all, and under set -e
// its last statement must not swallow its failure.
func (part mergePart) mayPrecede(mode MergeMode, lang shell.Lang) error {
	if part.startup {
		return errors.New("the shell of each RUN reads its startup files")
	}
	f, err := part.parse(lang)
	if err != nil {
		return err
	}
	stmts := f.Stmts
	if mode == MergeSemi && shell.ErrExitHead(f) != nil {
		stmts = stmts[1:]
	} else if mode != MergeSemi && shell.ErrExitSwitches(f, nil).On {
		return errors.New("a part with set -e stands before &&")
	}
	scope := shell.ScopeOf(stmts, nil)
	if scope.Background {
		return errors.New("a part with a background job stands before others")
	}
	if part.wrap == WrapSubshell {
		return nil
	}
	for _, c := range scope.Changes {
		if shell.ShellVariable(c) == "" {
			return errors.New("a part changes the shell for those behind it: " + c)
		}
	}
	if mode == MergeSemi && len(stmts) > 0 && !shell.FailsLoudly(stmts[len(stmts)-1]) {
		return errors.New("the failure of a part would go unnoticed")
	}
	return nil
}

// program gives a script's canonical program with its declared edits.
func (s *script) program(lang shell.Lang) (program, error) {
	f, err := s.parse(lang)
	if err != nil {
		return program{}, err
	}
	if s.edits != nil {
		s.edits.used, s.edits.lang = map[uint]bool{}, lang
	}
	p := canonical(f, s.edits, s.strict)
	if s.edits != nil && len(s.edits.used) != len(s.edits.replace)+len(s.edits.behind) {
		return program{}, errors.New("a declared command does not exist")
	}
	for _, e := range s.ends {
		f, err := shell.ParseAs(e.text, lang)
		if err != nil {
			return program{}, err
		}
		p, err = p.join(canonical(f, nil, s.strict), e.front, e.semi)
		if err != nil {
			return program{}, err
		}
	}
	return p, nil
}

// join adds declared commands in front of a program or behind it.
func (p program) join(add program, front, semi bool) (program, error) {
	a, b := p, add
	if front {
		a, b = b, a
	}
	switch {
	case len(a.units) == 0 || len(b.units) == 0:
		return program{}, errors.New("nothing to join")
	case semi && a.group != nil:
		return program{pre: slices.Concat(a.pre, a.group, b.pre), units: b.units, group: b.group}, nil
	case semi:
		return program{pre: append(a.statements(), b.pre...), units: b.units, group: b.group}, nil
	}
	// a && b; c would bind a to b alone: several statements behind && are one
	// group.
	return program{pre: a.pre, units: append(append([]string(nil), a.units...), b.unit()...)}, nil
}

// parse parses a script as one dialect.
func (s *script) parse(lang shell.Lang) (*syntax.File, error) {
	if s.src != nil {
		return s.src.ParseAs(lang)
	}
	return shell.ParseAs(s.text, lang)
}
