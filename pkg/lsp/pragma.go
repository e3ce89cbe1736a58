package lsp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/transform"
)

// ignoreActions offer to silence the transforms of some findings at their
// instructions.
func (s *server) ignoreActions(snap snapshot, a *analysis, found []*transform.Change) []codeAction {
	var out []codeAction
	var seen []string
	for _, c := range found {
		edit, line, ok := ignoreEdit(a.draft.File(), c.At.Start, c.Transform)
		id := fmt.Sprint(c.Transform, line)
		if !ok || slices.Contains(seen, id) {
			continue
		}
		seen = append(seen, id)
		we, err := s.workspaceEdit(snap, &a.config, []emit.Edit{edit}, nil)
		if err != nil {
			continue
		}
		out = append(out, codeAction{
			Title:       fmt.Sprintf("Ignore %s at line %d", c.Transform, line),
			Kind:        kindQuickFix,
			Diagnostics: []diagnostic{changeDiagnostic(snap.text, c)},
			Edit:        we,
		})
	}
	return out
}

// ignoreEdit adds the pragma "# refit: ignore=NAME" to the instruction at an
// offset, joined to one that is there. line is the instruction's 1-based
// first line.
func ignoreEdit(f *parse.File, off int, name string) (edit emit.Edit, line int, ok bool) {
	in := f.InstructionAt(off)
	if in == nil {
		return edit, 0, false
	}
	for _, sp := range in.Lead {
		if names, at := pragmaNames(sp.Text(f.Src), "refit"); at >= 0 {
			where := sp.Start + at + len(names)
			return emit.Edit{Span: parse.Span{Start: where, End: where}, New: "," + name}, in.StartLine, true
		}
	}
	start := in.Start
	if start == 0 && strings.HasPrefix(string(f.Src), "\ufeff") {
		start = len("\ufeff")
	}
	rest := string(f.Src[start:in.End])
	indent := rest[:len(rest)-len(strings.TrimLeft(rest, " \t"))]
	return emit.Edit{Span: parse.Span{Start: start, End: start}, New: indent + "# refit: ignore=" + name + f.LineEnding()}, in.StartLine, true
}

// pragmaNames returns the list of names in a comment "# refit: ignore=a,b -- why"
// or "# hadolint ignore=a,b" and its offset, -1 if the comment is no such
// pragma. tool is "refit" or "hadolint".
func pragmaNames(comment, tool string) (names string, at int) {
	rest, ok := strings.CutPrefix(strings.TrimLeft(comment, " \t"), "#")
	if !ok {
		return "", -1
	}
	for _, word := range []string{tool, ":", "global", "ignore", "="} {
		rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " \t"), word)
		optional := word == "global" || word == ":" && tool == "hadolint"
		if !ok && !optional {
			return "", -1
		}
	}
	at = len(comment) - len(rest)
	names, _, _ = strings.Cut(rest, " -- ")
	if names = strings.TrimRight(names, " \t\r\n"); strings.TrimSpace(names) == "" {
		return "", -1
	}
	return names, at
}
