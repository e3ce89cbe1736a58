package transform

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
)

var _ = register(&keyValueTransform)

var keyValueTransform = Transform{
	Name:   "key-value",
	Group:  "metadata",
	Codes:  []string{"LegacyKeyValueFormat"},
	Safety: Safe,
	Run:    keyValue,
	Doc: text(`Write ENV and LABEL as key=value.

## What
ENV key value becomes ENV key=value, LABEL likewise. The value is quoted where it needs to be.

## Why
The form with a blank is deprecated: it sets one variable only, and hides where the value ends.

## Example
~~~dockerfile before
FROM alpine:3.20
ENV GREETING hello world
ENV PATH /opt/bin:$PATH
~~~
~~~dockerfile after
FROM alpine:3.20
ENV GREETING="hello world"
ENV PATH=/opt/bin:$PATH
~~~

## Instead
Not where the value cannot be written so that BuildKit expands it to the same text.

## Safety
Safe. Both spellings are expanded by BuildKit's own code and compared: the plan must stay identical.

## References
- https://docs.docker.com/reference/build-checks/legacy-key-value-format/
- https://docs.docker.com/reference/dockerfile/#env
`),
}

func keyValue(p *Pass) {
	for _, in := range p.File.Instructions {
		target := in
		if in.Child != nil {
			target = in.Child
		}
		if target.Form != parse.LegacyPair {
			continue
		}
		pair := target.Pairs[0]
		if key := pair.Key.Value; strings.ContainsAny(key, "\"'"+string(target.Escape())) || strings.ContainsFunc(key, unicode.IsSpace) {
			p.Skip(in.Keyword.Span, "the name %s has a quote, an escape or a blank, which may mean something else in front of =", key)
			continue
		}
		value, ok := pairValue(pair.Value, target)
		keep := !ok && continuedPlain(pair.Value, target)
		if !utf8.ValidString(pair.Key.Value + pair.Value.Value) {
			// BuildKit replaces bad bytes in pairs and keeps them here.
			ok, keep = false, false
		}
		if !ok && !keep {
			p.Skip(in.Keyword.Span, "the value of %s cannot be quoted so that it stays the same", pair.Key.Value)
			continue
		}
		if !(ok && value == pair.Value.Value) && !plainExpansions(pair.Value.Value) {
			p.Skip(in.Keyword.Span, "the value of %s has a variable with a modifier whose result with quotes is not known to be the same", pair.Key.Value)
			continue
		}
		gap := parse.Span{Start: pair.Key.End, End: pair.Value.Start}
		if overlapsComment(target, gap) {
			p.Skip(in.Keyword.Span, "a comment stands between %s and its value", pair.Key.Value)
			continue
		}
		edits := []emit.Edit{{Span: parse.Span{Start: gap.Start, End: pair.Value.End}, New: "=" + value}}
		if value == pair.Value.Value { // leave the bytes, continuation lines included
			edits = []emit.Edit{{Span: gap, New: "="}}
		}
		if keep { // quotes around it, its lines as they are
			end := pair.Value.End
			edits = []emit.Edit{{Span: gap, New: `="`}, {Span: parse.Span{Start: end, End: end}, New: `"`}}
		}
		p.Report(Change{
			Title:  "write " + target.Name + " " + pair.Key.Value + " as key=value",
			Reason: "the form with a blank is deprecated and sets one variable only",
			At:     target.Keyword.Span,
			Edits:  edits,
			Safety: Safe,
		})
	}
}

// plainExpansions reports whether each ${…} of a value is one that BuildKit
// expands for all values of the variable, and only puts in the value or a
// default.
func plainExpansions(v string) bool {
	for {
		_, rest, ok := strings.Cut(v, "${")
		if !ok {
			return true
		}
		v = rest
		n := 0
		for n < len(rest) && isNameChar(rest[n]) {
			n++
		}
		rest = rest[n:]
		end := strings.IndexByte(rest, '}')
		if n == 0 || end < 0 {
			return false
		}
		if rest = strings.TrimPrefix(rest, ":"); end > 0 && rest[0] != '-' && rest[0] != '+' {
			return false
		}
	}
}

// continuedPlain reports whether a value goes over several lines and has
// neither quotes nor escapes, so that quotes around it change nothing else.
func continuedPlain(w parse.Word, in *parse.Instruction) bool {
	return w.Len() != w.Hi-w.Lo && !strings.ContainsAny(w.Value, "\"'"+string(in.Escape()))
}

func overlapsComment(in *parse.Instruction, sp parse.Span) bool {
	for _, c := range in.Comments {
		if c.Overlaps(sp) {
			return true
		}
	}
	return false
}

// blankAt is the length of the white space character at v[i:], 0 if there is
// none. BuildKit ends words of key=value at any of Unicode.
func blankAt(v string, i int) int {
	if r, n := utf8.DecodeRuneInString(v[i:]); unicode.IsSpace(r) {
		return n
	}
	return 0
}

// pairValue writes the value of a legacy pair as one word. In the legacy form
// blanks stand for themselves; quotes, escapes and variables mean the same in
// both forms. The engine compares what BuildKit makes of the two.
func pairValue(w parse.Word, in *parse.Instruction) (string, bool) {
	v := w.Value
	contiguous := w.Len() == w.Hi-w.Lo
	if v == "" {
		return "", false
	}
	quote := byte(0)
	blanks := false
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == in.Escape() && quote != '\'':
			if i+1 == len(v) {
				return "", false // an escape at the end would swallow the quote
			}
			if v[i+1] == ' ' || v[i+1] == '\t' {
				blanks = true
			}
			i++
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && blankAt(v, i) > 0:
			blanks = true
		}
	}
	if quote != 0 {
		return "", false // an open quote ends with the line in one form only
	}
	if !blanks {
		return v, true
	}
	if !contiguous {
		return "", false
	}
	if s, ok := quoteAll(v, in.Escape()); ok {
		return s, true
	}
	// Quote the blanks alone: a" "b.
	return quoteBlanks(v, in.Escape()), true
}

// quoteAll writes a value that has quotes of its own in one pair of double
// quotes: "x y" z becomes "x y z". It reports false where taking quotes out
// would let a variable's name go on, and for quotes inside ${…}.
func quoteAll(v string, escape byte) (string, bool) {
	var b strings.Builder
	b.WriteByte('"')
	quote := byte(0)
	name := false // what was written last is $ or the start of a variable's name
	for i := 0; i < len(v); i++ {
		c := v[i]
		switch {
		case c == escape && quote != '\'' && i+1 < len(v):
			i++
			if n := v[i]; quote == '"' || n == '"' || n == '$' || n == escape {
				b.WriteByte(c)
			} else if name && isNameChar(n) {
				return "", false
			}
			c = v[i]
		case quote == 0 && (c == '"' || c == '\''), quote != 0 && c == quote:
			quote = c - quote // opens or closes
			if name && i+1 < len(v) && (v[i+1] == '{' || isNameChar(v[i+1])) {
				return "", false
			}
			continue
		case quote == '\'' && (c == '"' || c == '$' || c == escape):
			b.WriteByte(escape)
		case c == '$' && quote != '\'':
			if i+1 < len(v) && v[i+1] == '{' {
				j := strings.IndexByte(v[i:], '}')
				if j < 0 || strings.ContainsAny(v[i:i+j], "\"'"+string(escape)) || strings.Count(v[i:i+j], "{") > 1 {
					return "", false
				}
			}
			b.WriteByte(c)
			name = true
			continue
		}
		b.WriteByte(c)
		name = name && isNameChar(c)
	}
	b.WriteByte('"')
	return b.String(), true
}

// isNameChar reports whether a byte may be part of a variable's name.
func isNameChar(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// quoteBlanks puts runs of blanks outside quotes into double quotes.
func quoteBlanks(v string, escape byte) string {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(v); i++ {
		c := v[i]
		switch {
		case c == escape && quote != '\'' && i+1 < len(v):
			b.WriteByte(c)
			i++
			b.WriteByte(v[i])
			continue
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && blankAt(v, i) > 0:
			j := i
			for n := blankAt(v, j); n > 0; n = blankAt(v, j) {
				j += n
			}
			b.WriteString(`"` + v[i:j] + `"`)
			i = j - 1
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
