package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// buildPrograms builds the programs of a release into a directory, as
// .goreleaser.yaml does: the plain refit and, unless only is set, refit-full.
func buildPrograms(t testing.TB, dir string, only bool) (plain string) {
	t.Helper()
	exe := ""
	if runtime.GOOS == "windows" {
		exe = ".exe"
	}
	plain = filepath.Join(dir, "refit"+exe)
	builds := [][]string{{"-tags", "plain", "-o", plain}, {"-o", filepath.Join(dir, "refit-full"+exe)}}
	if only {
		builds = builds[:1]
	}
	run := func(args ...string) {
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	lazy := filepath.Join(t.TempDir(), "lazyregexp")
	run("run", "../../scripts/lazyregexp", lazy, ".")
	for _, b := range builds {
		run(slices.Concat([]string{"build", "-modfile", filepath.Join(lazy, "go.mod"), "-trimpath", "-ldflags", "-s -w"}, b, []string{"."})...)
	}
	return plain
}

// TestPlain tries the two programs of a release.
func TestPlain(t *testing.T) {
	dir := t.TempDir()
	plain := buildPrograms(t, dir, false)
	t.Run("alone", func(t *testing.T) { plainAlone(t, plain) })
	t.Run("start", func(t *testing.T) { plainStart(t, plain) })
	// Nothing tells the two from one.
	t.Run("transcripts", func(t *testing.T) { transcripts(t, dir) })
}

// plainAlone makes sure that the plain program without the full one works and
// says what is missing.
func plainAlone(t *testing.T, program string) {
	plain := filepath.Join(t.TempDir(), filepath.Base(program))
	if data, err := os.ReadFile(program); err != nil {
		t.Fatal(err)
	} else if err := os.WriteFile(plain, data, 0o777); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(plain, "fix", "../../testdata/slimming/Dockerfile").Output(); err != nil || len(out) == 0 {
		t.Errorf("fix: %v %q", err, out)
	}
	for _, args := range [][]string{{"measure", "."}, {"lsp"}, {"man"}, {"fix", "--online", "../../testdata/slimming/Dockerfile"}, {"fix", "--diff", "compose.yaml"}} {
		cmd := exec.Command(plain, args...)
		cmd.Dir = t.TempDir()
		if args[0] == "fix" {
			if err := os.WriteFile(filepath.Join(cmd.Dir, "compose.yaml"), []byte("services: {a: {build: .}}\n"), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != exitFailure || !strings.Contains(string(out), "refit-full") || !strings.Contains(string(out), "go install") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

// plainStart makes sure that refit's own packages make next to nothing at
// start: their tables are laid out by the linker or made when they are asked for.
func plainStart(t *testing.T, plain string) {
	cmd := exec.Command(plain, "--version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		var pkg string
		var at, clock float64
		var bytes, allocs int
		if _, err := fmt.Sscanf(line, "init %s @%f ms, %f ms clock, %d bytes, %d allocs", &pkg, &at, &clock, &bytes, &allocs); err != nil {
			continue
		}
		if pkg == "main" || strings.HasPrefix(pkg, "github.com/refit-dev/refit/") {
			if seen++; allocs > 10 {
				t.Errorf("%s", line)
			}
		}
	}
	if seen < 2 {
		t.Errorf("%d packages of refit:\n%s", seen, out)
	}
}

// TestPlainImports makes sure that the plain program is free of packages that
// take long to initialize or belong to other commands.
func TestPlainImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-tags", "plain", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 100 || !slices.Contains(deps, "github.com/refit-dev/refit/pkg/transform") {
		t.Fatalf("%d packages", len(deps))
	}
	for _, not := range []string{
		"net/http", "crypto/tls", "html/template", "text/template", "runtime/metrics", "github.com/klauspost/compress/zstd",
		"net", "net/url", "net/netip", "github.com/zclconf/go-cty/cty", "github.com/github/go-spdx/v2/spdxexp", "golang.org/x/crypto/ssh", "github.com/google/go-containerregistry/pkg/v1/remote", "github.com/sourcegraph/jsonrpc2",
		"github.com/refit-dev/refit/pkg/measure", "github.com/refit-dev/refit/pkg/lsp",
	} {
		if slices.Contains(deps, not) {
			t.Errorf("the plain program imports %s", not)
		}
	}
}
