package transform

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

// stretch is what stands in front of a RUN and could change places with it: from behind the
// last instruction that may read or write what the COPY instructions bring, to
// the RUN.
type stretch struct {
	run    *parse.Instruction
	list   []*parse.Instruction // in order, without the RUN
	copies []*facts.Copy        // those in list
	stop   string               // what ends the stretch, "" for the start of the stage
}

// stretchBefore walks back from a RUN.
func (p *Pass) stretchBefore(run *parse.Instruction) stretch {
	s := stretch{run: run}
	st := p.Facts.At(run).Stage
	var passed []string // paths that the RUNs of the stretch name
	i := p.position(run)
walk:
	for i--; i >= 0; i-- {
		in := st.Instructions[i]
		switch in.Name {
		case "LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "STOPSIGNAL", "HEALTHCHECK", "MAINTAINER", "ONBUILD",
			"ENV", "ARG", "USER", "WORKDIR", "SHELL":
		case "COPY", "ADD":
			c := p.Facts.Copy(in)
			if c == nil {
				s.stop = fmt.Sprintf("line %d is not understood", in.StartLine)
				break walk
			}
			for _, w := range passed {
				if c.Dest.Known && overlap(c, w) {
					s.stop = fmt.Sprintf("a RUN uses %s, where line %d copies to", w, in.StartLine)
					break walk
				}
			}
			s.copies = append(s.copies, c)
		case "RUN":
			r, why := p.Program(in)
			if r == nil {
				s.stop = fmt.Sprintf("the RUN in line %d may use the copied files: %s", in.StartLine, why)
				break walk
			}
			u := p.programUses(r)
			if u.other != "" {
				s.stop = fmt.Sprintf("the RUN in line %d may use the copied files: %s", in.StartLine, u.other)
				break walk
			}
			if len(u.installs) > 0 || len(bindMounts(in)) > 0 {
				s.stop = fmt.Sprintf("the RUN in line %d uses the copied files", in.StartLine)
				break walk
			}
			passed = append(passed, u.paths...)
		default:
			s.stop = fmt.Sprintf("%s in line %d", in.Name, in.StartLine)
			break walk
		}
		s.list = append(s.list, in)
	}
	slices.Reverse(s.list)
	slices.Reverse(s.copies)
	return s
}

// indexOf is a key of once.
type indexOf struct{ *facts.Stage }

// copyIndex finds among the COPY and ADD instructions of an instruction's stage,
// its parents and what else is FROM them.
func (p *Pass) copyIndex(in *parse.Instruction) *facts.CopyIndex {
	root := p.Facts.At(in).Stage.Root()
	return once(p, indexOf{root}, func() *facts.CopyIndex { return p.Facts.NewCopyIndex(root, p.Options.Context) })
}

// tree is what the COPY and ADD instructions before another bring from the build
// context, which must be in sight.
func (p *Pass) tree(in *parse.Instruction) *facts.Tree {
	return p.copyIndex(in).Tree(p.Facts.At(in).Stage, in.Index)
}

// position is the place of an instruction in the list of its stage.
func (p *Pass) position(in *parse.Instruction) int {
	return in.Index - p.Facts.At(in).Stage.From.Index - 1
}

// copiesOf is a key of once.
type copiesOf struct{ *facts.Stage }

// ownCopies are the COPY and ADD instructions of a stage, in order.
func (p *Pass) ownCopies(st *facts.Stage) []*facts.Copy {
	return once(p, copiesOf{st}, func() []*facts.Copy {
		var all []*facts.Copy
		for _, o := range st.Instructions {
			if c := p.Facts.Copy(o); c != nil {
				all = append(all, c)
			}
		}
		return all
	})
}

// overlap reports whether a COPY may write at or below a path, or has it below
// its destination.
func overlap(c *facts.Copy, p string) bool {
	if facts.Within(c.Dest.S, p) {
		return true
	}
	if !facts.Within(p, c.Dest.S) {
		return false
	}
	if _, has := c.Origin(nil, p); has == facts.No && c.Local() {
		return false
	}
	return true
}

// bindMounts returns the --mount flags of a RUN that show it files: bind mounts of the
// build context, of stages and of images.
func bindMounts(in *parse.Instruction) []facts.Mount {
	var out []facts.Mount
	for _, fl := range in.Flags {
		if fl.Name == "mount" {
			if m := facts.ParseMount(fl.Arg); m.Type == "bind" {
				out = append(out, m)
			}
		}
	}
	return out
}

// systemDirs are places where files steer programs: what is copied there may
// matter to any command.
var systemDirs = []string{
	"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/dev", "/proc", "/sys", "/boot", "/run",
	"/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/usr/include", "/usr/share", "/usr/libexec", "/usr/local",
	"/var/lib", "/var/cache", "/var/run", "/var/spool", "/var/log", "/nix", "/opt/conda", "/opt/venv", "/venv",
}

func isTopDir(name string) bool {
	switch name {
	case "bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "media", "mnt", "nix", "opt", "proc", "root", "run", "sbin", "srv", "sys", "tmp", "usr", "var":
		return true
	}
	return false
}

// steeringCopy is a key of once.
type steeringCopy struct{ *facts.Copy }

// steersPrograms says why what a COPY brings may matter to commands that do not name it, or
// "": its destination is a system or home directory, or not known.
func (p *Pass) steersPrograms(c *facts.Copy) string {
	return once(p, steeringCopy{c}, func() string { return p.findSteering(c) })
}

func (p *Pass) findSteering(c *facts.Copy) string {
	if !c.Dest.Known {
		return "its destination is not known"
	}
	d := c.Dest.S
	if strings.HasPrefix(d, "/usr/share/nginx/html") {
		return ""
	}
	for _, s := range systemDirs {
		if facts.Within(d, s) {
			return "it copies to " + d
		}
	}
	for _, part := range strings.Split(d, "/") {
		if strings.HasPrefix(part, ".") {
			return "it copies to " + d
		}
	}
	home := d == "/root" || d == "/home" || path.Dir(d) == "/home"
	if d != "/" && d != "/usr" && d != "/var" && !home {
		return ""
	}
	// Files by name are harmless there, whole directories if their names are known.
	for i := range c.Sources {
		s := &c.Sources[i]
		base := path.Base(s.Path.S)
		switch {
		case !s.Path.Known || s.Kind != facts.LocalSource && c.From != "":
			return "it copies to " + d
		case !c.DestDir && len(c.Sources) == 1 && !s.Dir && p.Options.Context == nil && strings.Contains(strings.TrimPrefix(base, "."), "."):
		case s.Kind == facts.LocalSource && c.From == "" && !s.Dir && !s.Glob && strings.Contains(base, ".") && !strings.HasPrefix(base, ".") && (p.Options.Context == nil || !p.Options.Context.IsDir(s.Path.S)):
		case p.Options.Context != nil && c.Local() && !s.Glob && p.Options.Context.IsDir(s.Path.S):
			for _, n := range p.Options.Context.List(s.Path.S) {
				n = strings.TrimSuffix(n, "/")
				if (d == "/" || d == "/usr" || d == "/var") && isTopDir(n) || d == "/usr" && n == "local" || home && homeFile(n) {
					return "it copies " + n + " to " + d
				}
			}
		default:
			return "it copies to " + d
		}
	}
	return ""
}

// homeFile reports whether a name in a home directory configures programs.
// What a project keeps at its top for its own sake does not count.
func homeFile(n string) bool {
	switch n {
	case ".git", ".github", ".gitignore", ".gitattributes", ".dockerignore", ".editorconfig", ".env", ".eslintrc", ".eslintrc.json", ".prettierrc":
		return false
	}
	return strings.HasPrefix(n, ".") || n == "bin"
}

// variables returns the names that ENV and ARG set in a list of instructions.
func variables(list []*parse.Instruction) []string {
	var out []string
	for _, in := range list {
		switch in.Name {
		case "ENV":
			for _, p := range in.Pairs {
				out = append(out, p.Key.Value)
			}
		case "ARG":
			for _, w := range in.Words {
				name, _, _ := strings.Cut(w.Value, "=")
				out = append(out, name)
			}
		}
	}
	return out
}

// mentions reports whether an instruction's text refers to one of the
// variables.
func mentions(in *parse.Instruction, names []string) bool {
	for _, n := range names {
		if strings.Contains(in.Logical.Text, "$"+n) || strings.Contains(in.Logical.Text, "${"+n) {
			return true
		}
	}
	return false
}

// instructionText is an instruction as it stands in the source, with a line ending.
func (p *Pass) instructionText(in *parse.Instruction) string {
	t := in.Text(p.File.Src)
	if !strings.HasSuffix(t, "\n") {
		t += p.File.LineEnding()
	}
	return t
}
