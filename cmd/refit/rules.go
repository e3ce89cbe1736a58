package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/refit-dev/refit/pkg/transform"
)

func rulesCommand(c *console) *command {
	return &command{
		flags: [][]flag{{
			{name: "output-format", kind: isText, def: "text", usage: "`FORMAT`: text or json"},
		}},
		run: func(ctx *call) error {
			if len(ctx.args) > 0 {
				return usagef("rules takes no arguments; refit explain NAME explains one transform")
			}
			all := transform.All()
			slices.SortStableFunc(all, func(a, b *transform.Transform) int { return strings.Compare(a.Name, b.Name) })
			switch f := ctx.text("output-format"); f {
			case "text":
			case "json":
				return rulesJSON(c, all)
			default:
				return choiceError("output-format", f, "text", "json")
			}
			w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tCLASS\tCODES\tSUMMARY")
			for _, t := range all {
				class := t.Safety.String()
				if t.Off {
					class += ", off"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t.Name, class, strings.Join(t.Codes, " "), t.Summary())
			}
			return w.Flush()
		},
	}
}

func rulesJSON(c *console, all []*transform.Transform) error {
	type rule struct {
		Name    string   `json:"name"`
		Group   string   `json:"group"`
		Safety  string   `json:"safety"`
		Default bool     `json:"default"`
		Codes   []string `json:"codes"`
		After   []string `json:"after"`
		Summary string   `json:"summary"`
		Doc     string   `json:"doc"`
	}
	out := make([]rule, 0, len(all))
	for _, t := range all {
		out = append(out, rule{t.Name, t.Group, t.Safety.String(), !t.Off, append([]string{}, t.Codes...), append([]string{}, t.After...), t.Summary(), t.Markdown()})
	}
	enc := json.NewEncoder(c.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}
