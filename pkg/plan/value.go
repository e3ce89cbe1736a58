package plan

import (
	"strings"
	"unicode"

	bkshell "github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/refit-dev/refit/pkg/parse"
)

// probe is an environment in which every variable has a value that names it,
// or none is set.
type probe bool

func (p probe) Get(name string) (string, bool) {
	if !p {
		return "", false
	}
	return "\x01" + name + "\x02", true
}

func (p probe) Keys() []string { return nil }

// oddModifier reports whether a word has a variable with another modifier than
// a default, as ${X#a}, ${X/a/b} and ${X:?a} have.
func oddModifier(word string) bool {
	for {
		_, rest, ok := strings.Cut(word, "${")
		if !ok {
			return false
		}
		word = rest
		rest = strings.TrimLeftFunc(rest, func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) })
		rest = strings.TrimPrefix(rest, ":")
		if rest != "" && strings.IndexByte("#%/?", rest[0]) >= 0 {
			return true
		}
	}
}

// canonicalValue gives a word's meaning under BuildKit's expansion: its value
// where every variable is set to a marker and where none is. Words with
// modifiers other than defaults are compared as written.
func (p *Plan) canonicalValue(word string) string {
	if strings.IndexByte(word, p.File.Escape) < 0 && !strings.ContainsAny(word, "$\"'") {
		return word
	}
	if oddModifier(word) {
		return "\x03" + word
	}
	if p.lex == nil {
		p.lex = bkshell.NewLex(rune(p.File.Escape))
	}
	lex := p.lex
	word = parse.ValidWord(word)
	set, _, err := lex.ProcessWord(word, probe(true))
	if err != nil {
		return "\x03" + word
	}
	if !strings.Contains(word, "$") {
		return set
	}
	unset, _, err := lex.ProcessWord(word, probe(false))
	if err != nil {
		return "\x03" + word
	}
	return set + "\x04" + unset
}
