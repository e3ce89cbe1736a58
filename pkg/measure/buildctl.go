package measure

import (
	"context"
	"path/filepath"
	"strings"
)

// buildctl is a BuildKit daemon behind its command line client.
type buildctl struct {
	addr string // empty: buildctl's default
}

func newBuildctl(ctx context.Context, addr string) (Engine, error) {
	e := &buildctl{addr: addr}
	if _, err := query(ctx, "buildctl", e.args("debug", "workers")...); err != nil {
		if remote, rerr := newRemote(ctx, addr); rerr == nil {
			return remote, nil // no buildctl, but docker buildx can talk to the daemon
		}
		return nil, err
	}
	return e, nil
}

func (e *buildctl) Name() string {
	if e.addr == "" {
		return "BuildKit"
	}
	return "BuildKit at " + e.addr
}

// Close does nothing: images go to files only.
func (e *buildctl) Close() error { return nil }

func (e *buildctl) args(args ...string) []string {
	if e.addr != "" {
		return append([]string{"--addr", e.addr}, args...)
	}
	return args
}

func (e *buildctl) Build(ctx context.Context, b Build) (*Built, error) {
	args := e.args("build", "--frontend", "dockerfile.v0", "--progress", "rawjson",
		"--local", "context="+b.Context, "--local", "dockerfile="+filepath.Dir(b.Dockerfile),
		"--opt", "filename="+filepath.Base(b.Dockerfile))
	if b.Target != "" {
		args = append(args, "--opt", "target="+b.Target)
	}
	if b.Platform != "" {
		args = append(args, "--opt", "platform="+b.Platform)
	}
	for _, a := range b.Args {
		args = append(args, "--opt", "build-arg:"+a)
	}
	for _, s := range b.Secrets {
		args = append(args, "--secret", s)
	}
	for _, s := range b.SSH {
		args = append(args, "--ssh", s)
	}
	if b.NoCache {
		args = append(args, "--no-cache")
	}
	if b.Output != "" {
		args = append(args, "--output", "type=oci,tar=false,dest="+csv(b.Output))
	}
	return run(ctx, e.Name(), b, nil, "buildctl", args...)
}

// csv quotes a value for the comma-separated options of BuildKit's clients.
func csv(s string) string {
	if strings.ContainsAny(s, `,"`) {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}
