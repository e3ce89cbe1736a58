package workspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/pelletier/go-toml/v2"
)

// LockName is the name of the file that says which images tags stand for.
const LockName = "refit.lock"

// lockVersion is the version of the file's format.
const lockVersion = 1

// Lock says which images tags stand for. It is found like the configuration
// file: the nearest one in a Dockerfile's folder or above.
type Lock struct {
	Path   string
	Images map[string]string // digest or tag, by reference with tag
	data   []byte            // as read
}

// lockFile is the content of the file. The tags are the source of its JSON
// schema.
type lockFile struct {
	Version int               `toml:"version" min:"1" max:"1" doc:"The version of this file's format."`
	Images  map[string]string `toml:"images" doc:"For a reference of a base image, with its tag: the digest of the image that it stands for, or another tag that replaces it."`
}

// ParseLock reads a lock. path is its path, for messages. Errors are
// *ConfigError.
func ParseLock(data []byte, path string) (*Lock, error) {
	var f lockFile
	if err := toml.NewDecoder(strings.NewReader(string(data))).DisallowUnknownFields().Decode(&f); err != nil {
		return nil, configError(err, path, data, reflect.TypeFor[lockFile]())
	}
	if f.Version != lockVersion {
		return nil, &ConfigError{Path: path, Source: data, Msg: fmt.Sprintf("version = %d: this refit reads version %d; write the file anew with `refit fix --online --update-lock`", f.Version, lockVersion)}
	}
	for _, ref := range sortedKeys(f.Images) {
		if why := lockEntry(ref, f.Images[ref]); why != "" {
			e := &ConfigError{Path: path, Source: data, Msg: fmt.Sprintf("%q: %s", ref, why)}
			if i := strings.Index(string(data), strconv.Quote(ref)); i >= 0 {
				e.Line = strings.Count(string(data[:i]), "\n") + 1
				e.Col = i - strings.LastIndexByte(string(data[:i]), '\n')
			}
			return nil, e
		}
	}
	l := &Lock{Path: path, Images: f.Images, data: data}
	if l.Images == nil {
		l.Images = map[string]string{}
	}
	return l, nil
}

// lockEntry says what is wrong with an entry, or "".
func lockEntry(ref, pin string) string {
	tag := ref[strings.LastIndexByte(ref, '/')+1:]
	_, tag, ok := strings.Cut(tag, ":")
	switch {
	case !ok || tag == "" || strings.ContainsAny(ref, "@ \t\n$\"'"):
		return "want a reference with a tag and without a digest, such as python:latest"
	case strings.Contains(pin, ":"):
		// digest.Parse wants the hash itself in the program, which nothing here computes.
		algorithm, hash, _ := strings.Cut(pin, ":")
		if err := digest.Algorithm(algorithm).Validate(hash); err != nil {
			return fmt.Sprintf("%q is no digest: %v", pin, err)
		}
	case pin == "" || strings.Trim(pin, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "" || strings.ContainsAny(pin[:1], ".-"):
		return fmt.Sprintf("%q is neither a digest nor a tag", pin)
	}
	return ""
}

// Lock returns the lock that holds for a file, nil where there is none. path
// need not exist. The error is a *ConfigError, or from reading.
func (r *Resolver) Lock(path string) (*Lock, error) {
	if r.None {
		return nil, nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.lock(filepath.Dir(abs))
	return l.lock, l.err
}

// dirLock is the lock that holds in a directory.
type dirLock struct {
	lock *Lock
	err  error
}

// lock reads the lock of a directory, or takes that of its parent.
func (r *Resolver) lock(dir string) dirLock {
	if l, ok := r.locks[dir]; ok {
		return l
	}
	up := filepath.Dir(dir)
	empty := r.empty.has(dir)
	if empty && up != dir {
		return r.lock(up) // nothing to remember
	}
	var l dirLock
	if path := inDir(dir, LockName); !empty && !missing(path) {
		l.lock, l.err = readLock(path)
	}
	if l.lock == nil && l.err == nil && up != dir {
		l = r.lock(up)
	}
	if r.locks == nil {
		r.locks = map[string]dirLock{}
	}
	r.locks[dir] = l
	return l
}

// LockPath is where a new lock for a file goes: beside the nearest
// configuration file, otherwise into the folder dir if the file is below it,
// otherwise into the file's own.
func (r *Resolver) LockPath(path, dir string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	d := r.dir(filepath.Dir(abs))
	r.mu.Unlock()
	if d.config != nil && !r.None && r.File == "" {
		return filepath.Join(filepath.Dir(d.config.Path), LockName), nil
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	if rel, err := filepath.Rel(dir, abs); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return filepath.Join(dir, LockName), nil
	}
	return filepath.Join(filepath.Dir(abs), LockName), nil
}

// readLock reads the lock of a directory; one that does not exist is nil.
func readLock(path string) (*Lock, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return ParseLock(data, path)
}

// Format is the lock as a file: the entries sorted by reference.
func (l *Lock) Format() []byte {
	var b strings.Builder
	b.WriteString("# Which images the tags in Dockerfiles stand for. Written by\n# refit fix --online --update-lock; commit this file.\n")
	fmt.Fprintf(&b, "version = %d\n\n[images]\n", lockVersion)
	for _, ref := range sortedKeys(l.Images) {
		fmt.Fprintf(&b, "%s = %s\n", strconv.Quote(ref), strconv.Quote(l.Images[ref]))
	}
	return []byte(b.String())
}

// Save writes the lock, if its entries differ from those that were read.
func (l *Lock) Save() error {
	if l.data != nil {
		if old, err := ParseLock(l.data, l.Path); err == nil && maps.Equal(old.Images, l.Images) {
			return nil
		}
		s, err := Load(l.Path)
		if err != nil {
			return err
		}
		if string(s.Data) != string(l.data) {
			return &fs.PathError{Op: "write", Path: l.Path, Err: ErrChanged}
		}
		return s.Replace(l.Format(), "")
	}
	return Create(l.Path, l.Format())
}

// LockSchema is the JSON schema of refit.lock.
func LockSchema() []byte {
	s := map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://refit.dev/schema/refit.lock.schema.json",
		"title": "The lock of refit", "type": "object", "additionalProperties": false, "required": []string{"version"},
		"properties": map[string]any{
			"version": map[string]any{"const": lockVersion, "description": "The version of this file's format."},
			"images": map[string]any{
				"type":                 "object",
				"description":          "For a reference of a base image, with its tag: the digest of the image that it stands for, or another tag that replaces it.",
				"propertyNames":        map[string]any{"pattern": `^[^@\s$"']*:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`},
				"additionalProperties": map[string]any{"type": "string", "pattern": `^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}|[A-Za-z0-9_][A-Za-z0-9._-]{0,127})$`},
			},
		},
	}
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // of a literal
	}
	return append(out, '\n')
}
