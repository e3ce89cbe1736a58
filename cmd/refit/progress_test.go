package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestProgress(t *testing.T) {
	var out, err bytes.Buffer
	c := &console{out: &out, err: &err, errTTY: true}
	p := watch(c, &settings{}, 1000)
	p.step(1)
	if err.Len() > 0 {
		t.Errorf("shown at once: %q", err.String())
	}
	p.next = time.Time{}
	p.step(2)
	fmt.Fprint(c.err, "message\n")
	p.clear()
	if got := err.String(); got != "\r\x1b[K2 of 1000 files\r\x1b[Kmessage\n" {
		t.Errorf("got %q", got)
	}
	for _, quiet := range []*progressLine{
		watch(&console{err: &err}, &settings{}, 1000),
		watch(&console{err: &err, errTTY: true}, &settings{quiet: true}, 1000),
		watch(&console{err: &err, errTTY: true}, &settings{}, 3),
	} {
		if quiet != nil {
			t.Error("shown where it should not be")
		}
		quiet.step(1)
		quiet.clear()
	}
	if strings.Contains(out.String(), "files") {
		t.Error("written to standard output")
	}
}
