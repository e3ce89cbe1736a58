package main

func lintCommand(c *console) *command {
	return &command{
		operands:    "[path …]",
		description: "Prints what refit fix would change, what it would change with --unsafe, and advice.",
		flags: [][]flag{{
			{name: "fail-on", kind: isText, category: catMode, def: "note", usage: "the least serious `LEVEL` that makes the exit code 1: note (advice, unsafe changes), warning (safe changes) or error"},
			{name: "baseline", kind: isText, category: catMode, usage: "do not report the findings in `FILE`"},
			{name: "write-baseline", kind: isText, category: catMode, usage: "write all findings to `FILE`, and report none"},
			{name: "format", category: catWhat, usage: "also report what refit fmt would change"},
		}, layoutFlags, selectFlags, buildFlags, fileFlags, outputFlags},
		run: runJob(c),
	}
}
