// Package transform improves Dockerfiles: a set of transforms, each data plus
// one pure function that proposes changes, and the engine that checks every
// change against the build plan before it keeps it.
//
// The one entry point is [Run]. The command line, the language server and CI
// all call it. [Propose] gives the changes one by one instead, for editors and
// reviews.
package transform

import (
	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

// Safety is the promise that a change makes.
type Safety uint8

// The classes, weakest first.
const (
	Advice Safety = iota // needs a person or the network; reported, never applied
	Unsafe               // better in nearly all cases, but may change what is installed or how the container starts
	Safe                 // the build succeeds whenever it did, the image's files are the same except for caches, lists, logs and timestamps
)

func (s Safety) String() string { return [...]string{"advice", "unsafe", "safe"}[s] }

// Transform is one kind of improvement. Adding one means one file in this
// package, which registers the value, and one folder of cases in
// testdata/fix.
type Transform struct {
	Name   string   // kebab-case; reads well behind "ignore"
	Doc    document // see Markdown
	Group  string   // the heading it is listed under: "layers", "caches", …
	Codes  []string // under which other tools know the problem: DL3059, BuildKit check names, Parfum smells
	Safety Safety   // the most that any of its changes may claim
	Off    bool     // runs only when selected by name or code
	First  bool     // runs before all that are not First: it decides where instructions stand
	After  []string // transforms that run before this one
	Run    func(*Pass)

	ExampleWith func() Options // what the example in Doc needs besides the transform itself; nil for nothing
}

// Companion is a whole file beside the Dockerfile that a change creates or
// replaces.
type Companion struct {
	Path    string // relative to the build context, with slashes
	Content []byte
}

// Change is one reviewable improvement.
type Change struct {
	Transform  string           // set by the engine
	Title      string           // in the imperative: "merge 4 RUN instructions"
	Reason     string           // why it is better, and for unsafe changes what to look at
	At         parse.Span       // where it is reported
	Edits      []emit.Edit      // of the Dockerfile
	Companions []Companion      // of other files
	Safety     Safety           // Advice has no edits
	Effects    []plan.Effect    // the plan differences that it declares
	Drops      []parse.Span     // comments that it removes on purpose
	Alone      bool             // no other change is accepted in its round: it changes what the others are about
	waits      bool             // it is not accepted in a round in which its RUN is to be merged: the merged one has a better place for it
	Before     string           `json:"-"` // the text of At, set by the engine
	Pos        parse.Position   // of At in the original file, set by the engine
	End        parse.Position   // of At's end in the original file, set by the engine
	Touched    []parse.Span     // the spans of Edits in the original file, set by the engine
	Round      int              // 1-based, set by the engine
	Comparison *plan.Comparison `json:"-"` // of the change alone, set by Propose
}

// Skip is a place where a transform wanted to act and did not.
type Skip struct {
	Transform string
	At        parse.Span
	Pos       parse.Position
	Reason    string
}

// Label is a label to add: --label key=value.
type Label struct{ Key, Value string }
