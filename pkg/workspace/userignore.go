package workspace

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// UserIgnore finds the ignore file that a user has for all repositories:
// git's core.excludesFile. git itself is asked, but only where a configuration
// file can have the setting: to start it takes longer than to format a file.
// See https://git-scm.com/docs/gitignore. It may be used by several
// goroutines.
type UserIgnore struct {
	Configs []string // git's configuration files of the machine and the user
	Default string   // the ignore file where the setting is not made; "" for none
	Ask     bool     // git is asked in any case

	mu    sync.Mutex
	known map[string]string // by repository
}

// For returns the ignore file that holds in the repository at root, or "".
// Without a repository root is "".
func (u *UserIgnore) For(root string) string {
	if u == nil {
		return ""
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	file, ok := u.known[root]
	if !ok {
		file = u.find(root)
		if u.known == nil {
			u.known = map[string]string{}
		}
		u.known[root] = file
	}
	return file
}

func (u *UserIgnore) find(root string) string {
	configs := u.Configs
	if root != "" {
		own, common := gitDirs(root)
		configs = append(configs[:len(configs):len(configs)], filepath.Join(common, "config"), filepath.Join(own, "config.worktree"))
	}
	ask := u.Ask
	for _, file := range configs {
		if ask {
			break
		}
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		data = bytes.ToLower(data)
		ask = bytes.Contains(data, []byte("excludesfile")) || bytes.Contains(data, []byte("[include"))
	}
	if !ask {
		return u.Default
	}
	dir := root
	if dir == "" {
		dir = "."
	}
	file, err := gitOutput(dir, "config", "--type=path", "--get", "core.excludesFile")
	if err != nil { // not set, or no git here
		return u.Default
	}
	if file != "" && !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	return file
}

// gitDirs are the folders of a work tree's own data and of those that it
// shares with other work trees: both root/.git, but for linked work trees and
// submodules. See https://git-scm.com/docs/gitrepository-layout.
func gitDirs(root string) (own, common string) {
	own = filepath.Join(root, ".git")
	data, err := os.ReadFile(own)
	if err != nil {
		return own, own
	}
	to, ok := strings.CutPrefix(strings.TrimRight(string(data), "\r\n"), "gitdir: ")
	if !ok {
		return own, own
	}
	own = within(root, to)
	if data, err = os.ReadFile(filepath.Join(own, "commondir")); err != nil {
		return own, own
	}
	return own, within(own, strings.TrimRight(string(data), "\r\n"))
}

func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
