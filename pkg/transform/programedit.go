package transform

import (
	"bytes"
	"errors"
	"slices"
	"sort"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/shell"
)

// Op is an edit of one word of a simple command: Insert puts text behind word
// At (-1: in front of the first), Before in front of it, on a line of its own if
// the word has one, Replace exchanges it, Delete removes it.
type Op struct {
	At      int
	Insert  string
	Before  string
	Replace string
	Delete  bool
}

// EditCommand edits the words of a simple command. Inserted text stands behind
// one blank on the line of the word before it. The error says why it cannot be
// done without touching a comment.
func (r *Program) EditCommand(c *syntax.CallExpr, ops ...Op) ([]emit.Edit, []plan.Effect, error) {
	n := r.Index(c)
	if n < 0 {
		return nil, nil, errors.New("not a command of this program")
	}
	words := make([]string, len(c.Args))
	for i, w := range c.Args {
		words[i] = r.Script.NodeText(w)
	}
	front := ""
	var edits []emit.Edit
	for _, op := range ops {
		switch {
		case op.Insert != "" && op.At < 0:
			at := r.Script.Source(c.Args[0].Pos())
			edits = append(edits, emit.Edit{Span: parse.Span{Start: at, End: at}, New: op.Insert + " "})
			front = op.Insert + " "
		case op.Insert != "" && escapes(words[op.At]):
			return nil, nil, errEscapes
		case op.Insert != "":
			at := r.Span(c.Args[op.At]).End
			edits = append(edits, emit.Edit{Span: parse.Span{Start: at, End: at}, New: " " + op.Insert})
			words[op.At] += " " + op.Insert
		case op.Before != "":
			at := r.Script.Source(c.Args[op.At].Pos())
			sep := " "
			if r.leads(at) {
				sep = r.continued() + r.lineIndent(at)
			}
			edits = append(edits, emit.Edit{Span: parse.Span{Start: at, End: at}, New: op.Before + sep})
			words[op.At] = op.Before + " " + words[op.At]
		case op.Delete:
			sp := r.Span(c.Args[op.At])
			if op.At > 0 {
				sp.Start = r.Span(c.Args[op.At-1]).End
			} else if len(c.Args) > 1 {
				sp.End = r.Span(c.Args[1]).Start
			}
			switch {
			case r.hasComment(sp):
				return nil, nil, errors.New("a comment stands beside the word")
			case r.hasRedirection(c, sp):
				return nil, nil, errors.New("a redirection stands beside the word")
			case r.besideOddBlank(sp):
				return nil, nil, errOddBlank
			}
			edits = append(edits, emit.Edit{Span: sp})
			words[op.At] = ""
		case r.hasComment(r.Span(c.Args[op.At])):
			return nil, nil, errors.New("a comment stands inside the word")
		default:
			edits = append(edits, emit.Edit{Span: r.Span(c.Args[op.At]), New: op.Replace})
			words[op.At] = op.Replace
		}
	}
	var text strings.Builder
	for _, a := range c.Assigns {
		text.WriteString(r.Script.NodeText(a) + " ")
	}
	text.WriteString(front)
	for _, w := range words {
		if w != "" {
			text.WriteString(w + " ")
		}
	}
	return edits, []plan.Effect{plan.Command{Instr: r.In.Index, Index: n, Text: strings.TrimSuffix(text.String(), " ")}}, nil
}

// errEscapes is the error of a text that would escape what is put behind it.
var errEscapes = errors.New("the text before it ends with a backslash")

// escapes reports whether a text ends with a backslash that escapes what
// follows. BuildKit leaves one at the end of a line where it is not the
// continuation character, or stands behind another.
func escapes(text string) bool {
	return (len(text)-len(strings.TrimRight(text, "\\")))%2 != 0
}

// escapes reports whether a statement ends with such a text.
func (r *Program) escapes(st *syntax.Stmt) bool {
	return escapes(r.Script.Text()[:stmtEnd(st).Offset()])
}

// errOddBlank is the error of a word that would come to stand where it is no
// word.
var errOddBlank = errors.New("a rare kind of white space stands beside it")

// besideOddBlank reports whether a word of white space stands in front of a
// span or behind it: a form feed is one to a shell, but BuildKit cuts it off at
// the ends of an instruction.
func (r *Program) besideOddBlank(sp parse.Span) bool {
	odd := func(c byte) bool { return c == '\v' || c == '\f' }
	return odd(r.file.Src[sp.Start-1]) || sp.End < len(r.file.Src) && odd(r.file.Src[sp.End])
}

// hasRedirection reports whether a redirection of a command stands in a span.
func (r *Program) hasRedirection(c *syntax.CallExpr, sp parse.Span) bool {
	st := r.Stmt(c)
	return st != nil && slices.ContainsFunc(st.Redirs, func(rd *syntax.Redirect) bool { return sp.Overlaps(r.Span(rd)) })
}

// continued is what goes on with a command on the next line.
func (r *Program) continued() string {
	mark := r.In.Escape()
	if r.Script.Kind == shell.Body {
		mark = '\\'
	}
	return " " + string(mark) + r.eol()
}

// eol ends the lines of the program. A here-document that is understood has no
// carriage returns, though the file around it may.
func (r *Program) eol() string {
	if r.Script.Kind == shell.Body {
		return "\n"
	}
	return r.file.LineEnding()
}

// DropCommand removes the statement that is a simple command from the && chain
// or statement list that it stands in, its operator included. The error says
// why it cannot be done. A change that removes several commands names them all in
// also, so that what it deletes for one does not reach into what it deletes for
// another.
func (r *Program) DropCommand(c *syntax.CallExpr, also ...*syntax.CallExpr) ([]emit.Edit, []plan.Effect, error) {
	st := r.Stmt(c)
	if st == nil || st.Negated || st.Background {
		return nil, nil, errors.New("the command is not a plain statement")
	}
	gone := map[*syntax.Stmt]bool{st: true}
	for _, o := range also {
		gone[r.Stmt(o)] = true
	}
	sp, err := r.dropSpan(st, gone)
	if err != nil {
		return nil, nil, err
	}
	if r.hasComment(sp) {
		return nil, nil, errors.New("a comment stands beside the command")
	}
	if r.besideOddBlank(sp) {
		return nil, nil, errOddBlank
	}
	seat, _ := r.seatOf(st)
	tail := seat.list[seat.at:]
	left := bytes.TrimRight(r.file.Src[:sp.Start], " \t")
	if r.endsLine(r.end(tail[len(tail)-1])) && left[len(left)-1] == r.In.Escape() &&
		!slices.ContainsFunc(tail, func(o *syntax.Stmt) bool { return !gone[o] }) {
		return nil, nil, errors.New("what is left would end with a continuation character")
	}
	return []emit.Edit{{Span: sp}}, []plan.Effect{plan.Drop{Instr: r.In.Index, Index: r.Index(c)}}, nil
}

// dropSpan finds what to delete so that a statement goes, where all that are in
// gone go.
func (r *Program) dropSpan(st *syntax.Stmt, gone map[*syntax.Stmt]bool) (parse.Span, error) {
	kept := func(o *syntax.Stmt) bool { return !gone[o] }
	seat, ok := r.seatOf(st)
	list, i := seat.list, seat.at
	switch {
	case !ok:
	case seat.chain && slices.ContainsFunc(list[:i], kept):
		return parse.Span{Start: r.end(list[i-1]), End: r.end(st)}, nil
	case slices.ContainsFunc(list[i+1:], kept) || seat.chain && i+1 < len(list):
		return parse.Span{Start: r.Script.Source(st.Pos()), End: r.Script.Source(list[i+1].Pos())}, nil
	case !seat.chain && slices.ContainsFunc(list[:i+1], kept):
		last := i - 1 // the one that becomes the last of the list
		for last >= 0 && gone[list[last]] {
			last--
		}
		if !r.strict() || !shell.FailsLoudly(list[last]) {
			// The status of the last statement is the list's: it hides
			// failures before it.
			return parse.Span{}, errors.New("the command's status is what the ones before it would be judged by")
		}
		return parse.Span{Start: r.end(list[i-1]), End: r.end(st)}, nil
	}
	return parse.Span{}, errors.New("the command stands where it cannot be taken out")
}

// end is the source offset behind a statement's command and redirections,
// before a semicolon.
func (r *Program) end(st *syntax.Stmt) int {
	return r.Script.Map.SourceEnd(int(stmtEnd(st).Offset()))
}

// stmtEnd is the end of a statement without its semicolon.
func stmtEnd(st *syntax.Stmt) syntax.Pos {
	end := st.Pos()
	if st.Cmd != nil {
		end = st.Cmd.End()
		if b, ok := st.Cmd.(*syntax.BinaryCmd); ok {
			end = stmtEnd(b.Y)
		}
	}
	for _, rd := range st.Redirs {
		// A here-document's End is its body's: take the opener's.
		e := rd.End()
		if rd.Hdoc != nil {
			e = rd.Word.End()
		}
		if e.After(end) {
			end = e
		}
	}
	return end
}

// Append adds a command at the end of the program so that the instruction
// fails exactly when it did before, or when the command fails. The error says
// why that cannot be done.
func (r *Program) Append(text string) ([]emit.Edit, []plan.Effect, error) {
	semi, err := r.appendMode()
	if err != nil {
		return nil, nil, err
	}
	last := r.Tree.Stmts[len(r.Tree.Stmts)-1]
	at := r.end(last)
	end := at // blanks at the end of the line go
	for end < len(r.file.Src) && (r.file.Src[end] == ' ' || r.file.Src[end] == '\t') {
		end++
	}
	if end < len(r.file.Src) && r.file.Src[end] != '\n' && r.file.Src[end] != '\r' {
		end = at
	}
	return []emit.Edit{{Span: parse.Span{Start: at, End: end}, New: r.joint(last, semi, text)}},
		[]plan.Effect{plan.Append{Instr: r.In.Index, Semi: semi, Text: text}}, nil
}

// appendMode decides whether a command is appended after a semicolon (set -e
// is in force and the last statement cannot hide a failure) or after &&.
func (r *Program) appendMode() (semi bool, err error) {
	if len(r.Tree.Stmts) == 0 {
		return false, errors.New("the RUN has no command")
	}
	scope := shell.ScopeOf(r.Tree.Stmts, r.Tree.Last)
	last := r.Tree.Stmts[len(r.Tree.Stmts)-1]
	switch {
	case scope.Comment && (r.Script.Kind != shell.Body || r.commentFollows(r.end(last))):
		return false, errors.New("a comment stands in the command line")
	case last.Background:
		return false, errors.New("the RUN ends with a background job")
	case r.escapes(last):
		return false, errEscapes
	}
	chain := shell.AndList(last)
	tail := chain[len(chain)-1]
	if n := endsShell(tail); n != "" {
		return false, errors.New("the RUN ends with " + n)
	}
	if r.Script.Kind == shell.Heredocs && len(r.Tree.Stmts) == 1 && len(chain) > 1 && hasHeredoc(tail) {
		return false, errors.New("the here-document would stand away from its command")
	}
	errExit := r.errExit()
	switch {
	case errExit == errExitOn && shell.ErrExitHead(r.Tree) != nil && shell.FailsLoudly(last):
		return true, nil
	case errExit == errExitOff:
		return false, nil
	case r.hasFunctions() || runsText(tail):
		return false, errors.New("set -e may be in force and the last command runs others")
	}
	for _, st := range chain {
		// && would turn -e off inside a compound command.
		if !simple(st) {
			return false, errors.New("set -e may be in force and the last command is compound")
		}
	}
	return false, nil
}

// hasHeredoc reports whether a statement reads a here-document.
func hasHeredoc(st *syntax.Stmt) bool {
	found := false
	syntax.Walk(st, func(n syntax.Node) bool {
		if rd, ok := n.(*syntax.Redirect); ok && rd.Hdoc != nil {
			found = true
		}
		return !found
	})
	return found
}

// endsShell is the command that ends the shell when a statement has run, at its
// end or at the end of the group that it is, or "".
func endsShell(st *syntax.Stmt) string {
	switch c := st.Cmd.(type) {
	case *syntax.CallExpr:
		switch n := shell.Name(c); n {
		case "exit", "exec", "return":
			return n
		}
	case *syntax.Block:
		if len(c.Stmts) > 0 {
			chain := shell.AndList(c.Stmts[len(c.Stmts)-1])
			return endsShell(chain[len(chain)-1])
		}
	}
	return ""
}

// errExit says whether set -e is in force in a program, behind the set command
// at its start.
type errExit uint8

const (
	errExitOff errExit = iota
	errExitOn
	errExitUnknown // somewhere, or perhaps
)

func (r *Program) errExit() errExit { return r.index.exit.Get(r.findErrExit) }

func (r *Program) findErrExit() errExit {
	head := shell.ErrExitHead(r.Tree)
	sw := shell.ErrExitSwitches(r.Tree, head)
	switch {
	case r.Script.Shebang && head == nil:
		return errExitUnknown // the interpreter line may have options
	case head == nil && !r.State.Shell.ErrExit:
		if sw.On || sw.Eval {
			return errExitUnknown
		}
		return errExitOff
	case sw.Off:
		return errExitUnknown
	}
	return errExitOn
}

// simple reports whether a statement is a simple command or a list or pipeline
// of such, and command substitutions in it are one too.
func simple(st *syntax.Stmt) bool {
	nested := false
	syntax.Walk(st, func(n syntax.Node) bool {
		var inner []*syntax.Stmt
		switch n := n.(type) {
		case *syntax.CmdSubst:
			inner = n.Stmts
		case *syntax.ProcSubst:
			inner = n.Stmts
		default:
			return true
		}
		nested = nested || len(inner) > 1 || len(inner) == 1 && !simple(inner[0])
		return false
	})
	if nested {
		return false
	}
	switch c := st.Cmd.(type) {
	case *syntax.CallExpr, *syntax.TestClause, *syntax.DeclClause:
		return true
	case *syntax.BinaryCmd:
		return simple(c.X) && simple(c.Y)
	}
	return false
}

// hasFunctions reports whether the program defines functions.
func (r *Program) hasFunctions() bool {
	return r.index.functions.Get(func() bool {
		found := false
		syntax.Walk(r.Tree, func(n syntax.Node) bool {
			if _, ok := n.(*syntax.FuncDecl); ok {
				found = true
			}
			return !found
		})
		return found
	})
}

// joint is the text that joins a command behind a statement, in the style that
// the RUN is written in.
func (r *Program) joint(last *syntax.Stmt, semi bool, text string) string {
	op := "&&"
	if semi {
		op = ";"
	}
	eol := r.eol()
	multi, indent := r.style(last)
	cont := " " + string(r.In.Escape()) + eol
	if r.Script.Kind == shell.Body {
		own := r.lineIndent(r.Script.Source(last.Pos()))
		if semi {
			return eol + own + text
		}
		line := r.file.Line(r.file.Position(r.end(last)).Line)
		if line.Len()+len(text)+4 <= 100 && r.file.Position(r.Script.Source(last.Pos())).Line == r.file.Position(r.end(last)).Line {
			return " && " + text
		}
		return " \\" + eol + own + "    && " + text
	}
	switch {
	case !multi && r.fits(text, op):
		if semi {
			return "; " + text
		}
		return " && " + text
	case semi:
		return ";" + cont + indent + text
	case r.trailing():
		return " &&" + cont + indent + text
	}
	return cont + indent + "&& " + text
}

// fits reports whether a one-line RUN stays within 100 columns with the text.
func (r *Program) fits(text, op string) bool {
	line := r.file.Line(r.In.StartLine)
	return line.Len()+len(text)+len(op)+2 <= 100
}

// style says whether the program stands on several lines, and the indent of
// its continuation lines.
func (r *Program) style(last *syntax.Stmt) (multi bool, indent string) {
	start := r.Script.Source(r.Tree.Stmts[0].Pos())
	end := r.end(last)
	if r.Script.Kind != shell.Body && !bytes.Contains(r.file.Src[r.In.Start:end], []byte("\n")) {
		return false, "    "
	}
	if p, ok := r.spotOf(last); ok && !p.top {
		// Inside a compound command: by its own line.
		if at := r.Script.Source(last.Pos()); r.file.Position(at).Line > r.In.StartLine {
			own := r.lineIndent(at)
			if line := r.file.Line(r.file.Position(at).Line); !strings.HasPrefix(strings.TrimLeft(line.Text(r.file.Src), " \t"), "&&") {
				own += "    "
			}
			return true, own
		}
	}
	if at := r.leadingOperator(last); at >= 0 {
		return true, r.lineIndent(at)
	}
	// Behind trailing operators: the indent of the last command's line.
	tail := shell.AndList(last)
	for i := len(tail) - 1; i >= 0; i-- {
		at := r.Script.Source(tail[i].Pos())
		if at > start && r.leads(at) {
			return true, r.lineIndent(at)
		}
	}
	if len(r.Tree.Stmts) > 1 {
		at := r.Script.Source(last.Pos())
		if r.leads(at) {
			return true, r.lineIndent(at)
		}
	}
	if least := r.index.indent.Get(r.leastIndent); least != "" && len(least) < 4 {
		return true, least
	}
	return true, "    "
}

// leadingOperator is where the && stands that starts its line, the last before
// the end of a statement or else the first behind it, or -1.
func (r *Program) leadingOperator(st *syntax.Stmt) int {
	all := r.index.leading.Get(func() (all []int) {
		for _, op := range r.operators() {
			if at := r.Script.Source(op); r.leads(at) && !r.ends(at+2) {
				all = append(all, at)
			}
		}
		slices.Sort(all)
		return all
	})
	i := sort.SearchInts(all, r.end(st))
	switch {
	case len(all) == 0:
		return -1
	case i > 0:
		return all[i-1]
	}
	return all[0]
}

// operators returns the positions of the top-level && operators.
func (r *Program) operators() []syntax.Pos {
	return r.index.chained.Get(r.findOperators)
}

func (r *Program) findOperators() (out []syntax.Pos) {
	for _, st := range r.Tree.Stmts {
		for {
			b, ok := st.Cmd.(*syntax.BinaryCmd)
			if !ok || b.Op != syntax.AndStmt {
				break
			}
			out = append(out, b.OpPos)
			st = b.X
		}
	}
	return out
}

// trailing reports whether the && operators of the program end their lines.
func (r *Program) trailing() bool {
	return r.index.trails.Get(r.findTrailing)
}

func (r *Program) findTrailing() bool {
	for _, op := range r.operators() {
		at := r.Script.Source(op)
		if r.ends(at + 2) {
			return true
		}
		if r.leads(at) {
			return false
		}
	}
	return false
}

// ends reports whether nothing but a continuation character stands behind an
// offset on its line.
func (r *Program) ends(at int) bool {
	rest := r.file.Src[at:]
	i := bytes.IndexByte(rest, '\n')
	if i < 0 {
		return false
	}
	line := strings.Trim(string(rest[:i]), " \t\r")
	return line == string(r.In.Escape()) || line == ""
}

// endsLine reports whether only blanks follow an offset on its line.
func (r *Program) endsLine(at int) bool {
	rest := r.file.Src[at:]
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	return strings.Trim(string(rest), " \t\r") == ""
}

// leads reports whether only blanks stand before an offset on its line.
func (r *Program) leads(at int) bool {
	i := at
	for i > 0 && r.file.Src[i-1] != '\n' {
		i--
	}
	return strings.Trim(string(r.file.Src[i:at]), " \t") == ""
}

// lineIndent is the white space at the start of an offset's line.
func (r *Program) lineIndent(at int) string {
	i := at
	for i > 0 && r.file.Src[i-1] != '\n' {
		i--
	}
	j := i
	for j < at && (r.file.Src[j] == ' ' || r.file.Src[j] == '\t') {
		j++
	}
	return string(r.file.Src[i:j])
}

// strict reports whether set -e is in force for the whole program.
func (r *Program) strict() bool {
	return shell.ErrExitHead(r.Tree) != nil || r.State.Shell.ErrExit && !r.Script.Shebang
}
