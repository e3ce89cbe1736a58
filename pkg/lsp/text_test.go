package lsp

import (
	"testing"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
)

const mixed = "\ufeffFROM ä:1\r\n\r\n# 🐳 whale\nRUN echo \"日本\"\rx\n"

func TestPositionsRoundTrip(t *testing.T) {
	for _, enc := range []encoding{utf8Units, utf16Units, utf32Units} {
		x := newText([]byte(mixed), enc)
		for off, n := range mixed {
			if n == '\n' && off > 0 && mixed[off-1] == '\r' {
				continue // no position: between \r and \n
			}
			if got := x.offset(x.position(off)); got != off {
				t.Errorf("%s: offset %d gives %v, which gives %d", enc, off, x.position(off), got)
			}
		}
	}
}

func TestPositions(t *testing.T) {
	for _, tt := range []struct {
		enc  encoding
		pos  position
		want string // the text from there on
	}{
		{utf8Units, position{2, 6}, " whale\nRUN"},
		{utf16Units, position{2, 4}, " whale\nRUN"},
		{utf32Units, position{2, 3}, " whale\nRUN"},
		{utf8Units, position{2, 4}, "🐳 whale"},       // inside a character
		{utf16Units, position{2, 3}, "🐳 whale"},      // between surrogates
		{utf16Units, position{0, 99}, "\r\n\r\n#"},   // past the end of the line
		{utf16Units, position{1, 5}, "\r\n#"},        // on an empty line
		{utf16Units, position{3, 13}, "\rx\n"},       // a lone \r ends no line
		{utf16Units, position{99, 0}, ""},            // past the last line
		{utf16Units, position{-1, 3}, "\ufeffFROM"},  // nonsense
		{utf16Units, position{2, -7}, "# 🐳 whale\n"}, // nonsense
	} {
		x := newText([]byte(mixed), tt.enc)
		rest := mixed[x.offset(tt.pos):]
		if len(rest) < len(tt.want) || rest[:len(tt.want)] != tt.want || tt.want == "" && rest != "" {
			t.Errorf("%s %v: got %q, want %q", tt.enc, tt.pos, rest, tt.want)
		}
	}
}

func TestNegotiate(t *testing.T) {
	for _, tt := range []struct {
		offered []string
		want    encoding
	}{
		{nil, utf16Units},
		{[]string{"utf-16"}, utf16Units},
		{[]string{"utf-16", "utf-8"}, utf8Units},
		{[]string{"utf-32"}, utf32Units},
		{[]string{"ebcdic"}, utf16Units},
	} {
		if got := negotiate(tt.offered); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.offered, got, tt.want)
		}
	}
}

func TestMinimalEdits(t *testing.T) {
	for _, tt := range []struct {
		name, before, after string
		want                []string // the edits as "old→new"
	}{
		{"keyword", "from a\nrun b\n", "FROM a\nRUN b\n", []string{"from→FROM", "run→RUN"}},
		{"blanks", "RUN  a  \n\n\n\nRUN b", "RUN a\n\nRUN b\n", []string{" →", "  \n\n→", "→\n"}},
		{"continuation", "RUN a && b\n", "RUN a \\\n    && b\n", []string{"→\\\n    "}},
		{"operator moves", "RUN a && \\\n  b\n", "RUN a \\\n    && b\n", []string{"→\\\n    ", "\\\n  →"}},
		{"json", "CMD [\"a\",\"b\"]\n", "CMD [\"a\", \"b\"]\n", []string{"→ "}},
		{"crlf kept", "RUN a  \r\nRUN b\r\n", "RUN a\r\nRUN b\r\n", []string{"  →"}},
		{"crlf to lf", "A\r\nB\r\n", "A\nB\n", []string{"\r\n→\n", "\r\n→\n"}},
		{"other text", "A\nB\nC\nD\n", "A\nX\nC\nD y\n", []string{"B→X", "→ y"}},
		{"characters", "# ä\n# b\n", "# ö\n# b\n", []string{"ä→ö"}},
		{"from nothing", "", "FROM a\n", []string{"→FROM a\n"}},
		{"to nothing", "FROM a\n", "", []string{"FROM a\n→"}},
		{"case of other text", "RUN a\n", "RUN A\n", []string{"a→A"}},
	} {
		edits := minimalEdits([]byte(tt.before), []byte(tt.after), '\\')
		var got []string
		for _, e := range edits {
			got = append(got, tt.before[e.Start:e.End]+"→"+e.New)
		}
		if len(got) != len(tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
			continue
		}
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
				break
			}
		}
		if out, err := emit.Apply([]byte(tt.before), edits); err != nil || string(out) != tt.after {
			t.Errorf("%s: the edits give %q, %v", tt.name, out, err)
		}
	}
}

func FuzzMinimalEdits(f *testing.F) {
	f.Add("from a\nrun b && c\n", "FROM a\nRUN b \\\n && c\n")
	f.Add("a\r\nä\\\n", "a\n\nö\\\r\n")
	f.Fuzz(func(t *testing.T, before, after string) {
		edits := minimalEdits([]byte(before), []byte(after), '\\')
		out, err := emit.Apply([]byte(before), edits)
		if err != nil || string(out) != after {
			t.Fatalf("%q to %q: %+v give %q, %v", before, after, edits, out, err)
		}
		for i, e := range edits {
			if i > 0 && emit.Conflict(edits[i-1], e) && edits[i-1].End > e.Start {
				t.Fatalf("%+v and %+v overlap", edits[i-1], e)
			}
		}
	})
}

func FuzzChange(f *testing.F) {
	f.Add(mixed, 0, 3, 2, 1, "x\n")
	f.Fuzz(func(t *testing.T, src string, line, char, line2, char2 int, ins string) {
		for _, enc := range []encoding{utf8Units, utf16Units} {
			x := newText([]byte(src), enc)
			a, b := x.offset(position{line, char}), x.offset(position{line2, char2})
			got := x.change(contentChange{&textRange{position{line, char}, position{line2, char2}}, ins})
			want := src[:min(a, b)] + ins + src[max(a, b):]
			if string(got.src) != want {
				t.Fatalf("got %q, want %q", got.src, want)
			}
			if full := newText([]byte(want), enc); len(full.lines) != len(got.lines) {
				t.Fatalf("%d lines, want %d", len(got.lines), len(full.lines))
			}
		}
	})
}

func TestTrimKeepsCharacters(t *testing.T) {
	// ä is c3 a4, ã is c3 a3: the first byte is equal.
	e := trim([]byte("ä"), emit.Edit{Span: parse.Span{Start: 0, End: 2}, New: "ã"})
	if e.Start != 0 || e.New != "ã" {
		t.Errorf("got %+v", e)
	}
}
