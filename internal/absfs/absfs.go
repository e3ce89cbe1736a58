// Package absfs evaluates the COPY, ADD, WORKDIR and RUN steps of a Dockerfile
// over a build context without running anything: which file ends up where,
// from which source, with which owner, and what every command would see. Two
// Dockerfiles with the same outcome put the same files in the same places. It
// shares no code with the transforms that it is used to check.
package absfs

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

// Entry is what stands at a path: a directory, or a file with its source.
type Entry struct {
	From  string // "dir", "context:PATH", "stage:…", "run:COMMAND", …
	Owner string
	Mode  string // --chmod
}

// Stage is the outcome of one stage.
type Stage struct {
	Files map[string]Entry
	// Seen has for every command that installs dependencies, by its text, the manifests in
	// its working directory and those that it names.
	Seen map[string]map[string]Entry
}

// Eval evaluates a Dockerfile over a context.
func Eval(src []byte, context fs.FS) ([]*Stage, error) {
	f, err := parse.Parse(src)
	if err != nil {
		return nil, err
	}
	ev := &evaluator{file: f, facts: facts.New(f, facts.Options{}), context: context}
	if data, err := fs.ReadFile(context, ".dockerignore"); err == nil {
		patterns, err := ignorefile.ReadAll(strings.NewReader(string(data)))
		if err != nil {
			return nil, err
		}
		if ev.ignore, err = patternmatcher.New(patterns); err != nil {
			return nil, err
		}
	}
	for _, st := range ev.facts.Stages {
		if err := ev.stage(st); err != nil {
			return nil, err
		}
	}
	return ev.stages, nil
}

// Compare says how two Dockerfiles differ over a context, or nil.
func Compare(before, after []byte, context fs.FS) error {
	a, err := Eval(before, context)
	if err != nil {
		return fmt.Errorf("before: %w", err)
	}
	b, err := Eval(after, context)
	if err != nil {
		return fmt.Errorf("after: %w", err)
	}
	if len(a) != len(b) {
		return fmt.Errorf("%d stages become %d", len(a), len(b))
	}
	for i := range a {
		if err := same(a[i].Files, b[i].Files); err != nil {
			return fmt.Errorf("stage %d: %w", i, err)
		}
		for cmd, want := range a[i].Seen {
			got, ok := b[i].Seen[cmd]
			if !ok {
				return fmt.Errorf("stage %d: %q is not run any more", i, cmd)
			}
			for p, e := range want {
				if got[p] != e {
					return fmt.Errorf("stage %d: %q saw %s = %v, and now %v", i, cmd, p, e, got[p])
				}
			}
		}
	}
	return nil
}

func same(a, b map[string]Entry) error {
	for p, e := range a {
		if g, ok := b[p]; !ok {
			return fmt.Errorf("%s (%v) is missing", p, e)
		} else if g != e {
			return fmt.Errorf("%s is %v instead of %v", p, g, e)
		}
	}
	for p, e := range b {
		if _, ok := a[p]; !ok {
			return fmt.Errorf("%s (%v) is new", p, e)
		}
	}
	return nil
}

type evaluator struct {
	file    *parse.File
	facts   *facts.Facts
	context fs.FS
	ignore  *patternmatcher.PatternMatcher
	stages  []*Stage
}

func (ev *evaluator) stage(st *facts.Stage) error {
	s := &Stage{Files: map[string]Entry{}, Seen: map[string]map[string]Entry{}}
	if st.Parent != nil {
		for p, e := range ev.stages[st.Parent.Index].Files {
			s.Files[p] = e
		}
	} else {
		for _, d := range []string{"/", "/usr", "/usr/local", "/usr/bin", "/usr/local/bin", "/etc", "/tmp", "/var", "/opt", "/root", "/home", "/srv", "/bin", "/lib"} {
			s.Files[d] = Entry{From: "dir", Owner: "root"}
		}
	}
	ev.stages = append(ev.stages, s)
	ran := map[string]int{}
	for _, in := range st.Instructions {
		state := ev.facts.At(in)
		cwd := state.Workdir.S
		if !state.Workdir.Known {
			cwd = "/unknown"
		}
		user := "root"
		if state.User.Known {
			user = state.User.S
		} else if in.Name == "WORKDIR" || in.Name == "RUN" {
			user = "unknown"
		}
		switch in.Name {
		case "WORKDIR":
			w := ev.expand(in.Args.Value, in)
			s.mkdir(abs(cwd, w), user)
		case "COPY", "ADD":
			if err := ev.copy(s, st, in, cwd); err != nil {
				return err
			}
		case "RUN":
			ev.run(s, in, cwd, user, ran)
		}
	}
	return nil
}

func (ev *evaluator) expand(word string, in *parse.Instruction) string {
	if v := ev.facts.Expand(word, in); v.Known {
		return v.S
	}
	return strings.ReplaceAll(word, "/", "_")
}

func abs(cwd, p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join(cwd, p)
}

// mkdir makes a directory and its parents where they are missing.
func (s *Stage) mkdir(p, owner string) {
	for ; p != "/"; p = path.Dir(p) {
		if _, ok := s.Files[p]; ok {
			return
		}
		s.Files[p] = Entry{From: "dir", Owner: owner}
	}
}

// source is a tree to copy from.
type source func(p string) (kind string, children []string) // kind: "", "dir" or a name for the content

func (ev *evaluator) contextSource(p string) (string, []string) {
	p = strings.TrimPrefix(path.Clean("/"+p), "/")
	if p == "" {
		p = "."
	}
	if p != "." && ev.ignore != nil {
		if m, err := ev.ignore.MatchesOrParentMatches(p); err == nil && m {
			if !ev.ignore.Exclusions() {
				return "", nil
			}
			// Only as a way to what an exception brings back.
			if st, err := fs.Stat(ev.context, p); err != nil || !st.IsDir() {
				return "", nil
			}
			kind, children := ev.contextDir(p)
			if len(children) == 0 {
				return "", nil
			}
			return kind, children
		}
	}
	st, err := fs.Stat(ev.context, p)
	if err != nil {
		return "", nil
	}
	if st.IsDir() {
		return ev.contextDir(p)
	}
	return "context:" + p, nil
}

func (ev *evaluator) contextDir(p string) (string, []string) {
	entries, _ := fs.ReadDir(ev.context, p)
	var names []string
	for _, e := range entries {
		if kind, _ := ev.contextSource(path.Join(p, e.Name())); kind != "" {
			names = append(names, e.Name())
		}
	}
	return "dir", names
}

func stageSource(from *Stage, index int) source {
	return func(p string) (string, []string) {
		p = path.Clean("/" + p)
		e, ok := from.Files[p]
		if !ok {
			return fmt.Sprintf("stage:%d:%s", index, p), nil
		}
		if e.From != "dir" {
			return fmt.Sprintf("stage:%d:%s:%s", index, p, e.From), nil
		}
		var names []string
		for q := range from.Files {
			if path.Dir(q) == p && q != p {
				names = append(names, path.Base(q))
			}
		}
		slices.Sort(names)
		return "dir", names
	}
}

func (ev *evaluator) copy(s *Stage, st *facts.Stage, in *parse.Instruction, cwd string) error {
	v, err := parse.Typed(in.Node)
	if err != nil {
		return err
	}
	var sd instructions.SourcesAndDest
	var from, chown, chmod string
	var excludes []string
	parents, add := false, false
	switch c := v.(type) {
	case *instructions.CopyCommand:
		sd, from, chown, chmod, excludes, parents = c.SourcesAndDest, c.From, c.Chown, c.Chmod, c.ExcludePatterns, c.Parents
	case *instructions.AddCommand:
		sd, chown, chmod, excludes, add = c.SourcesAndDest, c.Chown, c.Chmod, c.ExcludePatterns, true
	}
	owner := "root"
	if chown != "" {
		owner = ev.expand(chown, in)
	}
	src := source(ev.contextSource)
	if from != "" {
		if ref := ev.facts.StageRef(ev.expand(from, in), st); ref != nil {
			src = stageSource(ev.stages[ref.Index], ref.Index)
		} else {
			src = func(p string) (string, []string) { return "image:" + from + ":" + p, nil }
		}
	}
	var exclude *patternmatcher.PatternMatcher
	if len(excludes) > 0 {
		if exclude, err = patternmatcher.New(excludes); err != nil {
			return err
		}
	}
	raw := ev.expand(sd.DestPath, in)
	dest := abs(cwd, raw)
	slash := raw == "." || raw == "" || strings.HasSuffix(raw, "/") || strings.HasSuffix(raw, "/.") || len(sd.SourcePaths)+len(sd.SourceContents) > 1
	put := putter{s: s, src: src, owner: owner, mode: chmod, exclude: exclude}
	for _, p := range sd.SourcePaths {
		p = ev.expand(p, in)
		if strings.Contains(p, "://") || strings.HasPrefix(p, "git@") {
			put.name("remote:"+p, path.Base(p), dest, slash)
			continue
		}
		if parents {
			put.parents(p, dest)
			continue
		}
		for _, m := range glob(src, p) {
			kind, _ := src(m)
			switch {
			case kind == "":
				return fmt.Errorf("%s is not in the build context", m)
			case kind == "dir":
				s.mkdir(dest, owner)
				put.contents(m, "", dest)
			case add && unpacks(m):
				s.mkdir(dest, owner)
				s.Files[path.Join(dest, "(unpacked "+m+")")] = Entry{From: kind, Owner: owner}
			default:
				put.name(kind, path.Base(m), dest, slash)
			}
		}
	}
	for _, c := range sd.SourceContents {
		put.name("heredoc:"+c.Data, path.Base(c.Path), dest, slash)
	}
	return nil
}

func unpacks(p string) bool {
	for _, ext := range []string{".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2"} {
		if strings.HasSuffix(p, ext) {
			return true
		}
	}
	return false
}

// glob expands wildcards, per path element.
func glob(src source, pattern string) []string {
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}
	}
	paths := []string{""}
	for _, part := range strings.Split(strings.Trim(path.Clean(pattern), "/"), "/") {
		var next []string
		for _, d := range paths {
			if !strings.ContainsAny(part, "*?[") {
				next = append(next, path.Join(d, part))
				continue
			}
			_, children := src(d)
			for _, c := range children {
				if ok, _ := path.Match(part, c); ok {
					next = append(next, path.Join(d, c))
				}
			}
		}
		paths = next
	}
	return slices.DeleteFunc(paths, func(p string) bool { kind, _ := src(p); return kind == "" })
}

// putter writes into a stage.
type putter struct {
	s           *Stage
	src         source
	owner, mode string
	exclude     *patternmatcher.PatternMatcher
}

// name puts a file at dest, or into it if it is a directory.
func (w *putter) name(kind, base, dest string, slash bool) {
	target := dest
	if slash || w.s.Files[dest].From == "dir" {
		target = path.Join(dest, base)
	}
	w.s.mkdir(path.Dir(target), w.owner)
	w.s.Files[target] = Entry{From: kind, Owner: w.owner, Mode: w.mode}
}

// contents puts what is in a directory below dest. Directories below the top
// get the owner of the copy even where they exist.
func (w *putter) contents(dir, rel, dest string) {
	_, children := w.src(path.Join(dir, rel))
	for _, c := range children {
		r := path.Join(rel, c)
		if w.exclude != nil {
			if m, err := w.exclude.MatchesOrParentMatches(r); err == nil && m {
				continue
			}
		}
		kind, _ := w.src(path.Join(dir, r))
		target := path.Join(dest, r)
		if kind == "dir" {
			w.s.mkdir(path.Dir(target), w.owner)
			w.s.Files[target] = Entry{From: "dir", Owner: w.owner}
			w.contents(dir, r, dest)
			continue
		}
		w.s.Files[target] = Entry{From: kind, Owner: w.owner, Mode: w.mode}
	}
}

// parents puts a source with its path below dest.
func (w *putter) parents(p, dest string) {
	base := ""
	if a, b, ok := strings.Cut(p, "/./"); ok {
		base, p = a, b
	}
	for _, m := range glob(w.src, path.Join(base, p)) {
		rel := strings.TrimPrefix(strings.TrimPrefix(m, base), "/")
		kind, _ := w.src(m)
		target := path.Join(dest, rel)
		if kind == "dir" {
			w.s.mkdir(target, w.owner)
			w.contents(m, "", target)
			continue
		}
		w.s.mkdir(path.Dir(target), w.owner)
		w.s.Files[target] = Entry{From: kind, Owner: w.owner, Mode: w.mode}
	}
}

// node are the manifests of Node's package managers.
var node = []string{
	"package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc", "yarn.lock", ".yarnrc", ".yarnrc.yml", "pnpm-lock.yaml", "pnpm-workspace.yaml", "bun.lock", "bunfig.toml",
}

// manifests are names of files that installs read, by command.
var manifests = map[string][]string{
	"npm": node[:4], "yarn": append([]string{"package.json", ".npmrc"}, node[4:7]...), "pnpm": append([]string{"package.json", ".npmrc"}, node[7:9]...),
	"bun": append([]string{"package.json", ".npmrc"}, node[9:]...), "pipenv": {"Pipfile", "Pipfile.lock"}, "poetry": {"pyproject.toml", "poetry.lock"},
	"uv": {"pyproject.toml", "uv.lock"}, "go": {"go.mod", "go.sum", "go.work"}, "bundle": {"Gemfile", "Gemfile.lock"}, "composer": {"composer.json", "composer.lock"},
	"mvn": {"pom.xml"}, "gradle": {"build.gradle", "settings.gradle", "build.gradle.kts"}, "mix": {"mix.exs", "mix.lock"}, "dart": {"pubspec.yaml", "pubspec.lock"},
	"flutter": {"pubspec.yaml", "pubspec.lock"}, "swift": {"Package.swift", "Package.resolved"}, "R": {"renv.lock", ".Rprofile", "renv/activate.R"}, "Rscript": {"renv.lock", ".Rprofile"},
}

// run notes a RUN's commands: each leaves a mark with its owner, those of Node
// a node_modules, and installs see manifests.
func (ev *evaluator) run(s *Stage, in *parse.Instruction, cwd, user string, ran map[string]int) {
	script := ev.facts.Script(in)
	var tree *syntax.File
	if script != nil {
		tree, _ = script.Parse()
	}
	if tree == nil {
		s.mark(ran, in.Args.Value, user)
		return
	}
	for _, c := range shell.Commands(tree) {
		text := strings.Join(strings.Fields(script.NodeText(c)), " ")
		s.mark(ran, text, user)
		words := shell.Literals(c)
		if len(words) == 0 {
			continue
		}
		if words[0] == "cd" && len(words) == 2 {
			cwd = abs(cwd, words[1])
		}
		seen := map[string]Entry{}
		look := func(p string) {
			if e, ok := s.Files[p]; ok {
				seen[p] = e
			}
		}
		for _, m := range manifests[words[0]] {
			look(path.Join(cwd, m))
		}
		for _, w := range words[1:] {
			_, v, _ := strings.Cut(w, "=")
			look(abs(cwd, w))
			look(abs(cwd, v))
		}
		switch words[0] {
		case "npm", "yarn", "pnpm", "bun":
			if !slices.Contains(words, "-g") && !slices.Contains(words, "global") && !slices.Contains(words, "--global") {
				s.Files[path.Join(cwd, "node_modules")] = Entry{From: "run:" + text, Owner: user}
				s.Seen[text] = seen
			}
		case "pip", "pip3", "python", "python3", "uv", "pipenv", "poetry", "bundle", "composer", "go", "mvn", "gradle", "dotnet", "mix", "dart", "flutter", "swift", "conda", "R", "Rscript":
			if slices.Contains(words, "-U") && slices.Contains(words, "pip") || !installs(words) {
				break
			}
			s.Seen[text] = seen
		}
	}
}

// installs reports whether a command's words read manifests.
func installs(words []string) bool {
	for _, w := range words {
		switch w {
		case "-r", "--requirement", "download", "restore", "deps.get", "get", "resolve", "sync", "renv::restore()", "-f", "dependency:go-offline", "dependencies":
			return true
		case "install":
			if words[0] != "pip" && words[0] != "pip3" && words[0] != "python" && words[0] != "python3" && words[0] != "go" && words[0] != "conda" {
				return true
			}
		}
	}
	return false
}

// mark leaves a trace of a command.
func (s *Stage) mark(ran map[string]int, text, user string) {
	ran[text]++
	s.Files[fmt.Sprintf("/(ran)/%s/%d", strings.ReplaceAll(text, "/", "∕"), ran[text])] = Entry{From: "run", Owner: user}
}
