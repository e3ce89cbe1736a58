package facts

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// Context is a build context: the files that COPY and ADD can see, less what
// its .dockerignore excludes. Reading is bounded: single files up to maxRead,
// directories only when asked for. What it has looked up it remembers, so that
// a Context is a view of one moment; it may be used by several goroutines.
type Context struct {
	fsys   fs.FS
	ignore *patternmatcher.PatternMatcher
	file   string // the ignore file's path, "" without one
	text   []byte // its content

	mu      sync.Mutex
	ignored map[string]ignored
	stats   map[string]fs.FileInfo // nil for what is not there
	links   map[string]bool        // whether it is a symbolic link, or not there
	reads   map[string][]byte      // small files
	held    int                    // bytes in reads
}

// ignored is what the ignore file says about a path.
type ignored struct {
	is   bool
	info patternmatcher.MatchInfo // for what is below
}

// Bounds of what a Context remembers.
const (
	maxPaths     = 100_000  // in each map; one that is full starts anew
	maxHeld      = 16 << 20 // bytes of small files
	maxHeldSmall = 64 << 10 // a small file, in bytes
)

// remember puts a value into one of a Context's maps.
func remember[V any](m *map[string]V, key string, v V) {
	if *m == nil || len(*m) >= maxPaths {
		*m = map[string]V{}
	}
	(*m)[key] = v
}

// maxRead is the largest file that is read from a context, in bytes.
const maxRead = 4 << 20

// NewContext returns the context of a file system. dockerfile is the
// Dockerfile's slash-separated path in it, or "": DOCKERFILE.dockerignore wins
// over .dockerignore, see
// https://docs.docker.com/build/concepts/context/#filename-and-location. An
// ignore file that cannot be parsed is an error.
func NewContext(fsys fs.FS, dockerfile string) (*Context, error) {
	c := &Context{fsys: fsys}
	names := []string{".dockerignore"}
	if dockerfile != "" {
		names = []string{dockerfile + ".dockerignore", ".dockerignore"}
	}
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			continue
		}
		patterns, err := ignorefile.ReadAll(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		c.ignore, err = patternmatcher.New(patterns)
		if err != nil {
			return nil, err
		}
		c.file, c.text = name, data
		break
	}
	return c, nil
}

// clean gives a source path of COPY as a path in the context.
func clean(p string) string {
	p = strings.TrimPrefix(path.Clean("/"+p), "/")
	if p == "" {
		return "."
	}
	return p
}

// Ignored reports whether .dockerignore excludes a path.
func (c *Context) Ignored(p string) bool {
	p = clean(p)
	if c.ignore == nil || p == "." {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.match(p).is
}

// match asks the ignore file about a path, as BuildKit does: from the top down,
// since a pattern that matches a directory matches what is below. See
// https://github.com/tonistiigi/fsutil/blob/a72de9dcf763/filter.go#L254.
func (c *Context) match(p string) ignored {
	if p == "." {
		return ignored{}
	}
	ig, ok := c.ignored[p]
	if !ok {
		var err error
		if ig.is, ig.info, err = c.ignore.MatchesUsingParentResults(p, c.match(path.Dir(p)).info); err != nil {
			ig = ignored{}
		}
		remember(&c.ignored, p, ig)
	}
	return ig
}

// stat returns what a path names, links followed, and nil for nothing.
func (c *Context) stat(p string) fs.FileInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	st, ok := c.stats[p]
	if !ok {
		var err error
		if st, err = fs.Stat(c.fsys, p); err != nil {
			st = nil
		}
		remember(&c.stats, p, st)
	}
	return st
}

// HasIgnoreFile reports whether the context has an ignore file.
func (c *Context) HasIgnoreFile() bool { return c.ignore != nil }

// IgnoreFile returns the ignore file's path in the context, its content, and its
// exceptions, without the exclamation mark; "" where there is none.
func (c *Context) IgnoreFile() (file string, text []byte, exceptions []string) {
	if c.ignore != nil {
		for _, p := range c.ignore.Patterns() {
			if p.Exclusion() {
				exceptions = append(exceptions, p.String())
			}
		}
	}
	return c.file, c.text, exceptions
}

// Exists reports whether a build would see a file or directory.
func (c *Context) Exists(p string) bool {
	if c.Ignored(p) {
		return false
	}
	return c.stat(clean(p)) != nil
}

// IsDir reports whether a path is a directory that a build would see.
func (c *Context) IsDir(p string) bool {
	if c.Ignored(p) {
		return false
	}
	st := c.stat(clean(p))
	return st != nil && st.IsDir()
}

// Read returns a file that a build would see. ok is false for directories,
// ignored and missing files, and files over 4 MiB.
func (c *Context) Read(p string) (data []byte, ok bool) {
	if c.Ignored(p) {
		return nil, false
	}
	p = clean(p)
	c.mu.Lock()
	data, ok = c.reads[p]
	c.mu.Unlock()
	if ok {
		return data, true
	}
	f, err := c.fsys.Open(p)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() || st.Size() > maxRead {
		return nil, false
	}
	if data, err = io.ReadAll(io.LimitReader(f, maxRead)); err != nil {
		return nil, false
	}
	if c.mu.Lock(); len(data) <= maxHeldSmall && c.held+len(data) <= maxHeld && len(c.reads) < maxPaths {
		remember(&c.reads, p, data)
		c.held += len(data)
	}
	c.mu.Unlock()
	return data, true
}

// List returns the names of the entries of a directory that a build would
// see, sorted, at most 10,000; directories end in a slash.
func (c *Context) List(dir string) []string {
	names, _ := c.list(dir)
	return names
}

// maxList is the number of entries of one directory that are looked at.
const maxList = 10000

// list is List that also tells whether it saw the whole directory.
func (c *Context) list(dir string) (names []string, complete bool) {
	dir = clean(dir)
	f, err := c.fsys.Open(dir)
	if err != nil {
		return nil, errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	rd, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil, false
	}
	entries, err := rd.ReadDir(maxList)
	if err == io.EOF {
		err = nil
	}
	var out []string
	for _, e := range entries {
		if c.Ignored(path.Join(dir, e.Name())) && !(e.IsDir() && c.ignore.Exclusions()) {
			continue
		}
		if e.IsDir() {
			out = append(out, e.Name()+"/")
		} else {
			out = append(out, e.Name())
		}
	}
	slices.Sort(out)
	return out, err == nil && len(entries) < maxList
}

// Glob returns the paths that match a pattern with the wildcards of
// path.Match, as COPY resolves them: per path element, directories included,
// sorted. ok is false where a directory is too large to list.
func (c *Context) Glob(pattern string) (matches []string, ok bool) {
	paths := []string{"."}
	for _, part := range strings.Split(clean(pattern), "/") {
		var next []string
		for _, dir := range paths {
			if !hasWildcards(part) {
				if p := path.Join(dir, part); c.exists(p) {
					next = append(next, p)
				}
				continue
			}
			names, complete := c.list(dir)
			if !complete {
				return nil, false
			}
			for _, n := range names {
				n = strings.TrimSuffix(n, "/")
				if m, err := path.Match(part, n); err != nil {
					return nil, false
				} else if m {
					next = append(next, path.Join(dir, n))
				}
			}
		}
		paths = next
	}
	return slices.DeleteFunc(paths, func(p string) bool { return !c.Exists(p) }), true
}

// exists ignores .dockerignore: a directory that it excludes may hold files
// that an exception brings back.
func (c *Context) exists(p string) bool {
	return c.stat(p) != nil
}

// ThroughLink reports whether a path below the directory top leads through a
// symbolic link or is one: COPY of top copies the link, not what it names.
func (c *Context) ThroughLink(p, top string) bool {
	p, top = clean(p), clean(top)
	for p != top && p != "." && p != "/" {
		if c.link(p) {
			return true
		}
		p = path.Dir(p)
	}
	return false
}

// link reports whether a path is a symbolic link, or nothing.
func (c *Context) link(p string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	is, ok := c.links[p]
	if !ok {
		st, err := fs.Lstat(c.fsys, p)
		is = err != nil || st.Mode()&fs.ModeSymlink != 0
		remember(&c.links, p, is)
	}
	return is
}

// HasLinks reports whether a path or one of its parents is a symbolic link.
func (c *Context) HasLinks(p string) bool { return c.ThroughLink(p, ".") }

// Head returns the first bytes of a file that a build would see, at most n.
func (c *Context) Head(p string, n int) []byte {
	if c.Ignored(p) {
		return nil
	}
	f, err := c.fsys.Open(clean(p))
	if err != nil {
		return nil
	}
	defer f.Close()
	data, _ := io.ReadAll(io.LimitReader(f, int64(n)))
	return data
}
