package parse

import (
	"sync"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

var silent = sync.OnceValue(func() *linter.Linter { return linter.New(&linter.Config{}) })

// Typed returns BuildKit's typed instruction of a node, for example an
// *instructions.RunCommand. BuildKit's own ParseInstruction panics where a
// comment above the instruction reads "check=…", since it has no linter.
func Typed(node *parser.Node) (any, error) {
	return instructions.ParseInstructionWithLinter(node, silent())
}
