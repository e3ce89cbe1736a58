package absfs

import (
	"path"
	"strings"
	"testing/fstest"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

// Synthetic invents a build context for a Dockerfile: every local source
// exists, and whatever may be a directory holds sources, manifests and the
// files that commands name.
func Synthetic(src []byte) fstest.MapFS {
	out := fstest.MapFS{}
	f, err := parse.Parse(src)
	if err != nil {
		return out
	}
	ev := &evaluator{file: f, facts: facts.New(f, facts.Options{}), context: out}
	names := []string{"package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "requirements.txt", "Pipfile", "go.mod", "go.sum", "Gemfile", "Gemfile.lock",
		"composer.json", "pom.xml", "mix.exs", "main.src", "src/lib.src", "Pipfile.lock", "pyproject.toml", "uv.lock", "Package.swift", "pubspec.yaml"}
	for _, in := range f.Instructions {
		if in.Name != "RUN" {
			continue
		}
		s := ev.facts.Script(in)
		if s == nil {
			continue
		}
		tree, err := s.Parse()
		if err != nil {
			continue
		}
		for _, c := range shell.Commands(tree) {
			for _, w := range shell.Literals(c) {
				if strings.Contains(w, "requirement") || strings.HasSuffix(w, ".txt") || strings.HasSuffix(w, ".yml") || strings.HasSuffix(w, ".csproj") {
					names = append(names, path.Base(w))
				}
			}
		}
	}
	add := func(p string) {
		p = strings.TrimPrefix(path.Clean("/"+p), "/")
		if p != "" && !strings.ContainsAny(p, "*?[") {
			out[p] = &fstest.MapFile{Data: []byte(p)}
		}
	}
	for _, in := range f.Instructions {
		if in.Name != "COPY" && in.Name != "ADD" {
			continue
		}
		v, err := parse.Typed(in.Node)
		if err != nil {
			continue
		}
		var sources []string
		switch c := v.(type) {
		case *instructions.CopyCommand:
			if c.From != "" {
				continue
			}
			sources = c.SourcePaths
		case *instructions.AddCommand:
			sources = c.SourcePaths
		}
		for _, s := range sources {
			s = strings.ReplaceAll(ev.expand(s, in), "/./", "/")
			base := path.Base(s)
			switch {
			case strings.Contains(s, "://"):
			case s == "." || strings.HasSuffix(s, "/") || !strings.Contains(strings.TrimPrefix(base, "."), "."):
				for _, n := range names {
					add(path.Join(s, n))
				}
			default:
				add(s)
				add(strings.NewReplacer("*", "x", "?", "x").Replace(s))
			}
		}
	}
	// A file where a directory must be gives way.
	for p := range out {
		for d := path.Dir(p); d != "."; d = path.Dir(d) {
			delete(out, d)
		}
	}
	return out
}
