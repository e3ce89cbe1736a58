package transform

import "github.com/refit-dev/refit/pkg/facts"

var _ = register(&noCommandTransform)

var noCommandTransform = Transform{
	Name: "no-command", Group: "advice", Safety: Advice, Run: noCommand,
	Doc: &page{
		Summary: "Say what the container runs.",
		What:    "Reports a final stage without CMD and ENTRYPOINT on a base image that has none of use: scratch, or a plain distribution.",
		Why:     "The container starts a shell, or nothing at all.",
		Before:  "FROM scratch\nCOPY app /app",
		Instead: "Images that are only a base for others, or only hold files, need none.",
		Safety:  "Advice: what to run, only its author knows.",
		Refs:    []string{practicesURL + "#cmd", practicesURL + "#entrypoint"},
	},
}

// isPlainImage tells distributions, whose command is a shell.
func isPlainImage(name string) bool {
	switch name {
	case "alpine", "debian", "ubuntu", "fedora", "centos", "rockylinux", "almalinux", "amazonlinux", "oraclelinux", "busybox", "archlinux", "buildpack-deps", "scratch":
		return true
	}
	return false
}

func noCommand(p *Pass) {
	if len(p.Facts.Stages) == 0 {
		return
	}
	last := p.Facts.Stages[len(p.Facts.Stages)-1]
	for s := last; s != nil; s = s.Parent {
		for _, in := range s.Instructions {
			if in.Name == "CMD" || in.Name == "ENTRYPOINT" || in.Name == "ONBUILD" {
				return
			}
		}
	}
	repo, _, _ := facts.SplitReference(last.Base().S)
	if last.Base().Known && isPlainImage(repo) && len(last.Instructions) > 0 {
		p.Advise(last.From.Keyword.Span, "say what the container runs", "the stage has neither CMD nor ENTRYPOINT, and "+repo+" starts at most a shell")
	}
}
