package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// built builds the command for a benchmark.
func built(b *testing.B) string {
	b.Helper()
	bin := filepath.Join(b.TempDir(), "refit")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// process times a whole process. Exit status 1 (something would change) and 2
// (a file that BuildKit refuses) are results, too.
func process(b *testing.B, bin string, args ...string) {
	for b.Loop() {
		var exit *exec.ExitError
		if err := exec.Command(bin, args...).Run(); err != nil && !errors.As(err, &exit) {
			b.Fatal(err)
		}
	}
}

// BenchmarkSmallFile is one small file as a whole process: mostly start-up.
func BenchmarkSmallFile(b *testing.B) {
	bin := built(b)
	for _, mode := range [][]string{{"fmt", "--check"}, {"fix", "--diff"}} {
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
	for _, mode := range [][]string{{"fmt", "--check"}, {"fix", "--diff"}} {
		b.Run(mode[0], func(b *testing.B) { process(b, bin, append(mode, dir)...) })
	}
}
