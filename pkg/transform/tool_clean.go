package transform

import (
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

// toolClean adds the cleanup command of a manager whose cache is its own
// affair (no later install fails without it) behind the last install of each
// RUN. adjust, if not nil, may change the command or the safety of a change, or
// return why nothing is to be done.
func (p *Pass) toolClean(m *facts.Manager, adjust func(r *Program, v *facts.Invocation, text string, c *Change) (string, string)) {
	for _, r := range p.runs(m) {
		a := p.Facts.Activity(r.In, m)
		if (m.Name != "yarn" || p.Options.Cache != "mount" || p.classicYarn(r, a) || p.copiesModules()) && p.mountCaches(r, m, a) {
			continue
		}
		p.cleanOnce(m, r)
		if a.Load == nil || a.Cleaned || p.covered(r, m.Caches...) || m.Name != "npm" && p.anyCovered(r, m.Caches...) {
			continue
		}
		v := a.Load
		at := p.at(r, v)
		if len(m.NoCache) > 0 && v.HasFlag(m.NoCache...) || v.HasFlag("--dry-run", "--help", "--version") {
			continue
		}
		if why := p.pays(r, m, m.Caches...); why != "" {
			p.Skip(at, "%s", why)
			continue
		}
		if name, ok := r.State.HasVariable(m.Env...); ok {
			p.Skip(at, "%s is set", name)
			continue
		}
		switch {
		case v.Nested || v.Xargs:
			p.Skip(at, "%s is called inside the argument of another command", m.Name)
			continue
		case slices.ContainsFunc(m.Env, func(n string) bool { return strings.Contains(r.Script.Text(), n+"=") }):
			p.Skip(at, "the RUN sets a variable that governs the cache")
			continue
		}
		if otherRoot(a) {
			p.Skip(at, "%s works on another root directory", m.Name)
			continue
		}
		if name := cleaner(p.Facts.Calls(r.In)[v.Seq:]); name != "" {
			p.Skip(at, "%s may clean up already", name)
			continue
		}
		if in := p.offlineLater(r, m); in != "" {
			p.Skip(at, "%s installs from the cache", in)
			continue
		}
		c := Change{
			Title: "empty " + m.Name + "'s cache", At: at, Safety: Safe,
			Reason: "what " + m.Name + " downloaded stays in the layer beside what it installed",
		}
		prefix, sure := "", true
		if m.System {
			prefix, sure = p.asRoot(r, v)
		} else if v.Sudo {
			prefix = "sudo "
		}
		if !sure {
			c.Safety = Unsafe
			c.Reason += "; sudo must be allowed to run the command"
		}
		if m.System && !v.Sudo && v.User == "" && r.State.User.Known && !facts.Root(r.State.User.S) {
			p.Skip(at, "USER is %s: only root can empty the cache", r.State.User.S)
			continue
		}
		text, why := withPrefix(prefix, p.calledAs(r, v, m.Cleanup)), ""
		if v.User != "" && !m.System {
			p.Skip(at, "it runs as the user %s", v.User)
			continue
		}
		if adjust != nil {
			if text, why = adjust(r, v, text, &c); why != "" {
				if why != quietObstacle {
					p.Skip(at, "%s", why)
				}
				continue
			}
		}
		p.cleanup(r, v, text, p.where(r, a, v, text), c)
	}
}

// offlineLater finds a call in this RUN or a later one that works from the
// cache alone, and names the last one's line; "" if there is none.
func (p *Pass) offlineLater(r *Program, m *facts.Manager) string {
	if len(m.Offline) == 0 {
		return ""
	}
	// The last of them tells whether one comes later.
	last := once(p, offlineOf{m}, func() *parse.Instruction {
		for _, in := range slices.Backward(p.File.Instructions) {
			for _, v := range p.Facts.Invocations(in) {
				if v.Manager == m && v.HasFlag(m.Offline...) {
					return in
				}
			}
		}
		return nil
	})
	if last == nil || last.Index < r.In.Index {
		return ""
	}
	return p.line(last)
}

// offlineOf is a key of once.
type offlineOf struct{ *facts.Manager }

// calledAs puts the command word of an invocation in place of the manager's
// name in a cleanup command: /opt/conda/bin/conda clean -afy.
func (p *Pass) calledAs(r *Program, v *facts.Invocation, text string) string {
	word := v.Command.Text
	if !v.Command.Known || strings.HasPrefix(word, "~") || strings.ContainsAny(word, " \t'\"$`\\*?[](){}<>|&;#!") {
		return text
	}
	first, rest, _ := strings.Cut(text, " ")
	if v.Manager.Called(first) {
		return word + " " + rest
	}
	return text
}
