package main

import (
	"fmt"
	"strings"

	"github.com/refit-dev/refit/pkg/transform"
)

func explainCommand(c *console) *command {
	return &command{
		operands: "NAME|CODE …",
		run: func(ctx *call) error {
			if len(ctx.args) == 0 {
				return usagef("explain needs the name of a transform or a code such as DL3059; refit rules lists them")
			}
			var found []*transform.Transform
			for _, name := range ctx.args {
				ts := transform.Lookup(name)
				if len(ts) == 0 {
					return usagef("%v", transform.UnknownName(name))
				}
				found = append(found, ts...)
			}
			for i, t := range found {
				if i > 0 {
					fmt.Fprintln(c.out)
				}
				fmt.Fprintf(c.out, "%s (%s", t.Name, t.Safety)
				if t.Off {
					fmt.Fprint(c.out, ", off unless selected")
				}
				fmt.Fprintln(c.out, ")")
				if len(t.Codes) > 0 {
					fmt.Fprintf(c.out, "Also known as: %s\n", strings.Join(t.Codes, ", "))
				}
				fmt.Fprintf(c.out, "\n%s\n", strings.TrimSpace(t.Markdown()))
			}
			return nil
		},
	}
}
