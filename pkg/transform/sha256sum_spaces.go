package transform

import (
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
	"mvdan.cc/sh/v3/syntax"
)

var _ = register(&sha256sumSpacesTransform)

var sha256sumSpacesTransform = Transform{
	Name:   "sha256sum-spaces",
	Group:  "packages",
	Codes:  []string{"sha256sumEchoOneSpaces"},
	Safety: Unsafe,
	Run:    sumSpaces,
	Doc: text(`Write checksums in the format that the tools document.

## What
In ´echo "HASH FILE" | sha256sum -c´ the one blank between hash and file becomes two; likewise for the other sums.

## Why
GNU's tools take one blank for an old format, BusyBox's do not take it at all.

## Example
~~~dockerfile before
FROM alpine:3.20
RUN echo "$SHA256 /x" | sha256sum -c -
~~~
~~~dockerfile after
FROM alpine:3.20
RUN echo "$SHA256  /x" | sha256sum -c -
~~~

## Instead
Nothing changes where the words are not quoted as one. To switch it off: ´# refit: ignore=sha256sum-spaces´.

## Safety
Unsafe. A check that failed before may pass now, as it should.

## References
- https://www.gnu.org/software/coreutils/manual/html_node/cksum-invocation.html
`),
}

func sumSpaces(p *Pass) {
	for _, r := range p.Programs() {
		calls := p.Facts.Calls(r.In)
		for i, c := range calls {
			if c.Nested || c.Name() != "echo" || i+1 >= len(calls) || !sumCheck(&calls[i+1]) || !piped(&c, &calls[i+1]) || len(c.Fields) != 2 {
				continue
			}
			word := c.Expr.Args[c.Fields[1].Word]
			if len(word.Parts) != 1 {
				continue
			}
			text := r.Script.NodeText(word)
			switch word.Parts[0].(type) {
			case *syntax.DblQuoted, *syntax.SglQuoted:
			default:
				continue
			}
			if strings.Count(text, " ") != 1 || strings.ContainsAny(text, "\n\\*`(") {
				continue
			}
			edits, effects, err := r.EditCommand(c.Expr, Op{At: c.Fields[1].Word, Replace: strings.Replace(text, " ", "  ", 1)})
			if err != nil {
				p.Skip(r.Span(c.Expr), "%v", err)
				continue
			}
			p.Report(Change{
				Title: "separate hash and file by two blanks", At: r.Span(c.Expr), Edits: edits, Effects: effects, Safety: Unsafe,
				Reason: "BusyBox does not take one blank, and GNU's tools take it for an old format",
			})
		}
	}
}

// sumCheck reports whether a command checks sums from its standard input.
func sumCheck(c *facts.Call) bool {
	switch c.Name() {
	case "sha256sum", "sha1sum", "sha512sum", "sha384sum", "sha224sum", "md5sum":
		return hasOption(c, 'c', "--check")
	}
	return false
}

// piped reports whether the output of a command is the input of another.
func piped(a, b *facts.Call) bool {
	for _, x := range a.Path {
		if n, ok := x.Node.(*syntax.BinaryCmd); ok && n.Op == syntax.Pipe && n.X.Cmd == syntax.Command(a.Expr) && n.Y.Cmd == syntax.Command(b.Expr) {
			return true
		}
	}
	return false
}
