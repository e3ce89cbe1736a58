package workspace

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// File is a file that was found.
type File struct {
	Path  string // as the user would write it: relative where the argument was
	Named bool   // named by an argument, not found in a directory
	Build *Build // of a Compose or Bake file that names it, or nil
}

// nameKind says what a file name tells.
type nameKind uint8

const (
	otherName nameKind = iota
	maybeName          // Dockerfile.go: a Dockerfile or a program, only the content tells
	dockerName
)

// IsDockerfile reports whether a file name is one that Dockerfiles have:
// Dockerfile, Containerfile, Dockerfile.NAME, Dockerfile-NAME, NAME.Dockerfile
// and the like, in any case. Templates (.j2, .tmpl, .erb, .in and others),
// documents, backups and ignore files are not. Neither are names that other
// files have as well, like Dockerfile.go or NAME.Dockerfile.NAME: Find takes
// those whose content begins as a Dockerfile does.
func IsDockerfile(name string) bool { return classify(name) == dockerName }

func classify(name string) nameKind {
	if len(name) < len("dockerfile") {
		return otherName
	}
	name = strings.ToLower(name)
	for _, stem := range [...]string{"dockerfile", "containerfile"} {
		at := strings.LastIndex(name, stem)
		if at < 0 || at > 0 && !separator(name[at-1]) {
			continue
		}
		rest := name[at+len(stem):]
		switch {
		case rest == "":
			return dockerName
		case len(rest) > 1 && separator(rest[0]):
			if at > 0 {
				return min(suffixKind(rest), maybeName)
			}
			return suffixKind(rest)
		}
	}
	return otherName
}

func separator(c byte) bool { return c == '.' || c == '-' || c == '_' }

// suffixKind judges what stands behind the stem.
func suffixKind(rest string) nameKind {
	switch filepath.Ext(rest) {
	case ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".erb", ".in", ".mustache", ".hbs", ".ejs", ".gotmpl", ".m4",
		".dockerignore", ".containerignore",
		".md", ".rst", ".html", ".json", ".yaml", ".yml", ".toml", ".xml",
		".bak", ".orig", ".rej", ".swp", ".tmp", ".patch", ".diff", ".lock", ".log", ".sha256", ".asc", ".sig", ".gz", ".zip":
		return otherName
	case ".go", ".js", ".ts", ".py", ".rb", ".java", ".rs", ".php", ".pl", ".sh", ".ps1", ".txt", ".c", ".cs", ".cpp", ".kt", ".scala", ".swift", ".lua", ".dart", ".ex", ".hs":
		return maybeName
	}
	if strings.HasSuffix(rest, "~") {
		return otherName
	}
	return dockerName
}

// FindOptions steer Find.
type FindOptions struct {
	NoIgnore     bool // ignore files hold for nothing
	ForceExclude bool // ignore files and Excluded hold for named files, too
	// User finds the user's ignore file; nil for none.
	User *UserIgnore
	// Builds reads a Compose or Bake file (buildfile.Entries); nil takes such
	// files for Dockerfiles.
	Builds func(path string, data []byte, lookup func(string) (string, bool)) ([]BuildEntry, error)
	// Lookup, if set, gives environment variables for Compose and Bake files.
	Lookup func(string) (string, bool)
	// Listed, if set, is told the entries of each directory that is searched,
	// sorted by name. The path is absolute. It may be called by several
	// goroutines at once, and so may Excluded.
	Listed func(dir string, entries []fs.DirEntry)
	// Excluded, if set, leaves out more: files and whole folders. The path is
	// absolute.
	Excluded func(path string, dir bool) bool
}

// Find returns the Dockerfiles that the arguments mean: a Compose or Bake file
// stands for the Dockerfiles that it builds, another file is taken as it is, a
// directory is searched for names like IsDockerfile's that .gitignore
// does not exclude. Files come in the order of the arguments, those of a
// directory in the order of their names; none comes twice. The errors name the
// paths that could not be read, and directories without Dockerfiles
// (*NoFilesError); the other files are still returned.
func Find(args []string, opt FindOptions) ([]File, []error) {
	f := finder{opt: opt}
	for i, arg := range args {
		// The search of one directory meets no file twice.
		if i == 1 {
			f.remember()
		}
		st, err := os.Stat(arg)
		switch {
		case err != nil:
			f.errs = append(f.errs, err)
		case !st.IsDir() && f.opt.Builds != nil && BuildFile(arg):
			f.builds(arg)
		case !st.IsDir():
			if !opt.ForceExclude || !Ignored(arg, opt) {
				f.add(File{Path: arg, Named: true})
			}
		default:
			f.root(arg)
		}
	}
	return f.files, f.errs
}

// Ignored reports whether the rules leave a file out, whether it exists or
// not.
func Ignored(path string, opt FindOptions) bool {
	abs, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	if opt.Excluded != nil && opt.Excluded(abs, false) {
		return true
	}
	if opt.NoIgnore {
		return false
	}
	ig, ignored := ignoresAt(filepath.Dir(abs), opt.User)
	return ignored || ig.ignored(filepath.Base(abs), false)
}

// NoFilesError says that a directory has no Dockerfiles.
type NoFilesError struct {
	Dir     string
	Skipped int // Dockerfiles that ignore rules exclude
}

func (e *NoFilesError) Error() string { return e.Dir + ": " + e.Reason() }

// Reason is the message without the directory.
func (e *NoFilesError) Reason() string {
	if e.Skipped > 0 {
		return "no Dockerfiles in this directory but those that ignore rules exclude; name them, or use --no-ignore"
	}
	return "no Dockerfiles in this directory (looked for Dockerfile, Dockerfile.*, *.Dockerfile and the same with Containerfile, in any case)"
}

type finder struct {
	opt     FindOptions
	files   []File
	errs    []error
	seen    *pathSet // of the files, by their clean paths; nil where none can come twice
	skipped int
	alone   bool // its work is one of several pieces already
}

func (f *finder) add(file File) {
	if f.seen == nil || f.seen.add(filepath.Clean(file.Path)) {
		f.files = append(f.files, file)
	}
}

// remember sees to it that no file is added twice from now on.
func (f *finder) remember() {
	if f.seen != nil {
		return
	}
	f.seen = &pathSet{}
	for _, file := range f.files {
		f.seen.add(filepath.Clean(file.Path))
	}
}

// builds adds the Dockerfiles that a Compose or Bake file builds.
func (f *finder) builds(path string) {
	f.remember()
	files, err := builds(path, f.opt)
	if err != nil {
		f.errs = append(f.errs, err)
	}
	for _, file := range files {
		f.add(file)
	}
}

// root searches a directory that was named.
func (f *finder) root(dir string) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		f.errs = append(f.errs, err)
		return
	}
	var ig *ignores
	if !f.opt.NoIgnore {
		ig, _ = ignoresAt(abs, f.opt.User)
	}
	files, errs := len(f.files), len(f.errs)
	f.skipped = 0
	entries, err := os.ReadDir(dir)
	if err != nil {
		f.errs = append(f.errs, err)
		return
	}
	f.dir(dir, abs, ig, entries)
	if len(f.files) == files && len(f.errs) == errs {
		f.errs = append(f.errs, &NoFilesError{dir, f.skipped})
	}
}

// skippedDirs hold files that are not the user's: the data of version control
// and installed packages.
func skippedDir(name string) bool {
	switch name {
	case ".git", ".hg", ".svn", ".jj", "node_modules":
		return true
	}
	return false
}

// dir searches a directory with the given entries. Symbolic links to files are
// followed, those to directories are not, so that no loop is possible.
func (f *finder) dir(dir, abs string, ig *ignores, entries []fs.DirEntry) {
	if f.opt.Listed != nil {
		f.opt.Listed(abs, entries)
	}
	// The folders of the first directory that has many are searched on all
	// cores, each by a finder of its own.
	if f.alone || len(entries) < manyEntries {
		for _, e := range entries {
			f.entry(dir, abs, ig, e)
		}
		return
	}
	Each(len(entries), runtime.GOMAXPROCS(0), func(i int) *finder {
		g := &finder{opt: f.opt, alone: true}
		g.entry(dir, abs, ig, entries[i])
		return g
	}, func(_ int, g *finder) bool {
		for _, file := range g.files {
			f.add(file)
		}
		f.errs = append(f.errs, g.errs...)
		f.skipped += g.skipped
		return true
	})
}

// manyEntries is from how many entries on a directory is searched on all cores.
const manyEntries = 16

// entry looks at one entry of a directory.
func (f *finder) entry(dir, abs string, ig *ignores, e fs.DirEntry) {
	name := e.Name()
	if e.IsDir() {
		if !skippedDir(name) {
			f.enter(dir, abs, name, ig)
		}
		return
	}
	kind := classify(name)
	if kind == otherName {
		return
	}
	path := filepath.Join(dir, name)
	if !e.Type().IsRegular() && !f.linked(path, e) || kind == maybeName && !sniff(path) {
		return
	}
	if ig != nil && ig.ignored(name, false) || f.opt.Excluded != nil && f.opt.Excluded(filepath.Join(abs, name), false) {
		f.skipped++
		return
	}
	f.add(File{Path: path})
}

// enter searches a directory in a directory, unless it is ignored. One that is
// a repository of its own has its own rules.
func (f *finder) enter(dir, abs, name string, ig *ignores) {
	path, abs := filepath.Join(dir, name), filepath.Join(abs, name)
	if ig != nil && ig.ignored(name, true) || f.opt.Excluded != nil && f.opt.Excluded(abs, true) {
		f.skipped += f.count(path)
		return
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		f.errs = append(f.errs, err)
		return
	}
	if ig != nil {
		if hasEntry(entries, ".git") {
			ig = rootIgnores(abs, f.opt.User)
		} else {
			ig = ig.enter(name, hasEntry(entries, ".gitignore"))
		}
	}
	f.dir(path, abs, ig, entries)
}

// hasEntry reports whether sorted entries have one of that name.
func hasEntry(entries []fs.DirEntry, name string) bool {
	_, found := slices.BinarySearchFunc(entries, name, func(e fs.DirEntry, name string) int { return strings.Compare(e.Name(), name) })
	return found
}

// count says whether an ignored directory has Dockerfiles itself, for the
// error message.
func (f *finder) count(dir string) int {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if !e.IsDir() && IsDockerfile(e.Name()) {
			return 1
		}
	}
	return 0
}

// linked reports whether a symbolic link leads to a regular file. A link that
// leads nowhere is no Dockerfile; other failures are reported.
func (f *finder) linked(path string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return false
	}
	st, err := os.Stat(path)
	if err != nil {
		if !os.IsNotExist(err) {
			f.errs = append(f.errs, err)
		}
		return false
	}
	return st.Mode().IsRegular()
}

// sniff reports whether a file's first instruction is one that a Dockerfile
// begins with.
func sniff(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	head, _ := io.ReadAll(io.LimitReader(file, 8<<10))
	for line := range strings.Lines(string(head)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word == "" || strings.HasPrefix(word, "#") {
			continue
		}
		return (strings.EqualFold(word, "from") || strings.EqualFold(word, "arg")) && rest != "" && !strings.HasSuffix(rest, ";")
	}
	return false
}
