package main

import (
	"fmt"
	"io"
	"time"
)

// progressLine shows a line on a terminal while many files are processed. What is
// printed meanwhile takes its place, so that nothing is mixed up.
type progressLine struct {
	err   io.Writer
	total int
	next  time.Time
	shown bool
}

// progressFrom is the number of files from which a line is worth it.
const progressFrom = 50

// watch shows progress on a console where that makes sense, and returns nil
// otherwise.
func watch(c *console, set *settings, total int) *progressLine {
	if !c.errTTY || set.quiet || total < progressFrom {
		return nil
	}
	p := &progressLine{err: c.err, total: total, next: time.Now().Add(200 * time.Millisecond)}
	c.err = above{p, c.err}
	if c.outTTY {
		c.out = above{p, c.out}
	}
	return p
}

// step says how many files are done, a few times a second.
func (p *progressLine) step(done int) {
	if p == nil || time.Now().Before(p.next) {
		return
	}
	p.next = time.Now().Add(100 * time.Millisecond)
	p.shown = true
	fmt.Fprintf(p.err, "\r\x1b[K%d of %d files", done, p.total)
}

// clear takes the line away.
func (p *progressLine) clear() {
	if p != nil && p.shown {
		p.shown = false
		io.WriteString(p.err, "\r\x1b[K")
	}
}

// above writes where the progress line stands.
type above struct {
	p *progressLine
	w io.Writer
}

func (a above) Write(b []byte) (int, error) {
	a.p.clear()
	return a.w.Write(b)
}
