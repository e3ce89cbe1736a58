//go:build !windows

package measure

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fake puts shell scripts on a PATH that has nothing else but the system's tools, and returns the folder.
func fake(t *testing.T, scripts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, body := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+body), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	return dir
}

// absent is a program that is there and does not work, so that the machine's own is not found.
const absent = "echo 'cannot connect' >&2; exit 1\n"

func TestFindEngine(t *testing.T) {
	for _, tt := range []struct {
		name    string
		scripts map[string]string
		find    Find
		want    string // part of the engine's name, or of the error with "error: " before it
	}{
		{"buildx", map[string]string{"docker": "case \"$*\" in 'buildx inspect'*) printf 'Name: x\\nDriver: docker-container\\n';; *) echo 28;; esac"}, Find{}, "docker buildx (docker-container driver)"},
		{"classic", map[string]string{"docker": "case $1 in buildx) echo 'unknown command' >&2; exit 1;; *) echo 20.10;; esac"}, Find{}, "Docker Engine 20.10 (classic builder)"},
		{"docker before BUILDKIT_HOST", map[string]string{"docker": "echo Driver: docker", "buildctl": "echo ok"}, Find{DefaultAddr: "tcp://h:1"}, "docker buildx (docker driver)"},
		{"an address before docker", map[string]string{"docker": "echo Driver: docker", "buildctl": "echo ok"}, Find{Addr: "tcp://h:1"}, "BuildKit at tcp://h:1"},
		{"BUILDKIT_HOST", map[string]string{"docker": absent, "buildctl": "[ \"$1 $2\" = '--addr tcp://h:1' ]"}, Find{DefaultAddr: "tcp://h:1"}, "BuildKit at tcp://h:1"},
		{"buildctl", map[string]string{"docker": absent, "buildctl": "[ $1 = debug ]"}, Find{}, "BuildKit"},
		{"podman", map[string]string{"docker": absent, "buildctl": absent, "podman": "echo podman version 5.1", "buildah": "echo buildah"}, Find{}, "podman version 5.1"},
		{"buildah", map[string]string{"docker": absent, "buildctl": absent, "podman": absent, "buildah": "echo buildah version 1.3"}, Find{}, "buildah version 1.3"},
		{"by name", map[string]string{"docker": "echo Driver: docker", "buildah": "echo buildah version 1.3"}, Find{Engine: "buildah"}, "buildah version 1.3"},
		{"buildx instead of buildctl", map[string]string{"docker": "echo ok", "buildctl": absent}, Find{Addr: "tcp://h:1"}, "docker buildx at tcp://h:1"},
		{"nothing", map[string]string{"docker": absent, "buildctl": absent, "podman": absent, "buildah": absent}, Find{},
			"error: no build engine:\n    docker: docker version: cannot connect\n    buildctl: buildctl debug: cannot connect\n    podman: podman --version: cannot connect\n    buildah: "},
		{"unknown", nil, Find{Engine: "kaniko"}, `error: unknown engine "kaniko": want docker, buildkit, podman, buildah or auto`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fake(t, tt.scripts)
			e, err := FindEngine(context.Background(), tt.find)
			got := ""
			if err != nil {
				got = "error: " + err.Error()
			} else {
				got = e.Name()
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// full uses every option of a build.
var full = Build{Dockerfile: "/d/App.Dockerfile", Context: "/c", Target: "t", Platform: "linux/arm64", Args: []string{"A=1"},
	Secrets: []string{"id=s,src=f"}, SSH: []string{"default"}, NoCache: true, Output: "/out,1"}

func TestArguments(t *testing.T) {
	log := "echo \"$@\" >>\"$0.log\"\n"
	for _, tt := range []struct {
		name    string
		scripts map[string]string
		find    Find
		want    []string // calls after those of FindEngine
	}{
		{"buildctl", map[string]string{"buildctl": log}, Find{Addr: "tcp://h:1"}, []string{
			`--addr tcp://h:1 build --frontend dockerfile.v0 --progress rawjson --local context=/c --local dockerfile=/d --opt filename=App.Dockerfile ` +
				`--opt target=t --opt platform=linux/arm64 --opt build-arg:A=1 --secret id=s,src=f --ssh default --no-cache --output type=oci,tar=false,dest="/out,1"`}},
		{"docker", map[string]string{"docker": log + "case \"$*\" in *--help) echo plain, rawjson;; esac; echo Driver: docker-container"}, Find{}, []string{
			`buildx build --file /d/App.Dockerfile --target t --platform linux/arm64 --build-arg A=1 --secret id=s,src=f --ssh default --no-cache ` +
				`--progress rawjson --provenance=false --output type=oci,tar=false,dest="/out,1" /c`}},
		{"docker", map[string]string{"docker": log + "echo Driver: docker"}, Find{}, []string{
			`buildx build --file /d/App.Dockerfile --target t --platform linux/arm64 --build-arg A=1 --secret id=s,src=f --ssh default --no-cache ` +
				`--progress plain --provenance=false --load --tag TAG /c`,
			`image save --output /out,1 TAG`, `image rm --no-prune TAG`}},
		{"podman", map[string]string{"podman": log}, Find{Engine: "podman"}, []string{
			`build --file /d/App.Dockerfile --layers --tag TAG --format docker --target t --platform linux/arm64 --build-arg A=1 --secret id=s,src=f --ssh default --no-cache /c`,
			`push TAG docker-archive:/out,1`, `rmi TAG`}},
	} {
		dir := fake(t, tt.scripts)
		e, err := FindEngine(context.Background(), tt.find)
		if err != nil {
			t.Fatal(err)
		}
		calls := filepath.Join(dir, tt.name+".log")
		if err := os.Remove(calls); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Build(context.Background(), full); err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(calls)
		if err != nil {
			t.Fatal(err)
		}
		got := string(data)
		if _, rest, ok := strings.Cut(got, "--tag "); ok {
			tag, _, _ := strings.Cut(rest, " ")
			got = strings.ReplaceAll(got, tag, "TAG")
		}
		if want := strings.Join(tt.want, "\n") + "\n"; got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, want)
		}
	}
}

func TestBuildFails(t *testing.T) {
	fake(t, map[string]string{"buildctl": "[ $1 = debug ] && exit; echo 'error: no such stage' >&2; exit 1"})
	e, err := FindEngine(context.Background(), Find{Engine: "buildkit"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Build(context.Background(), full)
	var failed *BuildError
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "no such stage") {
		t.Errorf("got %v", err)
	}
}

// A build that is cancelled is interrupted, and leaves no files.
func TestCancel(t *testing.T) {
	dir := fake(t, map[string]string{"buildctl": `[ $1 = debug ] && exit
trap 'echo stopped >"$0.stopped"; exit 1' INT
echo running >"$0.running"
while :; do sleep 0.05; done
`})
	e, err := FindEngine(context.Background(), Find{Engine: "buildkit"})
	if err != nil {
		t.Fatal(err)
	}
	app, tmp := t.TempDir(), t.TempDir()
	file := filepath.Join(app, "Dockerfile")
	if err := os.WriteFile(file, []byte("FROM scratch\nCOPY . /\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for {
			if _, err := os.Stat(filepath.Join(dir, "buildctl.running")); err == nil {
				cancel()
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	v := Version{Dockerfile: file, Context: app}
	_, err = Run(ctx, Options{Engine: e, Before: v, After: v, TempDir: tmp})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "buildctl.stopped")); err != nil {
		t.Error("the program was not interrupted")
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
