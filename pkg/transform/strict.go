package transform

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

// strictUse is a place that fails when a cache is not there: an rm without -f, a
// COPY --from of its directory, a pip cache purge.
type strictUse struct {
	in   *parse.Instruction
	seq  int              // index of the command in Facts.Calls, -1 for no command
	call *syntax.CallExpr // nil for no command
	word int              // index of the operand's word in the command
	what string           // for messages
}

// strictUses returns the places of the file that fail without the caches of a
// manager, in order.
func (p *Pass) strictUses(m *facts.Manager) []strictUse {
	return once(p, strictOf{m}, func() []strictUse { return p.findStrictUses(m) })
}

// strictOf is a key of once.
type strictOf struct{ *facts.Manager }

func (p *Pass) findStrictUses(m *facts.Manager) []strictUse {
	dirs := slices.Concat(m.Lists, m.Caches, m.Mounts)
	var list []strictUse
	for _, in := range p.File.Instructions {
		list = append(list, p.strictCopies(in, dirs)...)
		for _, v := range p.Facts.Invocations(in) {
			// Until pip 21.3: https://github.com/pypa/pip/pull/10459
			if m.Name == "pip" && v.Manager == m && (v.Role == facts.Clean || v.Verb == "cache" && len(v.Args) > 0 && v.Args[0].Text == "remove") {
				list = append(list, strictUse{in: in, seq: v.Seq, call: v.Call, what: p.line(in) + " calls pip cache purge, which fails in some releases if there is no cache"})
			}
		}
		calls := p.Facts.Calls(in)
		for i := range calls {
			call := &calls[i]
			if !strictCommand(call) {
				continue
			}
			for _, f := range call.Fields[1:] {
				if strings.HasPrefix(f.Text, "-") || !f.Known || !slices.ContainsFunc(dirs, func(d string) bool { return missedAt(f.Text, d) }) {
					continue
				}
				list = append(list, strictUse{in: in, seq: i, call: call.Expr, word: f.Word, what: p.line(in) + " calls " + call.Name() + " on " + f.Text + ", which must be there"})
			}
		}
	}
	return list
}

// strictCopies finds what a COPY --from or a bind mount takes from the
// directories of another stage.
func (p *Pass) strictCopies(in *parse.Instruction, dirs []string) []strictUse {
	var list []strictUse
	use := func(src string) {
		src = path.Join("/", src)
		for _, home := range []string{"/root/", "/home/"} {
			if rest, ok := strings.CutPrefix(src, home); ok {
				if home == "/home/" {
					_, rest, _ = strings.Cut(rest, "/")
				}
				src = "~/" + rest
				break
			}
		}
		if slices.ContainsFunc(dirs, func(d string) bool { return missedAt(src, d) }) {
			list = append(list, strictUse{in: in, seq: -1, what: p.line(in) + " copies " + src})
		}
	}
	if c := p.Facts.Copy(in); c != nil && c.From != "" {
		for _, s := range c.Sources {
			if s.Path.Known {
				use(s.Path.S)
			}
		}
	}
	for _, m := range bindMounts(in) {
		if m.From != "" && m.Source != "" {
			use(m.Source)
		}
	}
	return list
}

// strictCommand reports whether a command fails for operands that do not exist.
func strictCommand(c *facts.Call) bool {
	switch c.Name() {
	case "rm", "unlink", "rmdir":
		return !slices.ContainsFunc(c.Fields[1:], func(f facts.Field) bool {
			return f.Text == "--force" || strings.HasPrefix(f.Text, "-") && !strings.HasPrefix(f.Text, "--") && strings.Contains(f.Text, "f")
		})
	case "cp", "mv", "chown", "chmod", "chgrp", "du", "tar", "cd", "pushd", "find", "test", "[":
		return true
	}
	return false
}

// missedAt reports whether a path, which may be a pattern, may be missing when
// a cache directory is not there or empty.
func missedAt(p, dir string) bool {
	p = strings.TrimSuffix(p, "/")
	if p == "" || p == "~" {
		return false
	}
	base := p
	glob := strings.ContainsAny(p, "*?[")
	for strings.ContainsAny(base, "*?[") {
		base = path.Dir(base)
	}
	switch {
	case !strings.HasPrefix(p, "/") && !strings.HasPrefix(p, "~/"):
		// Relative to a directory that need not be known.
		first, _, _ := strings.Cut(p, "/")
		return strings.HasPrefix(first, ".") && len(first) > 2 && strings.Contains(dir, "/"+first)
	case facts.Below(base, dir):
		return true
	case !facts.Below(dir, base):
		return false
	}
	// A directory above the cache: in a home directory it may be there for the
	// cache alone.
	return strings.HasPrefix(base, "~/.") || glob && base == "/tmp"
}

// missed names a place behind a command of r that fails without what a
// manager leaves behind, "" if there is none. Commands of the same RUN count from
// index seq on; gone are words that a change takes out.
func (p *Pass) missed(r *Program, m *facts.Manager, seq int, gone []removal) string {
	st := r.State.Stage
	for _, u := range p.strictUses(m) {
		switch {
		case u.in == r.In:
			if u.seq < seq || slices.ContainsFunc(gone, func(g removal) bool { return g.call == u.call && (g.all || g.word == u.word) }) {
				continue
			}
		case u.in.Index < r.In.Index:
			continue
		case u.seq < 0:
			if !p.takesFrom(u.in, st) {
				continue
			}
		case !p.Facts.At(u.in).Stage.Descends(st):
			continue
		}
		return u.what
	}
	return ""
}

// takesFrom reports whether an instruction copies from a stage or from one that is
// built FROM it.
func (p *Pass) takesFrom(in *parse.Instruction, st *facts.Stage) bool {
	here := p.Facts.At(in).Stage
	if c := p.Facts.Copy(in); c != nil && c.From != "" && p.Facts.StageRef(c.From, here).Descends(st) {
		return true
	}
	for _, m := range bindMounts(in) {
		if m.From != "" && p.Facts.StageRef(m.From, here).Descends(st) {
			return true
		}
	}
	return false
}
