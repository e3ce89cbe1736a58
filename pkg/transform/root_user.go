package transform

import "github.com/refit-dev/refit/pkg/facts"

var _ = register(&rootUserTransform)

var rootUserTransform = Transform{
	Name: "root-user", Group: "advice", Codes: []string{"DL3002"}, Safety: Advice, Run: rootUser,
	Doc: &page{
		Summary: "Run the container as a user other than root.",
		What:    "Reports a final stage whose last USER is root, or that sets none on a base image which runs as root.",
		Why:     "Whoever breaks into the program is root in the container, and has a shorter way out of it.",
		Before:  "FROM alpine:3.20\nUSER root\nCMD [\"app\"]",
		Instead: "Nothing is reported for base images that are not known, and for stages without CMD and ENTRYPOINT.",
		Safety:  "Advice: which files the program must be able to write, only its author knows.",
		Refs:    []string{practicesURL + "#user", "https://github.com/hadolint/hadolint/wiki/DL3002"},
	},
}

func rootUser(p *Pass) {
	if len(p.Facts.Stages) == 0 {
		return
	}
	last := p.Facts.Stages[len(p.Facts.Stages)-1]
	starts := false
	at := last.From.Keyword.Span
	user := p.Facts.End(last).User
	for s := last; s != nil; s = s.Parent {
		for _, in := range s.Instructions {
			starts = starts || in.Name == "CMD" || in.Name == "ENTRYPOINT"
			if s == last && in.Name == "USER" {
				at = in.Keyword.Span
			}
		}
	}
	if starts && last.Family != facts.Windows && last.Family != facts.Scratch && user.Certain() && facts.Root(user.S) {
		p.Advise(at, "run as a user other than root", "the container runs as root")
	}
}
