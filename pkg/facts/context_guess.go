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

// GuessContext opens a folder and returns it as a context if it can be the
// Dockerfile's build context: everything that COPY and ADD name is there, and
// where they only name the folder as a whole, it looks like a project. Nothing
// to copy: it may be any folder, so nil. open may return nil; it is not called
// before there is something to look for.
func (fs *Facts) GuessContext(open func() *Context) *Context {
	named, whole := false, false
	var c *Context
	look := func() bool { // opens the folder when the first path is looked up
		if c == nil {
			c = open()
		}
		return c != nil
	}
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
					if !hasWildcards(dir) && dir != "" && !(look() && c.IsDir(dir)) {
						return nil
					}
				case !look() || !c.Exists(s.Path.S):
					return nil
				default:
					named = true
				}
			}
		}
	}
	if named {
		return c
	}
	if !whole || !look() {
		return nil
	}
	for _, n := range c.List(".") {
		for _, p := range projectFiles {
			if ok, _ := path.Match(p, strings.TrimSuffix(n, "/")); ok {
				return c
			}
		}
	}
	if c.HasIgnoreFile() {
		return c
	}
	return nil
}
