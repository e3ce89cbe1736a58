package plan

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/refit-dev/refit/pkg/parse"
)

// Split declares that the file's last stage becomes two: a builder, which
// keeps the base image and the build steps in their order, and a final stage
// on another image, which takes over the image config. What follows At goes to
// the final stage as it stands; in front of it come the parts of Head.
//
// Nothing else is allowed to change. The comparison refuses a split unless
//   - the builder's steps are the old stage's, in order, less those that move;
//   - every instruction that only writes the config (CMD, LABEL, EXPOSE, …)
//     and every VOLUME ends up in the final stage, once, in order;
//   - ENV, SHELL, USER and the working directory at the end are the old
//     stage's, but for the variables in Left;
//   - an instruction of the final stage finds the ARG and ENV that it uses;
//   - new instructions are COPY --from=Builder and absolute WORKDIR only.
type Split struct {
	From    int         // the index of the stage's FROM
	At      int         // the first instruction that the final stage takes over in its place; may be the number of instructions
	Builder string      // the builder's name; the final stage keeps the old one
	Image   string      // what the final stage is FROM
	Workdir string      // the working directory that the old base image starts with; "" if not known
	Head    []SplitPart // the final stage's first instructions behind FROM
	Left    []string    // variables whose ENV stays in the builder
	Sets    []string    // what of the image config the final stage sets itself, sorted: "CMD", "ENV PORT"; the rest comes from Image
}

// SplitPart is an instruction at the start of a final stage: one of the old
// stage that moves there or, with Repeat, stands in both, or a new one.
type SplitPart struct {
	Instr  int
	Repeat bool
	Text   string // a new instruction, if not empty
}

func (Split) rank() int { return 8 }

func (e Split) describe() string {
	var parts []string
	for _, p := range e.Head {
		switch {
		case p.Text != "":
			parts = append(parts, p.Text)
		case p.Repeat:
			parts = append(parts, fmt.Sprintf("instruction %d again", p.Instr))
		default:
			parts = append(parts, fmt.Sprintf("instruction %d", p.Instr))
		}
	}
	parts = append(parts, fmt.Sprintf("all from instruction %d on", e.At))
	s := fmt.Sprintf("the stage of instruction %d becomes the builder %q and a stage FROM %s with %s", e.From, e.Builder, e.Image, strings.Join(parts, "; "))
	if len(e.Left) > 0 {
		s += "; ENV " + strings.Join(e.Left, ", ") + " stays in the builder"
	}
	return s
}

func (e Split) apply(ed *editor) error {
	f, end := ed.plan.File, len(ed.at)-1
	if e.From < 0 || e.At <= e.From || e.At > end || f.Instructions[e.From].Name != "FROM" {
		return errNoInstruction
	}
	from, final, err := e.stages(f)
	if err != nil {
		return err
	}
	old := slices.Concat(ed.at[e.From+1:]...)
	head, err := e.head(ed)
	if err != nil {
		return err
	}
	builder, tail := slices.Concat(ed.at[e.From+1:e.At]...), slices.Concat(ed.at[e.At:]...)
	for _, s := range builder {
		if s.class == metaStep || s.name == "VOLUME" {
			return fmt.Errorf("%s would stay in the builder", s.name)
		}
	}
	if err := e.sameConfig(f, old, slices.Concat(head, tail)); err != nil {
		return err
	}
	if sets := setsOf(f, slices.Concat(head, tail)); !slices.Equal(sets, e.Sets) {
		return fmt.Errorf("the final stage sets %s", strings.Join(sets, ", "))
	}
	if err := e.variables(f, old, slices.Concat(head, tail)); err != nil {
		return err
	}
	ed.at[e.From] = []*step{from}
	ed.at[e.At] = slices.Concat([]*step{final}, head, ed.at[e.At])
	return nil
}

// stages gives the two FROM steps.
func (e Split) stages(f *parse.File) (builder, final *step, err error) {
	for _, in := range f.Instructions[e.From+1:] {
		if in.Name == "FROM" {
			return nil, nil, errors.New("it is not the last stage")
		}
	}
	var st *instructions.Stage
	for _, in := range f.Instructions {
		if in.Name != "FROM" {
			continue
		}
		v, err := parse.Typed(in.Node)
		if err != nil {
			return nil, nil, err
		}
		s := v.(*instructions.Stage)
		if in.Index == e.From {
			st = s
		}
		for _, name := range []string{s.Name, s.BaseName} {
			if strings.EqualFold(name, e.Builder) || strings.EqualFold(name, e.Image) && name == s.Name && name != "" {
				return nil, nil, fmt.Errorf("the name %q is taken", name)
			}
		}
	}
	switch {
	case e.Builder == "" || e.Image == "" || e.Image == "scratch":
		return nil, nil, errors.New("a split needs a builder's name and an image")
	case strings.Contains(st.Platform, "$"):
		return nil, nil, errors.New("the platform is a variable")
	}
	steps := make([]*step, 2)
	for i, w := range [][2]string{{st.BaseName, e.Builder}, {e.Image, st.Name}} {
		var k keyer
		k.add("FROM", w[0], w[1], st.Platform)
		steps[i] = &step{instr: -1, name: "FROM", class: fromStep, key: k.String()}
	}
	steps[0].instr = e.From
	return steps[0], steps[1], nil
}

// head gives the first steps of the final stage, and takes those that move out
// of the builder.
func (e Split) head(ed *editor) ([]*step, error) {
	var out []*step
	for _, part := range e.Head {
		if part.Text != "" {
			steps, err := ed.plan.parseSteps(part.Text)
			if err != nil {
				return nil, err
			}
			if len(steps) != 1 || !e.mayInsert(steps[0]) {
				return nil, fmt.Errorf("%s is no COPY from the builder and no absolute WORKDIR", part.Text)
			}
			out = append(out, steps[0])
			continue
		}
		found := false
		for pos := e.From + 1; pos < e.At && !found; pos++ {
			i := slices.IndexFunc(ed.at[pos], func(s *step) bool { return s.instr == part.Instr })
			if i < 0 {
				continue
			}
			found = true
			out = append(out, ed.at[pos][i])
			if !part.Repeat {
				ed.at[pos] = slices.Concat(ed.at[pos][:i], ed.at[pos][i+1:])
			}
		}
		if !found {
			return nil, errNoInstruction
		}
	}
	return out, nil
}

func (e Split) mayInsert(s *step) bool {
	f := keyFields(s.key)
	switch s.name {
	case "COPY":
		return len(f) > 2 && f[1] == "from" && f[2] == e.Builder
	case "WORKDIR":
		return len(f) == 2 && path.IsAbs(f[1])
	}
	return false
}

// sameConfig checks that the final stage ends with the old stage's config.
func (e Split) sameConfig(f *parse.File, old, final []*step) error {
	for i, list := range [2][]*step{old, final} {
		for _, s := range list {
			if s.name == "ONBUILD" {
				return errors.New("ONBUILD does its work in images that are built on this one")
			}
			if i == 1 && s.instr >= 0 && s.class == metaStep && !slices.Contains(old, s) {
				return errNoInstruction
			}
		}
	}
	config := func(list []*step, dir string, skip func(*step) bool) (meta, env, shells []*step, user string, workdir string, err error) {
		workdir = dir
		for _, s := range list {
			switch {
			case s.class == metaStep, s.name == "VOLUME":
				meta = append(meta, s)
			case s.name == "ENV" && !skip(s):
				env = append(env, s)
			case s.name == "SHELL":
				shells = append(shells, s)
			case s.name == "USER":
				user = s.key
			case s.name == "WORKDIR":
				to := keyFields(s.key)[1]
				switch {
				case path.IsAbs(to) || strings.HasPrefix(to, "$"): // a variable is compared as written
					workdir = path.Clean(to)
				case workdir == "":
					return nil, nil, nil, "", "", errors.New("the working directory is not known")
				default:
					workdir = path.Join(workdir, to)
				}
			}
		}
		return meta, env, shells, user, workdir, nil
	}
	m1, e1, s1, u1, w1, err := config(old, e.Workdir, e.leaves(f))
	if err != nil {
		return err
	}
	m2, e2, s2, u2, w2, err := config(final, "/", e.leaves(f))
	if err != nil {
		return err
	}
	if w1 == "" {
		return errors.New("the working directory is not known")
	}
	for _, c := range []struct {
		what string
		same bool
	}{
		{"what only writes the config", slices.Equal(m1, m2)}, {"ENV", slices.Equal(e1, e2)}, {"SHELL", slices.Equal(s1, s2)},
		{"USER", u1 == u2}, {"WORKDIR", w1 == w2},
	} {
		if !c.same {
			return fmt.Errorf("%s would differ in the final stage", c.what)
		}
	}
	return nil
}

// leaves tells which ENV stay in the builder: all their variables are in Left.
func (e Split) leaves(f *parse.File) func(*step) bool {
	return func(s *step) bool {
		return s.instr >= 0 && len(f.Instructions[s.instr].Pairs) > 0 &&
			!slices.ContainsFunc(f.Instructions[s.instr].Pairs, func(p parse.Pair) bool { return !slices.Contains(e.Left, p.Key.Value) })
	}
}

// variables checks that each instruction of the final stage finds the
// variables that it may use: those that its text names, and for a RUN
// all that were set in front of it.
func (e Split) variables(f *parse.File, old, final []*step) error {
	leaves := e.leaves(f)
	for i, s := range final {
		if s.instr < 0 {
			continue
		}
		in := f.Instructions[s.instr]
		text := in.Text(f.Src)
		for _, v := range old[:max(0, slices.Index(old, s))] {
			if !v.env || v.instr < 0 || slices.Contains(final[:i], v) {
				continue
			}
			if in.Name == "RUN" && !leaves(v) {
				return fmt.Errorf("a RUN of the final stage misses %s", v.name)
			}
			for _, name := range sets(f.Instructions[v.instr]) {
				if strings.Contains(text, "$"+name) || strings.Contains(text, "${"+name) {
					return fmt.Errorf("%s misses the variable %s", in.Name, name)
				}
			}
		}
	}
	return nil
}

// setsOf names what steps set of the image config.
func setsOf(f *parse.File, steps []*step) []string {
	var out []string
	for _, s := range steps {
		switch {
		case s.instr < 0:
		case s.name == "ENV":
			for _, name := range sets(f.Instructions[s.instr]) {
				out = append(out, "ENV "+name)
			}
		case s.class == metaStep, s.name == "VOLUME", s.name == "USER", s.name == "WORKDIR", s.name == "SHELL":
			out = append(out, s.name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sets returns the names of the variables that an ENV or ARG sets.
func sets(in *parse.Instruction) []string {
	var out []string
	for _, p := range in.Pairs {
		out = append(out, p.Key.Value)
	}
	for _, w := range in.Words {
		name, _, _ := strings.Cut(w.Value, "=")
		out = append(out, name)
	}
	return out
}

// keyFields takes a keyer's text apart.
func keyFields(key string) []string {
	var out []string
	for key != "" {
		n, rest, ok := strings.Cut(key, ":")
		size, err := strconv.Atoi(n)
		if !ok || err != nil || size > len(rest) {
			return nil
		}
		out, key = append(out, rest[:size]), rest[size:]
	}
	return out
}
