package transform

import (
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

var _ = register(&configureBuildTransform)

var configureBuildTransform = Transform{
	Name:   "configure-build",
	Group:  "packages",
	Codes:  []string{"configureShouldUseBuildFlag"},
	Safety: Unsafe,
	Run:    configureBuild,
	Doc: text(`Tell configure which machine it builds on.

## What
´./configure´ gets ´--build="$(dpkg-architecture --query DEB_BUILD_GNU_TYPE)"´ on Debian and Ubuntu where dpkg-dev is installed.

## Why
The config.guess in old source archives does not know newer machines such as arm64.

## Example
~~~dockerfile before
FROM buildpack-deps:bookworm
RUN ./configure && make
~~~
~~~dockerfile after
FROM buildpack-deps:bookworm
RUN ./configure --build="$(dpkg-architecture --query DEB_BUILD_GNU_TYPE)" && make
~~~

## Instead
Nothing changes where dpkg-dev is not known to be installed, and where --build or --host is given. To switch it off: ´# refit: ignore=configure-build´.

## Safety
Unsafe. A configure that is not made by autoconf refuses the option.

## References
- https://www.gnu.org/software/autoconf/manual/autoconf.html#Specifying-Target-Triplets
`),
}

func configureBuild(p *Pass) {
	const option = `--build="$(dpkg-architecture --query DEB_BUILD_GNU_TYPE)"`
	for _, r := range p.Programs() {
		for _, c := range p.Facts.Calls(r.In) {
			if c.Nested || c.Name() != "configure" || !strings.Contains(c.Fields[0].Text, "/") || hasOption(&c, 0, "--build", "--host", "--target", "--help") {
				continue
			}
			at := r.Span(c.Expr)
			if !p.hasDpkgDev(r) {
				p.Skip(at, "dpkg-architecture is not known to be installed")
				continue
			}
			edits, effects, err := r.EditCommand(c.Expr, Op{At: c.Fields[0].Word, Insert: option})
			if err != nil {
				p.Skip(at, "%v", err)
				continue
			}
			p.Report(Change{
				Title: "tell configure which machine it builds on", At: at, Edits: edits, Effects: effects, Safety: Unsafe,
				Reason: "an old config.guess does not know newer machines; check that configure is autoconf's",
			})
		}
	}
}

// hasDpkgDev reports whether dpkg-architecture is there: the base has it, or
// the file installs it.
func (p *Pass) hasDpkgDev(r *Program) bool {
	s := r.State.Stage
	if s.Family != facts.Debian && s.Family != facts.Ubuntu {
		return false
	}
	repo, tag, _ := facts.SplitReference(s.Base().S)
	switch repo {
	case "buildpack-deps", "gcc", "python", "ruby", "node", "perl", "golang", "rust":
		if !strings.Contains(tag, "slim") && !strings.Contains(tag, "curl") {
			return repo != "golang" && repo != "rust"
		}
	}
	return p.installer(s, r.In.Index+1, "dpkg-dev") != nil || p.installer(s, r.In.Index+1, "build-essential") != nil
}
