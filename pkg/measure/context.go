package measure

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// manifests are files that name dependencies, in the order in which one is chosen to be touched.
var manifests = []string{"package-lock.json", "yarn.lock", "pnpm-lock.yaml", "package.json", "requirements.txt", "requirements-prod.txt",
	"requirements/base.txt", "requirements.in", "poetry.lock", "uv.lock", "pyproject.toml", "Pipfile.lock", "setup.py", "go.sum", "go.mod", "Gemfile.lock",
	"Gemfile", "composer.lock", "composer.json", "Cargo.lock", "Cargo.toml", "pom.xml", "build.gradle", "build.gradle.kts", "mix.lock"}

// sources are extensions of source files.
var sources = map[string]bool{}

func init() {
	for _, e := range strings.Fields(`.go .js .mjs .cjs .ts .tsx .jsx .vue .py .rb .php .java .kt .scala .rs .c .cc .cpp .h .hpp .cs .fs .ex .exs .erl
		.hs .lua .pl .pm .swift .sh .html .css .scss .sql .r .R .jl .clj .dart`) {
		sources[e] = true
	}
}

// snapshot is a copy of a build context that may be changed: hard links where possible, so that it costs little.
type snapshot struct{ dir string }

// takeSnapshot copies the context into a new folder in parent. Files that Dockerfiles cannot read (sockets, devices)
// are left out.
func takeSnapshot(context, parent string) (*snapshot, error) {
	dir, err := os.MkdirTemp(parent, "context-")
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(context, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrPermission) {
				return nil // the engine would not read it either
			}
			return err
		}
		rel, err := filepath.Rel(context, path)
		if err != nil {
			return err
		}
		if rel == "." {
			return nil
		}
		if abs, err := filepath.Abs(path); err == nil && abs == parent { // a temporary folder inside the context
			return filepath.SkipDir
		}
		to := filepath.Join(dir, rel)
		switch {
		case d.IsDir():
			info, err := d.Info()
			if err != nil {
				return err
			}
			return os.Mkdir(to, info.Mode().Perm()|0o700)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(target, to)
		case d.Type().IsRegular():
			if os.Link(path, to) == nil {
				return nil
			}
			return copyFile(path, to)
		}
		return nil
	})
	return &snapshot{dir}, err
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, st.Mode().Perm())
	if err != nil {
		return err
	}
	if _, err = io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Chmod(to, st.Mode().Perm()) // the umask may have taken bits away
}

// put writes a file of the snapshot; never through the hard link to the user's file.
func (s *snapshot) put(rel string, data []byte) error {
	path := filepath.Join(s.dir, filepath.FromSlash(rel))
	mode := fs.FileMode(0o644)
	if st, err := os.Lstat(path); err == nil {
		mode = st.Mode().Perm()
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, data, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

// touch changes a file as an edit would, without changing what it means: n line breaks are added at its end. Different
// numbers make different contents, so no build finds the layers of another build's edit in the cache.
func (s *snapshot) touch(rel string, n int) error {
	data, err := os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(rel)))
	if err != nil {
		return err
	}
	return s.put(rel, append(data, bytes.Repeat([]byte("\n"), n)...))
}

// chooseTouched picks a source file and a dependency manifest of a build context: files that are edited in the life of
// such a project. Paths are relative, with slashes; empty where there is none.
func chooseTouched(context string, ignored func(string) bool) (source, manifest string) {
	for _, m := range manifests {
		if st, err := os.Stat(filepath.Join(context, filepath.FromSlash(m))); err == nil && st.Mode().IsRegular() && !ignored(m) {
			manifest = m
			break
		}
	}
	isManifest := map[string]bool{}
	for _, m := range manifests {
		isManifest[filepath.Base(m)] = true
	}
	var best, others []string
	_ = filepath.WalkDir(context, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		rel, err := filepath.Rel(context, path)
		if err != nil || rel == "." {
			return nil
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if name := d.Name(); name == "node_modules" || name == "vendor" || strings.HasPrefix(name, ".") || strings.Count(rel, "/") > 5 {
				return filepath.SkipDir
			}
			return nil
		}
		switch name := d.Name(); {
		case !d.Type().IsRegular() || isManifest[name] || ignored(rel) || strings.HasPrefix(name, "."):
		case sources[filepath.Ext(rel)]:
			best = append(best, rel)
		case !strings.Contains(strings.ToLower(name), "dockerfile"):
			others = append(others, rel)
		}
		return nil
	})
	if len(best) == 0 {
		best = others // configuration, templates, data
	}
	sort.Slice(best, func(i, j int) bool { // by depth, then name
		if a, b := strings.Count(best[i], "/"), strings.Count(best[j], "/"); a != b {
			return a < b
		}
		return best[i] < best[j]
	})
	if len(best) > 0 {
		source = best[0]
	}
	return source, manifest
}
