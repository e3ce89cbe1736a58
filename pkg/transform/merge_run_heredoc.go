package transform

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/shell"
)

// delimiter ends the here-document of a merged RUN.
const delimiter = "EOF"

// canBeLines reports whether a group can become the lines of one
// here-document under set -e: chains of simple commands, whose text means the
// same in a script as on BuildKit's joined line.
func (m *merger) canBeLines() bool {
	f := m.p.File
	last := m.parts[len(m.parts)-1]
	text := f.Src[m.parts[0].In.Start:last.In.End]
	// Carriage returns at the ends of lines and comments become part of the script.
	if f.Escape != '\\' || m.eol != "\n" || bytes.IndexByte(text, '\r') >= 0 || !utf8.Valid(text) {
		return false
	}
	if !last.scope.LineByLine() { // the others are in subshells then
		return false
	}
	for _, part := range m.parts {
		if part.Script.Kind != shell.Line || len(part.chain) == 0 || !(shell.Options{ErrExit: true}).Bears(part.Tree.Stmts) {
			return false
		}
		ok := true
		syntax.Walk(part.Tree, func(n syntax.Node) bool {
			// The shell keeps a backslash and line break in single quotes,
			// BuildKit removes them.
			if q, quoted := n.(*syntax.SglQuoted); quoted && !part.Script.Map.Contiguous(int(q.Pos().Offset()), int(q.End().Offset())) {
				ok = false
			}
			return ok
		})
		stays := func(first, last *syntax.Stmt) {
			sp := parse.Span{Start: part.Script.Source(first.Pos()), End: part.end(last)}
			ok = ok && part.joinedAlike(sp) && !strings.Contains(sp.Text(f.Src), delimiter)
		}
		if part.wrap == plan.WrapSubshell { // in one piece
			stays(part.chain[0], part.chain[len(part.chain)-1])
		}
		for _, st := range part.chain {
			stays(st, st)
		}
		if !ok {
			return false
		}
	}
	return true
}

// joinedAlike reports whether a shell that reads the lines of a span as a script
// joins them as BuildKit does. A comment or a blank line between them would end
// the command, and so would a blank behind a continuation character.
func (m *mergePart) joinedAlike(sp parse.Span) bool {
	for _, line := range m.In.Lines {
		switch {
		case line.End <= sp.Start || line.Start >= sp.End:
			continue
		case line.Kind != parse.CodeLine:
			return false
		case line.ContAt >= sp.Start && line.End < sp.End && m.file.Src[line.ContAt+1] != '\n':
			return false
		}
	}
	return true
}

// heredoc merges chains into one here-document, one command a line.
func (m *merger) heredoc() []emit.Edit {
	first, last := m.parts[0], m.parts[len(m.parts)-1]
	at := first.Script.Source(first.Tree.Stmts[0].Pos())
	edits := []emit.Edit{{Span: parse.Span{Start: at, End: at}, New: "<<" + delimiter + "\nset -e\n" + m.open(first)}}
	for i, part := range m.parts {
		if part.wrap != plan.WrapSubshell {
			for j, st := range part.chain[1:] {
				gap := parse.Span{Start: part.end(part.chain[j]), End: part.Script.Source(st.Pos())}
				edits = append(edits, emit.Edit{Span: gap, New: "\n" + m.commentLines(part.In, gap)})
			}
		}
		if part == last {
			break
		}
		next := m.parts[i+1]
		gap := parse.Span{Start: part.programEnd(), End: m.start(next)}
		var lines strings.Builder
		for _, c := range m.between(part.In, next.In, gap) {
			lines.WriteString(c + "\n")
		}
		edits = append(edits, emit.Edit{Span: gap, New: m.close(part) + "\n" + lines.String() + m.open(next)})
	}
	tail := parse.Span{Start: last.programEnd(), End: last.In.End}
	text := m.close(last) + "\n" + m.commentLines(last.In, tail) + delimiter + "\n" + m.metaText.String()
	if src := m.p.File.Src; tail.End == len(src) && !bytes.HasSuffix(src, []byte("\n")) {
		text = strings.TrimSuffix(text, "\n")
	}
	return append(edits, emit.Edit{Span: tail, New: text})
}

// commentLines are the comments of an instruction in a span, a line each.
func (m *merger) commentLines(in *parse.Instruction, sp parse.Span) string {
	var b strings.Builder
	for _, c := range in.Comments {
		if sp.Contains(c) {
			b.WriteString(commentText(c.Text(m.p.File.Src)) + "\n")
		}
	}
	return b.String()
}
