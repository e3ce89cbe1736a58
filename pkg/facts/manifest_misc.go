package facts

import (
	"cmp"
	"encoding/json"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/refit-dev/refit/internal/lazy"
)

var (
	ecoMix = Ecosystem{
		Name: "mix", Project: "mix.exs", Optional: []string{"mix.lock"}, Lock: []string{"mix.lock"},
		Guess: []string{"mix.exs", "mix.lock*"}, Writes: []string{"deps", "_build"}, inspect: inspectMix,
	}
	ecoPub = Ecosystem{
		Name: "pub", Project: "pubspec.yaml", Optional: []string{"pubspec.lock", "pubspec_overrides.yaml"}, Lock: []string{"pubspec.lock"},
		Guess: []string{"pubspec.*"}, Writes: []string{".dart_tool", ".packages", ".flutter-plugins", ".flutter-plugins-dependencies"}, inspect: inspectPub,
	}
	ecoSwift = Ecosystem{
		Name: "swift", Project: "Package.swift", Optional: []string{"Package.resolved"}, Lock: []string{"Package.resolved"},
		Guess: []string{"Package.swift", "Package.resolved*"}, Writes: []string{".build"}, inspect: inspectSwift,
	}
	ecoRenv = Ecosystem{
		Name: "renv", Project: "renv.lock", Optional: []string{".Rprofile", "renv/activate.R", "renv/settings.json", "renv/settings.dcf"}, Lock: []string{"renv.lock"},
		Writes: []string{"renv/library", "renv/staging"}, inspect: inspectRenv,
	}
)

// mixReads finds what makes a mix.exs read other files.
var mixReads = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp {
	return regexp.MustCompile(`\b(?:File|Path|Code|System\.cmd|EEx|import_file)\b|\bpath:|apps_path|in_umbrella`)
}}

func inspectMix(t *Tree, in *DepsInstall, n *Needs) {
	p := path.Join(in.Dir, "mix.exs")
	data, _ := t.Read(p)
	for line := range strings.SplitSeq(string(data), "\n") {
		line, _, _ = strings.Cut(line, "#")
		if mixReads.Get().MatchString(line) {
			n.stop("%s may read other files: %s", t.rel(p), strings.TrimSpace(line))
			return
		}
	}
	if t.Exists(path.Join(in.Dir, "config", "config.exs")) {
		// Every task loads it.
		n.dir(path.Join(in.Dir, "config"))
	}
	if l := in.lock(t); l != "" && !in.Locked {
		n.doubt("the install may rewrite %s, which the sources then bring back as it is in the build context", t.rel(l))
	}
}

func inspectPub(t *Tree, in *DepsInstall, n *Needs) {
	p := path.Join(in.Dir, "pubspec.yaml")
	data, _ := t.Read(p)
	var s struct {
		Dependencies map[string]any
		Dev          map[string]any `yaml:"dev_dependencies"`
		Overrides    map[string]any `yaml:"dependency_overrides"`
		Workspace    []string
		Resolution   string
		Flutter      struct {
			Generate bool
		}
	}
	if err := yaml.Unmarshal(data, &s); err != nil {
		n.stop("%s is not understood: %v", t.rel(p), err)
		return
	}
	if len(s.Workspace) > 0 || s.Resolution != "" {
		n.stop("%s is part of a workspace", t.rel(p))
	}
	if s.Flutter.Generate {
		n.stop("%s generates code when packages are fetched", t.rel(p))
	}
	for _, deps := range []map[string]any{s.Dependencies, s.Dev, s.Overrides} {
		for _, name := range sortedAny(deps) {
			spec, _ := deps[name].(map[string]any)
			rel, ok := spec["path"].(string)
			if !ok {
				continue
			}
			if dir := join(in.Dir, rel); t.IsDir(dir) && !Within(in.Dir, dir) {
				n.dir(dir)
			} else {
				n.stop("%s takes %s from %s", t.rel(p), name, rel)
			}
		}
	}
	if l := in.lock(t); l != "" && !in.Locked {
		n.doubt("the install may rewrite %s, which the sources then bring back as it is in the build context", t.rel(l))
	}
}

func inspectSwift(t *Tree, in *DepsInstall, n *Needs) {
	p := path.Join(in.Dir, "Package.swift")
	data, _ := t.Read(p)
	if strings.Contains(string(data), ".package(path:") || strings.Contains(string(data), ".package(name:") && strings.Contains(string(data), "path:") {
		n.stop("%s takes a package from a path", t.rel(p))
	}
	if strings.Contains(string(data), "import Foundation") {
		n.doubt("%s is a program, which may read other files", t.rel(p))
	}
	if l := in.lock(t); l != "" && !in.Locked {
		n.doubt("the install may rewrite %s, which the sources then bring back as it is in the build context", t.rel(l))
	}
}

// inspectRenv: the project's .Rprofile runs whenever R starts. renv's own
// sources renv/activate.R and nothing else. See
// https://rstudio.github.io/renv/articles/docker.html.
func inspectRenv(t *Tree, in *DepsInstall, n *Needs) {
	p := path.Join(in.Dir, ".Rprofile")
	data, ok := t.Read(p)
	if ok && strings.TrimSpace(string(data)) != `source("renv/activate.R")` {
		n.stop("%s runs whenever R starts, and does more than to activate renv", t.rel(p))
		return
	}
	// Packages from files of the project, see
	// https://rstudio.github.io/renv/articles/package-sources.html#cellar.
	if cellar := path.Join(in.Dir, "renv", "cellar"); t.IsDir(cellar) {
		n.dir(cellar)
	}
	p = path.Join(in.Dir, "renv.lock")
	data, _ = t.Read(p)
	var lock struct {
		Packages map[string]struct {
			Source    string
			RemoteURL string `json:"RemoteUrl"`
		}
	}
	if err := json.Unmarshal(data, &lock); err != nil {
		n.stop("%s is not understood: %v", t.rel(p), err)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(lock.Packages)) {
		if pkg := lock.Packages[name]; strings.EqualFold(pkg.Source, "local") {
			n.stop("%s takes %s from %s", t.rel(p), name, cmp.Or(pkg.RemoteURL, "a file"))
		}
	}
}
