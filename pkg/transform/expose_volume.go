package transform

import (
	"path"
	"strconv"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

var _ = register(&exposeVolumeTransform)

var exposeVolumeTransform = Transform{
	Name: "expose-volume", Group: "advice", Codes: []string{"DL3011", "ExposeInvalidFormat"}, Safety: Advice, Run: exposeVolume,
	Doc: &page{
		Summary: "Check EXPOSE and VOLUME.",
		What:    "Reports ports that do not exist or name an address, and volumes in front of instructions that write to them.",
		Why:     "EXPOSE takes ports of the container, not of the host. What is written to a volume's path behind VOLUME is lost with some builders.",
		Before:  "FROM alpine:3.20\nEXPOSE 80800",
		Instead: "Ports in variables are not looked at.",
		Safety:  "Advice: which port was meant, only its author knows.",
		Refs:    []string{docsURL + "#expose", docsURL + "#volume", "https://docs.docker.com/reference/build-checks/expose-invalid-format/", "https://github.com/hadolint/hadolint/wiki/DL3011"},
	},
}

func exposeVolume(p *Pass) {
	for _, in := range p.File.Instructions {
		switch in.Name {
		case "EXPOSE":
			for _, w := range in.Words {
				if why := badPort(w.Value); why != "" {
					p.Advise(w.Span, "expose a port of the container", w.Value+": "+why)
				}
			}
		case "VOLUME":
			p.writtenVolume(in)
		}
	}
}

// badPort says what is wrong with a word of EXPOSE, or "".
func badPort(s string) string {
	if strings.ContainsAny(s, "$\"'") {
		return ""
	}
	port, _, _ := strings.Cut(s, "/")
	if strings.Contains(port, ":") {
		return "addresses and mappings of ports are given when the container is run"
	}
	for _, n := range strings.SplitN(port, "-", 2) {
		if v, err := strconv.Atoi(n); err != nil {
			return "not a number"
		} else if v < 0 || v > 65535 {
			return "ports end at 65535"
		}
	}
	return ""
}

// writtenVolume reports a VOLUME whose path a COPY behind it writes to.
func (p *Pass) writtenVolume(in *parse.Instruction) {
	st := p.Facts.At(in).Stage
	if st == nil || st.Family == facts.Windows {
		return
	}
	for _, w := range in.Words {
		v := p.Facts.Expand(w.Value, in)
		if !v.Known || !path.IsAbs(v.S) || path.Clean(v.S) == "/" {
			continue
		}
		if o := p.next(in.Index+1, nil, p.copiesInto(st)[path.Clean(v.S)]); o != nil {
			p.Advise(w.Span, "declare the volume behind what writes to it", "line "+strconv.Itoa(o.StartLine)+" copies to "+v.S+", which is a volume by then")
		}
	}
}

// copiesIntoOf is a key of once.
type copiesIntoOf struct{ *facts.Stage }

// copiesInto gives the indexes of a stage's COPY and ADD instructions by the
// directories that they copy to or into.
func (p *Pass) copiesInto(st *facts.Stage) map[string][]int {
	return once(p, copiesIntoOf{st}, func() map[string][]int {
		below := map[string][]int{}
		for _, in := range st.Instructions {
			if c := p.Facts.Copy(in); c != nil && c.Dest.Known {
				upwards(c.Dest.S, func(dir string) { below[dir] = append(below[dir], in.Index) })
			}
		}
		return below
	})
}
