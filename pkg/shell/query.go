package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Commands returns the simple commands of a program in source order: every
// CallExpr with at least one word, at any depth. Package plan numbers
// commands in the same order.
func Commands(n syntax.Node) []*syntax.CallExpr {
	var out []*syntax.CallExpr
	syntax.Walk(n, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.CallExpr); ok && len(c.Args) > 0 {
			out = append(out, c)
		}
		return true
	})
	return out
}

// Literal returns the value of a word that no expansion can change: literals,
// quotes and escapes only. A word with an unquoted glob or brace or a leading
// tilde is not literal.
func Literal(w *syntax.Word) (string, bool) {
	if w == nil {
		return "", false
	}
	if len(w.Parts) == 1 {
		if lit, ok := w.Parts[0].(*syntax.Lit); ok && !strings.ContainsAny(lit.Value, "*?[{~\\") {
			return lit.Value, true
		}
	}
	var b strings.Builder
	for i, part := range w.Parts {
		switch p := part.(type) {
		case *syntax.Lit:
			if strings.ContainsAny(p.Value, "*?[{") || i == 0 && strings.HasPrefix(p.Value, "~") {
				return "", false
			}
			b.WriteString(unescape(p.Value))
		case *syntax.SglQuoted:
			if p.Dollar {
				return "", false
			}
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			if p.Dollar {
				return "", false
			}
			for _, q := range p.Parts {
				lit, ok := q.(*syntax.Lit)
				if !ok {
					return "", false
				}
				b.WriteString(unescapeQuoted(lit.Value))
			}
		default:
			return "", false
		}
	}
	return b.String(), true
}

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] == '\n' {
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func unescapeQuoted(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("$`\"\\\n", s[i+1]) >= 0 {
			i++
			if s[i] == '\n' {
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Literals returns the literal values of a command's words up to the first
// that is not literal.
func Literals(c *syntax.CallExpr) []string {
	var out []string
	for _, w := range c.Args {
		v, ok := Literal(w)
		if !ok {
			break
		}
		out = append(out, v)
	}
	return out
}

// Name is the command's first word if it is literal, otherwise "".
func Name(c *syntax.CallExpr) string {
	if len(c.Args) == 0 {
		return ""
	}
	v, _ := Literal(c.Args[0])
	return v
}

// AndList flattens a statement's top-level && chain: a && b && c gives three
// statements, anything else gives the statement itself. A group in a right
// operand is one element.
func AndList(st *syntax.Stmt) []*syntax.Stmt {
	b, ok := st.Cmd.(*syntax.BinaryCmd)
	if !ok || b.Op != syntax.AndStmt || st.Negated || st.Background || len(st.Redirs) > 0 {
		return []*syntax.Stmt{st}
	}
	return append(AndList(b.X), b.Y)
}
