package transform

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

var _ = register(&apkNoCacheTransform)

var apkNoCacheTransform = Transform{
	Name:   "apk-no-cache",
	Group:  "caches",
	Codes:  []string{"DL3019", "apkAddUseNoCache"},
	Safety: Safe,
	Run:    apkNoCache,
	Doc: text(`Install Alpine packages with --no-cache.

## What
´apk add´ and ´apk upgrade´ get ´--no-cache´: they fetch the package index themselves and leave none behind. An ´apk update´
and an ´rm -rf /var/cache/apk/*´ that have become pointless go.

## Why
The index takes about 2 MB of the layer. With --no-cache it is fetched fresh and never stored, and there is nothing to clean up.

## Example
~~~dockerfile before
FROM alpine:3.20
RUN apk update && apk add curl git && rm -rf /var/cache/apk/*
~~~
~~~dockerfile after
FROM alpine:3.20
RUN apk add --no-cache curl git
~~~

## Instead
Nothing changes where a cache mount holds the index, where ´--cache-dir´ or ´--no-network´ is given, where /etc/apk/cache has been set up, and on Alpine before 3.3,
whose apk does not know the option. ´apk update´ stays while a command needs the index that it fetches. Nor in stages that ship no layer, unless one of their parents does or their files are copied out as a whole. To keep the index: ´# refit: ignore=apk-no-cache´.

## Safety
Safe. The same packages are installed; only the index is not stored.

## References
- https://github.com/gliderlabs/docker-alpine/blob/master/docs/usage.md#disabling-cache
- https://github.com/hadolint/hadolint/wiki/DL3019
`),
}

func apkNoCache(p *Pass) {
	m := facts.ManagerNamed("apk")
	for _, r := range p.runs(m) {
		p.apkRun(m, r)
	}
}

// apkRun rewrites one RUN.
func (p *Pass) apkRun(m *facts.Manager, r *Program) {
	a := p.Facts.Activity(r.In, m)
	if p.anyCovered(r, "/var/cache/apk", "/etc/apk/cache") {
		p.apkSpareUpdates(r, a)
		return
	}
	if apkObstacle(p, m, r, a) == "" && p.mountCaches(r, m, a) {
		return
	}
	wants := func(v *facts.Invocation) bool {
		if v.HasFlag(m.NoCache...) {
			return false
		}
		// Without an index apk upgrade does nothing; with --no-cache it would.
		return v.Role == facts.Install || v.Role == facts.Upgrade && (a.FetchedBefore(v) || apkOps(v)[0].Replace != "")
	}
	i := slices.IndexFunc(a.Uses, wants)
	updates := slices.ContainsFunc(a.Uses, func(v *facts.Invocation) bool { return v.Role == facts.Update })
	if i < 0 && !updates {
		return
	}
	at := p.at(r, a.Uses[max(i, 0)])
	if why := apkObstacle(p, m, r, a); why != "" {
		p.Skip(at, "%s", why)
		return
	}
	if why := p.apkPays(m, r); why != "" {
		p.Skip(at, "%s", why)
		return
	}
	c := Change{
		Title: "install Alpine packages with --no-cache", At: at, Safety: Safe,
		Reason: "apk fetches the package index itself and does not store it in the layer",
	}
	kept := false // some apk command still needs a stored index
	for _, v := range a.Uses {
		if v.Role == facts.Query && !v.HasFlag(m.NoCache...) {
			kept = true
		}
		if !wants(v) {
			continue
		}
		if v.Nested {
			kept = true
			p.Skip(at, "apk is called inside the argument of another command")
			continue
		}
		edits, effects, err := r.EditCommand(v.Call, apkOps(v)...)
		if err != nil {
			kept = true
			p.Skip(at, "%v", err)
			continue
		}
		c.Edits, c.Effects = append(c.Edits, edits...), append(c.Effects, effects...)
	}
	pointless := !kept
	if pointless && updates {
		// A RUN that cannot be rewritten may rely on the index.
		if need := p.apkNeed(m, r.In); need != nil {
			pointless = false
			if i < 0 {
				return
			}
			p.Skip(at, "apk update stays: %s uses its index", p.line(need))
		}
	}
	if pointless {
		pointless = p.apkDropUpdates(r, a, &c)
	}
	var gone []removal
	if pointless && len(c.Edits) > 0 {
		gone = p.dropRemovals(r, &c, apkUpdates(a), apkCache...)
	}
	if len(c.Edits) == 0 {
		return
	}
	if what := p.missed(r, m, 0, gone); what != "" {
		p.Skip(at, "%s", what)
		return
	}
	if i < 0 {
		c.Title = "drop a pointless apk update"
		c.Reason = "its index stays in the layer, and every apk add fetches its own"
	}
	p.Report(c)
}

// apkSpareUpdates drops --update-cache where an apk update in front has
// fetched the same index into the mounted cache: RUNs may get their mounts before they are
// merged.
func (p *Pass) apkSpareUpdates(r *Program, a facts.Activity) {
	for _, v := range a.Uses {
		ops := apkOps(v)
		if v.Role != facts.Install || v.Nested || ops[0].Replace == "" || otherRepositories(r, v) || !a.FetchedBefore(v) {
			continue
		}
		edits, effects, err := r.EditCommand(v.Call, Op{At: ops[0].At, Delete: true})
		if err != nil {
			continue
		}
		p.Report(Change{
			Title: "fetch apk's index once", At: p.at(r, v), Safety: Safe,
			Reason: "a command in front of it has just fetched the index into the mounted cache",
			Edits:  edits, Effects: effects,
		})
	}
}

// otherRepositories reports whether a call of apk may use repositories whose
// index an earlier call of the RUN did not fetch.
func otherRepositories(r *Program, v *facts.Invocation) bool {
	return v.HasFlag("--repository", "-X", "--repositories-file", "--root", "-p") || strings.Contains(r.Script.Text(), "/etc/apk")
}

// apkPays is pays for apk: a stage that is built FROM one whose layers ship
// gets --no-cache too, for the index could not go from that one otherwise.
func (p *Pass) apkPays(m *facts.Manager, r *Program) string {
	if p.Options.Cache == "mount" { // which then takes the place of --no-cache
		return ""
	}
	for s := r.State.Stage.Parent; s != nil; s = s.Parent {
		if s.Ships {
			return ""
		}
	}
	return p.pays(r, m, m.Caches...)
}

// apkCache are the ways in which a RUN deletes apk's index.
var apkCache = []string{"/var/cache/apk/*", "/var/cache/apk", "/var/cache/apk/APKINDEX.*", "/var/cache/apk/APKINDEX*"}

// apkUpdates returns the calls of apk update.
func apkUpdates(a facts.Activity) (calls []*syntax.CallExpr) {
	for _, v := range a.Uses {
		if v.Role == facts.Update {
			calls = append(calls, v.Call)
		}
	}
	return calls
}

// apkObstacle says why --no-cache must not be given in a RUN, or "".
func apkObstacle(p *Pass, m *facts.Manager, r *Program, a facts.Activity) string {
	if m.Old(r.State.Stage) {
		return "apk of this Alpine release does not know --no-cache"
	}
	for _, v := range a.Uses {
		if v.HasFlag("--cache-dir", "--no-network") {
			return "apk is told where its cache is"
		}
	}
	st := r.State.Stage
	return once(p, apkCacheOf{st}, func() string {
		for _, in := range st.Instructions {
			if in.Name == "RUN" && strings.Contains(in.Args.Value, "/etc/apk/cache") {
				return p.line(in) + " sets up a cache for apk"
			}
		}
		return ""
	})
}

// apkCacheOf is a key of once.
type apkCacheOf struct{ *facts.Stage }

// apkOps replaces an option that refreshes the index, or adds --no-cache.
func apkOps(v *facts.Invocation) []Op {
	for _, f := range v.Flags {
		// An option that comes from a variable cannot be exchanged there.
		if (f.Text == "--update" || f.Text == "--update-cache" || f.Text == "-U") && f.Word != v.VerbAt.Word && f.Word != v.Command.Word {
			return []Op{{At: f.Word, Replace: "--no-cache"}}
		}
	}
	return []Op{{At: v.VerbAt.Word, Insert: "--no-cache"}}
}

// apkNeeds is a key of once.
type apkNeeds struct{}

// apkNeed finds an instruction behind another that needs a stored index and will
// not get --no-cache, or nil. What it finds for each RUN on the way is kept:
// thousands of RUNs may ask one after the other.
func (p *Pass) apkNeed(m *facts.Manager, from *parse.Instruction) *parse.Instruction {
	found := once(p, apkNeeds{}, func() map[*parse.Instruction]*parse.Instruction { return map[*parse.Instruction]*parse.Instruction{} })
	if in, ok := found[from]; ok {
		return in
	}
	need, ok := p.Facts.NeededLater(from, m)
	in := need.In
	if ok && need.Doubt == "" && p.apkLosesIndex(m, in, from) {
		in = p.apkNeed(m, in)
	}
	found[from] = in
	return in
}

// apkLosesIndex reports whether a RUN that needs an index that an earlier
// instruction stored is rewritten so that it no longer does.
func (p *Pass) apkLosesIndex(m *facts.Manager, in, from *parse.Instruction) bool {
	r, _ := p.Program(in)
	if r == nil || p.anyCovered(r, "/var/cache/apk", "/etc/apk/cache") {
		return false
	}
	a := p.Facts.Activity(in, m)
	for _, v := range a.Uses {
		if v.Role == facts.Query || v.Nested || v.Role == facts.Upgrade && !a.FetchedBefore(v) {
			return false
		}
	}
	st := r.State.Stage
	return apkObstacle(p, m, r, a) == "" && p.apkPays(m, r) == "" && (len(st.Children) == 0 || st == p.Facts.At(from).Stage)
}

// apkDropUpdates takes the apk updates out; it reports whether all could go.
func (p *Pass) apkDropUpdates(r *Program, a facts.Activity, c *Change) bool {
	all := true
	alone := len(r.Cmds) > 0 && len(r.Tree.Stmts) == 1
	for _, call := range p.Facts.Calls(r.In) {
		if call.Name() != "apk" || len(call.Fields) < 2 || call.Fields[1].Text != "update" {
			alone = alone && call.Name() == "rm" && call.Removes("/var/cache/apk")
		}
	}
	if alone && r.In.Child == nil {
		// The RUN does nothing else: see update-install for lists that a
		// later RUN uses.
		return false
	}
	also := append(apkUpdates(a), p.wholeRemovals(r, apkCache...)...)
	for _, v := range a.Uses {
		if v.Role != facts.Update {
			continue
		}
		if v.Nested {
			all = false
			continue
		}
		edits, effects, err := r.DropCommand(v.Call, also...)
		if err != nil {
			p.Skip(r.Span(v.Call), "apk update stays: %v", err)
			all = false
			continue
		}
		c.Edits, c.Effects = append(c.Edits, edits...), append(c.Effects, effects...)
	}
	return all
}
