package transform

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
	"unicode"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/shell"
)

// merge reports the change that makes a group of RUNs one.
func (p *Pass) merge(group []*mergePart, heredoc bool) {
	m := merger{p: p, parts: group, eol: p.File.LineEnding()}
	mode := plan.MergeAnd
	switch {
	case group[0].head != nil:
		mode = plan.MergeSemi
	case heredoc && m.canBeLines():
		mode = plan.MergeLines
	}
	m.semi = mode == plan.MergeSemi
	last := group[len(group)-1]
	last.wrap = plan.WrapNone
	for i, part := range group {
		// Behind && only one command may stand.
		if mode == plan.MergeAnd && i > 0 && part.wrap == plan.WrapNone && !part.oneOperand() {
			part.wrap = plan.WrapGroup
		}
	}
	c := Change{
		Title:  fmt.Sprintf("merge %d RUN instructions", len(group)),
		Reason: "each RUN is a layer of its own: one layer is smaller and quicker to pull",
		At:     parse.Span{Start: group[0].In.Keyword.Start, End: last.In.TextEnd()},
		Safety: Safe,
	}
	merge := plan.Merge{Mode: mode}
	for _, part := range group {
		merge.Instrs = append(merge.Instrs, part.In.Index)
		merge.Wraps = append(merge.Wraps, part.wrap)
	}
	c.Effects = []plan.Effect{merge}
	switch {
	case group[0].Script.Kind == shell.Body:
		c.Edits = m.bodies()
	case mode == plan.MergeLines:
		c.Edits = m.heredoc()
	default:
		c.Edits = m.lines()
	}
	p.Report(c)
}

// oneOperand reports whether a part can stand behind && as it is: a chain, or
// one command that is no || list.
func (m *mergePart) oneOperand() bool {
	if len(m.chain) == 0 {
		return false
	}
	for _, st := range m.chain {
		if isOr(st) {
			return false
		}
	}
	return true
}

// isOr reports whether a statement is an || list, which binds as loosely as &&.
func isOr(st *syntax.Stmt) bool {
	b, ok := st.Cmd.(*syntax.BinaryCmd)
	return ok && (b.Op == syntax.OrStmt || b.Op == syntax.AndStmt && isOr(b.X))
}

// merger builds the text of a merged RUN.
type merger struct {
	p      *Pass
	parts  []*mergePart
	eol    string
	semi   bool
	indent string
	trail  bool // && ends lines

	bodyText strings.Builder // here-documents that move behind the last line
	metaText strings.Builder // instructions that move below
}

// lines merges shell forms: it replaces what stands between the programs.
func (m *merger) lines() []emit.Edit {
	m.style()
	f := m.p.File
	var edits []emit.Edit
	first := m.parts[0]
	if open := m.open(first); open != "" {
		at := m.start(first)
		edits = append(edits, emit.Edit{Span: parse.Span{Start: at, End: at}, New: open})
	}
	last := m.parts[len(m.parts)-1]
	for i, part := range m.parts[:len(m.parts)-1] {
		next := m.parts[i+1]
		gap := parse.Span{Start: part.programEnd(), End: m.start(next)}
		comments := m.between(part.In, next.In, gap)
		edits = append(edits, emit.Edit{Span: gap, New: m.close(part) + m.join(comments) + m.open(next)})
		for _, h := range part.In.Heredocs {
			m.bodyText.WriteString(parse.Span{Start: h.Body.Start, End: h.Terminator.End}.Text(f.Src))
		}
	}
	if end := m.close(last); end != "" {
		at := last.programEnd()
		edits = append(edits, emit.Edit{Span: parse.Span{Start: at, End: at}, New: end})
	}
	edits = m.insert(edits, last.In.Lines[len(last.In.Lines)-1].End, m.bodyText.String())
	return m.insert(edits, last.In.End, m.metaText.String())
}

// insert adds whole lines at the start of a line, or behind a last line that
// lacks its line ending.
func (m *merger) insert(edits []emit.Edit, at int, text string) []emit.Edit {
	if text == "" {
		return edits
	}
	if at == len(m.p.File.Src) && !bytes.HasSuffix(m.p.File.Src, []byte("\n")) {
		text = m.eol + strings.TrimSuffix(text, m.eol)
	}
	// Another insertion may stand there: join them.
	for i := range edits {
		if edits[i].Start == at && edits[i].End == at {
			edits[i].New += text
			return edits
		}
	}
	return append(edits, emit.Edit{Span: parse.Span{Start: at, End: at}, New: text})
}

// start is where a part's program starts that goes into the merged RUN: for a
// later part under set -e, behind its head.
func (m *merger) start(part *mergePart) int {
	if part.head != nil && (part != m.parts[0] || part.wrap != plan.WrapNone) {
		return part.Script.Source(part.Tree.Stmts[1].Pos())
	}
	return part.Script.Source(part.Tree.Stmts[0].Pos())
}

// programEnd is the source offset behind a part's last command, before a
// trailing semicolon.
func (m *mergePart) programEnd() int {
	return m.end(m.Tree.Stmts[len(m.Tree.Stmts)-1])
}

func (m *merger) open(part *mergePart) string {
	switch part.wrap {
	case plan.WrapGroup:
		return "{ "
	case plan.WrapSubshell:
		if m.p.File.Src[m.start(part)] == '(' {
			return "( "
		}
		return "("
	}
	return ""
}

func (m *merger) close(part *mergePart) string {
	switch part.wrap {
	case plan.WrapGroup:
		return "; }"
	case plan.WrapSubshell:
		return ")"
	}
	return ""
}

// join is the text between two programs, comments on lines of their own.
func (m *merger) join(comments []string) string {
	var b strings.Builder
	cont := string(m.p.File.Escape) + m.eol
	switch {
	case m.semi:
		b.WriteString("; " + cont)
	case m.trail:
		b.WriteString(" && " + cont)
	default:
		b.WriteString(" " + cont)
	}
	for _, c := range comments {
		b.WriteString(m.indent + c + m.eol)
	}
	b.WriteString(m.indent)
	if !m.semi && !m.trail {
		b.WriteString("&& ")
	}
	return b.String()
}

// style takes the indent and the place of operators from the first part that
// shows them.
func (m *merger) style() {
	m.indent = m.continuation()
	for _, part := range m.parts {
		last := part.Tree.Stmts[len(part.Tree.Stmts)-1]
		if len(part.operators()) == 0 && len(part.Tree.Stmts) < 2 {
			continue
		}
		if multi, indent := part.style(last); multi && indent != "" {
			m.indent, m.trail = indent, part.trailing()
			return
		}
	}
}

// continuation is the least indent of the continuation lines of the first part
// that has any, four blanks if none has.
func (m *merger) continuation() string {
	for _, part := range m.parts {
		if least := part.leastIndent(); least != "" {
			return least
		}
	}
	return "    "
}

// leastIndent is the least indent of the continuation lines, of those that
// have at most 8 characters of it; "" if there is none.
func (r *Program) leastIndent() string {
	least := ""
	for _, line := range r.In.Lines[1:] {
		if line.Kind != parse.CodeLine {
			continue
		}
		text := string(r.file.Src[line.Start:line.TextEnd])
		if indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]; indent != "" && len(indent) <= 8 && (least == "" || len(indent) < len(least)) {
			least = indent
		}
	}
	return least
}

// between collects what stands in the gap: comments in front of the next RUN
// (returned) and metadata instructions with their comments, which move below.
func (m *merger) between(prev, next *parse.Instruction, gap parse.Span) []string {
	f := m.p.File
	var comments []string
	add := func(spans []parse.Span) {
		for _, sp := range spans {
			if gap.Contains(sp) {
				comments = append(comments, commentText(sp.Text(f.Src)))
			}
		}
	}
	add(prev.Comments)
	var held strings.Builder // comments that may belong to a metadata instruction
	var pending []string
	blank := false
	first := sort.Search(len(f.Tiles), func(i int) bool { return f.Tiles[i].Start >= prev.End })
	for _, t := range f.Tiles[first:] {
		if t.Start >= next.Start {
			break
		}
		switch t.Kind {
		case parse.TileBlank:
			blank = true
		case parse.TileComment:
			held.WriteString(t.Text(f.Src))
			pending = append(pending, commentText(t.Text(f.Src)))
		case parse.TileInstruction:
			if blank {
				m.metaText.WriteString(m.eol)
			}
			blank = false
			m.metaText.WriteString(held.String())
			m.metaText.WriteString(t.Text(f.Src))
			held.Reset()
			pending = nil
		}
	}
	comments = append(comments, pending...)
	add(next.Comments)
	return comments
}

// commentText is a comment line without indent and line ending.
func commentText(line string) string {
	return strings.TrimLeftFunc(strings.TrimRight(line, "\r\n"), unicode.IsSpace)
}

// bodies merges here-document scripts that start with the same set -e: the
// later bodies follow the first, without their heads.
func (m *merger) bodies() []emit.Edit {
	first := m.parts[0]
	f := m.p.File
	var add strings.Builder
	var edits []emit.Edit
	for i, part := range m.parts[1:] {
		prev := m.parts[i]
		gap := parse.Span{Start: prev.In.End, End: part.In.Heredocs[0].Body.Start}
		for _, c := range m.between(prev.In, part.In, gap) {
			add.WriteString(part.lineIndent(part.Script.Source(part.Tree.Stmts[0].Pos())) + c + "\n")
		}
		body := part.In.Heredocs[0].Body
		text := body.Text(f.Src)
		if part.head != nil {
			head := part.Span(part.Tree.Stmts[0])
			rest := strings.TrimLeft(string(f.Src[head.End:body.End]), " \t;")
			lead := string(f.Src[body.Start:head.Start])
			if after, alone := strings.CutPrefix(rest, "\n"); alone { // the line goes with its indent
				lead, rest = strings.TrimRight(lead, " \t"), after
			}
			text = lead + rest
		}
		add.WriteString(text)
		edits = append(edits, emit.Edit{Span: parse.Span{Start: prev.In.End, End: part.In.End}})
	}
	if n := len(f.Src); edits[len(edits)-1].End == n && f.Src[n-1] != '\n' {
		// The file ends without a line ending: so does the first RUN then.
		end := first.In.Heredocs[0].Terminator
		edits[0].Start = end.Start + len(strings.TrimRight(end.Text(f.Src), "\r\n"))
	}
	at := first.In.Heredocs[0].Body.End
	edits = append(edits, emit.Edit{Span: parse.Span{Start: at, End: at}, New: add.String()})
	last := m.parts[len(m.parts)-1]
	return m.insert(edits, last.In.End, m.metaText.String())
}
