package parse

import (
	"errors"
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Error is a file that cannot be parsed. Line is 1-based, and 0 where the
// error has no line; Col is 1-based and 0 when unknown.
type Error struct {
	Line, Col int
	Msg       string
	Err       error
}

func (e *Error) Error() string {
	switch {
	case e.Line == 0:
		return e.Msg
	case e.Col == 0:
		return fmt.Sprintf("%d: %s", e.Line, e.Msg)
	}
	return fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Msg)
}

func (e *Error) Unwrap() error { return e.Err }

// NewError gives an error of BuildKit's parser or instruction packages its
// position as an *Error.
func NewError(err error) *Error {
	if pe := (*Error)(nil); errors.As(err, &pe) {
		return pe
	}
	out := &Error{Msg: err.Error(), Err: err}
	var loc *parser.LocationError
	if errors.As(err, &loc) {
		for _, ranges := range loc.Locations {
			if len(ranges) > 0 {
				out.Line = ranges[0].Start.Line
				break
			}
		}
	}
	return out
}

// MaxLine is the longest line that BuildKit's parser takes, in bytes: see
// bufio.MaxScanTokenSize.
const MaxLine = 64*1024 - 1

// explain adds the place and what was expected to those of BuildKit's errors
// that do not say it.
func (f *File) explain(e *Error) *Error {
	if strings.Contains(e.Msg, "line greater than max") {
		for line := 1; line <= len(f.lines); line++ {
			if n := f.Line(line).Len(); n > MaxLine {
				e.Line, e.Col = line, 0
				e.Msg = fmt.Sprintf("the line has %d bytes, BuildKit takes at most %d: break it with continuation lines", n, MaxLine)
				return e
			}
		}
	}
	switch e.Msg {
	case "file with no instructions":
		e.Line, e.Col = 1, 0
		e.Msg = "the file has no instructions: a Dockerfile begins with FROM"
	case "unterminated heredoc":
		for _, word := range strings.Fields(f.Line(e.Line).Text(f.Src)) {
			if h, err := parser.ParseHeredoc(word); err == nil && h != nil {
				e.Msg = fmt.Sprintf("unterminated heredoc: no line %q ends it", h.Name)
				break
			}
		}
	}
	return e
}
