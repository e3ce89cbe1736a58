package transform

import (
	"slices"
	"sort"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

// commentedOut is the keyword of an instruction that is commented out between
// two RUNs, or "". A merge would take the comment into the RUN, where nobody
// could put the instruction back by removing the mark.
func commentedOut(f *parse.File, prev, next *parse.Instruction) string {
	var block []string // comment lines that follow each other, without their mark
	found := ""
	read := func() {
		for i := range block {
			if found == "" {
				found = instructionIn(block[i:], f.Escape)
			}
		}
		block = nil
	}
	first := sort.Search(len(f.Tiles), func(i int) bool { return f.Tiles[i].Start >= prev.End })
	for _, t := range f.Tiles[first:] {
		if t.Start >= next.Start {
			break
		}
		switch t.Kind {
		case parse.TileComment:
			block = append(block, strings.TrimPrefix(commentText(t.Text(f.Src)), "#"))
		case parse.TileInstruction:
			block = nil // its comments move below with it
		default:
			read()
		}
	}
	read()
	return found
}

// keywords that are looked for in comments.
var keywords = []string{
	"RUN", "COPY", "ADD", "ENV", "ARG", "USER", "WORKDIR", "SHELL", "VOLUME", "ONBUILD", "FROM",
	"LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "HEALTHCHECK", "STOPSIGNAL",
}

// proseWords begin what follows a keyword in a sentence: RUN the tests.
var proseWords = []string{
	"the", "a", "an", "this", "that", "these", "those", "it", "to", "of", "in", "on", "as", "all", "only", "with", "and", "or",
	"is", "are", "we", "you", "not", "no", "both", "when", "everything", "commands", "command", "tests", "instructions", "steps",
}

// headingWords follow a keyword in the heading of a section: USER setup.
var headingWords = []string{
	"setup", "section", "setting", "settings", "config", "configuration", "creation", "management", "handling", "permissions",
	"stage", "step", "part", "phase", "stuff", "variables", "vars", "values", "definition", "definitions", "script", "scripts",
}

// instructionIn is the keyword of the instruction that comment lines start
// with, or "" if they are prose. The keyword is in upper case then, BuildKit
// can read the instruction, and its arguments look like such.
func instructionIn(lines []string, escape byte) string {
	fields := strings.Fields(lines[0])
	if len(fields) < 2 || !slices.Contains(keywords, fields[0]) || slices.Contains(proseWords, strings.ToLower(fields[1])) {
		return ""
	}
	if strings.HasPrefix(fields[1], "<<") {
		return fields[0]
	}
	var text strings.Builder
	if escape != '\\' {
		text.WriteString("# escape=" + string(escape) + "\n")
	}
	if fields[0] != "FROM" {
		text.WriteString("FROM scratch\n")
	}
	for _, l := range lines {
		l = strings.TrimSpace(l)
		text.WriteString(l + "\n")
		if !strings.HasSuffix(l, string(escape)) {
			break
		}
	}
	f, err := parse.Parse([]byte(text.String()))
	if err != nil {
		return ""
	}
	in := f.Instructions[len(f.Instructions)-1]
	if _, err := parse.Typed(in.Node); err != nil || in.Name != fields[0] {
		return ""
	}
	for in.Child != nil {
		in = in.Child
	}
	if !looksMeant(f, in) {
		return ""
	}
	return fields[0]
}

// looksMeant reports whether an instruction was one before it became a
// comment, rather than a sentence or a heading that starts with a keyword.
func looksMeant(f *parse.File, in *parse.Instruction) bool {
	words := strings.Fields(in.Args.Value)
	if len(words) == 0 {
		return false
	}
	coded := slices.ContainsFunc(words, func(w string) bool { return strings.ContainsAny(w, `/.=$*"[-`) })
	if !coded && slices.Contains(headingWords, strings.ToLower(strings.TrimRight(words[0], ":,;"))) {
		return false
	}
	switch in.Name {
	case "RUN", "CMD", "ENTRYPOINT":
		if in.Form == parse.Exec || len(in.Flags) > 0 {
			return true
		}
		s := facts.New(f, facts.Options{}).Script(in)
		if s == nil {
			return false
		}
		tree, err := s.Parse()
		if err != nil || len(tree.Stmts) == 0 {
			return false
		}
		if calls := shell.Commands(tree); len(calls) > 0 {
			name := shell.Name(calls[0])
			return strings.ToUpper(name) != name || strings.ToLower(name) == name // "." has no case
		}
		return true
	case "FROM":
		return len(words) == 1 || len(words) == 3 && strings.EqualFold(words[1], "as")
	case "COPY", "ADD", "ENV", "LABEL", "VOLUME", "HEALTHCHECK":
		return coded
	case "ARG", "USER", "WORKDIR", "STOPSIGNAL":
		return len(words) == 1
	case "EXPOSE":
		return strings.ContainsAny(words[0][:1], "0123456789$")
	}
	return true // SHELL, which BuildKit reads strictly
}
