package transform

import (
	"regexp"
	"slices"
	"strings"

	"github.com/refit-dev/refit/internal/lazy"
	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

var _ = register(&sortPackagesTransform)

var sortPackagesTransform = Transform{
	Name:   "sort-packages",
	Group:  "packages",
	Codes:  []string{},
	Safety: Safe,
	Off:    true,
	Run:    sortPackages,
	Doc: text(`Sort lists of packages.

## What
The names behind ´apt-get install´, ´apk add´, ´dnf install´ and the like are sorted; a list on one line that is too long gets one name per line.

## Why
In a sorted list duplicates and changes are easy to see.

## Example
~~~dockerfile before
FROM debian:12
RUN apt-get update && apt-get install -y \
    git \
    curl \
    build-essential
~~~
~~~dockerfile after
FROM debian:12
RUN apt-get update && apt-get install -y \
    build-essential \
    curl \
    git
~~~

## Instead
Off unless selected: it changes many lines and rebuilds the layer. Lists with comments between the names, with variables, files, options, removals (´pkg-´), or one package in two versions stay as they are.

## Safety
Safe. The same packages are installed.

## References
- https://docs.docker.com/build/building/best-practices/#sort-multi-line-arguments
`),
}

// packageName is a package with or without a version.
var packageName = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+_:-]*([=~<>]=?[A-Za-z0-9.+_:~*-]+)?$`)
}}

func sortPackages(p *Pass) {
	for _, m := range facts.Managers() {
		if !m.System || m.Name == "pacman" {
			continue
		}
		for _, r := range p.runs(m) {
			for _, v := range p.Facts.Activity(r.In, m).Uses {
				switch v.Verb { // the order of others has a meaning: dnf swap
				case "install", "in", "add", "reinstall":
				default:
					continue
				}
				if v.Role == facts.Install && !v.Nested && !v.Opaque && v.Call != nil && len(v.Args) > 1 {
					p.sortList(r, v)
				}
			}
		}
	}
}

func (p *Pass) sortList(r *Program, v *facts.Invocation) {
	at := r.Span(v.Call)
	words := make([]string, len(v.Args))
	names := map[string]bool{}
	first, last := v.Args[0].Word, v.Args[len(v.Args)-1].Word
	if last-first != len(v.Args)-1 {
		return // options stand between the names
	}
	for i, f := range v.Args {
		text := r.Script.NodeText(v.Call.Args[f.Word])
		name, _, versioned := strings.Cut(strings.NewReplacer("~", "=", "<", "=", ">", "=").Replace(text), "=")
		if text != f.Text || !packageName.Get().MatchString(text) || strings.HasSuffix(text, "-") || strings.HasSuffix(text, "+") && v.Manager.Name == "apt" && !strings.HasSuffix(text, "++") {
			p.Skip(at, "%s is not a plain package name", text)
			return
		}
		if names[name] && versioned {
			p.Skip(at, "%s is named more than once", name)
			return
		}
		names[name] = true
		words[i] = text
	}
	list := parse.Span{Start: r.Span(v.Call.Args[first]).Start, End: r.Span(v.Call.Args[last]).End}
	if r.hasComment(list) {
		p.Skip(at, "comments stand between the names")
		return
	}
	sorted := slices.Clone(words)
	slices.Sort(sorted)
	var ops []Op
	for i, w := range sorted {
		if w != words[i] {
			ops = append(ops, Op{At: first + i, Replace: w})
		}
	}
	breaks := p.breakList(r, v, list)
	if len(ops) == 0 && len(breaks) == 0 {
		return
	}
	if len(ops) == 0 {
		ops = []Op{{At: first, Replace: words[0]}}
	}
	edits, effects, err := r.EditCommand(v.Call, ops...)
	if err != nil {
		p.Skip(at, "%v", err)
		return
	}
	p.Report(Change{
		Title: "sort the packages", At: at, Edits: append(edits, breaks...), Effects: effects, Safety: Safe,
		Reason: "in a sorted list duplicates and changes are easy to see",
	})
}

// breakList puts the names of a list on lines of their own if they stand on
// one line of more than 100 columns.
func (p *Pass) breakList(r *Program, v *facts.Invocation, list parse.Span) []emit.Edit {
	if v.Args[len(v.Args)-1].Word != len(v.Call.Args)-1 {
		return nil // options follow
	}
	line := p.File.Line(p.File.Position(list.Start).Line)
	if len(r.In.Heredocs) > 0 || line.End < list.End || line.Len() <= 101 || len(v.Args) < 3 {
		return nil
	}
	indent := r.lineIndent(list.Start) + "    "
	if p.File.Position(r.In.Start).Line == p.File.Position(list.Start).Line {
		indent = "        "
	}
	sep := " " + string(r.In.Escape()) + p.File.LineEnding() + indent
	var out []emit.Edit
	for _, f := range v.Args {
		start := r.Span(v.Call.Args[f.Word-1]).End
		end := r.Span(v.Call.Args[f.Word]).Start
		out = append(out, emit.Edit{Span: parse.Span{Start: start, End: end}, New: sep})
	}
	return out
}
