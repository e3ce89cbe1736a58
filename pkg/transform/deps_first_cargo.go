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
	"github.com/refit-dev/refit/pkg/shell"
)

// cargoValues are options of cargo build and install with a separate value.
var cargoValues = []string{"--features", "-F", "--target", "--profile", "-j", "--jobs", "--color", "--path", "--root", "--bin"}

// cargoBuild reads a call of cargo that builds the crate in the working
// directory. build is the command that builds its dependencies alike; why says
// what is not understood.
func cargoBuild(c *facts.Call) (build string, locked bool, why string, ok bool) {
	if c.Name() != "cargo" || len(c.Fields) < 2 {
		return "", false, "", false
	}
	verb := c.Fields[1].Text
	if verb != "build" && verb != "b" && verb != "install" {
		return "", false, "", false
	}
	out := []string{"cargo", "build"}
	here, release := verb != "install", verb == "install"
	args := c.Fields[2:]
	for i := 0; i < len(args); i++ {
		f := args[i]
		if !f.Known || f.Glob || !plainPath(strings.TrimLeft(f.Text, "-")) {
			return "", false, "cargo is called with words that are not known", true
		}
		name, value, has := strings.Cut(f.Text, "=")
		if !has && slices.Contains(cargoValues, name) {
			if i+1 == len(args) || !args[i+1].Known || !plainPath(args[i+1].Text) {
				return "", false, "cargo is called with words that are not known", true
			}
			i++
			value = args[i].Text
		}
		word := name
		if value != "" {
			word += " " + value
			if has {
				word = name + "=" + value
			}
		}
		switch name {
		case "--path":
			if path.Clean(value) != "." {
				return "", false, "cargo installs another crate than that of the working directory", true
			}
			here = true
			continue
		case "--root", "--force", "-f", "--no-track", "--bins", "--bin":
			continue // what becomes of the crate itself
		case "--release", "-r":
			release = true
			continue
		case "--locked", "--frozen":
			locked = true
		case "--debug", "--profile":
			if verb == "install" {
				return "", false, "cargo install is called with " + name, true
			}
		case "--target":
			if strings.Contains(value, "none") {
				return "", false, "the target has no standard library", true
			}
		case "--features", "-F", "--all-features", "--no-default-features", "-j", "--jobs", "--color", "-v", "-vv", "--verbose", "-q", "--quiet", "--offline":
		default:
			return "", false, "cargo is called with " + f.Text, true
		}
		out = append(out, word)
	}
	if !here {
		return "", false, "", false
	}
	if release {
		out = slices.Insert(out, 2, "--release")
	}
	return strings.Join(out, " "), locked, "", true
}

// cargoFirst proposes to build a crate's dependencies before its sources are
// copied, with a stand-in for the sources: cargo has no command for it. See
// https://github.com/rust-lang/cargo/issues/2644.
func (p *Pass) cargoFirst(r *Program) {
	calls := p.Facts.Calls(r.In)
	if len(calls) == 0 || calls[0].Nested || r.In.Child != nil || r.In.Unfinished() {
		return
	}
	build, locked, why, ok := cargoBuild(&calls[0])
	if !ok {
		return
	}
	at := r.In.Keyword.Span
	o := &reorder{p: p, r: r}
	in := &facts.DepsInstall{Ecosystem: facts.EcosystemNamed("cargo"), Dir: r.State.Workdir.S, Cwd: r.State.Workdir.S, Locked: locked, Stubs: true}
	o.installs = []*facts.DepsInstall{in}
	if o.onlyManifests() {
		return
	}
	first := r.Stmt(calls[0].Expr)
	switch {
	case why != "":
	case p.cargoBefore(r):
		return
	case first == nil || first.Negated || first.Background || len(first.Redirs) > 0 || calls[0].Sudo || len(calls[0].Assigns) > 0 || shell.AndList(r.Tree.Stmts[0])[0] != first:
		why = "cargo does not stand by itself"
	case p.Options.Context == nil:
		why = "whether the dependencies of a crate can be built alone is only known from the build context (--context)"
	case !r.State.Workdir.Certain() || !plainPath(in.Dir):
		why = "the working directory is not known"
	case !r.State.User.Known || !facts.Root(r.State.User.S):
		why = "the build does not run as root, and may not be allowed to make the stand-in"
	default:
		o.stretch = p.stretchBefore(r.In)
		if len(o.stretch.copies) == 0 {
			if why = o.stretch.stop; why == "" {
				return
			}
		}
	}
	if why == "" {
		why = p.cargoFlags(r, calls, in.Dir)
	}
	if why == "" {
		why = o.plan()
	}
	if why == quietly {
		return
	}
	if why == "" {
		why = o.stub(build, at)
	}
	if why != "" {
		p.Skip(at, "%s", why)
	}
}

// cargoBefore reports whether the stage has compiled or fetched before a RUN:
// its writer has taken care of the dependencies.
func (p *Pass) cargoBefore(r *Program) bool {
	for s := r.State.Stage; s != nil; s = s.Parent {
		for _, in := range s.Instructions {
			if in.Index >= r.In.Index || in.Name != "RUN" {
				continue
			}
			for _, c := range p.Facts.Calls(in) {
				if c.Name() == "cargo" && len(c.Fields) > 1 && slices.Contains([]string{"build", "b", "fetch", "chef", "check", "vendor", "test"}, c.Fields[1].Text) {
					return true
				}
			}
		}
	}
	return false
}

// cargoFlags says what stands against a layer of compiled dependencies: a
// mount that holds them already, or a later deletion that would not free them.
func (p *Pass) cargoFlags(r *Program, calls []facts.Call, dir string) string {
	for _, fl := range r.In.Flags {
		if fl.Name != "mount" {
			continue
		}
		m := facts.ParseMount(fl.Arg)
		if m.Type != "cache" {
			return "the RUN has a mount of type " + m.Type
		}
		if facts.Within(path.Join(dir, "target"), path.Clean(m.Target)) {
			return quietly // the compiled dependencies stay in the cache
		}
	}
	if name, ok := r.State.HasVariable("CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "CARGO_BUILD_TARGET", "RUSTC_WRAPPER"); ok {
		return "the variable " + name + " is set"
	}
	if r.State.Stage.Ships {
		for _, st := range r.Tree.Stmts {
			for _, part := range shell.AndList(st) {
				if removes(part) {
					return "the RUN removes files: two layers would be larger than one"
				}
			}
		}
	}
	return ""
}

// stub reports the change: manifests and a build with stand-ins in front of
// the first COPY of sources, and a build that notices the real ones.
func (o *reorder) stub(build string, at parse.Span) string {
	p, dir := o.p, o.installs[0].Dir
	needs := o.installs[0].Needs(p.tree(o.r.In))
	k := o.moves[0]
	var names []string
	lines, why := o.manifests(k, &names)
	if why != "" {
		return why
	}
	if slices.ContainsFunc(o.needs, func(n need) bool { return n.by != k && slices.Contains(o.moves, n.by) }) {
		return "several instructions bring the manifests"
	}
	for _, in := range p.File.Instructions[k.Instruction.Index+1 : o.r.In.Index] {
		switch in.Name {
		case "COPY", "ADD", "LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "STOPSIGNAL", "HEALTHCHECK", "MAINTAINER":
		default:
			return fmt.Sprintf("%s stands between the COPY and the build", p.line(in))
		}
	}
	var stubs, touch []string
	for _, f := range needs.Stubs {
		// The real file must come, or the stand-in would stay.
		if _, by, has := p.tree(o.r.In).Origin(f); has != facts.Yes || !slices.Contains(o.stretch.copies, by) || by.Instruction.Index < k.Instruction.Index {
			return fmt.Sprintf("where %s comes from is not certain", f)
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(f, dir), "/")
		touch = append(touch, rel)
		if path.Base(f) == "main.rs" {
			stubs = append(stubs, "echo 'fn main() {}' > "+rel)
		} else {
			stubs = append(stubs, "touch "+rel)
		}
	}
	flags := ""
	for _, fl := range o.r.In.Flags {
		flags += fl.Span.Text(p.File.Src) + " "
	}
	keyword := o.r.In.Keyword.Text(p.File.Src)
	run := keyword + " " + flags + "mkdir -p src && " + strings.Join(stubs, " && ") + " && " + build
	eol := p.File.LineEnding()
	edits, effects, err := o.r.prepend("touch " + strings.Join(touch, " "))
	if err != nil {
		return err.Error()
	}
	start := k.Instruction.Start
	if len(k.Instruction.Lead) > 0 {
		start = k.Instruction.Lead[0].Start
	}
	text := strings.Join(append(lines, run), eol)
	p.Report(Change{
		Title: "compile the dependencies before the sources are copied", At: at, Safety: Unsafe,
		Reason: "an edit of any source file compiles all dependencies again; cargo cannot compile them alone, so it is given a stand-in for " + strings.Join(touch, " and ") +
			", which the sources replace. Unsafe, because " + strings.Join(compact(o.doubts), "; "),
		Edits:   append(edits, emit.Edit{Span: parse.Span{Start: start, End: start}, New: text + eol}),
		Effects: append(effects, plan.Insert{Before: k.Instruction.Index, Text: strings.ReplaceAll(text, "\r\n", "\n")}),
	})
	return ""
}
