package transform

import (
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/shell"
)

func init() {
	register(func() *Transform {
		return &Transform{
			Name: "dockerignore", Group: "metadata", Safety: Unsafe, Run: dockerignore,
			Doc: page{
				Summary: "Write a .dockerignore for what no build needs.",
				What:    "Where the whole build context is copied and it has no ignore file, a .dockerignore is written that leaves out version control, caches, installed dependencies and the Dockerfile itself, as far as the context has them.",
				Why:     "Whatever the context holds is sent to the builder, changes its cache, and ends up in the image.",
				Before:  "FROM node:20\nCOPY . /app",
				Instead: "An existing file is never changed. Installed dependencies are left out only if the Dockerfile installs them.",
				Safety:  "Unsafe: a build may read one of these files.",
				Refs:    []string{"https://docs.docker.com/build/concepts/context/#dockerignore-files", practicesURL + "#exclude-with-dockerignore"},
			}.doc("dockerignore"),
		}
	})
}

// ignorable are patterns for .dockerignore, each with what must be in the
// context for it, and the command that must be run for it to be left out.
var ignorable = []struct{ pattern, has, by string }{
	{".git", ".git", ""},
	{".svn", ".svn", ""},
	{".hg", ".hg", ""},
	{".github", ".github", ""},
	{".gitlab-ci.yml", ".gitlab-ci.yml", ""},
	{".vscode", ".vscode", ""},
	{".idea", ".idea", ""},
	{".DS_Store", ".DS_Store", ""},
	{"**/node_modules", "node_modules", "npm yarn pnpm bun"},
	{"npm-debug.log*", "npm-debug.log*", ""},
	{"**/__pycache__", "__pycache__", ""},
	{".venv", ".venv", "pip pip3 python python3 poetry uv pipenv"},
	{"venv", "venv", "pip pip3 python python3 poetry uv pipenv"},
	{".tox", ".tox", ""},
	{".pytest_cache", ".pytest_cache", ""},
	{".mypy_cache", ".mypy_cache", ""},
	{"target", "target/", "cargo mvn"},
	{".gradle", ".gradle", "gradle"},
	{"**/bin", "*.csproj", "dotnet"},
	{"**/obj", "*.csproj", "dotnet"},
	{"vendor/bundle", "vendor/bundle", "bundle"},
	{"_build", "_build", "mix"},
	{"deps", "mix.exs", "mix"},
	{"Dockerfile*", "Dockerfile*", ""},
	{"docker-compose*.yml", "docker-compose*.yml", ""},
	{"compose*.yaml", "compose*.yaml", ""},
}

func dockerignore(p *Pass) {
	ctx := p.Options.Context
	for _, in := range p.File.Instructions {
		c := p.Facts.Copy(in)
		if c == nil || !c.Local() || !slices.ContainsFunc(c.Sources, func(s facts.CopySource) bool { return s.Path.Known && s.Path.S == "." }) {
			continue
		}
		switch {
		case ctx == nil:
			p.Skip(in.Keyword.Span, "the build context is not in sight (--context)")
			return
		case ctx.HasIgnoreFile():
			return
		}
		commands := map[string]bool{}
		git := false
		for _, r := range p.Programs() {
			for _, c := range r.Cmds {
				commands[path.Base(shell.Name(c))] = true
			}
			git = git || strings.Contains(r.Script.Text(), "git")
		}
		names := ctx.List(".")
		var lines []string
		for _, ig := range ignorable {
			if ig.pattern == ".git" && git {
				continue
			}
			if ig.by != "" && !slices.ContainsFunc(strings.Fields(ig.by), func(n string) bool { return commands[n] }) {
				continue
			}
			has := slices.ContainsFunc(names, func(n string) bool {
				m, _ := path.Match(strings.TrimSuffix(ig.has, "/"), strings.TrimSuffix(n, "/"))
				return m && (!strings.HasSuffix(ig.has, "/") || strings.HasSuffix(n, "/"))
			}) || strings.Contains(ig.has, "/") && !strings.HasSuffix(ig.has, "/") && ctx.Exists(ig.has)
			if has && !p.namesSource(ig.pattern) {
				lines = append(lines, ig.pattern)
			}
		}
		if len(lines) == 0 {
			return
		}
		p.Report(Change{
			Title: "write a .dockerignore", At: in.Keyword.Span, Safety: Unsafe,
			Reason:     "the whole build context is copied, and nothing is left out: " + strings.Join(lines, ", "),
			Companions: []Companion{{Path: ".dockerignore", Content: []byte(strings.Join(lines, "\n") + "\n")}},
		})
		return
	}
}

// namesSource reports whether a COPY or ADD names what a pattern would leave
// out.
func (p *Pass) namesSource(pattern string) bool {
	base := strings.TrimPrefix(pattern, "**/")
	for _, in := range p.File.Instructions {
		c := p.Facts.Copy(in)
		if c == nil || c.From != "" {
			continue
		}
		for _, s := range c.Sources {
			for _, part := range strings.Split(s.Path.S, "/") {
				if m, _ := path.Match(base, part); m {
					return true
				}
			}
		}
	}
	return false
}
