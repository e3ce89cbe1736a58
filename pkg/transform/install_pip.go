package transform

import (
	"path"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

// isPip reports whether a command name is pip's: pip, pip3, pip3.12.
func isPip(s string) bool {
	v, ok := strings.CutPrefix(s, "pip")
	return ok && strings.Trim(v, "0123456789.") == ""
}

// pipTakesValue tells pip's options that take a value, see
// https://pip.pypa.io/en/stable/cli/pip_install/.
func pipTakesValue(name string) bool {
	switch name {
	case "-r", "--requirement", "-c", "--constraint", "-e", "--editable", "-t", "--target", "--platform", "--python-version",
		"--implementation", "--abi", "--root", "--prefix", "--src", "--upgrade-strategy", "-C", "--config-settings", "--config-setting", "--global-option", "--install-option",
		"--no-binary", "--only-binary", "--progress-bar", "--root-user-action", "--report", "-i", "--index-url", "--pypi-url", "--extra-index-url",
		"-f", "--find-links", "--python", "--log", "--keyring-provider", "--proxy", "--retries", "--timeout", "--default-timeout", "--exists-action",
		"--trusted-host", "--cert", "--client-cert", "--cache-dir", "--use-feature", "--use-deprecated", "--resume-retries", "--group", "--build-constraint":
		return true
	}
	return false
}

// pip handles pip install.
func (u *use) pip(args []arg) {
	for len(args) > 0 && args[0].known && strings.HasPrefix(args[0].s, "-") && args[0].s != "--version" && args[0].s != "-V" && !pipTakesValue(args[0].s) {
		args = args[1:] // global options
	}
	if len(args) == 0 || !args[0].known {
		u.fail("pip")
		return
	}
	switch args[0].s {
	case "install", "download", "wheel":
	case "cache", "config", "list", "check", "show", "debug", "--version", "-V", "uninstall", "freeze":
		for _, a := range args {
			if a.s == "-r" || a.s == "--requirement" {
				u.fail("pip " + args[0].s)
			}
		}
		return
	default:
		u.fail("pip " + args[0].s)
		return
	}
	if args[0].s != "install" {
		u.fail("pip " + args[0].s)
		return
	}
	in := &facts.DepsInstall{Ecosystem: facts.EcosystemNamed("pip"), Dir: u.cwd, Cwd: u.cwd}
	for i, a := range args { // requirement files glued to their option
		if v, ok := strings.CutPrefix(a.s, "-r"); a.known && ok && v != "" && v[0] != '=' {
			args[i].s = "--requirement=" + v
		}
	}
	named := false
	why := "pip install"
	ok := options(args[1:], pipTakesValue, func(name string, v arg) bool {
		switch name {
		case "-r", "--requirement", "-c", "--constraint":
			if strings.Contains(v.s, "://") {
				return true
			}
			if !v.certain {
				why = "the requirements file, which --build-arg can change"
				return false
			}
			in.Files = append(in.Files, u.at(v.s))
		case "-e", "--editable":
			if !strings.Contains(v.s, "://") {
				why = "pip install -e " + v.s + ", which installs the project itself"
				return false
			}
			in.Writes = append(in.Writes, u.at("src"))
		case "-f", "--find-links":
			if !strings.Contains(v.s, "://") {
				u.path(v.s)
			}
		case "-t", "--target", "--prefix", "--root", "--src", "--report", "--log":
			in.Writes = append(in.Writes, u.at(v.s))
		case "--group", "--build-constraint", "--python":
			why = "pip install " + name
			return false
		case "--cert", "--client-cert":
			u.path(v.s)
		}
		return true
	}, func(a arg) bool {
		named = true
		s := a.s
		if _, url, cut := strings.Cut(s, "@"); cut && strings.HasPrefix(strings.TrimSpace(url), "file:") {
			why = "pip install " + s
			return false
		}
		name, _, _ := strings.Cut(s, "[")
		if strings.Contains(s, "://") && !strings.HasPrefix(s, "file:") {
			return true
		}
		if strings.HasPrefix(name, ".") || strings.Contains(name, "/") && !strings.ContainsAny(name, "=<>@") || strings.HasPrefix(s, "file:") ||
			strings.HasSuffix(s, ".whl") || strings.HasSuffix(s, ".tar.gz") || strings.HasSuffix(s, ".zip") {
			if path.Clean(name) == "." || strings.HasPrefix(name, "..") {
				why = "pip install " + s + ", which installs the project itself"
			} else {
				why = "pip install " + s + ", which is a local package"
			}
			return false
		}
		return true
	})
	if !ok {
		u.changes = true
		u.fail(why)
		return
	}
	switch {
	case len(in.Files) > 0:
		u.installs = append(u.installs, in)
	case named || len(args) <= 1:
		u.paths = append(u.paths, in.Writes...)
	}
}
