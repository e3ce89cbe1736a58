package transform

import (
	"bytes"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

var _ = register(&addLabelsTransform)

var addLabelsTransform = Transform{
	Name:        "add-labels",
	Group:       "metadata",
	Safety:      Safe,
	After:       []string{"maintainer-label"},
	Run:         addLabels,
	ExampleWith: func() Options { return Options{Author: "Jane Doe <jane@example.com>"} },
	Doc: text(`Add the labels that --label and --author name.

## What
Labels given by --label key=value and --author are added to the stages that are built as images, behind the last
LABEL or else behind FROM. A label that is there with another value is updated. With the label style "maintainer"
the author is written as MAINTAINER.

## Why
Labels tell who made an image, from which source and under which licence, without running it.

## Example
With --author "Jane Doe <jane@example.com>":
~~~dockerfile before
FROM alpine:3.20
CMD ["sh"]
~~~
~~~dockerfile after
FROM alpine:3.20
LABEL org.opencontainers.image.authors="Jane Doe <jane@example.com>"
CMD ["sh"]
~~~

## Instead
Nothing is added unless it is asked for.

## Safety
Safe. Only the image's labels change, as announced.

## References
- https://docs.docker.com/reference/dockerfile/#label
- https://github.com/opencontainers/image-spec/blob/main/annotations.md
`),
}

func addLabels(p *Pass) {
	labels := p.Options.Labels
	if p.Options.Author != "" && p.Options.LabelStyle != "maintainer" {
		labels = append(labels[:len(labels):len(labels)], Label{authorsLabel, p.Options.Author})
	}
	for _, s := range p.Facts.Stages {
		if !isTarget(s) {
			continue
		}
		if p.Options.Author != "" && p.Options.LabelStyle == "maintainer" {
			p.setMaintainer(s, p.Options.Author)
		}
		for _, l := range labels {
			p.setLabel(s, l)
		}
	}
}

// isTarget reports whether a stage is an image of its own: what it is FROM
// passes its labels on.
func isTarget(s *facts.Stage) bool {
	if !s.Ships {
		return false
	}
	for _, c := range s.Children {
		if c.Ships {
			return false
		}
	}
	return true
}

// setLabel adds a label to a stage or updates it.
func (p *Pass) setLabel(s *facts.Stage, l Label) {
	value := quoteValue(l.Value, p.File.Escape)
	key := l.Key
	if strings.ContainsAny(key, " \t\"'$=\\`") {
		key = quoteValue(key, p.File.Escape)
	}
	anchor := s.From
	var pair *parse.Pair
	var holder *parse.Instruction
	for _, in := range s.Instructions {
		switch {
		case in.Name == "LABEL" && in.Form == parse.Pairs:
			anchor = in
			for i := range in.Pairs {
				if unquote(in.Pairs[i].Key.Value) == l.Key {
					pair, holder = &in.Pairs[i], in
				}
			}
		case in.Name == "LABEL" && in.Form == parse.LegacyPair && unquote(in.Pairs[0].Key.Value) == l.Key:
			p.Skip(in.Keyword.Span, "the label %s is set in the legacy form", l.Key)
			return
		case in.Name == "MAINTAINER" && l.Key == authorsLabel && len(in.Comments) > 0:
			p.Skip(in.Keyword.Span, "a comment stands inside MAINTAINER")
			return
		case in.Name == "MAINTAINER" && l.Key == authorsLabel:
			text := "LABEL " + key + "=" + value
			p.Report(Change{
				Title: "set the label " + l.Key, Reason: "it was asked for; MAINTAINER is deprecated",
				At:     in.Keyword.Span,
				Edits:  []emit.Edit{{Span: parse.Span{Start: in.Keyword.Start, End: in.TextEnd()}, New: text}},
				Safety: Safe, Effects: []plan.Effect{plan.Replace{Instr: in.Index, Text: text}},
			})
			return
		}
	}
	if pair != nil {
		if v := p.Facts.Expand(pair.Value.Value, holder); v.Certain() && v.S == l.Value {
			return
		}
		if overlapsComment(holder, pair.Value.Span) {
			p.Skip(pair.Span, "a comment stands inside the value")
			return
		}
		edits := []emit.Edit{{Span: pair.Value.Span, New: value}}
		p.Report(Change{
			Title: "update the label " + l.Key, Reason: "it was asked for", At: pair.Span, Edits: edits, Safety: Safe,
			Effects: []plan.Effect{plan.Replace{Instr: holder.Index, Text: editedText(p.File, holder, edits)}},
		})
		return
	}
	p.insertBehind(anchor, "LABEL "+key+"="+value, "set the label "+l.Key)
}

// setMaintainer writes the author as MAINTAINER.
func (p *Pass) setMaintainer(s *facts.Stage, author string) {
	for _, in := range s.Instructions {
		if in.Name != "MAINTAINER" {
			continue
		}
		switch {
		case in.Args.Value == author:
		case len(in.Comments) > 0:
			p.Skip(in.Keyword.Span, "a comment stands inside MAINTAINER")
		default:
			text := "MAINTAINER " + author
			p.Report(Change{
				Title: "set MAINTAINER", Reason: "it was asked for", At: in.Keyword.Span, Safety: Safe,
				Edits:   []emit.Edit{{Span: parse.Span{Start: in.Keyword.Start, End: in.TextEnd()}, New: text}},
				Effects: []plan.Effect{plan.Replace{Instr: in.Index, Text: text}},
			})
		}
		return
	}
	p.insertBehind(s.From, "MAINTAINER "+author, "set MAINTAINER")
}

// insertBehind reports a change that puts an instruction on the line behind
// another.
func (p *Pass) insertBehind(anchor *parse.Instruction, text, title string) {
	if anchor.Unfinished() {
		p.Skip(anchor.Keyword.Span, "the file ends with a continuation character")
		return
	}
	p.Report(Change{
		Title: title, Reason: "it was asked for", At: anchor.Keyword.Span, Safety: Safe,
		Edits:   []emit.Edit{lineBehind(p.File, anchor.End, text)},
		Effects: []plan.Effect{plan.Insert{Before: anchor.Index + 1, Text: text}},
	})
}

// lineBehind inserts a line at the start of a line, or behind a last line that
// lacks its line ending.
func lineBehind(f *parse.File, at int, text string) emit.Edit {
	eol := f.LineEnding()
	text = strings.ReplaceAll(text, "\n", eol)
	if at > 0 && at == len(f.Src) && !bytes.HasSuffix(f.Src, []byte("\n")) {
		return emit.Edit{Span: parse.Span{Start: at, End: at}, New: eol + text}
	}
	return emit.Edit{Span: parse.Span{Start: at, End: at}, New: text + eol}
}
