// Command refit formats Dockerfiles and makes the images that they build
// smaller and their builds faster, without changing what the images do.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/workspace"
	"golang.org/x/term"
)

// The exit codes.
const (
	exitOK      = 0 // nothing to do, or done
	exitFound   = 1 // --check, --diff, --list or lint found something
	exitFailure = 2 // usage, configuration, I/O, parse or internal error
)

// version is set by the release build.
var version = ""

// console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
	inTTY    bool
	inPiped  bool // a pipe or a file: something to read without a person
	outTTY   bool
	errTTY   bool
}

func main() {
	growStack(len(os.Args))
	c := &console{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv}
	c.inTTY, c.outTTY, c.errTTY = isTerminal(os.Stdin), isTerminal(os.Stdout), isTerminal(os.Stderr)
	if st, err := os.Stdin.Stat(); err == nil {
		c.inPiped = st.Mode()&os.ModeCharDevice == 0
	}
	os.Exit(run(c, os.Args))
}

// growStack makes the stack large enough for a small file while there is nothing
// on it: growing it in the depth of the work takes 2 % of a start each time.
//
//go:noinline
func growStack(n int) byte {
	var frame [9 << 10]byte
	frame[n%len(frame)] = 1
	return frame[n/2%len(frame)]
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// failure is an error with an exit code. A failure without a message has
// already said what there is to say.
type failure struct {
	code int
	msg  string
}

func (f *failure) Error() string { return f.msg }

func usagef(format string, args ...any) error {
	return &failure{exitFailure, fmt.Sprintf(format, args...)}
}

// run executes one command line and returns the exit code.
func run(c *console, args []string) (code int) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(c.err, "refit: internal error: %v\n%s\nThis is a bug in refit; please report it with the command line and the file.\n", r, debug.Stack())
			code = exitFailure
		}
	}()
	err := execute(c, args[1:])
	if err == nil {
		return exitOK
	}
	var config *workspace.ConfigError
	if errors.As(err, &config) {
		c.err.Write(emit.Text(configReport(config), emit.TextOptions{}))
		return exitFailure
	}
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{exitFailure, err.Error()}
	}
	if f.msg != "" {
		fmt.Fprintf(c.err, "refit: %s\n", f.msg)
	}
	return f.code
}

// maker makes one command. make is nil in the plain program (plain.go) for a
// command that is left to the full one.
type maker struct {
	name, usage string
	make        func(*console) *command
}

// makers are those of refit's commands, in the order of the help. Only the
// command that runs is made.
func makers() []maker {
	return []maker{
		{"fix", "rewrite Dockerfiles: smaller images, faster builds", fixCommand},
		{"fmt", "format Dockerfiles", fmtCommand},
		{"lint", "report what could be better, change nothing", lintCommand},
		{"rules", "list the transforms", rulesCommand},
		{"explain", "explain a transform: what, why, example, when not", explainCommand},
		{"init", "write a .refit.toml with every setting explained", initCommand},
		{"verify", "say whether two Dockerfiles build the same image", verifyCommand},
		{"measure", "build a Dockerfile before and after refit fix, compare the images, and show what was won", measureCommand},
		{"lsp", "run the language server for editors", lspCommand},
		{"completion", "print the completion script of a shell", completionCommand},
		{"man", "print the manual page", manCommand},
	}
}

// command makes the command.
func (m *maker) command(c *console) *command {
	cmd := m.make(c)
	cmd.name, cmd.usage = m.name, m.usage
	return cmd
}

// commands are all commands.
func commands(c *console) []*command {
	var all []*command
	for _, m := range makers() {
		all = append(all, m.command(c))
	}
	return all
}

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
