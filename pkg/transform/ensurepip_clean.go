package transform

import (
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

var _ = register(&ensurepipCleanTransform)

var ensurepipCleanTransform = Transform{
	Name:   "ensurepip-clean",
	Group:  "caches",
	After:  []string{"merge-run"},
	Codes:  []string{"rmRecursivePythonEnsurepip"},
	Safety: Unsafe,
	Run:    ensurepipClean,
	Doc: text(`Delete Python's bundled pip after it has been installed.

## What
Adds ´rm -r /usr/lib/python*/ensurepip´ behind ´python3 -m ensurepip´ on Alpine.

## Why
ensurepip holds another copy of pip and setuptools (about 2 MB) that is not needed any more.

## Example
~~~dockerfile before
FROM alpine:3.16
RUN apk add --no-cache python3 && python3 -m ensurepip
~~~
~~~dockerfile after
FROM alpine:3.16
RUN apk add --no-cache python3 && python3 -m ensurepip && rm -r /usr/lib/python*/ensurepip
~~~

## Instead
Do not use it where ´python3 -m venv´ is run later: it installs pip from ensurepip. Nothing changes where the file runs venv or ensurepip again.

## Safety
Unsafe. Programs that create virtual environments need ensurepip.

## References
- https://docs.python.org/3/library/ensurepip.html
`),
}

func ensurepipClean(p *Pass) {
	for _, r := range p.Programs() {
		if r.State.Stage.Family != facts.Alpine || r.State.User.Known && !facts.Root(r.State.User.S) {
			continue
		}
		calls := p.Facts.Calls(r.In)
		for k, c := range calls {
			if c.Nested || !ensurepip(&c) || !c.Path.Always() {
				continue
			}
			if slices.ContainsFunc(calls[k:], func(o facts.Call) bool {
				return o.Name() == "rm" && slices.ContainsFunc(o.Fields, func(f facts.Field) bool { return strings.Contains(f.Text, "ensurepip") })
			}) {
				continue
			}
			if in := p.venvLater(r); in != "" {
				p.Skip(r.Span(c.Expr), "%s needs ensurepip", in)
				continue
			}
			if why := p.pays(r, nil, "/usr/lib"); why != "" {
				p.Skip(r.Span(c.Expr), "%s", why)
				continue
			}
			p.cleanup(r, &facts.Invocation{Call: c.Expr, Path: c.Path}, "rm -r /usr/lib/python*/ensurepip", placeBehind, Change{
				Title: "delete ensurepip", At: r.Span(c.Expr), Safety: Unsafe,
				Reason: "its copies of pip and setuptools are installed now; check that nothing creates virtual environments later",
			})
		}
	}
}

func ensurepip(c *facts.Call) bool {
	return len(c.Fields) > 2 && strings.HasPrefix(c.Name(), "python") && c.Fields[1].Text == "-m" && c.Fields[2].Text == "ensurepip"
}

// venvLater names a later instruction, or the same, that creates a virtual
// environment.
func (p *Pass) venvLater(r *Program) string {
	in := p.next(r.In.Index, nil, p.mentioning("venv"))
	if o := p.next(r.In.Index+1, nil, p.mentioning("ensurepip")); in == nil || o != nil && o.Index < in.Index {
		in = o
	}
	if in == nil {
		return ""
	}
	return p.line(in)
}
