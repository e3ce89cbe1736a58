package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// pkg is a parsed package.
type pkg struct {
	source
	fset  *token.FileSet
	files []*ast.File
	texts map[*ast.File][]byte
	info  *types.Info
}

// parse reads the files of a package and resolves its identifiers. What it
// imports is not read: errors of types do not matter here.
func parse(s source) (*pkg, error) {
	p := &pkg{source: s, fset: token.NewFileSet(), texts: map[*ast.File][]byte{}, info: &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}}
	for _, name := range s.GoFiles {
		path := filepath.Join(s.Dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(p.fset, path, text, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return nil, err
		}
		p.files = append(p.files, f)
		p.texts[f] = text
	}
	conf := types.Config{Importer: nothing{}, Error: func(error) {}, FakeImportC: true}
	conf.Check(s.ImportPath, p.fset, p.files, p.info)
	return p, nil
}

// nothing imports every package as an empty one.
type nothing struct{}

func (nothing) Import(path string) (*types.Package, error) {
	p := types.NewPackage(path, filepath.Base(path))
	p.MarkComplete()
	return p, nil
}

// edit inserts a text at an offset in bytes.
type edit struct {
	at   int
	text string
}

// rewrite returns the changed files by their names: a variable
//
//	var re = regexp.MustCompile("…")
//
// becomes a function that compiles once, and its uses become calls:
//
//	var re = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("…") })
//
// Lines stay where they are. A variable that is assigned to, or that a file of
// another system or an importing package mentions, is left alone.
func (p *pkg) rewrite(importers []*pkg) map[string][]byte {
	lazy := map[types.Object]bool{}
	edits := map[*ast.File][]edit{}
	for _, f := range p.files {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, s := range g.Specs {
				v := s.(*ast.ValueSpec)
				typ := p.compiles(f, v)
				if typ == "" || !p.replaceable(v.Names[0], importers) {
					continue
				}
				lazy[p.info.Defs[v.Names[0]]] = true
				edits[f] = append(edits[f],
					edit{p.offset(v.Values[0].Pos()), "lazyregexp_sync.OnceValue(func() " + typ + " { return "},
					edit{p.offset(v.Values[0].End()), " })"})
			}
		}
	}
	out := map[string][]byte{}
	for _, f := range p.files {
		declares := len(edits[f]) > 0
		ast.Inspect(f, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && lazy[p.info.Uses[id]] {
				edits[f] = append(edits[f], edit{p.offset(id.End()), "()"})
			}
			return true
		})
		if len(edits[f]) == 0 {
			continue
		}
		if declares {
			edits[f] = append(edits[f], edit{p.offset(f.Name.End()), `; import lazyregexp_sync "sync"`})
		}
		out[filepath.Base(p.fset.Position(f.Package).Filename)] = apply(p.texts[f], edits[f])
	}
	return out
}

func (p *pkg) offset(at token.Pos) int { return p.fset.Position(at).Offset }

// compiles returns the type of a variable whose value is a regular expression
// that is compiled at start, or a literal with some; "" for any other.
func (p *pkg) compiles(f *ast.File, v *ast.ValueSpec) string {
	if len(v.Names) != 1 || len(v.Values) != 1 || v.Type != nil || v.Names[0].Name == "_" {
		return ""
	}
	found := false
	ast.Inspect(v.Values[0], func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok {
			return false
		}
		if c, ok := n.(*ast.CallExpr); ok && isCompile(c) {
			found = true
		}
		return true
	})
	switch x := v.Values[0].(type) {
	case *ast.CallExpr:
		if isCompile(x) {
			return "*regexp.Regexp"
		}
	case *ast.CompositeLit:
		if found && x.Type != nil {
			return string(p.texts[f][p.offset(x.Type.Pos()):p.offset(x.Type.End())])
		}
	}
	return ""
}

// isCompile reports whether a call is one of regexp.MustCompile.
func isCompile(c *ast.CallExpr) bool {
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "MustCompile" {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == "regexp"
}

// replaceable reports whether all uses of a variable are known and read it.
func (p *pkg) replaceable(name *ast.Ident, importers []*pkg) bool {
	v := p.info.Defs[name]
	if v == nil {
		return false
	}
	ok := true
	for _, f := range p.files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, l := range n.Lhs {
					ok = ok && !p.is(l, v)
				}
			case *ast.UnaryExpr:
				ok = ok && !(n.Op == token.AND && p.is(n.X, v))
			}
			return ok
		})
	}
	word := regexp.MustCompile(`\b` + regexp.QuoteMeta(name.Name) + `\b`)
	for _, other := range p.IgnoredGoFiles {
		text, err := os.ReadFile(filepath.Join(p.Dir, other))
		ok = ok && err == nil && !word.Match(text)
	}
	if !name.IsExported() {
		return ok
	}
	for _, q := range importers {
		if !slices.ContainsFunc(q.files, func(f *ast.File) bool {
			return slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == fmt.Sprintf("%q", p.ImportPath) })
		}) {
			continue
		}
		for _, f := range q.files {
			ast.Inspect(f, func(n ast.Node) bool {
				if sel, is := n.(*ast.SelectorExpr); is && sel.Sel.Name == name.Name {
					ok = false
				}
				return ok
			})
		}
	}
	return ok
}

func (p *pkg) is(x ast.Expr, v types.Object) bool {
	id, ok := ast.Unparen(x).(*ast.Ident)
	return ok && p.info.Uses[id] == v
}

// apply inserts the edits.
func apply(text []byte, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.at, b.at) })
	var out []byte
	last := 0
	for _, e := range edits {
		out = append(out, text[last:e.at]...)
		out = append(out, e.text...)
		last = e.at
	}
	return append(out, text[last:]...)
}
