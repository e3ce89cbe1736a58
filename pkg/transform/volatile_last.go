package transform

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/refit-dev/refit/internal/lazy"
	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

var _ = register(&volatileLastTransform)

var volatileLastTransform = Transform{
	Name: "volatile-last", Group: "order", Safety: Safe, First: true, After: []string{"packages-first", "deps-first"}, Run: volatileLast,
	Doc: &page{
		Summary: "Declare what changes with every build as late as possible.",
		What:    "An ARG for the build's date, commit or number, with the LABELs that use it, moves below the RUNs in front of which it stands and which do not use it.",
		Why:     "An ARG is part of the environment of every RUN behind it. A new value runs all of them again.",
		Before:  "FROM debian:12\nARG VCS_REF\nLABEL org.opencontainers.image.revision=$VCS_REF\nRUN apt-get update && apt-get install -y curl",
		After:   "FROM debian:12\nRUN apt-get update && apt-get install -y curl\nARG VCS_REF\nLABEL org.opencontainers.image.revision=$VCS_REF",
		Instead: "It does not pass a RUN that runs other programs than package managers: these may read it from their environment. ARGs that are there to break the cache (CACHEBUST) stay.",
		Safety:  "Safe: no package manager reads these variables.",
		Refs:    []string{docsURL + "#impact-on-build-caching", "https://docs.docker.com/build/cache/invalidation/"},
	},
}

// volatile matches names of variables that differ from build to build.
var volatile = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(?:(?:IMAGE_)?(?:BUILD|CREATED?|RELEASE)_?(?:DATE|TIME|TIMESTAMP|NUMBER|NUM|ID|NO)|DATE_CREATED|(?:VCS|GIT|SOURCE|SRC|CI|BUILD)_?(?:REF|SHA1?|COMMIT|REVISION|REV|HASH|BRANCH|DESCRIBE|COMMIT_SHA|COMMIT_SHORT_SHA|COMMIT_HASH|COMMIT_ID|COMMIT_REF)|COMMIT(?:_?(?:SHA|HASH|ID|REF))?|REVISION)$`)
}}

func volatileLast(p *Pass) {
	for _, st := range p.Facts.Stages {
		for i, in := range st.Instructions {
			if name := volatileArg(in); name != "" && p.sinks(st, i, name) {
				break // one change a stage and round: they share their place
			}
		}
	}
}

// volatileArg is the name of the variable that an instruction declares, if it
// differs from build to build, or "".
func volatileArg(in *parse.Instruction) string {
	if in.Name != "ARG" || in.Form != parse.Words || len(in.Words) != 1 {
		return ""
	}
	name, _, _ := strings.Cut(in.Words[0].Value, "=")
	if !volatile.Get().MatchString(name) {
		return ""
	}
	return name
}

// sinks moves an ARG of a stage, with those of its kind that follow it and the
// labels that use them, as far down as they go. It reports whether it proposed a
// change.
func (p *Pass) sinks(st *facts.Stage, i int, name string) bool {
	group := []*parse.Instruction{st.Instructions[i]}
	names := []string{name}
	runs, stop := 0, len(st.Instructions)
	why := ""
walk:
	for j := i + 1; j < len(st.Instructions); j++ {
		in := st.Instructions[j]
		uses := mentions(in, names)
		switch in.Name {
		case "LABEL":
			if uses {
				group = append(group, in)
			}
		case "EXPOSE", "CMD", "ENTRYPOINT", "STOPSIGNAL", "HEALTHCHECK", "MAINTAINER", "ONBUILD", "COPY", "ADD", "WORKDIR", "USER", "VOLUME", "SHELL":
			if uses {
				stop = j
				break walk
			}
		case "ENV", "ARG":
			if uses || p.redefines(in, group) {
				stop = j
				break walk
			}
			if other := volatileArg(in); other != "" && runs == 0 {
				group, names = append(group, in), append(names, other)
			}
		case "RUN":
			if uses {
				stop = j
				break walk
			}
			r, w := p.Program(in)
			if r == nil {
				why, stop = w, j
				break walk
			}
			u := p.programUses(r)
			if u.other != "" || len(u.installs) > 0 || !u.manager {
				stop, why = j, fmt.Sprintf("the RUN in line %d may read %s from its environment", in.StartLine, names[0])
				break walk
			}
			runs++
		default:
			stop = j
			break walk
		}
	}
	at := st.Instructions[i].Keyword.Span
	if runs == 0 {
		if why != "" {
			p.Skip(at, "%s", why)
		}
		return false
	}
	// Behind the last RUN that it passes.
	for stop > 0 && st.Instructions[stop-1].Name != "RUN" {
		stop--
	}
	last := st.Instructions[stop-1]
	group = slices.DeleteFunc(group, func(in *parse.Instruction) bool { return in.Index > last.Index })
	p.moveDown(group, last, Change{
		Title: "declare " + strings.Join(names, ", ") + " behind what does not use it", At: at, Safety: Safe,
		Reason: "every RUN behind an ARG is run again when its value changes",
	})
	return true
}

// redefines reports whether an ENV or ARG sets a variable that a group of
// instructions sets or uses.
func (p *Pass) redefines(in *parse.Instruction, group []*parse.Instruction) bool {
	for _, n := range variables([]*parse.Instruction{in}) {
		for _, g := range group {
			if mentions(g, []string{n}) || slices.Contains(variables([]*parse.Instruction{g}), n) {
				return true
			}
		}
	}
	return false
}

// moveDown reports a change that moves instructions, with the comments above
// them, behind another.
func (p *Pass) moveDown(group []*parse.Instruction, behind *parse.Instruction, c Change) {
	if behind.Unfinished() {
		p.Skip(group[0].Keyword.Span, "the file ends with a continuation character")
		return
	}
	src := p.File.Src
	eol := p.File.LineEnding()
	var text strings.Builder
	// Behind it, and behind those of the group that stand there already.
	before := behind.Index + 1
	for slices.ContainsFunc(group, func(in *parse.Instruction) bool { return in.Index == before }) {
		before++
	}
	led, end := false, -1 // a blank line stands above what is taken out together, which ends there
	for _, in := range group {
		span := parse.Span{Start: leadStart(in), End: in.End}
		if p.headsOthers(in, group) {
			span.Start = in.Start
		}
		t := span.Text(src)
		if !strings.HasSuffix(t, "\n") {
			t += eol
		}
		text.WriteString(t)
		if span.Start != end {
			led = blankBefore(p.File, span.Start)
		}
		end = span.End
		if led {
			span.End = skipBlank(p.File, span.End)
		}
		c.Edits = append(c.Edits, emit.Edit{Span: span})
		c.Effects = append(c.Effects, plan.Move{Instr: in.Index, Before: before})
	}
	moved := text.String()
	if !strings.HasSuffix(behind.Text(src), "\n") {
		moved = eol + strings.TrimSuffix(moved, eol)
	}
	c.Edits = append(c.Edits, emit.Edit{Span: parse.Span{Start: behind.End, End: behind.End}, New: moved})
	p.Report(c)
}

// headsOthers reports whether the comment above an instruction is a heading for
// others, too, that stay: they follow without a blank line or a comment of
// their own.
func (p *Pass) headsOthers(in *parse.Instruction, group []*parse.Instruction) bool {
	list := p.File.Instructions
	for next := in.Index + 1; len(in.Lead) > 0 && next < len(list); next++ {
		o := list[next]
		if o.Name != in.Name || o.Start != list[next-1].End || len(o.Lead) > 0 {
			return false
		}
		if !slices.Contains(group, o) {
			return true
		}
	}
	return false
}
