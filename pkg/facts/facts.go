package facts

import (
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/refit-dev/refit/internal/lazy"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

// Options are what is known about a build besides the Dockerfile.
type Options struct {
	BuildArgs map[string]string // --build-arg
	Targets   []string          // stages that are built as targets; empty: the last one, and other leaves
}

// Facts are the facts of one file.
type Facts struct {
	File   *parse.File
	Stages []*Stage
	Meta   []*parse.Instruction // ARG instructions before the first FROM

	states   []State                        // by instruction index
	dirs     map[string][]madeDir           // the stages that make or find a directory, see readDirs
	dirsRead int                            // how many instructions were read for dirs
	scripts  []atomic.Pointer[shell.Script] // by instruction index, made when asked for
	copies   answers[*Copy]
	adopted  map[string]*shell.Script // of an earlier text of the file, by their text
	named    map[string][]*Stage      // by name, in order

	calls       answers[[]Call]
	invocations answers[[]*Invocation]
	activities  map[activityKey]*Activity
}

// answers are what was found out about instructions, by their index.
type answers[T any] []lazy.Answer[T]

// of gives the answer for an instruction of a file with so many.
func (a *answers[T]) of(in *parse.Instruction, instructions int, find func() T) T {
	if *a == nil {
		*a = make(answers[T], instructions)
	}
	return (*a)[in.Index].Get(find)
}

// State is what holds right before an instruction.
type State struct {
	Stage   *Stage // nil before the first FROM
	Shell   shell.Shell
	User    Value // as written, user[:group]; Known is false where the base image decides
	Workdir Value // absolute path
	env     *env
}

// Stage is a build stage.
type Stage struct {
	Index        int
	Name         string // lower case, "" without AS
	From         *parse.Instruction
	Image        Value    // the base image's reference, "" if Parent is set
	Family       Family   // of the base image, through parents
	Platform     string   // --platform as written
	Parent       *Stage   // FROM another stage
	Children     []*Stage // stages that are FROM this one
	Readers      []*Stage // stages that COPY --from or mount from this one
	Instructions []*parse.Instruction
	Ships        bool // its layers are part of an image that is built

	root    *Stage               // the first of the parents, itself without any
	copiers []*parse.Instruction // those with --from of this stage, in order
	place   int                  // in the forest of the stages: parents first
	size    int                  // how many stages are FROM it, itself included; their places follow its own
	end     State                // behind its last instruction
	parents int                  // how many there are
}

// New computes the facts of a file.
func New(f *parse.File, opt Options) *Facts {
	fs := &Facts{
		File:    f,
		states:  make([]State, len(f.Instructions)),
		scripts: make([]atomic.Pointer[shell.Script], len(f.Instructions)),
	}
	var meta *env
	var st State
	for i, in := range f.Instructions {
		if in.Name == "FROM" {
			st = fs.from(in, meta)
			fs.states[i] = st
			continue
		}
		fs.states[i] = st
		if st.Stage == nil {
			if in.Name == "ARG" {
				fs.Meta = append(fs.Meta, in)
				meta = fs.args(in, meta, meta, opt)
			}
			continue
		}
		st.Stage.Instructions = append(st.Stage.Instructions, in)
		st = fs.step(in, st, meta, opt)
		st.Stage.end = st
	}
	fs.number()
	fs.link()
	fs.ships(opt.Targets)
	return fs
}

// At returns what holds right before an instruction.
func (fs *Facts) At(in *parse.Instruction) *State {
	if in.Parent != nil {
		in = in.Parent
	}
	return &fs.states[in.Index]
}

// End returns what holds behind a stage's last instruction.
func (fs *Facts) End(s *Stage) *State { return &s.end }

// Shell is the SHELL in effect at an instruction.
func (fs *Facts) Shell(in *parse.Instruction) shell.Shell { return fs.At(in).Shell }

// Script returns the shell program of an instruction, or nil if it has none.
// The script of an ONBUILD is its child's.
func (fs *Facts) Script(in *parse.Instruction) *shell.Script {
	i := in.Index
	if in.Parent != nil {
		i = in.Parent.Index
	} else if in.Child != nil {
		in = in.Child
	}
	if s := fs.scripts[i].Load(); s != nil {
		return s
	}
	s := shell.New(fs.File, in, fs.states[i].Shell)
	if s == nil {
		return nil
	}
	if o := fs.adopted[s.Text()]; o != nil {
		s.Share(o)
	}
	fs.scripts[i].Store(s)
	return s
}

// Adopt takes over the trees of the shell programs that an earlier text of the
// file has in common with this one. before may be in use by another goroutine.
func (fs *Facts) Adopt(before *Facts) {
	fs.adopted = make(map[string]*shell.Script, len(before.scripts))
	for i := range before.scripts {
		if s := before.scripts[i].Load(); s != nil {
			fs.adopted[s.Text()] = s
		}
	}
}

// Expand gives the value of a word at an instruction as BuildKit expands it.
func (fs *Facts) Expand(word string, in *parse.Instruction) Value {
	return expand(word, fs.File.Escape, fs.At(in).env)
}

// Lookup gives the value of a variable that ENV or ARG has set before the
// instruction in its stage or its parents.
func (fs *Facts) Lookup(name string, in *parse.Instruction) (v Value, set bool) {
	return fs.At(in).env.lookup(name)
}

// pathMax is what Linux takes for a path, in bytes with a final NUL (PATH_MAX):
// no process runs in a longer working directory, and thousands of relative
// WORKDIRs are not joined to megabytes.
const pathMax = 4096

// Resolve joins a path of COPY or RUN with the working directory at an
// instruction.
func (st *State) Resolve(p string) Value {
	if path.IsAbs(p) {
		return known(path.Clean(p))
	}
	if !st.Workdir.Known {
		return Value{}
	}
	return Value{S: path.Join(st.Workdir.S, p), Known: true, Default: st.Workdir.Default}
}

// ResolveField is Resolve for the text of a command's argument, where a home
// directory is written ~.
func (fs *Facts) ResolveField(st *State, text string) Value {
	if rest, ok := strings.CutPrefix(text, "~"); ok && (rest == "" || rest[0] == '/') {
		home := fs.Home(st)
		if home == "" {
			return Value{}
		}
		text = home + rest
	}
	return st.Resolve(text)
}

// from starts a stage.
func (fs *Facts) from(in *parse.Instruction, meta *env) State {
	s := &Stage{Index: len(fs.Stages), From: in}
	s.root = s
	fs.Stages = append(fs.Stages, s)
	if fl := in.Flag("platform"); fl != nil {
		s.Platform = fl.Arg
	}
	if len(in.Words) >= 3 && strings.EqualFold(in.Words[1].Value, "as") {
		s.Name = strings.ToLower(in.Words[2].Value)
	}
	if s.Name != "" {
		// Not before its own image is looked up; StageNamed goes by the index.
		if fs.named == nil {
			fs.named = map[string][]*Stage{}
		}
		fs.named[s.Name] = append(fs.named[s.Name], s)
	}
	st := State{Stage: s}
	if len(in.Words) > 0 {
		s.Image = expand(in.Words[0].Value, fs.File.Escape, meta)
		if s.Image.Known {
			if p := fs.StageNamed(s.Image.S, s.Index); p != nil {
				s.Parent, s.parents, s.root, s.Image = p, p.parents+1, p.root, Value{}
				p.Children = append(p.Children, s)
				st = p.end
				if st.Stage == nil { // a parent without instructions
					st = fs.states[p.From.Index]
				}
				st.Stage = s
				s.Family = p.Family
				s.end = st
				return st
			}
		}
		s.Family = familyOf(s.Image, in.Words[0].Value, s.Platform, fs.File)
	}
	if s.Family == Windows {
		st.Shell = shell.DefaultWindows()
	} else {
		st.Shell = shell.DefaultLinux()
		if workdirIsRoot(s) {
			st.Workdir = known("/")
		}
		if rootByDefault(s) {
			st.User = known("root")
		}
	}
	s.end = st
	return st
}

// StageNamed finds a stage by name or, for references that allow it, by
// number, among the stages before index before. See
// https://docs.docker.com/build/building/multi-stage/.
func (fs *Facts) StageNamed(name string, before int) *Stage {
	// Equal as strings.EqualFold has it: names are of ASCII.
	if strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
		name = strings.ToUpper(name)
	}
	list := fs.named[strings.ToLower(name)]
	n := sort.Search(len(list), func(i int) bool { return list[i].Index >= before })
	if n == 0 {
		return nil
	}
	return list[n-1]
}

// Root is the first of the stage's parents, the one that is FROM an image; the
// stage itself if it has no parent.
func (s *Stage) Root() *Stage { return s.root }

// position is the place of an instruction in the stage.
func (s *Stage) position(in *parse.Instruction) int { return in.Index - s.From.Index - 1 }

// Descends reports whether the stage is another or is FROM it, through parents;
// no stage at all does not.
func (s *Stage) Descends(from *Stage) bool {
	return s != nil && from != nil && s.place >= from.place && s.place < from.place+from.size
}

// number gives the stages their places in the forest that FROM makes of them.
func (fs *Facts) number() {
	for _, s := range slices.Backward(fs.Stages) { // parents stand first
		s.size++
		if s.Parent != nil {
			s.Parent.size += s.size
		}
	}
	next := make([]int, len(fs.Stages)) // the place of the next child, by index
	roots := 0
	for i, s := range fs.Stages {
		if s.Parent != nil {
			s.place = next[s.Parent.Index]
			next[s.Parent.Index] += s.size
		} else {
			s.place = roots
			roots += s.size
		}
		next[i] = s.place + 1
	}
}

// StageRef finds the stage that COPY --from=ref or a mount's from=ref in a
// stage means, by name or number, or nil for an image or a named context.
func (fs *Facts) StageRef(ref string, in *Stage) *Stage {
	if s := fs.StageNamed(ref, in.Index); s != nil {
		return s
	}
	if n, err := strconv.Atoi(ref); err == nil && n >= 0 && n < in.Index {
		return fs.Stages[n]
	}
	return nil
}

// step gives the state behind an instruction.
func (fs *Facts) step(in *parse.Instruction, st State, meta *env, opt Options) State {
	switch in.Name {
	case "ARG":
		st.env = fs.args(in, st.env, meta, opt)
	case "ENV":
		before := st.env // one ENV sees the values from before it
		for _, p := range in.Pairs {
			st.env = st.env.push(p.Key.Value, expand(p.Value.Value, fs.File.Escape, before), false)
		}
	case "SHELL":
		var argv []string
		for _, w := range in.Words {
			argv = append(argv, w.Value)
		}
		st.Shell = shell.Of(argv)
	case "USER":
		st.User = expand(in.Args.Value, fs.File.Escape, st.env)
	case "WORKDIR":
		v := expand(in.Args.Value, fs.File.Escape, st.env)
		switch {
		case !v.Known:
			st.Workdir = Value{}
		case path.IsAbs(v.S):
			st.Workdir = Value{S: path.Clean(v.S), Known: true, Default: v.Default}
		case st.Workdir.Known:
			st.Workdir = Value{S: path.Join(st.Workdir.S, v.S), Known: true, Default: v.Default || st.Workdir.Default}
		}
		if len(st.Workdir.S) >= pathMax {
			st.Workdir = Value{}
		}
	}
	return st
}

// args gives the variables behind an ARG. An ARG does not override an ENV of
// the same name, see https://docs.docker.com/reference/dockerfile/#using-arg-variables.
func (fs *Facts) args(in *parse.Instruction, e, meta *env, opt Options) *env {
	for _, w := range in.Words {
		name, dflt, has := strings.Cut(w.Value, "=")
		v := Value{}
		if given, ok := opt.BuildArgs[name]; ok {
			v = known(given)
		} else if has {
			v = expand(dflt, fs.File.Escape, e)
			v.Default = v.Known
		} else if mv, ok := meta.lookup(name); ok && e != meta {
			v = mv
		}
		if old := e.find(name); old != nil && !old.arg {
			continue
		}
		e = e.push(name, v, true)
	}
	return e
}

// link notes which stages read which.
func (fs *Facts) link() {
	for _, s := range fs.Stages {
		for _, in := range s.Instructions {
			if in.Child != nil {
				in = in.Child
			}
			for _, ref := range sourceRefs(in) {
				if from := fs.stageIn(ref, in, s); from != nil {
					from.Readers = append(from.Readers, s)
				}
			}
			if fl := in.Flag("from"); fl != nil {
				if from := fs.stageIn(fl.Arg, in, s); from != nil {
					from.copiers = append(from.copiers, in)
				}
			}
		}
	}
}

// stageIn is the stage that a word of an instruction in a stage names, or nil.
func (fs *Facts) stageIn(ref string, in *parse.Instruction, s *Stage) *Stage {
	if v := fs.Expand(ref, in); v.Known {
		return fs.StageRef(v.S, s)
	}
	return nil
}

// sourceRefs returns the stages, images or contexts that an instruction reads
// files from: COPY --from and RUN --mount=from=.
func sourceRefs(in *parse.Instruction) []string {
	var out []string
	for _, fl := range in.Flags {
		switch {
		case fl.Name == "from":
			out = append(out, fl.Arg)
		case fl.Name == "mount":
			for _, kv := range MountFields(fl.Arg) {
				if kv[0] == "from" {
					out = append(out, kv[1])
				}
			}
		}
	}
	return out
}

// ships marks the stages whose layers are part of an image that is built: the
// targets (without any given, the last stage and every other stage that none
// reads), and the stages that they are FROM.
func (fs *Facts) ships(targets []string) {
	mark := func(s *Stage) {
		for ; s != nil && !s.Ships; s = s.Parent {
			s.Ships = true
		}
	}
	found := false
	for _, t := range targets {
		if s := fs.StageNamed(t, len(fs.Stages)); s != nil {
			mark(s)
			found = true
		}
	}
	if found {
		return
	}
	for i, s := range fs.Stages {
		if i == len(fs.Stages)-1 || len(s.Children) == 0 && len(s.Readers) == 0 {
			mark(s)
		}
	}
}
