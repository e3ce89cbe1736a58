package transform

import (
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

// config decides where ENV, ARG, WORKDIR and USER go.
func (s *splitter) config() string {
	var head []*parse.Instruction
	for _, in := range s.st.Instructions {
		if in.Index >= s.at {
			break
		}
		switch in.Name {
		case "LABEL", "MAINTAINER", "EXPOSE", "CMD", "ENTRYPOINT", "STOPSIGNAL", "HEALTHCHECK", "VOLUME":
			s.roles[in] = moves
		case "USER":
			v := s.p.Facts.Expand(in.Args.Value, in)
			if !v.Certain() || !facts.Root(v.S) {
				return s.p.line(in) + ": the program is compiled as another user than root"
			}
			s.roles[in] = both
		case "WORKDIR":
			s.roles[in] = stays
		case "SHELL":
			s.roles[in] = both
		}
	}
	s.workdirs()
	s.shared()
	// ENV goes to both unless only the compiler reads it. What an instruction
	// of the final stage mentions must be set there.
	for _, in := range s.st.Instructions {
		if in.Index < s.at && in.Name == "ENV" {
			s.roles[in] = both
			if !slices.ContainsFunc(in.Pairs, func(p parse.Pair) bool { return !s.onlyBuild(p.Key.Value) }) {
				s.roles[in] = stays
			}
		}
	}
	for again := true; again; {
		again = false
		head = s.final()
		for _, in := range s.st.Instructions {
			if in.Name != "ENV" && in.Name != "ARG" || s.roles[in] != stays || in.Index >= s.at {
				continue
			}
			names := variables([]*parse.Instruction{in})
			if slices.ContainsFunc(head, func(o *parse.Instruction) bool {
				return o.Index > in.Index && (o.Name == "RUN" && in.Name == "ARG" || slices.ContainsFunc(names, func(n string) bool {
					text := o.Text(s.p.File.Src)
					return strings.Contains(text, "$"+n) || strings.Contains(text, "${"+n)
				}))
			}) {
				s.roles[in], again = both, true
			}
		}
	}
	for _, in := range s.final() {
		text := in.Text(s.p.File.Src)
		for _, name := range s.rt.Env {
			if _, set := s.p.Facts.Lookup(name, in); !set && (strings.Contains(text, "$"+name) || strings.Contains(text, "${"+name)) && !onlyPath(in) {
				return s.p.line(in) + " uses " + name + ", which only the compiler's image sets"
			}
		}
	}
	return ""
}

// onlyPath reports whether an instruction is an ENV that sets PATH alone.
func onlyPath(in *parse.Instruction) bool {
	return in.Name == "ENV" && len(in.Pairs) == 1 && in.Pairs[0].Key.Value == "PATH"
}

// shared keeps instructions that make users and folders in the builder, too,
// where what stays there needs them.
func (s *splitter) shared() {
	for _, in := range s.st.Instructions {
		if in.Index >= s.at || in.Name != "RUN" || s.roles[in] != moves {
			continue
		}
		for _, o := range s.st.Instructions {
			if o.Index <= in.Index || o.Index >= s.at || s.roles[o] == moves {
				continue
			}
			text := o.Text(s.p.File.Src)
			used := o.Flag("chown") != nil || strings.Contains(text, "chown")
			for dir, by := range s.made {
				used = used || by == in && strings.Contains(text, dir)
			}
			if used {
				s.roles[in] = both
			}
		}
	}
}

// final returns the instructions of the stage that are in the final stage.
func (s *splitter) final() []*parse.Instruction {
	return slices.DeleteFunc(slices.Clone(s.st.Instructions), func(in *parse.Instruction) bool { return in.Index < s.at && s.roles[in] == stays })
}

// onlyBuild reports whether a variable is for the compiler alone.
func (s *splitter) onlyBuild(name string) bool {
	return slices.ContainsFunc(s.eco.env, func(e string) bool {
		if stem, ok := strings.CutSuffix(e, "*"); ok {
			return strings.HasPrefix(name, stem)
		}
		return e == name
	})
}

// fixed reports whether a working directory does not depend on the one before
// it, as far as its text tells.
func fixed(dir string) bool { return path.IsAbs(dir) || strings.HasPrefix(dir, "$") }

// workdirs repeats the WORKDIR instructions that the final working directory
// comes from.
func (s *splitter) workdirs() {
	var chain []*parse.Instruction
	for _, in := range s.st.Instructions {
		if in.Name != "WORKDIR" || in.Index >= s.at {
			continue
		}
		if fixed(in.Args.Value) {
			chain = nil
		}
		chain = append(chain, in)
	}
	// A directory in which the build does nothing is there for the container.
	for i, in := range s.st.Instructions {
		if in.Name != "WORKDIR" || in.Index >= s.at {
			continue
		}
		idle := true
		for _, o := range s.st.Instructions[i+1:] {
			if o.Name == "WORKDIR" || o.Index >= s.at {
				break
			}
			idle = idle && (o.Name != "RUN" && o.Name != "COPY" && o.Name != "ADD" || s.roles[o] == moves)
		}
		if idle && fixed(in.Args.Value) {
			s.roles[in] = both
		}
	}
	// So are those that a moved RUN works in.
	for _, run := range s.st.Instructions {
		if run.Name != "RUN" || run.Index >= s.at || s.roles[run] == stays || s.installs[run] {
			continue
		}
		var at []*parse.Instruction
		for _, in := range s.st.Instructions {
			if in.Name == "WORKDIR" && in.Index < run.Index {
				if fixed(in.Args.Value) {
					at = nil
				}
				at = append(at, in)
			}
		}
		for _, in := range at {
			s.roles[in] = both
		}
	}
	// One behind the builder's end may make them pointless.
	for _, in := range s.st.Instructions {
		if in.Index < s.at {
			continue
		}
		if in.Name == "WORKDIR" && fixed(in.Args.Value) {
			return
		}
		switch in.Name {
		case "WORKDIR", "RUN", "COPY", "ADD":
			for _, in := range chain {
				s.roles[in] = both
			}
			return
		}
	}
	for _, in := range chain {
		s.roles[in] = both
	}
}

// sets names what of the image config the final stage sets itself, see
// plan.Split.
func (s *splitter) sets() []string {
	var out []string
	for _, in := range s.final() {
		switch in.Name {
		case "ENV":
			for _, n := range variables([]*parse.Instruction{in}) {
				out = append(out, "ENV "+n)
			}
		case "RUN", "COPY", "ADD", "ARG":
		default:
			out = append(out, in.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
