package main

import "github.com/urfave/cli/v2"

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
			return (&job{c: c, set: set, command: "fmt"}).run(ctx.Args().Slice())
		},
	}
}
