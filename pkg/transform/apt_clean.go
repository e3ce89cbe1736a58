package transform

import (
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

var _ = register(&aptCleanTransform)

var aptCleanTransform = Transform{
	Name:   "apt-clean",
	Group:  "caches",
	Codes:  []string{"DL3009", "aptGetInstallThenRemoveAptLists"},
	Safety: Safe,
	After:  []string{"merge-run"},
	Run:    aptClean,
	Doc: text(`Delete apt's package lists in the RUN that fetched them.

## What
Appends ´rm -rf /var/lib/apt/lists/*´ to a RUN that runs ´apt-get update´ and leaves the lists behind, or that installs from the
lists which a script in front fetches (´curl … | bash - && apt-get install´). On bases that do not
delete downloaded packages themselves, as the official Debian and Ubuntu images do, ´apt-get clean´ is added too.
A RUN that deletes them several times, as one that was merged from others, does so once, at its end.
With ´--cache mount´ the lists and the packages are kept in cache mounts instead, and the next build does not download them again. No ´# syntax=´ line
is needed for that: BuildKit knows cache mounts since 0.8 (Docker 20.10; Docker 23.0 made it the default builder). In a file whose ´# syntax=´ line names a frontend before docker/dockerfile:1.2, or one that is not
known, nothing is mounted.

## Why
The lists take 20 to 50 MB of the layer and are stale by the time anybody could use them. Deleting them in a later RUN frees nothing: the layer
that holds them is still shipped.

## Example
~~~dockerfile before
FROM debian:12
RUN apt-get update && apt-get install -y curl
~~~
~~~dockerfile after
FROM debian:12
RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*
~~~

## Instead
Nothing is deleted where a later RUN of the stage, of a stage built FROM it, or an ONBUILD trigger installs without an update of its own, and where a mount
holds the lists. Nor in stages that ship no layer, unless their files are copied out as a whole (COPY --from=build / /); ´--stages all´ acts there too. To keep the lists, put ´# refit: ignore=apt-clean´ above the RUN.

## Safety
Safe. Unsafe where a later RUN executes a script whose content is not known, or where sudo would have to be used for more than apt.

## References
- https://docs.docker.com/build/building/best-practices/#apt-get
- https://github.com/hadolint/hadolint/wiki/DL3009
`),
}

const aptLists = "/var/lib/apt/lists"

func aptClean(p *Pass) {
	m := facts.ManagerNamed("apt")
	for _, r := range p.runs(m) {
		a := p.Facts.Activity(r.In, m)
		if p.mountCaches(r, m, a) {
			continue
		}
		p.cleanOnce(m, r)
		if a.Fetch == nil || a.Emptied || p.covered(r, aptLists) {
			continue
		}
		at := p.at(r, a.Fetch)
		switch {
		case r.In.Child != nil:
			p.Skip(at, "an ONBUILD trigger works in a stage that is not known")
			continue
		case a.Fetch.Nested:
			p.Skip(at, "apt is called inside the argument of another command")
			continue
		}
		if name := cleaner(p.Facts.Calls(r.In)[a.Fetch.Seq:]); name != "" {
			p.Skip(at, "%s may delete the lists already", name)
			continue
		}
		need, needed := p.Facts.NeededLater(r.In, m)
		if needed && need.Doubt == "" {
			p.Skip(at, "%s uses the lists that are fetched here", p.line(need.In))
			continue
		}
		if why := p.pays(r, m, aptLists, "/var/cache/apt/archives"); why != "" {
			p.Skip(at, "%s", why)
			continue
		}
		prefix, sure := p.asRoot(r, a.Fetch)
		if st := r.State.User; !a.Fetch.Sudo && st.Known && !facts.Root(st.S) && a.Fetch.User == "" {
			p.Skip(at, "USER is %s: only root can delete the lists", st.S)
			continue
		}
		c := Change{
			Title: "delete apt's package lists", At: at, Safety: Safe,
			Reason: "the lists that apt-get update fetches stay in the layer (20 to 50 MB) and nothing uses them",
		}
		switch {
		case needed:
			c.Safety = Unsafe
			c.Reason += "; check " + p.line(need.In) + ": " + need.Doubt
		case !sure:
			c.Safety = Unsafe
			c.Reason += "; sudo must be allowed to run rm"
		}
		text := m.Cleanup
		if !keepsNoPackages(p, r) && !a.Cleaned && a.Load != nil && !p.covered(r, "/var/cache/apt/archives") {
			text = "apt-get clean && " + text
		}
		v := lastUse(a)
		p.cleanup(r, v, withPrefix(prefix, text), p.where(r, a, v, text), c)
	}
}

// at is where an invocation stands.
func (p *Pass) at(r *Program, v *facts.Invocation) parse.Span {
	if v.Call == nil || v.Nested {
		return r.In.Keyword.Span
	}
	return r.Span(v.Call)
}

// lastUse is the last invocation that leaves something behind.
func lastUse(a facts.Activity) *facts.Invocation {
	if a.Fetch == nil || a.Load != nil && a.Load.Seq > a.Fetch.Seq && !a.Load.Nested {
		return a.Load
	}
	return a.Fetch
}

// keepsNoPackages reports whether the base image deletes downloaded packages
// itself, as Debian's and Ubuntu's official images do with
// /etc/apt/apt.conf.d/docker-clean, and no instruction of the file has
// changed that.
func keepsNoPackages(p *Pass, r *Program) bool {
	if !facts.DockerClean(r.State.Stage) {
		return false
	}
	if min(p.firstMention("docker-clean"), p.firstMention("Keep-Downloaded-Packages")) < r.In.Index {
		return false
	}
	return !strings.Contains(r.In.Args.Value, "docker-clean")
}

// cleaner returns the name of a script that looks as if it cleans up.
func cleaner(calls []facts.Call) string {
	for i := range calls {
		name := calls[i].Name()
		if name == "sh" || name == "bash" {
			if len(calls[i].Fields) > 1 {
				name = calls[i].Fields[1].Text
			}
		}
		if strings.Contains(name, "clean") && !strings.Contains(name, "autoclean") {
			return name
		}
	}
	return ""
}
