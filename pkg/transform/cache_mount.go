package transform

import (
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

// mountCaches serves the strategy of --cache mount: it gives a RUN cache mounts
// for what a manager fetches, and takes out the commands and options that
// would defeat them. It reports whether the RUN is dealt with; otherwise the
// caller cleans up instead.
//
// No # syntax= line is added. Without one, BuildKit's own frontend reads the
// file, which knows cache mounts since BuildKit 0.8 (Docker 20.10; the default
// builder since Docker 23.0), and a line would make each build fetch a frontend.
// With one, the version that it names decides: see frontend, and
// https://docs.docker.com/reference/dockerfile/#run---mount.
func (p *Pass) mountCaches(r *Program, m *facts.Manager, a facts.Activity) (done bool) {
	if p.Options.Cache != "mount" || len(m.Mounts) == 0 || len(a.Uses) == 0 {
		return false
	}
	load := a.Load
	if load == nil {
		load = a.Fetch
	}
	if load == nil {
		return false
	}
	at := p.at(r, load)
	targets, options, why := p.mountTargets(r, m, a, load)
	if why != "" {
		if why == quietObstacle {
			return true
		}
		p.Skip(at, "no cache mount: %s", why)
		return false
	}
	c := Change{
		Title: "keep " + m.Name + "'s cache in a cache mount", At: at, Safety: Safe,
		Reason: "what is downloaded stays out of the image, and the next build does not download it again",
	}
	if m.Name == "go" || m.Name == "cargo" {
		if why := p.needsCacheLater(r, m, &c); why != "" {
			p.Skip(at, "no cache mount: %s", why)
			return false
		}
	}
	if err := p.undoCleanups(r, m, a, &c); err != "" {
		p.Skip(at, "no cache mount: %s", err)
		return false
	}
	if what := p.missed(r, m, math.MaxInt, nil); what != "" {
		p.Skip(at, "no cache mount: %s", what)
		return false
	}
	var flags []string
	for _, t := range targets {
		flags = append(flags, "--mount=type=cache,"+p.mountID(r, m, t)+"target="+t+options)
	}
	c.Edits = append(c.Edits, r.addFlags(flags))
	run := r.In
	c.Effects = append(c.Effects, plan.Flags{Instr: r.In.Index, Flags: append(slices.Clone(run.Node.Flags), flags...)})
	p.Report(c)
	return true
}

// frontend says why the frontend that a # syntax= line names may not know cache
// mounts with all their options, which Dockerfile 1.2 does; "" if it does.
// docker/dockerfile:1 is the newest version 1.
func frontend(ref string) string {
	ref, _, _ = strings.Cut(strings.TrimSpace(ref), "@")
	repo, tag, _ := facts.SplitReference(ref)
	if base := path.Base(repo); base != "dockerfile" && base != "dockerfile-upstream" {
		return "what the frontend " + ref + " knows is not known"
	}
	version, _, _ := strings.Cut(tag, "-") // 1.7-labs, 1.1-experimental
	if major, minor, ok := strings.Cut(version, "."); ok && major == "1" {
		minor, _, _ = strings.Cut(minor, ".")
		if minor == "0" || minor == "1" {
			return "the frontend " + ref + " is too old: docker/dockerfile:1 knows cache mounts"
		}
	}
	return ""
}

// addFlags inserts flags behind those that an instruction has, each on a line
// of its own unless the program is a here-document. Arguments that stand in a
// column of their own stay there.
func (r *Program) addFlags(flags []string) emit.Edit {
	at := r.In.Keyword.End
	if n := len(r.In.Flags); n > 0 {
		at = r.In.Flags[n-1].End
	}
	cont := " " + string(r.In.Escape()) + r.file.LineEnding() + "    "
	var b strings.Builder
	if len(r.In.Heredocs) > 0 {
		return emit.Edit{Span: parse.Span{Start: at, End: at}, New: " " + strings.Join(flags, " ")}
	}
	start := r.In.Command().Start
	gap := string(r.file.Src[at:start])
	for i, f := range flags {
		if i == 0 && len(r.In.Flags) == 0 {
			if strings.Trim(gap, " \t") != "" {
				gap = " "
			}
			b.WriteString(gap + f)
		} else {
			b.WriteString(cont + f)
		}
	}
	// The program follows on the next line.
	sp := parse.Span{Start: at, End: at}
	if !strings.Contains(string(r.file.Src[at:start]), "\n") {
		sp.End = start
		b.WriteString(cont)
	}
	return emit.Edit{Span: sp, New: b.String()}
}

// mountTargets gives the directories to mount and the mount's further options,
// or says why there can be none.
func (p *Pass) mountTargets(r *Program, m *facts.Manager, a facts.Activity, v *facts.Invocation) (targets []string, options, why string) {
	if r.In.Child != nil {
		return nil, "", "an ONBUILD trigger works in a stage that is not known"
	}
	if p.covered(r, m.Mounts...) || m.Name != "apt" && (p.anyCovered(r, m.Mounts...) || p.anyCovered(r, m.Caches...)) {
		return nil, "", quietObstacle
	}
	for _, d := range p.File.Directives {
		if d.Name == "syntax" {
			if why := frontend(d.Value); why != "" {
				return nil, "", why
			}
		}
	}
	if v.Nested {
		return nil, "", m.Name + " is called inside the argument of another command"
	}
	if name, ok := r.State.HasVariable(m.Env...); ok {
		return nil, "", name + " is set"
	}
	for _, n := range m.Env {
		if strings.Contains(r.Script.Text(), n+"=") {
			return nil, "", n + " is set"
		}
	}
	if otherRoot(a) {
		return nil, "", "it works on another root directory"
	}
	repo, _, _ := facts.SplitReference(r.State.Stage.Base().S)
	if m.Name == "conda" {
		switch {
		case !slices.Contains(m.Images, repo):
			return nil, "", "the place of the cache is known for conda's own images only"
		case p.firstMention("softlink") < len(p.File.Instructions):
			return nil, "", "conda links into its cache"
		}
	}
	if v.User != "" && !facts.Root(v.User) {
		return nil, "", "it runs as the user " + v.User
	}
	home, owner, why := p.mountOwner(r, m, v)
	if why != "" {
		return nil, "", why
	}
	if m.Needs {
		need, needed := p.Facts.NeededLater(r.In, m)
		switch {
		case a.Needs != nil:
			return nil, "", "the lists come from an earlier RUN"
		case needed:
			return nil, "", p.line(need.In) + " uses the lists that are fetched here"
		}
	}
	if home != "" && (!plainPath(home) || strings.Contains(home, ",")) { // a comma ends the target
		return nil, "", "the home directory has a name that a mount may not take as it is"
	}
	for _, t := range m.Mounts {
		if p.covered(r, t) {
			continue
		}
		rest, ok := strings.CutPrefix(t, "~/")
		if home == "" && (ok || m.Name == "yarn") { // yarn's cache is root's alone in the place of the table
			return nil, "", "the home directory of the user is not known"
		}
		if ok {
			t = path.Join(home, rest)
		}
		if m.Name == "composer" && path.Base(repo) == "composer" {
			t = "/tmp/cache" // COMPOSER_HOME is /tmp in the official image
		}
		if m.Name == "yarn" && !p.classicYarn(r, a) {
			t = path.Join(home, ".yarn/berry/cache")
		} else if m.Name == "yarn" && home != "/root" {
			t = path.Join(home, ".cache/yarn")
		}
		targets = append(targets, t)
	}
	if m.System || m.Name == "composer" || m.Name == "cargo" || m.Name == "conda" {
		options = ",sharing=locked"
	}
	return targets, options + owner, ""
}

// mountOwner finds the user that a RUN's command runs as: the home directory,
// and uid and gid for the mount where it is not root.
func (p *Pass) mountOwner(r *Program, m *facts.Manager, v *facts.Invocation) (home, owner, why string) {
	user := r.State.User
	switch {
	case user.Known && facts.Root(user.S), v.Sudo && m.System, !user.Known && m.System:
		return p.homeOr(r, "/root"), "", ""
	case v.Sudo:
		return "", "", "sudo may keep the home directory or not"
	case !user.Known:
		return "", "", "the user is not known"
	case m.System:
		return "", "", "USER is " + user.S
	}
	name, group, _ := strings.Cut(user.S, ":")
	if _, err := strconv.Atoi(name); err == nil {
		if group == "" || !numericOwner(group) {
			group = name
		}
		return p.homeOr(r, ""), ",uid=" + name + ",gid=" + group, ""
	}
	repo, _, _ := facts.SplitReference(r.State.Stage.Base().S)
	if repo == "node" && name == "node" {
		return p.homeOr(r, "/home/node"), ",uid=1000,gid=1000", ""
	}
	uid, dir := p.createdUser(r.State.Stage, r.In, name)
	if uid == "" {
		return "", "", "the number of the user " + name + " is not known"
	}
	return p.homeOr(r, dir), ",uid=" + uid + ",gid=" + uid, ""
}

// homeOr is the home directory that ENV HOME sets, or another.
func (p *Pass) homeOr(r *Program, other string) string {
	if _, set := r.State.HasVariable("HOME"); set {
		return p.Facts.Home(r.State)
	}
	return other
}

// createdUser finds the number and the home directory of a user that an
// earlier RUN creates with an explicit number.
func (p *Pass) createdUser(s *facts.Stage, before *parse.Instruction, name string) (uid, home string) {
	var by *facts.Stage // the nearest so far
	for _, o := range p.calls("useradd", "adduser") {
		st := p.Facts.At(o.in).Stage
		if o.in.Index >= before.Index || st == by || !s.Descends(st) {
			continue
		}
		c := o.call
		named, id, dir := false, "", "/home/"+name
		for i, f := range c.Fields[1:] {
			next := ""
			if i+2 < len(c.Fields) {
				next = c.Fields[i+2].Text
			}
			switch f.Text {
			case name:
				named = true
			case "-u", "--uid":
				id = next
			case "-d", "--home-dir", "--home", "-h":
				dir = next
			}
			if v, ok := strings.CutPrefix(f.Text, "--uid="); ok {
				id = v
			}
		}
		if named && id != "" && numericOwner(id) {
			by, uid, home = st, id, dir
		}
	}
	return uid, home
}

// mountID gives a mount an id of its own per platform where the cache holds
// files of one platform under names that do not say which, and the stage has a
// variable for it.
func (p *Pass) mountID(r *Program, m *facts.Manager, target string) string {
	if m.Name != "apk" && m.Name != "pacman" {
		return ""
	}
	for _, v := range []string{"TARGETPLATFORM", "TARGETARCH"} {
		if _, ok := r.State.HasVariable(v); ok {
			return "id=" + m.Name + "-$" + v + ","
		}
	}
	return ""
}

// undoCleanups takes out what would empty or bypass a mounted cache, and adds
// the options that make the manager use it. It says why that cannot be done.
func (p *Pass) undoCleanups(r *Program, m *facts.Manager, a facts.Activity, c *Change) string {
	add := func(edits []emit.Edit, effects []plan.Effect, err error) string {
		if err != nil {
			return err.Error()
		}
		c.Edits, c.Effects = append(c.Edits, edits...), append(c.Effects, effects...)
		return ""
	}
	dirs := slices.Concat(m.Lists, m.Caches, m.Mounts)
	kin := func(v *facts.Invocation) bool { return v.Manager == m || slices.Contains(m.Kin, v.Manager.Name) }
	var drop []*syntax.CallExpr // what goes
	for _, call := range p.Facts.Calls(r.In) {
		if call.Nested || call.Name() != "rm" {
			continue
		}
		kept := slices.ContainsFunc(call.Fields[1:], func(f facts.Field) bool {
			one := facts.Call{Fields: []facts.Field{call.Fields[0], f}}
			return !strings.HasPrefix(f.Text, "-") && !slices.ContainsFunc(dirs, one.Removes)
		})
		if !kept && len(call.Fields) > 1 {
			drop = append(drop, call.Expr)
		}
	}
	for _, v := range p.Facts.Invocations(r.In) {
		if kin(v) && !v.Nested && v.Role == facts.Clean {
			drop = append(drop, v.Call)
		}
	}
	for _, call := range p.Facts.Calls(r.In) {
		if call.Nested || call.Name() != "rm" && call.Name() != "find" || !slices.ContainsFunc(dirs, call.Removes) {
			continue
		}
		if call.Name() == "find" {
			return "the RUN empties the cache with find"
		}
		var ops []Op
		operands := 0
		for _, f := range call.Fields[1:] {
			if strings.HasPrefix(f.Text, "-") {
				continue
			}
			operands++
			one := facts.Call{Fields: []facts.Field{call.Fields[0], f}}
			if slices.ContainsFunc(dirs, one.Removes) {
				if wider(f.Text, dirs) {
					return "the RUN deletes " + f.Text + ", which holds more than the cache"
				}
				ops = append(ops, Op{At: f.Word, Delete: true})
			}
		}
		var why string
		if len(ops) == operands {
			why = add(r.DropCommand(call.Expr, drop...))
		} else {
			why = add(r.EditCommand(call.Expr, ops...))
		}
		if why != "" {
			return why
		}
	}
	for _, v := range p.Facts.Invocations(r.In) {
		var ops []Op
		switch {
		case !kin(v) || v.Nested:
			continue
		case v.Role == facts.Clean:
			if why := add(r.DropCommand(v.Call, drop...)); why != "" {
				return why
			}
			continue
		case v.Manager != m:
			continue
		}
		for _, f := range v.Flags {
			if slices.Contains(m.NoCache, f.Text) && f.Word != v.VerbAt.Word && f.Word != v.Command.Word {
				// apk fetches no index without, unless it is told to: apk update
				// in front has done it, if the repositories are the same now.
				refreshes := v.HasFlag("--update-cache", "--update", "-U")
				if m.Name == "apk" && !refreshes && (!a.FetchedBefore(v) || otherRepositories(r, v)) {
					ops = append(ops, Op{At: f.Word, Replace: "--update-cache"})
				} else {
					ops = append(ops, Op{At: f.Word, Delete: true})
				}
			}
		}
		helper, _ := m.Helpers.Of(v.Name)
		if m.Keep != "" && (v.Role == facts.Install || v.Role == facts.Upgrade) && v.Verb != "source" && helper == facts.Other {
			if m.Name == "apt" && v.Name != "apt-get" {
				return v.Name + " deletes what it downloads; see the transform apt-get"
			}
			if !slices.ContainsFunc(v.Options, func(f facts.Field) bool {
				return strings.Contains(f.Text, "Dir::Cache") || strings.Contains(f.Text, "keepcache")
			}) {
				ops = append(ops, Op{At: v.VerbAt.Word, Insert: m.Keep})
			}
		}
		if len(ops) > 0 {
			if why := add(r.EditCommand(v.Call, ops...)); why != "" {
				return why
			}
		}
	}
	return ""
}

// wider reports whether a folder of a home directory that is deleted holds
// more than caches: ~/.bundle has the settings beside the cache.
func wider(operand string, dirs []string) bool {
	base := strings.TrimRight(operand, "/*")
	return strings.HasPrefix(base, "~/.") && base != "~/.cache" && !slices.Contains(dirs, base)
}

// needsCacheLater says why the cache of a build tool must stay in the layer: a
// later instruction cannot be given the mount, another stage copies from it,
// or the container builds.
func (p *Pass) needsCacheLater(r *Program, m *facts.Manager, c *Change) string {
	s := r.State.Stage
	repo, _, _ := facts.SplitReference(s.Base().S)
	if !slices.Contains(m.Images, repo) {
		return "the place of the cache is known for the official image only"
	}
	if v, ok := p.Facts.Lookup("CARGO_HOME", r.In); ok && m.Name == "cargo" && (!v.Certain() || v.S != "/usr/local/cargo") {
		return "CARGO_HOME is set"
	}
	if m.Name == "go" {
		if v, ok := p.Facts.Lookup("GOPATH", r.In); ok && (!v.Certain() || v.S != "/go") {
			return "GOPATH is set"
		}
	}
	for _, in := range p.File.Instructions {
		if in.Index <= r.In.Index {
			continue
		}
		uses := slices.ContainsFunc(p.Facts.Invocations(in), func(v *facts.Invocation) bool { return v.Manager == m })
		if o, _ := p.Program(in); uses && (o == nil || in.Child != nil || in.Name != "RUN") {
			return p.line(in) + " uses the cache"
		}
		if fl := in.Flag("from"); fl != nil {
			for _, w := range in.Words[:max(len(in.Words)-1, 0)] {
				src := path.Clean("/" + w.Value)
				if slices.ContainsFunc(m.Mounts, func(d string) bool { return strings.HasPrefix(d, "/") && (facts.Below(d, src) || facts.Below(src, d)) }) {
					return p.line(in) + " copies the cache"
				}
			}
		}
	}
	if !s.Ships {
		return ""
	}
	// In an image that ships, the container may build.
	probe := Change{Safety: Safe}
	last := r.In
	for _, in := range s.Instructions {
		if in.Name == "RUN" && in.Index > last.Index && slices.ContainsFunc(p.Facts.Invocations(in), func(v *facts.Invocation) bool { return v.Manager == m }) {
			last = in
		}
	}
	lr, _ := p.Program(last)
	if lr == nil {
		return p.line(last) + " uses the cache"
	}
	if _, why := p.lastBuild(lr, &facts.Invocation{Manager: m}, "", &probe); why != "" {
		return why
	}
	if probe.Safety == Unsafe {
		c.Safety = Unsafe
		c.Reason += "; check that the container does not build anything"
	}
	return ""
}

// otherRoot reports whether a manager of the system is told to work on another
// root directory, where its caches lie then.
func otherRoot(a facts.Activity) bool {
	return slices.ContainsFunc(a.Uses, func(v *facts.Invocation) bool {
		return v.Manager.System && v.Manager.Name != "apt" && v.Manager.Name != "apk" && v.HasFlag("--installroot", "--root", "-R", "--dbpath", "-b", "-r")
	})
}
