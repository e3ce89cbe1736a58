package workspace

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Changes knows what differs between a revision and the files of a git
// repository.
type Changes struct {
	root  string
	base  string          // commit
	files map[string]bool // absolute path → true if git does not know the file
}

// ChangedSince asks git what differs in the repository around a directory
// between the files and a revision: the last commit that the revision and HEAD
// share, so that a branch is compared with where it began. New files that git
// does not ignore are changed.
func ChangedSince(dir, ref string) (*Changes, error) {
	root, err := gitOutput(dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	c := &Changes{root: root, files: map[string]bool{}}
	if c.base, err = gitOutput(dir, "merge-base", "--", ref, "HEAD"); err != nil {
		return nil, fmt.Errorf("%q is no revision that HEAD shares history with: %w", ref, err)
	}
	for _, q := range []struct {
		args []string
		new  bool
	}{
		{[]string{"diff", "--name-only", "-z", "--diff-filter=d", "--no-ext-diff", c.base, "--"}, false},
		{[]string{"ls-files", "--others", "--exclude-standard", "-z", "--full-name", ":/"}, true},
	} {
		out, err := gitOutput(root, q.args...)
		if err != nil {
			return nil, err
		}
		for _, name := range strings.Split(out, "\x00") {
			if name != "" {
				c.files[filepath.Join(root, filepath.FromSlash(name))] = q.new
			}
		}
	}
	return c, nil
}

// key is a path as the map has it. Symbolic links above the file are resolved,
// as git resolves them.
func (c *Changes) key(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
		abs = filepath.Join(dir, filepath.Base(abs))
	}
	return abs
}

// File reports whether a file changed.
func (c *Changes) File(path string) bool {
	_, ok := c.files[c.key(path)]
	return ok
}

// Lines returns the lines of a changed file that are new or different, as
// 1-based ranges, both ends included. all is true for a new file.
func (c *Changes) Lines(path string) (ranges [][2]int, all bool, err error) {
	key := c.key(path)
	fresh, ok := c.files[key]
	if !ok || fresh {
		return nil, fresh, nil
	}
	out, err := gitOutput(c.root, "diff", "-U0", "--no-color", "--no-ext-diff", c.base, "--", key)
	if err != nil {
		return nil, false, err
	}
	for line := range strings.Lines(out) {
		var start, count int
		_, plus, ok := strings.Cut(line, " +")
		if !strings.HasPrefix(line, "@@ ") || !ok {
			continue
		}
		if n, _ := fmt.Sscanf(plus, "%d,%d", &start, &count); n < 2 {
			count = 1
		}
		if start > 0 && count > 0 {
			ranges = append(ranges, [2]int{start, start + count - 1})
		}
	}
	return ranges, false, nil
}
