package transform

import (
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

// disturbs says what a part does to the shell or the working directory that
// the next RUN would start with afresh, or "": BuildKit starts the shell that is
// there then, and makes the working directory if it is not there.
func (p *Pass) disturbs(m *mergePart) string {
	if why := p.changesUser(m); why != "" {
		return why
	}
	calls := p.Facts.Calls(m.In)
	for i := range calls {
		c := &calls[i]
		if replacesShell(c, m.State.Shell.Argv) {
			return "the one before replaces the shell that runs it"
		}
		if w := m.State.Workdir; w.Known && takesAway(c, w.S) {
			return "the one before deletes its working directory, which is made again for it"
		}
	}
	return ""
}

// replacesShell reports whether a command may put another program in the place of
// the shell: rm /bin/sh && ln -s /bin/bash /bin/sh, dpkg-reconfigure dash.
func replacesShell(c *facts.Call, argv []string) bool {
	name := c.Name()
	switch name {
	case "ln", "mv", "cp", "rm", "install", "update-alternatives", "alternatives", "dpkg-divert":
	case "dpkg-reconfigure":
		return slices.ContainsFunc(c.Fields[1:], func(f facts.Field) bool { return f.Text == "dash" })
	default:
		return false
	}
	sh := "sh"
	if len(argv) > 0 {
		sh = path.Base(argv[0])
	}
	operands := slices.DeleteFunc(slices.Clone(c.Fields[1:]), func(f facts.Field) bool { return strings.HasPrefix(f.Text, "-") })
	for i, f := range operands {
		dir := path.Dir(f.Text)
		if path.Base(f.Text) != sh || dir != "/bin" && dir != "/usr/bin" && dir != "." {
			continue
		}
		// What is copied from, or linked to, stays as it is.
		if (name == "cp" || name == "ln" || name == "install") && i == 0 && len(operands) > 1 {
			continue
		}
		return true
	}
	return false
}

// takesAway reports whether a command deletes or moves a directory, by its
// name or with one above it.
func takesAway(c *facts.Call, dir string) bool {
	if n := c.Name(); dir == "/" || n != "rm" && n != "mv" && n != "rmdir" {
		return false
	}
	for _, f := range c.Fields[1:] {
		if strings.HasPrefix(f.Text, "-") {
			continue
		}
		p := strings.TrimSuffix(f.Text, "/")
		if !path.IsAbs(p) {
			// Relative to what a cd may have chosen.
			if p == ".." || path.Base(path.Clean(p)) == path.Base(dir) {
				return true
			}
			continue
		}
		glob := strings.ContainsAny(p, "*?[")
		for strings.ContainsAny(p, "*?[") {
			p = path.Dir(p)
		}
		if facts.Below(dir, path.Clean(p)) && (!glob || dir != path.Clean(p)) {
			return true
		}
	}
	return false
}
