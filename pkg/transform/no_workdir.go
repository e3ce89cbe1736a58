package transform

var _ = register(&noWorkdirTransform)

var noWorkdirTransform = Transform{
	Name: "no-workdir", Group: "advice", Safety: Advice, Run: noWorkdir,
	Doc: &page{
		Summary: "Set a working directory.",
		What:    "Reports an image whose stages set no WORKDIR although they copy files to relative paths.",
		Why:     "The files land in the root directory, or wherever the base image happens to be.",
		Before:  "FROM alpine:3.20\nCOPY app ./",
		Instead: "Nothing is reported where all destinations are absolute.",
		Safety:  "Advice: which directory is right, only the program knows.",
		Refs:    []string{practicesURL + "#workdir"},
	},
}

func noWorkdir(p *Pass) {
	for _, s := range p.Facts.Stages {
		if !s.Ships || s.Parent != nil {
			continue
		}
		for _, in := range s.Instructions {
			if in.Name == "WORKDIR" {
				break
			}
			c := p.Facts.Copy(in)
			if c == nil || c.RawDest == "" {
				continue
			}
			if c.RawDest[0] != '/' && c.RawDest[0] != '$' && c.RawDest[0] != '"' && (len(c.RawDest) < 2 || c.RawDest[1] != ':') {
				p.Advise(in.Keyword.Span, "set a WORKDIR before this", "the destination is relative, and the stage sets no working directory")
				break
			}
		}
	}
}
