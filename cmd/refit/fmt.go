package main

func fmtCommand(c *console) *command {
	return &command{
		operands: "[path …]",
		description: "Changes white space, line breaks and the case of keywords, and nothing else.\n" +
			"A path is a Dockerfile, a directory that is searched for Dockerfiles, or - for standard input.\n" +
			"Without a mode flag the result of one file is printed.",
		flags: [][]flag{modeFlags, layoutFlags, {
			{name: "lines", kind: isText, category: catLayout, usage: "format only the instructions that touch the lines `FROM:TO`, counted from 1"},
		}, fileFlags, outputFlags},
		run: runJob(c),
	}
}
