package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// changesState tells commands that change what the shell does or knows
// afterwards, see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_15.
func changesState(name string) bool {
	switch name {
	case "cd", "pushd", "popd", "export", "readonly", "set", "shopt",
		"umask", "trap", "alias", "unalias", "exec", "exit", "return",
		".", "source", "unset", "shift", "read", "eval", "hash",
		"ulimit", "getopts", "enable", "builtin", "mapfile", "readarray",
		"local", "declare", "typeset", "let", "wait", "break", "continue":
		return true
	}
	return false
}

// Scope is what a program leaves behind in the shell that runs it.
type Scope struct {
	Changes    []string // what it changes: names of builtins, "assignment", "function", see ShellVariable
	Background bool     // it starts a job and does not wait in a subshell
	Comment    bool     // it has a comment, which on one line swallows what follows
}

// LineByLine reports whether a chain of commands that make the changes means the
// same with each command on a line of its own under set -e: none of them turns
// -e off, is an alias or a trap that lines see and a chain does not, or ends
// the shell.
func (s Scope) LineByLine() bool {
	for _, c := range s.Changes {
		switch c {
		case "cd", "export", "umask", "unset", "assignment":
		default:
			if ShellVariable(c) == "" {
				return false
			}
		}
	}
	return true
}

// ScopeOf finds what statements change outside subshells, command
// substitutions and pipelines.
func ScopeOf(stmts []*syntax.Stmt, last []syntax.Comment) Scope {
	s := Scope{Comment: len(last) > 0}
	for _, st := range stmts {
		s.stmt(st, true)
	}
	return s
}

// assigned names the change that an assignment makes. Names of environment
// variables are in upper case, but for those of proxies and npm: others are
// seen by the shell alone.
func assigned(name string) string {
	if strings.ToUpper(name) == name || strings.HasSuffix(name, "_proxy") || strings.HasPrefix(name, "npm_config_") {
		return "assignment"
	}
	return "variable " + name
}

// ShellVariable is the name of the variable that a change of a Scope sets, if
// commands that the shell runs do not get it, else "".
func ShellVariable(change string) string {
	change = strings.TrimPrefix(change, "loop ")
	v, ok := strings.CutPrefix(change, "variable ")
	if !ok {
		return ""
	}
	return v
}

// note adds a change once.
func (s *Scope) note(what string) {
	for _, c := range s.Changes {
		if c == what {
			return
		}
	}
	s.Changes = append(s.Changes, what)
}

// stmt visits a statement; direct is false inside subshells, where only jobs
// and comments matter.
func (s *Scope) stmt(st *syntax.Stmt, direct bool) {
	visit := func(n syntax.Node, direct bool) {
		syntax.Walk(n, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.Stmt:
				if n != st {
					s.stmt(n, direct)
					return false
				}
			case *syntax.Subshell, *syntax.CmdSubst, *syntax.ProcSubst:
				if direct {
					s.nested(n)
					return false
				}
			case *syntax.BinaryCmd:
				if (n.Op == syntax.Pipe || n.Op == syntax.PipeAll) && direct {
					s.stmt(n.X, false)
					s.stmt(n.Y, false)
					return false
				}
			case *syntax.Comment:
				s.Comment = true
			case *syntax.FuncDecl:
				if direct {
					s.note("function")
				}
				return false
			case *syntax.ForClause:
				if w, ok := n.Loop.(*syntax.WordIter); ok && direct {
					s.note("loop variable " + w.Name.Value)
				}
			case *syntax.DeclClause:
				if direct {
					s.note(n.Variant.Value)
				}
			case *syntax.LetClause, *syntax.ArithmCmd, *syntax.CoprocClause:
				if direct {
					s.note("assignment")
				}
			case *syntax.ParamExp:
				if n.Exp != nil && (n.Exp.Op == syntax.AssignUnset || n.Exp.Op == syntax.AssignUnsetOrNull) && direct {
					s.note("assignment")
				}
			case *syntax.ArithmExp:
				// $((x=1)) and $((x++)) assign.
				if direct && assigns(n) {
					s.note("assignment")
				}
			case *syntax.CallExpr:
				if !direct {
					return true
				}
				if len(n.Args) == 0 {
					for _, a := range n.Assigns {
						s.note(assigned(a.Name.Value))
					}
				} else {
					name, ok := Literal(n.Args[0])
					if name == "command" && len(n.Args) > 1 {
						name, ok = Literal(n.Args[1])
					}
					if !ok && len(n.Args[0].Parts) > 0 {
						// A command named by a variable may be a builtin.
						if _, lit := n.Args[0].Parts[0].(*syntax.Lit); !lit && len(n.Args[0].Parts) == 1 {
							s.note("a command named by an expansion")
						}
					}
					if changesState(name) {
						s.note(name)
					}
				}
			}
			return true
		})
	}
	if st.Background || st.Coprocess || st.Disown {
		s.Background = true
	}
	visit(st, direct)
}

// nested looks into a subshell for jobs and comments.
func (s *Scope) nested(n syntax.Node) {
	var stmts []*syntax.Stmt
	var last []syntax.Comment
	switch n := n.(type) {
	case *syntax.Subshell:
		stmts, last = n.Stmts, n.Last
	case *syntax.CmdSubst:
		stmts, last = n.Stmts, n.Last
	case *syntax.ProcSubst:
		stmts, last = n.Stmts, n.Last
	}
	s.Comment = s.Comment || len(last) > 0
	for _, st := range stmts {
		s.stmt(st, false)
	}
}

func assigns(n syntax.Node) bool {
	found := false
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.BinaryArithm:
			switch n.Op {
			case syntax.Assgn, syntax.AddAssgn, syntax.SubAssgn, syntax.MulAssgn, syntax.QuoAssgn, syntax.RemAssgn,
				syntax.AndAssgn, syntax.OrAssgn, syntax.XorAssgn, syntax.ShlAssgn, syntax.ShrAssgn:
				found = true
			}
		case *syntax.UnaryArithm:
			if n.Op == syntax.Inc || n.Op == syntax.Dec {
				found = true
			}
		}
		return true
	})
	return found
}

// FailsLoudly reports whether, under set -e, a statement that ends with a
// failure always ends the shell. It does not for a && b (a's failure is
// ignored), for negations, and for compound commands that end with one. See
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_26_03.
func FailsLoudly(st *syntax.Stmt) bool {
	if st.Negated || st.Background {
		return false
	}
	last := func(stmts []*syntax.Stmt) bool {
		return len(stmts) == 0 || FailsLoudly(stmts[len(stmts)-1])
	}
	switch c := st.Cmd.(type) {
	case *syntax.CallExpr, *syntax.Subshell, *syntax.TestClause, *syntax.DeclClause:
		return true
	case *syntax.BinaryCmd:
		switch c.Op {
		case syntax.Pipe, syntax.PipeAll:
			return true
		case syntax.OrStmt:
			return FailsLoudly(c.Y) // a list fails with its last command
		}
	case *syntax.Block:
		return last(c.Stmts)
	case *syntax.IfClause:
		for ; c != nil; c = c.Else {
			if !last(c.Then) {
				return false
			}
		}
		return true
	case *syntax.WhileClause:
		return last(c.Do)
	case *syntax.ForClause:
		return last(c.Do)
	case *syntax.CaseClause:
		for _, it := range c.Items {
			if !last(it.Stmts) {
				return false
			}
		}
		return true
	}
	return false
}

// ErrExitHead returns the set command that starts a program and turns on -e
// (`set -ex; …`), or nil. Such a program goes on only while its commands
// succeed, so its statements are joined like a chain.
func ErrExitHead(f *syntax.File) *syntax.CallExpr {
	if len(f.Stmts) < 2 {
		return nil
	}
	st := f.Stmts[0]
	c, ok := st.Cmd.(*syntax.CallExpr)
	if !ok || st.Negated || st.Background || len(st.Redirs) > 0 || len(c.Assigns) > 0 || len(c.Args) < 2 || c.Args[0].Lit() != "set" {
		return nil
	}
	on := false
	for i := 1; i < len(c.Args); i++ {
		a := c.Args[i].Lit()
		if len(a) < 2 || a[0] != '-' {
			return nil
		}
		for j, o := range a[1:] {
			switch o {
			case 'e':
				on = true
			case 'u', 'x', 'f', 'C', 'v':
			case 'o':
				if j != len(a)-2 || i+1 >= len(c.Args) {
					return nil
				}
				i++
				switch c.Args[i].Lit() {
				case "errexit":
					on = true
				case "pipefail", "nounset", "xtrace":
				default:
					return nil
				}
			default:
				return nil
			}
		}
	}
	if !on {
		return nil
	}
	return c
}

// Options are the shell options that a set command turns on.
type Options struct {
	ErrExit, NoUnset, PipeFail bool
}

// HeadOptions reads the options of an ErrExitHead. -x, which only traces, is
// left out.
func HeadOptions(head *syntax.CallExpr) Options {
	var o Options
	for i, w := range head.Args[1:] {
		a := w.Lit()
		switch {
		case strings.HasPrefix(a, "-"):
			o.ErrExit = o.ErrExit || strings.Contains(a, "e")
			o.NoUnset = o.NoUnset || strings.Contains(a, "u")
		case head.Args[i].Lit() != "" && strings.HasSuffix(head.Args[i].Lit(), "o"):
			o.ErrExit = o.ErrExit || a == "errexit"
			o.NoUnset = o.NoUnset || a == "nounset"
			o.PipeFail = o.PipeFail || a == "pipefail"
		}
	}
	return o
}

// Bears reports whether a program that was written without the options means
// the same under them: it has only simple commands, no pipeline under
// pipefail, and no expansion under nounset.
func (o Options) Bears(stmts []*syntax.Stmt) bool {
	ok := true
	for _, st := range stmts {
		syntax.Walk(st, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.BinaryCmd:
				if n.Op != syntax.AndStmt && n.Op != syntax.OrStmt && o.PipeFail {
					ok = false
				}
			case *syntax.ParamExp, *syntax.ArithmExp:
				if o.NoUnset {
					ok = false
				}
			case *syntax.CmdSubst, *syntax.ProcSubst, *syntax.Block, *syntax.Subshell, *syntax.IfClause, *syntax.ForClause,
				*syntax.WhileClause, *syntax.CaseClause, *syntax.FuncDecl, *syntax.TimeClause, *syntax.CoprocClause:
				ok = false // -e changes what a failure inside does
			case *syntax.CallExpr:
				switch Name(n) {
				case ".", "source", "eval":
					ok = false
				}
			}
			return ok
		})
	}
	return ok
}
