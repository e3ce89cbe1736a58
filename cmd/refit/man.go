//go:build !plain

package main

import (
	"fmt"
	"strings"
)

func manCommand(c *console) *command {
	return &command{
		description: "refit man | man -l -",
		run: func(ctx *call) error {
			if len(ctx.args) > 0 {
				return usagef("man takes no arguments: there is one page for all commands")
			}
			_, err := fmt.Fprint(c.out, manPage(commands(c)))
			return err
		},
	}
}

// roff escapes text for the man macros; - becomes a minus that can be copied.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", "", "…", "...").Replace(s)
	var lines []string
	for l := range strings.SplitSeq(s, "\n") {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			l = `\&` + l
		}
		lines = append(lines, l)
	}
	return strings.Join(lines, "\n.br\n")
}

// manPage writes the manual page from the commands themselves.
func manPage(all []*command) string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p(`.TH REFIT 1 "" "refit %s" "User Commands"`, roff(versionText()))
	p(".SH NAME\nrefit \\- %s", roff(tagline))
	p(".SH SYNOPSIS")
	for _, cmd := range all {
		p(".B refit %s\n[options] %s\n.br", cmd.name, roff(cmd.operands))
	}
	p(".SH DESCRIPTION\n%s", roff("refit rewrites Dockerfiles: it formats them, and it makes the images that they build smaller and their builds faster without changing what the images do. "+
		"Each change is checked against the build plan before it is kept. A path is a file, a directory that is searched for Dockerfiles (what .gitignore excludes is left out), or - for standard input."))
	p(".SH COMMANDS")
	for _, cmd := range all {
		p(".SS refit %s %s\n%s.", cmd.name, roff(cmd.operands), roff(cmd.usage))
		if text := cmd.explained(); text != "" {
			p(".PP\n%s", roff(text))
		}
		for _, f := range flagsOf(cmd) {
			head := `\fB` + roff(strings.Join(f.names, ", ")) + `\fR`
			if f.takes {
				head += ` \fI` + roff(f.value) + `\fR`
			}
			p(".TP\n%s\n%s", head, roff(f.usage))
		}
	}
	p(".SH FILES\n.TP\n\\&.refit.toml\nSettings; the nearest one above a file holds for it. refit init writes one with every setting explained.")
	p(".TP\n\\&.editorconfig, .hadolint.yaml\nIndent, width and line ending; ignored codes, the failure threshold, trusted registries and the label schema.")
	p(".SH ENVIRONMENT\n.TP\nNO_COLOR\nNo colours if it is set.")
	p(".SH EXIT STATUS\n.TP\n0\nNothing to do, or done.\n.TP\n1\n%s\n.TP\n2\nA mistake in usage or configuration, a file that cannot be read, parsed or written, or an internal error.",
		roff("--check, --diff or --list found differences, refit lint findings, refit verify or measure a difference."))
	return b.String()
}
