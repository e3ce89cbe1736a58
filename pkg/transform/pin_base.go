package transform

import (
	"fmt"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

func init() {
	register(&Transform{
		Name: "pin-base", Group: "metadata", Codes: []string{"DL3006", "DL3007"}, Safety: Unsafe, Run: pinBase,
		ExampleWith: Options{Images: map[string]string{"python:latest": "python:3.12.4-slim"}},
		Doc: page{
			Summary: "Name the version of the base image.",
			What:    "Reports base images without a tag or with the tag latest. With a list of images (--images FILE) their references are replaced by what the list names.",
			Why:     "The same Dockerfile builds another image tomorrow, and nobody can tell which one it was.",
			Before:  "FROM python:latest\nRUN python --version",
			After:   "FROM python:3.12.4-slim\nRUN python --version",
			Instead: "References with a digest, stages, scratch and variables are left alone.",
			Safety:  "Advice without a list. Unsafe with one: the image that it names may differ from the one that was used so far.",
			Refs:    []string{practicesURL + "#pin-base-image-versions", "https://github.com/hadolint/hadolint/wiki/DL3006", "https://github.com/hadolint/hadolint/wiki/DL3007"},
		}.doc("pin-base"),
	})
}

func pinBase(p *Pass) {
	for _, s := range p.Facts.Stages {
		if s.Parent != nil || len(s.From.Words) == 0 || s.From.Form == parse.Opaque {
			continue
		}
		w := s.From.Words[0]
		if strings.ContainsAny(w.Value, "$\"'") || w.Value == "scratch" {
			continue
		}
		if to, ok := p.Options.Images[w.Value]; ok && to != w.Value && !strings.ContainsAny(to, " \t\r\n") {
			src := p.File.Src
			p.Report(Change{
				Title: "pin " + w.Value + " to " + to, At: w.Span, Safety: Unsafe, Reason: "the list of images names it",
				Edits:   []emit.Edit{{Span: w.Span, New: to}},
				Effects: []plan.Effect{plan.Replace{Instr: s.From.Index, Text: strings.TrimRight(string(src[s.From.Start:w.Start])+to+string(src[w.End:s.From.End]), "\r\n")}},
			})
			continue
		}
		_, tag, digest := facts.SplitReference(w.Value)
		switch {
		case digest != "":
		case tag == "":
			p.Advise(w.Span, "name a tag for "+w.Value, "without a tag it is latest, which is another image tomorrow")
		case tag == "latest":
			p.Advise(w.Span, "name a version of "+strings.TrimSuffix(w.Value, ":latest"), "latest is another image tomorrow")
		}
	}
}

// ParseImages reads a list of images: per line a reference as it stands in
// FROM, blanks, and the reference that replaces it. Blank lines and lines that
// start with # are skipped. The error names the line.
func ParseImages(data []byte) (map[string]string, error) {
	out := map[string]string{}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if len(f) != 2 {
			return nil, fmt.Errorf("line %d: want two references, the old and the new, not %d words", n, len(f))
		}
		if old, ok := out[f[0]]; ok && old != f[1] {
			return nil, fmt.Errorf("line %d: %s is listed twice", n, f[0])
		}
		out[f[0]] = f[1]
	}
	return out, nil
}
