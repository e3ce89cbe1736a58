package transform

import (
	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

// Draft is what the selected transforms propose for one text, none of it
// checked yet. An editor lists many proposals and applies one, and a check
// costs a parse of the whole file, so that Check is left to the moment when a
// change is asked for. One goroutine at a time may use a Draft: its facts and
// scripts are computed when they are asked for.
type Draft struct {
	Changes []Change // safe and unsafe ones; their edits refer to the text
	Advice  []Change
	Skips   []Skip

	v   *version
	opt Options
}

// Open parses a text and runs the selected transforms on it. Unsafe changes are
// included whatever Options.Unsafe says. Errors are those of Run.
func Open(src []byte, opt Options) (draft *Draft, err error) {
	defer catch(&err)
	sel, err := choose(&opt)
	if err != nil {
		return nil, err
	}
	v, err := load(src, &opt)
	if err != nil {
		return nil, err
	}
	opt.settle(v)
	d := &Draft{v: v, opt: opt}
	var changes []Change
	changes, d.Skips, _ = propose(v, sel, &d.opt)
	for _, c := range changes {
		c.Round = 1
		c.Pos, c.End = v.file.Position(c.At.Start), v.file.Position(c.At.End)
		if c.Safety == Advice {
			d.Advice = append(d.Advice, c)
		} else {
			d.Changes = append(d.Changes, c)
		}
	}
	return d, nil
}

// File is the tree of the text.
func (d *Draft) File() *parse.File { return d.v.file }

// Facts are the facts of the text.
func (d *Draft) Facts() *facts.Facts { return d.v.facts }

// Programs returns the RUN instructions of the text whose programs are
// understood, for edits that no transform proposes.
func (d *Draft) Programs() []*Program {
	return newPass(d.v, &d.opt).Programs()
}

// Check applies a change of the draft alone and returns it with its
// Comparison, or says which of the engine's checks it fails.
func (d *Draft) Check(c Change) (Change, error) {
	_, cmp, err := check(d.v, []Change{c}, &d.opt)
	if err != nil {
		return c, err
	}
	c.Comparison = &cmp
	return c, nil
}

// Layout lays the text out, as Run does with None and Format, without parsing it
// again. lines is Options.Lines.
func (d *Draft) Layout(style emit.Style, lines [][2]int) *Result {
	opt := d.opt
	opt.None, opt.Format, opt.Lines = true, &style, lines
	e := newEngine(d.v, &opt, selection{})
	e.layout()
	return e.finish()
}
