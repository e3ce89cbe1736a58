//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// built builds the command for a benchmark as a release does.
func built(b *testing.B) string { return buildPrograms(b, b.TempDir(), true) }

// process times a whole process, its processor time on all cores, and its
// largest size in memory. Exit status 1 (something would change) and 2 (a file
// that BuildKit refuses) are results, too.
func process(b *testing.B, bin string, args ...string) {
	var cpu, peak int64
	n := 0
	for b.Loop() {
		cmd := exec.Command(bin, args...)
		var exit *exec.ExitError
		if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
			b.Fatal(err)
		}
		n++
		cpu += (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Microseconds()
		if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok && runtime.GOOS == "linux" {
			peak = max(peak, u.Maxrss>>10)
		}
	}
	b.ReportMetric(float64(cpu)/float64(n)/1000, "cpu-ms/op")
	b.ReportMetric(float64(peak), "peak-MiB")
}

var benchModes = [][]string{{"fmt", "--check"}, {"fix", "--diff"}}

// BenchmarkSmallFile is one small file as a whole process: mostly start-up.
func BenchmarkSmallFile(b *testing.B) {
	bin := built(b)
	for _, mode := range benchModes {
		b.Run(mode[0], func(b *testing.B) { process(b, bin, append(mode, "../../testdata/slimming/Dockerfile")...) })
	}
}

// BenchmarkCorpus is a tree of Dockerfiles in one process on all cores. It
// needs the folder that REFIT_CORPUS names.
func BenchmarkCorpus(b *testing.B) {
	dir := os.Getenv("REFIT_CORPUS")
	if dir == "" {
		b.Skip("REFIT_CORPUS names no folder of Dockerfiles")
	}
	bin := built(b)
	for _, mode := range benchModes {
		b.Run(mode[0], func(b *testing.B) { process(b, bin, append(mode, dir)...) })
	}
}

// BenchmarkManyFiles is a tree of folders with a small Dockerfile each, in two
// sizes; the second is 100,000 files. Run it with -benchtime 1x.
func BenchmarkManyFiles(b *testing.B) {
	src, err := os.ReadFile("../../testdata/slimming/Dockerfile")
	if err != nil {
		b.Fatal(err)
	}
	bin := built(b)
	for _, n := range []int{50_000, 100_000} {
		dir := b.TempDir()
		for i := range n {
			folder := filepath.Join(dir, fmt.Sprint(i/1000), fmt.Sprint(i))
			if err := os.MkdirAll(folder, 0o777); err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "Dockerfile"), src, 0o666); err != nil {
				b.Fatal(err)
			}
		}
		for _, mode := range benchModes {
			b.Run(fmt.Sprintf("%s/%d", mode[0], n), func(b *testing.B) { process(b, bin, append(mode, dir)...) })
		}
	}
}
