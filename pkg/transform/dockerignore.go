package transform

import (
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/shell"
)

var _ = register(&dockerignoreTransform)

var dockerignoreTransform = Transform{
	Name: "dockerignore", Group: "metadata", Safety: Unsafe, Run: dockerignore,
	Doc: &page{
		Summary: "Write a .dockerignore for what no build needs.",
		What:    "Where the whole build context is copied and it has no ignore file, a .dockerignore is written that leaves out version control, caches, installed dependencies and the Dockerfile itself, as far as the context has them.",
		Why:     "Whatever the context holds is sent to the builder, changes its cache, and ends up in the image.",
		Before:  "FROM node:20\nCOPY . /app",
		Instead: "An existing file is changed only on request (`--dockerignore merge`, or `dockerignore = \"merge\"` in .refit.toml): then what it does not leave out yet is added at its end, except where one of its exceptions could mean it. Installed dependencies are left out only if the Dockerfile installs them.",
		Safety:  "Unsafe: a build may read one of these files.",
		Refs:    []string{"https://docs.docker.com/build/concepts/context/#dockerignore-files", practicesURL + "#exclude-with-dockerignore"},
	},
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
		}
		file, text, exceptions := ctx.IgnoreFile()
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
				return m && (!strings.HasSuffix(ig.has, "/") || strings.HasSuffix(n, "/")) && !ctx.Ignored(n)
			}) || strings.Contains(ig.has, "/") && !strings.HasSuffix(ig.has, "/") && ctx.Exists(ig.has)
			if has && !p.namesSource(ig.pattern) && !slices.ContainsFunc(exceptions, func(e string) bool { return namesPart(e, ig.pattern) }) {
				lines = append(lines, ig.pattern)
			}
		}
		if len(lines) == 0 {
			return
		}
		change := Change{
			Title: "write a .dockerignore", At: in.Keyword.Span, Safety: Unsafe,
			Reason: "the whole build context is copied, and nothing is left out: " + strings.Join(lines, ", "),
		}
		switch {
		case file == "":
			file = ".dockerignore"
		case p.Options.Dockerignore != "merge":
			p.Skip(in.Keyword.Span, "%s exists; with --dockerignore merge it would get %s", file, strings.Join(lines, ", "))
			return
		default:
			change.Title = "add to " + file
			change.Reason = "the whole build context is copied, and this is not left out: " + strings.Join(lines, ", ")
		}
		change.Companions = []Companion{{Path: file, Content: appendLines(text, lines)}}
		p.Report(change)
		return
	}
}

// appendLines adds lines to a text with its line ending.
func appendLines(text []byte, lines []string) []byte {
	eol := "\n"
	if strings.Contains(string(text), "\r\n") {
		eol = "\r\n"
	}
	out := slices.Clone(text)
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, eol...)
	}
	return append(out, strings.Join(lines, eol)+eol...)
}

// namesPart reports whether a path, which may have wildcards, could mean what a
// pattern leaves out: one of its parts matches the pattern's last, or is a
// pattern of its own.
func namesPart(p, pattern string) bool {
	base := strings.TrimPrefix(pattern, "**/")
	parts := strings.Split(strings.TrimPrefix(p, "/"), "/")
	for i, part := range parts {
		if m, _ := path.Match(base, part); m {
			return true
		}
		if m, _ := path.Match(part, base); m && part != "**" || part == "**" && i == len(parts)-1 {
			return true
		}
	}
	return strings.HasPrefix(base, p+"/")
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
