package facts

import (
	"strings"

	bkshell "github.com/moby/buildkit/frontend/dockerfile/shell"
)

// Value is a string that may be unknown, or certain only as long as nobody
// overrides an ARG's default at build time.
type Value struct {
	S       string
	Known   bool // S is the value, as far as the file tells
	Default bool // S depends on the default of an ARG that --build-arg can override
}

// Certain reports whether no build can give another value.
func (v Value) Certain() bool { return v.Known && !v.Default }

func known(s string) Value { return Value{S: s, Known: true} }

// env is the chain of variables that ENV and ARG have set, newest first.
type env struct {
	up    *env
	name  string
	value Value
	arg   bool
}

func (e *env) lookup(name string) (Value, bool) {
	for ; e != nil; e = e.up {
		if e.name == name {
			return e.value, true
		}
	}
	return Value{}, false
}

// getter serves the chain to BuildKit's word expansion and notes what it
// found.
type getter struct {
	env     *env
	unknown bool
	dflt    bool
}

func (g *getter) Get(name string) (string, bool) {
	v, ok := g.env.lookup(name)
	if !ok || !v.Known {
		g.unknown = true
		return "", false
	}
	g.dflt = g.dflt || v.Default
	return v.S, true
}

func (g *getter) Keys() []string { return nil }

// expand gives a word's value as BuildKit expands it. A variable that nothing
// in the file sets may come from the base image: the value is unknown.
func expand(word string, escape byte, e *env) Value {
	if !strings.ContainsAny(word, "$\"'"+string(escape)) {
		return known(word)
	}
	g := &getter{env: e}
	s, _, err := bkshell.NewLex(rune(escape)).ProcessWord(word, g)
	if err != nil || g.unknown {
		return Value{}
	}
	return Value{S: s, Known: true, Default: g.dflt}
}
