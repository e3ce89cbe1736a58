package transform

import (
	"path"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

// npmTakesValue tells npm's options that take the next argument, see
// https://docs.npmjs.com/cli/using-npm/config.
func npmTakesValue(name string) bool {
	switch name {
	case "--prefix", "-C", "--registry", "--loglevel", "--cache", "--omit", "--include", "--only", "--also", "--userconfig", "--globalconfig",
		"--workspace", "-w", "--network-timeout", "--fetch-timeout", "--fetch-retries", "--fetch-retry-mintimeout", "--fetch-retry-maxtimeout", "--maxsockets", "--location", "--install-strategy", "--cwd", "--dir",
		"--filter", "-F", "--concurrency", "--child-concurrency", "--network-concurrency", "--mutex", "--store-dir", "--reporter", "--cache-folder", "--backend", "--modules-folder", "--config", "-c", "--before", "--node-linker",
		"--lockfile-dir", "--modules-dir", "--virtual-store-dir":
		return true
	}
	return false
}

// npmFlag notes what an option of npm, yarn, pnpm or bun does. It reports
// whether the option is understood.
func (u *use) npmFlag(in *facts.DepsInstall, global *bool, name string, v arg) bool {
	switch name {
	case "-g", "--global", "--location":
		*global = name != "--location" || v.s == "global"
	case "--prefix", "-C", "--cwd", "--dir":
		in.Dir = u.at(v.s)
	case "--frozen-lockfile", "--immutable", "--frozen-lock":
		in.Locked = v.s != "false"
	case "--no-frozen-lockfile", "--no-immutable", "--fix-lockfile":
		in.Locked = false
	case "--no-lockfile", "--no-package-lock", "--no-save":
		in.Locked = true
	case "--ignore-scripts":
		in.NoScripts = v.s != "false"
	case "--production", "--prod", "-P":
		in.NoDev = v.s != "false"
	case "--userconfig", "--globalconfig", "--config", "-c":
		u.path(v.s)
	case "--modules-folder", "--modules-dir", "--virtual-store-dir", "--lockfile-dir", "--install-links", "--filter", "-F", "--workspace", "-w", "--recursive", "-r":
		return false
	}
	return true
}

// node handles the install command of npm and its kin: args are the words
// behind the sub-command.
func (u *use) node(tool, sub string, args []arg, locked bool) {
	in := &facts.DepsInstall{Ecosystem: facts.EcosystemNamed(tool), Dir: path.Join("/", u.cwd), Cwd: u.cwd, Locked: locked}
	global, named, local := false, false, false
	ok := options(args, npmTakesValue, func(name string, v arg) bool { return u.npmFlag(in, &global, name, v) },
		func(a arg) bool {
			named = true
			if a.s == "." || strings.HasPrefix(a.s, "./") || strings.HasPrefix(a.s, "../") || strings.HasPrefix(a.s, "/") || strings.HasPrefix(a.s, "file:") || strings.HasSuffix(a.s, ".tgz") {
				local = true
			}
			return true
		})
	u.changes = u.changes || !global && (!ok || local)
	switch {
	case !ok:
		u.fail(tool + " " + sub + " with options that are not understood")
	case local:
		u.fail(tool + " " + sub + " of a local path")
	case global && named:
	case global:
		u.fail(tool + " " + sub + " of the project itself")
	case named:
		u.changes = true
		u.fail(tool + " " + sub + " of named packages, which rewrites package.json")
	default:
		if !u.cwdKnown && in.Dir == path.Join("/", u.cwd) {
			u.fail(tool + " " + sub + " in a working directory that is not known")
		}
		u.usage.cwd = true
		u.installs = append(u.installs, in)
	}
}

// behind splits off leading options of a command, as in npm --prefix web ci.
func behind(args []arg, valued func(name string) bool) (opts []arg, sub string, rest []arg) {
	i := 0
	for i < len(args) && args[i].known && strings.HasPrefix(args[i].s, "-") {
		if valued(args[i].s) {
			i++
		}
		i++
	}
	i = min(i, len(args))
	if i == len(args) {
		return args, "", nil
	}
	return args[:i], args[i].s, args[i+1:]
}

func (u *use) npm(args []arg) {
	opts, sub, rest := behind(args, npmTakesValue)
	all := append(append([]arg{}, opts...), rest...)
	switch sub {
	case "ci", "clean-install", "ic", "install-clean":
		u.node("npm", sub, all, true)
	case "install", "i", "in", "ins", "add", "isntall":
		u.node("npm", sub, all, false)
	case "cache", "set", "config", "-v", "--version", "version", "":
		for _, a := range all {
			if strings.Contains(a.s, "location") || sub == "version" && len(rest) > 0 {
				u.fail("npm " + sub)
			}
		}
	default:
		u.fail("npm " + sub)
	}
}

func (u *use) yarn(args []arg) {
	opts, sub, rest := behind(args, npmTakesValue)
	all := append(append([]arg{}, opts...), rest...)
	switch sub {
	case "", "install":
		for _, a := range all {
			if a.s == "--version" || a.s == "-v" {
				return
			}
		}
		u.node("yarn", "install", all, false)
	case "global":
		if len(rest) == 0 || rest[0].s != "add" {
			u.fail("yarn global")
			return
		}
		u.node("yarn", "global add", append([]arg{{s: "-g", known: true, certain: true}}, rest[1:]...), false)
	case "cache":
	default:
		u.fail("yarn " + sub)
	}
}

func (u *use) pnpm(args []arg) {
	opts, sub, rest := behind(args, npmTakesValue)
	all := append(append([]arg{}, opts...), rest...)
	switch sub {
	case "install", "i":
		u.node("pnpm", sub, all, false)
	case "add":
		u.node("pnpm", sub, all, false)
	case "config", "set", "store", "-v", "--version", "setup":
	default:
		u.fail("pnpm " + sub)
	}
}

func (u *use) bun(args []arg) {
	opts, sub, rest := behind(args, npmTakesValue)
	all := append(append([]arg{}, opts...), rest...)
	switch sub {
	case "install", "i", "add", "a":
		u.node("bun", sub, all, false)
	case "ci":
		u.node("bun", sub, all, true)
	case "-v", "--version":
	default:
		u.fail("bun " + sub)
	}
}
