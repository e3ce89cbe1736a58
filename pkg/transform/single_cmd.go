package transform

import (
	"sort"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

var _ = register(&singleCmdTransform)

var singleCmdTransform = Transform{
	Name:   "single-cmd",
	Group:  "layers",
	Codes:  []string{"DL4003", "DL4004", "DL3012", "MultipleInstructionsDisallowed"},
	Safety: Safe,
	Run:    singleCmd,
	Doc: text(`Remove CMD, ENTRYPOINT and HEALTHCHECK instructions that have no effect.

## What
Of several CMD (ENTRYPOINT, HEALTHCHECK) instructions in a stage only the last counts; the others go. Their comments stay.

## Why
An instruction that has no effect misleads its reader, and BuildKit warns about it.

## Example
~~~dockerfile before
FROM alpine:3.20
CMD ["a"]
RUN true
CMD ["b"]
~~~
~~~dockerfile after
FROM alpine:3.20
RUN true
CMD ["b"]
~~~

## Instead
To switch it off: ´# refit: ignore=single-cmd´.

## Safety
Safe. The image's configuration is the same.

## References
- https://docs.docker.com/reference/build-checks/multiple-instructions-disallowed/
- https://github.com/hadolint/hadolint/wiki/DL4003
`),
}

func singleCmd(p *Pass) {
	for _, s := range p.Facts.Stages {
		last := map[string]*parse.Instruction{}
		for _, in := range s.Instructions {
			switch in.Name {
			case "CMD", "ENTRYPOINT", "HEALTHCHECK":
			default:
				continue
			}
			if old := last[in.Name]; old != nil {
				p.dropOverridden(old, in)
			}
			last[in.Name] = in
		}
	}
}

func (p *Pass) dropOverridden(in, by *parse.Instruction) {
	if in.Form == parse.Opaque {
		p.Skip(in.Keyword.Span, "not understood: %s", in.OpaqueCause)
		return
	}
	p.Report(Change{
		Title: "remove a " + in.Name + " that has no effect", At: in.Keyword.Span, Safety: Safe,
		Reason:  "the " + in.Name + " in " + p.line(by) + " overrides it",
		Edits:   []emit.Edit{p.removal(in)},
		Effects: []plan.Effect{plan.Remove{Instr: in.Index}},
	})
}

// removal is the edit that takes an instruction out and keeps the comments
// between its lines.
func (p *Pass) removal(in *parse.Instruction) emit.Edit {
	var kept strings.Builder
	for _, c := range in.Comments {
		kept.WriteString(c.Text(p.File.Src) + p.File.LineEnding())
	}
	sp := in.Span
	// At the end of a file without a final newline the line before loses its
	// own instead.
	if sp.End == len(p.File.Src) && sp.Start > 0 && p.File.Src[sp.End-1] != '\n' && kept.Len() == 0 {
		sp.Start--
		if sp.Start > 0 && p.File.Src[sp.Start-1] == '\r' {
			sp.Start--
		}
	}
	// Between two blank lines one of them goes too.
	tiles := p.File.Tiles
	if i := sort.Search(len(tiles), func(i int) bool { return tiles[i].End > in.Start }); i > 0 && i+1 < len(tiles) && kept.Len() == 0 &&
		tiles[i-1].Kind == parse.TileBlank && tiles[i+1].Kind == parse.TileBlank {
		sp.End = tiles[i+1].End
	}
	return emit.Edit{Span: sp, New: kept.String()}
}
