package main

import "github.com/urfave/cli/v2"

func lintCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:        "lint",
		Usage:       "report what could be better, change nothing",
		ArgsUsage:   "[path …]",
		Description: "Prints what refit fix would change, what it would change with --unsafe, and advice.",
		Flags: concat([]cli.Flag{
			&cli.StringFlag{Name: "fail-on", Category: catMode, Value: "note", Usage: "the least serious `LEVEL` that makes the exit code 1: note (advice, unsafe changes), warning (safe changes) or error"},
			&cli.StringFlag{Name: "baseline", Category: catMode, Usage: "do not report the findings in `FILE`"},
			&cli.StringFlag{Name: "write-baseline", Category: catMode, Usage: "write all findings to `FILE`, and report none"},
			&cli.BoolFlag{Name: "format", Category: catWhat, Usage: "also report what refit fmt would change"},
		}, layoutFlags(), selectFlags(), buildFlags(), fileFlags(), outputFlags()),
		Action: func(ctx *cli.Context) error {
			set, err := readSettings(c, ctx)
			if err != nil {
				return err
			}
			return (&job{c: c, set: set, command: "lint"}).run(ctx.Args().Slice())
		},
	}
}
