// Package parse turns the bytes of a Dockerfile into a lossless tree.
//
// BuildKit's parser decides what a file means, but its tree cannot be printed
// from: it drops comments, blank lines, quotes and carriage returns. Parse
// therefore runs BuildKit's parser first and builds its own tree around the
// result, driven by BuildKit's line numbers. A [File] tiles its source
// exactly; an [Instruction] knows the source span of each of its tokens and
// its [Logical] line, the text that BuildKit sees after it has joined
// continuation lines.
//
// Every parse checks the tree against BuildKit: the tiles give back the
// source, Logical.Text equals Node.Original, the here-document bodies equal
// BuildKit's, and decoding our tokens gives BuildKit's flags and arguments.
// An instruction that fails a check becomes [Opaque]: it can be read as bytes
// but has no tokens, so nothing edits it. Disagreement costs coverage, never
// correctness.
//
// All offsets are byte offsets, 0-based and half-open. Lines are 1-based, as
// BuildKit counts them.
package parse
