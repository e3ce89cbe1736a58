package measure

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// docker is Docker's command line with whatever builds behind it.
type docker struct {
	buildx  []string // the command that starts buildx: "docker buildx", nil for the classic builder
	load    bool     // images come out through the engine's store, not as an OCI layout
	rawjson bool
	name    string
	addr    string // of the daemon that the temporary builder talks to
}

func newDocker(ctx context.Context) (Engine, error) {
	version, verr := query(ctx, "docker", "version", "--format", "{{.Server.Version}}")
	inspect, err := query(ctx, "docker", "buildx", "inspect")
	if err != nil {
		if verr != nil {
			return nil, verr
		}
		return &docker{load: true, name: "Docker Engine " + version + " (classic builder)"}, nil
	}
	driver := field(inspect, "Driver")
	if verr != nil && (driver == "docker" || driver == "docker-container" || driver == "") {
		return nil, verr
	}
	e := &docker{buildx: []string{"docker", "buildx"}, load: driver == "docker", name: "docker buildx (" + driver + " driver)"}
	e.rawjson = knowsRawJSON(ctx)
	return e, nil
}

// newRemote returns buildx as a client of the BuildKit daemon at the address.
func newRemote(ctx context.Context, addr string) (Engine, error) {
	if addr == "" {
		return nil, errors.New("no address")
	}
	if _, err := query(ctx, "docker", "buildx", "version"); err != nil {
		return nil, err
	}
	return &docker{buildx: []string{"docker", "buildx"}, name: "docker buildx at " + addr, rawjson: knowsRawJSON(ctx), addr: addr}, nil
}

func knowsRawJSON(ctx context.Context) bool {
	help, err := query(ctx, "docker", "buildx", "build", "--help")
	return err == nil && strings.Contains(help, "rawjson")
}

// field finds the value of a line "Name: value".
func field(text, name string) string {
	for _, l := range strings.Split(text, "\n") {
		if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func (e *docker) Name() string { return e.name }

// Close does nothing: each build removes its image, which leaves its layers in the cache.
func (e *docker) Close() error { return nil }

func (e *docker) Build(ctx context.Context, b Build) (*Built, error) {
	dockerfile, err := filepath.Abs(b.Dockerfile)
	if err != nil {
		return nil, err
	}
	args := []string{"build", "--file", dockerfile}
	if b.Target != "" {
		args = append(args, "--target", b.Target)
	}
	if b.Platform != "" {
		args = append(args, "--platform", b.Platform)
	}
	for _, a := range b.Args {
		args = append(args, "--build-arg", a)
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
	if e.buildx == nil {
		return e.classic(ctx, b, args)
	}
	switch {
	case e.rawjson:
		args = append(args, "--progress", "rawjson")
	default:
		args = append(args, "--progress", "plain")
	}
	args = append(args, "--provenance=false")
	if e.addr != "" {
		name := "refit-" + nonce()
		if _, err := query(ctx, "docker", "buildx", "create", "--driver", "remote", "--name", name, e.addr); err != nil {
			return nil, err
		}
		defer func() { _, _ = query(context.WithoutCancel(ctx), "docker", "buildx", "rm", name) }()
		args = append(args, "--builder", name)
	}
	tag := ""
	switch {
	case b.Output == "":
		args = append(args, "--output", "type=cacheonly")
	case e.load:
		tag = "refit-measure:" + nonce()
		args = append(args, "--load", "--tag", tag)
	default:
		args = append(args, "--output", "type=oci,tar=false,dest="+csv(b.Output))
	}
	full := append(append([]string(nil), e.buildx[1:]...), append(args, b.Context)...)
	built, err := run(ctx, e.name, b, nil, e.buildx[0], full...)
	return e.save(ctx, built, err, tag, b.Output)
}

// classic builds with the builder of Docker engines that have no buildx. It knows no BuildKit features.
func (e *docker) classic(ctx context.Context, b Build, args []string) (*Built, error) {
	if len(b.Secrets)+len(b.SSH) > 0 {
		return nil, fmt.Errorf("%s cannot pass secrets or ssh: install docker buildx, or use --engine buildkit", e.name)
	}
	tag := "refit-measure:" + nonce()
	args = append(args, "--tag", tag, "--force-rm", b.Context)
	built, err := run(ctx, e.name, b, []string{"DOCKER_BUILDKIT=0"}, "docker", args...)
	return e.save(ctx, built, err, tag, b.Output)
}

// save writes the image with the tag to the output, if there is one, and removes the tag from the engine.
func (e *docker) save(ctx context.Context, built *Built, err error, tag, output string) (*Built, error) {
	if tag != "" {
		defer func() { _, _ = query(context.WithoutCancel(ctx), "docker", "image", "rm", "--no-prune", tag) }()
	}
	if err != nil || tag == "" || output == "" {
		return built, err
	}
	cmd := command(ctx, "docker", "image", "save", "--output", output, tag)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("docker image save: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return built, nil
}

// nonce is a name that nobody else uses.
func nonce() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
