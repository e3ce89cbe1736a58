package emit

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/shell"
)

// arg is one word, assignment or redirection of a simple command.
type arg struct {
	off, end int
	text     string // literal value, the source where the shell expands it
	assign   *syntax.Assign
	word     *syntax.Word
	redir    *syntax.Redirect
}

// call notes the words of a simple command.
func (a *annotator) call(st *syntax.Stmt, cmd *syntax.CallExpr, c *construct, rank int) {
	var args []arg
	for _, as := range cmd.Assigns {
		args = append(args, arg{off: off(as.Pos()), end: off(as.End()), assign: as})
	}
	for _, w := range cmd.Args {
		v, ok := shell.Literal(w)
		if !ok {
			v = a.s.NodeText(w)
		}
		args = append(args, arg{off: off(w.Pos()), end: off(w.End()), word: w, text: v})
	}
	a.args(args, st, c, rank)
}

// decl notes the words of export, local and the like.
func (a *annotator) decl(st *syntax.Stmt, cmd *syntax.DeclClause, c *construct, rank int) {
	args := []arg{{off: off(cmd.Variant.Pos()), end: off(cmd.Variant.End()), text: cmd.Variant.Value}}
	for _, as := range cmd.Args {
		args = append(args, arg{off: off(as.Pos()), end: off(as.End()), assign: as})
	}
	a.args(args, st, c, rank)
}

// redirs notes the redirections of a compound command.
func (a *annotator) redirs(redirs []*syntax.Redirect, st *syntax.Stmt, c *construct, rank int) {
	if len(redirs) == 0 {
		return
	}
	g := a.group(&group{rank: rank + rankArgs, fill: true})
	for _, r := range redirs {
		a.redir(r, st, c, g)
	}
}

func (a *annotator) redir(r *syntax.Redirect, st *syntax.Stmt, c *construct, g *group) {
	if r.Pos() != st.Position {
		// Without white space before it a redirection must not get any:
		// a word that starts with << would become a here-document.
		a.note(r.Pos(), note{p: piece{flat: " ", at: c, delta: 1, role: roleArg}, group: g, keep: true})
	}
	if r.Word == nil {
		return
	}
	fixed := r.Op == syntax.Hdoc || r.Op == syntax.DashHdoc
	n := note{p: piece{flat: " ", at: c, delta: 2, fixed: fixed}, keep: true}
	if o := off(r.Pos()); r.Pos() != st.Position && a.before(o) < o-1 {
		n.p.merge = -1 // the line breaks before the operator
	}
	a.note(r.Word.Pos(), n)
	a.word(r.Word, c)
}

// args notes the parts of a simple command in source order.
func (a *annotator) args(args []arg, st *syntax.Stmt, c *construct, rank int) {
	for _, r := range st.Redirs {
		args = append(args, arg{off: off(r.Pos()), redir: r})
	}
	slices.SortStableFunc(args, func(a, b arg) int { return a.off - b.off })
	kinds := classify(args)
	fill := a.group(&group{rank: rank + rankArgs, fill: true})
	list := a.group(&group{rank: rank + rankList})
	for i, x := range args {
		var g *group
		switch kinds[i] {
		case argItem:
			g = list
		case argFree:
			g = fill
		}
		if x.redir != nil {
			if g == nil {
				g = fill
			}
			a.redir(x.redir, st, c, g)
			continue
		}
		if i > 0 {
			a.noteAt(x.off, note{p: piece{flat: " ", at: c, delta: 1, role: roleArg}, group: g})
		}
		switch {
		case x.word != nil:
			a.word(x.word, c)
		case x.assign != nil:
			a.assign(x.assign, c)
		default:
			a.keepWhole(x.off, x.end)
		}
	}
	if first := firstItem(kinds); first >= 0 && a.spans(args[first+1:], kinds[first+1:]) {
		// A list that the writer has put on several lines starts on a line
		// of its own.
		for i := range a.notes {
			if a.notes[len(a.notes)-1-i].off == args[first].off {
				a.notes[len(a.notes)-1-i].p.broken = true
				break
			}
		}
	}
}

func firstItem(kinds []argKind) int {
	if len(kinds) == 0 || kinds[0] != argPackages {
		return -1
	}
	for i, k := range kinds {
		if k == argItem {
			return i
		}
	}
	return -1
}

// spans reports whether the writer has broken the line before some item.
func (a *annotator) spans(args []arg, kinds []argKind) bool {
	for i, x := range args {
		if kinds[i] == argItem && x.off > 0 && x.redir == nil && !a.s.Map.Contiguous(a.before(x.off), x.off+1) {
			return true
		}
	}
	return false
}

// before is the offset of the last byte before o that is no white space.
func (a *annotator) before(o int) int {
	for o--; o > 0 && (a.s.Map.Text[o] == ' ' || a.s.Map.Text[o] == '\t'); o-- {
	}
	return max(o, 0)
}

// argKind says how the gap before an argument breaks.
type argKind uint8

const (
	argHead     argKind = iota // stays with what is before it
	argFree                    // breaks where the line is full
	argItem                    // one of a list: all break or none
	argPackages                // of the first word: the items are packages
)

// classify finds the lists among the arguments of a command: packages of an
// installer, and long runs of options.
func classify(args []arg) []argKind {
	kinds := make([]argKind, len(args))
	start := 0 // of the command word
	for start < len(args) && (args[start].assign != nil || args[start].redir != nil) {
		start++
	}
	for start < len(args) && (args[start].text == "sudo" || args[start].text == "env" || args[start].text == "exec") {
		start++
		for start < len(args) && (strings.HasPrefix(args[start].text, "-") || strings.Contains(args[start].text, "=")) {
			start++
		}
	}
	for i := 1; i < len(args); i++ {
		kinds[i] = argFree
		if i <= start {
			continue
		}
		prev := args[i-1]
		if args[i].redir == nil && prev.redir == nil && takesValue(prev.text) && !strings.HasPrefix(args[i].text, "-") {
			kinds[i] = argHead
		}
		if args[i].text == "-c" && isShell(prev.text) {
			kinds[i] = argHead
		}
	}
	if start < len(args) {
		for i := start + 1; i < len(args) && i <= start+1; i++ {
			if args[i].redir == nil {
				kinds[i] = argHead
			}
		}
	}
	if first := packages(args, start); first > 0 {
		for i := start + 1; i < first; i++ {
			if args[i].redir == nil && !strings.HasPrefix(args[i].text, "-") {
				kinds[i] = argHead
			}
		}
		for i := first; i < len(args); i++ {
			valued := i > 0 && args[i-1].redir == nil && installerValue(args[i-1].text)
			switch {
			case args[i].redir != nil:
			case valued && i > first:
				kinds[i] = argHead
			default:
				kinds[i] = argItem
			}
		}
		kinds[0] = argPackages
		return kinds
	}
	long := 0
	firstLong := -1
	for i := start + 1; i < len(args); i++ {
		if isLong(args[i].text) {
			long++
			if firstLong < 0 {
				firstLong = i
			}
		}
	}
	if n := len(args) - start - 1; long >= 4 && long*4 >= n*3 {
		for i := firstLong; i < len(args); i++ {
			if kinds[i] == argFree || i == firstLong {
				kinds[i] = argItem
			}
		}
	}
	return kinds
}

func isShell(s string) bool {
	switch path.Base(s) {
	case "sh", "bash", "dash", "ash", "su":
		return true
	}
	return false
}

// isLong reports whether a word is an option of the kind that build systems
// take many of.
func isLong(s string) bool {
	return strings.HasPrefix(s, "--") && len(s) > 2 || strings.HasPrefix(s, "-D") && len(s) > 2
}

// takesValue reports whether a word looks like an option whose value may be
// the next word. Where it is not, two words stay together that need not.
func takesValue(s string) bool {
	return strings.HasPrefix(s, "-") && len(s) > 1 && s != "--" && !strings.Contains(s, "=")
}

// installers are the commands whose words behind a subcommand are a list.
// A name without subcommands has the list behind its options.
var installers = [...]struct {
	name string
	subs []string
}{
	{"apt-get", []string{"install", "remove", "purge", "build-dep", "autoremove"}},
	{"apt", []string{"install", "remove", "purge", "build-dep"}},
	{"aptitude", []string{"install", "remove", "purge"}},
	{"apt-mark", []string{"auto", "manual", "hold"}},
	{"apk", []string{"add", "del"}},
	{"yum", []string{"install", "remove", "erase", "localinstall", "groupinstall", "reinstall"}},
	{"dnf", []string{"install", "remove", "erase", "groupinstall"}},
	{"microdnf", []string{"install", "remove"}},
	{"tdnf", []string{"install", "remove"}},
	{"zypper", []string{"install", "in", "remove", "rm"}},
	{"pacman", []string{"-S", "-Sy", "-Syu", "-Rs", "-Rns"}},
	{"emerge", nil},
	{"pip", []string{"install", "uninstall"}},
	{"pip2", []string{"install", "uninstall"}},
	{"pip3", []string{"install", "uninstall"}},
	{"uv", []string{"add"}},
	{"conda", []string{"install"}},
	{"mamba", []string{"install"}},
	{"micromamba", []string{"install"}},
	{"npm", []string{"install", "i", "uninstall"}},
	{"pnpm", []string{"add"}},
	{"yarn", []string{"add"}},
	{"gem", []string{"install"}},
	{"pecl", []string{"install"}},
	{"cargo", []string{"install"}},
	{"brew", []string{"install"}},
	{"luarocks", []string{"install"}},
	{"docker-php-ext-install", nil},
	{"docker-php-ext-enable", nil},
	{"install-php-extensions", nil},
}

// installerValue reports whether an option of a package manager takes the next
// word as its value.
func installerValue(s string) bool {
	switch s {
	case "-t", "-o", "-c", "-f", "-r", "-i", "-p", "-X", "-e", "-n", "-v",
		"--target-release", "--default-release", "--option", "--config-file",
		"--virtual", "--repository", "--root", "--keys-dir", "--repositories-file", "--arch",
		"--enablerepo", "--disablerepo", "--installroot", "--releasever", "--setopt",
		"--index-url", "--extra-index-url", "--find-links", "--trusted-host", "--constraint",
		"--requirement", "--target", "--prefix", "--root-user-action", "--cache-dir", "--upgrade-strategy",
		"--channel", "--name", "--registry", "--version", "--features", "--git", "--branch", "--tag":
		return true
	}
	return false
}

// packages returns the index of the first package that an installer is given,
// or -1.
func packages(args []arg, start int) int {
	if start >= len(args) {
		return -1
	}
	i := start
	name := path.Base(args[i].text)
	if strings.HasPrefix(name, "python") && i+2 < len(args) && args[i+1].text == "-m" && args[i+2].text == "pip" {
		i += 2
		name = "pip"
	}
	var subs []string
	for row := 0; ; row++ {
		if row == len(installers) {
			return -1
		}
		if installers[row].name == name {
			subs = installers[row].subs
			break
		}
	}
	i++
	skip := func() {
		for i < len(args) && (args[i].redir != nil || strings.HasPrefix(args[i].text, "-") && !contains(subs, args[i].text)) {
			v := installerValue(args[i].text)
			i++
			if v && i < len(args) {
				i++
			}
		}
	}
	skip()
	if subs != nil {
		if i < len(args) && args[i].text == "global" {
			i++
		}
		if i >= len(args) || !contains(subs, args[i].text) {
			return -1
		}
		i++
		skip()
	}
	if i >= len(args) {
		return -1
	}
	return i
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
