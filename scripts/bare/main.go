// Command bare does nothing but start: it imports the packages that read
// Dockerfiles and shell programs. scripts/bench-peers.sh compares refit's
// start-up with it.
package main

import (
	_ "github.com/moby/buildkit/frontend/dockerfile/instructions"
	_ "github.com/moby/buildkit/frontend/dockerfile/parser"
	_ "github.com/moby/buildkit/frontend/dockerfile/shell"
	_ "mvdan.cc/sh/v3/syntax"
)

func main() {}
