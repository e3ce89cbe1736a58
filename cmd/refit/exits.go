package main

// exits say what the exit codes 0 and 1 of a command mean.
type exits struct{ ok, found string }

// exitMeanings are those of the commands that have an exit code 1. The help
// and the tests read them.
var exitMeanings = map[string]exits{
	"fix":     {"nothing to do, or done", "--check, --diff or --list found something to change"},
	"fmt":     {"nothing to do, or done", "--check, --diff or --list found something to change"},
	"lint":    {"no findings", "there are findings (see --fail-on)"},
	"verify":  {"the same image", "not the same, or not provably"},
	"measure": {"the images differ as announced, or nothing was to change", "the images differ in a way that no change declares"},
	"lsp":     {"the editor said goodbye", "it left without a shutdown request"},
}

// exitCodes are the exit codes that a command documents.
func exitCodes(command string) []int {
	if exitMeanings[command] == (exits{}) {
		return []int{exitOK, exitFailure}
	}
	return []int{exitOK, exitFound, exitFailure}
}

// explained is the description of a command with its exit codes.
func (cmd *command) explained() string {
	e := exitMeanings[cmd.name]
	if e == (exits{}) {
		return cmd.description
	}
	text := cmd.description
	if text != "" {
		text += "\n"
	}
	return text + "Exit status: 0, " + e.ok + "; 1, " + e.found + "; 2, an error."
}
