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
	"github.com/urfave/cli/v2"
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
	gc.start()
	c := &console{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv}
	c.inTTY, c.outTTY, c.errTTY = isTerminal(os.Stdin), isTerminal(os.Stdout), isTerminal(os.Stderr)
	if st, err := os.Stdin.Stat(); err == nil {
		c.inPiped = st.Mode()&os.ModeCharDevice == 0
	}
	os.Exit(run(c, os.Args))
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
	app := newApp(c)
	args, err := permute(app, args)
	if err == nil {
		err = app.Run(args)
	}
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

func newApp(c *console) *cli.App {
	cli.HelpPrinter = printHelp
	cli.VersionFlag = &cli.BoolFlag{Name: "version", Usage: "print the version", DisableDefaultText: true}
	return &cli.App{
		Name:                      "refit",
		Usage:                     "format Dockerfiles, and make their images smaller and their builds faster",
		Version:                   versionText(),
		Reader:                    c.in,
		Writer:                    c.out,
		ErrWriter:                 c.err,
		Commands:                  commands(c),
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {}, // run decides
		OnUsageError:              func(_ *cli.Context, err error, _ bool) error { return usagef("%v", err) },
		Action: func(ctx *cli.Context) error {
			if name := ctx.Args().First(); name != "" {
				return unknownCommand(ctx.App, name)
			}
			return cli.ShowAppHelp(ctx)
		},
	}
}

// commands are refit's commands, in the order of the help.
func commands(c *console) []*cli.Command {
	return withExitCodes([]*cli.Command{
		fixCommand(c),
		fmtCommand(c),
		lintCommand(c),
		rulesCommand(c),
		explainCommand(c),
		initCommand(c),
		verifyCommand(c),
		measureCommand(c),
		lspCommand(c),
		completionCommand(c),
		manCommand(c),
	})
}

func unknownCommand(app *cli.App, name string) error {
	var names []string
	for _, cmd := range app.Commands {
		names = append(names, cmd.Name)
	}
	return misplaced(name, names)
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
