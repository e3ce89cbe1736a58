package parse

import (
	"sync"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/refit-dev/refit/internal/lazy"
)

var silent = lazy.Value[*linter.Linter]{Make: func() *linter.Linter { return linter.New(&linter.Config{}) }}

// Typed returns BuildKit's typed instruction of a node, for example an
// *instructions.RunCommand. BuildKit's own ParseInstruction panics where a
// comment above the instruction reads "check=…", since it has no linter.
func Typed(node *parser.Node) (any, error) {
	return instructions.ParseInstructionWithLinter(node, silent.Get())
}

// typed is BuildKit's typed instruction, made when asked for.
type typed struct {
	once sync.Once
	v    any
	err  error
}

// Typed is the function Typed for the instruction's node. The result is shared:
// never change it. The lines in it are those of the text in which the
// instruction was parsed first.
func (in *Instruction) Typed() (any, error) {
	t := in.typed
	t.once.Do(func() { t.v, t.err = Typed(in.Node) })
	return t.v, t.err
}
