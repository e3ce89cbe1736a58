package transform

import (
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

var _ = register(&pipNoCacheTransform)

var pipNoCacheTransform = Transform{
	Name:   "pip-no-cache",
	Group:  "caches",
	Codes:  []string{"DL3042", "pipUseNoCacheDir"},
	Safety: Safe,
	Run:    pipNoCache,
	Doc: text(`Install Python packages without keeping pip's cache.

## What
´pip install´, ´pip download´ and ´pip wheel´ get ´--no-cache-dir´, ´uv pip install´ and ´uv sync´ get ´--no-cache´. For pipenv and poetry, which have no option that all
their versions know, the caches are deleted behind the install.

## Why
pip keeps every downloaded archive and every wheel that it built in the home directory, and they stay in the layer: often as much again as the packages themselves.

## Example
~~~dockerfile before
FROM python:3.12-slim
RUN pip install flask
~~~
~~~dockerfile after
FROM python:3.12-slim
RUN pip install --no-cache-dir flask
~~~

## Instead
Nothing changes where ´PIP_NO_CACHE_DIR´ or ´PIP_CACHE_DIR´ is set, where a mount holds the cache, where ´--cache-dir´ is given, and on releases whose pip
(before 6.0: Ubuntu 14.04, Debian 8) does not know the option. Nor in stages that ship no layer, unless the directory around the cache is copied out of them (COPY --from=build / /); ´--stages all´ acts there too. With ´--cache mount´ the cache goes into a cache mount.

## Safety
Safe. The same packages are installed.

## References
- https://pip.pypa.io/en/stable/topics/caching/
- https://docs.astral.sh/uv/concepts/cache/
- https://github.com/hadolint/hadolint/wiki/DL3042
`),
}

func pipNoCache(p *Pass) {
	for _, name := range []string{"pip", "uv"} {
		m := facts.ManagerNamed(name)
		for _, r := range p.runs(m) {
			p.pipRun(m, r)
		}
	}
	for _, name := range []string{"pipenv", "poetry"} {
		p.toolClean(facts.ManagerNamed(name), nil)
	}
}

func (p *Pass) pipRun(m *facts.Manager, r *Program) {
	if p.covered(r, m.Caches...) {
		return
	}
	a := p.Facts.Activity(r.In, m)
	if p.mountCaches(r, m, a) {
		return
	}
	for _, v := range a.Uses {
		if v.Role != facts.Install || v.HasFlag(m.NoCache...) {
			continue
		}
		at := p.at(r, v)
		if why := p.pipObstacle(m, r, v); why != "" {
			if why != quietObstacle {
				p.Skip(at, "%s", why)
			}
			continue
		}
		edits, effects, err := r.EditCommand(v.Call, Op{At: v.VerbAt.Word, Insert: m.NoCache[0]})
		if err != nil {
			p.Skip(at, "%v", err)
			continue
		}
		c := Change{
			Title: "keep " + m.Name + "'s cache out of the image", At: at, Edits: edits, Effects: effects, Safety: Safe,
			Reason: m.Name + " stores each download and each built wheel in the layer otherwise",
		}
		// A deletion of the cache that has become pointless goes, if it is
		// all that its command does.
		var gone []removal
		if m.Name == "pip" {
			gone = p.dropCacheRemoval(r, m, &c)
		}
		if what := p.missed(r, m, v.Seq, gone); what != "" {
			p.Skip(at, "%s", what)
			continue
		}
		if why := p.pays(r, m, m.Caches...); why != "" {
			p.Skip(at, "%s", why)
			continue
		}
		p.Report(c)
	}
}

// quietObstacle stands for a place where all is well already.
const quietObstacle = "-"

// pipObstacle says why the option must not be added, or "".
func (p *Pass) pipObstacle(m *facts.Manager, r *Program, v *facts.Invocation) string {
	if name, ok := r.State.HasVariable(m.Env...); ok {
		if strings.Contains(name, "NO_CACHE") {
			return quietObstacle
		}
		return name + " is set"
	}
	for _, n := range m.Env {
		for _, a := range v.Assigns {
			if a == n {
				return quietObstacle
			}
		}
		if strings.Contains(r.Script.Text(), n+"=") {
			return n + " is set in the RUN"
		}
	}
	switch {
	case v.HasFlag("--cache-dir"):
		return "--cache-dir says where the cache is"
	case v.Nested:
		return m.Name + " is called inside the argument of another command"
	case v.Verb == "install" && m.Name == "pip" && v.HasFlag("--help", "-h"):
		return quietObstacle
	case m.Old(r.State.Stage):
		return "the pip of this release does not know --no-cache-dir"
	}
	return ""
}

// cachingOf is a key of once: the installs of a RUN that keep a cache.
type cachingOf struct {
	*parse.Instruction
	*facts.Manager
}

// dropCacheRemoval takes rm -rf ~/.cache/pip out of a RUN all of whose
// installs keep no cache, once: with the change of the first.
func (p *Pass) dropCacheRemoval(r *Program, m *facts.Manager, c *Change) []removal {
	if once(p, cachingOf{r.In, m}, func() int {
		n := 0
		for _, v := range p.Facts.Activity(r.In, m).Uses {
			if v.Role == facts.Install && !v.HasFlag(m.NoCache...) {
				n++
			}
		}
		return n
	}) != 1 {
		return nil
	}
	for _, v := range p.Facts.Invocations(r.In) {
		// Other tools use the cache too.
		if v.Manager.Name == "pipenv" {
			return nil
		}
	}
	return p.dropRemovals(r, c, nil, "~/.cache/pip", "~/.cache/pip/*")
}
