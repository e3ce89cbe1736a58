// Command llbcheck lays out every Dockerfile below the given directories and
// compares what BuildKit would build before and after: the LLB and the image
// configuration of every stage, as BuildKit's dockerfile2llb gives them with
// an image resolver that answers every reference. Shell programs may differ
// in layout only. It is a module of its own so that BuildKit's client stays out
// of the main one.
//
//	go run . [-cache-neutral] dir|file …
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/refit-dev/refit/internal/fmtcheck"
	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

func main() {
	log.SetFlags(0)
	neutral := flag.Bool("cache-neutral", false, "lay out cache-neutrally: nothing at all may differ")
	variants := flag.Bool("variants", false, "also in other styles, and with CRLF, a byte order mark, no final newline")
	flag.Parse()
	var c counts
	for _, root := range flag.Args() {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || strings.HasSuffix(path, ".tsv") || strings.HasSuffix(path, ".md") {
				return err
			}
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			list := fmtcheck.Variants()[:1]
			if *variants {
				list = fmtcheck.Variants()
			}
			for _, v := range list {
				v.Style.CacheNeutral = v.Style.CacheNeutral || *neutral
				if err := c.file(v.Change(src), v.Style); err != nil {
					c.failed++
					fmt.Printf("%s: %s: %v\n", path, v.Name, err)
				}
			}
			return nil
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Printf("%d files compared, %d stages, %d operations; %d files that BuildKit does not build (the same after the layout); %d failed\n",
		c.files, c.stages, c.ops, c.refused, c.failed)
	for _, why := range slices.Sorted(maps.Keys(c.why)) {
		fmt.Printf("  %5d  %s\n", c.why[why], why)
	}
	if c.files == 0 {
		log.Fatal("llbcheck: no files: name a directory of Dockerfiles")
	}
	if c.failed > 0 {
		os.Exit(1)
	}
}

type counts struct {
	files, stages, ops, refused, failed int
	why                                 map[string]int // why BuildKit refused
}

// firstWords cuts an error to its kind.
func firstWords(s string) string {
	f := strings.Fields(s)
	return strings.Join(f[:min(len(f), 6)], " ")
}

// file compares one file before and after the layout.
func (c *counts) file(src []byte, style emit.Style) error {
	f, err := parse.Parse(src)
	if err != nil {
		c.refused++
		return nil
	}
	out, _, err := fmtcheck.Format(src, style)
	if err != nil {
		return err
	}
	c.files++
	g, err := parse.Parse(out)
	if err != nil {
		return err
	}
	endsBefore, endsAfter := stages(f), stages(g)
	if len(endsBefore) != len(endsAfter) {
		return errors.New("the number of stages changed")
	}
	for stage := range endsBefore {
		before, err := build(src[:endsBefore[stage]])
		after, err2 := build(out[:endsAfter[stage]])
		if err != nil && err2 != nil {
			c.refused++
			if c.why == nil {
				c.why = map[string]int{}
			}
			c.why[firstWords(err.Error())]++
			return nil
		}
		if err := errors.Join(err, err2); err != nil {
			return fmt.Errorf("stage %d: only one of the two files can be built: %w", stage, err)
		}
		n, err := same(before, after, style.CacheNeutral)
		if err != nil {
			return fmt.Errorf("stage %d: %w", stage, err)
		}
		c.stages++
		c.ops += n
	}
	return nil
}

// built is the result of one stage.
type built struct {
	ops   []*pb.Op
	image map[string]any
}

// stages returns where each stage ends: at the next FROM. A file that is cut
// there has the stage as its target.
func stages(f *parse.File) []int {
	var out []int
	for _, in := range f.Instructions {
		if in.Name == "FROM" {
			out = append(out, in.Start)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return append(out[1:], len(f.Src))
}

func build(src []byte) (*built, error) {
	ctx := context.Background()
	platform := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	main := llb.Local("context", llb.LocalUniqueID("context"))
	caps := pb.Caps.CapSet(pb.Caps.All())
	res, err := dockerfile2llb.Dockerfile2LLB(ctx, src, dockerfile2llb.ConvertOpt{
		Config:         dockerui.Config{BuildPlatforms: []ocispecs.Platform{platform}},
		MainContext:    &main,
		TargetPlatform: &platform,
		MetaResolver:   images{},
		LLBCaps:        &caps,
	})
	if err != nil {
		return nil, err
	}
	def, err := res.State.Marshal(ctx)
	if err != nil {
		return nil, err
	}
	out := &built{}
	index := map[string]int{}
	for i, dt := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(dt); err != nil {
			return nil, err
		}
		index[string(digest.FromBytes(dt))] = i
		for _, in := range op.Inputs {
			// The digest of an operation is that of its text: compare by place.
			in.Digest = fmt.Sprint(index[in.Digest])
		}
		out.ops = append(out.ops, &op)
	}
	j, err := json.Marshal(res.Image)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(j, &out.image); err != nil {
		return nil, err
	}
	delete(out.image, "history") // the text of the instructions
	delete(out.image, "created")
	return out, nil
}

// images is a resolver that knows every image.
type images struct{}

func (images) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config := `{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/usr/local/bin:/usr/bin:/bin"]},"rootfs":{"type":"layers","diff_ids":[]}}`
	return ref, digest.FromString(ref), []byte(config), nil
}

// same compares two stages and returns the number of operations.
func same(a, b *built, identical bool) (int, error) {
	if len(a.ops) != len(b.ops) {
		return 0, fmt.Errorf("%d operations became %d", len(a.ops), len(b.ops))
	}
	for i := range a.ops {
		x, y := a.ops[i], b.ops[i]
		if ex, ey := x.GetExec(), y.GetExec(); !identical && ex != nil && ey != nil {
			if err := sameArgs(ex.Meta.Args, ey.Meta.Args); err != nil {
				return 0, err
			}
			ey.Meta.Args = ex.Meta.Args
		}
		jx, err := protojson.Marshal(x)
		if err != nil {
			return 0, err
		}
		jy, err := protojson.Marshal(y)
		if err != nil {
			return 0, err
		}
		// protojson puts spaces at random.
		if !bytes.Equal(compact(jx), compact(jy)) {
			return 0, fmt.Errorf("operation %d changed:\n%s\n%s", i, jx, jy)
		}
	}
	return len(a.ops), sameImage(a.image, b.image, identical)
}

func compact(j []byte) []byte {
	var b bytes.Buffer
	if err := json.Compact(&b, j); err != nil {
		return j
	}
	return b.Bytes()
}

// sameArgs compares the arguments of a process; the last may be a shell program.
func sameArgs(a, b []string) error {
	if len(a) != len(b) || len(a) == 0 {
		return fmt.Errorf("arguments %q became %q", a, b)
	}
	for i := range a {
		if a[i] == b[i] {
			continue
		}
		if i == len(a)-1 && i > 0 {
			if strings.Contains(a[i], "\n") {
				return fmtcheck.SameBody(a[i], b[i], shell.Of(a[:i]).Lang)
			}
			return fmtcheck.SameProgram(a[i], b[i], shell.Of(a[:i]).Lang)
		}
		return fmt.Errorf("arguments %q became %q", a, b)
	}
	return nil
}

// sameImage compares two image configurations. The programs of CMD,
// ENTRYPOINT, HEALTHCHECK and ONBUILD may differ in layout.
func sameImage(a, b map[string]any, identical bool) error {
	ca, _ := a["config"].(map[string]any)
	cb, _ := b["config"].(map[string]any)
	if !identical && ca != nil && cb != nil {
		argv := func(v any) []string {
			var out []string
			list, _ := v.([]any)
			for _, s := range list {
				out = append(out, fmt.Sprint(s))
			}
			return out
		}
		var sh []string
		if sh = argv(ca["Shell"]); sh == nil {
			sh = []string{"/bin/sh", "-c"}
		}
		for _, key := range []string{"Cmd", "Entrypoint"} {
			x, y := argv(ca[key]), argv(cb[key])
			if x != nil && y != nil {
				if err := sameArgs(x, y); err != nil {
					return fmt.Errorf("%s: %w", key, err)
				}
				cb[key] = ca[key]
			}
		}
		ha, _ := ca["Healthcheck"].(map[string]any)
		hb, _ := cb["Healthcheck"].(map[string]any)
		if x, y := argv(ha["Test"]), argv(hb["Test"]); len(x) == 2 && len(y) == 2 && x[0] == "CMD-SHELL" && y[0] == x[0] {
			if err := fmtcheck.SameProgram(x[1], y[1], shell.Of(sh).Lang); err != nil {
				return fmt.Errorf("HEALTHCHECK: %w", err)
			}
			hb["Test"] = ha["Test"]
		}
		x, y := argv(ca["OnBuild"]), argv(cb["OnBuild"])
		if len(x) == len(y) {
			for i := range x {
				if err := fmtcheck.Same([]byte("ONBUILD "+x[i]), []byte("ONBUILD "+y[i]), false); err != nil {
					return fmt.Errorf("ONBUILD: %w", err)
				}
			}
			delete(ca, "OnBuild")
			delete(cb, "OnBuild")
		}
	}
	ja, err := json.Marshal(a)
	if err != nil {
		return err
	}
	jb, err := json.Marshal(b)
	if err != nil {
		return err
	}
	if !bytes.Equal(ja, jb) {
		return fmt.Errorf("the image configuration changed:\n%s\n%s", ja, jb)
	}
	return nil
}
