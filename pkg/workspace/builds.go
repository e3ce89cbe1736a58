package workspace

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// Build is what a Compose or Bake file says about the build of a Dockerfile.
type Build struct {
	Name    string            // of the service or target
	Context string            // the build context, a path; "" where it is no local folder
	Args    map[string]string // build arguments with a known value
	Target  string            // the stage that is built, "" for the last
}

// BuildFile reports whether a file name is one of a Compose or a Bake file.
func BuildFile(name string) bool { return IsCompose(name) || isBake(name) }

// IsCompose reports whether a file name is one of a Compose file.
func IsCompose(name string) bool {
	name = strings.ToLower(filepath.Base(name))
	ext := filepath.Ext(name)
	return (ext == ".yaml" || ext == ".yml") && (strings.HasPrefix(name, "compose") || strings.HasPrefix(name, "docker-compose"))
}

func isBake(name string) bool {
	name = strings.ToLower(filepath.Base(name))
	ext := filepath.Ext(name)
	return (ext == ".hcl" || ext == ".json") && strings.HasPrefix(name, "docker-bake")
}

// BuildEntry is one build of a Compose or Bake file as it is written there.
type BuildEntry struct {
	Name, Context, Dockerfile, Target string
	Inline                            bool // the Dockerfile stands in the file itself
	Args                              map[string]string
}

// builds reads a Compose or Bake file and returns the Dockerfiles that it
// builds, in the order of their names. A Dockerfile that several services
// share comes once, with what they have in common. Remote contexts and
// Dockerfiles within the file are left out.
func builds(path string, opt FindOptions) ([]File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	lookup := opt.Lookup
	if lookup == nil {
		lookup = func(string) (string, bool) { return "", false }
	}
	entries, err := opt.Builds(path, data, lookup)
	if err != nil {
		return nil, &ConfigError{Path: path, Msg: err.Error()}
	}
	return files(path, entries)
}

// files finds the Dockerfiles of the entries.
func files(path string, entries []BuildEntry) ([]File, error) {
	var out []File
	index := map[string]int{}
	builds := 0
	for _, e := range entries {
		if e.Inline || remote(e.Context) || remote(e.Dockerfile) {
			continue
		}
		builds++
		if e.Context == "" {
			e.Context = "."
		}
		if e.Dockerfile == "" {
			e.Dockerfile = "Dockerfile"
		}
		context := e.Context
		if !filepath.IsAbs(context) {
			context = filepath.Join(filepath.Dir(path), context)
		}
		file := e.Dockerfile
		if !filepath.IsAbs(file) {
			file = filepath.Join(context, file)
		}
		b := &Build{Name: e.Name, Context: context, Args: e.Args, Target: e.Target}
		i, seen := index[file]
		if !seen {
			index[file] = len(out)
			out = append(out, File{Path: file, Named: true, Build: b})
			continue
		}
		out[i].Build = out[i].Build.common(b)
	}
	if builds == 0 {
		return nil, &ConfigError{Path: path, Msg: "it builds no Dockerfile"}
	}
	for _, f := range out {
		if _, err := os.Stat(f.Path); err != nil {
			return nil, fmt.Errorf("%s (%s): %w", path, f.Build.Name, &fs.PathError{Op: "find", Path: f.Path, Err: fs.ErrNotExist})
		}
	}
	return out, nil
}

// common is what two builds agree in. Stages that are built are joined by the
// caller's leaving Target out.
func (b *Build) common(o *Build) *Build {
	out := *b
	out.Name += ", " + o.Name
	if out.Context != o.Context {
		out.Context = ""
	}
	if out.Target != o.Target {
		out.Target = ""
	}
	out.Args = maps.Clone(b.Args)
	maps.DeleteFunc(out.Args, func(k, v string) bool {
		w, ok := o.Args[k]
		return !ok || v != w
	})
	return &out
}

// remote reports whether a context or a Dockerfile is not a local path.
func remote(s string) bool {
	return strings.Contains(s, "://") || strings.HasPrefix(s, "git@") || strings.HasPrefix(s, "github.com/") || strings.Contains(s, "\x00")
}
