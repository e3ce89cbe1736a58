package emit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refit-dev/refit/internal/fmtcheck"
	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
)

const benchRun = `RUN apt-get update && apt-get install -y curl \
      git \
  # a comment
   ca-certificates && rm -rf /var/lib/apt/lists/* && if [ -f /x ]; then echo "$(cat /x)" | tee /y; fi
`

// BenchmarkLayout measures the layout without parsing the Dockerfile; shell
// programs are parsed by it. The time per byte must not grow with the size.
func BenchmarkLayout(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("runs-%d", n), func(b *testing.B) {
			benchmark(b, "FROM debian:12\n"+strings.Repeat(benchRun, n))
		})
	}
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("commands-%d", n), func(b *testing.B) {
			benchmark(b, "FROM debian:12\nRUN true"+strings.Repeat(" && echo 'a  b' > /x \\\n", n)+"\n")
		})
	}
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("packages-%d", n), func(b *testing.B) {
			benchmark(b, "FROM debian:12\nRUN apt-get install -y"+strings.Repeat(" libsomething-dev \\\n", n)+"\n")
		})
	}
}

func benchmark(b *testing.B, src string) {
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		// Programs are kept with the tree, so each round needs a new one.
		b.StopTimer()
		f, err := parse.Parse([]byte(src))
		if err != nil {
			b.Fatal(err)
		}
		shells := fmtcheck.Shells(f)
		b.StartTimer()
		if groups := emit.Layout(f, shells, emit.DefaultStyle()); len(groups) == 0 {
			b.Fatal("no groups")
		}
	}
}
