package parse

import (
	"errors"
	"fmt"

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
