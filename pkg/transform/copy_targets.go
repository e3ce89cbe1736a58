package transform

import (
	"path"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

// copyTarget is a file or directory that a COPY makes.
type copyTarget struct {
	in   *parse.Instruction
	path string // resolved
	dir  bool   // its destination is a directory by its spelling
	file bool   // it copies one file to one path, as far as the names tell
}

// copiesBefore returns the COPY and ADD instructions from the build context or
// another stage that stand right before a RUN, metadata aside.
func (p *Pass) copiesBefore(in *parse.Instruction) []copyTarget {
	var out []copyTarget
	for i := in.Index - 1; i >= 0; i-- {
		o := p.File.Instructions[i]
		switch o.Name {
		case "LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "STOPSIGNAL", "HEALTHCHECK", "MAINTAINER":
			continue
		case "COPY":
		default:
			return out
		}
		if len(o.Words) < 2 || len(o.Heredocs) > 0 {
			return out
		}
		dest := p.Facts.Expand(o.Words[len(o.Words)-1].Value, o)
		full := p.Facts.At(o).Resolve(dest.S)
		if !dest.Certain() || !full.Certain() {
			return out
		}
		t := copyTarget{in: o, path: full.S}
		t.dir = strings.HasSuffix(dest.S, "/") || dest.S == "." || len(o.Words) > 2
		src := o.Words[0].Value
		if len(o.Words) == 2 && !strings.ContainsAny(src, "*?[$") && strings.Contains(path.Base(src), ".") && path.Base(src) != "." {
			if t.dir {
				t.path, t.dir, t.file = path.Join(full.S, path.Base(src)), false, true
			} else {
				t.file = (namesFile(full.S) || path.Base(src) == path.Base(full.S)) && !p.Facts.KnownDir(full.S, o)
			}
		}
		if ctx := p.Options.Context; ctx != nil && o.Flag("from") == nil && len(o.Words) == 2 && !strings.ContainsAny(src, "*?[$") {
			t.file = ctx.Exists(src) && !ctx.IsDir(src)
			if t.file && t.dir {
				t.path, t.dir = path.Join(full.S, path.Base(src)), false
			}
		}
		out = append(out, t)
	}
	return out
}

// namesFile reports whether a path without a slash at its end looks like a
// file's: it has an extension, which /etc/nginx/conf.d, /root/.ssh and
// /opt/tomcat-9.0 have not.
func namesFile(p string) bool {
	ext := strings.TrimPrefix(path.Ext(strings.TrimLeft(path.Base(p), ".")), ".")
	return ext != "" && ext != "d" && strings.Trim(ext[:1], "0123456789") != ""
}

// setFlag proposes to give a COPY a flag and to take the command out of the
// RUN that did its work.
func (p *Pass) setFlag(r *Program, call *facts.Call, ts []copyTarget, flag string, c Change) {
	for _, t := range ts {
		at := t.in.Keyword.End
		c.Edits = append(c.Edits, emit.Edit{Span: parse.Span{Start: at, End: at}, New: " " + flag})
		text := t.in.Name + " " + flag
		for _, fl := range t.in.Flags {
			text += " " + fl.Text(p.File.Src)
		}
		c.Effects = append(c.Effects, plan.Replace{Instr: t.in.Index, Text: text + " " + t.in.Args.Value})
	}
	if len(r.Cmds) == 1 && len(r.Tree.Stmts) == 1 && len(call.Stmt.Redirs) == 0 && len(r.In.Heredocs) == 0 && !call.Stmt.Negated {
		c.Edits = append(c.Edits, p.removal(r.In))
		c.Effects = append(c.Effects, plan.Remove{Instr: r.In.Index})
		p.Report(c)
		return
	}
	edits, effects, err := r.DropCommand(call.Expr)
	if err != nil {
		p.Skip(r.Span(call.Expr), "%v", err)
		return
	}
	c.Edits, c.Effects = append(c.Edits, edits...), append(c.Effects, effects...)
	p.Report(c)
}

// operandTargets finds for each operand of chmod or chown, from field first on,
// the COPY that makes exactly that file; ok is false if one is missing.
func (p *Pass) operandTargets(c *facts.Call, first int, targets []copyTarget, st *facts.State) (ts []copyTarget, ok bool) {
	for _, f := range c.Fields[first:] {
		if !f.Known || f.Glob {
			return nil, false
		}
		full := p.Facts.ResolveField(st, f.Text)
		found := false
		for _, t := range targets {
			if full.Certain() && t.path == full.S && t.file {
				// The last COPY to the path counts.
				ts, found = append(ts, t), true
				break
			}
		}
		if !found {
			return nil, false
		}
	}
	return ts, len(ts) > 0
}

// firstCommand reports whether a call is the first command of the RUN, apart
// from set and other calls of the same name, so that nothing can have seen the
// file in its old state.
func firstCommand(calls []facts.Call, i int) bool {
	for j := range calls[:i] {
		if n := calls[j].Name(); n != "set" && n != "chmod" && n != "chown" {
			return false
		}
	}
	return calls[i].Path.Always() && !calls[i].Path.Subshell()
}
