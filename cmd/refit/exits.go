package main

import "github.com/urfave/cli/v2"

// exitMeanings are the exit codes of the commands that have more than success
// and failure: what 1 means. The help, the manual and the tests read them.
var exitMeanings = map[string]string{
	"fix":     "--check, --diff or --list found something to change",
	"fmt":     "--check, --diff or --list found something to change",
	"lint":    "there are findings (see --fail-on)",
	"verify":  "not the same image, or not provably",
	"measure": "the images differ in a way that no change declares",
	"lsp":     "the editor left without a shutdown request",
}

// exitCodes are the exit codes that a command documents.
func exitCodes(command string) []int {
	if exitMeanings[command] == "" {
		return []int{exitOK, exitFailure}
	}
	return []int{exitOK, exitFound, exitFailure}
}

// withExitCodes adds the exit codes to the help of each command.
func withExitCodes(commands []*cli.Command) []*cli.Command {
	for _, cmd := range commands {
		if found := exitMeanings[cmd.Name]; found != "" {
			if cmd.Description != "" {
				cmd.Description += "\n"
			}
			cmd.Description += "Exit status: 0, nothing to do or done; 1, " + found + "; 2, an error."
		}
	}
	return commands
}
