package transform

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

var _ = register(&entrypointExecTransform)

var entrypointExecTransform = Transform{
	Name: "entrypoint-exec", Group: "advice", Safety: Advice, Run: entrypointExec,
	Doc: &page{
		Summary: "Let the entrypoint script give way to the program.",
		What:    "Reports an ENTRYPOINT or CMD that is a shell script in the build context whose last command is a program started without exec.",
		Why:     "The script stays process 1 and passes no signals on: docker stop waits ten seconds and kills the program.",
		Before:  "FROM debian:12\nCOPY entrypoint.sh /\nENTRYPOINT [\"/entrypoint.sh\"]",
		Instead: "Scripts that trap signals, loop or wait for jobs are not reported. The build context must be in sight.",
		Safety:  "Advice: the script is not part of the Dockerfile.",
		Refs:    []string{docsURL + "#entrypoint", practicesURL + "#entrypoint"},
	},
}

func entrypointExec(p *Pass) {
	if p.Options.Context == nil {
		return
	}
	for _, st := range p.Facts.Stages {
		for _, in := range st.Instructions {
			if in.Name != "CMD" && in.Name != "ENTRYPOINT" {
				continue
			}
			words := p.commandWords(in)
			if len(words) > 1 && (words[0] == "sh" || words[0] == "bash" || words[0] == "/bin/sh" || words[0] == "/bin/bash") {
				words = words[1:]
			}
			if len(words) == 0 || !strings.HasSuffix(words[0], ".sh") {
				continue
			}
			script := words[0]
			if !path.IsAbs(script) {
				v := p.Facts.At(in).Resolve(script)
				if !v.Known {
					continue
				}
				script = v.S
			}
			data, ok := p.tree(in).Read(script)
			if ok && !givesWay(string(data)) {
				p.Advise(in.Keyword.Span, "end "+path.Base(script)+" with exec", "the script starts the program and stays in front of it: signals do not reach the program")
			}
		}
	}
}

// givesWay reports whether a script replaces itself by the program, or has to
// stay.
func givesWay(text string) bool {
	f, err := shell.ParseText(text, shell.Bash)
	if err != nil || len(f.Stmts) == 0 {
		return true
	}
	for _, c := range shell.Commands(f) {
		switch shell.Name(c) {
		case "exec", "trap", "wait":
			return true
		}
	}
	last := f.Stmts[len(f.Stmts)-1]
	if last.Background {
		return true
	}
	call, ok := last.Cmd.(*syntax.CallExpr)
	if !ok {
		return true
	}
	switch n := shell.Name(call); {
	case isBuiltin(n), n == "echo", n == "true", n == "printf":
		return true
	}
	return false
}

// commandWords returns the words of a CMD or ENTRYPOINT, as far as they are
// literal.
func (p *Pass) commandWords(in *parse.Instruction) []string {
	if in.Form == parse.Exec {
		var out []string
		for _, w := range in.Words {
			out = append(out, w.Value)
		}
		return out
	}
	s := p.Facts.Script(in)
	if s == nil {
		return nil
	}
	f, err := s.Parse()
	if err != nil {
		return nil
	}
	if calls := shell.Commands(f); len(calls) > 0 {
		w := shell.Literals(calls[len(calls)-1])
		if len(w) > 1 && w[0] == "exec" {
			w = w[1:]
		}
		return w
	}
	return nil
}
