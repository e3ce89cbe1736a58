package transform

// Proposals are the changes that are possible in a text, each checked alone.
type Proposals struct {
	Changes  []Change // safe and unsafe ones; their edits refer to the text
	Advice   []Change
	Skips    []Skip
	Internal []string // changes that failed a check
}

// Propose returns the changes that the selected transforms propose for a text,
// without applying any: for code actions and review suggestions. Unsafe
// changes are included whatever Options.Unsafe says. Errors are those of Run.
func Propose(src []byte, opt Options) (*Proposals, error) {
	sel, err := choose(&opt)
	if err != nil {
		return nil, err
	}
	v, err := load(src, &opt)
	if err != nil {
		return nil, err
	}
	changes, skips := propose(v, sel, &opt)
	out := &Proposals{Skips: skips}
	for _, c := range changes {
		c.Round = 1
		c.Pos, c.End = v.file.Position(c.At.Start), v.file.Position(c.At.End)
		if c.Safety == Advice {
			out.Advice = append(out.Advice, c)
			continue
		}
		_, cmp, err := check(v, []Change{c}, &opt)
		if err != nil {
			out.Internal = append(out.Internal, c.Title+" ("+c.Transform+"): "+err.Error())
			continue
		}
		c.Comparison = &cmp
		out.Changes = append(out.Changes, c)
	}
	return out, nil
}
