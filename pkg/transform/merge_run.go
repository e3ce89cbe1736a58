package transform

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/shell"
)

var _ = register(&mergeRunTransform)

var mergeRunTransform = Transform{
	Name:   "merge-run",
	Group:  "layers",
	Codes:  []string{"DL3059", "ruleMoreThanOneInstall"},
	Safety: Safe,
	After:  []string{"packages-first", "deps-first", "workdir-mkdir"},
	Run:    mergeRun,
	Doc: text(`Merge consecutive RUN instructions of a stage into one.

## What
RUN instructions that follow each other become one, joined by &&, or by ; under a common set -e. Instructions
that only set metadata (LABEL, EXPOSE, CMD, ENTRYPOINT, STOPSIGNAL, HEALTHCHECK, MAINTAINER) may stand between
them and move below. Comments move into the merged RUN, in front of the commands that they describe. An instruction
that is commented out keeps the RUNs around it apart, and nothing is merged behind a command with a here-document,
which would stand away from it.

## Why
Each RUN is a layer. What one layer writes and a later one deletes stays in the image; fewer layers also make a
pull and a build faster.

## Example
~~~dockerfile before
FROM debian:12-slim
RUN apt-get update
RUN apt-get install -y curl
# the user that the service runs as
RUN cd /tmp; useradd app
~~~
~~~dockerfile after
FROM debian:12-slim
RUN apt-get update \
    && apt-get install -y curl \
    # the user that the service runs as
    && { cd /tmp; useradd app; }
~~~

## Instead
Keep RUNs apart for the sake of the build cache with a comment: # refit: ignore=merge-run. Stages that only serve
COPY --from ship no layer and are left alone; --stages all merges there too.

## Safety
Safe. Only RUNs with equal flags in shell form are merged. Each RUN starts in a fresh shell: a part that changes the
shell's state (cd, set, export, assignments, …) goes into a subshell if others follow; a part that cannot be isolated
(background jobs, daemons, set -e in one part only) is not merged. Nor is one that changes what the next RUN would
start with afresh: the shell itself, the working directory, the groups or the home of the user that it runs as.

## References
- https://docs.docker.com/build/building/best-practices/#run
- https://github.com/hadolint/hadolint/wiki/DL3059
`),
}

// defaultMaxLines is the longest RUN that merging makes.
const defaultMaxLines = 60

// maxScript is a safe length in bytes for the argument of sh -c: Linux takes
// 128 KiB, see MAX_ARG_STRLEN in execve(2).
const maxScript = 96 << 10

// neutral instructions neither read nor write the file system or the build
// environment: a RUN may move above them.
func neutral(instruction string) bool {
	switch instruction {
	case "LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "STOPSIGNAL", "HEALTHCHECK", "MAINTAINER":
		return true
	}
	return false
}

// mergePart is one RUN of a merge.
type mergePart struct {
	*Program
	wrap   plan.Wrap
	head   *syntax.CallExpr // set -e … at its start, nil without
	scope  shell.Scope      // of its statements behind the head
	chain  []*syntax.Stmt   // the operands of its single statement, nil if it has several
	leaks  []string         // variables that it sets for those behind it, unless it is wrapped
	daemon string           // a command that may leave a process or a mount-bound change behind
}

func mergeRun(p *Pass) {
	gone := p.removals()
	heredoc := p.Options.MergeStyle == "heredoc" || p.Options.MergeStyle != "and" && usesHeredocs(p.File)
	for _, s := range p.Facts.Stages {
		if !s.Ships && p.Options.Stages != "all" {
			skipUnshipped(p, s)
			continue
		}
		var group []*mergePart
		blocked := "" // why the RUN right before is no part
		told := ""    // the last reason of that kind that was given
		flush := func() {
			if len(group) > 1 {
				p.merge(group, heredoc)
			}
			group = nil
		}
		for _, in := range s.Instructions {
			switch {
			case gone[in.Index]:
			case in.Name == "RUN":
				part, why := p.mergePart(in)
				if part == nil {
					if len(group) > 0 || blocked != "" && told != why {
						p.Skip(in.Keyword.Span, "not merged: %s", why)
						told = why
					}
					flush()
					blocked = why
					continue
				}
				if blocked != "" {
					p.Skip(in.Keyword.Span, "not merged with the RUN before: %s", blocked)
					blocked = ""
				}
				if len(group) > 0 {
					if why := p.joinable(group, part); why != "" {
						p.Skip(in.Keyword.Span, "not merged with the RUN before: %s", why)
						flush()
					}
				}
				group = append(group, part)
			case !neutral(in.Name):
				flush()
				blocked = ""
			}
		}
		flush()
	}
}

// removals are the indices of the instructions that transforms which ran before
// take out: the mkdir of a directory that WORKDIR makes.
func (p *Pass) removals() map[int]bool {
	gone := map[int]bool{}
	for _, c := range p.changes {
		for _, e := range c.Effects {
			if r, ok := e.(plan.Remove); ok && c.Safety == Safe {
				gone[r.Instr] = true
			}
		}
	}
	return gone
}

// usesHeredocs reports whether a file writes its scripts as RUN <<EOF.
func usesHeredocs(f *parse.File) bool {
	for _, in := range f.Instructions {
		if in.Name == "RUN" && len(in.Heredocs) == 1 && in.Heredocs[0].Opener.Value == in.Args.Value {
			return true
		}
	}
	return false
}

// skipUnshipped says why RUNs in a stage that ships no layer stay.
func skipUnshipped(p *Pass, s *facts.Stage) {
	last := ""
	for _, in := range s.Instructions {
		if in.Name == "RUN" && last == "RUN" {
			p.Skip(in.Keyword.Span, "not merged: the stage ships no layer, and merging would cost cache reuse (--stages all merges)")
			return
		}
		if !neutral(in.Name) {
			last = in.Name
		}
	}
}

// mergePart reads a RUN as a part of a merge, or says why it is none.
func (p *Pass) mergePart(in *parse.Instruction) (*mergePart, string) {
	r, why := p.Program(in)
	if r == nil {
		return nil, why
	}
	switch {
	case in.Unfinished():
		return nil, "the file ends with its continuation character"
	case r.Script.Shebang:
		return nil, "the here-document has an interpreter line"
	case len(r.Tree.Stmts) == 0:
		return nil, "it has no command"
	}
	part := &mergePart{Program: r, head: shell.ErrExitHead(r.Tree)}
	stmts := r.Tree.Stmts
	if part.head != nil {
		stmts = stmts[1:]
	}
	part.scope = shell.ScopeOf(stmts, r.Tree.Last)
	if part.scope.Comment && r.Script.Kind != shell.Body {
		return nil, "a comment stands in its command line"
	}
	if len(stmts) == 1 && part.head == nil {
		part.chain = shell.AndList(stmts[0])
	}
	if part.daemon = leavesBehind(r); part.daemon == "" {
		part.daemon = p.nestedDaemon(in)
	}
	return part, ""
}

// lines is how many lines a merged RUN has of the part.
func (part *mergePart) lines() int {
	n := part.In.EndLine - part.In.StartLine + 1
	if part.Script.Kind == shell.Body {
		n -= 2 // its opener and its delimiter
	}
	return n
}

// joinable says why a RUN cannot join a group, or "". The last part of the
// group gets its wrap here.
func (p *Pass) joinable(group []*mergePart, next *mergePart) string {
	first, prev := group[0], group[len(group)-1]
	if !sameFlags(first.In, next.In) {
		return "their flags differ"
	}
	switch {
	case first.head == nil && next.head != nil:
		return "it runs under set -e and the one before does not"
	case first.head != nil && next.head != nil && shell.HeadOptions(first.head) != shell.HeadOptions(next.head):
		return "they run under set with other options"
	case first.head != nil && next.head == nil && (len(next.chain) == 0 || !shell.HeadOptions(first.head).Bears(next.Tree.Stmts)):
		return "the one before runs under set -e, which would change it"
	}
	if first.Script.Kind == shell.Body || next.Script.Kind == shell.Body {
		if first.Script.Kind != next.Script.Kind {
			return "one is a here-document"
		}
		if first.head == nil {
			return "the here-documents do not start with set -e"
		}
	}
	if parts := append(slices.Clip(group), next); !readable(parts, next.Script.Lang) && !readable(parts, shell.Bash) {
		return "one is written for sh and one for bash"
	}
	if prev.escapes(prev.Tree.Stmts[len(prev.Tree.Stmts)-1]) {
		return "the one before ends with a backslash"
	}
	if prev.Script.Kind == shell.Heredocs {
		return "the here-document of the one before would stand away from its command"
	}
	lines := next.lines()
	for _, g := range group {
		lines += g.lines()
	}
	if first.Script.Kind == shell.Body {
		lines += 2 // the opener and the delimiter of all of them
	}
	limit := p.Options.MaxLines
	if limit == 0 {
		limit = defaultMaxLines
	}
	if lines > limit {
		return fmt.Sprintf("the merged RUN would have more than %d lines", limit)
	}
	size := len(next.Script.Text())
	for _, g := range group {
		size += len(g.Script.Text())
	}
	if size > maxScript {
		return "the merged script would be too long for one argument of the shell"
	}
	if why := foreignPragma(p.File, first.In, next.In); why != "" {
		return why
	}
	if k := commentedOut(p.File, prev.In, next.In); k != "" {
		return k + " stands commented out between them, and inside a RUN it could not be put back"
	}
	if first.head != nil && !utf8.Valid(p.File.Src[prev.In.End:next.In.Start]) {
		return "a comment between them, which would be part of the script, is not UTF-8"
	}
	if readsStartup(next.State) {
		return "its shell reads its startup files, which the one before may have changed"
	}
	if stmts := next.Tree.Stmts; first.head == nil && stmts[len(stmts)-1].Background {
		return "its & would put the chain in front of it into the background"
	}
	if why := p.disturbs(prev); why != "" {
		return why
	}
	if why := prev.mayPrecede(next, first.head != nil); why != "" {
		return why
	}
	for _, g := range group[:len(group)-1] {
		if g.wrap == plan.WrapNone && next.sees(g.leaks) {
			return "it reads a variable that an earlier one sets"
		}
	}
	if name := remembered(group, next); name != "" {
		return "the shell would remember where it found " + name + " before"
	}
	if prev.wrap == plan.WrapSubshell && prev.negation() {
		return "it is a negation, whose status bash can lose in a subshell"
	}
	if prev.Script.Kind == shell.Body && prev.wrap != plan.WrapNone {
		return "the here-document changes the shell for what would follow"
	}
	return ""
}

// readable reports whether all parts are programs of one language.
func readable(parts []*mergePart, lang shell.Lang) bool {
	return !slices.ContainsFunc(parts, func(m *mergePart) bool {
		_, err := m.Script.ParseAs(lang)
		return err != nil
	})
}

// readsStartup reports whether the shell of a RUN reads files before it runs the program:
// a login shell, an interactive one, bash with BASH_ENV. What one RUN writes
// there (conda init, an installer of nvm), the next one sees, but the rest of a
// merged one would not. See https://www.gnu.org/software/bash/manual/html_node/Bash-Startup-Files.html.
func readsStartup(st *facts.State) bool {
	if st.Shell.Login || st.Shell.Other {
		return true
	}
	if st.Shell.Lang != shell.Bash {
		return false
	}
	_, set := st.HasVariable("BASH_ENV")
	return set
}

// mayPrecede says why no other part may follow, or "", and sets the wrap that
// makes it possible.
func (m *mergePart) mayPrecede(next *mergePart, strict bool) string {
	m.wrap = plan.WrapNone
	switch {
	case m.scope.Background:
		return "a background job would run on"
	case m.daemon != "":
		return m.daemon
	}
	if !strict && shell.ErrExitSwitches(m.Tree, nil).On {
		return "set -e in the middle of a chain would lose its effect"
	}
	var changes []string
	m.leaks = nil
	for _, c := range m.scope.Changes {
		v := shell.ShellVariable(c)
		if _, exported := m.State.HasVariable(v); v == "" || exported {
			changes = append(changes, c)
		} else {
			m.leaks = append(m.leaks, v)
		}
	}
	for _, c := range changes {
		switch {
		case c == "return":
			return "it may return early"
		case strict:
		case (c == "eval" || c == "." || c == "source") && !(m.simpleChain() && !runsText(m.chain[len(m.chain)-1])):
			return "a sourced script may turn on set -e, which a chain would turn off"
		}
	}
	if len(changes) > 0 || m.rehashes(next) || next.sees(m.leaks) {
		m.wrap = plan.WrapSubshell
	}
	if strict {
		stmts := m.Tree.Stmts
		if !shell.FailsLoudly(stmts[len(stmts)-1]) {
			m.wrap = plan.WrapSubshell
		}
		return ""
	}
	if m.State.Shell.ErrExit && !(m.simpleChain() && !runsText(m.chain[len(m.chain)-1])) {
		return "SHELL turns on set -e, which a chain would turn off inside compound commands"
	}
	return ""
}

// sees reports whether a part may read one of some variables of the shell.
func (m *mergePart) sees(variables []string) bool {
	text := m.Script.Text()
	// In arithmetic and for some commands of bash a name stands without $.
	bare := strings.Contains(text, "((") || strings.Contains(text, "let ") || strings.Contains(text, "-v ") || strings.Contains(text, "[")
	return len(variables) > 0 && (slices.ContainsFunc(m.Tree.Stmts, runsText) || slices.ContainsFunc(variables, func(v string) bool {
		for _, sign := range []string{"$", "{", "#", "!"} {
			if strings.Contains(text, sign+v) {
				return true
			}
		}
		return bare && strings.Contains(text, v)
	}))
}

// negation reports whether the part is one compound command with ! in front.
// In bash 5.2, set -e; (! { false; true; }) succeeds.
func (m *mergePart) negation() bool {
	stmts := m.Tree.Stmts
	if m.head != nil {
		stmts = stmts[1:]
	}
	return len(stmts) == 1 && stmts[0].Negated && !simple(stmts[0])
}

// runsText reports whether a statement is eval or reads a script: what it runs
// may have several commands.
func runsText(st *syntax.Stmt) bool {
	found := false
	syntax.Walk(st, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.CallExpr); ok {
			name := shell.Name(c)
			if name == "command" && len(c.Args) > 1 {
				name, _ = shell.Literal(c.Args[1])
			}
			found = found || name == "eval" || name == "." || name == "source"
		}
		return !found
	})
	return found
}

// simpleChain reports whether the part is one && chain of simple commands.
func (m *mergePart) simpleChain() bool {
	return len(m.chain) > 0 && !slices.ContainsFunc(m.chain, func(st *syntax.Stmt) bool { return !simple(st) })
}

// sameFlags reports whether two instructions have the same builder flags.
func sameFlags(a, b *parse.Instruction) bool {
	return slices.EqualFunc(a.Flags, b.Flags, func(x, y parse.Flag) bool { return x.Value == y.Value })
}

// foreignPragma keeps a RUN apart whose pragma would lose its place: other
// tools look for theirs right above the instruction.
func foreignPragma(f *parse.File, first, next *parse.Instruction) string {
	above := map[string]bool{}
	for _, sp := range first.Lead {
		above[strings.TrimSpace(sp.Text(f.Src))] = true
	}
	for _, sp := range next.Lead {
		t := strings.TrimSpace(sp.Text(f.Src))
		if k, _ := pragma(t); k != "" && !above[t] {
			return "a pragma stands above it"
		}
	}
	return ""
}

// isDaemon tells commands that start a process which lives on: BuildKit ends it
// with the RUN, a merged RUN would not.
func isDaemon(name string) bool {
	switch name {
	case "service", "systemctl", "start-stop-daemon", "nohup", "setsid", "daemonize",
		"mysqld_safe", "mysqld", "pg_ctl", "pg_ctlcluster", "postgres", "redis-server", "mongod",
		"dockerd", "supervisord", "Xvfb", "rabbitmq-server", "nginx", "apachectl",
		"apache2ctl", "gpg-agent", "ssh-agent", "dbus-daemon", "rsyslogd", "cron", "rc-service",
		"invoke-rc.d", "slapd", "memcached", "screen", "tmux", "emulator", "adb":
		return true
	}
	return false
}

// onlyTells reports whether a call of one of the daemons starts no process that
// lives on: systemctl enable makes links, nginx -t reads its configuration.
func onlyTells(name string, args []string) bool {
	if slices.Contains(args, "--version") {
		return true
	}
	switch name {
	case "nginx":
		return len(args) == 1 && (args[0] == "-t" || args[0] == "-v" || args[0] == "-V")
	case "systemctl":
		verb := ""
		for _, a := range args {
			switch {
			case a == "--now":
				return false
			case verb == "" && !strings.HasPrefix(a, "-"):
				verb = a
			}
		}
		switch verb {
		case "enable", "disable", "mask", "unmask", "preset", "preset-all", "set-default", "is-enabled", "add-wants":
			return true
		}
	}
	return false
}

// perRun are paths that BuildKit mounts anew for each RUN: what is written
// there is gone in the next one. See
// https://docs.docker.com/reference/dockerfile/#run.
var perRun = []string{"/etc/hosts", "/etc/resolv.conf", "/dev/shm", "/proc/", "/sys/"}

// perContainer are commands that change the container of a RUN, which they
// may do with --security=insecure: the next RUN has another one.
func perContainer(name string) bool {
	switch name {
	case "mount", "umount", "sysctl", "hostname", "ip", "ifconfig", "route",
		"iptables", "ip6tables", "nft", "swapon", "modprobe", "losetup":
		return true
	}
	return false
}

// leavesBehind says what of a RUN would be seen by commands behind it in the
// same RUN but not in the next, or "".
func leavesBehind(r *Program) string {
	for _, c := range r.Cmds {
		name := shell.Name(c)
		base := name[strings.LastIndexByte(name, '/')+1:]
		if words := shell.Literals(c); isDaemon(base) && (len(words) < len(c.Args) || !onlyTells(base, words[1:])) || strings.HasPrefix(name, "/etc/init.d/") {
			return "the process that " + base + " starts would live on"
		}
		if fl := r.In.Flag("security"); fl != nil && fl.Arg == "insecure" && perContainer(base) {
			return "what " + base + " does to the build container is gone in the next RUN"
		}
	}
	for _, path := range perRun {
		if strings.Contains(r.Script.Text(), path) {
			return "what it writes to " + path + " is gone in the next RUN"
		}
	}
	return ""
}

// nestedDaemon is leavesBehind for processes that a program in an argument
// starts: bash -c "mysqld_safe & sleep 5", su postgres -c "pg_ctl start".
func (p *Pass) nestedDaemon(in *parse.Instruction) string {
	for _, c := range p.Facts.Calls(in) {
		if name := c.Name(); c.Nested && name != "" && (isDaemon(name) || c.Path.Background() || strings.HasPrefix(c.Fields[0].Text, "/etc/init.d/")) {
			return "the process that " + name + " starts would live on"
		}
	}
	return ""
}

// rehashes reports whether a part may put a command into another folder of
// PATH that both parts run. A shell remembers where it found a command: after
// `pip3 install -U pip` it would go on using the old /usr/bin/pip3, a fresh
// shell would not. A subshell forgets.
func (m *mergePart) rehashes(next *mergePart) bool {
	for _, c := range next.Cmds {
		name := shell.Name(c)
		if isCoreUtility(name) {
			continue
		}
		if i := m.runs(name); i >= 0 && (!m.inPlace(name) && m.installs(name) || m.places(name, i+1)) {
			return true
		}
	}
	return false
}

// remembered names a command that an earlier part of a group runs, a later one
// may put into another folder of PATH, and next runs again; "" if there is none.
func remembered(group []*mergePart, next *mergePart) string {
	for i, first := range group[:len(group)-1] {
		if first.wrap == plan.WrapSubshell {
			continue
		}
		for _, c := range next.Cmds {
			name := shell.Name(c)
			if isCoreUtility(name) || first.runs(name) < 0 {
				continue
			}
			for _, m := range group[i+1:] {
				if !m.inPlace(name) && m.installs(name) || m.places(name, 0) {
					return name
				}
			}
		}
	}
	return ""
}

// runs is the index of a part's first call of a command, -1 without one.
func (m *mergePart) runs(name string) int {
	return slices.IndexFunc(m.Cmds, func(c *syntax.CallExpr) bool { return shell.Name(c) == name })
}

// places reports whether a command of the part, from an index on, links,
// copies, downloads or deletes a file of a name.
func (m *mergePart) places(name string, from int) bool {
	for _, c := range m.Cmds[from:] {
		words := shell.Literals(c)
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "ln", "cp", "mv", "install", "rm", "unlink", "curl", "wget", "tee", "update-alternatives", "alternatives", "dpkg-divert":
			if slices.ContainsFunc(words[1:], func(w string) bool { return w[strings.LastIndexByte(w, '/')+1:] == name }) {
				return true
			}
		}
	}
	return false
}

// inPlace reports whether the base image has the tool where its own update
// goes: the official images of languages have theirs in /usr/local.
func (m *mergePart) inPlace(name string) bool {
	repo, _, _ := facts.SplitReference(m.State.Stage.Base().S)
	switch strings.TrimRight(name, "0123456789.") {
	case "pip":
		return repo == "python"
	case "npm":
		return repo == "node"
	case "gem":
		return repo == "ruby"
	}
	return false
}

// installs reports whether a command of the part looks as if it could install
// a new version of the command name.
func (m *mergePart) installs(name string) bool {
	base := strings.TrimRight(name, "0123456789.")
	for _, c := range m.Cmds {
		words := shell.Literals(c)
		install := false
		for i, w := range words {
			if i == 0 {
				continue
			}
			pkg, _, _ := strings.Cut(w, "==")
			pkg, _, _ = strings.Cut(pkg, "@")
			pkg, _, _ = strings.Cut(pkg, "[")
			switch {
			case w == "install" || w == "update" || w == "upgrade" || w == "i" || w == "add" || w == "setup.py":
				install = true
			case install && (pkg == base || pkg == name || w == "--system"):
				return true
			case words[0] != name && strings.Contains(w, base) && buildsTools(strings.TrimPrefix(words[0], "./")):
				return true
			}
		}
		if install && buildsTools(words[0]) && strings.Contains(m.Script.Text(), "/"+base+"-") {
			return true
		}
	}
	return false
}

// buildsTools are commands that may install any program.
func buildsTools(name string) bool {
	switch name {
	case "make", "gmake", "cmake", "ninja", "meson", "configure", "python", "python3",
		"sh", "bash", "corepack":
		return true
	}
	return false
}

// isCoreUtility tells commands that are never replaced by what a build installs.
func isCoreUtility(name string) bool {
	switch name {
	case "", "apt-get", "apt", "apk", "yum", "dnf", "microdnf", "zypper", "pacman",
		"rm", "mkdir", "cp", "mv", "ln", "echo", "printf", "cat", "chmod", "chown",
		"sed", "grep", "awk", "tar", "unzip", "touch", "test", "[", "true", "false",
		"useradd", "groupadd", "adduser", "addgroup", "usermod", "find", "xargs", "install",
		"ls", "sort", "tee", "head", "tail", "cut", "tr", "basename", "dirname":
		return true
	}
	return false
}
