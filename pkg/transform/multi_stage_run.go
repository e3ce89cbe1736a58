package transform

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

// buildCall is a command that compiles, with the directory that it runs in.
type buildCall struct {
	in   *parse.Instruction
	call *facts.Call
	cwd  string // "" if unknown

	basePlace bool // cwd is the base image's own, which the final stage does not have
}

// arg returns the value of an option in one of its spellings.
func (c *buildCall) arg(names ...string) (f facts.Field, ok bool) {
	for i, f := range c.call.Fields[1:] {
		for _, n := range names {
			if v, has := strings.CutPrefix(f.Text, n+"="); has {
				f.Text = v
				return f, true
			}
			if f.Text == n && i+2 < len(c.call.Fields) {
				return c.call.Fields[i+2], true
			}
		}
	}
	return f, false
}

// has reports whether a word stands among the arguments.
func (c *buildCall) has(words ...string) bool {
	return slices.ContainsFunc(c.call.Fields[1:], func(f facts.Field) bool { return slices.Contains(words, f.Text) })
}

// resolve gives a path of the command as an absolute one, "" if unknown.
func (c *buildCall) resolve(f facts.Field) string {
	if !f.Known || f.Glob || strings.HasPrefix(f.Text, "~") {
		return ""
	}
	return resolveIn(c.cwd, f.Text)
}

func resolveIn(cwd, p string) string {
	switch {
	case path.IsAbs(p):
		return path.Clean(p)
	case cwd == "":
		return ""
	}
	return path.Join(cwd, p)
}

// classify decides for each RUN where it goes, notes what the builds make, and
// finds the end of the builder. It returns what cannot be told.
func (s *splitter) classify() (stop string) {
	s.at = s.st.From.Index + 1
	end := s.st.From.Index + 1 // behind the last instruction that compiles
	for _, in := range s.st.Instructions {
		if in.Name != "RUN" {
			continue
		}
		why := s.run(in)
		if why != "" && stop == "" {
			stop = s.p.line(in) + ": " + why
		}
		// Packages that are installed behind what compiles are for the container.
		if s.roles[in] == stays && !s.installs[in] {
			end = in.Index + 1
		}
	}
	s.at = end
	return stop
}

// run reads one RUN.
func (s *splitter) run(in *parse.Instruction) string {
	r, why := s.p.Program(in)
	if r == nil {
		return why
	}
	stop, cwd, basePlace := "", "", false
	if w := r.State.Workdir; w.Known {
		cwd = w.S
	} else if !slices.ContainsFunc(s.st.Instructions, func(o *parse.Instruction) bool { return o.Name == "WORKDIR" && o.Index < in.Index }) {
		cwd, basePlace = s.rt.Workdir, s.rt.Workdir != "/"
	}
	kinds := map[string]int{}
	var packages, makes []string
	syntax.Walk(r.Tree, func(n syntax.Node) bool {
		if rd, ok := n.(*syntax.Redirect); ok && stop == "" {
			switch rd.Op {
			case syntax.RdrOut, syntax.AppOut, syntax.RdrAll, syntax.AppAll, syntax.RdrInOut, syntax.RdrClob:
				if w := rd.Word.Lit(); w != "/dev/null" && w != "/dev/stderr" && w != "/dev/stdout" {
					stop = "it writes " + r.Script.NodeText(rd.Word)
				}
			}
		}
		return true
	})
	calls := s.p.Facts.Calls(in)
	for i := range calls {
		c := &calls[i]
		name := c.Name()
		b := &buildCall{in: in, call: c, cwd: cwd, basePlace: basePlace}
		if m := c.User; m != "" && stop == "" {
			stop = "it runs " + name + " as another user"
		}
		what := s.kind(b, &packages, &makes)
		kinds[what]++
		switch {
		case what == "cd":
			cwd = ""
			if len(c.Fields) == 2 && !c.Path.Subshell() {
				cwd = b.resolve(c.Fields[1])
			}
		case what == "build":
			s.builds = append(s.builds, b)
			if c.Path.Always() {
				s.outs = append(s.outs, s.eco.outputs(s, b)...)
			}
		case what == "" && stop == "":
			if name == "" {
				name = "a command that is not known"
			}
			stop = name + " may leave files that the program needs"
		}
	}
	// The builder keeps what compiles; users and folders go to the final
	// stage; packages to both if something in the container uses them.
	switch {
	case stop != "":
		return stop
	case kinds["build"] > 0:
		if kinds["user"] > 0 {
			return "it makes users and compiles"
		}
	case kinds["user"] > 0 || len(makes) > 0:
		if kinds["package"] > 0 {
			return "it installs packages and makes users or folders"
		}
		if kinds["artefact"] > 0 {
			return "it works on the program, and makes users or folders"
		}
		for i := range calls {
			if name := calls[i].Name(); slices.Contains(s.rt.Lacks, name) {
				return "it calls " + name + ", which " + s.rt.Image + " may lack"
			}
		}
		s.roles[in] = moves
		for _, dir := range makes {
			s.made[dir] = in
		}
	}
	if s.roles[in] == stays && len(makes) > 0 {
		return "it makes " + makes[0] + ", which the program may need"
	}
	s.installs[in] = kinds["package"] > 0 && kinds["build"]+kinds["artefact"]+kinds["folder"] == 0
	if len(packages) > 0 {
		var need, lib string
		for _, name := range packages {
			if _, ok := s.packages[name]; !ok {
				s.packages[name] = in
			}
			base, _, _ := strings.Cut(name, "=")
			switch {
			case base == "g++" && s.rt.Language == "go" && strings.HasPrefix(path.Base(s.rt.Image), "alpine"):
				lib = base // libstdc++ comes with it
			case slices.Contains(compilePackages, base) || slices.Contains(rootPackages, base):
			case strings.HasSuffix(base, "-dev") || strings.HasSuffix(base, "-devel") || strings.HasSuffix(base, "-static"):
				lib = base
			default:
				need = base
			}
		}
		switch {
		case lib != "":
			return "the program may be linked with the library of " + lib
		case need != "" && kinds["build"] > 0:
			return "it installs " + need + ", which the program may need, and compiles"
		case need != "":
			if slices.ContainsFunc(packages, func(n string) bool { return slices.Contains(compilePackages, n) }) {
				return "it installs " + need + ", which the program may need, together with build tools"
			}
			if s.rt.Floating {
				return "it installs " + need + ", which the program may need"
			}
			s.roles[in] = both
		}
	}
	return ""
}

// kind tells what a command of a RUN does: "build", "package", "user",
// "folder", "artefact" (it works on what was built), "cd", "neutral", or "" for
// anything else.
func (s *splitter) kind(b *buildCall, packages, makes *[]string) string {
	c, name := b.call, b.call.Name()
	if v := s.invocation(b); v != nil && v.Manager.System {
		switch v.Role {
		case facts.Install:
			if v.Opaque {
				return ""
			}
			for _, a := range v.Args {
				if strings.HasPrefix(a.Text, ".") { // apk --virtual .build-deps
					continue
				}
				*packages = append(*packages, a.Text)
			}
			return "package"
		case facts.Update, facts.Clean, facts.Query:
			return "package"
		}
		return ""
	}
	if name == "git" && b.has("config") {
		return "neutral"
	}
	if names := globalPackages(b); len(names) > 0 && s.rt.Language == "node" {
		for _, n := range names {
			s.packages[n] = b.in
		}
		return "package"
	}
	switch {
	case name == "cd" || name == "pushd":
		return "cd"
	case slices.Contains(neutralCommands, name):
		return "neutral"
	case name == "update-ca-certificates":
		return "neutral"
	case slices.Contains(userCommands, name):
		return "user"
	case slices.Contains(s.eco.tools, name):
		return "build"
	case name == "rm" || name == "rmdir":
		return s.removes(b)
	case name == "mkdir":
		for _, f := range c.Fields[1:] {
			if strings.HasPrefix(f.Text, "-") {
				continue
			}
			p := b.resolve(f)
			if p == "" || !path.IsAbs(f.Text) && b.basePlace {
				return ""
			}
			if !s.comesAnyway(p) {
				*makes = append(*makes, p)
			}
		}
		return "folder"
	case name == "chmod" || name == "chown":
		return s.changes(b, makes)
	case name == "cp" || name == "mv" || name == "install":
		return s.transfers(b)
	}
	return ""
}

// invocation returns a call's reading as one of a package manager, or nil.
func (s *splitter) invocation(b *buildCall) *facts.Invocation {
	for _, v := range s.p.Facts.Invocations(b.in) {
		if v.Call == b.call.Expr {
			return v
		}
	}
	return nil
}

// comesAnyway reports whether a folder is in the final stage without a mkdir,
// or is for the build alone: WORKDIR or COPY make it, and the parents of what
// is built come with the program.
func (s *splitter) comesAnyway(p string) bool {
	return s.coming.Get(func() map[string]bool {
		coming := map[string]bool{"/": true}
		add := func(p string) { upwards(p, func(dir string) { coming[dir] = true }) }
		for _, in := range s.st.Instructions {
			switch in.Name {
			case "WORKDIR":
				if w := s.p.Facts.Expand(in.Args.Value, in); w.Known {
					if w = s.p.Facts.At(in).Resolve(w.S); w.Known {
						add(w.S)
					}
				}
			case "COPY", "ADD":
				if c := s.p.Facts.Copy(in); c != nil && c.Dest.Known {
					add(c.Dest.S)
				}
			case "RUN":
				for _, c := range s.p.Facts.Calls(in) {
					if !slices.Contains(s.eco.tools, c.Name()) {
						continue
					}
					for i, f := range c.Fields {
						if i > 0 && c.Fields[i-1].Text == "-o" && f.Known {
							add(path.Dir(f.Text))
						}
					}
				}
			}
		}
		return coming
	})[p]
}

// changes reads chmod and chown: what they work on must be known.
func (s *splitter) changes(b *buildCall, makes *[]string) string {
	kind, operands := "", 0
	for _, f := range b.call.Fields[1:] {
		if strings.HasPrefix(f.Text, "-") {
			continue
		}
		operands++
		if operands == 1 {
			if !f.Known {
				return ""
			}
			continue // mode or owner
		}
		p := b.resolve(f)
		switch {
		case p == "":
			return ""
		case s.madeBy(p):
			kind = "artefact"
		case s.compiled(p): // chmod +x mvnw
			kind = "neutral"
		case s.copiedFile(b, p):
			kind = "artefact" // it is shipped as it is then
		case slices.Contains(*makes, p) || s.inMade(p):
			kind = "folder"
		default:
			return ""
		}
	}
	return kind
}

// removes notes what rm takes away. With a pattern, that is whatever lies
// below the folder in front of it.
func (s *splitter) removes(b *buildCall) string {
	for _, f := range b.call.Fields[1:] {
		if strings.HasPrefix(f.Text, "-") {
			continue
		}
		text := f.Text
		if !f.Known {
			return ""
		}
		if rest, ok := strings.CutPrefix(text, "~"); ok {
			text = "/root" + rest
		}
		if i := strings.IndexAny(text, "*?["); i >= 0 && f.Glob {
			if text = text[:strings.LastIndexByte(text[:i], '/')+1]; text == "" {
				text = "."
			}
		}
		p := resolveIn(b.cwd, text)
		if p == "" || p == "/" {
			return ""
		}
		s.removed = append(s.removed, p)
	}
	return "neutral"
}

// inMade reports whether a path lies in a folder that a moved instruction
// makes.
func (s *splitter) inMade(p string) bool {
	for dir := range s.made {
		if facts.Within(p, dir) {
			return true
		}
	}
	return false
}

// copiedFile reports whether a path is a file that a COPY has brought, and
// nothing else is worked on.
func (s *splitter) copiedFile(b *buildCall, p string) bool {
	if b.has("-R", "--recursive") {
		return false
	}
	for _, in := range s.st.Instructions {
		c := s.p.Facts.Copy(in)
		if c == nil || in.Index > b.in.Index || !c.Local() {
			continue
		}
		from, has := c.Origin(s.p.Options.Context, p)
		if has != facts.Yes {
			continue
		}
		if ctx := s.p.Options.Context; ctx != nil {
			return !ctx.IsDir(from)
		}
		return strings.Contains(strings.TrimPrefix(path.Base(p), "."), ".")
	}
	return false
}

// transfers reads cp, mv and install of what was built, and cp of other files.
func (s *splitter) transfers(b *buildCall) string {
	var paths []string
	for i, f := range b.call.Fields[1:] {
		if strings.HasPrefix(f.Text, "-") {
			continue
		}
		if i > 0 && b.call.Name() == "install" && (b.call.Fields[i].Text == "-m" || b.call.Fields[i].Text == "-o" || b.call.Fields[i].Text == "-g") {
			continue
		}
		p := b.resolve(f)
		if f.Glob && f.Known && len(paths) == 0 && strings.HasSuffix(f.Text, ".jar") {
			p = resolveIn(b.cwd, f.Text) // one jar, since the target is a file
		}
		if p == "" {
			return ""
		}
		if strings.HasSuffix(f.Text, "/") || f.Text == "." {
			p += "/"
		}
		paths = append(paths, p)
	}
	if len(paths) != 2 {
		return ""
	}
	from, to := paths[0], paths[1]
	glob := strings.ContainsAny(from, "*?[")
	made := s.madeBy(from) || s.outputDir(from) != ""
	if !made && b.call.Name() != "cp" || glob && (!made || !strings.HasSuffix(to, ".jar")) {
		return ""
	}
	if strings.HasSuffix(to, "/") || slices.Contains(everywhere, to) || s.p.Facts.KnownDir(to, b.in) {
		to = path.Join(to, path.Base(from))
	}
	if !made {
		// Other files: their copies are shipped.
		s.copied = append(s.copied, to)
		return "artefact"
	}
	if b.call.Name() == "mv" {
		s.outs = slices.DeleteFunc(s.outs, func(o string) bool { return o == from })
	}
	s.outs = append(s.outs, to)
	return "artefact"
}
