package facts

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// Context is a build context: the files that COPY and ADD can see, less what
// its .dockerignore excludes. Reading is bounded: single files up to maxRead,
// directories only when asked for.
type Context struct {
	fsys   fs.FS
	ignore *patternmatcher.PatternMatcher
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
	m, err := c.ignore.MatchesOrParentMatches(p)
	return err == nil && m
}

// HasIgnoreFile reports whether the context has an ignore file.
func (c *Context) HasIgnoreFile() bool { return c.ignore != nil }

// Exists reports whether a build would see a file or directory.
func (c *Context) Exists(p string) bool {
	if c.Ignored(p) {
		return false
	}
	_, err := fs.Stat(c.fsys, clean(p))
	return err == nil
}

// IsDir reports whether a path is a directory that a build would see.
func (c *Context) IsDir(p string) bool {
	if c.Ignored(p) {
		return false
	}
	st, err := fs.Stat(c.fsys, clean(p))
	return err == nil && st.IsDir()
}

// Read returns a file that a build would see. ok is false for directories,
// ignored and missing files, and files over 4 MiB.
func (c *Context) Read(p string) (data []byte, ok bool) {
	if c.Ignored(p) {
		return nil, false
	}
	f, err := c.fsys.Open(clean(p))
	if err != nil {
		return nil, false
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() || st.Size() > maxRead {
		return nil, false
	}
	data, err = io.ReadAll(io.LimitReader(f, maxRead))
	return data, err == nil
}

// List returns the names of the entries of a directory that a build would
// see, sorted, at most 10,000; directories end in a slash.
func (c *Context) List(dir string) []string {
	dir = clean(dir)
	f, err := c.fsys.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	rd, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil
	}
	entries, _ := rd.ReadDir(10000)
	var out []string
	for _, e := range entries {
		if c.Ignored(path.Join(dir, e.Name())) {
			continue
		}
		if e.IsDir() {
			out = append(out, e.Name()+"/")
		} else {
			out = append(out, e.Name())
		}
	}
	slices.Sort(out)
	return out
}
