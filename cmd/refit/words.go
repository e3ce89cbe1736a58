package main

import (
	"fmt"

	"github.com/agext/levenshtein"
)

// nearest returns the candidate with the smallest edit distance to s, or "" if
// none is close.
func nearest(s string, candidates []string) string {
	best, dist := "", len(s)/3+2
	for _, c := range candidates {
		if len(c) < 2 {
			continue
		}
		if d := levenshtein.Distance(s, c, nil); d < dist {
			best, dist = c, d
		}
	}
	return best
}

// plural says "1 file" or "2 files".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
