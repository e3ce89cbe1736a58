package main

import "github.com/urfave/cli/v2"

func fixCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "fix",
		Usage:     "rewrite Dockerfiles: smaller images, faster builds",
		ArgsUsage: "[path …]",
		Description: "Applies the transforms that `refit rules` lists, each change checked against the build plan.\n" +
			"A path is a Dockerfile, a directory that is searched for Dockerfiles, or - for standard input.\n" +
			"Without a mode flag the result of one file is printed.",
		Flags: concat(modeFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "interactive", Aliases: []string{"i"}, Category: catMode, Usage: "ask about each change in turn, and write what was accepted"},
		}, selectFlags(), buildFlags(), onlineFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "format", Category: catLayout, Usage: "also lay out the file, as refit fmt does"},
		}, layoutFlags(), fileFlags(), outputFlags()),
		Action: func(ctx *cli.Context) error {
			set, err := readSettings(c, ctx)
			if err != nil {
				return err
			}
			return (&job{c: c, set: set, command: "fix"}).run(ctx.Args().Slice())
		},
	}
}
