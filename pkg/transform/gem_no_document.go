package transform

import (
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

var _ = register(&gemNoDocumentTransform)

var gemNoDocumentTransform = Transform{
	Name:   "gem-no-document",
	Group:  "caches",
	After:  []string{"merge-run"},
	Codes:  []string{"gemUpdateNoDocument", "gemUpdateSystemRmRootGem"},
	Safety: Safe,
	Run:    gemNoDocument,
	Doc: text(`Install Ruby gems without their documentation and index.

## What
´gem install´ and ´gem update´ get ´--no-document´; behind ´bundle install´ the cache of Bundler is deleted in stages that ship,
and behind ´gem update --system´ the index of the gem servers. With ´--cache mount´ the cache of Bundler is kept in a cache mount instead.

## Why
Generating documentation takes longer than the installation, and nobody reads it in a container.

## Example
~~~dockerfile before
FROM debian:12
RUN gem install rake
~~~
~~~dockerfile after
FROM debian:12
RUN gem install --no-document rake
~~~

## Instead
Nothing changes on the official Ruby images, whose gemrc says so already, where a gemrc is written, and on releases whose gem (before 2.0) does not know the option. To keep the documentation: ´# refit: ignore=gem-no-document´.

## Safety
Safe. Only the generated documentation (ri, rdoc) and the cached index are missing.

## References
- https://guides.rubygems.org/command-reference/#gem-install
- https://bundler.io/man/bundle-install.1.html
`),
}

func gemNoDocument(p *Pass) {
	m := facts.ManagerNamed("gem")
	for _, r := range p.runs(m) {
		p.gemIndex(r, m)
		for _, v := range p.Facts.Activity(r.In, m).Uses {
			if v.Role != facts.Install && v.Role != facts.Upgrade || v.HasFlag(m.NoCache...) || v.HasFlag("--document", "--doc") {
				continue
			}
			at := p.at(r, v)
			switch {
			case v.Nested:
				p.Skip(at, "gem is called inside the argument of another command")
				continue
			case m.Old(r.State.Stage):
				p.Skip(at, "the gem of this release does not know --no-document")
				continue
			case p.gemrc(r):
				continue
			}
			edits, effects, err := r.EditCommand(v.Call, Op{At: v.VerbAt.Word, Insert: "--no-document"})
			if err != nil {
				p.Skip(at, "%v", err)
				continue
			}
			p.Report(Change{
				Title: "install gems without documentation", At: at, Edits: edits, Effects: effects, Safety: Safe,
				Reason: "generating it takes time, and nobody reads it in a container",
			})
		}
	}
	p.toolClean(facts.ManagerNamed("bundle"), func(r *Program, v *facts.Invocation, text string, c *Change) (string, string) {
		if strings.Contains(r.Script.Text(), "/cache") && strings.Contains(r.Script.Text(), "rm ") {
			return "", quietObstacle
		}
		return text, ""
	})
}

// gemIndex deletes the index that gem update --system leaves in the home
// directory of the user.
func (p *Pass) gemIndex(r *Program, m *facts.Manager) {
	if p.pays(r, m, "~/.gem/specs", "~/.local/share/gem/specs") != "" {
		return
	}
	calls := p.Facts.Calls(r.In)
	for _, v := range p.Facts.Activity(r.In, m).Uses {
		if v.Role != facts.Upgrade || !v.HasFlag("--system") || v.Nested || v.User != "" || v.Sudo {
			continue
		}
		if name := cleaner(calls[v.Seq:]); name != "" || slices.ContainsFunc(calls[v.Seq:], func(c facts.Call) bool {
			return c.Removes("~/.gem/specs") || c.Removes("~/.local/share/gem/specs") || c.Name() == "gem" && len(c.Fields) > 2 && strings.HasPrefix(c.Fields[2].Text, "--clear-all")
		}) {
			continue
		}
		if _, set := r.State.HasVariable("GEM_SPEC_CACHE"); set {
			p.Skip(p.at(r, v), "GEM_SPEC_CACHE is set")
			continue
		}
		p.cleanup(r, v, "rm -rf ~/.gem/specs ~/.local/share/gem/specs", placeBehind, Change{
			Title: "delete the index of the gem servers", At: p.at(r, v), Safety: Safe,
			Reason: "gem update --system leaves it in the layer, and it is fetched again when it is needed",
		})
		return
	}
}

// gemrc reports whether a gemrc sets the options of gem already.
func (p *Pass) gemrc(r *Program) bool {
	repo, _, _ := facts.SplitReference(r.State.Stage.Base().S)
	if repo == "ruby" || repo == "jruby" {
		return true
	}
	return p.firstMention("gemrc") <= r.In.Index
}
