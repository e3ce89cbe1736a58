package transform

import (
	"path"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

var _ = register(&workdirAbsoluteTransform)

var workdirAbsoluteTransform = Transform{
	Name: "workdir-absolute", Group: "metadata", Codes: []string{"DL3000", "WorkdirRelativePath"}, Safety: Safe, Run: workdirAbsolute,
	Doc: &page{
		Summary: "Write WORKDIR with an absolute path.",
		What:    "A relative WORKDIR becomes the path that it leads to, where the file tells which one that is.",
		Why:     "A relative path depends on the WORKDIR before it, or on the base image's, which may change.",
		Before:  "FROM alpine:3.20\nWORKDIR /srv\nWORKDIR app",
		After:   "FROM alpine:3.20\nWORKDIR /srv\nWORKDIR /srv/app",
		Instead: "Nothing happens where the base image's working directory is not known, or a variable is part of a path.",
		Safety:  "Safe: it is the same directory.",
		Refs:    []string{docsURL + "#workdir", "https://docs.docker.com/reference/build-checks/workdir-relative-path/", "https://github.com/hadolint/hadolint/wiki/DL3000"},
	},
}

func workdirAbsolute(p *Pass) {
	for _, in := range p.File.Instructions {
		if in.Name != "WORKDIR" || in.Form == parse.Opaque || in.Args.Value == "" {
			continue
		}
		st := p.Facts.At(in)
		if st.Stage == nil || st.Stage.Family == facts.Windows {
			continue
		}
		v := p.Facts.Expand(in.Args.Value, in)
		if v.Known && path.IsAbs(v.S) {
			continue
		}
		if !v.Known || v.S != in.Args.Value || !plainPath(v.S) {
			if v.Known || in.Args.Value[0] != '$' && in.Args.Value[0] != '/' && in.Args.Value[0] != '"' {
				p.Skip(in.Keyword.Span, "the path has a variable or quotes")
			}
			continue
		}
		abs := st.Resolve(v.S)
		if !abs.Certain() || !plainPath(abs.S) || len(in.Comments) > 0 {
			p.Skip(in.Keyword.Span, "the working directory before it is not known")
			continue
		}
		p.Report(Change{
			Title: "write WORKDIR " + abs.S, At: in.Keyword.Span, Safety: Safe,
			Reason:  "a relative WORKDIR depends on the one before it",
			Edits:   []emit.Edit{{Span: in.Args.Span, New: abs.S}},
			Effects: []plan.Effect{plan.Replace{Instr: in.Index, Text: "WORKDIR " + abs.S}},
		})
	}
}
