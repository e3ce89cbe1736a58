package facts

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/patternmatcher"

	"github.com/refit-dev/refit/pkg/parse"
)

// SourceKind says what a source of COPY or ADD is.
type SourceKind uint8

// The kinds of sources.
const (
	LocalSource   SourceKind = iota // a path in the build context, a stage or an image
	RemoteSource                    // a URL or git repository
	HeredocSource                   // an inline document
)

// CopySource is one source of COPY or ADD.
type CopySource struct {
	Raw  string // as written, without quotes
	Kind SourceKind
	Path Value // with variables expanded; for LocalSource cleaned and relative, "." for all
	Glob bool  // Path has wildcards
	Dir  bool  // written so that it must be a directory: ".", "dir/"
}

// Copy is a COPY or ADD, resolved as BuildKit resolves it, see dispatchCopy in
// https://github.com/moby/buildkit/blob/v0.34.2/frontend/dockerfile/dockerfile2llb/convert_copy.go.
type Copy struct {
	Instruction *parse.Instruction
	Add         bool
	Sources     []CopySource
	RawDest     string // as written, without quotes
	Dest        Value  // absolute, cleaned
	DestDir     bool   // the destination is a directory: written with a slash at its end, or several sources
	From        string // --from as written
	Chown       string
	Chmod       string
	Link        bool
	Parents     bool
	Excludes    []string

	exclude *patternmatcher.PatternMatcher
	isDir   bool // the destination is known to be a directory already
}

// Copy resolves a COPY or ADD. It returns nil for other instructions and for
// those that are not understood.
func (fs *Facts) Copy(in *parse.Instruction) *Copy {
	if in.Name != "COPY" && in.Name != "ADD" || in.Form == parse.Opaque || in.Parent != nil {
		return nil
	}
	// Each looks at those before it: without a memory that takes forever.
	return fs.copies.of(in, len(fs.states), func() *Copy { return fs.resolveCopy(in) })
}

func (fs *Facts) resolveCopy(in *parse.Instruction) *Copy {
	v, err := in.Typed()
	if err != nil {
		return nil
	}
	c := &Copy{Instruction: in}
	var s instructions.SourcesAndDest
	switch x := v.(type) {
	case *instructions.CopyCommand:
		s = x.SourcesAndDest
		c.From, c.Chown, c.Chmod, c.Link, c.Parents, c.Excludes = x.From, x.Chown, x.Chmod, x.Link, x.Parents, x.ExcludePatterns
	case *instructions.AddCommand:
		s = x.SourcesAndDest
		c.Add = true
		c.Chown, c.Chmod, c.Link, c.Excludes = x.Chown, x.Chmod, x.Link, x.ExcludePatterns
	default:
		return nil
	}
	for _, raw := range s.SourcePaths {
		c.Sources = append(c.Sources, fs.source(raw, in))
	}
	for _, d := range s.SourceContents {
		c.Sources = append(c.Sources, CopySource{Raw: d.Path, Kind: HeredocSource, Path: known(d.Path)})
	}
	c.Excludes = slices.Clone(c.Excludes)
	for i, p := range c.Excludes {
		v := fs.Expand(p, in)
		if !v.Known {
			return nil
		}
		c.Excludes[i] = v.S
	}
	if len(c.Excludes) > 0 {
		if c.exclude, err = patternmatcher.New(c.Excludes); err != nil {
			return nil
		}
	}
	c.RawDest = s.DestPath
	dest := fs.Expand(s.DestPath, in)
	c.DestDir = len(c.Sources) > 1
	if dest.Known {
		if dest.S == "." || dest.S == "" || strings.HasSuffix(dest.S, "/") || strings.HasSuffix(dest.S, "/.") {
			c.DestDir = true
		}
		c.Dest = fs.At(in).Resolve(dest.S)
		c.Dest.Default = c.Dest.Default || dest.Default
		c.isDir = c.DestDir || fs.KnownDir(c.Dest.S, in)
	}
	return c
}

func (fs *Facts) source(raw string, in *parse.Instruction) CopySource {
	s := CopySource{Raw: raw}
	v := fs.Expand(raw, in)
	if !v.Known {
		// The start of the word tells a URL from a path.
		if strings.Contains(raw, "://") || strings.HasPrefix(raw, "git@") {
			s.Kind = RemoteSource
		}
		return s
	}
	s.Path = v
	if remote(v.S) {
		s.Kind = RemoteSource
		return s
	}
	s.Dir = v.S == "." || v.S == ".." || strings.HasSuffix(v.S, "/") || strings.HasSuffix(v.S, "/.")
	s.Path.S = clean(v.S)
	s.Dir = s.Dir || s.Path.S == "."
	s.Glob = hasWildcards(s.Path.S)
	return s
}

// remote reports whether a source is what BuildKit downloads or clones rather
// than looks for in the build context. It knows a git reference by less than
// dfgitutil.ParseGitRef does, which brings golang.org/x/crypto/ssh and net and
// their start-up with it: a reference that BuildKit finds faulty is remote
// here too, and nothing is taken for local that BuildKit would clone.
// https://github.com/moby/buildkit/blob/v0.34.2/frontend/dockerfile/dfgitutil/git_ref.go
func remote(src string) bool {
	if scheme, _, ok := strings.Cut(src, "://"); ok {
		switch strings.ToLower(scheme) {
		case "http", "https", "ssh", "git":
			return true
		}
	}
	// user@host:path, as scp has it
	user, rest, _ := strings.Cut(src, "@")
	host, _, ok := strings.Cut(rest, ":")
	return ok && user != "" && host != "" && !strings.Contains(user, "/") && !strings.Contains(host, "/")
}

func hasWildcards(name string) bool {
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '*', '?', '[':
			return true
		case '\\':
			i++
		}
	}
	return false
}

// KnownDir reports whether a path is a directory before an instruction, as far
// as its stage tells: part of every image, a working directory, or what an
// earlier COPY made.
func (fs *Facts) KnownDir(p string, in *parse.Instruction) bool {
	switch p {
	case "/", "/usr", "/usr/local", "/usr/bin", "/usr/local/bin", "/etc", "/tmp", "/var", "/opt", "/root", "/home", "/srv", "/bin", "/lib":
		return true
	}
	st := fs.At(in)
	if st.Stage == nil {
		return false
	}
	if st.Workdir.Known && Within(st.Workdir.S, p) {
		return true
	}
	fs.readDirs(in.Index)
	made := fs.dirs[p]
	if len(made) <= st.Stage.parents {
		return slices.ContainsFunc(made, func(m madeDir) bool { return m.at < in.Index && st.Stage.Descends(m.stage) })
	}
	for s := st.Stage; s != nil; s = s.Parent {
		n, ok := slices.BinarySearchFunc(made, s.Index, func(m madeDir, stage int) int { return m.stage.Index - stage })
		if ok && made[n].at < in.Index {
			return true
		}
	}
	return false
}

// madeDir says that an instruction of a stage is the first there that makes or
// finds a directory.
type madeDir struct {
	stage *Stage
	at    int // the index of the instruction
}

// readDirs notes the directories that the instructions with an index below
// before make or find, each with its stages in their order.
func (fs *Facts) readDirs(before int) {
	if fs.dirs == nil {
		fs.dirs = map[string][]madeDir{}
	}
	for fs.dirsRead < before {
		in := fs.File.Instructions[fs.dirsRead]
		fs.dirsRead++
		st := fs.At(in).Stage
		if st == nil {
			continue
		}
		add := func(dir string) {
			for ; dir != "/" && dir != "."; dir = path.Dir(dir) {
				made := fs.dirs[dir]
				if len(made) > 0 && made[len(made)-1].stage == st {
					return
				}
				fs.dirs[dir] = append(made, madeDir{st, in.Index})
			}
		}
		switch in.Name {
		case "WORKDIR":
			if w := fs.Expand(in.Args.Value, in); w.Known {
				if w = fs.At(in).Resolve(w.S); w.Known {
					add(w.S)
				}
			}
		case "COPY", "ADD":
			c := fs.Copy(in)
			if c == nil || !c.Dest.Known {
				continue
			}
			if c.DestDir || len(c.Sources) == 1 && c.Sources[0].Dir {
				add(c.Dest.S)
			} else {
				add(path.Dir(c.Dest.S))
			}
		}
	}
}

// Within reports whether the absolute path p is dir or lies below it.
func Within(p, dir string) bool {
	return p == dir || dir == "/" || len(p) > len(dir) && p[len(dir)] == '/' && p[:len(dir)] == dir
}

// Local reports whether all sources come from the build context.
func (c *Copy) Local() bool {
	return c.From == "" && !slices.ContainsFunc(c.Sources, func(s CopySource) bool { return s.Kind != LocalSource })
}

// Excluded reports whether --exclude leaves a path out; rel is relative to the
// source that is copied.
func (c *Copy) Excluded(rel string) bool {
	if c.exclude == nil || rel == "" || rel == "." {
		return false
	}
	m, err := c.exclude.MatchesOrParentMatches(rel)
	return err != nil || m
}

// Presence says whether something is there.
type Presence uint8

// The presences.
const (
	No    Presence = iota // certainly not
	Maybe                 // it cannot be told
	Yes
)

// Origin tells whether the instruction puts a file or directory at an absolute
// path of the image, and from which path of the build context. Without a
// context (nil), the kinds of the sources are guessed from their names and Yes
// means: if the build context has it.
func (c *Copy) Origin(ctx *Context, p string) (from string, has Presence) {
	if !c.Dest.Known {
		return "", Maybe
	}
	if !Within(p, c.Dest.S) && !Within(c.Dest.S, p) {
		return "", No
	}
	// The last source that has it wins.
	for i := len(c.Sources) - 1; i >= 0; i-- {
		if f, h := c.originIn(ctx, &c.Sources[i], p); h != No {
			return f, h
		}
	}
	return "", No
}

// mayBeDir reports whether a name that nothing is known of may be that of a
// directory: no extension, and no Gemfile, Makefile, Procfile.
func mayBeDir(base string) bool {
	if strings.Contains(strings.TrimPrefix(base, "."), ".") {
		return false
	}
	return !strings.HasSuffix(base, "file") || base == "file" || base[0] < 'A' || base[0] > 'Z'
}

func (c *Copy) originIn(ctx *Context, s *CopySource, p string) (string, Presence) {
	if c.From != "" || s.Kind == RemoteSource && c.Add {
		return "", c.elsewhere(s, p)
	}
	if !s.Path.Known {
		return "", Maybe
	}
	if s.Kind == HeredocSource {
		if p == c.fileTarget(s.Path.S) || !c.isDir && p == c.Dest.S {
			return "", Maybe
		}
		return "", No
	}
	if c.Parents {
		return c.originParents(ctx, s, p)
	}
	matches := []string{s.Path.S}
	if s.Glob {
		if ctx == nil {
			return c.originGlob(s, p)
		}
		var ok bool
		if matches, ok = ctx.Glob(s.Path.S); !ok {
			return "", Maybe
		}
	}
	for i := len(matches) - 1; i >= 0; i-- {
		m := matches[i]
		dir := s.Dir || ctx != nil && ctx.IsDir(m)
		if ctx == nil && !s.Dir {
			dir = mayBeDir(path.Base(m)) && p != path.Join(c.Dest.S, path.Base(m)) && p != c.Dest.S
		}
		if dir {
			if !Within(p, c.Dest.S) {
				continue // above the destination
			}
			rel := strings.TrimPrefix(strings.TrimPrefix(p, c.Dest.S), "/")
			from := path.Join(m, rel)
			if c.Excluded(rel) || ctx != nil && !ctx.Exists(from) {
				continue
			}
			if ctx != nil && ctx.ThroughLink(from, m) {
				return from, Maybe
			}
			return from, Yes
		}
		if ctx != nil && !ctx.Exists(m) {
			continue
		}
		if c.Add && archive(ctx, m) {
			if Within(p, c.Dest.S) {
				return "", Maybe
			}
			continue
		}
		target := c.Dest.S
		if c.isDir {
			target = c.fileTarget(m)
		}
		switch {
		case p == target:
			return m, Yes
		case !c.isDir && p == c.fileTarget(m):
			return m, Maybe // if the destination happens to be a directory
		}
	}
	return "", No
}

// fileTarget is where a file goes when the destination is a directory.
func (c *Copy) fileTarget(src string) string { return path.Join(c.Dest.S, path.Base(src)) }

// elsewhere tells of sources that are not in the build context.
func (c *Copy) elsewhere(s *CopySource, p string) Presence {
	if !Within(p, c.Dest.S) {
		return No
	}
	if c.DestDir && s.Path.Known && !s.Dir && !s.Glob && s.Kind == LocalSource && strings.Contains(path.Base(s.Path.S), ".") {
		// Looks like a file: only its own name.
		if Within(p, c.fileTarget(s.Path.S)) {
			return Maybe
		}
		return No
	}
	return Maybe
}

// originGlob guesses without a context: a wildcard in the last part of the path only.
func (c *Copy) originGlob(s *CopySource, p string) (string, Presence) {
	dir, pattern := path.Split(s.Path.S)
	if hasWildcards(dir) {
		return "", Maybe
	}
	if path.Dir(p) != c.Dest.S {
		if Within(p, c.Dest.S) && !strings.Contains(pattern, ".") {
			return "", Maybe // the contents of matching directories
		}
		return "", No
	}
	if ok, err := path.Match(pattern, path.Base(p)); err == nil && ok {
		return path.Join(dir, path.Base(p)), Yes
	}
	if strings.Contains(pattern, ".") {
		return "", No
	}
	return "", Maybe
}

// originParents maps sources under --parents: the path behind the pivot /./ is
// kept below the destination.
func (c *Copy) originParents(ctx *Context, s *CopySource, p string) (string, Presence) {
	if !Within(p, c.Dest.S) {
		return "", No
	}
	pivot := ""
	if before, _, ok := strings.Cut(s.Raw, "/./"); ok {
		pivot = clean(before)
	}
	if strings.Contains(pivot, "$") || hasWildcards(pivot) {
		return "", Maybe
	}
	rel := strings.TrimPrefix(strings.TrimPrefix(p, c.Dest.S), "/")
	from := path.Join(pivot, rel)
	pm, err := patternmatcher.New([]string{s.Path.S})
	if err != nil {
		return "", Maybe
	}
	m, err := pm.MatchesOrParentMatches(from)
	switch {
	case err != nil:
		return "", Maybe
	case !m:
		if ctx == nil && s.Glob {
			return "", Maybe
		}
		return "", No
	case c.Excluded(from):
		return "", Maybe
	case ctx != nil && !ctx.Exists(from):
		return "", No
	case ctx != nil && ctx.ThroughLink(from, pivot):
		return from, Maybe
	}
	return from, Yes
}

// archive reports whether ADD may unpack a file: by its first bytes if the
// context is in sight, by its name otherwise. ADD looks at the content only, see
// https://docs.docker.com/reference/dockerfile/#adding-local-tar-archives.
func archive(ctx *Context, p string) bool {
	name := strings.ToLower(path.Base(p))
	for _, ext := range []string{".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst", ".gz", ".bz2", ".xz", ".zst", ".lzma"} {
		if strings.HasSuffix(name, ext) {
			return true
		}
	}
	if ctx == nil {
		return false
	}
	return ArchiveContent(ctx.Head(p, 512))
}

// ArchiveContent reports whether the first bytes of a file are those of a tar
// archive or a compressed file, which ADD may unpack.
func ArchiveContent(head []byte) bool {
	return TarContent(head) || strings.HasPrefix(string(head), "\x28\xb5\x2f\xfd")
}

// TarContent is ArchiveContent without Zstandard.
func TarContent(head []byte) bool {
	for _, magic := range []string{"\x1f\x8b", "BZh", "\xfd7zXZ\x00"} {
		if strings.HasPrefix(string(head), magic) {
			return true
		}
	}
	return len(head) > 262 && string(head[257:262]) == "ustar"
}
