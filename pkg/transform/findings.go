package transform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
)

// Findings lists what a run found, in the order of the file: the changes that
// were accepted, those that were not asked for, and advice. Applying the fixes
// of all findings to Before gives After: each run of lines that differs is the
// fix of one finding, that whose change touches most of it, or of a finding
// named "format" where only the layout changed.
func (r *Result) Findings() []emit.Finding {
	places := emit.NewPlaces(r.Before)
	out := make([]emit.Finding, 0, len(r.Changes)+len(r.Available)+len(r.Advice))
	for i := range r.Changes {
		f := r.Changes[i].Finding(places)
		f.Hint = "refit fix does it"
		for _, c := range r.Changes[i].Companions {
			f.Files = append(f.Files, emit.NewFile{Path: c.Path, Content: string(c.Content)})
		}
		out = append(out, f)
	}
	out = r.attribute(out, places)
	for i := range r.Available {
		f := r.Available[i].Finding(places)
		f.Level = emit.LevelNote
		f.Hint = "refit fix --unsafe does it"
		out = append(out, f)
	}
	for i := range r.Advice {
		out = append(out, r.Advice[i].Finding(places))
	}
	slices.SortStableFunc(out, func(a, b emit.Finding) int { return a.Start.Offset - b.Start.Offset })
	return out
}

// Finding describes a change for a report, without a fix. places are those of
// the original text.
func (c *Change) Finding(places *emit.Places) emit.Finding {
	f := emit.Finding{
		Rule: c.Transform, Safety: c.Safety.String(), Level: emit.LevelWarning,
		Start: places.LineCol(c.Pos.Line, c.Pos.Col), End: places.LineCol(c.End.Line, c.End.Col),
		Title: c.Title, Reason: c.Reason, Snippet: c.Before,
	}
	if f.End.Offset < f.Start.Offset {
		f.End = f.Start
	}
	if ts := Lookup(c.Transform); len(ts) == 1 {
		f.Codes = ts[0].Codes
	}
	if c.Safety == Advice {
		f.Level = emit.LevelNote
	}
	return f
}

// attribute gives the hunks between Before and After to the findings of the
// changes.
func (r *Result) attribute(out []emit.Finding, places *emit.Places) []emit.Finding {
	if !r.Changed() {
		return out
	}
	layout := map[int]int{} // hunks of the layout alone: index of its finding
	fixes := emit.Fixes(r.Before, r.After)
	for i, fix := range fixes {
		best, near, most := -1, 0, 0
		for c := range r.Changes {
			d, common := r.Changes[c].distance(fix.Hunk, places)
			if best < 0 || d < near || d == near && common > most {
				best, near, most = c, d, common
			}
		}
		if best < 0 || near > 0 && r.Formatted > 0 {
			layout[i] = len(out)
			out = append(out, emit.Finding{
				Rule: "format", Safety: Safe.String(), Level: emit.LevelWarning, Start: fix.From, End: fix.To,
				Title: fmt.Sprintf("lay out %s", lineRange(fix.Hunk)), Hint: "refit fmt does it", Snippet: string(r.Before[fix.From.Offset:fix.To.Offset]),
			})
			best = layout[i]
		}
		out[best].Fix = append(out[best].Fix, fix.Replacement)
	}
	for i := range r.Changes {
		if f := &out[i]; len(f.Fix) == 0 && len(f.Files) == 0 {
			f.Hint += ", together with another change of the same lines"
		}
	}
	return out
}

func lineRange(h emit.Hunk) string {
	if h.OldEnd-h.OldStart <= 1 {
		return fmt.Sprintf("line %d", h.OldStart+1)
	}
	return fmt.Sprintf("lines %d to %d", h.OldStart+1, h.OldEnd)
}

// distance is the number of lines between a hunk and what a change touches, 0
// where they meet, and the number of lines that they have in common.
func (c *Change) distance(h emit.Hunk, places *emit.Places) (distance, common int) {
	distance = -1
	consider := func(from, to int) { // 0-based lines, both ends included
		d := 0
		switch last := max(h.OldStart, h.OldEnd-1); {
		case to < h.OldStart:
			d = h.OldStart - to
			if h.OldStart == h.OldEnd {
				d-- // an insertion behind line to touches it
			}
		case from > last:
			d = from - last
		default:
			common += max(0, min(to+1, h.OldEnd)-max(from, h.OldStart))
		}
		if distance < 0 || d < distance {
			distance = d
		}
	}
	for _, sp := range c.Touched {
		a, b := places.At(sp.Start), places.At(max(sp.Start, sp.End-1))
		consider(a.Line-1, b.Line-1)
	}
	if len(c.Touched) == 0 {
		consider(c.Pos.Line-1, c.End.Line-1)
	}
	return distance, common
}

// Rules describes the transforms for a report.
func Rules() []emit.RuleInfo {
	var out []emit.RuleInfo
	for _, t := range All() {
		out = append(out, emit.RuleInfo{Name: t.Name, Group: t.Group, Safety: t.Safety.String(), Codes: t.Codes, Summary: t.Summary(), Doc: strings.TrimSpace(t.Markdown())})
	}
	return append(out, emit.RuleInfo{Name: "format", Group: "layout", Safety: Safe.String(), Summary: "Lay out the file: white space, line breaks and the case of keywords"})
}
