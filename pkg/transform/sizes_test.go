package transform_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/transform"
	_ "github.com/refit-dev/refit/pkg/transform/spdx" // TestPolicies has licences
)

// BenchmarkSizes shows how time and memory grow with the input: each shape in
// two sizes, the second twice the first.
//
//	go test -run '^$' -bench Sizes -benchtime 3x -benchmem ./pkg/transform
func BenchmarkSizes(b *testing.B) {
	style := emit.DefaultStyle()
	modes := []struct {
		name string
		opt  transform.Options
	}{{"fmt", transform.Options{None: true, Format: &style}}, {"fix", transform.Options{}}}
	shapes := []struct {
		name string
		size int
		make func(n int) string
	}{
		{"instructions", 5000, func(n int) string {
			return "FROM alpine\n" + strings.Repeat("RUN  echo a   b\nCOPY a /b\n", n/2)
		}},
		{"installs", 1000, func(n int) string {
			var b strings.Builder
			b.WriteString("FROM debian:12\n")
			for i := range n / 2 {
				fmt.Fprintf(&b, "RUN apt-get update && \\\n    apt-get install -y p%d\nCOPY a%d b%d\n", i, i, i)
			}
			return b.String()
		}},
		{"stages", 500, func(n int) string {
			var b strings.Builder
			b.WriteString("FROM debian:12 AS s0\n")
			for i := range n {
				fmt.Fprintf(&b, "FROM s%d AS s%d\nRUN npm ci\nCOPY --from=s%d /a /b%d\n", i, i+1, i/2, i)
			}
			return b.String()
		}},
		{"commands", 5000, func(n int) string { return "FROM alpine\nRUN true" + strings.Repeat(" && \\\n echo a", n) + "\n" }},
		{"heredoc", 512 << 10, func(n int) string {
			return "FROM alpine\nRUN <<EOF\n" + strings.Repeat("echo a b c d e\n", n/15) + "EOF\n"
		}},
	}
	for _, m := range modes {
		for _, s := range shapes {
			for _, n := range []int{s.size, 2 * s.size} {
				src := []byte(s.make(n))
				b.Run(fmt.Sprintf("%s/%s/%d", m.name, s.name, n), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if _, err := transform.Run(src, m.opt); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
