package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/refit-dev/refit/pkg/workspace"
	"github.com/urfave/cli/v2"
)

func initCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:        "init",
		Usage:       "write a .refit.toml with every setting explained",
		ArgsUsage:   "[directory]",
		Description: "An existing file is left alone.",
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() > 1 {
				return usagef("init takes one directory")
			}
			path := filepath.Join(ctx.Args().First(), workspace.ConfigName)
			if err := workspace.Create(path, workspace.Template()); err != nil {
				if errors.Is(err, fs.ErrExist) {
					return usagef("%s exists already; it was left alone", path)
				}
				return err
			}
			_, err := fmt.Fprintf(c.err, "wrote %s\n", path)
			return err
		},
	}
}
