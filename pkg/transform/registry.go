package transform

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/refit-dev/refit/internal/lazy"
)

var registered []*Transform

// register adds a transform; each file of a transform calls it for a variable
// _, which makes one short function of all calls, where functions init would lie
// all over the program and be read from disk for nothing else. The transform is
// a variable of its own: the linker lays it out, if it is a literal of constants
// and functions (cmd/refit's TestPlain).
//
//go:noinline
func register(t *Transform) struct{} {
	if registered == nil {
		registered = make([]*Transform, 0, 128)
	}
	registered = append(registered, t)
	return struct{}{}
}

// ordered are the transforms in the order in which they run: by name, each
// behind those that its After names.
var ordered = lazy.Value[[]*Transform]{Make: func() []*Transform {
	all := slices.Clone(registered)
	slices.SortFunc(all, func(a, b *Transform) int { return strings.Compare(a.Name, b.Name) })
	out := make([]*Transform, 0, len(all))
	const visiting, visited = 1, 2
	state := make([]uint8, len(all))
	var visit func(i int)
	visit = func(i int) {
		t := all[i]
		switch state[i] {
		case visiting:
			panic("the order of transforms has a cycle at " + t.Name)
		case visited:
			return
		}
		state[i] = visiting
		for _, name := range t.After {
			dep, ok := slices.BinarySearchFunc(all, name, func(t *Transform, name string) int { return strings.Compare(t.Name, name) })
			if !ok {
				panic(t.Name + " is declared to run after " + name + ", which does not exist")
			}
			visit(dep)
		}
		state[i] = visited
		out = append(out, t)
	}
	for _, first := range [...]bool{true, false} {
		for i, t := range all {
			if i > 0 && all[i-1].Name == t.Name {
				panic("two transforms named " + t.Name)
			}
			if t.First == first {
				visit(i)
			}
		}
	}
	return out
}}

// All returns the transforms in the order in which they run.
func All() []*Transform { return slices.Clone(ordered.Get()) }

// Lookup finds transforms by name or code, case-insensitively. Several
// transforms may serve one code.
func Lookup(nameOrCode string) []*Transform {
	var out []*Transform
	for _, t := range ordered.Get() {
		if strings.EqualFold(t.Name, nameOrCode) {
			return []*Transform{t}
		}
		for _, c := range t.Codes {
			if strings.EqualFold(c, nameOrCode) {
				out = append(out, t)
				break
			}
		}
	}
	return out
}

// UnknownNameError names a transform or code that does not exist.
type UnknownNameError struct {
	Name    string
	Nearest string // the closest name, "" if none is close
}

// UnknownName is the error for a name or code that Lookup does not find.
func UnknownName(name string) *UnknownNameError {
	return &UnknownNameError{Name: name, Nearest: nearest(name)}
}

// foreignCode is the form of hadolint's and ShellCheck's codes.
var foreignCode = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp { return regexp.MustCompile(`(?i)^(DL|SC)\d{4}$`) }}

func (e *UnknownNameError) Error() string {
	if foreignCode.Get().MatchString(e.Name) { // the nearest number is about something else
		return fmt.Sprintf("no transform is about the rule %s; docs/coverage.md says of hadolint's rules which are covered and why others are not, `refit rules` lists the transforms", e.Name)
	}
	if e.Nearest != "" {
		return fmt.Sprintf("no transform or code is named %q; did you mean %q? `refit rules` lists them", e.Name, e.Nearest)
	}
	return fmt.Sprintf("no transform or code is named %q; `refit rules` lists them", e.Name)
}

// selection is what a run executes: for each transform whether its unsafe
// changes are asked for by name.
type selection struct {
	list  []*Transform
	named map[*Transform]bool
}

// without returns the selection less the transforms that lines of the form
// "name: why" name.
func (sel selection) without(lines []string) selection {
	out := selection{named: sel.named}
	for _, t := range sel.list {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, t.Name+": ") }) {
			out.list = append(out.list, t)
		}
	}
	return out
}

// choose applies Select and Ignore.
func choose(opt *Options) (selection, error) {
	sel := selection{named: map[*Transform]bool{}}
	if opt.None {
		return sel, nil
	}
	ignored := map[*Transform]bool{}
	for _, names := range [][]string{opt.Select, opt.Ignore} {
		for _, n := range names {
			ts := Lookup(n)
			if len(ts) == 0 {
				return sel, UnknownName(n)
			}
		}
	}
	for _, n := range opt.Ignore {
		for _, t := range Lookup(n) {
			ignored[t] = true
		}
	}
	for _, n := range opt.Select {
		for _, t := range Lookup(n) {
			sel.named[t] = true
		}
	}
	all := ordered.Get()
	sel.list = make([]*Transform, 0, len(all))
	for _, t := range all {
		if ignored[t] || len(opt.Select) == 0 && t.Off || len(opt.Select) > 0 && !sel.named[t] {
			continue
		}
		sel.list = append(sel.list, t)
	}
	return sel, nil
}

// nearest finds the name or code with the smallest edit distance, if it is
// small.
func nearest(s string) string {
	best, bestDist := "", len(s)/3+2
	consider := func(name string) {
		if d := levenshtein.Distance(strings.ToLower(s), strings.ToLower(name), nil); d < bestDist {
			best, bestDist = name, d
		}
	}
	for _, t := range ordered.Get() {
		consider(t.Name)
		for _, c := range t.Codes {
			consider(c)
		}
	}
	return best
}
