package transform

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

// What deps-first asks of the other instructions of a stage, found out once.

// workspaceCopies is a key of once.
type workspaceCopies struct{}

// bringsWorkspace lists the copies of the file that bring a file that
// isWorkspaceFile tells, in order.
func (p *Pass) bringsWorkspace() []*facts.Copy {
	return once(p, workspaceCopies{}, func() []*facts.Copy {
		var out []*facts.Copy
		for _, in := range p.File.Instructions {
			if c := p.Facts.Copy(in); c != nil && slices.ContainsFunc(c.Sources, func(s facts.CopySource) bool { return isWorkspaceFile(path.Base(s.Path.S)) }) {
				out = append(out, c)
			}
		}
		return out
	})
}

// copiedDirsOf is a key of once.
type copiedDirsOf struct{ *facts.Stage }

// copiedDirs are the indexes of the instructions of a stage that copy
// directories from the build context, by their destination and by the
// directories above that.
type copiedDirs struct{ at, below map[string][]int }

func (p *Pass) copiedDirs(st *facts.Stage) copiedDirs {
	return once(p, copiedDirsOf{st}, func() copiedDirs {
		d := copiedDirs{map[string][]int{}, map[string][]int{}}
		for _, c := range p.ownCopies(st) {
			if !c.Local() || !c.Dest.Known || !slices.ContainsFunc(c.Sources, func(s facts.CopySource) bool {
				return s.Dir || s.Path.S == "." || !strings.Contains(path.Base(s.Path.S), ".")
			}) {
				continue
			}
			i := c.Instruction.Index
			d.at[c.Dest.S] = append(d.at[c.Dest.S], i)
			for dir := c.Dest.S; dir != path.Dir(dir); {
				dir = path.Dir(dir)
				d.below[dir] = append(d.below[dir], i)
			}
		}
		return d
	})
}

// project is what an install without files of its own installs.
type project struct {
	ecosystem *facts.Ecosystem
	dir       string
}

// installedIn is a key of once.
type installedIn struct{ *facts.Stage }

// again says that an earlier RUN has installed the same project already: this
// one is there for what has been copied since.
func (o *reorder) again() string {
	p, st := o.p, o.r.State.Stage
	first := once(p, installedIn{st}, func() map[project]*parse.Instruction {
		first := map[project]*parse.Instruction{}
		for _, in := range st.Instructions {
			r, _ := p.Program(in)
			if r == nil || in.Child != nil {
				continue
			}
			for _, d := range p.programUses(r).installs {
				if k := (project{d.Ecosystem, d.Dir}); len(d.Files) == 0 && first[k] == nil {
					first[k] = in
				}
			}
		}
		return first
	})
	var earliest *parse.Instruction
	for _, mine := range o.installs {
		if len(mine.Files) > 0 {
			continue
		}
		in := first[project{mine.Ecosystem, mine.Dir}]
		if in != nil && in.Index < o.r.In.Index && (earliest == nil || in.Index < earliest.Index) {
			earliest = in
		}
	}
	if earliest == nil {
		return ""
	}
	return fmt.Sprintf("line %d has installed the dependencies already", earliest.StartLine)
}
