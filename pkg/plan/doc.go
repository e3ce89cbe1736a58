// Package plan is the meaning of a Dockerfile as BuildKit executes it, and the
// comparison of two such meanings: the validator of every rewrite.
//
// A [Plan] is built from BuildKit's own instructions package. Per stage it
// holds the base, the ordered steps that make the file system and the build
// environment, and the image config. A shell-form command is held as its text
// and, where the text differs, as a canonical program made from the tree of
// mvdan.cc/sh without positions, comments and layout.
//
// Changes declare their differences as [Effect] values: edits of the plan
// before, named by instruction and command. [Compare] applies them to a copy
// of the plan before and demands that the result equals the plan after. The
// package shares no rewriting code with the transforms or the layout.
package plan
