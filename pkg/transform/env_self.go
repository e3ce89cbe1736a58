package transform

import (
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

var _ = register(&envSelfTransform)

var envSelfTransform = Transform{
	Name: "env-self", Group: "metadata", Codes: []string{"DL3044"}, Safety: Safe, Run: envSelf,
	Doc: &page{
		Summary: "Split an ENV that uses a variable which it sets itself.",
		What:    "Where one ENV sets a variable and uses it in another value, the value that uses it goes into an ENV of its own in front.",
		Why:     "All values of one ENV see the variables from before it. `ENV A=1 B=$A` sets B to the old A, which readers rarely expect. Split, the order says so.",
		Before:  "FROM alpine:3.20\nENV A=0\nENV A=1 B=$A",
		After:   "FROM alpine:3.20\nENV A=0\nENV B=$A\nENV A=1",
		Instead: "Two values that use each other's variables cannot be split, and an ENV with comments between its lines stays.",
		Safety:  "Safe: every variable keeps the value that BuildKit gives it. If the new value was meant, exchange the two lines.",
		Refs:    []string{docsURL + "#environment-replacement", "https://github.com/hadolint/hadolint/wiki/DL3044"},
	},
}

func envSelf(p *Pass) {
	for _, in := range p.File.Instructions {
		if in.Name != "ENV" || in.Form != parse.Pairs || len(in.Pairs) < 2 {
			continue
		}
		// first: the pairs that use a variable of another pair.
		var first, rest []parse.Pair
		why := ""
		all, keys := newSetters(in.Pairs), make(map[string]bool, len(in.Pairs))
		for _, a := range in.Pairs {
			if keys[a.Key.Value] {
				why = "a variable is set twice"
			}
			keys[a.Key.Value] = true
			if all.usedBy(a, func(b parse.Pair) bool { return a.Key.Start != b.Key.Start }) {
				first = append(first, a)
			} else {
				rest = append(rest, a)
			}
		}
		if len(first) == 0 {
			continue
		}
		among := newSetters(first)
		for _, a := range first {
			if among.usedBy(a, func(b parse.Pair) bool { return a.Key.Value != b.Key.Value }) {
				why = "the values use each other's variables"
			}
		}
		switch {
		case len(rest) == 0:
			why = "the values use each other's variables"
		case len(in.Comments) > 0:
			why = "a comment stands between its lines"
		}
		if why != "" {
			p.Skip(in.Keyword.Span, "%s", why)
			continue
		}
		src := p.File.Src
		line := func(pairs []parse.Pair) string {
			text := []string{in.Keyword.Text(src)}
			for _, a := range pairs {
				text = append(text, parse.Span{Start: a.Key.Start, End: a.Value.End}.Text(src))
			}
			return strings.Join(text, " ")
		}
		a, b := line(first), line(rest)
		span := parse.Span{Start: in.Start, End: in.TextEnd()}
		if strings.Contains(a+b, "\n") {
			p.Skip(in.Keyword.Span, "a value goes over several lines")
			continue
		}
		if max(len(a), len(b)) > parse.MaxLine {
			p.Skip(in.Keyword.Span, "the line would be longer than BuildKit takes")
			continue
		}
		p.Report(Change{
			Title: "set " + first[0].Key.Value + " in an ENV of its own", At: in.Keyword.Span, Safety: Safe,
			Reason:  first[0].Key.Value + " gets the value from before this ENV: all values of one ENV see the variables from before it",
			Edits:   []emit.Edit{{Span: span, New: a + p.File.LineEnding() + b}},
			Effects: []plan.Effect{plan.Replace{Instr: in.Index, Text: a + "\n" + b}},
		})
	}
}

// setters are the pairs that set variables to anything but their own value.
type setters struct {
	by  map[string][]parse.Pair // by name, of each no more than two
	odd []parse.Pair            // those whose names are none: a.b
}

func newSetters(pairs []parse.Pair) setters {
	s := setters{by: make(map[string][]parse.Pair, len(pairs))}
	for _, b := range pairs {
		name := b.Key.Value
		switch {
		case itself(b):
		case strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf || !nameByte(byte(r)) }):
			s.odd = append(s.odd, b)
		case len(s.by[name]) < 2:
			s.by[name] = append(s.by[name], b)
		}
	}
	return s
}

// usedBy reports whether the value of a pair uses a variable that one of the
// others sets.
func (s *setters) usedBy(a parse.Pair, other func(b parse.Pair) bool) bool {
	word := a.Value.Value
	for rest := range references(word) {
		n := 0
		for n < len(rest) && nameByte(rest[n]) {
			n++
		}
		if slices.ContainsFunc(s.by[rest[:n]], other) {
			return true
		}
	}
	return slices.ContainsFunc(s.odd, func(b parse.Pair) bool { return other(b) && refers(word, b.Key.Value) })
}

// itself reports whether a pair sets a variable to its own value, as ENV does
// with build arguments: NAME=$NAME. Others see the same value before and after.
func itself(p parse.Pair) bool {
	v := strings.Trim(p.Value.Value, `"`)
	return v == "$"+p.Key.Value || v == "${"+p.Key.Value+"}"
}

// refers reports whether a word uses a variable: $NAME or ${NAME….
func refers(word, name string) bool {
	for rest := range references(word) {
		after, ok := strings.CutPrefix(rest, name)
		if ok && (after == "" || !nameByte(after[0])) {
			return true
		}
	}
	return false
}

// references gives what follows each $ or ${ of a word.
func references(word string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := 0; i < len(word); i++ {
			switch word[i] {
			case '\\':
				i++
			case '$':
				if !yield(strings.TrimPrefix(word[i+1:], "{")) {
					return
				}
			}
		}
	}
}

func nameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
