package transform

import (
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/shell"
)

var _ = register(&cdWorkdirTransform)

var cdWorkdirTransform = Transform{
	Name: "cd-workdir", Group: "metadata", Codes: []string{"DL3003"}, Safety: Unsafe, After: []string{"merge-run"}, Run: cdWorkdir,
	Doc: &page{
		Summary: "Change the directory with WORKDIR.",
		What:    "`RUN cd /x && …` becomes `WORKDIR /x` and `RUN …`, where a WORKDIR with an absolute path follows before anything else depends on the directory.",
		Why:     "WORKDIR says where the following instructions run, and creates the directory.",
		Before:  "FROM debian:12\nRUN cd /src && make\nWORKDIR /app\nCMD [\"./app\"]",
		After:   "FROM debian:12\nWORKDIR /src\nRUN make\nWORKDIR /app\nCMD [\"./app\"]",
		Instead: "Elsewhere it would change the directory of what follows, and the one in which the container starts.",
		Safety:  "Unsafe: a directory that is missing fails the build with cd, and is created by WORKDIR.",
		Refs:    []string{practicesURL + "#workdir", "https://github.com/hadolint/hadolint/wiki/DL3003"},
	},
}

func cdWorkdir(p *Pass) {
	for _, r := range p.Programs() {
		if len(r.Tree.Stmts) != 1 || r.Script.Kind != shell.Line {
			continue
		}
		chain := shell.AndList(r.Tree.Stmts[0])
		cds := 0
		for _, c := range r.Cmds {
			if shell.Name(c) == "cd" {
				cds++
			}
		}
		first := shell.Commands(chain[0])
		if len(chain) < 2 || len(first) != 1 || shell.Name(first[0]) != "cd" || len(chain[0].Redirs) > 0 || chain[0].Negated {
			continue
		}
		at := r.Span(first[0])
		words := shell.Literals(first[0])
		switch {
		case cds > 1:
			p.Skip(at, "the RUN changes the directory more than once")
		case len(words) != 2 || len(first[0].Args) != 2 || !path.IsAbs(words[1]) || !plainPath(words[1]):
			p.Skip(at, "the directory is not a plain absolute path")
		case r.State.Stage.Family == facts.Windows || len(r.In.Flags) > 0 && slices.ContainsFunc(r.In.Flags, func(f parse.Flag) bool { return f.Name == "mount" }):
			p.Skip(at, "the directory may only be there by a mount")
		case !r.State.User.Certain() || !facts.Root(r.State.User.S):
			p.Skip(at, "the user is not known to be root")
		case !p.resetsWorkdir(r.In):
			p.Skip(at, "what follows depends on the working directory")
		default:
			gap := parse.Span{Start: r.Script.Source(chain[0].Pos()), End: r.Script.Source(chain[1].Pos())}
			if r.hasComment(gap) {
				p.Skip(at, "a comment stands beside the command")
				continue
			}
			src := p.File.Src
			line := "WORKDIR " + words[1]
			rest := string(src[r.In.Start:gap.Start]) + string(src[gap.End:r.In.End])
			p.Report(Change{
				Title: "write WORKDIR " + words[1], At: at, Safety: Unsafe,
				Reason: "WORKDIR says where instructions run, and creates the directory",
				Edits: []emit.Edit{
					{Span: parse.Span{Start: r.In.Start, End: r.In.Start}, New: line + p.File.LineEnding()},
					{Span: gap},
				},
				Effects: []plan.Effect{
					plan.Insert{Before: r.In.Index, Text: line},
					plan.Replace{Instr: r.In.Index, Text: strings.TrimRight(rest, "\r\n")},
				},
			})
		}
	}
}

// resetsWorkdir reports whether an absolute WORKDIR follows an instruction
// before anything that depends on the directory.
func (p *Pass) resetsWorkdir(in *parse.Instruction) bool {
	for _, o := range p.File.Instructions[in.Index+1:] {
		switch o.Name {
		case "WORKDIR":
			v := p.Facts.Expand(o.Args.Value, o)
			return v.Certain() && path.IsAbs(v.S)
		case "LABEL", "EXPOSE", "ENV", "ARG", "USER", "STOPSIGNAL", "MAINTAINER", "VOLUME":
		default:
			return false
		}
	}
	return false
}
