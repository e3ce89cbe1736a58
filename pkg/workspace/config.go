package workspace

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/refit-dev/refit/pkg/transform"
)

// ConfigName is the name of the configuration file.
const ConfigName = ".refit.toml"

// Config is a configuration file.
type Config struct {
	Path string // "" where there is none
	Rules
	exclude   *ignoreList
	overrides []override
}

type override struct {
	paths *ignoreList
	rules Rules
}

// configFile is the content of the file.
type configFile struct {
	Rules
	Exclude   []string       `toml:"exclude" doc:"Files and folders that are left alone, as patterns of .gitignore, relative to this file." example:"[\"vendor/\", \"*.gen.Dockerfile\"]"`
	Overrides []overrideFile `toml:"overrides" doc:"Other settings for some paths; later sections win."`
}

type overrideFile struct {
	Paths []string `toml:"paths" doc:"The paths that this section is about, as patterns of .gitignore, relative to this file." example:"[\"legacy/\"]"`
	Rules
}

// ConfigError is a mistake in a configuration file. Line and Col are 1-based,
// 0 where unknown.
type ConfigError struct {
	Path      string
	Line, Col int
	Msg       string
	Source    []byte // the file
}

func (e *ConfigError) Error() string {
	if e.Line == 0 {
		return e.Path + ": " + e.Msg
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Path, e.Line, e.Col, e.Msg)
}

// ParseConfig reads a configuration file. path is its path, which relative
// paths in it refer to. Errors are *ConfigError: unknown keys, with the nearest
// known one, and values out of range.
func ParseConfig(data []byte, path string) (*Config, error) {
	var cf configFile
	err := toml.NewDecoder(strings.NewReader(string(data))).DisallowUnknownFields().Decode(&cf)
	if err != nil {
		return nil, configError(err, path, data, reflect.TypeFor[configFile]())
	}
	check := checker{path: path, data: data}
	check.object(reflect.ValueOf(cf.Rules), nil)
	for i, o := range cf.Overrides {
		at := []string{"overrides", strconv.Itoa(i)}
		if len(o.Paths) == 0 {
			check.fail(at, "the section needs paths = [\"…\"]")
		}
		check.object(reflect.ValueOf(o.Rules), at)
	}
	if check.err != nil {
		return nil, check.err
	}
	c := &Config{Path: path, Rules: cf.Rules, exclude: patterns(cf.Exclude)}
	dir := filepath.Dir(path)
	absolute(&c.Context, dir)
	for _, o := range cf.Overrides {
		absolute(&o.Context, dir)
		c.overrides = append(c.overrides, override{patterns(o.Paths), o.Rules})
	}
	return c, nil
}

func absolute(path **string, dir string) {
	if *path != nil && !filepath.IsAbs(**path) {
		p := filepath.Join(dir, **path)
		*path = &p
	}
}

// patterns makes an ignore list of patterns.
func patterns(lines []string) *ignoreList {
	return parseIgnore([]byte(strings.Join(lines, "\n")), "")
}

// For returns the rules for a file: the file's, with those of the overrides
// that match. path is absolute.
func (c *Config) For(path string) Rules {
	r := c.Rules
	for _, o := range c.overrides {
		if c.matches(o.paths, path, false) {
			r = o.rules.Over(r)
		}
	}
	return r
}

// Excluded reports whether the configuration leaves a file or a folder out.
// path is absolute.
func (c *Config) Excluded(path string, dir bool) bool { return c.matches(c.exclude, path, dir) }

// matches reports whether a pattern matches the path or a folder above it.
func (c *Config) matches(l *ignoreList, path string, dir bool) bool {
	if l == nil {
		return false
	}
	base, err := filepath.Abs(filepath.Dir(c.Path))
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(base, path)
	if err != nil || rel == "." || strings.HasPrefix(rel, "..") {
		return false
	}
	rel = filepath.ToSlash(rel)
	for i := 0; i < len(rel); i++ {
		if rel[i] == '/' {
			if ignored, known := l.decide(rel[:i], true); known && ignored {
				return true
			}
		}
	}
	ignored, known := l.decide(rel, dir)
	return known && ignored
}

// configError gives the decoder's errors a hint.
func configError(err error, path string, data []byte, file reflect.Type) error {
	out := &ConfigError{Path: path, Source: data, Msg: err.Error()}
	var de *toml.DecodeError
	var strict *toml.StrictMissingError
	switch {
	case errors.As(err, &strict):
		de = &strict.Errors[0]
		key := de.Key()
		out.Msg = fmt.Sprintf("unknown key %q", strings.Join(key, "."))
		known := keysAt(file, key[:len(key)-1])
		if near := near(key[len(key)-1], known); near != "" {
			out.Msg += fmt.Sprintf("; did you mean %q?", near)
		} else if len(known) > 0 {
			out.Msg += "; known here: " + strings.Join(known, ", ")
		}
		out.Line, out.Col = de.Position()
	case errors.As(err, &de):
		out.Msg = strings.TrimPrefix(de.Error(), "toml: ")
		out.Line, out.Col = de.Position()
	}
	return out
}

// near finds the nearest of some names, "" if none is near.
func near(s string, names []string) string {
	best, dist := "", len(s)/3+2
	for _, n := range names {
		if d := levenshtein.Distance(strings.ReplaceAll(s, "_", "-"), n, nil); d < dist {
			best, dist = n, d
		}
	}
	return best
}

// fields lists a struct's fields with a key, embedded ones in place.
func fields(t reflect.Type) []reflect.StructField {
	var out []reflect.StructField
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous {
			out = append(out, fields(f.Type)...)
		} else if tomlName(f) != "" {
			out = append(out, f)
		}
	}
	return out
}

// keysAt lists the keys that a table may have.
func keysAt(t reflect.Type, table []string) []string {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var names []string
	for _, f := range fields(t) {
		if len(table) > 0 && tomlName(f) == table[0] {
			return keysAt(f.Type, table[1:])
		}
		names = append(names, tomlName(f))
	}
	if len(table) > 0 {
		return nil
	}
	return names
}

// checker checks values against the tags of their fields.
type checker struct {
	path string
	data []byte
	err  error // the first
}

func (c *checker) fail(key []string, format string, args ...any) {
	if c.err != nil {
		return
	}
	line, col := 0, 0
	for n := len(key); n > 0 && line == 0; n-- { // a key of an inline table has no place of its own
		line, col = locate(c.data, key[:n])
	}
	c.err = &ConfigError{Path: c.path, Source: c.data, Line: line, Col: col, Msg: fmt.Sprintf(format, args...)}
}

func (c *checker) object(v reflect.Value, at []string) {
	for _, f := range fields(v.Type()) {
		val := v.FieldByIndex(f.Index)
		if val.IsNil() {
			continue
		}
		name := tomlName(f)
		key := append(at[:len(at):len(at)], name)
		choices := strings.Fields(f.Tag.Get("choices"))
		switch x := val.Interface().(type) {
		case *string:
			c.choice(key, *x, choices)
		case map[string]string:
			for _, k := range sortedKeys(x) {
				c.choice(append(key, k), x[k], choices)
			}
		case *int:
			lo, _ := strconv.Atoi(f.Tag.Get("min"))
			hi, _ := strconv.Atoi(f.Tag.Get("max"))
			if *x < lo || *x > hi {
				c.fail(key, "%s = %d: want %d to %d", name, *x, lo, hi)
			}
		case []string:
			if name == "select" || name == "ignore" {
				for _, n := range x {
					if len(transform.Lookup(n)) == 0 {
						c.fail(key, "%v", transform.UnknownName(n))
					}
				}
			}
		case *Format:
			c.object(val.Elem(), key)
		}
	}
}

func (c *checker) choice(key []string, value string, choices []string) {
	if len(choices) == 0 {
		return
	}
	for _, ch := range choices {
		if ch == value {
			return
		}
	}
	hint := ""
	if n := near(value, choices); n != "" {
		hint = "; did you mean " + n + "?"
	}
	c.fail(key, "%s = %q: want %s%s", key[len(key)-1], value, strings.Join(choices, ", "), hint)
}

// locate finds the line and column of a key; the number of an array table's
// section follows its name.
func locate(data []byte, want []string) (line, col int) {
	var p unstable.Parser
	p.Reset(data)
	var table []string
	count := map[string]int{}
	for p.NextExpression() {
		e := p.Expression()
		var key []string
		var at unstable.Range
		for it := e.Key(); it.Next(); {
			if len(key) == 0 {
				at = it.Node().Raw
			}
			key = append(key, string(it.Node().Data))
		}
		switch e.Kind {
		case unstable.Table:
			table = key
			if len(key) > 0 && count[key[0]] > 0 {
				table = append([]string{key[0], strconv.Itoa(count[key[0]] - 1)}, key[1:]...)
			}
		case unstable.ArrayTable:
			name := key[len(key)-1]
			table = append(key, strconv.Itoa(count[name]))
			count[name]++
		case unstable.KeyValue:
			key = append(table[:len(table):len(table)], key...)
		}
		full := key
		if e.Kind != unstable.KeyValue {
			full = table
		}
		if strings.Join(full, "\x00") == strings.Join(want, "\x00") {
			pos := p.Shape(at).Start
			return pos.Line, pos.Column
		}
	}
	return 0, 0
}
