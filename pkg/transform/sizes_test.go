//go:build unix

package transform_test

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/transform"
	_ "github.com/refit-dev/refit/pkg/transform/labelkind" // TestPolicies has licences and URLs
)

// perInstruction makes a file of n instructions: those of one line are repeated
// with a number in place of each %d until there are enough.
func perInstruction(from string, instructions int, format string) func(n int) string {
	return func(n int) string {
		var b strings.Builder
		b.WriteString(from)
		for i := range n / instructions {
			b.WriteString(strings.ReplaceAll(format, "%d", fmt.Sprint(i)))
		}
		return b.String()
	}
}

// BenchmarkSizes shows how time and memory grow with the input: each shape in
// two sizes, the second twice the first and 10,000 instructions or commands, or
// a megabyte. What else runs on the machine disturbs the least of the processor
// times (cpu-ms) less than the mean of the wall times, and the bytes not at all.
//
//	go test -run '^$' -bench Sizes -benchtime 3x -benchmem ./pkg/transform
func BenchmarkSizes(b *testing.B) {
	style := emit.DefaultStyle()
	modes := []struct {
		name string
		opt  transform.Options
	}{{"fmt", transform.Options{None: true, Format: &style}}, {"fix", transform.Options{}}}
	const debian = "FROM debian:12\n"
	shapes := []struct {
		name string
		size int
		make func(n int) string
	}{
		{"instructions", 5000, perInstruction("FROM alpine\n", 2, "RUN  echo a   b\nCOPY a /b\n")},
		{"installs", 5000, perInstruction(debian, 2, "RUN apt-get update && \\\n    apt-get install -y p%d\nCOPY a%d b%d\n")},
		{"runs", 5000, perInstruction(debian, 1, "RUN apt-get update && apt-get install -y p%d\n")},
		{"downloads", 5000, perInstruction(debian, 2, "RUN curl -L https://example.com/%d.tar.gz -o /tmp/%d.tar.gz && tar -xzf /tmp/%d.tar.gz -C /opt\nCOPY a%d b%d\n")},
		{"chown", 5000, perInstruction(debian, 2, "COPY a%d /srv/%d\nRUN chown -R app:app /srv/%d\n")},
		{"copy", 5000, perInstruction(debian, 1, "COPY a%d /srv/b%d\n")},
		{"add", 5000, perInstruction(debian, 1, "ADD a%d /srv/b%d/\n")},
		{"env", 5000, perInstruction(debian, 1, "ENV A%d=b%d\n")},
		{"arg", 5000, perInstruction(debian, 2, "ARG A%d=b%d\nENV B%d=$A%d\n")},
		{"workdir", 5000, perInstruction(debian, 2, "WORKDIR /w/%d\nRUN make -j 4\n")},
		{"user", 5000, perInstruction(debian, 2, "USER u%d\nRUN id\n")},
		{"label", 5000, perInstruction(debian, 1, "LABEL a.b%d=\"c d\"\n")},
		{"cd", 5000, perInstruction(debian, 2, "RUN cd /srv/%d && make && rm -rf /tmp/%d\nCOPY x%d .\n")},
		{"manifests", 5000, perInstruction("FROM node:20\n", 2, "COPY . /app%d\nRUN cd /app%d && npm ci\n")},
		{"comments", 5000, perInstruction(debian, 1, "# comment %d\nRUN  echo %d\n")},
		{"stages", 5000, func(n int) string {
			var b strings.Builder
			b.WriteString("FROM debian:12 AS s0\n")
			for i := range n / 3 {
				fmt.Fprintf(&b, "FROM s%d AS s%d\nRUN npm ci\nCOPY --from=s%d /a /b%d\n", i, i+1, i/2, i)
			}
			return b.String()
		}},
		{"bases", 5000, func(n int) string {
			var b strings.Builder
			for i := range n / 3 {
				fmt.Fprintf(&b, "FROM golang:1.22 AS s%d\nRUN go build ./cmd/%d\nCOPY --from=s%d /a /b%d\n", i, i, i/2, i)
			}
			return b.String()
		}},
		{"reads", 5000, func(n int) string {
			var b strings.Builder
			for i := range n / 4 {
				fmt.Fprintf(&b, "FROM golang:1.22 AS s%d\nWORKDIR /src\nRUN go build -o /out/b%d ./cmd/%d\n", i, i, i)
			}
			b.WriteString(debian)
			for i := range n / 4 {
				fmt.Fprintf(&b, "COPY --from=s%d /out/b%d /usr/bin/\n", i, i)
			}
			return b.String()
		}},
		{"pragmas", 5000, perInstruction(debian, 2, "# hadolint ignore=DL3008\nRUN apt-get update\nRUN apt-get install p%d\n")},
		{"pairs", 5000, perInstruction(debian+"ENV A=b", 1, " \\\n  A%d=b%d")},
		{"edits", 5000, perInstruction(debian+"RUN true", 1, " && \\\n  apt-get install p%d")},
		{"commands", 5000, func(n int) string { return "FROM alpine\nRUN true" + strings.Repeat(" && \\\n echo a", n) + "\n" }},
		{"packages", 5000, func(n int) string {
			var b strings.Builder
			b.WriteString("FROM debian:12\nRUN apt-get update && apt-get install -y")
			for i := range n {
				fmt.Fprintf(&b, " \\\n  p%d", n-i)
			}
			return b.String() + "\n"
		}},
		{"heredoc", 512 << 10, func(n int) string {
			return "FROM alpine\nRUN <<EOF\n" + strings.Repeat("echo a b c d e\n", n/15) + "EOF\n"
		}},
	}
	for _, m := range modes {
		for _, s := range shapes {
			for _, n := range []int{s.size, 2 * s.size} {
				b.Run(fmt.Sprintf("%s/%s/%d", m.name, s.name, n), func(b *testing.B) {
					src := []byte(s.make(n))
					b.ReportAllocs()
					least := time.Duration(math.MaxInt64)
					for b.Loop() {
						runtime.GC() // what the run before has left is not this one's
						start := processorTime()
						if _, err := transform.Run(src, m.opt); err != nil {
							b.Fatal(err)
						}
						least = min(least, processorTime()-start)
					}
					b.ReportMetric(float64(least.Microseconds())/1000, "cpu-ms")
				})
			}
		}
	}
}

// processorTime is what this process has used on all cores.
func processorTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for no process
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
