package facts

import (
	"hash/maphash"
	"slices"
	"strings"

	bkshell "github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/refit-dev/refit/pkg/parse"
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

	depth int      // how many there are below it
	index *envNode // of the whole chain, from longChain variables on
}

// longChain is from how many variables on a chain has an index: most files have
// fewer.
const longChain = 32

// push puts a variable in front of a chain.
func (e *env) push(name string, v Value, arg bool) *env {
	n := &env{up: e, name: name, value: v, arg: arg}
	if e != nil {
		n.depth = e.depth + 1
	}
	switch {
	case n.depth < longChain:
	case e.index != nil:
		n.index = e.index.with(n, maphash.String(envSeed, name), 0)
	default:
		for _, o := range n.chain() {
			n.index = n.index.with(o, maphash.String(envSeed, o.name), 0)
		}
	}
	return n
}

// chain lists a chain, oldest first.
func (e *env) chain() []*env {
	var out []*env
	for ; e != nil; e = e.up {
		out = append(out, e)
	}
	slices.Reverse(out)
	return out
}

// find returns the newest variable of a name, or nil.
func (e *env) find(name string) *env {
	if e != nil && e.index != nil {
		return e.index.find(name, maphash.String(envSeed, name))
	}
	for ; e != nil; e = e.up {
		if e.name == name {
			return e
		}
	}
	return nil
}

func (e *env) lookup(name string) (Value, bool) {
	if e = e.find(name); e == nil {
		return Value{}, false
	}
	return e.value, true
}

// envNode is a node of a binary trie over the hashes of names. Tries share what
// they have in common, as chains do: a file of n variables has n of them.
type envNode struct {
	at   *env
	next [2]*envNode
}

var envSeed = maphash.MakeSeed()

// with is the trie with a variable that shadows others of its name. bit counts
// the bits of the hash that led to n.
func (n *envNode) with(e *env, hash uint64, bit int) *envNode {
	if n == nil {
		return &envNode{at: e}
	}
	c := *n
	if c.at.name == e.name {
		c.at = e
		return &c
	}
	// Beyond the last bit, names of the same hash follow each other.
	side := hash >> bit & 1
	c.next[side] = c.next[side].with(e, hash, bit+1)
	return &c
}

func (n *envNode) find(name string, hash uint64) *env {
	for ; n != nil; hash >>= 1 {
		if n.at.name == name {
			return n.at
		}
		n = n.next[hash&1]
	}
	return nil
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
	word = parse.ValidWord(word)
	g := &getter{env: e}
	s, _, err := bkshell.NewLex(rune(escape)).ProcessWord(word, g)
	if err != nil || g.unknown {
		return Value{}
	}
	return Value{S: s, Known: true, Default: g.dflt}
}
