package emit_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refit-dev/refit/internal/fmtcheck"
	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
)

// seeds adds the golden cases, and the files below REFIT_CORPUS if it is set,
// to the seeds of a fuzz target.
func seeds(f *testing.F, add func([]byte)) {
	for _, g := range goldens(f) {
		add(g.in)
		add(g.out)
	}
	dir := os.Getenv("REFIT_CORPUS")
	if dir == "" {
		return
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		src, err := os.ReadFile(path)
		if err == nil {
			add(src)
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
}

// FuzzLayout checks that a layout is the same program with the same comments,
// that a second run changes nothing, that the input is not modified, and that
// the changes do not depend on each other.
func FuzzLayout(f *testing.F) {
	seeds(f, func(src []byte) {
		f.Add(src, uint8(100), uint8(4), uint8(0))
		f.Add(src, uint8(1), uint8(2), uint8(0xff))
	})
	f.Fuzz(func(t *testing.T, src []byte, width, indent, options uint8) {
		if len(src) > 1<<13 { // small inputs run fast and mutate well
			t.Skip()
		}
		if _, err := parse.Parse(src); err != nil {
			t.Skip()
		}
		style := emit.DefaultStyle()
		style.Width, style.Indent = int(width), int(indent%9)
		if options&1 != 0 {
			style.Operators = "trailing"
		}
		style.Tabs = options&2 != 0
		style.HeredocBody = options&4 != 0
		style.CacheNeutral = options&8 != 0
		switch options >> 4 & 3 {
		case 1:
			style.Newline = "lf"
		case 2:
			style.Newline = "crlf"
		}
		if err := fmtcheck.Check(src, style); err != nil {
			t.Fatal(err)
		}
		if options&64 != 0 {
			if err := fmtcheck.CheckPart(src, style, options&128 != 0); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzProgram is FuzzLayout for the shell program of one RUN. A line break in
// program is a continuation.
func FuzzProgram(f *testing.F) {
	seeds(f, func(src []byte) {
		file, err := parse.Parse(src)
		if err != nil || file.Escape != '\\' {
			return
		}
		for _, in := range file.Instructions {
			if in.Form == parse.Shell && in.Name == "RUN" && len(in.Heredocs) == 0 {
				text := in.Args.Text(file.Src)
				f.Add(strings.ReplaceAll(text, "\\\n", "\n"), uint8(100))
			}
		}
	})
	f.Fuzz(func(t *testing.T, program string, width uint8) {
		if len(program) > 1<<14 {
			t.Skip()
		}
		src := []byte("FROM scratch\nRUN " + strings.ReplaceAll(program, "\n", "\\\n") + "\n")
		if _, err := parse.Parse(src); err != nil {
			t.Skip()
		}
		style := emit.DefaultStyle()
		style.Width = int(width)
		if err := fmtcheck.Check(src, style); err != nil {
			t.Fatal(err)
		}
		style.Operators = "trailing"
		if err := fmtcheck.Check(src, style); err != nil {
			t.Fatal(err)
		}
	})
}
