package facts

import (
	"path"
	"slices"
	"strings"

	shexpand "mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/internal/lazy"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

// Field is one argument of a command, after expansion as far as the file tells.
type Field struct {
	Text  string // globs stay, a home directory is ~; what is unknown is NUL
	Known bool   // Text has nothing unknown
	Glob  bool   // Text has unquoted glob characters
	Word  int    // index of its word in the command
}

// Invocation is a call of a package manager in a shell program.
type Invocation struct {
	Manager *Manager
	Call    *syntax.CallExpr
	Command Field   // the word that names the manager
	Name    string  // how it is called, without directory: pip3
	Verb    string  // the sub-command as in the table, or as written
	VerbAt  Field   // the last word of the sub-command; the command word without one
	Role    Role    //
	Flags   []Field // options, before and behind the sub-command, without their separate arguments
	Args    []Field // operands
	Options []Field // options and their separate arguments
	Opaque  bool    // some word is unknown, and may be options or operands
	Sudo    bool    // called through sudo, doas or the like
	User    string  // the user that a wrapper switches to, "" if none
	Assigns []string
	Path    Path // where it stands among conditions
	Xargs   bool // its operands come from standard input
	Seq     int  // index of its call in Facts.Calls
	Nested  bool // inside the argument of sh -c or eval: no word of it can be edited
}

// HasFlag reports whether one of the options is given, with or without =value.
func (v *Invocation) HasFlag(names ...string) bool {
	for _, f := range v.Flags {
		name, _, _ := strings.Cut(f.Text, "=")
		if slices.Contains(names, name) || slices.Contains(names, f.Text) {
			return true
		}
	}
	return false
}

// Yes reports whether an option answers the manager's questions.
func (v *Invocation) Yes() bool {
	return slices.ContainsFunc(v.Flags, func(f Field) bool { return v.Manager.HasYes(f.Text) })
}

// Path says under which conditions a command runs: one element for each
// branch, loop, function, subshell or right side of || around it.
type Path []Branch

// Branch is one condition.
type Branch struct {
	Node syntax.Node
	Side int
	Sub  bool // a subshell or group of its own process, no condition
}

// Under reports whether a command at p runs whenever one at q does, and
// before or after it: all conditions around p are around q.
func (p Path) Under(q Path) bool {
	i := 0
	for _, b := range p {
		if b.Sub {
			continue
		}
		for i < len(q) && q[i] != b {
			i++
		}
		if i == len(q) {
			return false
		}
	}
	return true
}

// Always reports whether no condition stands around the command.
func (p Path) Always() bool {
	return !slices.ContainsFunc(p, func(b Branch) bool { return !b.Sub })
}

// Subshell reports whether the command runs in a subshell or substitution,
// whose variables and directory end with it.
func (p Path) Subshell() bool {
	return slices.ContainsFunc(p, func(b Branch) bool {
		_, pipe := b.Node.(*syntax.BinaryCmd)
		return b.Sub && !pipe
	})
}

// Background reports whether the command is part of a background job.
func (p Path) Background() bool {
	return slices.ContainsFunc(p, func(b Branch) bool { _, job := b.Node.(*syntax.Stmt); return b.Sub && job })
}

// Call is a simple command of a program, with what is known of it.
type Call struct {
	Expr    *syntax.CallExpr
	Stmt    *syntax.Stmt
	Fields  []Field // without wrappers such as sudo
	Path    Path
	Sudo    bool
	User    string
	Assigns []string
	Xargs   bool
	Nested  bool // inside the argument of sh -c or eval
}

// Name is the command's name without directory, or "".
func (c *Call) Name() string {
	if len(c.Fields) == 0 {
		return ""
	}
	return baseName(c.Fields[0])
}

// baseName is the name that a command word ends in, even if its directory is
// unknown.
func baseName(f Field) string {
	if f.Known {
		if strings.HasSuffix(f.Text, "/") {
			return ""
		}
		return path.Base(f.Text)
	}
	i := strings.LastIndexByte(f.Text, '/')
	if i < 0 || strings.ContainsRune(f.Text[i:], 0) {
		return ""
	}
	return f.Text[i+1:]
}

// Calls returns the simple commands of the shell program of an instruction in
// source order, or nil if there is none that is understood.
func (fs *Facts) Calls(in *parse.Instruction) []Call {
	return fs.calls.of(in, len(fs.states), func() []Call { return fs.findCalls(in) })
}

func (fs *Facts) findCalls(in *parse.Instruction) []Call {
	var out []Call
	if s := fs.Script(in); s != nil {
		if tree, err := s.Parse(); err == nil {
			out = fs.walk(s, tree, in).calls
		}
	} else if run := child(in); run.Form == parse.Exec && (run.Name == "RUN" || run.Name == "CMD" || run.Name == "ENTRYPOINT") {
		var c Call
		for _, w := range run.Words {
			c.Fields = append(c.Fields, Field{Text: w.Value, Known: true})
		}
		c.unwrap()
		out = []Call{c}
	}
	return out
}

// walk visits the tree of a script. A script that shares its tree shares what
// is found there, as long as what was looked up in the environment is the same.
func (fs *Facts) walk(s *shell.Script, tree *syntax.File, in *parse.Instruction) *walker {
	st := fs.At(in)
	bash, root := s.Lang == shell.Bash || st.bashSh(), fs.Home(st) == "/root"
	if w, ok := s.Calls().Load().(*walker); ok && w.tree == tree && w.bash == bash && w.root == root && w.current(st.env) {
		return w
	}
	w := &walker{tree: tree, bash: bash, root: root, env: st.env, vars: assignments(s.Map.Text, tree), substitutes: s.Substitutes()}
	w.program(tree.Stmts)
	w.env = nil
	s.Calls().Store(w)
	return w
}

// current reports whether an environment has the values that were looked up.
func (w *walker) current(e *env) bool {
	for _, a := range w.asked {
		if v, ok := e.lookup(a.name); v != a.value || ok != a.set {
			return false
		}
	}
	return true
}

func child(in *parse.Instruction) *parse.Instruction {
	if in.Child != nil {
		return in.Child
	}
	return in
}

// bashSh reports whether /bin/sh is bash on the base, which then expands
// braces.
func (st *State) bashSh() bool {
	switch st.Stage.Family {
	case RedHat, SUSE, Arch:
		return true
	}
	return false
}

// Invocations returns the calls of package managers in an instruction's shell
// program or exec form, in source order.
func (fs *Facts) Invocations(in *parse.Instruction) []*Invocation {
	return fs.invocations.of(in, len(fs.states), func() []*Invocation { return fs.findInvocations(in) })
}

func (fs *Facts) findInvocations(in *parse.Instruction) []*Invocation {
	var out []*Invocation
	calls := fs.Calls(in)
	for k := range calls {
		if v := invocation(&calls[k]); v != nil {
			v.Seq, v.Nested = k, calls[k].Nested
			out = append(out, v)
		}
	}
	return out
}

// assignments counts what a program assigns: the value of variables that are
// assigned once, by a plain literal; others are noted as unknown.
func assignments(text string, f *syntax.File) map[string]Value {
	if !strings.Contains(text, "=") && !strings.Contains(text, "for") && !strings.Contains(text, "read") {
		return nil
	}
	vars := map[string]Value{}
	count := map[string]int{}
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			if len(n.Args) > 0 && shell.Name(n) == "read" {
				for _, w := range n.Args[1:] {
					if s, ok := shell.Literal(w); ok {
						count[s] += 2
					}
				}
			}
		case *syntax.Assign:
			if n.Name == nil {
				return true
			}
			name := n.Name.Value
			count[name]++
			v := Value{}
			if n.Value == nil && !n.Naked {
				v = known("")
			} else if s, ok := shell.Literal(n.Value); ok && !n.Append && n.Index == nil {
				v = known(s)
			}
			vars[name] = v
		case *syntax.ForClause:
			if it, ok := n.Loop.(*syntax.WordIter); ok {
				count[it.Name.Value] += 2
			}
		case *syntax.ParamExp:
			if n.Exp != nil && n.Param != nil && (n.Exp.Op == syntax.AssignUnset || n.Exp.Op == syntax.AssignUnsetOrNull) {
				count[n.Param.Value] += 2
			}
		}
		return true
	})
	for name, n := range count {
		if n > 1 {
			vars[name] = Value{}
		}
	}
	return vars
}

// walker collects calls.
type walker struct {
	tree        *syntax.File
	bash        bool // the shell expands braces
	root        bool // /root is the home directory
	env         *env
	asked       []asked // what was looked up in env
	vars        map[string]Value
	substitutes bool // the program may have command substitutions
	calls       []Call
	depth       int
	final       bool // in the last statement of the program, at its top level
}

type asked struct {
	name  string
	value Value
	set   bool
}

func with(p Path, n syntax.Node, side int) Path {
	return append(slices.Clone(p), Branch{Node: n, Side: side})
}

func sub(p Path, n syntax.Node) Path { return append(slices.Clone(p), Branch{Node: n, Sub: true}) }

// program visits a whole program. Where its last chain fails, the RUN does:
// there a question in front of && is no condition.
func (w *walker) program(list []*syntax.Stmt) {
	if len(list) == 0 {
		return
	}
	w.stmts(list[:len(list)-1], nil)
	w.final = true
	w.stmt(list[len(list)-1], nil)
}

func (w *walker) stmts(list []*syntax.Stmt, p Path) {
	for _, st := range list {
		w.stmt(st, p)
	}
}

func (w *walker) stmt(st *syntax.Stmt, p Path) {
	final := w.final
	if b, ok := st.Cmd.(*syntax.BinaryCmd); !ok || b.Op != syntax.AndStmt || st.Negated || st.Background {
		w.final = false
	}
	defer func() { w.final = final }()
	if st.Background {
		p = sub(p, st)
	}
	switch c := st.Cmd.(type) {
	case *syntax.CallExpr:
		w.call(c, st, p)
	case *syntax.BinaryCmd:
		switch c.Op {
		case syntax.AndStmt:
			w.and(c, p)
		case syntax.OrStmt:
			w.stmt(c.X, p)
			w.stmt(c.Y, with(p, c, 1))
		default:
			w.stmt(c.X, sub(p, c))
			w.stmt(c.Y, sub(p, c))
		}
	case *syntax.Block:
		w.stmts(c.Stmts, p)
	case *syntax.Subshell:
		w.stmts(c.Stmts, sub(p, c))
	case *syntax.IfClause:
		for i, n := 0, c; n != nil; i, n = i+1, n.Else {
			if i == 0 {
				w.stmts(n.Cond, p)
			} else {
				w.stmts(n.Cond, with(p, c, 100+i))
			}
			w.stmts(n.Then, with(p, c, i))
		}
	case *syntax.WhileClause:
		w.stmts(c.Cond, p)
		w.stmts(c.Do, with(p, c, 0))
	case *syntax.ForClause:
		// A loop over literal words runs at least once.
		if it, ok := c.Loop.(*syntax.WordIter); !ok || len(it.Items) == 0 || !literalWord(it.Items[0]) {
			p = with(p, c, 0)
		}
		w.stmts(c.Do, p)
	case *syntax.CaseClause:
		for i, it := range c.Items {
			w.stmts(it.Stmts, with(p, c, i))
		}
	case *syntax.FuncDecl:
		w.stmt(c.Body, with(p, c, 0))
	case *syntax.TimeClause:
		if c.Stmt != nil {
			w.stmt(c.Stmt, p)
		}
	case nil:
	default:
		w.substitutions(c, p)
	}
	for _, r := range st.Redirs {
		if r.Word != nil {
			w.substitutions(r.Word, p)
		}
	}
}

// and visits the operands of a && chain and returns the path of what follows
// it: each question stands around all operands behind it.
func (w *walker) and(c *syntax.BinaryCmd, p Path) Path {
	if x, ok := c.X.Cmd.(*syntax.BinaryCmd); ok && x.Op == syntax.AndStmt && !c.X.Negated {
		p = w.and(x, p)
	} else {
		w.stmt(c.X, p)
		if !w.final && w.guard(c.X) {
			p = with(p, c, 0)
		}
	}
	w.stmt(c.Y, p)
	if !w.final && w.guard(c.Y) {
		p = with(p, c, 1)
	}
	return p
}

func literalWord(w *syntax.Word) bool { _, ok := shell.Literal(w); return ok }

// guard reports whether a left side of && is a question whose "no" lets the
// program go on.
func (w *walker) guard(st *syntax.Stmt) bool {
	if st.Negated {
		return true
	}
	switch c := st.Cmd.(type) {
	case *syntax.TestClause:
		return true
	case *syntax.CallExpr:
		switch shell.Name(c) {
		case "[", "test", "which", "type", "grep", "hash", "false":
			return true
		case "command":
			return len(c.Args) > 1 && c.Args[1].Lit() == "-v"
		}
	case *syntax.BinaryCmd:
		if c.Op == syntax.AndStmt {
			return w.guard(c.X) || w.guard(c.Y)
		}
		return w.guard(c.Y)
	}
	return false
}

// substitutions visits the commands in command substitutions.
func (w *walker) substitutions(n syntax.Node, p Path) {
	if !w.substitutes {
		return
	}
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			w.stmts(n.Stmts, sub(p, n))
			return false
		case *syntax.ProcSubst:
			w.stmts(n.Stmts, sub(p, n))
			return false
		}
		return true
	})
}

func (w *walker) call(c *syntax.CallExpr, st *syntax.Stmt, p Path) {
	for _, a := range c.Assigns {
		w.substitutions(a, p)
	}
	for _, a := range c.Args {
		w.substitutions(a, p)
	}
	if len(c.Args) == 0 {
		return
	}
	call := Call{Expr: c, Stmt: st, Path: p}
	for _, a := range c.Assigns {
		if a.Name != nil {
			call.Assigns = append(call.Assigns, a.Name.Value)
		}
	}
	for i, a := range c.Args {
		call.Fields = append(call.Fields, w.fields(a, i)...)
	}
	call.unwrap()
	call.Nested = w.depth > 0
	if call.Nested {
		call.Expr, call.Stmt = nil, nil
	}
	w.calls = append(w.calls, call)
	w.nested(&call, p)
}

// nested visits the program in an argument: sh -c '…', su -c '…', eval '…'.
func (w *walker) nested(c *Call, p Path) {
	if w.depth > 3 || len(c.Fields) < 2 {
		return
	}
	text := ""
	switch c.Name() {
	case "sh", "bash", "dash", "ash", "su", "runuser", "zsh":
		for i, f := range c.Fields[1:] {
			if strings.HasPrefix(f.Text, "-") && !strings.HasPrefix(f.Text, "--") && strings.HasSuffix(f.Text, "c") && i+2 < len(c.Fields) {
				text = c.Fields[i+2].Text
				break
			}
		}
	case "eval":
		if c.Fields[1].Known {
			text = c.Fields[1].Text
		}
	}
	if text == "" || strings.ContainsRune(text, 0) {
		return
	}
	f, err := shell.ParseText(text, shell.Bash)
	if err != nil {
		return
	}
	inner := &walker{bash: w.bash, root: w.root, env: w.env, vars: assignments(text, f), substitutes: true, depth: w.depth + 1}
	inner.stmts(f.Stmts, sub(p, f))
	w.asked = append(w.asked, inner.asked...)
	for _, n := range inner.calls {
		n.Sudo = n.Sudo || c.Sudo
		if n.User == "" {
			n.User = c.User
		}
		w.calls = append(w.calls, n)
	}
}

// fields expands a word.
func (w *walker) fields(word *syntax.Word, at int) []Field {
	words := []*syntax.Word{word}
	if w.bash {
		if c := cloneWord(word); syntax.SplitBraces(c) {
			words = nil
			for x, err := range shexpand.BracesSeq(nil, c) {
				if err != nil || len(words) == 1000 {
					break
				}
				words = append(words, x)
			}
		}
	}
	var out []Field
	for _, x := range words {
		// $VAR alone splits into fields.
		if len(x.Parts) == 1 {
			if pe, ok := x.Parts[0].(*syntax.ParamExp); ok {
				if v := w.param(pe); v.Known && !strings.ContainsAny(v.S, "*?[\\") {
					for _, s := range strings.Fields(v.S) {
						out = append(out, Field{Text: s, Known: true, Word: at})
					}
					continue
				}
			}
		}
		f := Field{Known: true, Word: at}
		var b strings.Builder
		w.parts(&b, &f, x.Parts, false)
		f.Text = b.String()
		for _, h := range []string{"~/", "/root/"} {
			if h != "~/" && !w.root {
				continue
			}
			if rest, ok := strings.CutPrefix(f.Text, h); ok {
				f.Text = "~/" + rest
			}
		}
		out = append(out, f)
	}
	return out
}

// cloneWord copies the parts of a word, since brace splitting changes them.
func cloneWord(w *syntax.Word) *syntax.Word {
	c := *w
	c.Parts = slices.Clone(w.Parts)
	return &c
}

func (w *walker) parts(b *strings.Builder, f *Field, parts []syntax.WordPart, quoted bool) {
	for _, part := range parts {
		switch p := part.(type) {
		case *syntax.Lit:
			if !quoted && strings.ContainsAny(p.Value, "*?[") {
				f.Glob = true
			}
			b.WriteString(strings.ReplaceAll(p.Value, `\`, ""))
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			w.parts(b, f, p.Parts, true)
		case *syntax.ParamExp:
			v := w.param(p)
			if p.Param != nil && p.Param.Value == "HOME" && simpleParam(p) && !v.Known {
				v = known("~")
			}
			if v.Known {
				b.WriteString(v.S)
				continue
			}
			b.WriteByte(0)
			f.Known = false
		default:
			b.WriteByte(0)
			f.Known = false
		}
	}
}

func simpleParam(p *syntax.ParamExp) bool {
	return p.Param != nil && p.Exp == nil && p.Repl == nil && p.Slice == nil && p.Index == nil && !p.Length && !p.Excl && !p.Width
}

// param is the value of a variable: assigned once in the program, or certain
// in the environment.
func (w *walker) param(p *syntax.ParamExp) Value {
	if !simpleParam(p) {
		return Value{}
	}
	if v, ok := w.vars[p.Param.Value]; ok {
		return v
	}
	v, ok := w.env.lookup(p.Param.Value)
	w.asked = append(w.asked, asked{p.Param.Value, v, ok})
	if ok && v.Certain() {
		return v
	}
	return Value{}
}

// wrapper is a command that runs another: its options with a separate
// argument, and how many operands come before the command.
type wrapper struct {
	args     string // letters of short options with a separate argument
	long     []string
	operands int
	assigns  bool
	sudo     bool
	xargs    bool
	users    bool // its first operand is a user
}

var wrappers = lazy.Value[map[string]wrapper]{Make: func() map[string]wrapper {
	return map[string]wrapper{
		"sudo":      {args: "ughpCrtDRTU", long: []string{"--user", "--group", "--chdir"}, assigns: true, sudo: true},
		"doas":      {args: "uC", sudo: true},
		"env":       {args: "uC", long: []string{"--unset", "--chdir"}, assigns: true},
		"exec":      {args: "a"},
		"command":   {},
		"nohup":     {},
		"time":      {args: "fo"},
		"nice":      {args: "n"},
		"ionice":    {args: "cn"},
		"eatmydata": {},
		"timeout":   {args: "ks", operands: 1},
		"xargs":     {args: "nILPdaEs", xargs: true},
		"gosu":      {operands: 1, users: true},
		"su-exec":   {operands: 1, users: true},
		"linux32":   {}, "linux64": {}, "setarch": {operands: 1},
		"stdbuf":   {args: "ioe"},
		"corepack": {},
		"retry":    {args: "tdm"},
		"busybox":  {},
	}
}}

// unwrap strips wrappers off the command.
func (c *Call) unwrap() {
	for len(c.Fields) > 1 {
		name := baseName(c.Fields[0])
		wr, ok := wrappers.Get()[name]
		if !ok {
			return
		}
		rest := c.Fields[1:]
		operands := wr.operands
		user := ""
	scan:
		for len(rest) > 0 {
			f := rest[0].Text
			switch {
			case f == "--":
				rest = rest[1:]
				break scan
			case strings.HasPrefix(f, "--"):
				n := 1
				if slices.Contains(wr.long, f) {
					n = 2
				}
				if f == "--user" && wr.sudo && len(rest) > 1 {
					user = rest[1].Text
				} else if u, ok := strings.CutPrefix(f, "--user="); ok && wr.sudo {
					user = u
				}
				rest = rest[min(n, len(rest)):]
			case len(f) > 1 && f[0] == '-':
				if name == "command" && (f == "-v" || f == "-V") {
					return
				}
				n := 1
				if strings.IndexByte(wr.args, f[len(f)-1]) >= 0 && (len(f) == 2 || wr.sudo) {
					n = 2
					if f[len(f)-1] == 'u' && wr.sudo && len(rest) > 1 {
						user = rest[1].Text
					}
				}
				rest = rest[min(n, len(rest)):]
			case wr.assigns && strings.Contains(f, "=") && !strings.HasPrefix(f, "="):
				k, _, _ := strings.Cut(f, "=")
				c.Assigns = append(c.Assigns, k)
				rest = rest[1:]
			case operands > 0:
				if wr.users {
					user = f
				}
				operands--
				rest = rest[1:]
			default:
				break scan
			}
		}
		if len(rest) == 0 {
			return
		}
		c.Fields = rest
		c.Sudo = c.Sudo || wr.sudo
		c.Xargs = c.Xargs || wr.xargs
		if user != "" {
			c.User = user
		}
	}
}

// invocation reads a call as one of a package manager, or returns nil.
func invocation(c *Call) *Invocation {
	if len(c.Fields) == 0 {
		return nil
	}
	name := baseName(c.Fields[0])
	if name == "" {
		return nil
	}
	rest := c.Fields[1:]
	v := &Invocation{Call: c.Expr, Command: c.Fields[0], Name: name, Sudo: c.Sudo, User: c.User, Assigns: c.Assigns, Path: c.Path, Xargs: c.Xargs}
	for _, m := range managers {
		if m.Called(name) {
			v.Manager = m
			break
		}
		if r, ok := m.Helpers.Of(name); ok {
			v.Manager, v.Role, v.Verb, v.VerbAt = m, r, name, v.Command
			for _, f := range rest {
				if strings.HasPrefix(f.Text, "-") {
					v.Flags = append(v.Flags, f)
				} else {
					v.Args = append(v.Args, f)
				}
			}
			if name == "apt-file" && len(v.Args) > 0 && v.Args[0].Text == "update" {
				v.Role = Update
			}
			return v
		}
	}
	if v.Manager == nil && isPython(name) {
		for i, f := range rest {
			if f.Text == "-m" && i+1 < len(rest) {
				for _, m := range managers {
					if m.Module != "" && m.Module == rest[i+1].Text {
						v.Manager, v.Command, rest = m, rest[i+1], rest[i+2:]
						v.Name = m.Module
						break
					}
				}
				break
			}
			if !strings.HasPrefix(f.Text, "-") {
				break
			}
		}
	}
	if v.Manager == nil {
		return nil
	}
	v.read(rest)
	return v
}

func isPython(name string) bool {
	for _, stem := range []string{"python", "pypy"} {
		if rest, ok := strings.CutPrefix(name, stem); ok && strings.Trim(rest, "0123456789.") == "" {
			return true
		}
	}
	return false
}

// read sorts the words behind the command into sub-command, options and
// operands.
func (v *Invocation) read(rest []Field) {
	m := v.Manager
	v.VerbAt = v.Command
	verbs := 0 // words of the sub-command
	var words []string
	for i := 0; i < len(rest); i++ {
		f := rest[i]
		if f.Text == "--" {
			for _, a := range rest[i+1:] {
				v.Opaque = v.Opaque || !a.Known
				v.Args = append(v.Args, a)
			}
			break
		}
		if strings.HasPrefix(f.Text, "-") && len(f.Text) > 1 {
			v.Flags = append(v.Flags, f)
			v.Options = append(v.Options, f)
			if m.Letters != nil && f.Text[1] != '-' && v.Verb == "" {
				for j := 1; j < len(f.Text); j++ {
					if r, ok := m.Letters.Of(f.Text[j : j+1]); ok {
						v.Verb, v.VerbAt, v.Role = f.Text, f, r
						if strings.HasPrefix(f.Text, "-Sc") {
							v.Role = Clean
						}
					}
				}
			}
			if m.takesArg(f.Text) && i+1 < len(rest) {
				i++
				v.Options = append(v.Options, rest[i])
			}
			continue
		}
		if !f.Known && strings.HasPrefix(f.Text, "\x00") {
			v.Opaque = true
		}
		if v.Verb == "" && m.Verbs != nil && f.Known {
			words = append(words, f.Text)
			two := f.Text
			// A sub-command of two words, options between them allowed.
			for j := i + 1; j < len(rest); j++ {
				if !strings.HasPrefix(rest[j].Text, "-") {
					two = f.Text + " " + rest[j].Text
					break
				}
			}
			if verbs == 1 {
				two = strings.Join(words, " ")
			}
			if r, ok := m.Verbs.Of(two); ok && two != f.Text {
				if verbs == 0 {
					verbs = 1
					continue
				}
				v.Verb, v.VerbAt, v.Role = two, f, r
				continue
			}
			if r, ok := m.Verbs.Of(f.Text); ok {
				v.Verb, v.VerbAt, v.Role = f.Text, f, r
				continue
			}
			v.Verb, v.VerbAt = f.Text, f
			continue
		}
		v.Args = append(v.Args, f)
	}
	if v.Verb == "" && m.Letters == nil {
		v.Role = m.Bare
		if v.HasFlag("--version", "-v", "--help", "-h") {
			v.Role = Other
		}
	}
	if m.Name == "pipenv" && v.HasFlag("--clear") && v.Role == Other {
		v.Role = Clean
	}
}

// takesArg reports whether an option is followed by an argument of its own.
func (m *Manager) takesArg(opt string) bool {
	if strings.Contains(opt, "=") {
		return false
	}
	if slices.Contains(m.Args, opt) {
		return true
	}
	// The last of a cluster: apt-get -qqo Name=value.
	if m.Name == "apt" && len(opt) > 2 && opt[1] != '-' && opt[0] == '-' {
		return slices.Contains(m.Args, "-"+opt[len(opt)-1:]) && !slices.Contains([]string{"-t", "-a"}, opt[:2])
	}
	return false
}
