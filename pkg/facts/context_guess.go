package facts

import (
	"path"
	"strings"
)

// projectFiles are names that tell a project's folder.
var projectFiles = []string{
	".dockerignore", ".git", "package.json", "requirements*.txt", "pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "manage.py", "environment.yml",
	"go.mod", "Gemfile", "composer.json", "Cargo.toml", "pom.xml", "build.gradle*", "*.sln", "*.csproj", "mix.exs", "pubspec.yaml", "Package.swift", "renv.lock",
	"Makefile", "CMakeLists.txt",
}

// LooksLikeContext reports whether a folder can be the build context of the
// Dockerfile: everything that COPY and ADD name is there, and where they only
// name the folder as a whole, it looks like a project. Nothing to copy: it may
// be any folder, so false.
func (fs *Facts) LooksLikeContext(c *Context) bool {
	named, whole := false, false
	for _, st := range fs.Stages {
		for _, in := range st.Instructions {
			cp := fs.Copy(in)
			if cp == nil || cp.From != "" {
				continue
			}
			for _, s := range cp.Sources {
				switch {
				case s.Kind != LocalSource || !s.Path.Known:
				case s.Path.S == ".":
					whole = true
				case s.Glob:
					dir, _ := path.Split(s.Path.S)
					if !hasWildcards(dir) && dir != "" && !c.IsDir(dir) {
						return false
					}
				case !c.Exists(s.Path.S):
					return false
				default:
					named = true
				}
			}
		}
	}
	if named {
		return true
	}
	if !whole {
		return false
	}
	for _, n := range c.List(".") {
		for _, p := range projectFiles {
			if ok, _ := path.Match(p, strings.TrimSuffix(n, "/")); ok {
				return true
			}
		}
	}
	return c.HasIgnoreFile()
}
