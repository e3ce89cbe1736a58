package emit

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

// heredocs gives the line behind the last here-document an ending and, where
// the style asks for it, indents the body of a RUN that is a shell script. It
// returns why a body was left as it is, or "".
func (l *layouter) heredocs(in *parse.Instruction) (edits []Edit, why string) {
	if in.Child != nil {
		in = in.Child
	}
	if l.style.HeredocBody && !l.style.CacheNeutral && in.Name == "RUN" && in.Form == parse.Shell {
		if s := l.scripts(in); s != nil && s.Kind == shell.Body && len(in.Heredocs) == 1 {
			edits, why = l.body(s, in.Heredocs[0])
		}
	}
	if in.End == len(l.f.Src) && in.End > 0 && l.f.Src[in.End-1] != '\n' {
		edits = append(edits, Edit{parse.Span{Start: in.End, End: in.End}, l.eol})
	}
	return edits, why
}

// body indents the lines of a script by the nesting of its commands, relative
// to its first line. It changes the white space at the ends of lines only, and
// only of lines that start and end outside words.
func (l *layouter) body(s *shell.Script, doc parse.Heredoc) ([]Edit, string) {
	if doc.Chomp {
		return nil, "a here-document opened by <<- is indented by tabs that are not part of it"
	}
	file, err := s.Parse()
	if err != nil {
		return nil, err.Error()
	}
	b := &bodyIndent{text: s.Text()}
	b.nested, b.words = make([]int, len(b.text)+2), make([]int, len(b.text)+2)
	syntax.Walk(file, b.visit)
	if b.empty {
		return nil, "the tree does not say where an empty here-document ends"
	}
	for i := 1; i < len(b.nested); i++ {
		b.nested[i] += b.nested[i-1]
		b.words[i] += b.words[i-1]
	}
	var edits []Edit
	base, first, blank, touches := 0, true, false, false
	for start := 0; start < len(b.text); {
		end := strings.IndexByte(b.text[start:], '\n') + start
		if end < start {
			end = len(b.text)
		}
		line := b.text[start:end]
		code := strings.TrimLeft(line, " \t")
		o := start + len(line) - len(code)
		next := min(end+1, len(b.text))
		touches = b.touches(start, touches)
		set := func(lo, hi int, text string) {
			if b.text[lo:hi] != text {
				at := doc.Body.Start
				edits = append(edits, Edit{parse.Span{Start: at + lo, End: at + hi}, text})
			}
		}
		switch {
		case b.inWord(start):
			blank = false
		case code == "":
			if blank || first {
				set(start, next, "")
			} else {
				set(start, end, "")
			}
			blank = true
			start = next
			continue
		case strings.Trim(line, " \t\r") == doc.Name: // without its white space it would end the body
			blank = false
			start = next
			continue
		case strings.HasPrefix(line, "#!") && start == 0:
		default:
			if first {
				base = columnsOf(line[:o-start], l.style.Indent)
				first = false
			}
			var pad strings.Builder
			writeIndent(&pad, l.style, base+b.level(o)*l.style.Indent)
			// White space must not come between, or go from between, two words.
			if !touches || o > start && pad.Len() > 0 {
				set(start, o, pad.String())
			}
			blank = false
		}
		if trimmed := strings.TrimRight(line, " \t"); len(trimmed) < len(line) && start+len(trimmed) > o &&
			!strings.HasSuffix(trimmed, `\`) && !b.inWord(end) {
			set(start+len(trimmed), end, "")
		}
		start = next
	}
	return edits, ""
}

// columnsOf is the width of an indent.
func columnsOf(s string, tab int) int { return len(s) + (tab-1)*strings.Count(s, "\t") }

// bodyIndent collects which parts of a script nest, and which must stay. While
// the tree is walked, the slices hold differences between neighbours.
type bodyIndent struct {
	text   string
	nested []int // by offset: the level of a line that starts there
	words  []int // by offset: not 0 inside of what must stay
	empty  bool  // the script has a here-document without a body
}

// deeper makes the lines that start in [lo, hi) one level deeper.
func (b *bodyIndent) deeper(lo, hi int) { add(b.nested, lo, hi) }

// keep leaves everything between lo and hi as it is.
func (b *bodyIndent) keep(lo, hi int) { add(b.words, lo+1, hi) }

func add(diff []int, lo, hi int) {
	if hi = min(hi, len(diff)-1); lo < hi {
		diff[lo]++
		diff[hi]--
	}
}

func (b *bodyIndent) visit(n syntax.Node) bool {
	switch n := n.(type) {
	case *syntax.Word:
		b.keep(off(n.Pos()), off(n.End()))
		return false
	case *syntax.Assign:
		b.keep(off(n.Pos()), off(n.End()))
		return false
	case *syntax.TestClause, *syntax.ArithmCmd, *syntax.LetClause:
		b.keep(off(n.Pos()), off(n.End()))
		return false
	case *syntax.Redirect:
		if n.Hdoc != nil {
			// The body, and the line of the terminator behind it.
			end := off(n.Hdoc.End())
			if i := strings.IndexByte(b.text[end:], '\n'); i >= 0 {
				end += i + 1
			} else {
				end = len(b.text)
			}
			b.keep(off(n.Hdoc.Pos())-1, end)
		} else if n.Op == syntax.Hdoc || n.Op == syntax.DashHdoc {
			b.empty = true
		}
	case *syntax.CallExpr:
		b.deeper(off(n.Pos())+1, off(n.End()))
	case *syntax.DeclClause:
		b.deeper(off(n.Pos())+1, off(n.End()))
	case *syntax.BinaryCmd:
		if strings.Contains(b.text[off(n.X.End()):off(n.Y.Pos())], "\n") {
			b.deeper(off(n.X.End()), off(n.Y.End()))
		}
	case *syntax.Subshell:
		b.deeper(off(n.Lparen)+1, off(n.Rparen))
	case *syntax.Block:
		b.deeper(off(n.Lbrace)+1, off(n.Rbrace))
	case *syntax.WhileClause:
		b.deeper(off(n.WhilePos)+1, off(n.DoPos))
		b.deeper(off(n.DoPos)+2, off(n.DonePos))
	case *syntax.ForClause:
		b.deeper(off(n.ForPos)+1, off(n.Loop.End()))
		b.deeper(off(n.DoPos)+2, off(n.DonePos))
	case *syntax.IfClause:
		if n.ThenPos.IsValid() {
			b.deeper(off(n.Position)+1, off(n.ThenPos))
			end := n.FiPos
			if n.Else != nil {
				end = n.Else.Position
			}
			b.deeper(off(n.ThenPos)+4, off(end))
		} else {
			b.deeper(off(n.Position)+4, off(n.FiPos))
		}
	case *syntax.CaseClause:
		b.deeper(off(n.In)+2, off(n.Esac))
		for i, it := range n.Items {
			if len(it.Patterns) == 0 {
				continue
			}
			end := off(n.Esac)
			if it.OpPos.IsValid() && off(it.OpPos) < end {
				end = off(it.OpPos) + 1
			} else if i+1 < len(n.Items) && len(n.Items[i+1].Patterns) > 0 {
				end = off(n.Items[i+1].Patterns[0].Pos())
			}
			b.deeper(off(it.Patterns[len(it.Patterns)-1].End()), end)
		}
	}
	return true
}

// level is the nesting of the line whose first byte is at o.
func (b *bodyIndent) level(o int) int { return b.nested[o] }

// inWord reports whether o is inside a part that stays as it is.
func (b *bodyIndent) inWord(o int) bool { return b.words[o] > 0 }

// touches reports whether the line that starts at o is, but for the white space
// at its own start, joined to a word of the line before. before says the same
// of that line.
func (b *bodyIndent) touches(o int, before bool) bool {
	text, continued := strings.CutSuffix(b.text[:o], "\\\n")
	switch {
	case !continued, strings.HasSuffix(text, " "), strings.HasSuffix(text, "\t"):
		return false
	case text == "", strings.HasSuffix(text, "\n"): // nothing but the backslash
		return before
	}
	return true
}
