package emit

import (
	"strings"

	"github.com/refit-dev/refit/pkg/parse"
)

// Filter drops the edits that the file's comments or the caller ask not to
// make: those between "# refit: off" and "# refit: on", those of an instruction
// with "# refit: skip" in or directly above it, and what the caller refuses.
type Filter struct {
	f    *parse.File
	off  []parse.Span
	keep func(parse.Span) bool
}

// NewFilter makes the filter of a file. keep is asked for the span of an
// instruction, and for the span of each edit between instructions; nil keeps
// all.
func NewFilter(f *parse.File, keep func(parse.Span) bool) *Filter {
	return &Filter{f: f, off: offSpans(f), keep: keep}
}

// Apply returns the group with the edits that remain. g is not modified.
func (fl *Filter) Apply(g Group) Group {
	if len(g.Edits) == 0 {
		return g
	}
	if in := g.Instruction; in != nil {
		if overlapsAny(in.Span, fl.off) || skipped(fl.f, in) || fl.keep != nil && !fl.keep(in.Span) {
			g.Edits = nil
		}
		return g
	}
	var edits []Edit
	for _, e := range g.Edits {
		if !overlapsAny(e.Span, fl.off) && (fl.keep == nil || fl.keep(e.Span)) {
			edits = append(edits, e)
		}
	}
	g.Edits = edits
	return g
}

func overlapsAny(sp parse.Span, list []parse.Span) bool {
	for _, o := range list {
		if sp.Overlaps(o) {
			return true
		}
	}
	return false
}

// offSpans returns the parts of a file between "# refit: off" and
// "# refit: on", the comments included.
func offSpans(f *parse.File) []parse.Span {
	var out []parse.Span
	start := -1
	for _, t := range f.Tiles {
		if t.Kind != parse.TileComment {
			continue
		}
		switch pragma(t.Text(f.Src)) {
		case "off":
			if start < 0 {
				start = t.Start
			}
		case "on":
			if start >= 0 {
				out = append(out, parse.Span{Start: start, End: t.End})
				start = -1
			}
		}
	}
	if start >= 0 {
		out = append(out, parse.Span{Start: start, End: len(f.Src)})
	}
	return out
}

// skipped reports whether a comment in an instruction, or in the block that
// touches it from above, says "refit: skip".
func skipped(f *parse.File, in *parse.Instruction) bool {
	for _, spans := range [][]parse.Span{in.Lead, in.Comments} {
		for _, sp := range spans {
			if pragma(sp.Text(f.Src)) == "skip" {
				return true
			}
		}
	}
	return false
}

// pragma returns what a comment of the form "# refit: WORD -- reason" asks
// for.
func pragma(comment string) string {
	text := strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(comment), "#"))
	rest, ok := strings.CutPrefix(text, "refit:")
	if !ok {
		return ""
	}
	rest, _, _ = strings.Cut(rest, "--")
	return strings.TrimSpace(rest)
}
