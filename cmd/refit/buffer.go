package main

import (
	"bufio"
	"errors"
)

// buffered makes a console whose output and messages are written in large
// pieces. They keep their order, also where both go to the same place: what is
// written to one flushes the other. flush must be called at the end.
func (c *console) buffered() (b *console, flush func() error) {
	out, messages := bufio.NewWriterSize(c.out, 32<<10), bufio.NewWriterSize(c.err, 32<<10)
	d := *c
	d.out, d.err = &after{out, messages}, &after{messages, out}
	return &d, func() error { return errors.Join(out.Flush(), messages.Flush()) }
}

// after writes once the other writer has nothing left.
type after struct{ w, other *bufio.Writer }

func (a *after) Write(p []byte) (int, error) {
	if a.other.Buffered() > 0 {
		if err := a.other.Flush(); err != nil {
			return 0, err
		}
	}
	return a.w.Write(p)
}
