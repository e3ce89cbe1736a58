package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"mvdan.cc/editorconfig"

	"github.com/refit-dev/refit/pkg/transform"
)

// Resolver finds the settings that hold for a file. It remembers what it has
// read and may be used by several goroutines.
type Resolver struct {
	File  string // use this configuration file for all; "" searches upwards
	None  bool   // read no configuration files of any kind
	mu    sync.Mutex
	dirs  map[string]*dirConfig
	empty pathSet // directories that have no configuration file
	locks map[string]dirLock
	query editorconfig.Query
}

// dirConfig is what holds in a directory.
type dirConfig struct {
	config   *Config
	hadolint *Hadolint
	editor   bool // there is an .editorconfig here or above
	err      error
}

// Settings are the settings for one file.
type Settings struct {
	Rules
	Config   *Config   // nil where there is none
	Hadolint *Hadolint // nil where there is none
}

// For returns the settings for a file, whether it exists or not: those of the
// nearest .refit.toml, over those of .hadolint.yaml and .editorconfig. The
// error is a *ConfigError, or from reading.
func (r *Resolver) For(path string) (*Settings, error) {
	if r.None {
		return &Settings{}, nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.dir(filepath.Dir(abs))
	if d.err != nil {
		return nil, d.err
	}
	s := &Settings{Config: d.config, Hadolint: d.hadolint}
	if d.config != nil {
		s.Rules = d.config.For(abs)
	}
	if s.Hadolint != nil && (s.Rules.Hadolint == nil || *s.Rules.Hadolint) {
		s.Rules = s.Rules.Over(s.Hadolint.rules())
		s.Ignore = append(s.Ignore[:len(s.Ignore):len(s.Ignore)], s.Hadolint.known()...)
	} else {
		s.Hadolint = nil
	}
	if d.editor {
		f, err := r.editorFormat(abs)
		if err != nil {
			return nil, err
		}
		s.Rules = s.Rules.Over(Rules{Format: f})
	}
	return s, nil
}

// configNames are the files that dir and lock look for.
var configNames = [...]string{ConfigName, ".hadolint.yaml", ".hadolint.yml", editorconfig.DefaultName, LockName}

// Listed is for FindOptions: a directory's entries tell which files need not
// be looked for.
func (r *Resolver) Listed(dir string, entries []fs.DirEntry) {
	for _, name := range configNames {
		if hasEntry(entries, name) {
			return
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.empty.add(dir)
}

// Excluded is for FindOptions.
func (r *Resolver) Excluded(path string, _ bool) bool {
	if r.None {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.dir(filepath.Dir(path))
	if d.config == nil || d.config.exclude == nil {
		return false
	}
	st, err := os.Lstat(path)
	return d.config.Excluded(path, err == nil && st.IsDir())
}

// dir reads the configuration of a directory, or takes that of its parent.
func (r *Resolver) dir(dir string) *dirConfig {
	if d := r.dirs[dir]; d != nil {
		return d
	}
	d := &dirConfig{}
	empty := r.empty.has(dir)
	if up := filepath.Dir(dir); up != dir {
		above := r.dir(up)
		if empty {
			return above // nothing to remember
		}
		*d = *above
	}
	if r.dirs == nil {
		r.dirs = map[string]*dirConfig{}
		r.query = editorconfig.Query{FileCache: map[string]*editorconfig.File{}, RegexpCache: map[string]*regexp.Regexp{}}
	}
	r.dirs[dir] = d
	if r.File != "" && d.config == nil && d.err == nil {
		d.config, d.err = ReadConfig(r.File)
	}
	if empty {
		return d
	}
	if path := inDir(dir, ConfigName); r.File == "" && !missing(path) {
		// A nearer file replaces the one above, mistakes included.
		if c, err := ReadConfig(path); !errors.Is(err, fs.ErrNotExist) {
			d.config, d.err = c, err
		}
	}
	for _, name := range [...]string{".hadolint.yaml", ".hadolint.yml"} {
		path := inDir(dir, name)
		if missing(path) {
			continue
		}
		if h, err := ReadHadolint(path); !errors.Is(err, fs.ErrNotExist) {
			d.hadolint = h
			if d.err == nil {
				d.err = err
			}
			break
		}
	}
	if !missing(inDir(dir, editorconfig.DefaultName)) {
		d.editor = true
	}
	return d
}

// inDir is the path of a file in a directory, whose path is clean.
func inDir(dir, name string) string {
	if os.IsPathSeparator(dir[len(dir)-1]) { // a root
		return dir + name
	}
	return dir + string(filepath.Separator) + name
}

// ReadConfig reads a configuration file.
func ReadConfig(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return ParseConfig(data, path)
}

// editorFormat takes the layout from .editorconfig files, see
// https://spec.editorconfig.org/. Values that mean nothing to refit are
// ignored.
func (r *Resolver) editorFormat(abs string) (*Format, error) {
	s, err := r.query.Find(abs, nil)
	if err != nil {
		return nil, &ConfigError{Path: filepath.Join(filepath.Dir(abs), editorconfig.DefaultName), Msg: err.Error()}
	}
	f := &Format{}
	if s.Get("indent_style") == "tab" {
		yes := true
		f.Tabs = &yes
	} else if s.Get("indent_style") == "space" {
		no := false
		f.Tabs = &no
	}
	size := s.Get("indent_size")
	if size == "tab" || size == "" {
		size = s.Get("tab_width")
	}
	if n, err := strconv.Atoi(size); err == nil && n >= 1 && n <= 16 {
		f.Indent = &n
	}
	switch width := s.Get("max_line_length"); width {
	case "off":
		none := 0
		f.Width = &none
	default:
		if n, err := strconv.Atoi(width); err == nil && n > 0 {
			f.Width = &n
		}
	}
	if nl := strings.ToLower(s.Get("end_of_line")); nl == "lf" || nl == "crlf" {
		f.Newline = &nl
	}
	return f, nil
}

// known are the codes among Ignored that refit has a transform for.
func (h *Hadolint) known() []string {
	var out []string
	for _, code := range h.Ignored {
		if len(transform.Lookup(code)) > 0 {
			out = append(out, code)
		}
	}
	return out
}

// rules are the settings that refit has under other names.
func (h *Hadolint) rules() Rules {
	r := Rules{FailOn: h.failOn(), Registries: h.Registries, LabelSchema: h.Labels}
	if h.Strict {
		r.StrictLabels = &h.Strict
	}
	return r
}

// failOn translates the threshold.
func (h *Hadolint) failOn() *string {
	level := ""
	switch {
	case h.NoFail || h.Threshold == "none":
		level = "error"
	case h.Threshold == "error", h.Threshold == "warning":
		level = h.Threshold
	case h.Threshold != "":
		level = "note"
	}
	if level == "" {
		return nil
	}
	return &level
}
