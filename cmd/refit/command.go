package main

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// command is one of refit's commands. A library for command lines would take
// more time at start-up than the work on a small file (docs/performance.md).
type command struct {
	name        string
	usage       string // one line
	operands    string // as the usage line shows them
	description string
	flags       [][]flag // in groups that commands share
	run         func(*call) error
}

// kind is what the value of a flag is.
type kind uint8

const (
	isSwitch kind = iota // no value
	isText
	isNumber
	isList // may be repeated
)

// flag is a flag of a command.
type flag struct {
	name     string // without dashes
	short    string // one letter, or ""
	kind     kind
	category string
	usage    string // the name of the value stands between backquotes
	def      string // the default value
	without  string // the value if the flag stands alone: --changed or --changed=REF
	hidden   bool
}

// helpFlag is a flag of every command.
var helpFlag = flag{name: "help", short: "h", usage: "show help"}

// eachFlag yields the command's own flags in the order of the help.
func (cmd *command) eachFlag() iter.Seq[*flag] {
	return func(yield func(*flag) bool) {
		for _, group := range cmd.flags {
			for i := range group {
				if !yield(&group[i]) {
					return
				}
			}
		}
	}
}

// flag returns the flag that a name, long or short, stands for; nil if there is none.
func (cmd *command) flag(name string) *flag {
	for f := range cmd.eachFlag() {
		if f.name == name || f.short == name {
			return f
		}
	}
	if name == helpFlag.name || name == helpFlag.short {
		return &helpFlag
	}
	return nil
}

// names are all names of the command's flags.
func (cmd *command) names() []string {
	names := []string{helpFlag.name, helpFlag.short}
	for f := range cmd.eachFlag() {
		names = append(names, f.name)
		if f.short != "" {
			names = append(names, f.short)
		}
	}
	return names
}

// call is a command line: a command with the values of its flags.
type call struct {
	cmd    *command
	args   []string // the operands
	values map[string][]string
}

// set gives a flag a value, which must be one of its kind.
func (c *call) set(f *flag, value string) error {
	switch f.kind {
	case isSwitch:
		if _, err := strconv.ParseBool(value); err != nil {
			return usagef("the flag %s is on or off, it takes no value %q", dashed(f.name), value)
		}
	case isNumber:
		if _, err := strconv.Atoi(value); err != nil {
			return usagef("invalid value %q for flag %s: want a number", value, dashed(f.name))
		}
	}
	if f.kind == isList {
		c.values[f.name] = append(c.values[f.name], value)
	} else {
		c.values[f.name] = []string{value}
	}
	return nil
}

// given reports whether a flag stands on the command line.
func (c *call) given(name string) bool { return c.values[name] != nil }

// text is the value of a flag, or its default; "" for a flag that the command does not have.
func (c *call) text(name string) string {
	if v := c.values[name]; v != nil {
		return v[len(v)-1]
	}
	if f := c.cmd.flag(name); f != nil {
		return f.def
	}
	return ""
}

// on is the value of a switch, off where it does not stand on the command line.
func (c *call) on(name string) bool {
	v := c.values[name]
	if v == nil {
		return false
	}
	on, _ := strconv.ParseBool(v[len(v)-1])
	return on
}

func (c *call) number(name string) int {
	n, _ := strconv.Atoi(c.text(name))
	return n
}

func (c *call) list(name string) []string { return c.values[name] }

// first is the first operand, or "".
func (c *call) first() string {
	if len(c.args) == 0 {
		return ""
	}
	return c.args[0]
}

// parseArgs understands the arguments behind the name of a command. Flags may
// stand before and behind operands, one-letter switches may be bundled (-ld), a
// value may touch its letter (-j4), and everything behind -- is an operand.
func parseArgs(cmd *command, args []string) (*call, error) {
	c := &call{cmd: cmd, values: map[string][]string{}}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			c.args = append(c.args, args[i+1:]...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			c.args = append(c.args, arg)
			continue
		}
		name, value, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		f := cmd.flag(name)
		if f == nil && !strings.HasPrefix(arg, "--") {
			if short := cmd.flag(arg[1:2]); short != nil && short.kind != isSwitch { // -j4
				f, value, hasValue = short, strings.TrimPrefix(arg[2:], "="), true
			}
		}
		switch {
		case f == nil && !strings.HasPrefix(arg, "--") && cmd.isBundle(name):
			for _, letter := range name {
				if err := c.set(cmd.flag(string(letter)), "true"); err != nil {
					return nil, err
				}
			}
			continue
		case f == nil:
			hint := ""
			if near := nearest(name, cmd.names()); near != "" {
				hint = "; did you mean " + dashed(near) + "?"
			}
			return nil, usagef("%s has no flag %s%s (refit %s --help lists them)", cmd.name, dashed(name), hint, cmd.name)
		case hasValue:
		case f.kind == isSwitch:
			value = "true"
		case f.without != "":
			value = f.without
		case i+1 == len(args):
			return nil, usagef("the flag %s needs a value", dashed(name))
		default:
			i++
			value = args[i]
		}
		if err := c.set(f, value); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// isBundle reports whether every letter is a switch.
func (cmd *command) isBundle(letters string) bool {
	for _, letter := range letters {
		if f := cmd.flag(string(letter)); f == nil || f.kind != isSwitch {
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

// execute runs the command line args, the arguments of the process without its
// own name.
func execute(c *console, args []string) error {
	if len(args) == 0 {
		return printOverview(c)
	}
	switch args[0] {
	case "-version", "--version", "version":
		_, err := fmt.Fprintf(c.out, "refit version %s\n", versionText())
		return err
	case "-h", "-help", "--help", "help":
		if args[0] != "help" || len(args) == 1 {
			return printOverview(c)
		}
		args = []string{args[1], "--help"}
	}
	line, err := understand(c, args)
	if err != nil {
		return err
	}
	if line.on(helpFlag.name) {
		return printHelp(c.out, line.cmd)
	}
	return line.cmd.run(line)
}

// understand parses the name of a command and what stands behind it.
func understand(c *console, args []string) (*call, error) {
	cmd, err := find(c, args[0])
	if err != nil {
		return nil, err
	}
	return parseArgs(cmd, args[1:])
}

// find makes the command of a name.
func find(c *console, name string) (*command, error) {
	var names []string
	for _, m := range makers() {
		switch {
		case m.name != name:
			names = append(names, m.name)
		case m.make == nil:
			return nil, handOver()
		default:
			return m.command(c), nil
		}
	}
	return nil, misplaced(name, names)
}
