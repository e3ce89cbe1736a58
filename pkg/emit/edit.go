// Package emit turns decisions into bytes: it applies edits, lays out
// instructions, and prints unified diffs.
package emit

import (
	"fmt"
	"slices"

	"github.com/refit-dev/refit/pkg/parse"
)

// Edit replaces the bytes of a span of the source with New. An empty span
// inserts.
type Edit struct {
	parse.Span
	New string
}

// Sort orders edits by position. Insertions at one place keep their order and
// come before a replacement that starts there.
func Sort(edits []Edit) {
	slices.SortStableFunc(edits, func(a, b Edit) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return a.End - b.End
	})
}

// Conflict reports whether two edits must not be applied together: their
// spans share a byte, or an insertion stands inside or at the edge of the
// other's span, or both insert at the same place.
func Conflict(a, b Edit) bool {
	if a.Empty() || b.Empty() {
		return a.Start <= b.End && b.Start <= a.End
	}
	return a.Overlaps(b.Span)
}

// Apply returns src with the edits applied. src is not modified. Edits that
// overlap or lie outside src are an error. Several insertions at one place are
// applied in their order.
func Apply(src []byte, edits []Edit) ([]byte, error) {
	if len(edits) == 0 {
		return src, nil
	}
	es := slices.Clone(edits)
	Sort(es)
	size := len(src)
	for _, e := range es {
		size += len(e.New) - e.Len()
	}
	out := make([]byte, 0, max(size, 0))
	pos := 0
	for _, e := range es {
		if e.Start < pos || e.End < e.Start || e.End > len(src) {
			return nil, fmt.Errorf("edit [%d,%d) overlaps another or lies outside the file", e.Start, e.End)
		}
		out = append(out, src[pos:e.Start]...)
		out = append(out, e.New...)
		pos = e.End
	}
	return append(out, src[pos:]...), nil
}
