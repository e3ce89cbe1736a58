package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/transform"
	"github.com/refit-dev/refit/pkg/workspace"
)

// interactive asks about each change of each file in turn, as git add -p does,
// and writes what was accepted.
type interactive struct {
	*job
	in       *bufio.Reader
	skipped  map[string]bool // transforms that are not asked about again
	accepted []transform.Change
}

const answersHelp = `y - make this change
n - do not make it
a - make it and all later ones in this file
d - do not make it, nor any later one in this file
s - skip all changes of this transform
q - quit: do not make it, nor anything after it; what was accepted is kept
? - show this help
`

// run asks about all files. The error is errQuit when the user quits.
func (i *interactive) run(files []workspace.File) error {
	for _, f := range files {
		i.tally.files++
		if err := i.file(f); err != nil {
			return err
		}
	}
	return nil
}

// file asks about one file.
func (i *interactive) file(f workspace.File) error {
	o := &outcome{file: f, name: f.Path}
	var opt transform.Options
	if o.src, o.err = workspace.Load(f.Path); o.err == nil {
		if opt, o.err = i.options(o); o.err != nil {
			o.err = &settingError{o.err}
		}
	}
	var result *transform.Result
	if o.err == nil {
		result, o.err = transform.Run(o.src.Data, transform.Options{None: true})
	}
	if o.err != nil {
		return i.deliver(&rewriteSink{i.job}, o)
	}
	i.accepted = nil
	text, quit := i.ask(o, opt)
	result.After, result.Changes = text, i.accepted
	for _, c := range i.accepted {
		result.Companions = append(result.Companions, c.Companions...)
	}
	if after, err := transform.Run(text, transform.Options{None: true}); err == nil {
		result.StepsAfter, result.LayersAfter = after.StepsBefore, after.LayersBefore
	}
	o.res = result
	i.tally.add(result)
	if err := i.write(o); err != nil {
		i.fail(err)
	}
	return quit
}

// ask goes through the changes of a file, applying what is accepted, and
// returns the text. After each accepted change the rest is proposed anew.
func (i *interactive) ask(o *outcome, opt transform.Options) ([]byte, error) {
	text := o.src.Data
	asked := map[string]bool{}
	seen := map[string]bool{string(text): true}
	all := false
	for {
		draft, err := transform.Open(text, opt)
		if err != nil {
			return text, err
		}
		c, next, ok := i.next(draft, text, opt, asked)
		if !ok {
			return i.layout(o, text, opt, all)
		}
		answer := 'y'
		if !all {
			if answer, err = i.prompt(o, c, text, next); err != nil {
				return text, err
			}
		}
		switch answer {
		case 'a':
			all = true
			fallthrough
		case 'y':
			if seen[string(next)] {
				return text, nil // two changes that undo each other
			}
			text = next
			seen[string(text)] = true
			i.accepted = append(i.accepted, *c)
		case 'd':
			return text, nil
		case 's':
			i.skipped[c.Transform] = true
		}
	}
}

// next finds the next change to ask about and the text with it.
func (i *interactive) next(draft *transform.Draft, text []byte, opt transform.Options, asked map[string]bool) (*transform.Change, []byte, bool) {
	for n := range draft.Changes {
		c := &draft.Changes[n]
		key := c.Transform + "\x00" + c.Title + "\x00" + c.At.Text(text)
		if i.skipped[c.Transform] || asked[key] || c.Safety == transform.Unsafe && !opt.Unsafe && len(opt.Select) == 0 {
			continue
		}
		asked[key] = true
		if _, err := draft.Check(*c); err != nil {
			i.tally.internal++
			i.raise(exitFailure)
			fmt.Fprintf(i.c.err, "internal error, a change was dropped: %s (%s): %v [internal]\n", c.Title, c.Transform, err)
			continue
		}
		if next, err := emit.Apply(text, c.Edits); err == nil {
			return c, next, true
		}
	}
	return nil, nil, false
}

// layout asks about the layout, which comes after all changes.
func (i *interactive) layout(o *outcome, text []byte, opt transform.Options, all bool) ([]byte, error) {
	if opt.Format == nil {
		return text, nil
	}
	opt.None = true
	res, err := transform.Run(text, opt)
	if err != nil || !res.Changed() {
		return text, err
	}
	if !all {
		c := &transform.Change{Transform: "format", Title: "lay out the file", Reason: "white space, line breaks and the case of keywords", Safety: transform.Safe, Pos: res.File.Position(0)}
		answer, err := i.prompt(o, c, text, res.After)
		if err != nil || answer != 'y' && answer != 'a' {
			return text, err
		}
	}
	return res.After, nil
}

// prompt shows a change and reads the answer. The error is errQuit for q and
// at the end of the input.
func (i *interactive) prompt(o *outcome, c *transform.Change, before, after []byte) (rune, error) {
	w := i.c.out
	fmt.Fprintf(w, "\n%s:%d:%d: %s [%s, %s]\n", o.name, c.Pos.Line, c.Pos.Col, c.Title, c.Transform, c.Safety)
	if c.Reason != "" {
		fmt.Fprintf(w, "  why: %s\n", c.Reason)
	}
	w.Write(emit.Unified(slashed(o.name), before, after, emit.DiffOptions{Color: i.set.outColor}))
	for _, f := range c.Companions {
		fmt.Fprintf(w, "  also writes %s\n", o.companion(f))
	}
	for {
		fmt.Fprint(w, "Make this change [y,n,a,d,s,q,?]? ")
		line, err := i.in.ReadString('\n')
		if err != nil && line == "" {
			fmt.Fprintln(w)
			if errors.Is(err, io.EOF) {
				err = errQuit
			}
			return 0, err
		}
		switch answer := strings.ToLower(strings.TrimSpace(line)); answer {
		case "y", "n", "a", "d", "s":
			return rune(answer[0]), nil
		case "q":
			return 0, errQuit
		default:
			fmt.Fprint(w, answersHelp)
		}
	}
}
