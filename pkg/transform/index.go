package transform

import (
	"index/suffixarray"
	"slices"
	"sort"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

// What transforms ask of the whole file for each of its instructions is looked
// up here, so that a file of thousands of instructions is not searched
// thousands of times.

// manyTexts is how many texts are searched for in all instructions before that
// is worth an index of its own.
const manyTexts = 64

// texts finds those of several texts that contain another.
type texts struct {
	size   int
	item   func(i int) string
	found  map[string][]int
	index  *suffixarray.Index // of all texts, one behind the other; made for the search after the first manyTexts
	starts []int              // where each text starts in it, and where they end
}

func newTexts(size int, item func(i int) string) texts {
	return texts{size: size, item: item, found: map[string][]int{}}
}

// with lists the texts that contain another, in order.
func (t *texts) with(text string) []int {
	list, ok := t.found[text]
	if !ok {
		if len(t.found) < manyTexts || text == "" {
			for i := range t.size {
				if strings.Contains(t.item(i), text) {
					list = append(list, i)
				}
			}
		} else {
			list = t.search(text)
		}
		t.found[text] = list
	}
	return list
}

func (t *texts) search(text string) []int {
	if t.index == nil {
		var all []byte
		for i := range t.size {
			t.starts = append(t.starts, len(all))
			all = append(all, t.item(i)...)
		}
		t.starts = append(t.starts, len(all))
		t.index = suffixarray.New(all)
	}
	var out []int
	for _, at := range t.index.Lookup([]byte(text), -1) {
		i := sort.SearchInts(t.starts, at+1) - 1
		if at+len(text) <= t.starts[i+1] { // not across two texts
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// textsOf is a key of once.
type textsOf struct{}

// mentioning returns the indexes of the instructions whose arguments contain a
// text, in order.
func (p *Pass) mentioning(text string) []int {
	return once(p, textsOf{}, func() *texts {
		list := p.File.Instructions
		t := newTexts(len(list), func(i int) string { return list[i].Args.Value })
		return &t
	}).with(text)
}

// instructionsWith returns the indexes of the instructions whose arguments are
// as wanted, in order.
func (p *Pass) instructionsWith(want func(args string) bool) []int {
	var out []int
	for _, in := range p.File.Instructions {
		if want(in.Args.Value) {
			out = append(out, in.Index)
		}
	}
	return out
}

// globsOf is a key of once: the extension of the files that are globbed.
type globsOf string

// mayUse returns the first instruction from an index on that may use a file: it
// names it, or has a glob for its kind.
func (p *Pass) mayUse(base string, from int, except *parse.Instruction) *parse.Instruction {
	lists := [][]int{p.mentioning(base)}
	for _, ext := range globbed {
		if strings.HasSuffix(base, ext) {
			lists = append(lists, once(p, globsOf(ext), func() []int {
				return p.instructionsWith(func(args string) bool { return mayGlob(args, ext) })
			}))
		}
	}
	return p.next(from, except, lists...)
}

// next returns the first instruction from an index on that is in one of several
// sorted lists of indexes and is not another.
func (p *Pass) next(from int, except *parse.Instruction, lists ...[]int) *parse.Instruction {
	all := p.File.Instructions
	first := firstFrom(from, len(all), lists...)
	if first < len(all) && all[first] == except {
		first = firstFrom(first+1, len(all), lists...)
	}
	if first == len(all) {
		return nil
	}
	return all[first]
}

// firstFrom returns the least number in several sorted lists that is not below
// from, or none.
func firstFrom(from, none int, lists ...[]int) int {
	for _, list := range lists {
		if i := sort.SearchInts(list, from); i < len(list) {
			none = min(none, list[i])
		}
	}
	return none
}

// called is a call of a command.
type called struct {
	in   *parse.Instruction
	call *facts.Call
}

// callsOf is a key of once: the names.
type callsOf string

// calls lists the calls of commands in the file, in order.
func (p *Pass) calls(names ...string) []called {
	return once(p, callsOf(strings.Join(names, " ")), func() []called {
		var out []called
		for _, in := range p.File.Instructions {
			calls := p.Facts.Calls(in)
			for i := range calls {
				if slices.Contains(names, calls[i].Name()) {
					out = append(out, called{in, &calls[i]})
				}
			}
		}
		return out
	})
}

// installedBy is a key of once.
type installedBy struct{}

// installer returns the instruction with an index below before that installs a
// package of the system by its name: the first of the stage, or else of the
// nearest of its parents that has one.
func (p *Pass) installer(s *facts.Stage, before int, name string) *parse.Instruction {
	list := once(p, installedBy{}, func() map[string][]*parse.Instruction {
		all := map[string][]*parse.Instruction{}
		for _, in := range p.File.Instructions {
			for _, v := range p.Facts.Invocations(in) {
				if !v.Manager.System || v.Role != facts.Install {
					continue
				}
				for _, f := range v.Args {
					all[f.Text] = append(all[f.Text], in)
				}
			}
		}
		return all
	})[name]
	for i := sort.Search(len(list), func(i int) bool { return list[i].Index >= before }) - 1; i >= 0; i-- {
		if st := p.Facts.At(list[i]).Stage; s.Descends(st) {
			return list[sort.Search(i, func(k int) bool { return list[k].Index > st.From.Index })]
		}
	}
	return nil
}
