//go:build !plain

package main

import (
	"context"
	"errors"
	"io"

	"github.com/refit-dev/refit/pkg/lsp"
	"github.com/refit-dev/refit/pkg/workspace"
)

func lspCommand(c *console) *command {
	return &command{
		description: "Speaks the Language Server Protocol 3.17 on standard input and output.\n" +
			"An editor starts it; see the folder editors of refit's repository for set-ups.",
		flags: [][]flag{{
			// Editors that offer several transports name the one they use.
			{name: "stdio", hidden: true, usage: "talk over standard input and output, which is the only way"},
		}},
		run: func(ctx *call) error {
			if len(ctx.args) > 0 {
				return usagef("lsp takes no arguments; an editor starts it")
			}
			if c.inTTY {
				return usagef("lsp talks to an editor over standard input and output; do not start it in a terminal")
			}
			gc.start()
			err := lsp.Serve(context.Background(), &pipe{c.in, c.out}, lsp.Options{Version: versionText(), Configure: editorConfig(c)})
			if errors.Is(err, lsp.ErrNoShutdown) {
				return &failure{code: 1} // what the protocol asks for
			}
			return err
		},
	}
}

// editorConfig returns the configuration of documents: that of the command line,
// under what the user has set in the editor. Files are read anew each time, so
// that a change of .refit.toml takes effect at once.
func editorConfig(c *console) func(string, lsp.Settings) (lsp.Config, error) {
	var roots contexts
	return func(path string, user lsp.Settings) (lsp.Config, error) {
		var cfg lsp.Config
		if path == "" {
			path = "Dockerfile" // a document that has not been saved yet
		}
		var files workspace.Resolver
		st, err := files.For(path)
		if err != nil {
			return cfg, err
		}
		cfg.Excluded = files.Excluded(path, false)
		st.Rules.Apply(&cfg.Transform)
		cfg.Style = *st.Rules.Style()
		lock, err := files.Lock(path)
		if err != nil {
			return cfg, err
		}
		if lock != nil {
			cfg.Transform.Pins = lock.Images
		}
		if err := (&job{c: c, set: &settings{}}).labels(&cfg.Transform, &st.Rules, path); err != nil {
			return cfg, err
		}
		if dir := st.Rules.Context; dir != nil {
			cfg.ContextDir = *dir
			if cfg.Transform.Context, err = roots.open(*dir, path); err != nil {
				return cfg, err
			}
		}
		return cfg, user.Apply(&cfg, path)
	}
}

// pipe joins standard input and output. Closing it closes neither: the process
// ends.
type pipe struct {
	io.Reader
	io.Writer
}

func (*pipe) Close() error { return nil }
