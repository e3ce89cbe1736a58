package main

import (
	"bufio"
	"errors"
	"io"
)

// buffered makes a console whose output and messages are written in large
// pieces. They keep their order, also where both go to the same place: what is
// written to one flushes the other. flush must be called at the end.
func (c *console) buffered() (b *console, flush func() error) {
	out, messages := &after{to: c.out}, &after{to: c.err}
	out.other, messages.other = messages, out
	d := *c
	d.out, d.err = out, messages
	return &d, func() error { return errors.Join(out.flush(), messages.flush()) }
}

// after writes once the other writer has nothing left.
type after struct {
	to    io.Writer
	w     *bufio.Writer // nil until something is written
	other *after
}

func (a *after) Write(p []byte) (int, error) {
	if err := a.other.flush(); err != nil {
		return 0, err
	}
	if a.w == nil {
		a.w = bufio.NewWriterSize(a.to, 32<<10)
	}
	return a.w.Write(p)
}

func (a *after) flush() error {
	if a.w == nil {
		return nil
	}
	return a.w.Flush()
}
