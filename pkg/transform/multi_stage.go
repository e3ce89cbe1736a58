package transform

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

func init() {
	register(func() *Transform {
		return &Transform{
			Name:   "multi-stage",
			Group:  "layers",
			First:  true,
			Codes:  []string{},
			Safety: Unsafe,
			Run:    multiStage,
			Doc: md(`Compile in a builder stage and ship what it makes.

## What
A stage that compiles a program and starts it becomes two: the builder, with the base image and the build steps as they are, and a final stage on an image of the same system without the toolchain. The final stage copies the program and the files that it may read from the builder, and takes over ´ENV´, ´WORKDIR´, ´USER´, ´EXPOSE´, ´LABEL´, ´HEALTHCHECK´ and the command.

It works for

- Go (´go build´, ´go install´) and Rust (´cargo build´, ´cargo install´): the program, the root certificates and on Alpine the time zones, on the Debian or Alpine release that the compiler's tag stands for;
- Java (Maven, Gradle, ´javac´): the jar, or the folder with its libraries, on the run-time environment of the same vendor and version;
- Node: a folder that ´serve´ or ´http-server´ serves, or one file into which esbuild bundles all modules, on the slim image.

Files that ´COPY´ brings and that are no sources are shipped, too. Without the build context, where they cannot be told apart, the whole folder is. Packages and users that the container needs are installed in the final stage.

## Why
Compilers, sources and caches are most of the image, are scanned for vulnerabilities, and are of no use in the container.

## Example
~~~dockerfile before
FROM golang:1.22
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY cmd ./cmd
RUN go build -o /usr/local/bin/server ./cmd/server
EXPOSE 8080
CMD ["server"]
~~~
~~~dockerfile after
FROM golang:1.22 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY cmd ./cmd
RUN go build -o /usr/local/bin/server ./cmd/server

FROM debian:bookworm-slim
WORKDIR /src
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/local/bin/server /usr/local/bin/
EXPOSE 8080
CMD ["server"]
~~~

## Instead
Nothing changes where it cannot be told what the container needs: it starts something else than what is compiled, a step leaves other files behind, the health check uses a program that the smaller image lacks, libraries are linked dynamically, the program starts other programs. ´--explain-skips´ says which it is. With the build context in sight more can be proved: which of the copied files are data, and for Rust which libraries are linked. To switch it off: ´# refit: ignore=multi-stage´.

## Safety
Unsafe: the program could read any file of the old image, and only those that its own project brings are kept. Start the container and try it.

## References
- https://docs.docker.com/build/building/multi-stage/
`),
		}
	})
}

// role is where an instruction of the stage goes.
type role uint8

const (
	stays role = iota // in the builder
	moves             // to the final stage
	both              // in both
)

// splitter cuts one stage in two.
type splitter struct {
	p     *Pass
	st    *facts.Stage
	rt    facts.Runtime
	eco   *compiler
	roles map[*parse.Instruction]role
	at    int // the first instruction that the final stage takes over in place

	builds   []*buildCall                  // what the RUN instructions compile with
	outs     []string                      // what they make, absolute paths
	packages map[string]*parse.Instruction // packages, and the RUN that installs them
	installs map[*parse.Instruction]bool   // a RUN that only installs packages
	made     map[string]*parse.Instruction // folders that moved instructions make
	copied   []string                      // paths that cp makes of other files
	removed  []string                      // paths that RUN instructions of the builder remove, or below which they remove something
	cwd      string                        // the final working directory
	entry    command
	ship     []shipped
	only     bool     // what the container starts reads what is shipped and nothing else
	notes    []string // what a person should look at
}

// shipped is a COPY from the builder.
type shipped struct {
	from string // absolute
	to   string // absolute; the same, or in a folder on every PATH
	file bool   // known to be a file
}

func multiStage(p *Pass) {
	if len(p.Facts.Stages) == 0 {
		return
	}
	st := p.Facts.Stages[len(p.Facts.Stages)-1]
	if st.Parent != nil || !st.Image.Known || !st.Ships {
		return
	}
	rt, why := facts.RuntimeOf(st.Image.S)
	eco := compilers()[rt.Language]
	if eco == nil {
		return
	}
	s := &splitter{p: p, st: st, rt: rt, eco: eco, roles: map[*parse.Instruction]role{}, packages: map[string]*parse.Instruction{}, installs: map[*parse.Instruction]bool{}, made: map[string]*parse.Instruction{}}
	stop := s.classify()
	if len(s.builds) == 0 || rt.Language == "node" && !slices.ContainsFunc(s.builds, func(b *buildCall) bool { return b.script() != "" }) {
		return // nothing is compiled
	}
	for _, f := range []func() string{
		func() string { return why },
		s.scope,
		func() string { return stop },
		s.command,
		func() string { return s.eco.artefact(s) },
		s.files,
		s.health,
		s.lists,
		s.runtime,
	} {
		if why := f(); why != "" {
			p.Skip(st.From.Keyword.Span, "%s", why)
			return
		}
	}
	s.report()
}

// scope refuses files in which the stage may be more than the image that is
// built last.
func (s *splitter) scope() string {
	for _, o := range s.p.Facts.Stages[:s.st.Index] {
		if o.Ships {
			return "the file has several stages that may be built as targets"
		}
	}
	if strings.Contains(s.st.Platform, "$") {
		return "the platform of the base image is a variable"
	}
	if !s.st.Image.Certain() {
		raw := s.st.From.Words[0].Value
		_, tag, _ := strings.Cut(s.rt.Image, ":")
		if tag = strings.TrimSuffix(tag, "-slim"); s.rt.Floating || s.rt.Language == "node" || s.rt.Language == "java" || !strings.Contains(raw, tag) {
			return "the base image depends on a build argument"
		}
	}
	for _, in := range s.st.Instructions {
		switch {
		case in.Name == "ONBUILD":
			return "ONBUILD instructions do their work in images that are built on this one"
		case in.Name == "SHELL" && (len(in.Words) == 0 || path.Base(in.Words[0].Value) != "sh" && (path.Base(in.Words[0].Value) != "bash" || strings.Contains(s.rt.Image, "alpine"))):
			return s.p.line(in) + " sets a shell that " + s.rt.Image + " may lack"
		case in.Form == parse.Opaque:
			return s.p.line(in) + " is not understood"
		case in.Unfinished():
			return "the file ends inside an instruction"
		}
	}
	for _, in := range s.st.Instructions {
		if in.Name == "WORKDIR" {
			if w := in.Args.Value; !fixed(w) && s.rt.Workdir != "/" {
				return s.p.line(in) + ": the working directory goes on from the base image's"
			}
			break
		}
	}
	return ""
}

// runtime decides where ENV, ARG, WORKDIR and USER go.
func (s *splitter) runtime() string {
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

// report proposes the change.
func (s *splitter) report() {
	p, src, eol := s.p, s.p.File.Src, s.p.File.LineEnding()
	name := s.builderName()
	change := Change{
		Title: fmt.Sprintf("compile in a builder stage, run on %s", s.rt.Image), At: s.st.From.Keyword.Span, Safety: Unsafe, Alone: true,
		Reason: "the compiler and the sources stay out of the image; start the container to see that it finds everything it reads",
	}
	for _, n := range s.notes {
		change.Reason += "; " + n
	}
	split := plan.Split{From: s.st.From.Index, At: s.at, Builder: name, Image: s.rt.Image, Workdir: s.rt.Workdir}

	// FROM … AS build; the final stage keeps the name that the stage has.
	from, as := s.st.From, ""
	if len(from.Words) >= 3 {
		as = " " + from.Words[1].Value + " " + from.Words[2].Value
		change.Edits = append(change.Edits, emit.Edit{Span: from.Words[2].Span, New: name})
	} else {
		change.Edits = append(change.Edits, emit.Edit{Span: parse.Span{Start: from.Words[0].End, End: from.Words[0].End}, New: " " + s.keyword("AS") + " " + name})
	}
	var lines []string
	flag := ""
	if s.st.Platform != "" {
		flag = "--platform=" + s.st.Platform + " "
	}
	lines = append(lines, from.Keyword.Text(src)+" "+flag+s.rt.Image+as+eol)
	insert := func(text string) {
		lines = append(lines, text+eol)
		split.Head = append(split.Head, plan.SplitPart{Text: text})
	}
	for _, in := range s.st.Instructions {
		if in.Index >= s.at {
			break
		}
		switch s.roles[in] {
		case moves:
			span := parse.Span{Start: leadStart(in), End: in.End}
			lines = append(lines, span.Text(src))
			if blankBefore(p.File, span.Start) {
				span.End = skipBlank(p.File, span.End)
			}
			change.Edits = append(change.Edits, emit.Edit{Span: span})
			split.Head = append(split.Head, plan.SplitPart{Instr: in.Index})
		case both:
			lines = append(lines, p.instructionText(in))
			split.Head = append(split.Head, plan.SplitPart{Instr: in.Index, Repeat: true})
		case stays:
			if in.Name == "ENV" {
				split.Left = append(split.Left, variables([]*parse.Instruction{in})...)
			}
		}
	}
	if dir := s.plainWorkdir(); dir != "" {
		insert(s.keyword("WORKDIR") + " " + dir)
	}
	for _, text := range s.copyLines(name) {
		insert(text)
	}
	// In front of what stays in its place, with a blank line before it.
	text := strings.Join(lines, "")
	pos, prefix, suffix := len(src), "", ""
	if s.at < len(p.File.Instructions) {
		pos = leadStart(p.File.Instructions[s.at])
		if blankBefore(p.File, pos) {
			suffix = eol
		} else {
			prefix = eol
		}
	} else {
		last := p.File.Instructions[len(p.File.Instructions)-1]
		pos = last.End
		prefix = eol
		if !strings.HasSuffix(last.Text(src), "\n") {
			prefix += eol
			text = strings.TrimSuffix(text, eol)
		}
	}
	change.Edits = append(change.Edits, emit.Edit{Span: parse.Span{Start: pos, End: pos}, New: prefix + text + suffix})
	split.Sets = s.sets()
	change.Effects = []plan.Effect{split}
	p.Report(change)
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

// keyword writes a word in the case of the stage's FROM.
func (s *splitter) keyword(word string) string {
	if k := s.st.From.Keyword.Text(s.p.File.Src); k == strings.ToLower(k) {
		return strings.ToLower(word)
	}
	return word
}

// builderName is a name that no stage and no image of the file has.
func (s *splitter) builderName() string {
	for _, name := range []string{"build", "builder", "compile"} {
		taken := false
		for _, in := range s.p.File.Instructions {
			for _, w := range in.Words {
				taken = taken || in.Name == "FROM" && strings.EqualFold(w.Value, name)
			}
			for _, fl := range in.Flags {
				taken = taken || fl.Name == "from" && strings.EqualFold(fl.Arg, name) || fl.Name == "mount" && strings.Contains(fl.Arg, "from="+name)
			}
		}
		if !taken {
			return name
		}
	}
	return fmt.Sprintf("build-%d", s.st.Index)
}

// plainWorkdir is the working directory that no instruction of the file sets
// but the base image does, "" where that is not so.
func (s *splitter) plainWorkdir() string {
	for _, in := range s.st.Instructions {
		if in.Name == "WORKDIR" && fixed(in.Args.Value) && (in.Index >= s.at || s.roles[in] == both) {
			return ""
		}
	}
	if s.rt.Workdir == "/" {
		return ""
	}
	return s.rt.Workdir
}

// copyLines writes the COPY instructions of the final stage, the files of one
// folder together.
func (s *splitter) copyLines(builder string) []string {
	type group struct {
		dir  string
		from []string
	}
	var groups []*group
	var out []string
	for _, c := range s.ship {
		if !c.file || path.Base(c.from) != path.Base(c.to) || path.Dir(c.to) == "/" {
			groups = append(groups, &group{dir: c.to, from: []string{c.from}})
			continue
		}
		dir := strings.TrimSuffix(path.Dir(c.to), "/") + "/"
		i := slices.IndexFunc(groups, func(g *group) bool { return g.dir == dir })
		if i < 0 {
			groups = append(groups, &group{dir: dir})
			i = len(groups) - 1
		}
		groups[i].from = append(groups[i].from, c.from)
	}
	for _, g := range groups {
		out = append(out, s.keyword("COPY")+" --from="+builder+" "+strings.Join(g.from, " ")+" "+g.dir)
	}
	return out
}
