package transform

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/shell"
)

var _ = register(&slimBaseTransform)

var slimBaseTransform = Transform{
	Name: "slim-base", Group: "metadata", Safety: Unsafe, After: []string{"pin-base"}, Run: slimBase,
	Doc: &page{
		Summary: "Build on the slim variant of the base image.",
		What: "In stages that ship, `python:3.12` becomes `python:3.12-slim`, `node:20` becomes `node:20-slim`, `debian:12` becomes `debian:12-slim`, by a table of the official images " +
			"python, pypy, node, ruby and debian with their ways to name variants. Where an ARG before the first FROM holds the name or the tag and nothing else uses it, its default changes.",
		Why: "The default variants bring compilers, header files, version control and graphics tools for whatever may be built in them: about 900 MB that a program does not need to run.",
		Before: "FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n" +
			`CMD ["python", "app.py"]`,
		After: "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n" +
			`CMD ["python", "app.py"]`,
		Instead: "Nothing changes where the stage, one that is built on it or a script that it starts uses a command that the slim variant lacks (the skip names the Debian package), compiles, " +
			"runs a script whose commands are not known, uses manuals, documentation or translations, installs packages that are known to be compiled (as far as arguments, and manifests in the build context, tell), " +
			"where another stage copies system files from it, and where the image has a digest or names its variant. " +
			"golang has no slim variant, rust and haskell images ship when they compile, and whether a JRE is enough instead of a JDK takes knowledge of the program.",
		Safety: "Unsafe: a package that is compiled when it is installed, or a library that is loaded at run time, may be missing. The reason says what to look at.",
		Refs: []string{"https://hub.docker.com/_/python#image-variants", "https://hub.docker.com/_/node#image-variants", "https://hub.docker.com/_/ruby#image-variants",
			"https://hub.docker.com/_/debian", "https://github.com/docker-library/buildpack-deps", "https://github.com/debuerreotype/debuerreotype/blob/master/scripts/.slimify-excludes"},
	},
}

func slimBase(p *Pass) {
	for _, s := range p.Facts.Stages {
		if s.Parent != nil || !s.Ships || !s.Image.Known || len(s.From.Words) == 0 || s.From.Form == parse.Opaque {
			continue
		}
		repo, tag, digest := facts.SplitReference(s.Image.S)
		row := slimRow(repo)
		if row == nil {
			continue
		}
		at := s.From.Words[0].Span
		variant := row.tags(tag)
		switch {
		case overlapsComment(s.From, at):
			p.Skip(at, "a comment stands inside the image's name")
		case digest != "":
			p.Skip(at, "the digest names one image")
		case variant == "" && (tag == "" || tag == "latest"):
			p.Skip(at, "the default tag of %s has no slim variant; one that names the release has", repo)
		case variant == "":
		default:
			b := &slimmer{p: p, row: row, stage: s, tag: tag, installed: map[string]bool{}, noted: map[string]bool{}}
			if why := b.check(); why != "" {
				p.Skip(at, "%s", why)
				continue
			}
			ref := s.Image.S
			if tag == "" {
				ref += ":" + variant
			} else {
				ref = strings.TrimSuffix(ref, tag) + variant
			}
			if why := b.change(ref); why != "" {
				p.Skip(at, "%s", why)
			}
		}
	}
}

// slimmer looks at one base image.
type slimmer struct {
	p         *Pass
	row       *slimImage
	stage     *facts.Stage
	tag       string
	installed map[string]bool // system packages, by the instructions so far
	unseen    []string        // scripts that the container starts, which are not in sight
	noted     map[string]bool // those in unseen
}

// family is a stage and those that are built FROM it, in order.
func family(s *facts.Stage) []*facts.Stage {
	var out []*facts.Stage
	var add func(s *facts.Stage)
	add = func(s *facts.Stage) {
		out = append(out, s)
		for _, c := range s.Children {
			add(c)
		}
	}
	add(s)
	return out
}

// check says why the slim variant would not do, or "".
func (b *slimmer) check() string {
	stages := family(b.stage)
	for _, s := range stages {
		for _, in := range s.Instructions {
			if why := b.instruction(in); why != "" {
				return why
			}
		}
	}
	for _, s := range stages {
		if why := b.readers(s); why != "" {
			return why
		}
		if why := b.sources(s); why != "" {
			return why
		}
	}
	return ""
}

func (b *slimmer) instruction(in *parse.Instruction) string {
	line := b.p.line(in)
	switch in.Name {
	case "ONBUILD":
		return line + " is for images that are built on this one, whose needs are not known"
	case "ADD":
		if c := b.p.Facts.Copy(in); b.row.tools && c != nil && slices.ContainsFunc(c.Sources, func(s facts.CopySource) bool { return s.Kind == facts.RemoteSource }) {
			return line + " fetches a file, which may need tools of the full image"
		}
	case "ENV":
		if !b.row.zones && !b.installed["tzdata"] && slices.ContainsFunc(in.Pairs, func(kv parse.Pair) bool { return kv.Key.Value == "TZ" }) {
			return line + " sets the time zone: tzdata would have to be installed"
		}
	case "RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK":
		return b.commands(in)
	}
	return ""
}

// commands looks at the commands of an instruction.
func (b *slimmer) commands(in *parse.Instruction) string {
	line := b.p.line(in)
	calls := b.p.Facts.Calls(in)
	if in.Name == "HEALTHCHECK" && in.Form == parse.Exec {
		var c facts.Call
		for _, w := range in.Words[min(1, len(in.Words)):] {
			c.Fields = append(c.Fields, facts.Field{Text: w.Value, Known: true})
		}
		calls = []facts.Call{c}
	}
	if len(calls) == 0 && in.Name == "RUN" {
		return line + " is not understood"
	}
	invocations := b.p.Facts.Invocations(in)
	windows := strings.Contains(in.Args.Value, `C:\`)
	for i := range calls {
		if why := b.call(in, &calls[i], windows); why != "" {
			return line + " " + why
		}
		for ; len(invocations) > 0 && invocations[0].Seq <= i; invocations = invocations[1:] {
			if why := b.invocation(invocations[0]); why != "" {
				return line + " " + why
			}
		}
	}
	if in.Name == "RUN" {
		return b.manifests(in)
	}
	return ""
}

// removedPaths are left out of all packages in slim variants. See
// https://github.com/debuerreotype/debuerreotype/blob/master/scripts/.slimify-excludes.
var removedPaths = []string{"/usr/share/doc", "/usr/share/man", "/usr/share/locale", "/usr/share/info", "/usr/share/groff", "/usr/share/linda"}

// call says what a command needs that the slim variant lacks, or "".
func (b *slimmer) call(in *parse.Instruction, c *facts.Call, windows bool) string {
	if len(c.Fields) == 0 {
		return ""
	}
	name := c.Name()
	first := c.Fields[0]
	if windows {
		return "looks like Windows"
	}
	if name == "" {
		return "runs a command that is not known"
	}
	dir := path.Dir(first.Text)
	own := strings.Contains(first.Text, "/") && !slices.Contains([]string{"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"}, dir)
	script := ""
	switch {
	case own:
		script = first.Text
	case slices.Contains([]string{"sh", "bash", "dash", "ash", "zsh", ".", "source"}, name):
		for _, f := range c.Fields[1:] {
			if strings.HasPrefix(f.Text, "-") && strings.Contains(f.Text, "c") {
				break // what it runs is among the calls
			}
			if !strings.HasPrefix(f.Text, "-") {
				script = f.Text
				break
			}
		}
		if script == "" && len(c.Fields) == 1 && in.Name == "RUN" {
			return "runs commands from standard input"
		}
	case name == "eval" && in.Name == "RUN":
		return "runs commands that are not known"
	}
	base := path.Base(script)
	switch {
	case script == "" || base == "activate" || strings.HasPrefix(script, "/etc/"):
	case strings.Contains(script, "/node_modules/.bin") || strings.Contains(script, "venv/") || strings.HasPrefix(script, "/opt/") && strings.Contains(script, "/bin/"):
	case in.Name == "RUN":
		return fmt.Sprintf("runs %s, which may use tools of the full image", base)
	default:
		if why := b.script(in, script); why != "" {
			return why
		}
	}
	if pkg := b.row.lacks(name, b.tag); pkg != "" && !own {
		if !b.installed[pkg] && !b.installed[name] {
			return fmt.Sprintf("uses %s: the slim variant would need the package %s", name, pkg)
		}
		if !b.row.certs && slices.Contains([]string{"curl", "wget", "git"}, name) && !b.installed["ca-certificates"] {
			return fmt.Sprintf("uses %s: the slim variant would need the package ca-certificates", name)
		}
	}
	if why := b.archive(name, c); why != "" {
		return why
	}
	for _, w := range strings.Fields(b.row.compile) {
		if name == w && !slices.ContainsFunc(c.Fields, func(f facts.Field) bool { return f.Text == "config" || f.Text == "exec" || f.Text == "--version" }) && in.Name == "RUN" {
			return fmt.Sprintf("uses %s, which often compiles: the slim variant would need build-essential and header files", name)
		}
	}
	for _, f := range c.Fields[1:] {
		switch {
		case name == "mkdir" || name == "rm":
		case slices.ContainsFunc(removedPaths, func(p string) bool { return strings.Contains(f.Text, p) }):
			return fmt.Sprintf("uses %s, which slim variants leave out", f.Text)
		case !b.row.zones && strings.Contains(f.Text, "/usr/share/zoneinfo") && !b.installed["tzdata"]:
			return "uses time zones: the slim variant would need the package tzdata"
		}
	}
	if name == "man" || name == "mandb" || name == "info" {
		return "uses manuals, which slim variants leave out"
	}
	return ""
}

// archive says what tar lacks to unpack.
func (b *slimmer) archive(name string, c *facts.Call) string {
	if name != "tar" || !b.row.tools {
		return ""
	}
	for i, f := range c.Fields[1:] {
		letters := i == 0 && !strings.HasPrefix(f.Text, "--") || strings.HasPrefix(f.Text, "-") && !strings.HasPrefix(f.Text, "--")
		switch {
		case letters && strings.Contains(f.Text, "J") || f.Text == "--xz" || strings.HasSuffix(f.Text, ".xz") || strings.HasSuffix(f.Text, ".txz"):
			if !b.installed["xz-utils"] {
				return "unpacks with xz: the slim variant would need the package xz-utils"
			}
		case letters && strings.Contains(f.Text, "j") && !strings.Contains(f.Text, "/") || f.Text == "--bzip2" || strings.HasSuffix(f.Text, ".bz2") || strings.HasSuffix(f.Text, ".tbz2"):
			if !b.installed["bzip2"] {
				return "unpacks with bzip2: the slim variant would need the package bzip2"
			}
		}
	}
	return ""
}

// invocation looks at what package managers install.
func (b *slimmer) invocation(v *facts.Invocation) string {
	for _, pkg := range slimInstalls(v) {
		if strings.ContainsRune(pkg, 0) {
			return "installs packages that are not known"
		}
		b.installed[pkg] = true
		if manual(pkg) {
			return fmt.Sprintf("installs %s, which may need the directories of the manuals that slim variants leave out", pkg)
		}
		if b.row.tools && compiles(pkg) {
			return fmt.Sprintf("installs %s: what is compiled may need header files of the full image", pkg)
		}
	}
	if v.Role != facts.Install && v.Role != facts.Upgrade || !b.row.tools || v.Manager.Name == "apt" {
		return ""
	}
	if v.HasFlag("--no-binary") {
		return "installs from source: the slim variant would need a compiler"
	}
	for _, f := range append(slices.Clone(v.Args), v.Options...) {
		if gitSource(f.Text) && !b.installed["git"] {
			return "installs from a git repository: the slim variant would need the package git"
		}
		name, _, _ := strings.Cut(f.Text, "=")
		if i := strings.IndexAny(name, "<>~![ ;"); i >= 0 {
			name = name[:i]
		}
		if i := strings.LastIndexByte(name, '@'); i > 0 { // npm: prisma@5, @prisma/client@5
			name = name[:i]
		}
		if name == "psycopg" && strings.Contains(f.Text, "[binary") {
			continue
		}
		if d := needy(name); d != "" && !b.installed[d] {
			return fmt.Sprintf("installs %s: the slim variant would need %s", name, d)
		}
	}
	return ""
}

// manifests looks through the manifests that a RUN installs, where the build
// context is in sight.
func (b *slimmer) manifests(in *parse.Instruction) string {
	ctx := b.p.Options.Context
	r, _ := b.p.Program(in)
	if ctx == nil || r == nil || !b.row.tools {
		return ""
	}
	installs := b.p.programUses(r).installs
	if len(installs) == 0 {
		return ""
	}
	t := b.p.tree(in)
	for _, ins := range installs {
		files := ins.Needs(t).Files
		for _, f := range append(files, path.Join(ins.Dir, "setup.py")) {
			data, _ := t.Read(f)
			if name, debian := slimNeeds(f, data); name != "" && !b.installed[debian] {
				return fmt.Sprintf("%s: %s names %s: the slim variant would need %s", b.p.line(in), path.Base(f), name, debian)
			}
		}
	}
	return ""
}

// script looks through a script that the container starts.
func (b *slimmer) script(in *parse.Instruction, name string) string {
	full := b.p.Facts.At(in).Resolve(name)
	note := func() string {
		if base := path.Base(name); !b.noted[base] {
			b.unseen, b.noted[base] = append(b.unseen, base), true
		}
		return ""
	}
	ctx := b.p.Options.Context
	if ctx == nil || !full.Known {
		return note()
	}
	t := b.p.tree(in)
	data, ok := t.Read(full.S)
	if !ok {
		return note()
	}
	if head, _, _ := strings.Cut(string(data), "\n"); !strings.HasPrefix(head, "#!") || !strings.HasSuffix(strings.Fields(head + " x")[0], "sh") && !strings.Contains(head, "env ") {
		return note()
	}
	tree, err := shell.ParseText(string(data), shell.Bash)
	if err != nil {
		return note()
	}
	why := ""
	syntax.Walk(tree, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.CallExpr); ok && len(c.Args) > 0 && why == "" {
			tool := path.Base(shell.Name(c))
			if pkg := b.row.lacks(tool, b.tag); pkg != "" && !b.installed[pkg] {
				why = fmt.Sprintf("starts %s, which uses %s: the slim variant would need the package %s", path.Base(name), tool, pkg)
			}
		}
		return why == ""
	})
	return why
}

// readers says whether other stages copy system files from a stage.
func (b *slimmer) readers(s *facts.Stage) string {
	for _, reader := range s.Readers {
		if reader.Descends(b.stage) {
			continue
		}
		for _, in := range reader.Instructions {
			for _, m := range bindMounts(in) {
				if m.From != "" && b.p.Facts.StageRef(m.From, reader) == s {
					return b.p.line(in) + " mounts files of the stage"
				}
			}
			c := b.p.Facts.Copy(in)
			if c == nil || c.From == "" || b.p.Facts.StageRef(c.From, reader) != s {
				continue
			}
			for _, src := range c.Sources {
				if !src.Path.Known || systemFile("/"+src.Path.S) {
					return fmt.Sprintf("%s copies system files from the stage", b.p.line(in))
				}
			}
		}
	}
	return ""
}

// systemFile reports whether a path may hold files of system packages.
func systemFile(p string) bool {
	p = path.Clean(p)
	if p == "/" || p == "/usr" || facts.Within(p, "/usr") && !facts.Within(p, "/usr/local") && !facts.Within(p, "/usr/src") && !facts.Within(p, "/usr/app") {
		return true
	}
	for _, d := range []string{"/bin", "/sbin", "/lib", "/lib64", "/etc"} {
		if facts.Within(p, d) {
			return true
		}
	}
	return false
}

// sources says whether a stage copies what another stage compiles: the result
// may load libraries of the full image.
func (b *slimmer) sources(s *facts.Stage) string {
	if !b.row.tools {
		return ""
	}
	for _, in := range s.Instructions {
		c := b.p.Facts.Copy(in)
		if c == nil || c.From == "" {
			continue
		}
		from := b.p.Facts.StageRef(c.From, s)
		for o := from; o != nil && !o.Descends(b.stage); o = o.Parent {
			if what := b.builds(o); what != "" {
				return fmt.Sprintf("%s copies from a stage that compiles (%s): the result may need libraries of the full image", b.p.line(in), what)
			}
		}
	}
	return ""
}

// builds names what shows that a stage compiles native code, or "".
func (b *slimmer) builds(s *facts.Stage) string {
	for _, in := range s.Instructions {
		for _, c := range b.p.Facts.Calls(in) {
			switch n := c.Name(); n {
			case "gcc", "g++", "cc", "c++", "clang", "make", "cmake", "ninja", "meson", "bundle", "node-gyp", "cargo", "maturin":
				return n
			}
		}
		for _, v := range b.p.Facts.Invocations(in) {
			for _, pkg := range slimInstalls(v) {
				if compiles(pkg) {
					return pkg
				}
			}
		}
		if in.Name == "RUN" {
			if why := b.manifests(in); why != "" {
				return why
			}
		}
	}
	return ""
}

// change reports the change to a reference, or says why there is none.
func (b *slimmer) change(ref string) string {
	s := b.stage
	w := s.From.Words[0]
	in, word, text := s.From, w, ref
	switch {
	case strings.Contains(w.Value, "$"):
		arg, value, why := b.argument()
		if why != "" {
			return why
		}
		// The reference is what stands in front of the variable, and its value.
		in, word = arg.in, arg.word
		lead := strings.TrimSuffix(s.Image.S, value)
		if !strings.HasPrefix(ref, lead) {
			return "the argument in the name does not hold the tag"
		}
		name, _, _ := strings.Cut(word.Value, "=")
		text = name + "=" + strings.TrimPrefix(ref, lead)
	case w.Value != s.Image.S:
		return "the name is quoted"
	}
	reason := fmt.Sprintf("%s has what the program needs to run, without the compilers, header files and tools of %s; if a package is compiled when it is installed or a library is missing, install it with apt-get", ref, s.Image.S)
	if !b.row.tools {
		reason = fmt.Sprintf("%s is %s without documentation, manuals and translations", ref, s.Image.S)
	}
	if b.row.alpine {
		reason += "; the variant on Alpine Linux is smaller still, but has another C library"
	}
	if len(b.unseen) > 0 {
		reason += "; check that " + strings.Join(b.unseen, " and ") + " needs none of it"
	}
	src := b.p.File.Src
	b.p.Report(Change{
		Title: "use " + ref + " instead of " + s.Image.S, At: word.Span, Safety: Unsafe, Reason: reason,
		Edits:   []emit.Edit{{Span: word.Span, New: text}},
		Effects: []plan.Effect{plan.Replace{Instr: in.Index, Text: strings.TrimRight(string(src[in.Start:word.Start])+text+string(src[word.End:in.End]), "\r\n")}},
	})
	return ""
}

// slimArg is an ARG with a default.
type slimArg struct {
	in   *parse.Instruction
	word parse.Word
}

// argument finds the ARG that the image's name ends in, if its default may
// change: it is plain text, and nothing else uses it.
func (b *slimmer) argument() (arg slimArg, value, why string) {
	w := b.stage.From.Words[0].Value
	lead, name, _ := strings.Cut(w, "$")
	if rest, ok := strings.CutPrefix(name, "{"); ok {
		name = strings.TrimSuffix(rest, "}")
		if name+"}" != rest {
			return arg, "", "the name does not end in one plain argument"
		}
	}
	if name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return arg, "", "the name does not end in one plain argument"
	}
	if !b.stage.Image.Default {
		return arg, "", "the name is given by --build-arg"
	}
	for _, in := range b.p.Facts.Meta {
		for _, word := range in.Words {
			if k, v, ok := strings.Cut(word.Value, "="); ok && k == name {
				if arg.in != nil {
					return arg, "", name + " is set twice"
				}
				arg, value = slimArg{in, word}, v
			}
		}
	}
	src := b.p.File.Src
	if arg.in == nil || lead+value != b.stage.Image.S || string(src[arg.word.Start:arg.word.End]) != arg.word.Value {
		return arg, "", "the default of " + name + " is not plain text"
	}
	for _, in := range b.p.File.Instructions {
		text := in.Logical.Text
		uses := strings.Count(text, "$"+name) + strings.Count(text, "${"+name)
		if in == b.stage.From {
			uses--
		}
		if in != arg.in && in.Name == "ARG" && slices.ContainsFunc(in.Words, func(w parse.Word) bool {
			k, _, _ := strings.Cut(w.Value, "=")
			return k == name
		}) {
			uses++
		}
		if uses > 0 {
			return arg, "", fmt.Sprintf("%s uses %s, too", b.p.line(in), name)
		}
	}
	return arg, value, ""
}
