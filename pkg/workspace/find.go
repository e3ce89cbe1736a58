package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// File is a file that was found.
type File struct {
	Path  string // as the user would write it: relative where the argument was
	Named bool   // named by an argument, not found in a directory
}

// IsDockerfile reports whether a file name is one that Dockerfiles have:
// Dockerfile, Containerfile, Dockerfile.NAME, NAME.Dockerfile and the like, in
// any case. Templates (.j2, .tmpl, .erb, .in and others) and ignore files are
// not.
func IsDockerfile(name string) bool {
	if len(name) < len("dockerfile") {
		return false
	}
	name = strings.ToLower(name)
	for _, stem := range [...]string{"dockerfile", "containerfile"} {
		rest, isPrefix := strings.CutPrefix(name, stem)
		if isPrefix && rest == "" {
			return true
		}
		if strings.HasSuffix(name, "."+stem) {
			return true
		}
		if isPrefix && len(rest) > 1 && strings.ContainsRune(".-_", rune(rest[0])) {
			return !skippedSuffix(rest)
		}
	}
	return false
}

// skippedSuffix reports whether what stands behind Dockerfile marks a template
// or a file of another kind.
func skippedSuffix(rest string) bool {
	switch filepath.Ext(rest) {
	case ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".erb", ".in", ".mustache", ".hbs", ".ejs", ".gotmpl",
		".dockerignore", ".containerignore",
		".md", ".txt", ".rst", ".html", ".json", ".yaml", ".yml", ".toml", ".xml",
		".sh", ".py", ".go", ".js", ".ts", ".rb", ".java", ".rs", ".php", ".pl", ".ps1",
		".bak", ".orig", ".rej", ".swp", ".tmp", ".patch", ".diff", ".lock", ".log", ".sha256", ".asc", ".sig", ".gz", ".zip":
		return true
	}
	return strings.HasSuffix(rest, "~")
}

// FindOptions steer Find.
type FindOptions struct {
	ForceExclude bool // ignore rules hold for paths that are named, too
	NoIgnore     bool // ignore rules hold for nothing
	Excluded     func(path string, dir bool) bool
}

// Find returns the Dockerfiles that the arguments mean: a file is taken as it
// is, a directory is searched. Files come in the order of the arguments, those
// of a directory in the order of their names; none comes twice. The errors
// name the paths that could not be read; the other files are still returned.
func Find(args []string, opt FindOptions) ([]File, []error) {
	f := finder{opt: opt, seen: map[string]bool{}}
	for _, arg := range args {
		st, err := os.Stat(arg)
		switch {
		case err != nil:
			f.errs = append(f.errs, err)
		case !st.IsDir():
			f.add(File{Path: arg, Named: true})
		default:
			n := len(f.files)
			if f.dir(arg); len(f.files) == n && !f.failed {
				f.errs = append(f.errs, &NoFilesError{arg})
			}
		}
	}
	return f.files, f.errs
}

// NoFilesError says that a directory has no Dockerfiles.
type NoFilesError struct{ Dir string }

func (e *NoFilesError) Error() string { return e.Dir + ": " + e.Reason() }

// Reason is the message without the directory.
func (e *NoFilesError) Reason() string {
	return "no Dockerfiles in this directory (looked for Dockerfile, Dockerfile.*, *.Dockerfile and the same with Containerfile, in any case)"
}

type finder struct {
	opt    FindOptions
	files  []File
	errs   []error
	seen   map[string]bool
	failed bool // a directory could not be read
}

func (f *finder) add(file File) {
	key := filepath.Clean(file.Path)
	if !f.seen[key] {
		f.seen[key] = true
		f.files = append(f.files, file)
	}
}

// dir searches a directory. Symbolic links to files are followed, those to
// directories are not, so no loop is possible.
func (f *finder) dir(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		f.failed = true
		f.errs = append(f.errs, err)
		return
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			if e.Name() != ".git" && e.Name() != "node_modules" {
				f.dir(path)
			}
			continue
		}
		if !IsDockerfile(e.Name()) {
			continue
		}
		if e.Type()&fs.ModeSymlink != 0 {
			st, err := os.Stat(path)
			if err != nil {
				if !errors.Is(err, fs.ErrNotExist) {
					f.errs = append(f.errs, err)
				}
				continue
			}
			if st.IsDir() {
				continue
			}
		}
		f.add(File{Path: path})
	}
}
