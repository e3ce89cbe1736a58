package transform

import (
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/refit-dev/refit/pkg/parse"
)

// quiet is what a file's comments ask not to be changed: refit's own pragmas
// (# refit: ignore=NAME -- reason, # refit: skip, # refit: off … on),
// hadolint's (# hadolint ignore=DL3059, # hadolint global ignore=…) and
// BuildKit's directive (# check=skip=NAME;error=…).
type quiet struct {
	global []string
	at     map[int][]*ignore // by instruction index
	off    []parse.Span
}

// ignore is one name in a comment at an instruction; "*" is everything.
type ignore struct {
	name string
	at   parse.Span // of the comment
	ours bool       // a pragma of refit
	used bool       // something was proposed that it names
}

// suppressions reads the pragmas of a file.
func suppressions(f *parse.File) quiet {
	q := quiet{at: map[int][]*ignore{}}
	for _, d := range f.Directives {
		if d.Name != "check" {
			continue
		}
		for _, opt := range strings.Split(d.Value, ";") {
			if k, v, ok := strings.Cut(opt, "="); ok && strings.EqualFold(strings.TrimSpace(k), "skip") {
				q.global = append(q.global, list(strings.ReplaceAll(v, "all", "*"))...)
			}
		}
	}
	offAt := -1
	for _, t := range f.Tiles {
		switch t.Kind {
		case parse.TileComment:
			key, val := pragma(t.Text(f.Src))
			switch {
			case key == "refit off" && offAt < 0:
				offAt = t.Start
			case key == "refit on" && offAt >= 0:
				q.off = append(q.off, parse.Span{Start: offAt, End: t.Start})
				offAt = -1
			case key == "hadolint global ignore":
				q.global = append(q.global, list(val)...)
			}
		case parse.TileInstruction:
			in := t.Instruction
			for _, spans := range [][]parse.Span{in.Lead, in.Comments} {
				for _, sp := range spans {
					key, val := pragma(sp.Text(f.Src))
					names := list(val)
					switch key {
					case "refit skip":
						names = []string{"*"}
					case "refit ignore", "hadolint ignore":
					default:
						continue
					}
					for _, n := range names {
						q.at[in.Index] = append(q.at[in.Index], &ignore{name: n, at: sp, ours: strings.HasPrefix(key, "refit")})
					}
				}
			}
		}
	}
	if offAt >= 0 {
		q.off = append(q.off, parse.Span{Start: offAt, End: len(f.Src)})
	}
	return q
}

// pragma reads a comment line: "refit ignore", "hadolint global ignore", … and
// the value behind the equals sign.
func pragma(comment string) (key, value string) {
	c := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(comment), "#"))
	tool := ""
	switch {
	case strings.HasPrefix(c, "refit:"):
		tool, c = "refit ", strings.TrimPrefix(c, "refit:")
	case strings.HasPrefix(c, "hadolint "):
		tool, c = "hadolint ", strings.TrimPrefix(c, "hadolint ")
	default:
		return "", ""
	}
	c, _, _ = strings.Cut(c, " -- ")
	k, v, _ := strings.Cut(c, "=")
	return tool + strings.Join(strings.Fields(k), " "), v
}

func list(s string) []string {
	var out []string
	for _, v := range strings.Split(s, ",") {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// covers says why a change must not be made, or "".
func (q *quiet) covers(f *parse.File, c *Change) string {
	if len(q.global) == 0 && len(q.at) == 0 && len(q.off) == 0 {
		return ""
	}
	names := func(n string) bool {
		if n == "*" {
			return true
		}
		for _, t := range Lookup(n) {
			if t.Name == c.Transform {
				return true
			}
		}
		return false
	}
	if slices.ContainsFunc(q.global, names) {
		return "the file asks not to change this"
	}
	spans := []parse.Span{c.At}
	for _, e := range c.Edits {
		spans = append(spans, e.Span)
	}
	for _, sp := range spans {
		if i := sort.Search(len(q.off), func(i int) bool { return sp.Start < q.off[i].End }); i < len(q.off) && q.off[i].Start <= sp.End {
			return "between # refit: off and on"
		}
		first := sort.Search(len(f.Instructions), func(i int) bool { return sp.Start < f.Instructions[i].End })
		for _, in := range f.Instructions[first:] {
			if in.Start >= max(sp.End, sp.Start+1) {
				break
			}
			for _, ig := range q.at[in.Index] {
				if names(ig.name) {
					ig.used = true
					return "a comment at the instruction asks not to change this"
				}
			}
		}
	}
	return ""
}

// unused reports the pragmas of refit that name a transform that does not
// exist, or that ran and neither proposed nor skipped anything there or at the
// next instruction, which a merge would join.
func (q *quiet) unused(f *parse.File, sel selection, skips []Skip) []Change {
	var out []Change
	skipped := sync.OnceValue(func() map[string][]int { return skippedAt(skips) })
	for _, in := range f.Instructions {
		for _, ig := range q.at[in.Index] {
			if !ig.ours || ig.used || ig.name == "*" {
				continue
			}
			c := Change{Transform: "pragma", At: ig.at, Before: ig.at.Text(f.Src)}
			switch ts := Lookup(ig.name); {
			case len(ts) == 0:
				c.Title, c.Reason = "the comment names no transform", UnknownName(ig.name).Error()
			case slices.ContainsFunc(ts, func(t *Transform) bool { return slices.Contains(sel.list, t) }):
				end := in.End
				if in.Index+1 < len(f.Instructions) {
					end = f.Instructions[in.Index+1].End
				}
				if slices.ContainsFunc(ts, func(t *Transform) bool {
					at := skipped()[t.Name]
					i := sort.SearchInts(at, in.Start)
					return i < len(at) && at[i] < end
				}) {
					continue
				}
				c.Title, c.Reason = "the comment ignores nothing", ig.name+" proposes no change of this instruction; the comment can go"
			default:
				continue
			}
			out = append(out, c)
		}
	}
	return out
}

// skippedAt gives where transforms skipped something, in order.
func skippedAt(skips []Skip) map[string][]int {
	out := map[string][]int{}
	for _, s := range skips {
		out[s.Transform] = append(out[s.Transform], s.At.Start)
	}
	for _, at := range out {
		slices.Sort(at)
	}
	return out
}
