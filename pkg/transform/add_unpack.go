package transform

import (
	"errors"
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

var _ = register(&addUnpackTransform)

var addUnpackTransform = Transform{
	Name: "add-unpack", Group: "metadata", Codes: []string{"DL3010"}, Safety: Unsafe, Run: addUnpack,
	Doc: &page{
		Summary: "Unpack a local archive with ADD.",
		What:    "Where a COPY brings a tar archive from the build context and the next RUN unpacks it with tar, the COPY becomes an ADD to the directory that tar unpacks to. The tar command goes, the rm of the archive too, and a mkdir of the directory if nothing else is left of the RUN.",
		Why:     "The archive stays in the layer of the COPY, whatever a later RUN deletes: everything is in the image twice.",
		Before:  "FROM debian:12\nCOPY site.tar.gz /tmp/\nRUN mkdir -p /srv/site && tar -xzf /tmp/site.tar.gz -C /srv/site && rm /tmp/site.tar.gz",
		After:   "FROM debian:12\nADD site.tar.gz /srv/site/",
		Instead: "Nothing changes where tar has options or operands that ADD knows nothing of (--strip-components, --exclude, members), unpacks to the root directory, does not run as root, or stands behind other commands, where the archive is used again, where the COPY has options, and where the build context shows that the file is no archive.",
		Safety:  "Unsafe: ADD takes the owners of the files by number, tar by name where the image knows the name; and an archive that the RUN does not delete is no longer in the image.",
		Refs:    []string{docsURL + "#adding-local-tar-archives", "https://github.com/hadolint/hadolint/wiki/DL3010", "https://www.gnu.org/software/tar/manual/html_section/Attributes.html"},
	},
}

func addUnpack(p *Pass) {
	for _, r := range p.Programs() {
		calls := p.Facts.Calls(r.In)
		for k := range calls {
			if n := calls[k].Name(); n != "tar" || calls[k].Nested {
				continue
			}
			x, ok := tarExtraction(&calls[k])
			if !ok || x.file == "" {
				continue
			}
			if p.addUnpack(r, calls, k, x) {
				break // what is left of the RUN comes in the next round
			}
		}
	}
}

// extraction is what a tar command unpacks.
type extraction struct {
	file string // the archive, as written
	dir  string // -C, as written, "" for the working directory
	odd  string // the first option or operand that ADD knows nothing of
}

// tarExtraction reads the arguments of tar; ok is false if it does not
// extract. See https://www.gnu.org/software/tar/manual/html_section/Old-Options.html.
func tarExtraction(c *facts.Call) (x extraction, ok bool) {
	args := c.Fields[1:]
	take := func(name, value string) {
		switch name {
		case "f", "file":
			x.file = value
		case "C", "directory":
			x.dir = value
		}
	}
	odd := func(s string) {
		if x.odd == "" {
			x.odd = strings.ReplaceAll(s, "\x00", "…")
		}
	}
	for i := 0; i < len(args); i++ {
		f := args[i]
		old := i == 0 && !strings.HasPrefix(f.Text, "-")
		switch {
		case !f.Known || f.Glob:
			odd(f.Text)
		case strings.HasPrefix(f.Text, "--"):
			name, value, has := strings.Cut(f.Text[2:], "=")
			switch name {
			case "file", "directory":
				if !has && i+1 < len(args) {
					i++
					value = args[i].Text
				}
				take(name, value)
			case "extract", "get":
				ok = true
			case "gzip", "bzip2", "xz", "verbose", "auto-compress", "preserve-permissions", "same-permissions", "same-owner":
			default:
				odd(f.Text)
			}
		case old || strings.HasPrefix(f.Text, "-") && len(f.Text) > 1:
			letters := strings.TrimPrefix(f.Text, "-")
			for j := 0; j < len(letters); j++ {
				switch l := letters[j]; l {
				case 'x':
					ok = true
				case 'z', 'j', 'J', 'v', 'a', 'p':
				case 'f', 'C':
					if rest := letters[j+1:]; rest != "" && !old {
						take(string(l), rest)
						j = len(letters)
					} else if i+1 < len(args) {
						i++
						if !args[i].Known || args[i].Glob {
							odd(args[i].Text)
						}
						take(string(l), args[i].Text)
					}
				default:
					odd(f.Text)
				}
			}
		default:
			odd(f.Text)
		}
	}
	return x, ok
}

// addUnpack looks at the tar command that is call k. It reports whether it
// proposed a change.
func (p *Pass) addUnpack(r *Program, calls []facts.Call, k int, x extraction) bool {
	copied, file := p.copyOf(r, calls[:k], x.file)
	if copied == nil {
		return false
	}
	at := copied.Instruction.Keyword.Span
	skip := func(format string, args ...any) bool {
		p.Skip(at, format, args...)
		return false
	}
	src := copied.Sources[0].Path
	base := path.Base(file)
	cwd, why := tarDirectory(r, calls[:k])
	dir := x.dir
	if why == "" && !path.IsAbs(dir) {
		dir = path.Join(cwd, dir)
	}
	dir = path.Clean(dir)
	ctx := p.Options.Context
	switch {
	case len(copied.Instruction.Flags) > 0 || copied.Instruction.Form != parse.Words:
		return skip("the COPY has options or is written as JSON")
	case x.odd != "":
		return skip("tar is called with %s", x.odd)
	case why != "":
		return skip("%s", why)
	case dir == "/":
		return skip("tar unpacks to the root directory, where the archive may meet symbolic links")
	case !plainPath(dir):
		return skip("the directory %s would need quotes", dir)
	case !tarName(src.S):
		return skip("%s is not named like a tar archive that ADD unpacks", src.S)
	case ctx != nil && !ctx.Exists(src.S):
		return skip("%s is not in the build context", src.S)
	case ctx != nil && !facts.TarContent(ctx.Head(src.S, 512)):
		return skip("%s is no archive that ADD unpacks", src.S)
	case !r.State.User.Known || !facts.Root(r.State.User.S):
		return skip("tar does not run as root, so that the files belong to another user")
	case len(r.In.Flags) > 0:
		return skip("the RUN has options")
	}
	if why := p.betweenUnpack(copied.Instruction, r.In, dir); why != "" {
		return skip("%s", why)
	}
	edits, effects, deleted, why := p.withoutTar(r, calls, k, base, file, dir)
	if why != "" {
		return skip("%s", why)
	}
	use := p.mayUse(base, copied.Instruction.Index+1, r.In)
	if !deleted {
		if in := p.next(copied.Instruction.Index+1, r.In, p.copiersFrom(), p.binders()); in != nil && (use == nil || in.Index < use.Index) {
			return skip("%s may use %s, which stays in the image", p.line(in), base)
		}
	}
	if use != nil {
		return skip("%s may use %s", p.line(use), base)
	}
	dest := dir + "/"
	if w := p.Facts.At(copied.Instruction).Workdir; w.Certain() && w.S == dir {
		dest = "./"
	}
	in := copied.Instruction
	target := in.Words[len(in.Words)-1]
	if overlapsComment(in, in.Keyword.Span) || overlapsComment(in, target.Span) {
		return skip("a comment stands inside a word of %s", p.line(in))
	}
	keyword := "ADD"
	if in.Keyword.Value == "copy" {
		keyword = "add"
	}
	own := []emit.Edit{{Span: in.Keyword.Span, New: keyword}}
	if target.Value != dest {
		own = append(own, emit.Edit{Span: target.Span, New: dest})
	}
	reason := "the archive stays in the layer of the COPY beside what is unpacked from it; check that its files belong to the right numbers of users"
	if !deleted {
		reason += ", and that nothing needs " + base + " in the image"
	}
	p.Report(Change{
		Title: "unpack " + base + " with ADD", At: at, Safety: Unsafe, Reason: reason,
		Edits:   append(own, edits...),
		Effects: append(effects, plan.Replace{Instr: in.Index, Text: strings.TrimRight(editedText(p.File, in, own), "\r\n")}),
	})
	return true
}

// copyOf finds the COPY from the build context in front of a RUN that brings
// the file which a command names, and the file's path in the image.
func (p *Pass) copyOf(r *Program, before []facts.Call, name string) (*facts.Copy, string) {
	file := name
	if !path.IsAbs(file) {
		cwd, why := tarDirectory(r, before)
		if why != "" {
			return nil, ""
		}
		file = path.Join(cwd, file)
	}
	file = path.Clean(file)
	st := r.State.Stage
	for c := range p.copyIndex(r.In).Before(r.In, file) {
		if p.Facts.At(c.Instruction).Stage != st {
			break // of a parent
		}
		_, has := c.Origin(p.Options.Context, file)
		if has == facts.No {
			continue
		}
		if has != facts.Yes || c.Add || !c.Local() || len(c.Sources) != 1 || len(c.Instruction.Heredocs) > 0 ||
			c.Sources[0].Dir || c.Sources[0].Glob || !c.Sources[0].Path.Certain() || !c.Dest.Certain() {
			return nil, ""
		}
		if base := path.Base(c.Sources[0].Path.S); c.Dest.S != file && path.Join(c.Dest.S, base) != file {
			return nil, "" // a file in a directory that is copied
		}
		return c, file
	}
	return nil, ""
}

// tarDirectory is the working directory behind some commands of a RUN: only mkdir
// -p, set and cd may stand in front of a tar that becomes an ADD.
func tarDirectory(r *Program, before []facts.Call) (cwd, why string) {
	if !r.State.Workdir.Certain() {
		return "", "the working directory is not known"
	}
	cwd = r.State.Workdir.S
	for _, c := range before {
		switch n := c.Name(); {
		case n == "set" && c.Path == nil:
		case n == "mkdir" && len(c.Fields) > 2 && c.Fields[1].Text == "-p":
		case n == "cd" && len(c.Fields) == 2 && c.Fields[1].Known && !c.Fields[1].Glob && !strings.HasPrefix(c.Fields[1].Text, "~") && c.Fields[1].Text != "-" && c.Path.Always() && !c.Path.Subshell():
			if d := c.Fields[1].Text; path.IsAbs(d) {
				cwd = path.Clean(d)
			} else {
				cwd = path.Join(cwd, d)
			}
		default:
			return "", n + " runs before tar"
		}
	}
	return cwd, ""
}

// tarName reports whether a file is named like an archive that ADD unpacks. See
// https://docs.docker.com/reference/dockerfile/#adding-local-tar-archives.
func tarName(p string) bool {
	for _, ext := range []string{".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz"} {
		if strings.HasSuffix(strings.ToLower(p), ext) {
			return true
		}
	}
	return false
}

// betweenUnpack says which instruction between a COPY and a RUN stands against
// unpacking to dir at the place of the COPY, or "".
func (p *Pass) betweenUnpack(from, to *parse.Instruction, dir string) string {
	for _, in := range p.File.Instructions[from.Index+1 : to.Index] {
		switch in.Name {
		case "LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "STOPSIGNAL", "HEALTHCHECK", "MAINTAINER", "ENV", "ARG", "WORKDIR", "USER", "SHELL":
			continue
		case "COPY", "ADD":
			if c := p.Facts.Copy(in); c != nil && c.Dest.Certain() && !facts.Within(dir, c.Dest.S) && !facts.Within(c.Dest.S, dir) {
				continue
			}
			if c := p.Facts.Copy(in); c != nil && c.Dest.Certain() && c.Local() && !facts.Within(c.Dest.S, dir) {
				if _, has := c.Origin(p.Options.Context, dir); has == facts.No {
					continue // files beside the directory
				}
			}
		}
		return p.line(in) + " stands between the COPY and tar"
	}
	return ""
}

// withoutTar takes tar out of a RUN, and the deletion of the archive; a RUN of
// which nothing else is left but the making of the directory goes whole. deleted
// tells whether the RUN deleted the archive.
func (p *Pass) withoutTar(r *Program, calls []facts.Call, k int, base, file, dir string) (edits []emit.Edit, effects []plan.Effect, deleted bool, why string) {
	tar := &calls[k]
	if len(r.Tree.Stmts) == 0 || !tar.Path.Always() || tar.Path.Subshell() || tar.Sudo || tar.Xargs || len(tar.Stmt.Redirs) > 0 || len(tar.Assigns) > 0 {
		return nil, nil, false, "tar does not stand by itself"
	}
	drop := map[*syntax.CallExpr]bool{tar.Expr: true}
	rest := 0
	for i := range calls {
		c := &calls[i]
		if i == k {
			continue
		}
		names := c.Nested || r.usesFile(c, base)
		switch n := c.Name(); {
		case n == "rm" && !c.Nested && c.Path.Always() && !c.Path.Subshell() && i > k && names:
			left := 0
			var ops []Op
			for _, f := range c.Fields[1:] {
				full := p.Facts.ResolveField(r.State, f.Text)
				switch {
				case strings.HasPrefix(f.Text, "-"):
				case f.Known && !f.Glob && (f.Text == file || full.Known && full.S == file || f.Text == base):
					ops = append(ops, Op{At: f.Word, Delete: true})
				default:
					left++
				}
			}
			switch {
			case len(ops) == 0:
				return nil, nil, false, "rm may delete more than the archive"
			case left > 0:
				e, eff, err := r.EditCommand(c.Expr, ops...)
				if err != nil {
					return nil, nil, false, err.Error()
				}
				edits, effects = append(edits, e...), append(effects, eff...)
				rest++
			default:
				drop[c.Expr] = true
			}
			deleted = true
		case names:
			return nil, nil, false, base + " is used again in the RUN"
		case n == "rm" && removesDir(c, file):
			if !hasOption(c, 'f', "--force") {
				return nil, nil, false, "rm may find nothing to delete"
			}
			deleted = true
			rest++
		case i < k && n == "mkdir":
			// ADD makes the directory.
			needless := !slices.ContainsFunc(c.Fields[2:], func(f facts.Field) bool {
				return !f.Known || f.Glob || !path.IsAbs(f.Text) || !facts.Within(dir, path.Clean(f.Text))
			})
			if needless {
				drop[c.Expr] = true
			} else {
				rest++
			}
		case i < k && (n == "set" || n == "cd"):
		default:
			rest++
		}
	}
	if rest == 0 && onlySimple(r.Tree.Stmts) {
		return []emit.Edit{p.removal(r.In)}, []plan.Effect{plan.Remove{Instr: r.In.Index}}, deleted, ""
	}
	e, eff, err := r.dropCommands(drop)
	if err != nil {
		return nil, nil, false, err.Error()
	}
	return append(edits, e...), append(effects, eff...), deleted, ""
}

// bindFlags is a key of once.
type bindFlags struct{}

// binders returns the indexes of the instructions with bind mounts.
func (p *Pass) binders() []int {
	return once(p, bindFlags{}, func() []int {
		var out []int
		for _, in := range p.File.Instructions {
			if len(bindMounts(in)) > 0 {
				out = append(out, in.Index)
			}
		}
		return out
	})
}

// onlySimple reports whether a program is nothing but simple commands in lists
// and && chains, without redirections.
func onlySimple(stmts []*syntax.Stmt) bool {
	for _, st := range stmts {
		for _, o := range shell.AndList(st) {
			if c, ok := o.Cmd.(*syntax.CallExpr); !ok || o.Negated || o.Background || len(o.Redirs) > 0 || len(c.Args) == 0 {
				return false
			}
		}
	}
	return true
}

// dropCommands takes several commands out of the one && chain that a program
// is, or out of its list of statements.
func (r *Program) dropCommands(drop map[*syntax.CallExpr]bool) ([]emit.Edit, []plan.Effect, error) {
	list := r.Tree.Stmts
	chain := len(list) == 1
	if chain {
		list = shell.AndList(list[0])
	} else if !r.strict() {
		return nil, nil, errors.New("the RUN is a list whose status is that of the last command")
	}
	gone := make([]bool, len(list))
	n := 0
	var effects []plan.Effect
	for i, st := range list {
		if c, ok := st.Cmd.(*syntax.CallExpr); ok && drop[c] && !st.Negated && !st.Background {
			gone[i] = true
			n++
			effects = append(effects, plan.Drop{Instr: r.In.Index, Index: r.Index(c)})
		}
	}
	switch {
	case n != len(drop) || n == len(list):
		return nil, nil, errors.New("the commands stand where they cannot be taken out")
	case !chain && gone[len(list)-1]:
		last := len(list) - 1
		for gone[last] {
			last--
		}
		if !shell.FailsLoudly(list[last]) {
			return nil, nil, fmt.Errorf("the status of the RUN would be another")
		}
	}
	var edits []emit.Edit
	for i := 0; i < len(list); i++ {
		if !gone[i] {
			continue
		}
		j := i
		for j < len(list) && gone[j] {
			j++
		}
		sp := parse.Span{Start: r.Script.Source(list[i].Pos())}
		switch {
		case i > 0 && (chain || j == len(list)):
			sp.Start, sp.End = r.end(list[i-1]), r.end(list[j-1])
		default:
			sp.End = r.Script.Source(list[j].Pos())
		}
		if r.hasComment(sp) {
			return nil, nil, errors.New("a comment stands beside the command")
		}
		edits = append(edits, emit.Edit{Span: sp})
		i = j
	}
	return edits, effects, nil
}
