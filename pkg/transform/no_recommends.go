package transform

import (
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

var _ = register(&noRecommendsTransform)

var noRecommendsTransform = Transform{
	Name:   "no-recommends",
	Group:  "packages",
	Codes:  []string{"DL3015", "aptGetInstallUseNoRec"},
	Safety: Unsafe,
	Run:    noRecommends,
	Doc: text(`Install only what is needed, not what is recommended.

## What
´apt-get install´ gets ´--no-install-recommends´, ´dnf install´ and ´microdnf install´ get ´--setopt=install_weak_deps=False´.

## Why
Recommended packages are often half of what an install adds.

## Example
~~~dockerfile before
FROM debian:12
RUN apt-get update && apt-get install -y curl
~~~
~~~dockerfile after
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl
~~~

## Instead
What builds cannot do without is named: ca-certificates for curl, wget and git, libc6-dev for gcc, make for cmake, openssh-client for git over ssh, xauth for xvfb-run. Nothing changes for cmake, R and Go where no other package brings the compiler that they recommend. Where a program needs another recommended package, name that package. Nothing changes where the configuration says so already. To switch it off: ´# refit: ignore=no-recommends´.

## Safety
Unsafe. Something may be missing that came along as a recommendation.

## References
- https://manpages.debian.org/bookworm/apt/apt-get.8.en.html
- https://github.com/hadolint/hadolint/wiki/DL3015
`),
}

func noRecommends(p *Pass) {
	for _, name := range []string{"apt", "dnf", "microdnf"} {
		m := facts.ManagerNamed(name)
		for _, r := range p.runs(m) {
			for _, v := range p.Facts.Activity(r.In, m).Uses {
				p.withoutRecommends(r, m, v)
			}
		}
	}
}

func (p *Pass) withoutRecommends(r *Program, m *facts.Manager, v *facts.Invocation) {
	option := "--no-install-recommends"
	if m.Name != "apt" {
		option = "--setopt=install_weak_deps=False"
	}
	if v.Role != facts.Install || v.Verb != "install" || v.HasFlag("--no-install-recommends", "--install-recommends", "--no-install-suggests", "-R") ||
		slices.ContainsFunc(v.Options, func(f facts.Field) bool {
			return strings.Contains(f.Text, "install_weak_deps") || strings.Contains(f.Text, "Install-Recommends")
		}) || m.Name == "apt" && v.Name != "apt" && v.Name != "apt-get" {
		return
	}
	if min(p.firstMention("Install-Recommends"), p.firstMention("install_weak_deps")) < r.In.Index {
		return
	}
	at := p.at(r, v)
	if v.Nested {
		p.Skip(at, "%s is called inside the argument of another command", m.Name)
		return
	}
	// Behind -y, where that follows the sub-command.
	where := v.VerbAt.Word
	for where+1 < len(v.Call.Args) && m.HasYes(r.Script.NodeText(v.Call.Args[where+1])) {
		where++
	}
	ops := []Op{{At: where, Insert: option}}
	if m.Name == "apt" {
		if name := p.recommendsTools(r, v); name != "" {
			p.Skip(at, "%s recommends a compiler, which no other package here brings", name)
			return
		}
		ops = append(ops, p.neededRecommends(r, v)...)
	}
	edits, effects, err := r.EditCommand(v.Call, ops...)
	if err != nil {
		p.Skip(at, "%v", err)
		return
	}
	p.Report(Change{
		Title: "install without recommended packages", At: at, Edits: edits, Effects: effects, Safety: Unsafe,
		Reason: "recommended packages are often half of what is installed; check that nothing needs them",
	})
}
