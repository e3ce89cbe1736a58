package transform

import (
	"strings"
	"unicode/utf8"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

// authorsLabel is the key that replaces MAINTAINER, see
// https://github.com/opencontainers/image-spec/blob/main/annotations.md.
const authorsLabel = "org.opencontainers.image.authors"

var _ = register(&maintainerLabelTransform)

var maintainerLabelTransform = Transform{
	Name:   "maintainer-label",
	Group:  "metadata",
	Codes:  []string{"DL4000", "MaintainerDeprecated"},
	Safety: Safe,
	Run:    maintainerLabel,
	Doc: text(`Replace the deprecated MAINTAINER by a label.

## What
MAINTAINER x becomes LABEL org.opencontainers.image.authors="x".

## Why
MAINTAINER is deprecated: it sets a field that most tools do not show. A label can be queried and filtered.

## Example
~~~dockerfile before
FROM alpine:3.20
MAINTAINER Jane Doe <jane@example.com>
~~~
~~~dockerfile after
FROM alpine:3.20
LABEL org.opencontainers.image.authors="Jane Doe <jane@example.com>"
~~~

## Instead
Not where the stage sets that label already: one of the two would win, so both stay.

## Safety
Safe. The image's author field becomes a label with the same text.

## References
- https://docs.docker.com/reference/dockerfile/#maintainer-deprecated
- https://docs.docker.com/reference/build-checks/maintainer-deprecated/
- https://github.com/opencontainers/image-spec/blob/main/annotations.md
`),
}

func maintainerLabel(p *Pass) {
	if p.Options.LabelStyle == "maintainer" {
		return
	}
	for _, in := range p.File.Instructions {
		if in.Name != "MAINTAINER" || in.Form != parse.String {
			continue
		}
		if other := labelIn(p, in, authorsLabel); other != nil {
			p.Skip(in.Keyword.Span, "the stage sets %s itself in line %d", authorsLabel, other.StartLine)
			continue
		}
		if len(in.Comments) > 0 {
			p.Skip(in.Keyword.Span, "a comment stands inside it")
			continue
		}
		value := in.Args.Value
		if !utf8.ValidString(value) {
			p.Skip(in.Keyword.Span, "the name is no UTF-8, and BuildKit would change its bytes in a label")
			continue
		}
		// Quotes around the whole name are part of it today, but never meant.
		if n := len(value); n >= 2 && value[0] == value[n-1] && (value[0] == '"' || value[0] == '\'') && !strings.ContainsRune(value[1:n-1], rune(value[0])) {
			value = value[1 : n-1]
		}
		text := "LABEL " + authorsLabel + "=" + quoteValue(value, in.Escape())
		p.Report(Change{
			Title:  "replace MAINTAINER by a label",
			Reason: "MAINTAINER is deprecated; labels can be queried",
			At:     in.Keyword.Span,
			Edits:  []emit.Edit{{Span: parse.Span{Start: in.Keyword.Start, End: in.TextEnd()}, New: text}},
			Safety: Safe,
			Effects: []plan.Effect{
				plan.Replace{Instr: in.Index, Text: text},
			},
		})
	}
}

// labelIn finds an instruction of the same stage that sets a label.
func labelIn(p *Pass, in *parse.Instruction, key string) *parse.Instruction {
	stage := p.Facts.At(in).Stage
	if stage == nil {
		return nil
	}
	return once(p, labelOf{stage, key}, func() *parse.Instruction { return findLabel(stage, key) })
}

// labelOf is a key of once.
type labelOf struct {
	*facts.Stage
	key string
}

func findLabel(stage *facts.Stage, key string) *parse.Instruction {
	for _, o := range stage.Instructions {
		if o.Name == "LABEL" {
			for _, pair := range o.Pairs {
				if unquote(pair.Key.Value) == key {
					return o
				}
			}
		}
	}
	return nil
}

// unquote strips quotes from a plain key.
func unquote(s string) string { return strings.Trim(s, `"'`) }

// quoteValue writes a string as the value of a LABEL or ENV pair: in double
// quotes, with what BuildKit's word expansion would interpret escaped. See
// https://docs.docker.com/reference/dockerfile/#environment-replacement.
func quoteValue(s string, escape byte) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		if c := s[i]; c == '"' || c == '$' || c == escape {
			b.WriteByte(escape)
		}
		b.WriteByte(s[i])
	}
	b.WriteByte('"')
	return b.String()
}
