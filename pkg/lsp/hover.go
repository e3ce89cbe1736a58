package lsp

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
	"github.com/refit-dev/refit/pkg/transform"
)

// hover says what is under the cursor: what an instruction or flag does, what
// holds there, and what the transforms propose or decline.
func (s *server) hover(params json.RawMessage) (job, error) {
	var p positionParams
	if err := decode(params, &p); err != nil {
		return nil, err
	}
	snap, err := s.snapshot(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	formats := s.client.TextDocument.Hover.ContentFormat
	s.mu.Unlock()
	kind := "plaintext"
	if len(formats) == 0 || slices.Contains(formats, "markdown") {
		kind = "markdown"
	}
	return func(context.Context) (any, error) {
		a := s.analyse(snap)
		if a.err != nil {
			return s.fresh(snap, nil, nil)
		}
		off := snap.text.offset(p.Position)
		a.using.Lock()
		defer a.using.Unlock()
		text, sp := hoverText(a.draft, off)
		if text == "" {
			return s.fresh(snap, nil, nil)
		}
		start, end := shown(snap.text, sp)
		r := snap.text.rangeOf(start, end)
		return s.fresh(snap, hover{markupContent{kind, text}, &r}, nil)
	}, nil
}

// hoverText returns the text for an offset and the span that it is about.
func hoverText(d *transform.Draft, off int) (string, parse.Span) {
	in := d.File().InstructionAt(off)
	if in == nil {
		return "", parse.Span{}
	}
	parts, sp := tokenDoc(d, in, off)
	var findings []string
	for _, list := range [][]transform.Change{d.Changes, d.Advice} {
		for i := range list {
			if c := &list[i]; covers(c.At, in, off) {
				findings = append(findings, finding(c))
				if sp.Empty() {
					sp = c.At
				}
			}
		}
	}
	for _, k := range d.Skips {
		if covers(k.At, in, off) {
			findings = append(findings, fmt.Sprintf("**%s** does nothing here: %s.", k.Transform, strings.TrimSuffix(k.Reason, ".")))
			if sp.Empty() {
				sp = k.At
			}
		}
	}
	parts = append(parts, findings...)
	return strings.Join(parts, "\n\n"), sp
}

// covers reports whether a report at a span concerns an offset: the offset
// lies in it, or on the keyword of the instruction that holds the span.
func covers(at parse.Span, in *parse.Instruction, off int) bool {
	if at.Start <= off && off < max(at.End, at.Start+1) {
		return true
	}
	return within(in.Keyword.Span, off) && in.Start <= at.Start && at.Start < in.End
}

func within(sp parse.Span, off int) bool { return sp.Start <= off && off < sp.End }

// finding describes a proposal.
func finding(c *transform.Change) string {
	text := "**" + sentence(c.Title) + "** ([" + c.Transform + "](" + docsURL(c.Transform) + "), " + c.Safety.String() + ")"
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	return text
}

// tokenDoc documents the token at an offset: keyword, flag, or a flag of a
// command inside RUN.
func tokenDoc(d *transform.Draft, in *parse.Instruction, off int) ([]string, parse.Span) {
	for _, x := range []*parse.Instruction{in, in.Child} {
		if x == nil {
			continue
		}
		if within(x.Keyword.Span, off) {
			doc, ok := instructionDocs[x.Name]
			if !ok {
				return nil, parse.Span{}
			}
			parts := []string{"**" + x.Name + "**: " + doc.text + " [Reference](" + referenceURL + doc.anchor + ")"}
			if st := stateDoc(d, in, x.Name); st != "" {
				parts = append(parts, st)
			}
			return parts, x.Keyword.Span
		}
		for _, fl := range x.Flags {
			if !within(fl.Span, off) {
				continue
			}
			if doc, ok := flagDocs[x.Name+" --"+fl.Name]; ok {
				return []string{"**" + x.Name + " --" + fl.Name + "**: " + doc.text + " [Reference](" + referenceURL + doc.anchor + ")"}, fl.Span
			}
			return nil, fl.Span
		}
	}
	script := d.Facts().Script(in)
	if script == nil {
		return nil, parse.Span{}
	}
	tree, err := script.Parse()
	if err != nil {
		return nil, parse.Span{}
	}
	for _, call := range shell.Commands(tree) {
		name := shell.Name(call)
		for i, w := range call.Args {
			if i == 0 || !within(script.Span(w), off) {
				continue
			}
			if doc := argumentDoc(name, call.Args[1:i+1]); doc != "" {
				return []string{doc}, script.Span(w)
			}
		}
	}
	return nil, parse.Span{}
}

// argumentDoc documents the last of a command's arguments, if it is a flag that
// the tables know.
func argumentDoc(command string, args []*syntax.Word) string {
	flag, ok := shell.Literal(args[len(args)-1])
	if !ok || !strings.HasPrefix(flag, "-") || flag == "-" {
		return ""
	}
	flag, _, _ = strings.Cut(flag, "=")
	sub := ""
	for _, w := range args[:len(args)-1] {
		if s, ok := shell.Literal(w); ok && !strings.HasPrefix(s, "-") {
			sub = s
			break
		}
	}
	command = commandAlias(command)
	for _, key := range []string{command + " " + sub + " " + flag, command + " " + flag} {
		if doc, ok := argumentDocs[key]; ok {
			return "**" + strings.Join(strings.Fields(key), " ") + "**: " + doc
		}
	}
	if strings.HasPrefix(flag, "--") || len(flag) < 3 {
		return ""
	}
	// Letters written together: -fsSL.
	var parts []string
	for _, c := range flag[1:] {
		if doc, ok := argumentDocs[command+" -"+string(c)]; ok {
			parts = append(parts, "**"+command+" -"+string(c)+"**: "+doc)
		}
	}
	return strings.Join(parts, "\n\n")
}

// stateDoc says what holds at an instruction, where it matters.
func stateDoc(d *transform.Draft, in *parse.Instruction, name string) string {
	st := d.Facts().At(in)
	if st.Stage == nil {
		return ""
	}
	var out []string
	add := func(what string, v facts.Value) {
		if v.Known && v.S != "" {
			out = append(out, what+" `"+v.S+"`")
		}
	}
	switch name {
	case "RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK":
		add("user", st.User)
		add("working directory", st.Workdir)
		if len(st.Shell.Argv) > 0 && in.Form != parse.Exec {
			out = append(out, "shell `"+strings.Join(st.Shell.Argv, " ")+"`")
		}
	case "COPY", "ADD", "WORKDIR":
		add("working directory", st.Workdir)
	}
	if len(out) == 0 {
		return ""
	}
	return "Here: " + strings.Join(out, ", ") + "."
}
