package main

import (
	"slices"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/transform"
)

// findings are what a run found in a file, in the order of the file.
func findings(res *transform.Result) []emit.Finding {
	var out []emit.Finding
	for i := range res.Changes {
		f := finding(&res.Changes[i])
		f.Hint = "refit fix does it"
		out = append(out, f)
	}
	for i := range res.Available {
		f := finding(&res.Available[i])
		f.Level = emit.LevelNote
		f.Hint = "refit fix --unsafe does it"
		out = append(out, f)
	}
	for i := range res.Advice {
		out = append(out, finding(&res.Advice[i]))
	}
	slices.SortStableFunc(out, func(a, b emit.Finding) int {
		if a.Start.Line != b.Start.Line {
			return a.Start.Line - b.Start.Line
		}
		return a.Start.Col - b.Start.Col
	})
	return out
}
