package transform

import (
	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

// Options steer a run. The zero value applies all safe transforms that are on
// by default, without layout and without a build context.
type Options struct {
	Select []string // names or codes; empty: all that are on by default
	Ignore []string // names or codes that do not run
	Unsafe bool     // apply unsafe changes too
	None   bool     // run no transform at all: layout only

	Format *emit.Style // lay the result out; nil: touch only what changes
	Any    bool        // stop at the first layout change that is sound, for who only asks whether there is one; Formatted and Rebuilt stay 0
	// Lines, unless nil, are the ranges of lines of the text that may be
	// worked on: only changes and advice that touch one of them, and only the
	// layout of instructions that do. Lines count from 1, both ends belong to a
	// range; an end of 0 is the end of the file.
	Lines [][2]int

	Recheck bool    // before a text is written: the result is parsed once more, as a whole, and must have the plan that was checked
	Memory  *Memory `json:"-"` // of the document, or nil

	Facts      facts.Options
	Context    *facts.Context        // the build context, nil when it is not in sight
	Nearby     func() *facts.Context `json:"-"` // without Context: opens a folder that is the build context if it looks like one, as the Dockerfile's own usually is; may return nil
	Images     map[string]string     // for pin-base: what replaces a reference in FROM, see ParseImages
	Pins       map[string]string     // for pin-base, from a lock: digest or tag by PinKey
	Resolved   map[string]string     // for pin-base, from registries: digest by PinKey
	Labels     []Label               // for add-labels
	Author     string                // for add-labels
	Registries []string              // for trusted-registry: host names, * stands for any letters
	// LabelSchema says which labels an image must have, and of which kind
	// their values are: those of hadolint's label schema, url, semver, spdx,
	// rfc3339, hash and email; any other asks for a value only. StrictLabels
	// allows no other labels.
	LabelSchema  map[string]string
	StrictLabels bool
	LabelStyle   string // "" or "label"; "maintainer" writes a MAINTAINER for the author
	Cache        string // "clean" (default) or "mount"
	Stages       string // "ships" (default) or "all": where layers are merged and caches deleted
	MergeStyle   string // "auto" (default), "and" or "heredoc"
	Dockerignore string // "create" (default) or "merge": what is missing is added to an existing ignore file, too
	MaxLines     int    // the longest merged RUN, 0 for the default of 60
}

// settle chooses the build context.
func (opt *Options) settle(v *version) {
	if opt.Context == nil && opt.Nearby != nil {
		opt.Context = v.facts.GuessContext(opt.Nearby)
	}
}

// Result is what a run did.
type Result struct {
	Before, After []byte
	File          *parse.File // the tree of After
	Changes       []Change    // accepted, in the order of their application
	Available     []Change    // unsafe changes that were not asked for, proposed for the original text
	Advice        []Change    // for the original text
	Companions    []Companion // files to write beside the Dockerfile
	Skips         []Skip      // for the original text
	Formatted     int         // instructions whose layout changed
	Verbatim      []Skip      // instructions that the layout left as they are, for the text before the layout
	Rebuilt       int         // RUN steps whose shell text changed in layout only
	Grade         string      // identical, same program, declared
	Internal      []string    // changes that failed a check and were dropped: bugs in refit
	StepsBefore   int         // build steps, FROM included
	StepsAfter    int
	LayersBefore  int // instructions that make a layer in the last stage and what it is FROM
	LayersAfter   int
}

// Changed reports whether the text changed.
func (r *Result) Changed() bool { return string(r.Before) != string(r.After) }
