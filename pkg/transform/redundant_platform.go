package transform

import (
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

var _ = register(&redundantPlatformTransform)

var redundantPlatformTransform = Transform{
	Name: "redundant-platform", Group: "metadata", Codes: []string{"DL3065", "RedundantTargetPlatform"}, Safety: Safe, Run: redundantPlatform,
	Doc: &page{
		Summary: "Drop --platform=$TARGETPLATFORM from FROM.",
		What:    "The flag goes where its value is the predefined variable TARGETPLATFORM.",
		Why:     "The target platform is what FROM uses anyway.",
		Before:  "FROM --platform=$TARGETPLATFORM alpine:3.20",
		After:   "FROM alpine:3.20",
		Instead: "The flag stays where the file gives TARGETPLATFORM a value of its own.",
		Safety:  "Safe: it is the default.",
		Refs:    []string{docsURL + "#automatic-platform-args-in-the-global-scope", "https://docs.docker.com/reference/build-checks/redundant-target-platform/"},
	},
}

func redundantPlatform(p *Pass) {
	for _, in := range p.Facts.Meta {
		for _, w := range in.Words {
			if strings.HasPrefix(w.Value, "TARGETPLATFORM=") {
				return
			}
		}
	}
	if _, ok := p.Options.Facts.BuildArgs["TARGETPLATFORM"]; ok {
		return
	}
	for _, s := range p.Facts.Stages {
		in := s.From
		fl := in.Flag("platform")
		if fl == nil || fl.Arg != "$TARGETPLATFORM" && fl.Arg != "${TARGETPLATFORM}" || in.Form == parse.Opaque || len(in.Words) == 0 {
			continue
		}
		span := parse.Span{Start: fl.Start, End: in.Words[0].Start}
		if strings.Contains(span.Text(p.File.Src), "\n") || len(in.Flags) > 1 {
			p.Skip(fl.Span, "the flag stands on a line of its own")
			continue
		}
		src := p.File.Src
		p.Report(Change{
			Title: "drop --platform=$TARGETPLATFORM", At: fl.Span, Safety: Safe,
			Reason:  "the target platform is the default",
			Edits:   []emit.Edit{{Span: span}},
			Effects: []plan.Effect{plan.Replace{Instr: in.Index, Text: strings.TrimRight(string(src[in.Start:span.Start])+string(src[span.End:in.End]), "\r\n")}},
		})
	}
}
