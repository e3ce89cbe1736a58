package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/refit-dev/refit/pkg/workspace"
)

func initCommand(c *console) *command {
	return &command{
		operands:    "[directory]",
		description: "An existing file is left alone.",
		run: func(ctx *call) error {
			if len(ctx.args) > 1 {
				return usagef("init takes one directory")
			}
			path := filepath.Join(ctx.first(), workspace.ConfigName)
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
