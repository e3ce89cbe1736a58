//go:build !plain

package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/refit-dev/refit/pkg/measure"
)

// engineFlags are the flags of the commands that build images.
var engineFlags = []flag{
	{name: "context", kind: isText, category: catBuild, usage: "the build context `DIR`; the Dockerfile's own folder if not given"},
	{name: "build-arg", kind: isList, category: catBuild, usage: "the value of a build argument, `NAME=VALUE` (NAME alone: from the environment); may be repeated"},
	{name: "target", kind: isText, category: catBuild, usage: "build this `STAGE`; the last one if not given"},
	{name: "platform", kind: isText, category: catBuild, usage: "build for this one `PLATFORM`, such as linux/arm64"},
	{name: "secret", kind: isList, category: catBuild, usage: "pass on a secret, `SPEC` as for docker build: id=NAME,src=FILE; may be repeated"},
	{name: "ssh", kind: isList, category: catBuild, usage: "pass on an SSH agent or key, `SPEC` as for docker build; may be repeated"},
	{name: "engine", kind: isText, category: catEngine, def: "auto", usage: "the build `ENGINE`: docker, buildkit, podman, buildah, or auto for the first of these that works"},
	{name: "addr", kind: isText, category: catEngine, usage: "the `ADDRESS` of a BuildKit daemon: unix://, tcp://, docker-container:// or kube-pod://; BUILDKIT_HOST counts after Docker"},
	{name: "quiet", short: "q", category: catOutput, usage: "no progress"},
	{name: "json", category: catOutput, usage: "print the result as JSON"},
}

// builds is what the engine flags say, with an engine that works.
type builds struct {
	c      *console
	quiet  bool
	ctx    context.Context
	stop   context.CancelFunc
	opt    measure.Options
	target string
	args   map[string]string
}

// startBuilds reads the engine flags and finds an engine. The caller must call end.
func startBuilds(c *console, ctx *call) (*builds, error) {
	b := &builds{c: c, quiet: ctx.on("quiet"), target: ctx.text("target"), args: map[string]string{}}
	if strings.Contains(ctx.text("platform"), ",") {
		return nil, usagef("--platform %q: images of one platform are compared at a time", ctx.text("platform"))
	}
	b.opt = measure.Options{Target: b.target, Platform: ctx.text("platform"), Secrets: ctx.list("secret"), SSH: ctx.list("ssh")}
	for _, a := range ctx.list("build-arg") {
		k, v, ok := strings.Cut(a, "=")
		if k == "" {
			return nil, usagef("--build-arg %q: want NAME=VALUE", a)
		}
		if !ok {
			v = c.getenv(k)
		}
		b.args[k] = v
		b.opt.Args = append(b.opt.Args, k+"="+v)
	}
	// A reader of the output that goes away (SIGPIPE) and a terminal that closes (SIGHUP) end the builds in good order, too.
	b.ctx, b.stop = signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	var err error
	b.opt.Engine, err = measure.FindEngine(b.ctx, measure.Find{Engine: ctx.text("engine"), Addr: ctx.text("addr"), DefaultAddr: c.getenv("BUILDKIT_HOST")})
	if err != nil {
		b.stop()
		return nil, err
	}
	return b, nil
}

// run builds. The progress is shown on the way.
func (b *builds) run() (*measure.Report, error) {
	p := &progress{c: b.c, quiet: b.quiet}
	b.opt.Progress = p.step
	rep, err := measure.Run(b.ctx, b.opt)
	p.clear()
	if b.ctx.Err() != nil {
		return nil, &failure{exitInterrupted, "interrupted; the builds were stopped"}
	}
	return rep, err
}

// exitInterrupted is what a shell reports for a program that Ctrl-C ended.
const exitInterrupted = 130

func (b *builds) end() {
	if err := b.opt.Engine.Close(); err != nil {
		fmt.Fprintf(b.c.err, "refit: %v\n", err)
	}
	b.stop()
}

// progress shows the steps of builds on standard error: on a terminal one line that changes, else a line for each step.
type progress struct {
	c     *console
	quiet bool
	phase string
	shown bool
}

func (p *progress) step(phase string, s measure.Step) {
	if p.quiet {
		return
	}
	if p.c.errTTY {
		p.clear()
		fmt.Fprintf(p.c.err, "%s: %s", phase, cut(s.Name, 90))
		p.shown = true
		return
	}
	switch {
	case phase != p.phase:
		p.phase = phase
		fmt.Fprintf(p.c.err, "building %s\n", phase)
	}
	if s.Duration > 0 && !s.Cached {
		fmt.Fprintf(p.c.err, "  %5.1f s  %s\n", s.Duration.Round(100*time.Millisecond).Seconds(), cut(s.Name, 90))
	}
}

// clear removes the changing line.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.c.err, "\r\x1b[K")
		p.shown = false
	}
}

// cut makes one line of at most n characters.
func cut(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// contextOf is the build context of a Dockerfile: the flag, or the folder that holds it.
func contextOf(ctx *call, dockerfile string) string {
	if dir := ctx.text("context"); dir != "" {
		return dir
	}
	return filepath.Dir(dockerfile)
}
