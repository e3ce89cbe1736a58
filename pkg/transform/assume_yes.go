package transform

import (
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

var _ = register(&assumeYesTransform)

var assumeYesTransform = Transform{
	Name:   "assume-yes",
	Group:  "packages",
	Codes:  []string{"DL3014", "DL3030", "DL3034", "DL3038", "aptGetInstallUseY", "yumInstallForceYes"},
	Safety: Safe,
	Run:    assumeYes,
	Doc: text(`Answer the package manager's questions in advance.

## What
apt-get, yum, dnf and tdnf get ´-y´, zypper gets ´-n´, pacman gets ´--noconfirm´ and conda gets ´-y´ where they install, upgrade or remove.

## Why
A build has nobody to ask: without the option it stops at the question.

## Example
~~~dockerfile before
FROM debian:12
RUN apt-get update && apt-get install curl
~~~
~~~dockerfile after
FROM debian:12
RUN apt-get update && apt-get install -y curl
~~~

## Instead
Nothing changes where the configuration says so already (´APT::Get::Assume-Yes´, ´assumeyes=1´, ´always_yes´), behind ´yes |´, and where nothing is really done (´--dry-run´, ´--download-only´). To switch it off: ´# refit: ignore=assume-yes´.

## Safety
Safe. A build that got past the question does the same.

## References
- https://manpages.debian.org/bookworm/apt/apt-get.8.en.html
- https://github.com/hadolint/hadolint/wiki/DL3014
`),
}

// asks are the sub-commands that ask before they act, beside those that
// install and upgrade.
var asks = []facts.Role{facts.Install, facts.Upgrade, facts.Remove}

func assumeYes(p *Pass) {
	for _, m := range facts.Managers() {
		// microdnf never asked before it knew -y.
		if m.Assume == "" || m.Name == "microdnf" {
			continue
		}
		for _, r := range p.runs(m) {
			for _, v := range p.Facts.Activity(r.In, m).Uses {
				if slices.Contains(asks, v.Role) && !v.Yes() && asking(v) {
					p.assume(r, m, v)
				}
			}
		}
	}
}

// asking reports whether a call would ask, whatever its options.
func asking(v *facts.Invocation) bool {
	switch v.Verb {
	case "source", "download", "env create", "env update", "autoclean", "fetch", "list", "module":
		return false
	}
	if _, helper := v.Manager.Helpers.Of(v.Name); helper {
		return false
	}
	return !v.HasFlag("-s", "--simulate", "--dry-run", "--just-print", "--no-act", "--recon", "-d", "--download-only", "--downloadonly", "--print-uris", "--help", "-h",
		"--trivial-only", "--assume-no", "--assumeno", "-Sw", "-Sc", "-Scc")
}

func (p *Pass) assume(r *Program, m *facts.Manager, v *facts.Invocation) {
	at := p.at(r, v)
	for _, sign := range []string{"Assume-Yes", "assumeyes", "always_yes", "CONDA_ALWAYS_YES", "ZYPP_NON_INTERACTIVE"} {
		if p.firstMention(sign) <= r.In.Index {
			return
		}
	}
	if strings.Contains(r.In.Args.Value, "yes |") {
		return
	}
	switch {
	case v.Nested:
		p.Skip(at, "%s is called inside the argument of another command", m.Name)
		return
	case v.Opaque && v.VerbAt.Word == v.Command.Word:
		p.Skip(at, "an unknown variable may hold the option")
		return
	}
	for _, w := range v.Call.Args[v.Command.Word:v.VerbAt.Word] {
		if strings.HasPrefix(r.Script.NodeText(w), "$") && v.Opaque {
			p.Skip(at, "an unknown variable may hold the option")
			return
		}
	}
	op := Op{At: v.VerbAt.Word, Insert: m.Assume}
	if m.Name == "zypper" { // an option of zypper, not of the sub-command
		op.At = v.Command.Word
	}
	edits, effects, err := r.EditCommand(v.Call, op)
	if err != nil {
		p.Skip(at, "%v", err)
		return
	}
	p.Report(Change{
		Title: "let " + v.Name + " " + v.Verb + " assume yes", At: at, Edits: edits, Effects: effects, Safety: Safe,
		Reason: "a build cannot answer a question: it stops there",
	})
}
