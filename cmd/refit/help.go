package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// helpWidth is the column that the text of the help does not pass.
const helpWidth = 100

// categories are the groups of flags, in the order of the help.
var categories = []string{catMode, catWhat, catBuild, catEngine, catLayout, catFiles, catOutput, ""}

// examples follow the list of commands.
const examples = `
Examples:
  refit lint .             what could be better in the Dockerfiles below this directory, and why
  refit fix --diff .       the changes that are safe, as a patch
  refit fix -w .           make them
  refit fmt -w .           only lay the files out
  refit explain merge-run  what a transform does, and when it does not

refit COMMAND --help lists the flags of a command, refit man shows everything.
`

// tagline says what refit is for.
const tagline = "format Dockerfiles, and make their images smaller and their builds faster"

// printOverview writes the general help: the list of commands.
func printOverview(c *console) error {
	var b strings.Builder
	fmt.Fprintf(&b, "refit - %s\n\nUsage: refit COMMAND [flags] [arguments]\n\nCommands:\n", tagline)
	for _, m := range makers() {
		fmt.Fprintf(&b, "  %-10s  %s\n", m.name, m.usage)
	}
	b.WriteString("\nFlags:\n  -h, --help     show help\n      --version  print the version\n" + examples)
	_, err := io.WriteString(c.out, b.String())
	return err
}

// printHelp writes the help of a command: its flags by category, the most
// important first, with the text in one column.
func printHelp(out io.Writer, cmd *command) error {
	w := &strings.Builder{}
	fmt.Fprintf(w, "refit %s - %s\n\nUsage: %s\n", cmd.name, cmd.usage, strings.TrimRight("refit "+cmd.name+" [flags] "+cmd.operands, " "))
	if text := cmd.explained(); text != "" {
		fmt.Fprintf(w, "\n%s\n", text)
	}
	flags := flagsOf(cmd)
	heads := make([]string, len(flags))
	column := 0
	for i, f := range flags {
		heads[i] = head(f)
		if len(heads[i]) <= 30 {
			column = max(column, len(heads[i]))
		}
	}
	for _, category := range categories {
		title := category
		switch {
		case title == "" && len(flags) == 1:
			title = "Flags"
		case title == "":
			title = "Other flags"
		}
		for i, f := range flags {
			if f.category != category {
				continue
			}
			if title != "" {
				fmt.Fprintf(w, "\n%s:\n", title)
				title = ""
			}
			text := f.usage
			if f.def != "" {
				text += " (default: " + f.def + ")"
			}
			lines := wrap(text, helpWidth-column-4)
			if len(heads[i]) > column {
				fmt.Fprintf(w, "  %s\n", heads[i])
			} else {
				fmt.Fprintf(w, "  %-*s  %s\n", column, heads[i], lines[0])
				lines = lines[1:]
			}
			for _, l := range lines {
				fmt.Fprintf(w, "  %*s  %s\n", column, "", l)
			}
		}
	}
	_, err := io.WriteString(out, w.String())
	return err
}

// head is a flag as it is typed: "-j, --jobs N".
func head(f flagInfo) string {
	names := slices.Clone(f.names)
	slices.Reverse(names)
	s := strings.Join(names, ", ")
	if len(names) == 1 {
		s = "    " + s
	}
	switch {
	case f.takes:
		s += " " + f.value
	case f.optional:
		s += "[=" + f.value + "]"
	}
	return s
}

// wrap breaks a text at blanks into lines of at most n columns, where it can.
func wrap(text string, n int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > n {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
