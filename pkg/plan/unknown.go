package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/moby/buildkit/frontend/dockerfile/command"
)

// unknownInstruction is the message for a keyword that does not exist, with
// the nearest one that does. BuildKit has a hint of its own, but which of
// several equally near ones it names changes from run to run.
func unknownInstruction(word string) string {
	msg := fmt.Sprintf("unknown instruction: %s", word)
	word = strings.ToUpper(word)
	if word == "" {
		return msg
	}
	best, bestScore := "", 5
	names := make([]string, 0, len(command.Commands))
	for n := range command.Commands {
		names = append(names, strings.ToUpper(n))
	}
	slices.Sort(names)
	for _, n := range names {
		score := 2 * levenshtein.Distance(word, n, nil)
		if letters(word) == letters(n) {
			score = 1 // letters that changed places are the likeliest slip
		} else if word[0] != n[0] {
			score++
		}
		if score < bestScore {
			best, bestScore = n, score
		}
	}
	if best != "" {
		return fmt.Sprintf("%s (did you mean %s?)", msg, best)
	}
	return msg
}

func letters(s string) string {
	b := []byte(s)
	slices.Sort(b)
	return string(b)
}
