package facts

import (
	"path"
	"slices"
	"strings"
)

// Role is what a sub-command of a package manager does, as far as transforms
// care.
type Role uint8

// The roles.
const (
	Other   Role = iota
	Update       // fetches package lists
	Install      // downloads and installs
	Upgrade      // downloads and installs newer versions
	Remove       // removes packages
	Clean        // empties caches
	Query        // reads package lists
)

// Manager is a row of the table of package managers: what a transform must
// know to find its invocations and its caches. Paths of caches start with ~/
// where they lie in the home of the user who runs it.
type Manager struct {
	Name     string
	Commands []string // names it is called by; one that ends in # takes a version: pip#, pip3.12
	Module   string   // Python module: python3 -m pip
	Verbs    Roles    // sub-commands; those of two words with a blank between
	Bare     Role     // without any sub-command: plain yarn installs
	Letters  Roles    // sub-commands are capital short options: pacman -Sy
	Args     []string // options that take a separate argument
	Yes      []string // options that answer its questions; those with one dash also in clusters
	Assume   string   // the option to add for that
	NoCache  []string // options that keep it from caching; the first is the one to add
	Env      []string // variables that keep it from caching, or place the cache elsewhere
	Lists    []string // directories of package lists
	Caches   []string // directories of downloads and other caches
	Shared   []string // cache directories that other tools use too: only a mount covers them
	Needs    bool     // Install fails where lists are missing: it does not fetch them itself
	Helpers  Roles    // other commands that fetch or need the lists
	Mounts   []string // directories for cache mounts, so that neither lists nor downloads reach a layer
	Keep     string   // the option that makes it keep downloads in a mounted cache
	Cleanup  string   // the command that empties Caches
	System   bool     // works on the whole system as root
	Kin      []string // managers whose Clean empties these caches too
	Offline  []string // options that make it depend on caches from before
	Families []Family // base images that have it
	Images   []string // base images that have it, by repository
	OldBases []string // parts of image references whose version lacks NoCache
}

// Roles are words with what they do. Unlike a map, the linker lays them out.
type Roles []struct {
	Word string
	Role Role
}

// Of returns the role of a word, Other and false where it has none.
func (r Roles) Of(word string) (Role, bool) {
	for i := range r {
		if r[i].Word == word {
			return r[i].Role, true
		}
	}
	return Other, false
}

// Managers is the table, see [Manager].
func Managers() []*Manager { return managers }

// ManagerNamed returns the row with a name, or nil.
func ManagerNamed(name string) *Manager {
	for _, m := range managers {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Called reports whether a command word, its directory aside, calls the
// manager.
func (m *Manager) Called(word string) bool {
	for _, c := range m.Commands {
		if stem, ok := strings.CutSuffix(c, "#"); ok {
			if rest, ok := strings.CutPrefix(word, stem); ok && strings.Trim(rest, "0123456789.-") == "" {
				return true
			}
		} else if c == word {
			return true
		}
	}
	return false
}

// HasYes reports whether a word is an option that answers the manager's
// questions, alone or in a cluster of short options.
func (m *Manager) HasYes(word string) bool {
	for _, y := range m.Yes {
		if word == y {
			return true
		}
		if len(y) == 2 && y[0] == '-' && len(word) > 2 && word[0] == '-' && word[1] != '-' && strings.IndexByte(word[1:], y[1]) >= 0 {
			return !strings.Contains(word, "=")
		}
	}
	return false
}

// Old reports whether a base image's version of the manager does not know its
// NoCache option.
func (m *Manager) Old(s *Stage) bool {
	ref := strings.ToLower(s.Base().S)
	repo, tag, _ := SplitReference(ref)
	for _, o := range m.OldBases {
		name, version, _ := strings.Cut(o, ":")
		if (repo == name || strings.HasSuffix(repo, "/"+name)) && (tag == version || strings.HasPrefix(tag, version+"-") || strings.HasPrefix(tag, version+".")) {
			return true
		}
		if name == "" && (hasPart(tag, version) || hasPart(repo, version)) && repo != "python" && repo != "node" {
			return true
		}
	}
	return false
}

// Base is the reference of the image that the stage is built on, through its
// parents.
func (s *Stage) Base() Value { return s.root.Image }

// Root reports whether a user name or number, group aside, is root's.
func Root(user string) bool {
	u, _, _ := strings.Cut(user, ":")
	return u == "root" || u == "0"
}

// MountCovers reports whether a --mount of the instruction (a cache, a tmpfs, a
// bind) lies on a directory or above it, so that what is written there never
// reaches the layer. home is the user's home directory, "" if unknown; a cache
// mount that ends like a path in the home covers it then.
func (fs *Facts) MountCovers(mounts []Mount, dir, home string) bool {
	for _, m := range mounts {
		target := strings.TrimSuffix(m.Target, "/")
		if m.Type == "secret" || m.Type == "ssh" || target == "" {
			continue
		}
		for _, d := range homes(dir, home) {
			if Below(d, target) {
				return true
			}
		}
		if rest, ok := strings.CutPrefix(dir, "~/"); ok && (strings.HasSuffix(target, "/"+rest) || rest != path.Base(rest) && strings.HasSuffix(target, "/"+path.Dir(rest))) {
			return true
		}
	}
	return false
}

// homes gives the directories that a path with a tilde may mean.
func homes(dir, home string) []string {
	rest, ok := strings.CutPrefix(dir, "~/")
	if !ok {
		return []string{dir}
	}
	if home != "" {
		return []string{path.Join(home, rest)}
	}
	return []string{path.Join("/root", rest)}
}

// Below reports whether a path is dir or lies below it.
func Below(p, dir string) bool {
	if p == dir || dir == "/" {
		return true
	}
	dir = strings.TrimSuffix(dir, "/")
	return len(p) > len(dir) && p[len(dir)] == '/' && p[:len(dir)] == dir
}

// Home is the home directory of the user at an instruction: what ENV HOME
// says, /root for root; "" if unknown.
func (fs *Facts) Home(st *State) string {
	if v, ok := st.env.lookup("HOME"); ok {
		if v.Certain() {
			return v.S
		}
		return ""
	}
	if st.User.Known && Root(st.User.S) {
		return "/root"
	}
	return ""
}

// HasVariable reports whether ENV or ARG sets one of the variables, or a ENV of
// a parent stage does.
func (st *State) HasVariable(names ...string) (string, bool) {
	var newest *env
	for _, n := range names {
		if e := st.env.find(n); e != nil && (newest == nil || e.depth > newest.depth) {
			newest = e
		}
	}
	if newest == nil {
		return "", false
	}
	return newest.name, true
}

// Comes reports whether the stage's base image is known to have the manager.
func (m *Manager) Comes(s *Stage) bool {
	if slices.Contains(m.Families, s.Family) {
		return true
	}
	repo, _, _ := SplitReference(strings.ToLower(s.Base().S))
	return slices.Contains(m.Images, repo)
}
