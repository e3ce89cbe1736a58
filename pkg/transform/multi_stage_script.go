package transform

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/shell"
)

// shellBuiltins are commands that a shell has itself.
var shellBuiltins = []string{"set", "export", "unset", "shift", "cd", "wait", "trap", "read", "local", "return", "umask", "getopts", "break", "continue", "pwd", "readonly", "exit", "test", "[", "echo", "printf", "true", "false", ":", "type", "ulimit"}

// script looks into a script of the build context that the container starts:
// if it calls nothing but what every system has and what the builds make, its
// place is taken by the program that it starts. It returns argv as it is for
// anything that is no such script.
func (s *splitter) script(argv []facts.Field) ([]facts.Field, string) {
	ctx := s.p.Options.Context
	if ctx == nil || len(argv) == 0 || !argv[0].Known {
		return argv, ""
	}
	t := s.tree(len(s.p.File.Instructions))
	p := resolveIn(s.cwd, argv[0].Text)
	if !strings.Contains(argv[0].Text, "/") {
		p = ""
		for _, dir := range []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
			if f := path.Join(dir, argv[0].Text); t.Exists(f) {
				p = f
				break
			}
		}
	}
	if p == "" || s.madeBy(p) {
		return argv, ""
	}
	data, ok := t.Read(p)
	line, _, _ := strings.Cut(string(data), "\n")
	if !ok || !strings.HasPrefix(line, "#!") {
		return argv, ""
	}
	lang := shell.POSIX
	switch words := strings.Fields(strings.TrimPrefix(line, "#!")); path.Base(words[len(words)-1]) {
	case "sh":
	case "bash":
		lang = shell.Bash
		if strings.Contains(s.rt.Image, "alpine") {
			return nil, argv[0].Text + " is a script for bash, which " + s.rt.Image + " lacks"
		}
	default:
		return argv, ""
	}
	f, err := shell.ParseText(string(data), lang)
	if err != nil {
		return nil, argv[0].Text + " is a script that is not understood"
	}
	functions := map[string]bool{}
	syntax.Walk(f, func(n syntax.Node) bool {
		if d, ok := n.(*syntax.FuncDecl); ok {
			functions[d.Name.Value] = true
		}
		return true
	})
	program, passes := "", false
	for _, call := range shell.Commands(f) {
		args := call.Args
		if len(args) > 1 && args[0].Lit() == "exec" {
			args = args[1:]
		}
		if len(args) == 0 {
			continue
		}
		if isArgs(args[0]) {
			passes = true
			continue
		}
		name, ok := shell.Literal(args[0])
		if args[0].Lit() == "[" { // no pattern
			name, ok = "[", true
		}
		full := resolveIn(s.cwd, name)
		switch {
		case !ok:
			return nil, argv[0].Text + " is a script that starts what is not known"
		case strings.Contains(name, "/") && full != "" && s.madeBy(full), !strings.Contains(name, "/") && s.found(name) != "":
			program = name
		case functions[name], slices.Contains(shellBuiltins, name), slices.Contains(systemCommands, path.Base(name)), slices.Contains(s.rt.Commands, name):
		default:
			if why := s.need(path.Base(name), path.Base(name)); why != "" {
				return nil, "in " + argv[0].Text + ", " + why
			}
		}
	}
	switch {
	case program != "":
		return []facts.Field{{Text: program, Known: true}}, ""
	case passes && len(argv) > 1:
		return argv[1:], ""
	}
	return nil, argv[0].Text + " is a script, and it is not known what it starts"
}

// isArgs reports whether a word is "$@".
func isArgs(w *syntax.Word) bool {
	if len(w.Parts) != 1 {
		return false
	}
	q, ok := w.Parts[0].(*syntax.DblQuoted)
	if !ok || len(q.Parts) != 1 {
		return false
	}
	p, ok := q.Parts[0].(*syntax.ParamExp)
	return ok && p.Param.Value == "@"
}

// found is where the program of a name lies that the builds make into a
// directory of the PATH, "" if there is none.
func (s *splitter) found(name string) string {
	for _, dir := range append(slices.Clone(s.rt.Path), "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin") {
		if p := path.Join(dir, name); s.madeBy(p) {
			return p
		}
	}
	return ""
}
