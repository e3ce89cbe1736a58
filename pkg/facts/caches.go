package facts

import (
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/parse"
)

// Removes reports whether a command deletes the contents of a directory:
// rm with the directory, all in it, or a directory above it, or find -delete.
// The directory may start with ~/.
func (c *Call) Removes(dir string) bool {
	switch c.Name() {
	case "rm":
		for _, f := range c.Fields[1:] {
			if strings.HasPrefix(f.Text, "-") || !f.Known {
				continue
			}
			if covers(f.Text, dir) {
				return true
			}
		}
	case "find":
		deletes := slices.ContainsFunc(c.Fields, func(f Field) bool { return f.Text == "-delete" || f.Text == "rm" })
		// Only a search that leaves nothing out empties the directory.
		narrow := slices.ContainsFunc(c.Fields, func(f Field) bool {
			switch f.Text {
			case "-name", "-iname", "-path", "-regex", "-mtime", "-size", "-newer", "-not", "!":
				return true
			}
			return false
		})
		if deletes && !narrow {
			for _, f := range c.Fields[1:] {
				if strings.HasPrefix(f.Text, "-") {
					break
				}
				if f.Known && covers(f.Text, dir) {
					return true
				}
			}
		}
	}
	return false
}

// covers reports whether deleting a path, which may end in a glob, empties a
// directory.
func covers(p, dir string) bool {
	trimmed := strings.TrimSuffix(p, "/")
	for _, glob := range []string{"/*", "*", "/*_*", "/**", "/*.*"} {
		if base, ok := strings.CutSuffix(trimmed, glob); ok && !strings.ContainsAny(base, "*?[") {
			base = strings.TrimSuffix(base, "/")
			return base != "" && Below(dir, path.Clean(base))
		}
	}
	if strings.ContainsAny(trimmed, "*?[") {
		return false
	}
	return trimmed != "" && Below(dir, path.Clean(trimmed))
}

// Activity is what an instruction does with the lists and caches of a package
// manager.
type Activity struct {
	Uses    []*Invocation // of the manager, in order
	Needs   *Invocation   // the first that needs lists which the instruction has not fetched before, or nil
	Fetch   *Invocation   // the last that fetches lists, or nil
	Always  bool          // lists are fetched whatever happens
	Load    *Invocation   // the last that downloads into the caches, or nil
	Emptied bool          // the lists are deleted behind Fetch, whenever it ran
	Cleaned bool          // the caches are deleted behind Load, whenever it ran
	Wiped   bool          // the lists are deleted whatever happens
}

// Activity computes what an instruction does with a manager. What lies under
// a mount does not count as left behind: see MountCovers.
func (fs *Facts) Activity(in *parse.Instruction, m *Manager) Activity {
	key := activityKey{in.Index, m}
	a, ok := fs.activities[key]
	if !ok {
		if fs.activities == nil {
			fs.activities = map[activityKey]*Activity{}
		}
		found := fs.findActivity(in, m)
		a = &found
		fs.activities[key] = a
	}
	return *a
}

type activityKey struct {
	instruction int
	manager     *Manager
}

func (fs *Facts) findActivity(in *parse.Instruction, m *Manager) Activity {
	var a Activity
	calls := fs.Calls(in)
	for _, v := range fs.Invocations(in) {
		if v.Manager != m {
			continue
		}
		a.Uses = append(a.Uses, v)
		uncached := v.HasFlag(m.NoCache...) && m.Needs
		switch {
		case v.Role == Update || m.Needs && m.refreshes(v):
			if uncached && v.Role != Update {
				break
			}
			a.Fetch = v
			if _, helper := m.Helpers.Of(v.Name); !helper && v.Path.Always() {
				a.Always = true
			}
		case m.Needs && (v.Role == Install || v.Role == Upgrade || v.Role == Query):
			if a.Needs == nil && !uncached && !fetchedBefore(a.Uses, v) {
				a.Needs = v
			}
		}
		if m.Name == "apt" && v.Role == Install && scriptBefore(calls, a.Uses, v) {
			a.Fetch = v // or nothing could be installed
		}
		if v.Role == Install || v.Role == Upgrade || v.Role == Update && !m.Needs {
			a.Load = v
		}
	}
	for k := range calls {
		c := &calls[k]
		for _, dir := range m.Lists {
			if c.Removes(dir) || c.cleansLists(m) {
				if c.Path.Always() {
					a.Wiped = true
				}
				if a.Fetch != nil && k > a.Fetch.Seq && c.Path.Under(a.Fetch.Path) {
					a.Emptied = true
				}
			}
		}
		if a.Load == nil || k <= a.Load.Seq || !c.Path.Under(a.Load.Path) {
			continue
		}
		for _, dir := range m.Caches {
			if c.Removes(dir) {
				a.Cleaned = true
			}
		}
	}
	for _, v := range fs.Invocations(in) {
		if (v.Manager == m || slices.Contains(m.Kin, v.Manager.Name)) && v.Role == Clean && a.Load != nil && v.Seq > a.Load.Seq && v.Path.Under(a.Load.Path) {
			a.Cleaned = true
		}
	}
	return a
}

// scriptBefore reports whether a script that a shell reads from a pipe, as the
// ones that set up a package source, runs in front of an install, and nothing
// that fetches the lists runs between the two.
func scriptBefore(calls []Call, uses []*Invocation, v *Invocation) bool {
	for k := v.Seq - 1; k >= 0; k-- {
		if slices.ContainsFunc(uses, func(o *Invocation) bool { return o.Seq == k && (o.Role == Update || o.Role == Install) }) {
			return false
		}
		switch c := &calls[k]; c.Name() {
		case "sh", "bash", "dash", "ash":
			if !slices.ContainsFunc(c.Fields[1:], func(f Field) bool { return !strings.HasPrefix(f.Text, "-") || f.Text == "-c" }) {
				return true
			}
		}
	}
	return false
}

// cleansLists reports whether a command of the manager deletes its lists.
func (c *Call) cleansLists(m *Manager) bool {
	return m.Name == "apt" && len(c.Fields) > 1 && m.Called(c.Name()) && (c.Fields[1].Text == "distclean" || c.Fields[1].Text == "dist-clean")
}

// refreshes reports whether a call fetches the lists before it works: apk add
// -U, apk add --update-cache.
func (m *Manager) refreshes(v *Invocation) bool {
	if m.Name != "apk" || v.Role == Remove {
		return false
	}
	for _, f := range v.Flags {
		switch {
		case f.Text == "--update" || f.Text == "--update-cache":
			return true
		case strings.HasPrefix(f.Text, "-") && !strings.HasPrefix(f.Text, "--") && strings.Contains(f.Text, "U"):
			return true
		}
	}
	return v.HasFlag(m.NoCache...)
}

// FetchedBefore reports whether the lists that a use needs are fetched by an
// earlier one of the same instruction whenever it runs.
func (a *Activity) FetchedBefore(v *Invocation) bool { return fetchedBefore(a.Uses, v) }

func fetchedBefore(uses []*Invocation, v *Invocation) bool {
	for _, u := range uses {
		helper, _ := u.Manager.Helpers.Of(u.Name)
		provides := u.Role == Update && helper == Other || u.Manager.refreshes(u) && !u.HasFlag(u.Manager.NoCache...)
		if u.Seq < v.Seq && provides && u.Path.Under(v.Path) {
			return true
		}
	}
	return false
}

// Need is a place that needs what an earlier instruction left behind.
type Need struct {
	In    *parse.Instruction
	Doubt string // why it may need it; "" if it does
}

// NeededLater finds an instruction behind in that needs the package lists of a
// manager as they are there: a later RUN of the stage, of a stage that is FROM
// it, or that copies the directory from it, an ONBUILD trigger, the command of
// the container. ok is false if none does. A need beats a doubt.
func (fs *Facts) NeededLater(in *parse.Instruction, m *Manager) (n Need, ok bool) {
	st := fs.At(in).Stage
	seen := map[*Stage]bool{}
	fs.needs(st, st.position(in)+1, m, seen, &n)
	return n, n.In != nil
}

// needs searches a stage from an instruction on; it reports whether a definite
// need is found.
func (fs *Facts) needs(s *Stage, from int, m *Manager, seen map[*Stage]bool, n *Need) bool {
	doubt := func(in *parse.Instruction, why string) {
		if n.In == nil {
			*n = Need{in, why}
		}
	}
	for _, in := range s.Instructions[from:] {
		switch run := child(in); run.Name {
		case "RUN", "CMD", "ENTRYPOINT":
			calls := fs.Calls(in)
			if run.Name == "RUN" && run.Form != parse.Exec && calls == nil && mentions(run.Args.Value, m) {
				doubt(in, "it cannot be read")
				continue
			}
			a := fs.Activity(in, m)
			if a.Needs != nil {
				*n = Need{In: in}
				return true
			}
			if run.Name != "RUN" || in.Child != nil {
				continue
			}
			if !a.Always && len(m.Lists) > 0 {
				if name := runsScript(calls); name != "" {
					doubt(in, "the script "+name+" may install packages")
				}
			}
			if a.Always || a.Wiped {
				return false
			}
		}
	}
	if seen[s] {
		return false
	}
	seen[s] = true
	for _, c := range s.Children {
		if fs.needs(c, 0, m, seen, n) {
			return true
		}
	}
	for _, in := range s.copiers {
		r := fs.At(in).Stage
		if fs.copiesDir(in, m) && fs.needs(r, r.position(in)+1, m, seen, n) {
			return true
		}
	}
	return false
}

// mentions reports whether a text that is not understood names the manager.
func mentions(text string, m *Manager) bool {
	for _, c := range m.Commands {
		if strings.Contains(text, strings.TrimSuffix(c, "#")) {
			return true
		}
	}
	return false
}

// copiesDir reports whether a COPY takes the manager's lists.
func (fs *Facts) copiesDir(in *parse.Instruction, m *Manager) bool {
	if in.Name != "COPY" || in.Parent != nil || len(in.Words) < 2 {
		return false
	}
	for _, w := range in.Words[:len(in.Words)-1] {
		src := fs.Expand(w.Value, in)
		for _, dir := range m.Lists {
			if p := path.Join("/", src.S); src.Known && (p == "/" || p == "/*" || covers(p, dir)) {
				return true
			}
		}
	}
	return false
}

// runsScript returns the name of a shell script that the program runs and that
// it has not downloaded itself, or "". What such a script does is not known.
func runsScript(calls []Call) string {
	downloads := false
	for i := range calls {
		c := &calls[i]
		switch name := c.Name(); name {
		case "curl", "wget", "git":
			downloads = true
		case "sh", "bash", "dash", "ash", ".", "source":
			if len(c.Fields) > 1 && c.Fields[1].Known && !strings.HasPrefix(c.Fields[1].Text, "-") && !downloads && !quietScript(c.Fields[1].Text) {
				return path.Base(c.Fields[1].Text)
			}
		default:
			if !downloads && (strings.HasSuffix(name, ".sh") || strings.HasSuffix(name, ".bash")) {
				return name
			}
		}
	}
	return ""
}

// quietScript reports whether a file that a shell reads is known to install
// nothing.
func quietScript(p string) bool {
	switch base := path.Base(p); base {
	case "activate", "nvm.sh", ".bashrc", ".profile", "env", "environment", "os-release", "conda.sh", "setup.bash", "sdkman-init.sh", "rvm", "profile", "bashrc":
		return true
	}
	return false
}
