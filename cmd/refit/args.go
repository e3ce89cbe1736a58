package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/urfave/cli/v2"
)

// permute brings the flags of a command before its operands, because the flag
// package stops at the first operand: "refit fix Dockerfile -d" must work. A
// bundle of one-letter switches (-ld) is taken apart, and everything behind --
// is an operand. Unknown flags and missing values are reported here, where the
// nearest flag is at hand.
func permute(app *cli.App, args []string) ([]string, error) {
	if len(args) < 2 {
		return args, nil
	}
	switch name := args[1]; {
	case slices.Contains([]string{"-h", "-help", "--help", "-version", "--version"}, name):
		return args[:2], nil
	case name == "version" && len(args) == 2:
		return []string{args[0], "--version"}, nil
	case name == "help" && len(args) == 2:
		return []string{args[0], "--help"}, nil
	case name == "help":
		args = []string{args[0], args[2], "--help"}
	}
	cmd := app.Command(args[1])
	if cmd == nil {
		return nil, unknownCommand(app, args[1])
	}
	head := args[:2:2]
	rest := args[2:]
	if len(rest) > 0 && len(cmd.Subcommands) > 0 {
		if sub := subcommand(cmd, rest[0]); sub != nil {
			head, rest, cmd = append(head, rest[0]), rest[1:], sub
		}
	}
	takes := map[string]bool{"h": false, "help": false} // flag name → takes a value
	optional := map[string]string{}
	var names []string
	for _, f := range cmd.Flags {
		_, isBool := f.(*cli.BoolFlag)
		for _, n := range f.Names() {
			takes[n] = !isBool
			names = append(names, n)
		}
		if o, ok := f.(*optionalFlag); ok {
			for _, n := range o.Names() {
				optional[n] = o.without
			}
		}
	}
	var flags, operands []string
	for i := 0; i < len(rest); i++ {
		arg := rest[i]
		if arg == "--" {
			operands = append(operands, rest[i+1:]...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			operands = append(operands, arg)
			continue
		}
		name, value, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		needs, known := takes[name]
		switch {
		case !known && !strings.HasPrefix(arg, "--") && isBundle(name, takes):
			for _, c := range name {
				flags = append(flags, "-"+string(c))
			}
			continue
		case !known:
			hint := ""
			if near := nearest(name, names); near != "" {
				hint = "; did you mean " + dashed(near) + "?"
			}
			return nil, usagef("%s has no flag %s%s (refit %s --help lists them)", cmd.Name, dashed(name), hint, cmd.Name)
		case hasValue:
			flags = append(flags, dashed(name)+"="+value)
		case !needs:
			flags = append(flags, dashed(name))
		default:
			if without, ok := optional[name]; ok {
				flags = append(flags, dashed(name)+"="+without)
				continue
			}
			if i+1 == len(rest) {
				return nil, usagef("the flag %s needs a value", dashed(name))
			}
			i++
			flags = append(flags, dashed(name)+"="+rest[i])
		}
	}
	out := append(head, flags...)
	if len(operands) > 0 {
		out = append(append(out, "--"), operands...)
	}
	return out, nil
}

func subcommand(cmd *cli.Command, name string) *cli.Command {
	for _, s := range cmd.Subcommands {
		if s.HasName(name) {
			return s
		}
	}
	return nil
}

// isBundle reports whether every letter is a switch without a value.
func isBundle(letters string, takes map[string]bool) bool {
	for _, c := range letters {
		if needs, known := takes[string(c)]; !known || needs {
			return false
		}
	}
	return letters != ""
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// optionalFlag is a string flag whose value may be left out: --changed or
// --changed=REF.
type optionalFlag struct {
	*cli.StringFlag
	without string // the value when none is given
}

// nearest returns the candidate with the smallest edit distance to s, or "" if
// none is close.
func nearest(s string, candidates []string) string {
	best, dist := "", len(s)/3+2
	for _, c := range candidates {
		if len(c) < 2 {
			continue
		}
		if d := levenshtein.Distance(s, c, nil); d < dist {
			best, dist = c, d
		}
	}
	return best
}

// plural says "1 file" or "2 files".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
