package transform_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/transform"
)

// BenchmarkParts times each part of the work alone over the real Dockerfiles
// in the folder that REFIT_CORPUS names: the table in docs/performance.md.
//
//	REFIT_CORPUS=DIR go test -run '^$' -bench Parts -benchmem -cpu 1 ./pkg/transform
func BenchmarkParts(b *testing.B) {
	dir := os.Getenv("REFIT_CORPUS")
	if dir == "" {
		b.Skip("REFIT_CORPUS names no folder of Dockerfiles")
	}
	var srcs [][]byte
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !strings.Contains(strings.ToLower(filepath.Base(path)), "dockerfile") {
			return err
		}
		src, err := os.ReadFile(path)
		if _, bad := transform.Run(src, transform.Options{None: true}); bad == nil {
			srcs = append(srcs, src)
		}
		return err
	})
	if err != nil || len(srcs) == 0 {
		b.Fatalf("no Dockerfiles in %s (%v)", dir, err)
	}
	files := make([]*parse.File, len(srcs))
	known := make([]*facts.Facts, len(srcs))
	for i, src := range srcs {
		files[i], _ = parse.Parse(src)
		known[i] = facts.New(files[i], facts.Options{})
	}
	style := emit.DefaultStyle()
	parts := []struct {
		name string
		run  func(i int) error
	}{
		{"BuildKit", func(i int) error { _, err := parser.Parse(bytes.NewReader(srcs[i])); return err }},
		{"parse", func(i int) error { _, err := parse.Parse(srcs[i]); return err }},
		{"plan", func(i int) error { _, err := plan.Build(files[i], known[i].Shell); return err }},
		{"layout", func(i int) error { emit.Layout(files[i], known[i].Shell, style); return nil }},
		{"fmt", func(i int) error {
			_, err := transform.Run(srcs[i], transform.Options{None: true, Format: &style})
			return err
		}},
		{"fmt --check", func(i int) error {
			_, err := transform.Run(srcs[i], transform.Options{None: true, Format: &style, Any: true})
			return err
		}},
		{"fix", func(i int) error { _, err := transform.Run(srcs[i], transform.Options{}); return err }},
	}
	for _, part := range parts {
		b.Run(part.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for i := range srcs {
					if err := part.run(i); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
