package main

import (
	"errors"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/refit-dev/refit/pkg/lsp"
)

func lspCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:  "lsp",
		Usage: "run the language server for editors",
		Description: "Speaks the Language Server Protocol 3.17 on standard input and output.\n" +
			"An editor starts it; see the folder editors of refit's repository for set-ups.",
		Flags: []cli.Flag{
			// Editors that offer several transports name the one they use.
			&cli.BoolFlag{Name: "stdio", Hidden: true, Usage: "talk over standard input and output, which is the only way"},
		},
		Action: func(ctx *cli.Context) error {
			if ctx.Args().Present() {
				return usagef("lsp takes no arguments; an editor starts it")
			}
			if c.inTTY {
				return usagef("lsp talks to an editor over standard input and output; do not start it in a terminal")
			}
			err := lsp.Serve(ctx.Context, &pipe{c.in, c.out}, lsp.Options{Version: versionText()})
			if errors.Is(err, lsp.ErrNoShutdown) {
				return &failure{code: 1} // what the protocol asks for
			}
			return err
		},
	}
}

// pipe joins standard input and output. Closing it closes neither: the process
// ends.
type pipe struct {
	io.Reader
	io.Writer
}

func (*pipe) Close() error { return nil }
