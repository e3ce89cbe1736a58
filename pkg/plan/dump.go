package plan

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/shell"
)

// program is a canonical shell program: the statements before the last, and
// the operands of the last statement's top-level && chain. "a; b && c" is
// {pre: [a], units: [b, c]}. A leading group of the chain is hoisted, since
// "{ a; b; } && c" and "a; b && c" run alike unless set -e is in force, which
// does not look at what stands in front of &&. Groups of one statement vanish.
type program struct {
	pre   []string
	units []string
	// group are the statements of the last one where it is a group under set
	// -e and alone: what is put behind it after a semicolon makes a list of it.
	group []string
}

// String joins the program unambiguously: the strings of statements never hold
// the separators.
func (p program) String() string {
	return strings.Join(p.pre, "\x1d") + "\x1c" + strings.Join(p.units, "\x1e")
}

// equal reports whether two programs are the same.
func (p program) equal(q program) bool {
	return slices.Equal(p.pre, q.pre) && slices.Equal(p.units, q.units)
}

// statements is the program as a list of statements.
func (p program) statements() []string { return append(append([]string(nil), p.pre...), and(p.units)) }

// and is the canonical text of an && chain.
func and(units []string) string {
	if len(units) == 1 {
		return units[0]
	}
	return "(&&" + strings.Join(units, "") + ")"
}

// unit is the program as one operand of a chain.
func (p program) unit() []string {
	if len(p.pre) == 0 {
		return p.units
	}
	return []string{"(do" + strings.Join(p.statements(), "") + ")"}
}

// commandEdits are the declared changes of a script's simple commands, by
// the byte offset of the command in the script: unlike its number, it does
// not depend on the dialect that the script is parsed as.
type commandEdits struct {
	replace map[uint]*syntax.CallExpr
	drop    map[uint]bool
	behind  map[uint]extra
	lang    shell.Lang // that behind is read as
	used    map[uint]bool
}

func newEdits() *commandEdits {
	return &commandEdits{replace: map[uint]*syntax.CallExpr{}, drop: map[uint]bool{}, behind: map[uint]extra{}}
}

// mark notes that the edit of a command has been applied.
func (e *commandEdits) mark(c *syntax.CallExpr) { e.used[c.Pos().Offset()] = true }

// dumper writes canonical text. Each node becomes "(" tag … ")", each string
// is quoted, so texts of different trees differ.
type dumper struct {
	edits  *commandEdits
	strict bool // set -e is or may be in force
}

// canonical gives the program of a script. strict says that its shell runs it
// under -e.
func canonical(f *syntax.File, edits *commandEdits, strict bool) program {
	if !strict {
		s := shell.ErrExitSwitches(f, nil)
		strict = s.On || s.Eval
	}
	d := dumper{edits: edits, strict: strict}
	return d.list(f.Stmts)
}

// list gives the program of a statement list.
func (d *dumper) list(stmts []*syntax.Stmt) program {
	var kept []*syntax.Stmt
	for _, st := range stmts {
		if !d.dropped(st) {
			kept = append(kept, st)
		}
	}
	if len(kept) == 0 {
		return program{}
	}
	var p program
	for _, st := range kept[:len(kept)-1] {
		if b := d.lone(st); b != nil {
			p.pre = append(p.pre, d.list(b.Stmts).statements()...)
			continue
		}
		p.pre = append(p.pre, and(d.chain(st)))
		if x, ok := d.behind(st, true); ok {
			p.pre = append(p.pre, x.statements()...)
		}
	}
	last := kept[len(kept)-1]
	p.units = d.chain(last)
	if x, ok := d.behind(last, true); ok {
		p.pre = append(append(p.pre, and(p.units)), x.pre...)
		p.units = x.units
		return p
	}
	// Hoist a leading group of several statements.
	if first := d.first(last); first != nil && !d.strict {
		inner := d.list(first.Stmts)
		p.pre = append(p.pre, inner.pre...)
		p.units = append(append([]string(nil), inner.units...), p.units[1:]...)
	} else if b := d.lone(last); b != nil {
		p.group = d.list(b.Stmts).statements()
	}
	return p
}

// lone returns the plain group of several statements that a statement is: x; {
// a; b; }; c is x; a; b; c.
func (d *dumper) lone(st *syntax.Stmt) *syntax.Block {
	for plain(st) {
		b, ok := st.Cmd.(*syntax.Block)
		switch {
		case !ok:
			return nil
		case d.single(b) == nil:
			return b
		}
		st = d.single(b)
	}
	return nil
}

// first returns the plain group of several statements that starts a chain.
func (d *dumper) first(st *syntax.Stmt) *syntax.Block {
	for {
		if !plain(st) {
			return nil
		}
		switch c := st.Cmd.(type) {
		case *syntax.BinaryCmd:
			if c.Op != syntax.AndStmt {
				return nil
			}
			if d.dropped(c.X) {
				st = c.Y
			} else {
				st = c.X
			}
		case *syntax.Block:
			if only := d.single(c); only != nil {
				st = only
				continue
			}
			return c
		default:
			return nil
		}
	}
}

// plain reports whether a statement is nothing but its command.
func plain(st *syntax.Stmt) bool {
	return !st.Negated && !st.Background && !st.Coprocess && !st.Disown && len(st.Redirs) == 0
}

// chain gives the operands of a statement's && chain.
func (d *dumper) chain(st *syntax.Stmt) []string {
	if plain(st) {
		switch c := st.Cmd.(type) {
		case *syntax.BinaryCmd:
			if c.Op == syntax.AndStmt {
				var out []string
				if !d.dropped(c.X) {
					out = d.chain(c.X)
				}
				if !d.dropped(c.Y) {
					out = append(out, d.chain(c.Y)...)
				}
				return out
			}
		case *syntax.Block:
			if only := d.single(c); only != nil {
				return d.chain(only)
			}
			return []string{"(do" + strings.Join(d.list(c.Stmts).statements(), "") + ")"}
		}
	}
	var b strings.Builder
	d.stmt(&b, st)
	out := []string{b.String()}
	if x, ok := d.behind(st, false); ok {
		out = append(out, x.unit()...)
	}
	return out
}

// single returns the one statement of a group that has no other, also with
// everything declared, or nil.
func (d *dumper) single(b *syntax.Block) *syntax.Stmt {
	var only *syntax.Stmt
	for _, st := range b.Stmts {
		switch {
		case d.dropped(st):
		case only != nil:
			return nil
		default:
			only = st
		}
	}
	if only == nil {
		return nil
	}
	c, ok := only.Cmd.(*syntax.CallExpr)
	if !ok || d.edits == nil || len(c.Args) == 0 {
		return only
	}
	if x, ok := d.edits.behind[c.Pos().Offset()]; ok && x.semi {
		return nil
	}
	return only
}

// behind returns what is declared to follow a statement that is a simple
// command, after a semicolon or after &&.
func (d *dumper) behind(st *syntax.Stmt, semi bool) (program, bool) {
	if d.edits == nil || len(d.edits.behind) == 0 || st.Negated || st.Background {
		return program{}, false
	}
	c, ok := st.Cmd.(*syntax.CallExpr)
	if !ok || len(c.Args) == 0 {
		return program{}, false
	}
	x, ok := d.edits.behind[c.Pos().Offset()]
	if !ok || x.semi != semi {
		return program{}, false
	}
	f, err := shell.ParseAs(x.text, d.edits.lang)
	if err != nil {
		return program{}, false // and the edit counts as not applied
	}
	d.edits.used[^c.Pos().Offset()] = true
	return canonical(f, nil, d.strict), true
}

// dropped reports whether a declared edit removes the statement.
func (d *dumper) dropped(st *syntax.Stmt) bool {
	if d.edits == nil || len(d.edits.drop) == 0 {
		return false
	}
	switch c := st.Cmd.(type) {
	case *syntax.CallExpr:
		if d.edits.drop[c.Pos().Offset()] && !st.Negated && !st.Background {
			return true
		}
	case *syntax.BinaryCmd:
		if c.Op == syntax.AndStmt && plain(st) {
			return d.dropped(c.X) && d.dropped(c.Y)
		}
	}
	return false
}

func (d *dumper) stmt(b *strings.Builder, st *syntax.Stmt) {
	if plain(st) {
		if st.Cmd == nil {
			b.WriteString("(nop)")
			return
		}
		d.command(b, st.Cmd)
		return
	}
	b.WriteString("(stmt")
	if st.Negated {
		b.WriteByte('!')
	}
	if st.Background {
		b.WriteByte('&')
	}
	if st.Coprocess {
		b.WriteString("|&")
	}
	if st.Disown {
		b.WriteString("&!")
	}
	if st.Cmd != nil {
		d.command(b, st.Cmd)
	}
	for _, r := range st.Redirs {
		b.WriteString("(redir " + strconv.Itoa(int(r.Op)))
		if r.N != nil {
			quote(b, r.N.Value)
		}
		d.word(b, r.Word)
		if r.Hdoc != nil {
			d.word(b, r.Hdoc)
		}
		b.WriteByte(')')
	}
	b.WriteByte(')')
}

func (d *dumper) stmts(b *strings.Builder, stmts []*syntax.Stmt) {
	b.WriteByte('[')
	p := d.list(stmts)
	if len(p.units) > 0 {
		for _, s := range p.statements() {
			b.WriteString(s)
		}
	}
	b.WriteByte(']')
}

func (d *dumper) command(b *strings.Builder, cmd syntax.Command) {
	switch c := cmd.(type) {
	case *syntax.CallExpr:
		d.call(b, c)
	case *syntax.Block:
		b.WriteString("(do")
		if p := d.list(c.Stmts); len(p.units) > 0 {
			for _, s := range p.statements() {
				b.WriteString(s)
			}
		}
		b.WriteByte(')')
	case *syntax.Subshell:
		b.WriteString("(sub")
		d.stmts(b, c.Stmts)
		b.WriteByte(')')
	case *syntax.BinaryCmd:
		if c.Op == syntax.AndStmt {
			b.WriteString(and(d.chain(&syntax.Stmt{Cmd: c})))
			return
		}
		b.WriteString("(" + c.Op.String())
		d.operand(b, c.X)
		d.operand(b, c.Y)
		b.WriteByte(')')
	case *syntax.IfClause:
		for c2 := c; c2 != nil; c2 = c2.Else {
			b.WriteString("(if")
			d.stmts(b, c2.Cond)
			d.stmts(b, c2.Then)
		}
		for c2 := c; c2 != nil; c2 = c2.Else {
			b.WriteByte(')')
		}
	case *syntax.WhileClause:
		b.WriteString("(while ")
		b.WriteString(strconv.FormatBool(c.Until))
		d.stmts(b, c.Cond)
		d.stmts(b, c.Do)
		b.WriteByte(')')
	case *syntax.ForClause:
		b.WriteString("(for " + strconv.FormatBool(c.Select))
		d.generic(b, reflect.ValueOf(c.Loop))
		d.stmts(b, c.Do)
		b.WriteByte(')')
	case *syntax.CaseClause:
		b.WriteString("(case")
		d.word(b, c.Word)
		for _, it := range c.Items {
			b.WriteString("(item " + it.Op.String())
			for _, w := range it.Patterns {
				d.word(b, w)
			}
			d.stmts(b, it.Stmts)
			b.WriteByte(')')
		}
		b.WriteByte(')')
	default:
		d.generic(b, reflect.ValueOf(cmd))
	}
}

// operand writes one side of ||, | or |&.
func (d *dumper) operand(b *strings.Builder, st *syntax.Stmt) { b.WriteString(and(d.chain(st))) }

func (d *dumper) call(b *strings.Builder, c *syntax.CallExpr) {
	if d.edits != nil && len(c.Args) > 0 {
		if r := d.edits.replace[c.Pos().Offset()]; r != nil {
			d.edits.mark(c)
			(&dumper{}).call(b, r)
			return
		}
	}
	b.WriteString("(call")
	for _, a := range c.Assigns {
		d.generic(b, reflect.ValueOf(a))
	}
	for _, w := range c.Args {
		d.word(b, w)
	}
	b.WriteByte(')')
}

func (d *dumper) word(b *strings.Builder, w *syntax.Word) {
	if w == nil {
		b.WriteString("()")
		return
	}
	b.WriteByte('{')
	d.parts(b, w.Parts)
	b.WriteByte('}')
}

func (d *dumper) parts(b *strings.Builder, parts []syntax.WordPart) {
	for i := 0; i < len(parts); i++ {
		part := parts[i]
		switch p := part.(type) {
		case *syntax.Lit:
			text := p.Value
			for i+1 < len(parts) { // a line continuation in double quotes takes one apart
				next, ok := parts[i+1].(*syntax.Lit)
				if !ok {
					break
				}
				text += next.Value
				i++
			}
			quote(b, text)
		case *syntax.SglQuoted:
			b.WriteString("(sq")
			if p.Dollar {
				b.WriteByte('$')
			}
			quote(b, p.Value)
			b.WriteByte(')')
		case *syntax.DblQuoted:
			b.WriteString("(dq")
			if p.Dollar {
				b.WriteByte('$')
			}
			d.parts(b, p.Parts)
			b.WriteByte(')')
		case *syntax.CmdSubst:
			b.WriteString("(cs")
			d.stmts(b, p.Stmts)
			if p.TempFile || p.ReplyVar {
				fmt.Fprintf(b, "%t,%t", p.TempFile, p.ReplyVar)
			}
			b.WriteByte(')')
		default:
			d.generic(b, reflect.ValueOf(part))
		}
	}
}

// quote writes a string as strconv.Quote does.
func quote(b *strings.Builder, s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			b.WriteString(strconv.Quote(s))
			return
		}
	}
	b.WriteByte('"')
	b.WriteString(s)
	b.WriteByte('"')
}

var (
	posType     = reflect.TypeFor[syntax.Pos]()
	commentType = reflect.TypeFor[[]syntax.Comment]()
)

// field is a struct field that takes part in canonical text.
type field struct {
	index int
	name  string
}

var fieldsOf sync.Map // reflect.Type of a struct → []field

// fields lists the fields of a node's type, without positions and comments.
func fields(t reflect.Type) []field {
	if fs, ok := fieldsOf.Load(t); ok {
		return fs.([]field)
	}
	var fs []field
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type != posType && f.Type != commentType && f.IsExported() {
			fs = append(fs, field{i, " " + f.Name + "="})
		}
	}
	fieldsOf.Store(t, fs)
	return fs
}

// generic writes any node by its fields that are not zero, leaving out positions and comments.
// It serves the rarer nodes, and every node that a later version of
// mvdan.cc/sh may add.
func (d *dumper) generic(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			b.WriteString("()")
			return
		}
		if v.CanInterface() {
			switch n := v.Interface().(type) {
			case *syntax.Stmt:
				b.WriteString(and(d.chain(n)))
				return
			case *syntax.Word:
				d.word(b, n)
				return
			case *syntax.CallExpr:
				d.call(b, n)
				return
			}
		}
		d.generic(b, v.Elem())
	case reflect.Struct:
		b.WriteString("(" + v.Type().Name())
		for _, f := range fields(v.Type()) {
			fv := v.Field(f.index)
			if fv.IsZero() || fv.Kind() == reflect.Slice && fv.Len() == 0 {
				continue
			}
			b.WriteString(f.name)
			d.generic(b, fv)
		}
		b.WriteByte(')')
	case reflect.Slice:
		if stmts, ok := v.Interface().([]*syntax.Stmt); ok {
			d.stmts(b, stmts)
			return
		}
		if parts, ok := v.Interface().([]syntax.WordPart); ok {
			d.parts(b, parts)
			return
		}
		b.WriteByte('[')
		for i := range v.Len() {
			d.generic(b, v.Index(i))
			b.WriteByte(',')
		}
		b.WriteByte(']')
	case reflect.String:
		quote(b, v.String())
	default:
		fmt.Fprintf(b, "%v", v.Interface())
	}
}
