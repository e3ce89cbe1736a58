package measure

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// liveEngine returns the engine of scripts/live.sh, or skips.
func liveEngine(t *testing.T) Engine {
	t.Helper()
	addr := os.Getenv("REFIT_LIVE_ADDR")
	if addr == "" {
		t.Skip("needs a BuildKit: run scripts/live.sh")
	}
	e, err := FindEngine(context.Background(), Find{Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Faults that a wrong rewrite would make, found by building.
func TestLiveFaults(t *testing.T) {
	e := liveEngine(t)
	for _, tt := range []struct {
		name, before, after string
		want                string // one of the unexpected differences; "error: …" if the build must fail
	}{
		{"same", "RUN true || touch /a\nRUN touch /b", "RUN { true || touch /a; } && touch /b", ""},
		{"merged RUN with wrong precedence", "RUN true || touch /a\nRUN touch /b", "RUN true || { touch /a && touch /b; }", "/b: missing"},
		{"merged RUN keeps the folder", "RUN cd /srv && touch a\nRUN touch b", "RUN cd /srv && touch a && touch b", "/b: missing"},
		{"merged RUN keeps the umask", "RUN umask 077; touch /a\nRUN touch /b", "RUN umask 077; touch /a && touch /b", "/b: mode 0644 → 0600"},
		{"cleanup deletes what a later step needs", "RUN apt-get update\nRUN apt-get install -y --no-install-recommends bc",
			"RUN apt-get update && rm -rf /var/lib/apt/lists/*\nRUN apt-get install -y --no-install-recommends bc", "error: "},
		{"cleanup deletes what the image needs", "RUN mkdir /data && touch /data/a /data/b", "RUN mkdir /data && touch /data/a /data/b && rm /data/b", "/data/b: missing"},
		{"COPY lost a file", "COPY a.txt b.txt /dst/", "COPY a.txt /dst/", "/dst/b.txt: missing"},
		{"COPY overwrote a later change", "COPY a.txt /x\nRUN echo edited >/x", "RUN echo edited >/x\nCOPY a.txt /x", "/x: content"},
		{"changed mode", "COPY --chmod=755 a.txt /x", "COPY --chmod=750 a.txt /x", "/x: mode 0755 → 0750"},
		{"changed owner", "COPY --chown=1:2 dir /x", "COPY dir /x\nRUN chown 1:2 /x", "/x/c.txt: owner 1:2 → 0:0"},
		{"lost ENV", "ENV A=1 B=2", "ENV A=1", `config Env B: missing (was "2")`},
		{"ENV sees what stands before it", "ENV A=1\nENV B=$A", "ENV A=1 B=$A", `config Env B: value "1" → ""`},
		{"lost CMD", "CMD [\"a\"]\nENTRYPOINT [\"b\"]", "ENTRYPOINT [\"b\"]", `config Cmd: missing`},
		{"other user", "USER daemon\nWORKDIR /w\nRUN touch /tmp/x", "WORKDIR /w\nRUN touch /tmp/x\nUSER daemon", "/tmp/x: owner 1:1 → 0:0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := app(t, map[string]string{"a.txt": "a\n", "b.txt": "b\n", "dir/c.txt": "c\n"})
			file := filepath.Join(dir, "Dockerfile")
			v := Version{Dockerfile: file, Context: dir, Text: []byte("FROM debian:12-slim\n" + tt.before + "\n")}
			w := Version{Dockerfile: file, Context: dir, Text: []byte("FROM debian:12-slim\n" + tt.after + "\n")}
			tmp := t.TempDir()
			rep, err := Run(context.Background(), Options{Engine: e, Before: v, After: w, TempDir: tmp})
			if left, _ := os.ReadDir(tmp); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			if err != nil {
				var which *VersionError
				if tt.want != "error: " || !errors.As(err, &which) || which.Version != "after" {
					t.Fatal(err)
				}
				return
			}
			bad := rep.Comparison.Of(Unexpected)
			if tt.want == "" && len(bad) > 0 {
				t.Errorf("unexpected: %v", bad)
			}
			for _, d := range bad {
				if strings.HasPrefix(d.String(), tt.want) {
					return
				}
			}
			if tt.want != "" {
				t.Errorf("not found: %s; found %v", tt.want, bad)
			}
		})
	}
}

// Every engine that works on the machine builds, caches and gives images that can be read.
func TestLiveEngines(t *testing.T) {
	liveEngine(t)
	busybox, err := os.ReadFile(filepath.Join(os.Getenv("REFIT_LIVE_CACHE"), "images", "busybox", "busybox"))
	if err != nil {
		t.Skip(err)
	}
	for _, find := range []Find{{Engine: "buildkit", Addr: os.Getenv("REFIT_LIVE_ADDR")}, {Engine: "docker"}, {Engine: "podman"}, {Engine: "buildah"}} {
		t.Run(find.Engine, func(t *testing.T) {
			e, err := FindEngine(context.Background(), find)
			if err != nil {
				t.Skip(err)
			}
			t.Log(e.Name())
			defer func() {
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			}()
			dir := app(t, map[string]string{"busybox": string(busybox), "index.js": "1", "Dockerfile": "", "package.json": "{}"})
			if err := os.Chmod(filepath.Join(dir, "busybox"), 0o755); err != nil {
				t.Fatal(err)
			}
			v := Version{Dockerfile: filepath.Join(dir, "Dockerfile"), Context: dir}
			v.Text = []byte("FROM scratch AS base\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nENV A=1\nHEALTHCHECK CMD x\nSHELL [\"/bin/sh\", \"-e\", \"-c\"]\nRUN echo one >/one\n" +
				"FROM base\nARG V\nCOPY . /src\nRUN chmod 700 /one && echo $V >/v\nCMD [\"/bin/sh\"]\n")
			w := v
			w.Text = []byte(strings.Replace(string(v.Text), "chmod 700", "chmod 711", 1))
			tmp := t.TempDir()
			rep, err := Run(context.Background(), Options{Engine: e, Before: v, After: w, Rebuilds: true, TempDir: tmp, Args: []string{"V=5"}})
			if err != nil {
				t.Fatal(err)
			}
			bad := rep.Comparison.Of(Unexpected)
			if len(bad) != 1 || bad[0].String() != "/one: mode 0700 → 0711" {
				t.Errorf("unexpected differences: %v", bad)
			}
			if rep.Before.Steps < 5 || rep.Before.Source == nil || rep.Before.Source.Again < 2 || rep.Before.Source.Again >= rep.Before.Steps {
				t.Errorf("steps %d, again %+v", rep.Before.Steps, rep.Before.Source)
			}
			if rep.Before.Size < int64(2*len(busybox)) || rep.Before.Compressed == 0 || rep.Before.Compressed >= rep.Before.Size || len(rep.Before.Layers) != 5 {
				t.Errorf("size %d, compressed %d, %d layers", rep.Before.Size, rep.Before.Compressed, len(rep.Before.Layers))
			}
			if left, _ := os.ReadDir(tmp); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
