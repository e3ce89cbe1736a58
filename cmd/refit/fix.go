package main

func fixCommand(c *console) *command {
	return &command{
		operands: "[path …]",
		description: "Applies the transforms that `refit rules` lists, each change checked against the build plan.\n" +
			"A path is a Dockerfile, a directory that is searched for Dockerfiles, or - for standard input.\n" +
			"Without a mode flag the result of one file is printed.",
		flags: [][]flag{modeFlags, {
			{name: "interactive", short: "i", category: catMode, usage: "ask about each change in turn, and write what was accepted"},
		}, selectFlags, buildFlags, onlineFlags, {
			{name: "format", category: catLayout, usage: "also lay out the file, as refit fmt does"},
		}, layoutFlags, fileFlags, outputFlags},
		run: runJob(c),
	}
}
