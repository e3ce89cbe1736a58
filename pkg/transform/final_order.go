package transform

import (
	"slices"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

var _ = register(&finalOrderTransform)

var finalOrderTransform = Transform{
	Name: "final-order", Group: "order", Safety: Safe, Off: true, Run: finalOrder,
	Doc: &page{
		Summary: "Put what starts the container at the end of the stage.",
		What:    "STOPSIGNAL, HEALTHCHECK, ENTRYPOINT and CMD move to the end of their stage, in this order. Off by default.",
		Why:     "Readers look for them there.",
		Before:  "FROM alpine:3.20\nCMD [\"/app\"]\nENTRYPOINT [\"/sbin/tini\", \"--\"]\nCOPY app /app",
		After:   "FROM alpine:3.20\nCOPY app /app\nENTRYPOINT [\"/sbin/tini\", \"--\"]\nCMD [\"/app\"]",
		Instead: "Nothing moves where one of them stands twice, or where a SHELL or a variable that it uses is set behind it.",
		Safety:  "Safe: they only set metadata.",
		Refs:    []string{docsURL + "#entrypoint"},
	},
}

// closing are the instructions of a stage's end, in their order.
var closing = []string{"STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}

func finalOrder(p *Pass) {
	for _, st := range p.Facts.Stages {
		p.finalOrder(st)
	}
}

func (p *Pass) finalOrder(st *facts.Stage) {
	list := st.Instructions
	var want []*parse.Instruction
	for _, name := range closing {
		for _, in := range list {
			if in.Name != name {
				continue
			}
			if len(want) > 0 && want[len(want)-1].Name == name {
				p.Skip(in.Keyword.Span, "%s stands twice", name)
				return
			}
			want = append(want, in)
		}
	}
	if len(want) == 0 || len(list) == len(want) && slices.Equal(want, list) {
		return
	}
	if slices.Equal(want, list[len(list)-len(want):]) {
		return
	}
	for _, in := range want {
		i := slices.Index(list, in)
		if in.Form == parse.Opaque {
			return
		}
		if mentions(in, variables(list[i+1:])) || in.Form == parse.Shell && slices.ContainsFunc(list[i+1:], func(o *parse.Instruction) bool { return o.Name == "SHELL" }) {
			p.Skip(in.Keyword.Span, "what it depends on changes behind it")
			return
		}
	}
	// The last instruction stays where it is if it is one of them and in its place.
	last := list[len(list)-1]
	if slices.Contains(want, last) {
		if want[len(want)-1] != last {
			// Put all behind the last one that is none of them.
			for i := len(list) - 1; i >= 0; i-- {
				if !slices.Contains(want, list[i]) {
					last = list[i]
					break
				}
			}
			if slices.Contains(want, last) {
				last = nil
			}
		} else {
			p.beforeLast(st, want)
			return
		}
	}
	if last == nil {
		p.Skip(want[0].Keyword.Span, "the stage has nothing else")
		return
	}
	p.moveDown(want, last, Change{Title: "put what starts the container last", At: want[0].Keyword.Span, Safety: Safe, Reason: "readers look for it there"})
}

// beforeLast moves all but the last in front of the last, which stands right.
func (p *Pass) beforeLast(st *facts.Stage, want []*parse.Instruction) {
	last := want[len(want)-1]
	i := slices.Index(st.Instructions, last)
	if i == 0 {
		return
	}
	behind := st.Instructions[i-1]
	rest := want[:len(want)-1]
	for slices.Contains(rest, behind) {
		i--
		if i == 0 {
			return
		}
		behind = st.Instructions[i-1]
	}
	p.moveDown(rest, behind, Change{Title: "put what starts the container last", At: want[0].Keyword.Span, Safety: Safe, Reason: "readers look for it there"})
}
