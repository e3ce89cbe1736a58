package parse

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// The functions here follow BuildKit's splitCommand, extractBuilderFlags,
// parseWords and line parsers to find where tokens stand. They decide
// nothing: each result is compared with BuildKit's.

// isSep is BuildKit's reWhitespace, [\t\v\f\r ]. It is not unicode.IsSpace.
func isSep(c byte) bool {
	return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r'
}

func (in *Instruction) word(lo, hi int, value string) Word {
	return Word{Span: in.Logical.Span(lo, hi), Lo: lo, Hi: hi, Value: value}
}

// raw is the word of [lo, hi) with its text as value.
func (in *Instruction) raw(lo, hi int) Word {
	return in.word(lo, hi, in.Logical.Text[lo:hi])
}

// split finds keyword, flags and the range of the arguments.
func (in *Instruction) split() error {
	text := in.Logical.Text
	hi := len(strings.TrimRightFunc(text, unicode.IsSpace))
	lo := len(text) - len(strings.TrimLeftFunc(text, unicode.IsSpace))
	if lo >= hi {
		return errors.New("empty instruction")
	}
	k := lo
	for k < hi && !isSep(text[k]) {
		k++
	}
	in.Keyword = in.raw(lo, k)
	if in.Keyword.Value != in.Node.Value {
		return errors.New("the keyword differs from BuildKit's")
	}
	for k < hi && isSep(text[k]) {
		k++
	}
	k, values := in.flags(k, hi)
	if len(values) != len(in.Node.Flags) {
		return errors.New("the flags differ from BuildKit's")
	}
	for i, v := range values {
		if latin1(v) != in.Node.Flags[i] {
			return errors.New("the flags differ from BuildKit's")
		}
		fl := &in.Flags[i]
		fl.Value = v
		fl.Name, fl.Arg, fl.HasValue = strings.Cut(strings.TrimPrefix(v, "--"), "=")
	}
	k += len(text[k:hi]) - len(strings.TrimLeftFunc(text[k:hi], unicode.IsSpace))
	in.Args = in.raw(k, hi)
	return nil
}

// latin1 reads each byte as a rune, as BuildKit does in flags.
func latin1(s string) string {
	ascii := true
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return s
	}
	r := make([]rune, len(s))
	for i := range len(s) {
		r[i] = rune(s[i])
	}
	return string(r)
}

// flags finds the builder flags from k on and returns where the arguments
// start, and the decoded flags.
func (in *Instruction) flags(k, hi int) (int, []string) {
	text := in.Logical.Text
	var values []string
	space := func(c byte) bool { return unicode.IsSpace(rune(c)) }
	for {
		for k < hi && space(text[k]) {
			k++
		}
		if k+1 >= hi || text[k] != '-' || text[k+1] != '-' {
			return k, values
		}
		start := k
		var b strings.Builder
		var quote byte
		quoted := false
		for ; k < hi; k++ {
			c := text[k]
			switch {
			case quote == 0 && space(c):
			case quote == 0 && (c == '\'' || c == '"'):
				quote, quoted = c, true
				continue
			case quote != 0 && c == quote:
				quote = 0
				continue
			case c == in.escape:
				if k+1 < hi {
					k++
					b.WriteByte(text[k])
				}
				continue
			default:
				b.WriteByte(c)
				continue
			}
			break
		}
		v := b.String()
		if v == "--" {
			return k, values
		}
		if quoted || v != "" {
			in.Flags = append(in.Flags, Flag{Word: in.raw(start, k)})
			values = append(values, v)
		}
	}
}

// arguments finds the argument tokens, by keyword, and compares them with the
// values of BuildKit's node.
func (in *Instruction) arguments() error {
	var got []string
	switch in.Name {
	case "FROM", "EXPOSE":
		in.Form = Words
		got = in.fields()
	case "COPY", "ADD", "VOLUME":
		if in.Node.Attributes["json"] {
			return in.jsonArgs(in.Args.Lo, nil)
		}
		in.Form = Words
		got = in.fields()
	case "ARG":
		in.Form = Words
		in.Words = in.words()
		for _, w := range in.Words {
			got = append(got, w.Value)
		}
	case "ENV", "LABEL":
		got = in.pairs()
	case "WORKDIR", "USER", "STOPSIGNAL", "MAINTAINER":
		in.Form = String
		if in.Args.Lo < in.Args.Hi {
			in.Words = []Word{in.Args}
			got = []string{in.Args.Value}
		}
	case "RUN", "CMD", "ENTRYPOINT", "SHELL":
		if in.Node.Attributes["json"] {
			return in.jsonArgs(in.Args.Lo, nil)
		}
		in.Form = Shell
		if in.Args.Lo < in.Args.Hi {
			in.Words = []Word{in.Args}
			got = []string{in.Args.Value}
		}
	case "HEALTHCHECK":
		return in.healthcheck()
	case "ONBUILD":
		in.Form = Compound
		return nil
	default:
		return fmt.Errorf("unknown instruction %s", in.Name)
	}
	return in.compare(got)
}

// compare holds the decoded arguments against BuildKit's node.
func (in *Instruction) compare(got []string) error {
	i := 0
	for n := in.Node.Next; n != nil; n = n.Next {
		if i >= len(got) || n.Value != got[i] {
			return errors.New("the arguments differ from BuildKit's")
		}
		i++
	}
	if i != len(got) {
		return errors.New("the arguments differ from BuildKit's")
	}
	return nil
}

// fields splits the arguments at BuildKit's white space.
func (in *Instruction) fields() []string {
	text := in.Logical.Text
	var got []string
	for k := in.Args.Lo; k < in.Args.Hi; {
		start := k
		for k < in.Args.Hi && !isSep(text[k]) {
			k++
		}
		in.Words = append(in.Words, in.raw(start, k))
		got = append(got, text[start:k])
		for k < in.Args.Hi && isSep(text[k]) {
			k++
		}
	}
	return got
}

// words splits the arguments as parseWords does: at white space outside
// quotes, keeping quotes and escapes.
func (in *Instruction) words() []Word {
	text := in.Logical.Text[:in.Args.Hi]
	var out []Word
	k := in.Args.Lo
	for {
		for k < len(text) {
			r, n := utf8.DecodeRuneInString(text[k:])
			if !unicode.IsSpace(r) {
				break
			}
			k += n
		}
		if k >= len(text) {
			return out
		}
		start := k
		var quote rune
		var drop []int // offsets of escape characters that BuildKit drops
	word:
		for k < len(text) {
			r, n := utf8.DecodeRuneInString(text[k:])
			switch {
			case quote == 0 && unicode.IsSpace(r):
				break word
			case quote == 0 && (r == '\'' || r == '"'):
				quote = r
			case quote != 0 && r == quote:
				quote = 0
			}
			if r == rune(in.escape) && quote != '\'' {
				if k+n == len(text) {
					drop = append(drop, k)
				} else {
					k += n
					_, n = utf8.DecodeRuneInString(text[k:])
				}
			}
			k += n
		}
		value := text[start:k]
		if len(drop) > 0 {
			value = text[start:drop[0]]
		}
		if !utf8.ValidString(value) { // BuildKit writes U+FFFD for each bad byte
			value = string([]rune(value))
		}
		out = append(out, in.word(start, k, value))
	}
}

// pairs finds the pairs of ENV and LABEL and returns BuildKit's key, value,
// separator triples.
func (in *Instruction) pairs() []string {
	in.Form = Pairs
	words := in.words()
	if len(words) == 0 {
		return nil
	}
	text := in.Logical.Text
	if !strings.Contains(words[0].Value, "=") {
		in.Form = LegacyPair
		k := in.Args.Lo
		for k < in.Args.Hi && !isSep(text[k]) {
			k++
		}
		v := k
		for v < in.Args.Hi && isSep(text[v]) {
			v++
		}
		p := Pair{Key: in.raw(in.Args.Lo, k), Value: in.raw(v, in.Args.Hi), Span: in.Args.Span}
		in.Pairs = []Pair{p}
		return []string{p.Key.Value, p.Value.Value, ""}
	}
	var got []string
	for _, w := range words {
		key, value, _ := strings.Cut(w.Value, "=")
		p := Pair{
			Key:   in.word(w.Lo, w.Lo+len(key), key),
			Value: in.word(min(w.Lo+len(key)+1, w.Hi), w.Hi, value),
			Span:  w.Span,
		}
		in.Pairs = append(in.Pairs, p)
		got = append(got, key, value, "=")
	}
	return got
}

// healthcheck splits HEALTHCHECK's type from its command.
func (in *Instruction) healthcheck() error {
	text := in.Logical.Text
	k := in.Args.Lo
	for k < in.Args.Hi && !unicode.IsSpace(rune(text[k])) {
		k++
	}
	typ := in.raw(in.Args.Lo, k)
	for k < in.Args.Hi && unicode.IsSpace(rune(text[k])) {
		k++
	}
	if typ.Lo == typ.Hi {
		return errors.New("HEALTHCHECK without a type")
	}
	if in.Node.Attributes["json"] {
		return in.jsonArgs(k, []Word{typ})
	}
	in.Words = []Word{typ}
	got := []string{typ.Value}
	in.Form = Words // HEALTHCHECK NONE
	if k < in.Args.Hi {
		in.Form = Shell
		in.Words = append(in.Words, in.raw(k, in.Args.Hi))
		got = append(got, text[k:in.Args.Hi])
	}
	return in.compare(got)
}

// jsonArgs finds the strings of a JSON array that BuildKit has parsed as one.
func (in *Instruction) jsonArgs(lo int, words []Word) error {
	in.Form, in.Words = Exec, words
	text := in.Logical.Text
	var got []string
	for _, w := range words {
		got = append(got, w.Value)
	}
	for k := lo; k < in.Args.Hi; {
		if text[k] != '"' {
			k++
			continue
		}
		start := k
		for k++; k < in.Args.Hi && text[k] != '"'; k++ {
			if text[k] == '\\' {
				k++
			}
		}
		k = min(k+1, in.Args.Hi)
		var v string
		if err := json.Unmarshal([]byte(text[start:k]), &v); err != nil {
			return fmt.Errorf("a JSON string cannot be located: %w", err)
		}
		in.Words = append(in.Words, in.word(start, k, v))
		got = append(got, v)
	}
	return in.compare(got)
}

// heredocs locates the bodies, terminators and openers of here-documents.
func (f *File) heredocs(in *Instruction, docs []parser.Heredoc) error {
	if len(docs) == 0 {
		return nil
	}
	pos := in.Lines[len(in.Lines)-1].End
	for _, d := range docs {
		h := Heredoc{Name: d.Name, Expand: d.Expand, Chomp: d.Chomp}
		h.Body = Span{pos, pos + len(d.Content)}
		if h.Body.End > in.End || h.Body.Text(f.Src) != d.Content {
			return errors.New("a here-document differs from BuildKit's")
		}
		pos = h.Body.End
		end := strings.IndexByte(string(f.Src[pos:in.End]), '\n')
		if end < 0 {
			end = in.End - pos - 1
		}
		h.Terminator = Span{pos, pos + end + 1}
		term := strings.TrimRight(h.Terminator.Text(f.Src), "\r\n")
		if h.Chomp {
			term = strings.TrimLeft(term, "\t")
		}
		if term != h.Name {
			return errors.New("a here-document's terminator cannot be located")
		}
		pos = h.Terminator.End
		in.Heredocs = append(in.Heredocs, h)
	}
	if pos != in.End {
		return errors.New("text behind the last here-document")
	}
	in.openers()
	return nil
}

// openers finds the words that open the here-documents, where they stand
// between blanks. Here-documents whose opener is not found keep an empty one.
func (in *Instruction) openers() {
	next := 0
	text := in.Logical.Text
	for k := in.Args.Lo; k < in.Args.Hi && next < len(in.Heredocs); {
		for k < in.Args.Hi && isSep(text[k]) {
			k++
		}
		start := k
		for k < in.Args.Hi && !isSep(text[k]) {
			k++
		}
		if !strings.Contains(text[start:k], "<<") {
			continue
		}
		if h := parser.MustParseHeredoc(text[start:k]); h != nil && h.Name == in.Heredocs[next].Name {
			in.Heredocs[next].Opener = in.raw(start, k)
			next++
		}
	}
}

// ValidWord returns what BuildKit's expansion makes of a word: each byte that is
// not UTF-8 becomes U+FFFD. BuildKit's own way writes a message to os.Stderr.
func ValidWord(word string) string {
	if utf8.ValidString(word) {
		return word
	}
	return string([]rune(word))
}
