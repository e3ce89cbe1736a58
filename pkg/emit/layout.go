package emit

import (
	"bytes"
	"iter"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

// Group is the layout edits of one instruction, or, where Instruction is nil,
// of the blank lines, comments and directives between two instructions. The
// edits of a group belong together.
type Group struct {
	Instruction *parse.Instruction
	// Span is the part of the source that the group is about.
	Span parse.Span
	// Edits change white space, continuation characters and the case of
	// keywords only. Every other byte is copied from the source.
	Edits []Edit
	// Verbatim says why the instruction, or the shell script in it, was left
	// as it is; "" if it was laid out.
	Verbatim string
}

// Layout returns the edits that lay out a file, one group for each
// instruction and each run of lines between instructions, in source order.
// Groups without edits are included. shells gives the SHELL in effect at an
// instruction. f is not modified.
func Layout(f *parse.File, shells func(*parse.Instruction) shell.Shell, style Style) []Group {
	return LayoutScripts(f, func(in *parse.Instruction) *shell.Script {
		if shells == nil {
			return shell.New(f, in, shell.Shell{})
		}
		return shell.New(f, in, shells(in))
	}, style)
}

// LayoutScripts is Layout for a caller that has the scripts of instructions
// already, with their trees: scripts gives an instruction's, or nil.
func LayoutScripts(f *parse.File, scripts func(*parse.Instruction) *shell.Script, style Style) []Group {
	l := newLayouter(f, scripts, style)
	groups := make([]Group, 0, len(f.Instructions)*2)
	for i := 0; i < len(f.Tiles); {
		var g Group
		g, i = l.group(i)
		groups = append(groups, g)
	}
	return groups
}

// LayoutQuickFirst gives the groups of LayoutScripts one by one for a caller
// who may stop early: first those that need no shell parser, and from the end
// of the file, where an edit moves little.
func LayoutQuickFirst(f *parse.File, scripts func(*parse.Instruction) *shell.Script, style Style) iter.Seq[Group] {
	return func(yield func(Group) bool) {
		l := newLayouter(f, scripts, style)
		for _, shell := range []bool{false, true} {
			for i := len(f.Tiles) - 1; i >= 0; i-- {
				if in := f.Tiles[i].Instruction; in != nil && hasShell(in) != shell || in == nil && shell {
					continue
				}
				for i > 0 && f.Tiles[i].Instruction == nil && f.Tiles[i-1].Instruction == nil {
					i--
				}
				if g, _ := l.group(i); !yield(g) {
					return
				}
			}
		}
	}
}

func hasShell(in *parse.Instruction) bool {
	return in.Form == parse.Shell || in.Child != nil && in.Child.Form == parse.Shell
}

func newLayouter(f *parse.File, scripts func(*parse.Instruction) *shell.Script, style Style) *layouter {
	l := &layouter{f: f, scripts: scripts, style: style, eol: f.LineEnding()}
	if l.style.Indent < 1 {
		l.style.Indent = 1
	}
	switch style.Newline {
	case "lf":
		l.eol = "\n"
	case "crlf":
		l.eol = "\r\n"
	}
	return l
}

// group lays out the instruction at tile i, or the tiles between two
// instructions that start there. It returns the next tile.
func (l *layouter) group(i int) (Group, int) {
	if t := l.f.Tiles[i]; t.Kind == parse.TileInstruction {
		return l.instruction(t.Instruction), i + 1
	}
	j := i
	for j < len(l.f.Tiles) && l.f.Tiles[j].Kind != parse.TileInstruction {
		j++
	}
	return l.between(i, j), j
}

type layouter struct {
	f       *parse.File
	scripts func(*parse.Instruction) *shell.Script
	style   Style
	eol     string

	// Buffers of one instruction that serve the next.
	pieces []piece
	notes  []note
	sum    []int
}

// between lays out the tiles [i, j) between instructions: comments lose their
// indent, runs of blank lines become one, those at the ends of the file none.
func (l *layouter) between(i, j int) Group {
	tiles := l.f.Tiles[i:j]
	g := Group{Span: parse.Span{Start: tiles[0].Start, End: tiles[len(tiles)-1].End}}
	for k, t := range tiles {
		text := t.Text(l.f.Src)
		var out string
		switch t.Kind {
		case parse.TileBOM:
			continue
		case parse.TileBlank:
			if l.keepBlank(i+k, j) {
				out = l.eol
			}
		case parse.TileDirective:
			// An indented directive is one for the build but not for the
			// detection of syntax=: its indent stays.
			out = trimEnd(text) + l.eol
		case parse.TileComment:
			out = strings.TrimLeft(trimEnd(text), " \t\v\f\r") + l.eol
			if l.mayDirect(i+k, out) {
				out = text[:len(text)-len(strings.TrimLeft(text, " \t\v\f\r"))] + out
			}
		}
		if out != text {
			g.Edits = append(g.Edits, Edit{t.Span, out})
		}
	}
	return g
}

// trimEnd cuts the line ending and the white space before it.
func trimEnd(s string) string { return strings.TrimRight(s, " \t\v\f\r\n") }

// keepBlank reports whether a blank tile leaves one blank line.
func (l *layouter) keepBlank(k, _ int) bool {
	tiles := l.f.Tiles
	if k == len(tiles)-1 {
		return false
	}
	if k > 0 && tiles[k-1].Kind != parse.TileBOM {
		return true
	}
	// At the top of the file a blank line may be what keeps a comment from
	// being a parser directive, and an odd first line from being a syntax
	// line of another frontend.
	next := tiles[k+1]
	if next.Kind == parse.TileInstruction {
		return next.Instruction.Form == parse.Opaque
	}
	return next.Kind != parse.TileComment || isDirective(next.Text(l.f.Src)) || bytes.HasPrefix(l.f.Src[next.Start:], []byte("#!"))
}

// mayDirect reports whether the comment at tile k could become a directive, or
// a shebang line, if it lost its indent: only at the top of the file.
func (l *layouter) mayDirect(k int, text string) bool {
	for _, t := range l.f.Tiles[:k] {
		if t.Kind != parse.TileBOM && t.Kind != parse.TileDirective && t.Kind != parse.TileBlank {
			return false
		}
	}
	return isDirective(text) || strings.HasPrefix(text, "#!")
}

func isDirective(text string) bool {
	var p parser.DirectiveParser
	d, err := p.ParseLine([]byte(strings.TrimSpace(text)))
	return err != nil || d != nil
}
