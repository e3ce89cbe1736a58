package measure

import (
	"context"
	"fmt"
	"strings"
)

// podman is podman or buildah, which share a builder and its options.
type podman struct {
	program string
	name    string
	tags    []string // of images that were built; their removal takes the layers out of the cache
}

func newPodman(ctx context.Context, program string) (Engine, error) {
	version, err := query(ctx, program, "--version")
	if err != nil {
		return nil, err
	}
	if _, err := query(ctx, program, "images", "--quiet"); err != nil { // storage may be unusable for this user
		return nil, err
	}
	return &podman{program: program, name: version}, nil
}

func (e *podman) Name() string { return e.name }

func (e *podman) Build(ctx context.Context, b Build) (*Built, error) {
	tag := "localhost/refit-measure:" + nonce()
	args := []string{"build", "--file", b.Dockerfile, "--layers", "--tag", tag, "--format", "docker"} // "oci" drops HEALTHCHECK and SHELL
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
	e.tags = append(e.tags, tag)
	built, err := run(ctx, e.name, b, nil, e.program, append(args, b.Context)...)
	if err != nil || b.Output == "" {
		return built, err
	}
	// Not the OCI transport: its config has no HEALTHCHECK and no SHELL.
	cmd := command(ctx, e.program, "push", tag, "docker-archive:"+b.Output)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s push: %w: %s", e.program, err, strings.TrimSpace(string(out)))
	}
	return built, nil
}

// Close removes the images.
func (e *podman) Close() error {
	var failed error
	for _, tag := range e.tags {
		if _, err := query(context.Background(), e.program, "rmi", tag); err != nil && !strings.Contains(err.Error(), "not known") {
			failed = err
		}
	}
	e.tags = nil
	return failed
}
