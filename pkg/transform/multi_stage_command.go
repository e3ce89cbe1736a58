package transform

import (
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

// command is what a container of the stage starts.
type command struct {
	in   *parse.Instruction // the one whose first word is the program
	argv []facts.Field
}

// command finds out what the container starts, and where.
func (s *splitter) command() string {
	var entry, cmd *parse.Instruction
	for _, in := range s.st.Instructions {
		switch in.Name {
		case "ENTRYPOINT":
			entry = in
		case "CMD":
			cmd = in
		}
	}
	if entry != nil && entry.Form == parse.Exec && len(entry.Words) == 0 {
		entry = nil
	}
	first := entry
	if first == nil {
		first = cmd
	}
	if first == nil {
		return "the stage does not say what the container starts"
	}
	argv, why := s.argv(first)
	if why != "" {
		return why
	}
	if entry != nil && cmd != nil && entry.Form == parse.Exec {
		more, why := s.argv(cmd)
		if why != "" {
			return why
		}
		argv = append(argv, more...)
	}
	if end := s.p.Facts.End(s.st).Workdir; end.Known {
		s.cwd = end.S
	} else if !slices.ContainsFunc(s.st.Instructions, func(in *parse.Instruction) bool { return in.Name == "WORKDIR" }) {
		s.cwd = s.rt.Workdir
	}
	if s.cwd == "" {
		return "the working directory is not known"
	}
	// What starts the program on behalf of the container must be installed.
	for len(argv) > 1 && slices.Contains([]string{"tini", "dumb-init"}, path.Base(argv[0].Text)) {
		name := path.Base(argv[0].Text)
		if why := s.need(name, name); why != "" {
			return why
		}
		argv = argv[1:]
		for len(argv) > 1 && strings.HasPrefix(argv[0].Text, "-") {
			argv = argv[1:]
		}
	}
	if argv, why = s.script(argv); why != "" {
		return why
	}
	if len(argv) == 0 || !argv[0].Known || argv[0].Text == "" {
		return "it is not known what the container starts"
	}
	if name := path.Base(argv[0].Text); slices.Contains(compilingTools, name) {
		return "the container starts " + name + ", which needs the compiler"
	}
	s.entry = command{first, argv}
	return ""
}

// argv gives the words of a CMD or ENTRYPOINT.
func (s *splitter) argv(in *parse.Instruction) ([]facts.Field, string) {
	if in.Form == parse.Exec {
		var out []facts.Field
		for _, w := range in.Words {
			out = append(out, facts.Field{Text: w.Value, Known: true})
		}
		if len(out) == 3 && path.Base(out[0].Text) == "sh" && out[1].Text == "-c" {
			return plainWords(out[2].Text)
		}
		return out, ""
	}
	calls := s.p.Facts.Calls(in)
	if len(calls) != 1 || calls[0].Nested || len(calls[0].Path) > 0 || len(calls[0].Fields) == 0 {
		return nil, unclear
	}
	c := calls[0]
	// The reading leaves wrappers out; only exec has no program of its own.
	if w := c.Expr.Args[0].Lit(); w != "exec" && (c.Sudo || c.User != "" || w != "" && w != c.Fields[0].Text) {
		return nil, unclear
	}
	if c.Stmt != nil && len(c.Stmt.Redirs) > 0 {
		return nil, unclear
	}
	return c.Fields, ""
}

const unclear = "what the container starts is more than one plain command"

// plainWords gives the words of a script that is one plain command. What is not
// literal is unknown.
func plainWords(script string) ([]facts.Field, string) {
	f, err := shell.ParseText(script, shell.POSIX)
	if err != nil || len(f.Stmts) != 1 || len(f.Stmts[0].Redirs) > 0 || f.Stmts[0].Background || f.Stmts[0].Negated {
		return nil, unclear
	}
	call, ok := f.Stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(call.Assigns) > 0 {
		return nil, unclear
	}
	args := call.Args
	if len(args) > 1 && args[0].Lit() == "exec" {
		args = args[1:]
	}
	var out []facts.Field
	for _, w := range args {
		text, known := shell.Literal(w)
		out = append(out, facts.Field{Text: text, Known: known})
	}
	return out, ""
}

// need makes sure that the final stage has a command of a package, by
// installing it there as well.
func (s *splitter) need(command, pkg string) string {
	in := s.packages[pkg]
	if in == nil {
		return "the container uses " + command + ", which " + s.rt.Image + " lacks"
	}
	if in.Index >= s.at || s.roles[in] == both {
		return ""
	}
	for name, o := range s.packages {
		if o == in && name != pkg && !slices.Contains(rootPackages, name) {
			return "the container uses " + command + ", and " + s.p.line(in) + " installs it together with build tools"
		}
	}
	if len(s.buildsIn(in)) > 0 {
		return "the container uses " + command + ", and " + s.p.line(in) + " installs it and compiles"
	}
	s.roles[in] = both
	return ""
}

// lists makes sure that the final stage has the package lists which its
// installations need: a RUN that only fetches them stands there, too.
func (s *splitter) lists() string {
	for _, in := range s.st.Instructions {
		if in.Name != "RUN" || in.Index < s.at && s.roles[in] == stays {
			continue
		}
		for _, v := range s.p.Facts.Invocations(in) {
			if v.Role != facts.Install || !v.Manager.Needs || s.fetches(in, v) {
				continue
			}
			found := false
			for _, o := range s.st.Instructions {
				if o.Name != "RUN" || o.Index >= in.Index || !s.fetches(o, v) {
					continue
				}
				if o.Index < s.at && s.roles[o] == stays {
					for _, by := range s.packages {
						if by == o {
							return s.p.line(in) + " needs the package lists of " + s.p.line(o) + ", which installs build tools"
						}
					}
					if len(s.buildsIn(o)) > 0 {
						return s.p.line(in) + " needs the package lists of " + s.p.line(o) + ", which compiles"
					}
					s.roles[o] = both
				}
				found = true
			}
			if !found {
				return s.p.line(in) + " installs packages from lists that the base image has"
			}
		}
	}
	return ""
}

// fetches reports whether a RUN fetches the lists that an installation needs.
func (s *splitter) fetches(in *parse.Instruction, v *facts.Invocation) bool {
	for _, o := range s.p.Facts.Invocations(in) {
		if o.Manager == v.Manager && (o.Role == facts.Update || o.HasFlag("--no-cache", "-U", "--update", "--update-cache")) {
			return true
		}
	}
	return false
}

// buildsIn returns the compiling commands of a RUN.
func (s *splitter) buildsIn(in *parse.Instruction) []*buildCall {
	var out []*buildCall
	for _, b := range s.builds {
		if b.in == in {
			out = append(out, b)
		}
	}
	return out
}

// health makes sure that the health check finds its commands.
func (s *splitter) health() string {
	for _, in := range s.st.Instructions {
		if in.Name != "HEALTHCHECK" || in.Form == parse.Words {
			continue
		}
		var names []string
		if in.Form == parse.Exec {
			if len(in.Words) > 1 { // behind CMD
				names = append(names, in.Words[1].Value)
			}
		} else {
			calls := s.p.Facts.Calls(in)
			if len(calls) == 0 {
				return "the health check is not understood"
			}
			for _, c := range calls {
				if len(c.Fields) == 0 || !c.Fields[0].Known {
					return "the health check is not understood"
				}
				names = append(names, c.Fields[0].Text)
			}
		}
		for _, name := range names {
			full := name
			if strings.Contains(name, "/") {
				full = resolveIn(s.cwd, name)
			}
			base := path.Base(name)
			switch {
			case slices.ContainsFunc(s.ship, func(c shipped) bool { return c.to == full || base == name && path.Base(c.to) == name && c.file }):
			case slices.Contains(systemCommands, base), slices.Contains(s.rt.Commands, base):
			default:
				if why := s.need(base, base); why != "" {
					return "the health check: " + why
				}
			}
		}
	}
	return ""
}
