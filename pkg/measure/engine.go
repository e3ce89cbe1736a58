package measure

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Build is one build of a Dockerfile.
type Build struct {
	Dockerfile string   // path of the file
	Context    string   // folder of the build context
	Target     string   // stage to build; the last if empty
	Platform   string   // as in "linux/arm64"; the engine's own if empty
	Args       []string // NAME=value
	Secrets    []string // as for docker build --secret
	SSH        []string // as for docker build --ssh
	NoCache    bool
	Output     string // file or folder that the image is written to (see Reader.Read); empty: the image is not kept
	// Progress is told when a step of the Dockerfile starts and, with its duration, when it ends. May be nil.
	Progress func(Step)
}

// Built is what a build took.
type Built struct {
	Steps []Step        // the instructions that were carried out
	Time  time.Duration // without fetching base images and exporting the result
}

// Engine builds images. A failed build is a *BuildError.
type Engine interface {
	// Name says what the engine is, for people.
	Name() string
	// Build builds, until the context ends. It leaves nothing behind but the engine's cache and what Close removes.
	Build(context.Context, Build) (*Built, error)
	// Close removes what the builds left in the engine besides its cache. It works after the builds' context has ended.
	Close() error
}

// BuildError is a build that the engine could not do.
type BuildError struct {
	Engine  string
	Message string // what the engine said, with the end of the failed step's output
}

func (e *BuildError) Error() string { return e.Engine + ": the build failed: " + e.Message }

// Find describes which engine to use.
type Find struct {
	Engine string // docker, buildkit, buildctl, podman, buildah; empty or "auto": the first that works
	Addr   string // address of a BuildKit daemon: unix://, tcp://, docker-container://, kube-pod://
	// DefaultAddr is used for BuildKit when Addr is empty: the value of BUILDKIT_HOST.
	DefaultAddr string
}

// FindEngine returns an engine that works on this machine. Without a wish it takes the first of: BuildKit at the given
// Addr, Docker (buildx, else the classic builder), BuildKit at DefaultAddr, BuildKit at buildctl's own default address,
// podman, buildah. The error lists what was tried and why it did not do.
func FindEngine(ctx context.Context, f Find) (Engine, error) {
	type candidate struct {
		name string
		try  func(context.Context) (Engine, error)
	}
	buildkit := func(addr string) func(context.Context) (Engine, error) {
		return func(ctx context.Context) (Engine, error) { return newBuildctl(ctx, addr) }
	}
	docker := candidate{"docker", newDocker}
	podman := candidate{"podman", func(ctx context.Context) (Engine, error) { return newPodman(ctx, "podman") }}
	buildah := candidate{"buildah", func(ctx context.Context) (Engine, error) { return newPodman(ctx, "buildah") }}
	addr := f.Addr
	if addr == "" {
		addr = f.DefaultAddr
	}
	var list []candidate
	switch f.Engine {
	case "", "auto":
		if f.Addr != "" {
			list = []candidate{{"buildkit at " + f.Addr, buildkit(f.Addr)}}
			break
		}
		list = []candidate{docker}
		if addr != "" {
			list = append(list, candidate{"buildkit at " + addr, buildkit(addr)})
		} else {
			list = append(list, candidate{"buildctl", buildkit("")})
		}
		list = append(list, podman, buildah)
	case "docker":
		list = []candidate{docker}
	case "buildkit", "buildctl":
		list = []candidate{{"buildkit", buildkit(addr)}}
	case "podman":
		list = []candidate{podman}
	case "buildah":
		list = []candidate{buildah}
	default:
		return nil, fmt.Errorf("unknown engine %q: want docker, buildkit, podman, buildah or auto", f.Engine)
	}
	var tried []string
	for _, c := range list {
		e, err := c.try(ctx)
		if err == nil {
			return e, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		tried = append(tried, c.name+": "+err.Error())
	}
	if len(tried) == 1 {
		return nil, fmt.Errorf("no build engine: %s", tried[0])
	}
	return nil, fmt.Errorf("no build engine:\n    %s\nname a running BuildKit with --addr or BUILDKIT_HOST, or start one of these",
		strings.Join(tried, "\n    "))
}

// grace is how long an engine's program may take to stop after an interrupt.
const grace = 10 * time.Second

// command prepares a program that is interrupted when the context ends, so that it can tell its daemon to stop.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	// A group of its own: Ctrl-C on the terminal reaches refit, and refit ends the program.
	cmd.SysProcAttr = processGroup()
	cmd.Cancel = func() error { return interrupt(cmd.Process) }
	cmd.WaitDelay = grace
	return cmd
}

// query runs a program for its output; the error holds what the program said.
func query(ctx context.Context, name string, args ...string) (string, error) {
	if _, err := exec.LookPath(name); err != nil {
		return "", fmt.Errorf("%s is not installed", name)
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := command(ctx, name, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		said := strings.TrimSpace(stderr.String())
		if i := strings.LastIndexByte(said, '\n'); i >= 0 {
			said = said[i+1:]
		}
		if said == "" {
			said = err.Error()
		}
		return "", fmt.Errorf("%s %s: %s", name, args[0], said)
	}
	return strings.TrimSpace(string(out)), nil
}

// run executes a build command and decodes its progress, which the program prints on either stream.
func run(ctx context.Context, engine string, b Build, env []string, name string, args ...string) (*Built, error) {
	d := &decoder{report: b.Progress, now: time.Now}
	cmd := command(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = d, d
	if env != nil {
		cmd.Env = append(os.Environ(), env...)
	}
	err := cmd.Run()
	steps, busy := d.finish()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, &BuildError{Engine: engine, Message: d.failure()}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Built{Steps: steps, Time: busy}, nil
}

// interrupt asks a process to stop.
func interrupt(p *os.Process) error {
	if err := p.Signal(syscall.SIGINT); err != nil {
		return p.Kill() // Windows knows no other way
	}
	return nil
}
