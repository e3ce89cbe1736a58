package facts

import (
	"iter"
	"path"
	"slices"
	"sort"

	"github.com/refit-dev/refit/pkg/parse"
)

// CopyIndex finds among the COPY and ADD instructions of stages that are FROM
// each other those that may bring a path, without asking each of them.
type CopyIndex struct {
	fs    *Facts
	ctx   *Context
	list  []*Copy // in order
	below map[string][]int
	at    map[string][]int // those that bring single files, by where they may come to lie
	dests map[string][]int // all whose destination is known, by it
	under map[string][]int // the same, by the directory that it lies in
	vague []int            // those of which nothing is known beforehand
}

// NewCopyIndex makes the index of a stage without a parent and all stages that
// are FROM it. ctx may be nil.
func (fs *Facts) NewCopyIndex(root *Stage, ctx *Context) *CopyIndex {
	x := &CopyIndex{fs: fs, ctx: ctx, below: map[string][]int{}, at: map[string][]int{}, dests: map[string][]int{}, under: map[string][]int{}}
	for _, s := range fs.Stages {
		if s.root != root {
			continue
		}
		for _, in := range s.Instructions {
			if c := fs.Copy(in); c != nil {
				x.add(c)
			}
		}
	}
	return x
}

func (x *CopyIndex) add(c *Copy) {
	n := len(x.list)
	x.list = append(x.list, c)
	if !c.Dest.Known {
		x.vague = append(x.vague, n)
		return
	}
	x.dests[c.Dest.S] = append(x.dests[c.Dest.S], n)
	dir := path.Dir(c.Dest.S)
	x.under[dir] = append(x.under[dir], n)
	for i := range c.Sources {
		s := &c.Sources[i]
		switch where := x.where(c, s); where {
		case inVague:
			x.vague = append(x.vague, n)
		case inBelow:
			x.below[c.Dest.S] = append(x.below[c.Dest.S], n)
		case inAt:
			for _, p := range [...]string{c.Dest.S, c.fileTarget(s.Path.S)} {
				x.at[p] = append(x.at[p], n)
			}
		}
	}
}

const (
	inVague = iota // any path
	inBelow        // its destination and what lies below
	inAt           // one file: the destination or its name there
)

// where tells for which paths Origin may say anything but No for a source, in
// its own terms.
func (x *CopyIndex) where(c *Copy, s *CopySource) int {
	switch {
	case c.From != "" || s.Kind == RemoteSource && c.Add:
		return inBelow
	case !s.Path.Known:
		return inVague
	case s.Kind == HeredocSource:
		return inAt
	case c.Parents:
		return inBelow
	case s.Glob && x.ctx != nil:
		if _, ok := x.ctx.Glob(s.Path.S); !ok {
			return inVague
		}
		return inBelow
	case s.Glob && hasWildcards(path.Dir(s.Path.S)):
		return inVague
	case s.Glob || s.Dir:
		return inBelow
	case c.Add && archive(x.ctx, s.Path.S):
		return inBelow
	case x.ctx != nil && !x.ctx.IsDir(s.Path.S), x.ctx == nil && !mayBeDir(path.Base(s.Path.S)):
		return inAt
	}
	return inBelow
}

// Before lists the instructions before another in its stage and its parents
// that may bring what lies at an absolute path, the last first. What Origin
// says No to may be among them; all others are.
func (x *CopyIndex) Before(in *parse.Instruction, p string) iter.Seq[*Copy] {
	return x.bringing(x.fs.At(in).Stage, in.Index, p)
}

func (x *CopyIndex) bringing(st *Stage, before int, p string) iter.Seq[*Copy] {
	lists := [][]int{x.vague, x.at[p]}
	for dir := range upwards(p) {
		lists = append(lists, x.below[dir])
	}
	return x.merged(st, before, lists)
}

// Onto is Before with those whose destination is a directory or lies above it,
// whatever they bring.
func (x *CopyIndex) Onto(in *parse.Instruction, p, dir string) iter.Seq[*Copy] {
	lists := [][]int{x.vague, x.at[p]}
	for d := range upwards(p) {
		lists = append(lists, x.below[d])
	}
	for d := range upwards(dir) {
		lists = append(lists, x.dests[d])
	}
	return x.merged(x.fs.At(in).Stage, in.Index, lists)
}

// Origin is Tree.Origin for what the instructions before another bring.
func (x *CopyIndex) Origin(in *parse.Instruction, p string) (from string, by *Copy, has Presence) {
	return x.Tree(x.fs.At(in).Stage, in.Index).Origin(p)
}

// Tree is what the instructions of a stage and its parents bring, up to the
// instruction with an index of the file, that one excluded.
func (x *CopyIndex) Tree(st *Stage, before int) *Tree {
	return &Tree{Context: x.ctx, index: x, stage: st, before: before}
}

// upwards lists a path and the directories above it.
func upwards(p string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for yield(p) && p != "/" {
			up := path.Dir(p)
			if up == p || up == "." {
				up = "/"
			}
			p = up
		}
	}
}

// merged goes through several sorted lists at once, from what stands before an
// index of the file backwards.
func (x *CopyIndex) merged(st *Stage, before int, lists [][]int) iter.Seq[*Copy] {
	return func(yield func(*Copy) bool) {
		end := sort.Search(len(x.list), func(i int) bool { return x.list[i].Instruction.Index >= before })
		lists := slices.Clone(lists)
		for i, list := range lists {
			lists[i] = list[:sort.SearchInts(list, end)]
		}
		for {
			last := -1
			for _, list := range lists {
				if len(list) > 0 {
					last = max(last, list[len(list)-1])
				}
			}
			if last < 0 {
				return
			}
			for i, list := range lists {
				for len(list) > 0 && list[len(list)-1] == last {
					list = list[:len(list)-1]
				}
				lists[i] = list
			}
			if c := x.list[last]; st.Descends(x.fs.At(c.Instruction).Stage) && !yield(c) {
				return
			}
		}
	}
}
