package transform

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/shell"
)

// fileServers are programs from npm that serve one folder and read nothing
// else.
var fileServers = []string{"serve", "http-server"}

// globalPackages returns the packages that a command of npm, yarn or pnpm
// installs for all projects, without their versions.
func globalPackages(c *buildCall) []string {
	if !slices.Contains([]string{"npm", "yarn", "pnpm"}, c.call.Name()) || !c.has("-g", "--global", "global") {
		return nil
	}
	var out []string
	for _, f := range c.call.Fields[1:] {
		if !f.Known || strings.HasPrefix(f.Text, "-") || slices.Contains([]string{"install", "i", "add", "global"}, f.Text) {
			continue
		}
		name := f.Text
		if i := strings.LastIndexByte(name, '@'); i > 0 {
			name = name[:i]
		}
		out = append(out, name)
	}
	return out
}

func noOutputs(*splitter, *buildCall) []string { return nil }

// nodeArtefact ships a folder that a file server serves, or one bundle that
// needs no modules.
func (s *splitter) nodeArtefact() string {
	argv := s.entry.argv
	name := argv[0].Text
	switch {
	case slices.Contains(fileServers, name):
		return s.served(name)
	case name == "node" && len(argv) > 1 && argv[1].Known && !strings.HasPrefix(argv[1].Text, "-"):
		return s.bundle(argv[1].Text)
	}
	return "the container starts " + name + ": only a folder that is served, or a bundle without modules, can be told apart"
}

// served ships the folder of a file server, and the server.
func (s *splitter) served(name string) string {
	if why := s.need(name, name); why != "" {
		return why
	}
	dir, skip := "", false
	for _, f := range s.entry.argv[1:] {
		switch {
		case skip:
			skip = false
		case !f.Known:
		case strings.HasPrefix(f.Text, "-"):
			skip = !strings.Contains(f.Text, "=") && slices.Contains([]string{"-l", "--listen", "-p", "--port", "-c", "--config", "-a", "-P", "--proxy"}, f.Text)
			if f.Text == "-c" && name == "serve" || f.Text == "--config" {
				return "the file server reads a config file"
			}
		case dir != "":
			return "the file server's arguments are not understood"
		default:
			dir = f.Text
		}
	}
	p := resolveIn(s.cwd, dir)
	if dir == "" || p == "" || p == s.cwd || p == "/" {
		return "it is not known which folder is served"
	}
	s.only = true
	s.ship = append(s.ship, shipped{p, p, false})
	return ""
}

// bundle ships a file into which a bundler has put all modules.
func (s *splitter) bundle(name string) string {
	t := s.tree(s.at)
	p := resolveIn(s.cwd, name)
	if t == nil || p == "" {
		return "without the build context it is not known which modules the program needs"
	}
	for _, b := range s.builds {
		script := b.script()
		if script == "" || b.cwd == "" {
			continue
		}
		data, ok := t.Read(path.Join(b.cwd, "package.json"))
		var pkg struct {
			Type    string
			Scripts map[string]string
		}
		if !ok || json.Unmarshal(data, &pkg) != nil {
			continue
		}
		if out := bundleOf(pkg.Scripts[script]); out == "" || path.Join(b.cwd, out) != p {
			continue
		}
		s.ship = append(s.ship, shipped{p, p, true})
		if pkg.Type != "" { // it decides how node reads the file
			s.add(shipped{path.Join(b.cwd, "package.json"), path.Join(b.cwd, "package.json"), true})
		}
		return ""
	}
	return "the program needs its modules at run time: no build script bundles them into " + name
}

// script is the name of the package script that a command runs, "" if none.
func (c *buildCall) script() string {
	words := c.call.Fields
	for i := 1; i < len(words); i++ {
		switch w := words[i].Text; {
		case strings.HasPrefix(w, "-"):
			return ""
		case w == "run" || w == "run-script":
		case i == 1 && c.call.Name() == "npm": // npm test, npm ci
			return ""
		case i != len(words)-1:
			return "" // arguments for the script
		default:
			return w
		}
	}
	return ""
}

// bundleOf returns the file that a package script of one command bundles
// everything into, "" if it does not.
func bundleOf(script string) string {
	f, err := shell.ParseText(script, shell.POSIX)
	if err != nil || len(f.Stmts) != 1 {
		return ""
	}
	call, ok := f.Stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 {
		return ""
	}
	bundle, node, out := false, false, ""
	for i, w := range call.Args {
		text, ok := shell.Literal(w)
		switch {
		case !ok:
			return ""
		case i == 0 && text != "esbuild":
			return ""
		case text == "--bundle":
			bundle = true
		case text == "--platform=node":
			node = true
		case strings.HasPrefix(text, "--outfile="):
			out = strings.TrimPrefix(text, "--outfile=")
		case strings.HasPrefix(text, "--external"), strings.HasPrefix(text, "--packages"), strings.HasPrefix(text, "--loader"), strings.HasPrefix(text, "--splitting"), strings.HasPrefix(text, "--outdir"):
			return ""
		}
	}
	if !bundle || !node || path.IsAbs(out) {
		return ""
	}
	return out
}
