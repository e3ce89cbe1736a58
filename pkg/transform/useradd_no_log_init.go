package transform

import (
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

var _ = register(&useraddNoLogInitTransform)

var useraddNoLogInitTransform = Transform{
	Name:   "useradd-no-log-init",
	Group:  "packages",
	Codes:  []string{"DL3046"},
	Safety: Safe,
	Run:    useraddNoLogInit,
	Doc: text(`Create users with large ids without a huge lastlog.

## What
´useradd´ with an id of more than five digits gets ´-l´.

## Why
useradd writes the user's entry into /var/log/lastlog and faillog, whose size grows with the id; the layer stores the file without its holes: gigabytes.

## Example
~~~dockerfile before
FROM debian:12
RUN useradd -u 1000000000 app
~~~
~~~dockerfile after
FROM debian:12
RUN useradd -l -u 1000000000 app
~~~

## Instead
Smaller ids are left alone. To switch it off: ´# refit: ignore=useradd-no-log-init´.

## Safety
Safe. Only the logs of logins differ.

## References
- https://docs.docker.com/build/building/best-practices/#user
- https://github.com/moby/moby/issues/5419
- https://github.com/hadolint/hadolint/wiki/DL3046
`),
}

func useraddNoLogInit(p *Pass) {
	for _, r := range p.Programs() {
		for _, c := range p.Facts.Calls(r.In) {
			if c.Nested || c.Name() != "useradd" || hasOption(&c, 'l', "--no-log-init") || !largeID(&c) {
				continue
			}
			edits, effects, err := r.EditCommand(c.Expr, Op{At: c.Fields[0].Word, Insert: "-l"})
			if err != nil {
				p.Skip(r.Span(c.Expr), "%v", err)
				continue
			}
			p.Report(Change{
				Title: "create the user without an entry in lastlog", At: r.Span(c.Expr), Edits: edits, Effects: effects, Safety: Safe,
				Reason: "for a large id the file has gigabytes of zeros, and the layer stores them",
			})
		}
	}
}

// largeID reports whether useradd is given an id of more than five digits.
func largeID(c *facts.Call) bool {
	for i, f := range c.Fields[1:] {
		id := ""
		switch {
		case strings.HasPrefix(f.Text, "--uid="):
			id = strings.TrimPrefix(f.Text, "--uid=")
		case f.Text == "--uid", len(f.Text) > 1 && f.Text[0] == '-' && f.Text[1] != '-' && strings.HasSuffix(f.Text, "u"):
			if i+2 < len(c.Fields) {
				id = c.Fields[i+2].Text
			}
		case strings.HasPrefix(f.Text, "-u"):
			id = f.Text[2:]
		}
		if len(id) > 5 && strings.Trim(id, "0123456789") == "" {
			return true
		}
	}
	return false
}
