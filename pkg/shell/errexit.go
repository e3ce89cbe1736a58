package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Switches is what the commands of a program may do to set -e, at any depth:
// in subshells, functions and command substitutions too. A subshell that turns
// -e on is without effect as soon as && or || follows it, see
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_26_03.
type Switches struct {
	On   bool // a set command may turn it on
	Off  bool // a set command may turn it off
	Eval bool // eval, or a sourced script, may do anything
}

// ErrExitSwitches finds what a program does to set -e. The head of the program
// (see ErrExitHead, nil for none) does not count.
func ErrExitSwitches(f *syntax.File, head *syntax.CallExpr) Switches {
	var s Switches
	for _, c := range Commands(f) {
		name := Name(c)
		args := c.Args
		if (name == "command" || name == "builtin") && len(args) > 1 {
			args = args[1:]
			name, _ = Literal(args[0])
		}
		switch name {
		case "eval", ".", "source":
			s.Eval = true
		case "set":
			if c != head {
				s.set(args[1:])
			}
		}
	}
	return s
}

// set reads the arguments of a set command.
func (s *Switches) set(args []*syntax.Word) {
	for i := 0; i < len(args); i++ {
		a, ok := Literal(args[i])
		if !ok {
			s.On, s.Off = true, true
			return
		}
		if len(a) < 2 || a == "--" || a[0] != '-' && a[0] != '+' {
			return // positional parameters follow
		}
		hit := strings.Contains(a, "e")
		for range strings.Count(a, "o") {
			if i++; i == len(args) {
				break
			}
			name, ok := Literal(args[i])
			hit = hit || !ok || name == "errexit"
		}
		if hit && a[0] == '-' {
			s.On = true
		} else if hit {
			s.Off = true
		}
	}
}
