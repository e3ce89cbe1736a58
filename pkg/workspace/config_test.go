//go:build unix

package workspace

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/refit-dev/refit/pkg/transform"
)

// TestTemplate takes the comment signs off the file that refit init writes:
// every setting in it must be valid, and every setting must be in it.
func TestTemplate(t *testing.T) {
	if c, err := ParseConfig(Template(), "/x/.refit.toml"); err != nil || !reflect.DeepEqual(c.Rules, Rules{}) {
		t.Fatalf("as it is: %v %+v", err, c)
	}
	setting := regexp.MustCompile(`(?m)^# ((?:[a-z-]+|"[a-z.]+"|VERSION) = .*|\[.*\])$`)
	text := setting.ReplaceAllString(string(Template()), "$1")
	text = strings.Replace(text, `"sort-packages"`, `"key-value"`, 1) // exists in every build
	c, err := ParseConfig([]byte(text), "/x/.refit.toml")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	v := reflect.ValueOf(c.Rules)
	for _, f := range fields(v.Type()) {
		if v.FieldByIndex(f.Index).IsNil() {
			t.Errorf("%s is not in the template", tomlName(f))
		}
		if f.Type != reflect.TypeFor[*Format]() && f.Tag.Get("doc") == "" {
			t.Errorf("%s is not explained", tomlName(f))
		}
	}
	v = reflect.ValueOf(*c.Format)
	for _, f := range fields(v.Type()) {
		if v.FieldByIndex(f.Index).IsNil() {
			t.Errorf("format.%s is not in the template", tomlName(f))
		}
	}
	if c.exclude == nil || len(c.overrides) != 1 || *c.Context != "/x" {
		t.Errorf("%+v", c)
	}
}

// TestSchema keeps docs/schema up to date; UPDATE_DOCS=1 writes it.
func TestSchema(t *testing.T) {
	for name, schema := range map[string][]byte{"refit.toml.schema.json": Schema(), "refit.lock.schema.json": LockSchema()} {
		file := filepath.Join("..", "..", "docs", "schema", name)
		if os.Getenv("UPDATE_DOCS") != "" {
			if err := os.WriteFile(file, schema, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(schema), string(got)); d != "" {
			t.Errorf("run UPDATE_DOCS=1 go test ./pkg/workspace: %s", d)
		}
	}
}

func TestRulesOver(t *testing.T) {
	yes, no, two, eight := true, false, 2, 8
	base := Rules{Unsafe: &yes, Ignore: []string{"a"}, Labels: map[string]string{"a": "1", "b": "2"}, Format: &Format{Indent: &two, Tabs: &yes}}
	top := Rules{Unsafe: &no, Labels: map[string]string{"b": "3"}, Format: &Format{Indent: &eight}}
	got := top.Over(base)
	want := Rules{Unsafe: &no, Ignore: []string{"a"}, Labels: map[string]string{"a": "1", "b": "3"}, Format: &Format{Indent: &eight, Tabs: &yes}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if *base.Format.Indent != 2 || base.Labels["b"] != "2" {
		t.Error("the base was changed")
	}
	var opt transform.Options
	got.Apply(&opt)
	if opt.Unsafe || len(opt.Ignore) != 1 || len(opt.Labels) != 2 || opt.Labels[1] != (transform.Label{Key: "b", Value: "3"}) {
		t.Errorf("%+v", opt)
	}
	if st := got.Style(); st.Indent != 8 || !st.Tabs || st.Width != 100 || st.Newline != "" {
		t.Errorf("%+v", st)
	}
}

func TestResolver(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir, ".refit.toml", "max-lines = 7\nexclude = [\"*.gen\"]\n", "a/.refit.toml", "max-lines = 8\n", "a/b/Dockerfile", "", "c/Dockerfile", "", "c/Dockerfile.gen", "", "bad/.refit.toml", "x = 1\n", "bad/fixed/.refit.toml", "")
	r := &Resolver{}
	lines := func(path string) int {
		s, err := r.For(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		if s.MaxLines == nil {
			return 0
		}
		return *s.MaxLines
	}
	for path, want := range map[string]int{"Dockerfile": 7, "c/Dockerfile": 7, "a/b/Dockerfile": 8, "a/new/x/Dockerfile": 8, "bad/fixed/Dockerfile": 0} {
		if got := lines(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	if _, err := r.For(filepath.Join(dir, "bad", "Dockerfile")); err == nil || !strings.Contains(err.Error(), `1:1: unknown key "x"`) {
		t.Errorf("error %v", err)
	}
	if !r.Excluded(filepath.Join(dir, "c", "Dockerfile.gen"), false) || r.Excluded(filepath.Join(dir, "c", "Dockerfile"), false) {
		t.Error("excluded")
	}
}
