package transform

import (
	"encoding/json"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/shell"
)

var _ = register(&execFormTransform)

var execFormTransform = Transform{
	Name: "exec-form", Group: "metadata", Codes: []string{"DL3025", "JSONArgsRecommended"}, Safety: Unsafe, Run: execForm,
	Doc: &page{
		Summary: "Start the program itself instead of a shell that starts it.",
		What:    "CMD and ENTRYPOINT in shell form become JSON arrays, where the command is one program with plain arguments.",
		Why:     "The shell form runs /bin/sh as process 1. The shell passes no signals on: docker stop waits ten seconds and kills the program.",
		Before:  "FROM node:20\nCMD node server.js",
		After:   "FROM node:20\nCMD [\"node\", \"server.js\"]",
		Instead: "Commands with variables, wildcards, redirections, several commands or shell builtins need the shell and stay. An ENTRYPOINT stays as well where the stage has a CMD: the exec form would append it.",
		Safety:  "Unsafe. A program that relies on a shell around it (profile files, job control, exit on a signal) starts differently.",
		Refs:    []string{docsURL + "#shell-and-exec-form", "https://docs.docker.com/reference/build-checks/json-args-recommended/", "https://github.com/hadolint/hadolint/wiki/DL3025"},
	},
}

// isBuiltin tells commands that only a shell has.
func isBuiltin(name string) bool {
	switch name {
	case "cd", "exec", "export", "source", ".", "set", "eval", "ulimit", "umask", "trap", "alias", "wait", "read", "exit", "return", "shift", "unset", "type", "command", "builtin", ":", "times", "jobs", "bg", "fg", "local", "declare", "let":
		return true
	}
	return false
}

func execForm(p *Pass) {
	for _, in := range p.File.Instructions {
		if in.Name != "CMD" && in.Name != "ENTRYPOINT" || in.Form != parse.Shell {
			continue
		}
		if words := quotedArray(in.Command().Value); words != nil && in.Child == nil && p.Facts.At(in).Stage.Family != facts.Windows {
			array := jsonArray(words)
			p.Report(Change{
				Title: "write " + in.Name + " with double quotes", At: in.Keyword.Span, Safety: Unsafe,
				Reason:  "the exec form is JSON, which has no other quotes: a shell looks for a program that is named [" + words[0] + ", and finds none",
				Edits:   []emit.Edit{{Span: in.Command().Span, New: array}},
				Effects: []plan.Effect{plan.Replace{Instr: in.Index, Text: in.Name + " " + array}},
			})
			continue
		}
		words, why := p.execWords(in)
		if why != "" {
			p.Skip(in.Keyword.Span, "%s", why)
			continue
		}
		array := jsonArray(words)
		sp := in.Command().Span
		text := "CMD " + array
		if in.Name == "ENTRYPOINT" {
			text = "ENTRYPOINT " + array
		}
		p.Report(Change{
			Title: "write " + in.Name + " in exec form", At: in.Keyword.Span, Safety: Unsafe,
			Reason:  "the shell form puts a shell in front of the program, which does not pass signals on",
			Edits:   []emit.Edit{{Span: sp, New: array}},
			Effects: []plan.Effect{plan.Replace{Instr: in.Index, Text: text}},
		})
	}
}

// quotedArray returns the words of an array that is no JSON because of its
// quotes, or nil: ['a', "b"].
func quotedArray(text string) []string {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "[")
	var words []string
	for ok {
		rest = strings.TrimSpace(rest)
		if rest == "" || rest[0] != '\'' && rest[0] != '"' {
			return nil
		}
		end := strings.IndexByte(rest[1:], rest[0])
		if end < 0 || strings.ContainsAny(rest[1:1+end], "\"'\\$`\n") {
			return nil
		}
		words = append(words, rest[1:1+end])
		rest = strings.TrimSpace(rest[end+2:])
		if rest == "]" {
			return words
		}
		rest, ok = strings.CutPrefix(rest, ",")
	}
	return nil
}

// jsonArray writes words as the exec form does.
func jsonArray(words []string) string {
	parts := make([]string, len(words))
	for i, w := range words {
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.Encode(w) // a string never fails
		parts[i] = strings.TrimSuffix(b.String(), "\n")
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// execWords returns the words of a command that needs no shell, or why it
// does.
func (p *Pass) execWords(in *parse.Instruction) ([]string, string) {
	st := p.Facts.At(in)
	if st.Stage == nil || st.Stage.Family == facts.Windows {
		return nil, "paths and shells of Windows images are not understood"
	}
	s := p.Facts.Script(in)
	if s == nil || s.Lang == shell.None || st.Shell.Login || st.Shell.Other {
		return nil, "the shell in effect is not a plain POSIX shell"
	}
	if len(in.Comments) > 0 || len(in.Heredocs) > 0 {
		return nil, "a comment stands in the command"
	}
	tree, err := s.Parse()
	if err != nil {
		return nil, "the command does not parse: " + err.Error()
	}
	if len(tree.Stmts) != 1 || len(tree.Last) > 0 || len(tree.Stmts[0].Comments) > 0 {
		return nil, "the command is more than one program"
	}
	stmt := tree.Stmts[0]
	call, ok := stmt.Cmd.(*syntax.CallExpr)
	if !ok || stmt.Negated || stmt.Background || len(stmt.Redirs) > 0 || len(call.Assigns) > 0 || len(call.Args) == 0 {
		return nil, "the command needs a shell"
	}
	words := shell.Literals(call)
	if len(words) != len(call.Args) {
		return nil, "the shell expands a word of the command"
	}
	if words[0] == "exec" && len(words) > 1 && !strings.HasPrefix(words[1], "-") {
		words = words[1:]
	}
	if isBuiltin(words[0]) || words[0] == "" {
		return nil, words[0] + " is a builtin of the shell"
	}
	for _, o := range st.Stage.Instructions {
		if in.Name == "ENTRYPOINT" && o.Name == "CMD" {
			return nil, "the exec form would append the CMD, which the shell form ignores"
		}
	}
	if in.Name == "CMD" {
		for s := st.Stage; s != nil; s = s.Parent {
			for _, o := range s.Instructions {
				if o.Name == "ENTRYPOINT" {
					return nil, "the ENTRYPOINT is given the shell's command line as it is"
				}
			}
		}
	}
	return words, ""
}
