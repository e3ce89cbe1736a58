package transform

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/facts"
)

// cleanOnce proposes to drop the commands of a RUN that clean up behind a manager
// and do nothing else, where a later one deletes the same whatever happens: RUNs
// that were merged clean up once, at the end.
func (p *Pass) cleanOnce(m *facts.Manager, r *Program) {
	calls := p.Facts.Calls(r.In)
	uses := p.Facts.Activity(r.In, m).Uses
	// What is deleted in front of the first command is not left by this RUN.
	first := slices.IndexFunc(uses, func(v *facts.Invocation) bool {
		return v.Role == facts.Install || v.Role == facts.Update || v.Role == facts.Upgrade
	})
	if r.In.Child != nil || first < 0 || !m.System && !ownCache(m, r) || p.pays(r, m, append(slices.Clone(m.Lists), m.Caches...)...) != "" {
		return
	}
	cleans := map[int]*facts.Invocation{}
	for _, v := range uses {
		if v.Role == facts.Clean && !v.Nested && !v.Sudo {
			cleans[v.Seq] = v
		}
	}
	managed := map[int]bool{} // the calls of package managers
	for _, v := range p.Facts.Invocations(r.In) {
		managed[v.Seq] = true
	}
	later := map[string]bool{} // what is deleted whatever happens: directories, and the commands that do so
	var gone []*syntax.CallExpr
	for k := len(calls) - 1; k > uses[first].Seq; k-- {
		c := &calls[k]
		if c.Nested {
			continue
		}
		if !m.System && !managed[k] {
			clear(later) // it may use what a cache holds
			continue
		}
		what := emptied(m, c)
		if v := cleans[k]; v != nil {
			what = []string{r.Script.NodeText(v.Call)}
			// The manager's own way to empty its cache does what any other does.
			if all, _, _ := strings.Cut(m.Cleanup, " && "); what[0] == all && c.Path.Always() && m.Called(c.Name()) {
				later[cleansAll] = true
			} else if later[cleansAll] {
				what = []string{cleansAll}
			}
		}
		if len(what) > 0 && c.Path.Always() && !slices.ContainsFunc(what, func(w string) bool { return !later[w] }) {
			gone = append(gone, c.Expr)
		}
		if !c.Path.Always() {
			continue
		}
		for _, w := range what {
			later[w] = true
		}
		for _, d := range append(slices.Clone(m.Lists), m.Caches...) {
			later[d] = later[d] || c.Removes(d)
		}
	}
	for _, call := range gone {
		at := r.Span(call)
		edits, effects, err := r.DropCommand(call, gone...)
		if err != nil {
			p.Skip(at, "the RUN cleans up again later, but %v", err)
			continue
		}
		p.Report(Change{
			Title: "clean up once", At: at, Edits: edits, Effects: effects, Safety: Safe,
			Reason: "a later command of the same RUN deletes these files",
		})
	}
}

// cleansAll stands for all that a manager's cleanup command deletes.
const cleansAll = "*"

// ownCache reports whether the cache of a manager that is not the system's is
// the same one throughout a RUN: not the project's, nor another user's.
func ownCache(m *facts.Manager, r *Program) bool {
	switch m.Name {
	case "npm", "conda", "composer":
		text := r.Script.Text()
		return !strings.Contains(text, "HOME=") && !strings.Contains(text, "su ") && !slices.ContainsFunc(m.Env, func(n string) bool { return strings.Contains(text, n+"=") })
	}
	return false
}

// emptied returns the directories of a manager that an rm empties, if it does
// nothing else.
func emptied(m *facts.Manager, c *facts.Call) (dirs []string) {
	if c.Name() != "rm" {
		return nil
	}
	own := append(slices.Clone(m.Lists), m.Caches...)
	for _, f := range c.Fields[1:] {
		if strings.HasPrefix(f.Text, "-") {
			continue
		}
		d := strings.TrimSuffix(strings.TrimSuffix(f.Text, "*"), "/")
		if !f.Known || !slices.Contains(own, d) {
			return nil
		}
		dirs = append(dirs, d)
	}
	return dirs
}
