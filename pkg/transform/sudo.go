package transform

import (
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/shell"
)

var _ = register(&sudoTransform)

var sudoTransform = Transform{
	Name: "sudo", Group: "metadata", Codes: []string{"DL3004"}, Safety: Unsafe, Run: dropSudo,
	Doc: &page{
		Summary: "Drop sudo where the user is root.",
		What:    "`sudo command` becomes `command` in a RUN that runs as root.",
		Why:     "sudo does nothing for root, has to be installed, and changes the environment on the way.",
		Before:  "FROM debian:12\nRUN sudo make install",
		After:   "FROM debian:12\nRUN make install",
		Instead: "It stays where the user is not known to be root, and where it does more than to run a command (-u, -i, -s, variables).",
		Safety:  "Unsafe: sudo clears most of the environment and sets its own PATH, and the command without it sees the build's.",
		Refs:    []string{practicesURL + "#user", "https://github.com/hadolint/hadolint/wiki/DL3004"},
	},
}

func dropSudo(p *Pass) {
	for _, r := range p.Programs() {
		for _, c := range r.Cmds {
			if shell.Name(c) != "sudo" {
				continue
			}
			at := r.Span(c.Args[0])
			if !r.State.User.Certain() || !facts.Root(r.State.User.S) {
				p.Skip(at, "the user is not known to be root")
				continue
			}
			n := 1
			plain := true
			for ; n < len(c.Args); n++ {
				w, ok := shell.Literal(c.Args[n])
				if !ok || !strings.HasPrefix(w, "-") {
					break
				}
				if w != "-E" && w != "-H" && w != "-n" && w != "--preserve-env" && w != "-EH" && w != "-HE" && w != "-nE" && w != "-S" {
					plain = false
				}
			}
			if n < len(c.Args) {
				w, ok := shell.Literal(c.Args[n])
				plain = plain && ok && !strings.Contains(w, "=") && !isBuiltin(w)
			}
			if !plain || n >= len(c.Args) || len(c.Assigns) > 0 {
				p.Skip(at, "sudo does more here than to run a command")
				continue
			}
			sp := parse.Span{Start: at.Start, End: r.Span(c.Args[n]).Start}
			if r.hasComment(sp) {
				p.Skip(at, "a comment stands beside sudo")
				continue
			}
			if r.hasRedirection(c, sp) {
				p.Skip(at, "a redirection stands beside sudo")
				continue
			}
			var words []string
			for _, w := range c.Args[n:] {
				words = append(words, r.Script.NodeText(w))
			}
			edits := []emit.Edit{{Span: sp}}
			effects := []plan.Effect{plan.Command{Instr: r.In.Index, Index: r.Index(c), Text: strings.Join(words, " ")}}
			p.Report(Change{Title: "drop sudo", At: at, Safety: Unsafe, Reason: "the user is root already", Edits: edits, Effects: effects})
		}
	}
}
