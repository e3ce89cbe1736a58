package transform

import (
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

var _ = register(&mergeMetadataTransform)

var mergeMetadataTransform = Transform{
	Name:   "merge-metadata",
	Group:  "layers",
	Codes:  []string{},
	Safety: Safe,
	Off:    true,
	After:  []string{"key-value"},
	Run:    mergeMetadata,
	Doc: text(`Merge consecutive ENV, LABEL or EXPOSE instructions.

## What
Consecutive instructions of one kind become one, with one pair per line.

## Why
Fewer instructions are easier to read. They make no layers: the image does not shrink.

## Example
~~~dockerfile before
FROM alpine:3.20
ENV A=1
ENV B=2
~~~
~~~dockerfile after
FROM alpine:3.20
ENV A=1 \
    B=2
~~~

## Instead
Off unless selected. ENV and LABEL that use a variable which the merged instruction sets stay apart: one ENV sees the values from before it. So do pairs of the old form without equals sign (see key-value).

## Safety
Safe. The configuration of the image is the same.

## References
- https://docs.docker.com/reference/dockerfile/#env
`),
}

func mergeMetadata(p *Pass) {
	for _, s := range p.Facts.Stages {
		var group []*parse.Instruction
		for _, in := range s.Instructions {
			if len(group) > 0 && (in.Index != group[len(group)-1].Index+1 || !joins(group, in)) {
				p.mergePairs(group)
				group = nil
			}
			if mergeableMeta(in) {
				group = append(group, in)
			}
		}
		p.mergePairs(group)
	}
}

func mergeableMeta(in *parse.Instruction) bool {
	switch in.Name {
	case "ENV", "LABEL":
		return in.Form == parse.Pairs
	case "EXPOSE":
		return in.Form == parse.Words
	}
	return false
}

// joins reports whether an instruction may be added to a group: the same kind,
// and no word that reads what the group sets.
func joins(group []*parse.Instruction, in *parse.Instruction) bool {
	if group[0].Name != in.Name || !mergeableMeta(in) {
		return false
	}
	if in.Name == "ENV" {
		for _, g := range group {
			for _, pair := range g.Pairs {
				if strings.Contains(in.Args.Value, "$"+pair.Key.Value) || strings.Contains(in.Args.Value, "${"+pair.Key.Value) {
					return false
				}
			}
		}
	}
	for _, g := range group {
		for _, a := range g.Pairs {
			if slices.ContainsFunc(in.Pairs, func(b parse.Pair) bool { return a.Key.Value == b.Key.Value }) {
				return false
			}
		}
	}
	return true
}

// mergePairs proposes to merge a group of two instructions or more.
func (p *Pass) mergePairs(group []*parse.Instruction) {
	if len(group) < 2 {
		return
	}
	eol := p.File.LineEnding()
	first := group[0]
	c := Change{
		Title: "merge " + first.Name + " instructions", At: first.Keyword.Span, Safety: Safe,
		Reason: "they set the same kind of metadata",
	}
	var all strings.Builder
	all.WriteString(first.Name + " " + first.Args.Value)
	indent := "    "
	cont := " " + string(first.Escape()) + eol
	for _, in := range group[1:] {
		var text strings.Builder
		text.WriteString(cont)
		for _, l := range in.Lead {
			text.WriteString(indent + strings.TrimRight(strings.TrimLeft(l.Text(p.File.Src), " \t"), "\r\n") + eol)
		}
		text.WriteString(indent)
		// From the end of the text before, over its line ending, comments and
		// keyword, to the arguments; blank lines between go too.
		prev := p.File.Instructions[in.Index-1]
		c.Edits = append(c.Edits, emit.Edit{Span: parse.Span{Start: prev.TextEnd(), End: in.Args.Start}, New: text.String()})
		c.Effects = append(c.Effects, plan.Remove{Instr: in.Index})
		all.WriteString(" " + in.Args.Value)
	}
	for _, in := range group[:len(group)-1] {
		// What stands between the text and the line's end is cut: it must not
		// hold a comment.
		for _, cm := range in.Comments {
			if cm.Start >= in.TextEnd() {
				return
			}
		}
	}
	// Comments that touch no instruction, between the group's, would be lost.
	for i, in := range group[1:] {
		between := parse.Span{Start: group[i].End, End: in.Start}
		lead := 0
		for _, l := range in.Lead {
			lead += l.Len()
		}
		if strings.Contains(strings.TrimRight(between.Text(p.File.Src), "\r\n"), "#") && between.Len()-lead > strings.Count(between.Text(p.File.Src), "\n")*2 {
			return
		}
	}
	c.Effects = append(c.Effects, plan.Replace{Instr: first.Index, Text: all.String()})
	p.Report(c)
}
