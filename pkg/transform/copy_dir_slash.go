package transform

import (
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

var _ = register(&copyDirSlashTransform)

var copyDirSlashTransform = Transform{
	Name: "copy-dir-slash", Group: "metadata", Codes: []string{"DL3021"}, Safety: Safe, Run: copyDirSlash,
	Doc: &page{
		Summary: "End the destination of several sources with a slash.",
		What:    "COPY and ADD with several sources get a slash at the end of their destination, where it is a directory.",
		Why:     "Without it the builder takes the destination for a file unless the directory exists: the classic builder refuses it.",
		Before:  "FROM alpine:3.20\nWORKDIR /app\nCOPY a.txt b.txt /app",
		After:   "FROM alpine:3.20\nWORKDIR /app\nCOPY a.txt b.txt /app/",
		Instead: "Nothing happens where the file does not tell whether the destination is a directory, or where it ends in a variable.",
		Safety:  "Safe: what is copied to an existing directory goes to the same place with and without the slash.",
		Refs:    []string{docsURL + "#destination", "https://github.com/hadolint/hadolint/wiki/DL3021"},
	},
}

func copyDirSlash(p *Pass) {
	for _, in := range p.File.Instructions {
		c := p.Facts.Copy(in)
		if c == nil || len(c.Sources) < 2 || p.Facts.At(in).Stage.Family == facts.Windows {
			continue
		}
		if strings.HasSuffix(c.RawDest, "/") || c.RawDest == "." || c.RawDest == ".." || strings.HasSuffix(c.RawDest, "/.") {
			continue
		}
		switch {
		case in.Form != parse.Words || len(in.Words) == 0 || len(in.Heredocs) > 0:
			p.Skip(in.Keyword.Span, "the destination is not a plain word")
			continue
		case !c.Dest.Known || strings.ContainsAny(c.RawDest, "$\"'\\`"):
			p.Skip(in.Keyword.Span, "the destination has a variable or quotes")
			continue
		case !p.Facts.KnownDir(c.Dest.S, in):
			p.Skip(in.Keyword.Span, "it is not known whether %s is a directory", c.Dest.S)
			continue
		}
		w := in.Words[len(in.Words)-1]
		src := p.File.Src
		p.Report(Change{
			Title: "end the destination with a slash", At: in.Keyword.Span, Safety: Safe,
			Reason:  "several sources need a directory",
			Edits:   []emit.Edit{{Span: parse.Span{Start: w.End, End: w.End}, New: "/"}},
			Effects: []plan.Effect{plan.Replace{Instr: in.Index, Text: strings.TrimRight(string(src[in.Start:w.End])+"/"+string(src[w.End:in.End]), "\r\n")}},
		})
	}
}
