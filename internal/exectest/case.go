package exectest

import (
	"fmt"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/shell"
	"github.com/refit-dev/refit/pkg/transform"
)

// Kind says how the programs of a case must compare.
type Kind string

// The kinds of cases.
const (
	Merge  Kind = "merge"  // the same commands, files and success
	Append Kind = "append" // the same, and on success the added commands at the end
	Behind Kind = "behind" // the same, the added commands aside
	Other  Kind = "other"  // not compared: the change does more than merge or add
)

const notAlone = "the change does more than merge or add"

// Case is one change of shell programs.
type Case struct {
	Name   string // file and line, for messages
	Kind   Kind
	Before []string // the programs, each run by a shell of its own
	After  string
	Note   string // why it is not compared, for Other
	Added  string // commands that the change adds, for Append and Behind
	Shells []Shell
	World  World

	Unordered bool // commands run side by side: their order is not fixed
	Ends      bool // it may end itself, or set a trap: added commands need not run, nor last
	Jobs      bool // it starts background jobs: when they write files is not fixed
}

// Shell is a way to run a program: Bin ("dash" or "bash") with Argv and the
// program's text behind it.
type Shell struct {
	Bin  string
	Argv []string // with argv[0]
}

func (s Shell) String() string {
	name := path.Base(s.Argv[0])
	if name != s.Bin {
		name = s.Bin + " as " + name
	}
	return strings.Join(append([]string{name}, s.Argv[1:]...), " ")
}

// shells gives the ways to run programs of a script's shell. A sh is dash on
// Debian and bash on Red Hat; what does not parse as sh runs under bash only.
func shells(sc *shell.Script, sh shell.Shell, trees []*syntax.File, texts []string) []Shell {
	argv := sh.Argv
	if sc.Shebang {
		line, _, _ := strings.Cut(sc.Text(), "\n")
		argv = append(strings.Fields(strings.TrimPrefix(line, "#!")), "-c")
		if len(argv) > 2 && path.Base(argv[0]) == "env" {
			argv = argv[1:]
		}
	}
	if len(argv) > 0 && path.Base(argv[0]) == "env" {
		argv = argv[1:]
	}
	if len(argv) == 0 {
		return nil
	}
	bash := Shell{"bash", argv}
	if sc.Lang == shell.Bash {
		return []Shell{bash}
	}
	for _, t := range texts {
		if _, err := shell.ParseAs(t, shell.POSIX); err != nil {
			return []Shell{bash}
		}
	}
	return []Shell{{"dash", argv}, bash}
}

// FromDockerfile runs the selected transforms on a Dockerfile and returns a
// case for every merge and every added command, each as the change alone
// makes it. name is put in front of line numbers.
func FromDockerfile(name string, src []byte, opt transform.Options) ([]Case, error) {
	res, err := transform.Run(src, opt)
	if err != nil {
		return nil, err
	}
	var cases []Case
	cur := src
	for round, rest := 1, res.Changes; len(rest) > 0; round++ {
		var now []transform.Change
		for len(rest) > 0 && rest[0].Round <= round {
			now, rest = append(now, rest[0]), rest[1:]
		}
		if len(now) == 0 {
			continue
		}
		var all []emit.Edit
		for _, c := range now {
			all = append(all, c.Edits...)
			cs, err := fromChange(name, cur, c, opt)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Title, err)
			}
			cases = append(cases, cs...)
		}
		if cur, err = emit.Apply(cur, all); err != nil {
			return nil, err
		}
	}
	if string(cur) != string(res.After) {
		return nil, fmt.Errorf("%s: replaying the changes gives another result", name)
	}
	return cases, nil
}

// fromChange applies a change alone to a text and returns its cases.
func fromChange(name string, src []byte, c transform.Change, opt transform.Options) ([]Case, error) {
	var merges []plan.Merge
	var adds []addition
	other := map[int]bool{} // instructions whose commands change otherwise
	moves := false          // instructions come and go
	for _, e := range c.Effects {
		switch e := e.(type) {
		case plan.Merge:
			merges = append(merges, e)
		case plan.Append:
			adds = append(adds, addition{e.Instr, Append, e.Text})
		case plan.Behind:
			adds = append(adds, addition{e.Instr, Behind, e.Text})
		case plan.Command:
			other[e.Instr] = true
		case plan.Drop:
			other[e.Instr] = true
		case plan.Prepend:
			other[e.Instr] = true
		case plan.Flags:
		default:
			moves = true
		}
	}
	switch {
	case len(merges)+len(adds) == 0:
		return nil, nil
	case moves || len(merges) > 1 || len(merges) > 0 && len(adds)+len(other) > 0:
		// Numbers before and after differ, or there is more than one change.
		return []Case{{Name: fmt.Sprintf("%s:%d", name, c.Pos.Line), Kind: Other, Note: notAlone}}, nil
	}
	before, err := parse.Parse(src)
	if err != nil {
		return nil, err
	}
	text, err := emit.Apply(src, c.Edits)
	if err != nil {
		return nil, err
	}
	after, err := parse.Parse(text)
	if err != nil {
		return nil, err
	}
	fb, fa := facts.New(before, opt.Facts), facts.New(after, opt.Facts)
	var cases []Case
	for _, m := range merges {
		cs, err := newCase(name, Merge, fb, fa, m.Instrs)
		if err != nil {
			return nil, err
		}
		cases = append(cases, cs)
	}
	count := map[int]int{} // additions by instruction
	for _, a := range adds {
		count[a.instr]++
	}
	for _, a := range adds {
		if other[a.instr] || count[a.instr] > 1 {
			cases = append(cases, Case{Name: fmt.Sprintf("%s:%d", name, c.Pos.Line), Kind: Other, Note: notAlone})
			continue
		}
		cs, err := newCase(name, a.kind, fb, fa, []int{a.instr})
		if err != nil {
			return nil, err
		}
		cs.Added = a.text
		cases = append(cases, cs)
	}
	return cases, nil
}

// addition is a command that a change adds to an instruction.
type addition struct {
	instr int
	kind  Kind
	text  string
}

// newCase builds the case of instructions that become the first of them.
func newCase(name string, kind Kind, before, after *facts.Facts, instrs []int) (Case, error) {
	first := before.File.Instructions[instrs[0]]
	cs := Case{Name: fmt.Sprintf("%s:%d", name, first.StartLine), Kind: kind}
	now := after.Script(after.File.Instructions[instrs[0]])
	if now == nil {
		return cs, fmt.Errorf("%s: instruction %d has no program after the change", cs.Name, instrs[0])
	}
	cs.After = now.Text()
	var trees []*syntax.File
	var sc *shell.Script
	for _, i := range instrs {
		sc = before.Script(before.File.Instructions[i])
		tree, err := sc.Parse()
		if err != nil {
			return cs, fmt.Errorf("%s: %w", cs.Name, err)
		}
		trees = append(trees, tree)
		cs.Before = append(cs.Before, sc.Text())
	}
	tree, err := now.Parse()
	if err != nil {
		return cs, fmt.Errorf("%s: the result: %w", cs.Name, err)
	}
	cs.Shells = shells(sc, before.Shell(first), trees, cs.Before)
	vars := variables(before, first, trees)
	dir := "/"
	if w := before.At(first).Workdir; w.Known {
		dir = w.S
	}
	cs.World = NewWorld(dir, vars, append(trees, tree))
	cs.look(trees)
	return cs, nil
}

// variables returns what ENV and ARG set of the variables that programs
// mention.
func variables(fs *facts.Facts, in *parse.Instruction, trees []*syntax.File) map[string]string {
	vars := map[string]string{"HOME": "/root"}
	for _, t := range trees {
		syntax.Walk(t, func(n syntax.Node) bool {
			if p, ok := n.(*syntax.ParamExp); ok && p.Param != nil {
				if v, set := fs.Lookup(p.Param.Value, in); set && v.Known && p.Param.Value != "PATH" {
					vars[p.Param.Value] = v.S
				}
			}
			return true
		})
	}
	return vars
}

// look notes what the programs do that comparing them must know.
func (c *Case) look(trees []*syntax.File) {
	for _, t := range trees {
		syntax.Walk(t, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.BinaryCmd:
				c.Unordered = c.Unordered || n.Op == syntax.Pipe || n.Op == syntax.PipeAll
			case *syntax.ProcSubst:
				c.Unordered = true
			case *syntax.Stmt:
				c.Jobs = c.Jobs || n.Background || n.Coprocess
			}
			return true
		})
		for _, cmd := range shell.Commands(t) {
			switch shell.Name(cmd) {
			case "exit", "exec", "return", "trap", "eval", ".", "source":
				c.Ends = true
			}
		}
	}
	c.Unordered = c.Unordered || c.Jobs
}

// Unsteady says why a case would not record the same twice, or "": process
// numbers and random numbers.
func (c *Case) Unsteady() string {
	for _, text := range append(c.Before, c.After) {
		f, err := shell.ParseText(text, shell.Bash)
		if err != nil {
			continue
		}
		why := ""
		syntax.Walk(f, func(n syntax.Node) bool {
			if p, ok := n.(*syntax.ParamExp); ok && p.Param != nil {
				switch p.Param.Value {
				case "$", "!", "PPID", "BASHPID", "RANDOM", "SRANDOM", "SECONDS", "EPOCHSECONDS", "EPOCHREALTIME":
					why = "$" + p.Param.Value
				}
			}
			return why == ""
		})
		if why != "" {
			return why
		}
	}
	return ""
}
