package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

func fmtCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "fmt",
		Usage:     "format Dockerfiles",
		ArgsUsage: "[path …]",
		Description: "Changes white space, line breaks and the case of keywords, and nothing else.\n" +
			"A path is a Dockerfile, a directory that is searched for Dockerfiles, or - for standard input.\n" +
			"Without a mode flag the result of one file is printed.",
		Flags: concat(modeFlags(), layoutFlags(), []cli.Flag{
			&cli.StringFlag{Name: "lines", Category: catLayout, Usage: "format only the instructions that touch the lines `FROM:TO`, counted from 1"},
		}, fileFlags(), outputFlags()),
		Action: func(ctx *cli.Context) error {
			set, err := readSettings(c, ctx)
			if err != nil {
				return err
			}
			set.engine.None = true
			if set.engine.Format, err = readStyle(ctx); err != nil {
				return err
			}
			if l := ctx.String("lines"); l != "" {
				r := &set.engine.Lines
				if n, err := fmt.Sscanf(l, "%d:%d\n", &r[0], &r[1]); n != 2 || err != nil || r[0] < 1 || r[1] < r[0] {
					return usagef("--lines %q: want FROM:TO, two line numbers from 1", l)
				}
			}
			return (&job{c: c, set: set, command: "fmt"}).run(ctx.Args().Slice())
		},
	}
}
