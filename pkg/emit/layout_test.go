package emit_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/refit-dev/refit/internal/fmtcheck"
	"github.com/refit-dev/refit/pkg/emit"
)

var update = flag.Bool("update", false, "write the results into the golden cases")

// golden is one case of testdata/fmt: a file NAME/in, its layout NAME/out, and
// optionally NAME/style with lines such as width=40. Without NAME/out the
// layout is the input.
type golden struct {
	file, name string
	in         []byte
	out        []byte
	style      emit.Style
}

func goldens(t testing.TB) []golden {
	t.Helper()
	files, err := filepath.Glob("../../testdata/fmt/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden cases: %v", err)
	}
	var out []golden
	for _, path := range files {
		ar, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		byName := map[string]*golden{}
		var names []string
		for _, f := range ar.Files {
			name, part, ok := strings.Cut(f.Name, "/")
			if !ok {
				t.Fatalf("%s: %s: want NAME/in, NAME/out or NAME/style", path, f.Name)
			}
			g := byName[name]
			if g == nil {
				g = &golden{file: path, name: name, style: emit.DefaultStyle()}
				byName[name] = g
				names = append(names, name)
			}
			switch part {
			case "in":
				g.in = f.Data
			case "out":
				g.out = f.Data
			case "style":
				g.style = parseStyle(t, string(f.Data))
			default:
				t.Fatalf("%s: %s: want NAME/in, NAME/out or NAME/style", path, f.Name)
			}
		}
		for _, n := range names {
			g := byName[n]
			if g.out == nil {
				g.out = g.in
			}
			out = append(out, *g)
		}
	}
	return out
}

func parseStyle(t testing.TB, text string) emit.Style {
	t.Helper()
	s := emit.DefaultStyle()
	for _, line := range strings.Fields(text) {
		k, v, _ := strings.Cut(line, "=")
		var err error
		switch k {
		case "indent":
			s.Indent, err = strconv.Atoi(v)
		case "width":
			s.Width, err = strconv.Atoi(v)
		case "operators":
			s.Operators = v
		case "tabs":
			s.Tabs = true
		case "heredocs":
			s.HeredocBody = true
		case "cache-neutral":
			s.CacheNeutral = true
		case "newline":
			s.Newline = v
		default:
			err = fmt.Errorf("unknown option %q", k)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestGolden(t *testing.T) {
	changed := map[string]map[string][]byte{}
	for _, g := range goldens(t) {
		t.Run(strings.TrimSuffix(filepath.Base(g.file), ".txtar")+"/"+g.name, func(t *testing.T) {
			got, _, err := fmtcheck.Format(g.in, g.style)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if changed[g.file] == nil {
					changed[g.file] = map[string][]byte{}
				}
				changed[g.file][g.name] = got
			} else if d := cmp.Diff(string(g.out), string(got)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if err := fmtcheck.Check(g.in, g.style); err != nil {
				t.Error(err)
			}
			checkVariants(t, g.in)
		})
	}
	for path, outs := range changed {
		rewrite(t, path, outs)
	}
}

// checkVariants checks src and generated variants of it in many styles.
func checkVariants(t *testing.T, src []byte) {
	t.Helper()
	for _, v := range fmtcheck.Variants() {
		in := v.Change(src)
		if err := fmtcheck.Check(in, v.Style); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
}

// rewrite puts results into a file of golden cases.
func rewrite(t *testing.T, path string, outs map[string][]byte) {
	t.Helper()
	ar, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var files []txtar.File
	for _, f := range ar.Files {
		name, part, _ := strings.Cut(f.Name, "/")
		if part == "out" {
			continue
		}
		files = append(files, f)
		if part == "in" && !bytes.Equal(outs[name], f.Data) {
			files = append(files, txtar.File{Name: name + "/out", Data: outs[name]})
		}
	}
	ar.Files = files
	if err := os.WriteFile(path, txtar.Format(ar), 0o644); err != nil {
		t.Fatal(err)
	}
}
