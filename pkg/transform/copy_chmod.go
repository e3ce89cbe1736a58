package transform

import (
	"strings"
)

var _ = register(&copyChmodTransform)

var copyChmodTransform = Transform{
	Name:   "copy-chmod",
	Group:  "layers",
	Codes:  []string{},
	Safety: Safe,
	Run:    copyChmod,
	Doc: text(`Set the mode of copied files in the COPY.

## What
´RUN chmod 755 /x´ or ´chmod +x /x´ right behind ´COPY x /x´ becomes ´COPY --chmod=755 x /x´.

## Why
chmod in a RUN stores the whole file a second time, in a layer of its own.

## Example
~~~dockerfile before
FROM alpine:3.20
COPY entrypoint.sh /entrypoint.sh
RUN chmod +x /entrypoint.sh
~~~
~~~dockerfile after
FROM alpine:3.20
COPY --chmod=755 entrypoint.sh /entrypoint.sh
~~~

## Instead
Only files are changed this way, not directories: --chmod would change everything in them. Symbolic modes other than +x stay. To switch it off: ´# refit: ignore=copy-chmod´.

## Safety
Unsafe: +x adds to whatever mode the file has, 755 replaces it. Safe for octal modes where the build context shows that the source is a file.

## References
- https://docs.docker.com/reference/dockerfile/#copy---chown---chmod
`),
}

func copyChmod(p *Pass) {
	for _, r := range p.Programs() {
		targets := p.copiesBefore(r.In)
		if len(targets) == 0 || len(mounts(r.In)) > 0 {
			continue
		}
		calls := p.Facts.Calls(r.In)
		for i := range calls {
			c := &calls[i]
			if c.Nested || c.Name() != "chmod" || len(c.Fields) < 3 || !firstCommand(calls, i) {
				continue
			}
			mode, octal := chmodMode(c.Fields[1].Text)
			at := r.Span(c.Expr)
			if mode == "" {
				continue
			}
			ts, ok := p.operandTargets(c, 2, targets, r.State)
			if !ok {
				continue
			}
			blocked := false
			for _, t := range ts {
				blocked = blocked || t.in.Flag("chmod") != nil
			}
			if blocked {
				p.Skip(at, "the COPY sets a mode already")
				continue
			}
			// A COPY of several files must not change the mode of others.
			change := Change{
				Title: "set the mode in the COPY", At: at, Safety: Unsafe,
				Reason: "chmod in a RUN stores the file a second time",
			}
			if octal && p.Options.Context != nil && ts[0].in.Flag("from") == nil {
				change.Safety = Safe
			} else {
				change.Reason += "; check that the source is a file and that its mode is not special"
			}
			p.setFlag(r, c, ts, "--chmod="+mode, change)
			break // one at a time: the next round finds the others
		}
	}
}

// chmodMode is the octal mode for a mode of chmod, "" if there is none.
func chmodMode(s string) (mode string, octal bool) {
	switch s {
	case "+x", "a+x", "ugo+x", "+rx", "a+rx":
		return "755", false
	}
	if len(s) >= 3 && len(s) <= 4 && strings.Trim(s, "01234567") == "" {
		return s, true
	}
	return "", false
}
