package transform

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/refit-dev/refit/pkg/facts"
)

// TestMultiStageMutations changes the cases of multi-stage line by line: whatever comes out, a proposed split must pass
// the plan's check, and a second run must change nothing.
func TestMultiStageMutations(t *testing.T) {
	files, err := filepath.Glob("../../testdata/fix/multi-stage/*.txtar")
	if err != nil || len(files) < 50 {
		t.Fatal(len(files), err)
	}
	var all []string // lines of all cases
	type sample struct {
		name  string
		lines []string
		ctx   *facts.Context
	}
	var samples []sample
	for _, f := range files {
		ar, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		s := sample{name: filepath.Base(f)}
		tree := fstest.MapFS{}
		for _, sec := range ar.Files {
			switch {
			case sec.Name == "Dockerfile":
				s.lines = strings.SplitAfter(string(sec.Data), "\n")
			case strings.HasPrefix(sec.Name, "context/"):
				tree[strings.TrimPrefix(sec.Name, "context/")] = &fstest.MapFile{Data: sec.Data, Mode: 0o644}
			}
		}
		if len(tree) > 0 {
			if s.ctx, err = facts.NewContext(tree, "Dockerfile"); err != nil {
				t.Fatal(err)
			}
		}
		samples = append(samples, s)
		all = append(all, s.lines...)
	}
	all = append(all, "ARG X=1\n", "ENV Y=$X Z=2\n", "LABEL l=$Y\n", "USER root\n", "USER 1000:1000\n", "WORKDIR sub\n", "WORKDIR $Y\n", "VOLUME /data\n", "EXPOSE $Z\n", "SHELL [\"/bin/bash\", \"-c\"]\n",
		"RUN mkdir -p /var/x && chown 1:1 /var/x\n", "RUN adduser -D u\n", "HEALTHCHECK NONE\n", "# a comment\n", "\n", "RUN rm -rf /tmp/*\n", "CMD []\n", "ENTRYPOINT []\n", "MAINTAINER me\n", "STOPSIGNAL $X\n")
	rnd := rand.New(rand.NewPCG(1, 2))
	splits := 0
	for i := range 6000 {
		s := samples[i%len(samples)]
		lines := slices.Clone(s.lines)
		for range 1 + rnd.IntN(4) {
			at := rnd.IntN(len(lines))
			switch rnd.IntN(4) {
			case 0:
				lines = slices.Delete(lines, at, at+1)
			case 1:
				lines = slices.Insert(lines, at, all[rnd.IntN(len(all))])
			case 2:
				other := rnd.IntN(len(lines))
				lines[at], lines[other] = lines[other], lines[at]
			case 3:
				lines[at] = all[rnd.IntN(len(all))]
			}
			if len(lines) == 0 {
				break
			}
		}
		src := []byte(strings.Join(lines, ""))
		opt := Options{Select: []string{"multi-stage"}, Context: s.ctx}
		res, err := Run(src, opt)
		if err != nil {
			continue // no longer a Dockerfile
		}
		if len(res.Internal) > 0 {
			t.Fatalf("%s: %v\n%s", s.name, res.Internal, src)
		}
		if !res.Changed() {
			continue
		}
		splits++
		again, err := Run(res.After, opt)
		if err != nil || again.Changed() || len(again.Internal) > 0 {
			t.Fatalf("%s: not stable: %v\n%s\nbecame\n%s", s.name, err, src, res.After)
		}
	}
	if splits < 500 {
		t.Errorf("only %d splits", splits)
	}
	t.Log(splits, "splits")
}
