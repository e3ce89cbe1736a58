package transform

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/shell"
)

// usage is what a program reads and writes, as far as its commands are known.
type usage struct {
	installs []*facts.DepsInstall
	paths    []string // absolute paths that it names; below a wildcard, the path before it
	cwd      bool     // it depends on the working directory
	other    string   // the first command that may read anything, "" if all are known
	manager  bool     // it calls a package manager
	brings   bool     // and not only to clean up or to be told its version
	changes  bool     // it installs something that is not understood, or changes the manifests
}

// arg is a word of a command: its value, if that is known.
type arg struct {
	s       string
	known   bool
	certain bool   // no --build-arg can change it
	raw     string // as written
}

// named reports whether a word that is not known is at least the name of a package: it
// starts with one, as in "foo==${VERSION}" or foo[extra].
func (a arg) named() bool {
	s := strings.TrimLeft(a.raw, `"'`)
	return s != "" && !strings.ContainsAny(s, "/*?`") && !strings.Contains(s, "$(") &&
		(s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z' || s[0] >= '0' && s[0] <= '9')
}

// args resolves the words of a command; variables that ENV or ARG set have
// their value.
func (p *Pass) args(r *Program, c *syntax.CallExpr) []arg {
	out := make([]arg, len(c.Args))
	for i, w := range c.Args {
		out[i] = p.word(r, w)
		out[i].raw = r.Script.NodeText(w)
	}
	return out
}

func (p *Pass) word(r *Program, w *syntax.Word) arg {
	if s, ok := shell.Literal(w); ok {
		return arg{s: s, known: true, certain: true}
	}
	var b strings.Builder
	certain := true
	var add func(parts []syntax.WordPart, quoted bool) bool
	add = func(parts []syntax.WordPart, quoted bool) bool {
		for _, part := range parts {
			switch x := part.(type) {
			case *syntax.Lit:
				if !quoted && strings.ContainsAny(x.Value, "*?[{~\\") || quoted && strings.Contains(x.Value, `\`) {
					return false
				}
				b.WriteString(x.Value)
			case *syntax.SglQuoted:
				if x.Dollar {
					return false
				}
				b.WriteString(x.Value)
			case *syntax.DblQuoted:
				if x.Dollar || !add(x.Parts, true) {
					return false
				}
			case *syntax.ParamExp:
				if x.Param == nil || x.Excl || x.Length || x.Width || x.Index != nil || x.Slice != nil || x.Repl != nil || x.Exp != nil || x.Names != 0 {
					return false
				}
				v, set := p.Facts.Lookup(x.Param.Value, r.In)
				if !set || !v.Known || p.assigned(r, x.Param.Value) || !quoted && strings.ContainsAny(v.S, " \t\n*?[") {
					return false
				}
				certain = certain && v.Certain()
				b.WriteString(v.S)
			default:
				return false
			}
		}
		return true
	}
	if !add(w.Parts, false) {
		return arg{}
	}
	return arg{s: b.String(), known: true, certain: certain}
}

// assigned reports whether a program sets a variable itself.
func (p *Pass) assigned(r *Program, name string) bool {
	found := false
	syntax.Walk(r.Tree, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Assign:
			found = found || n.Name != nil && n.Name.Value == name
		case *syntax.WordIter:
			found = found || n.Name.Value == name
		}
		return !found
	})
	if found {
		return true
	}
	for _, c := range r.Cmds {
		if n := shell.Name(c); n == "read" || n == "eval" || n == "." || n == "source" || n == "getopts" {
			return true
		}
	}
	return false
}

// uses finds out what the statements of a program do. Only lists and chains of
// simple commands are understood, with || and pipes where all commands read
// nothing of the project.
func (p *Pass) uses(r *Program, stmts []*syntax.Stmt) usage {
	u := p.newUse(r)
	for _, st := range stmts {
		u.stmt(st, true)
	}
	if u.settings != "" && len(u.installs) == 0 {
		u.fail(u.settings)
	}
	return u.usage
}

// programUses is uses for a whole program. Each RUN is asked by those behind it.
func (p *Pass) programUses(r *Program) usage {
	if r.used == nil {
		u := p.uses(r, r.Tree.Stmts)
		r.used = &u
	}
	return *r.used
}

// usesOfHead is uses for the first n statements, as many as are understood.
func (p *Pass) usesOfHead(r *Program, stmts []*syntax.Stmt) (n int, head usage) {
	u := p.newUse(r)
	for _, st := range stmts {
		if u.stmt(st, true); u.other != "" {
			break
		}
		n++
		head = u.usage
	}
	return n, head
}

func (p *Pass) newUse(r *Program) *use {
	return &use{p: p, r: r, cwd: r.State.Workdir.S, cwdKnown: r.State.Workdir.Known, substitutes: r.Script.Substitutes()}
}

type use struct {
	usage
	p           *Pass
	r           *Program
	cwd         string
	cwdKnown    bool
	substitutes bool   // the program may have command substitutions
	settings    string // a command that changes the project's settings, if there is a project
}

func (u *use) fail(what string) {
	if u.other == "" {
		u.other = what
	}
}

// stmt visits a statement; installs are understood only where plain is true:
// outside ||, pipes and compound commands.
func (u *use) stmt(st *syntax.Stmt, plain bool) {
	if st.Background || st.Coprocess || st.Disown {
		u.fail("a background job")
		return
	}
	for _, rd := range st.Redirs {
		u.redirect(rd)
	}
	plain = plain && !st.Negated
	switch c := st.Cmd.(type) {
	case nil:
	case *syntax.CallExpr:
		n := len(u.installs)
		u.call(c)
		if !plain && len(u.installs) > n {
			u.fail("an install inside ||, a pipe or a compound command")
		}
	case *syntax.BinaryCmd:
		and := c.Op == syntax.AndStmt && plain
		u.stmt(c.X, and)
		u.stmt(c.Y, and)
	case *syntax.Subshell:
		cwd, known := u.cwd, u.cwdKnown
		for _, s := range c.Stmts {
			u.stmt(s, plain)
		}
		u.cwd, u.cwdKnown = cwd, known
	case *syntax.Block:
		for _, s := range c.Stmts {
			u.stmt(s, plain)
		}
	case *syntax.DeclClause:
		if c.Variant.Value != "export" {
			u.fail(c.Variant.Value)
			return
		}
		for _, a := range c.Args {
			u.assign(a)
		}
	default:
		u.fail("a compound command")
	}
}

// assign checks that an assignment's value is plain, and that the variable
// does not steer an install.
func (u *use) assign(a *syntax.Assign) {
	if a.Name == nil || a.Array != nil || a.Index != nil {
		u.fail("an assignment")
		return
	}
	if a.Value != nil {
		u.substitutions(a.Value)
	}
	if steers(a.Name.Value) {
		u.fail("the variable " + a.Name.Value)
	}
}

// substitutions visits the commands whose output is part of a word.
func (u *use) substitutions(w *syntax.Word) {
	if !u.substitutes {
		return
	}
	syntax.Walk(w, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			for _, s := range n.Stmts {
				u.stmt(s, false)
			}
			return false
		case *syntax.ProcSubst:
			u.fail("a process substitution")
			return false
		}
		return true
	})
}

// steers reports whether a variable can make an install read other files.
func steers(name string) bool {
	switch name {
	case "PIP_REQUIREMENT", "PIP_CONSTRAINT", "PIP_FIND_LINKS", "PIP_CONFIG_FILE", "PIP_EDITABLE", "PIP_TARGET", "PIP_PREFIX", "PIP_SRC",
		"BUNDLE_GEMFILE", "COMPOSER", "CARGO_HOME", "GOFLAGS", "GOWORK", "GOMODCACHE", "GOPATH",
		"NPM_CONFIG_USERCONFIG", "npm_config_userconfig", "NPM_CONFIG_PREFIX", "UV_PROJECT", "UV_CONSTRAINT", "MAVEN_CONFIG", "MAVEN_ARGS", "PATH", "HOME", "IFS":
		return true
	}
	return false
}

func (u *use) redirect(rd *syntax.Redirect) {
	if rd.Hdoc != nil || rd.Op == syntax.WordHdoc {
		return
	}
	if rd.Op == syntax.DplOut || rd.Op == syntax.DplIn {
		return
	}
	a := u.p.word(u.r, rd.Word)
	if !a.known {
		u.fail("a redirection")
		return
	}
	if a.s != "/dev/null" && a.s != "/dev/stderr" && a.s != "/dev/stdout" {
		u.path(a.s)
	}
}

// path notes a path that the program names.
func (u *use) path(s string) {
	if rest, ok := strings.CutPrefix(s, "~"); ok {
		home := u.p.Facts.Home(u.r.State)
		if home == "" || rest != "" && rest[0] != '/' {
			u.fail("a home directory that is not known")
			return
		}
		s = home + rest
	}
	if i := strings.IndexAny(s, "*?[{"); i >= 0 {
		s = s[:i]
		if s == "" || s == "/" {
			u.fail("a wildcard")
			return
		}
		s = path.Dir(s + "x")
	}
	if !path.IsAbs(s) {
		u.usage.cwd = true
		if !u.cwdKnown {
			u.fail("a relative path")
			return
		}
		s = path.Join(u.cwd, s)
	}
	u.paths = append(u.paths, path.Clean(s))
}

// wordPaths notes every word that is or may be a path.
func (u *use) wordPaths(c *syntax.CallExpr, args []arg) {
	for i, a := range args {
		if i == 0 {
			continue
		}
		if !a.known {
			// A wildcard, a variable: its text up to there.
			text := u.r.Script.NodeText(c.Args[i])
			if strings.HasPrefix(text, "/") || strings.HasPrefix(text, "~") {
				if j := strings.IndexAny(text, "$`\"'\\"); j > 1 {
					text = text[:j] + "*"
				} else if j >= 0 {
					u.fail("a path that is not known")
					return
				}
				u.path(text)
				continue
			}
			u.fail("a word that is not known")
			return
		}
		if _, v, ok := strings.Cut(a.s, "="); ok && strings.HasPrefix(a.s, "-") {
			if strings.Contains(v, "/") && !strings.Contains(v, "://") {
				u.path(v)
			}
			continue
		}
		if !strings.HasPrefix(a.s, "-") && !strings.Contains(a.s, "://") {
			u.path(a.s)
		}
	}
}

func (u *use) call(c *syntax.CallExpr) {
	for _, a := range c.Assigns {
		u.assign(a)
	}
	if len(c.Args) == 0 {
		return
	}
	for _, w := range c.Args {
		u.substitutions(w)
	}
	if u.other != "" {
		return
	}
	args := u.p.args(u.r, c)
	if !args[0].known {
		u.fail("a command that is not known")
		return
	}
	name := args[0].s
	if name == "sudo" && len(args) > 1 && args[1].known && !strings.HasPrefix(args[1].s, "-") {
		args = args[1:]
		c = &syntax.CallExpr{Args: c.Args[1:]}
		name = args[0].s
	}
	if path.IsAbs(name) {
		u.paths = append(u.paths, path.Clean(name))
	} else if strings.Contains(name, "/") {
		switch name {
		case "./mvnw":
			u.mavenBy("mvnw", args[1:])
		case "./gradlew":
			u.gradleBy("gradlew", args[1:])
		default:
			u.fail(name)
		}
		return
	}
	switch base := path.Base(name); base {
	case "true", "false", ":", "set", "umask", "ldconfig", "locale-gen", "update-ca-certificates", "hash", "sync", "exit", "sleep", "date", "uname", "id", "whoami",
		"nproc", "arch", "getconf", "lsb_release", "hostname":
	case "echo", "printf":
	case "test", "[":
		u.wordPaths(c, args)
	case "mkdir", "rm", "rmdir", "touch", "chmod", "chown", "chgrp", "ln", "ls", "cp", "mv", "cat", "install", "tee", "sed":
		u.wordPaths(c, args)
	case "useradd", "groupadd", "usermod", "adduser", "addgroup", "deluser", "delgroup", "userdel":
		for _, a := range args[1:] {
			if strings.HasPrefix(a.s, "/") {
				u.path(a.s)
			}
		}
	case "export":
		for _, a := range args[1:] {
			text := strings.Trim(a.raw, `"'`)
			if name, _, _ := strings.Cut(text, "="); steers(name) {
				u.fail("the variable " + name)
			}
		}
	case "curl", "wget", "tar", "unzip", "gpg":
		u.wordPaths(c, args)
		u.path(".")
	case "cd":
		if len(args) != 2 || !args[1].known || args[1].s == "-" {
			u.fail("cd")
			return
		}
		if path.IsAbs(args[1].s) {
			u.cwd, u.cwdKnown = path.Clean(args[1].s), true
		} else {
			u.usage.cwd = true
			u.cwd = path.Join(u.cwd, args[1].s)
		}
	default:
		u.tool(c, base, args)
	}
}

// tool handles package managers.
func (u *use) tool(c *syntax.CallExpr, base string, args []arg) {
	rest := args[1:]
	manager := true
	defer func() {
		u.manager = u.manager || manager
		u.brings = u.brings || manager && !tidies(rest)
	}()
	switch {
	case base == "apt-get" || base == "apt" || base == "aptitude" || base == "apk" || base == "dnf" || base == "yum" || base == "microdnf" ||
		base == "tdnf" || base == "zypper" || base == "pacman" || base == "apt-cache" || base == "apt-mark" || base == "apt-key" || base == "add-apt-repository" ||
		base == "dpkg" || base == "dpkg-reconfigure" || base == "rpm" || base == "yum-config-manager" || base == "subscription-manager" || base == "debconf-set-selections":
		u.system(base, rest, c.Args[1:])
	case isPip(base):
		u.pip(rest)
	case base == "python" || base == "python3" || strings.HasPrefix(base, "python3.") || strings.HasPrefix(base, "python2"):
		if len(rest) >= 2 && rest[0].s == "-m" && isPip(rest[1].s) {
			u.usage.cwd = true
			u.pip(rest[2:])
			return
		}
		if len(rest) == 1 && (rest[0].s == "--version" || rest[0].s == "-V") {
			return
		}
		u.fail(base)
	case base == "npm":
		u.npm(rest)
	case base == "yarn" || base == "yarnpkg":
		u.yarn(rest)
	case base == "pnpm":
		u.pnpm(rest)
	case base == "bun":
		u.bun(rest)
	case base == "corepack":
		if len(rest) == 1 && rest[0].s == "enable" || len(rest) == 2 && rest[0].s == "enable" ||
			len(rest) >= 2 && (rest[0].s == "prepare" || rest[0].s == "use") && rest[1].known && strings.Contains(rest[1].s, "@") && rest[0].s == "prepare" {
			return
		}
		u.fail("corepack")
	default:
		if f := tool(base); f != nil {
			f(u, rest)
			return
		}
		manager = false
		u.fail(base)
	}
}

// tidies reports whether a package manager's arguments only make it clean up or
// print its version.
func tidies(args []arg) bool {
	for _, a := range args {
		switch a.s {
		case "clean", "autoclean", "autoremove", "cache", "clear-cache", "clearcache", "cc", "--version", "-V", "version":
			return true
		}
		if !strings.HasPrefix(a.s, "-") {
			return false
		}
	}
	return false
}

// system handles system package managers: packages by name, or by the path of
// a file. words are the arguments as written.
func (u *use) system(command string, args []arg, words []*syntax.Word) {
	reads := command == "debconf-set-selections" // whatever follows is a file
	for i, a := range args {
		s := a.s
		if !a.known {
			s = pattern(words[i])
		}
		_, value, assigns := strings.Cut(s, "=")
		switch {
		case command == "apt-key" && s == "add", s == "--import":
			reads = true
		case assigns && strings.HasPrefix(value, "/"):
			u.path(value) // --installroot=/opt, -o Dir::Cache=/x
		case strings.HasPrefix(s, "-"), strings.Contains(s, "://"):
		case reads, isPackageFile(s):
			u.path(s)
		}
	}
}

// isPackageFile reports whether an argument of a package manager is the path
// of a file rather than a name; a name may have a slash, too: ppa:git-core/ppa.
func isPackageFile(s string) bool {
	for _, start := range []string{"/", ".", "~", "*/"} {
		if strings.HasPrefix(s, start) {
			return true
		}
	}
	switch path.Ext(s) {
	case ".deb", ".rpm", ".apk", ".repo", ".zst", ".xz":
		return true
	}
	return false
}

// pattern is a word as a wildcard that matches whatever it may stand for: an
// expansion is an asterisk. A variable on its own is a list of packages.
func pattern(w *syntax.Word) string {
	var b strings.Builder
	var add func(parts []syntax.WordPart)
	add = func(parts []syntax.WordPart) {
		for _, part := range parts {
			switch x := part.(type) {
			case *syntax.Lit:
				b.WriteString(x.Value)
			case *syntax.SglQuoted:
				b.WriteString(x.Value)
			case *syntax.DblQuoted:
				add(x.Parts)
			default:
				b.WriteByte('*')
			}
		}
	}
	add(w.Parts)
	return b.String()
}

// options walks over the arguments of a command: flag is called for options
// with their value, word for the others. withValue tells which options take the next
// argument. It reports whether all was understood.
func options(args []arg, withValue func(name string) bool, flag func(name string, v arg) bool, word func(a arg) bool) bool {
	for i := 0; i < len(args); i++ {
		a := args[i]
		if !a.known {
			if !a.named() || !word(arg{s: a.raw, raw: a.raw}) {
				return false
			}
			continue
		}
		if a.s == "--" {
			continue
		}
		if !strings.HasPrefix(a.s, "-") || a.s == "-" {
			if !word(a) {
				return false
			}
			continue
		}
		name, value, has := strings.Cut(a.s, "=")
		v := arg{s: value, known: true, certain: a.certain}
		if !has && withValue(name) {
			if i+1 >= len(args) {
				return false
			}
			i++
			v = args[i]
			if !v.known {
				return false
			}
		}
		if !flag(name, v) {
			return false
		}
	}
	return true
}

// set reports of a name whether it is one of those given.
func set(names ...string) func(name string) bool {
	return func(name string) bool { return slices.Contains(names, name) }
}

// at resolves a path against the working directory.
func (u *use) at(p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	u.usage.cwd = true
	if !u.cwdKnown {
		u.fail("a relative path, with an unknown working directory")
	}
	return path.Join("/", u.cwd, p)
}
