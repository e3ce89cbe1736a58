package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/transform"
)

// What a resolved action computes.
const (
	dataChange = "change"
	dataFixAll = "fixAll"
)

// codeActions lists the changes at a range. With clients that resolve actions
// the edits are computed when one is chosen; otherwise at once.
func (s *server) codeActions(params json.RawMessage) (job, error) {
	var p codeActionParams
	if err := decode(params, &p); err != nil {
		return nil, err
	}
	snap, err := s.snapshot(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	ca := s.client.TextDocument.CodeAction
	s.mu.Unlock()
	lazy := ca.DataSupport && slices.Contains(ca.ResolveSupport.Properties, "edit")
	return func(ctx context.Context) (any, error) {
		out := []codeAction{}
		a := s.analyse(snap)
		if a.err != nil {
			// Its diagnostic says why there is nothing to offer.
			return s.fresh(snap, out, nil)
		}
		first, last := snap.text.offset(p.Range.Start), snap.text.offset(p.Range.End)
		var found []*transform.Change
		for i := range a.draft.Changes {
			c := &a.draft.Changes[i]
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if !touches(snap.text, a.draft.File(), c.At, first, last) {
				continue
			}
			found = append(found, c)
			if act := changeAction(snap, c, i); wanted(act.Kind, p.Context.Only) {
				if !lazy {
					if act.Edit, err = s.changeEdit(snap, a, i); err != nil {
						continue
					}
					act.Data = nil
				}
				out = append(out, act)
			}
		}
		for i := range a.draft.Advice {
			if c := &a.draft.Advice[i]; touches(snap.text, a.draft.File(), c.At, first, last) {
				found = append(found, c)
			}
		}
		if wanted(kindQuickFix, p.Context.Only) {
			out = append(out, s.ignoreActions(snap, a, found)...)
		}
		if wanted(kindFixAll, p.Context.Only) && hasSafe(a.draft.Changes) {
			act := codeAction{Title: "Fix all safe problems (refit)", Kind: kindFixAll,
				Data: &actionData{URI: snap.uri, Version: snap.version, Kind: dataFixAll}}
			if lazy {
				out = append(out, act)
			} else if act.Edit, err = s.fixEdit(snap, a, false); err == nil && act.Edit != nil {
				act.Data = nil
				out = append(out, act)
			}
		}
		return s.fresh(snap, out, nil)
	}, nil
}

// wanted reports whether the client asks for a kind: each kind includes those
// below it.
func wanted(kind string, only []string) bool {
	if len(only) == 0 {
		return true
	}
	for _, o := range only {
		if o == "" || o == kind || strings.HasPrefix(kind, o+".") {
			return true
		}
	}
	return false
}

func hasSafe(changes []transform.Change) bool {
	return slices.ContainsFunc(changes, func(c transform.Change) bool { return c.Safety == transform.Safe })
}

// touches reports whether the lines of a span, or of the instructions at its
// ends, and those of the range [first, last] meet: people put the cursor
// anywhere in an instruction.
func touches(t *text, f *parse.File, at parse.Span, first, last int) bool {
	if in := f.InstructionAt(at.Start); in != nil {
		at.Start = min(at.Start, in.Start)
		at.End = max(at.End, in.End)
	}
	if in := f.InstructionAt(max(at.Start, at.End-1)); in != nil {
		at.End = max(at.End, in.End)
	}
	start, end := shown(t, at)
	return t.position(start).Line <= t.position(last).Line && t.position(first).Line <= t.position(end).Line
}

func changeAction(snap snapshot, c *transform.Change, index int) codeAction {
	act := codeAction{
		Title:       sentence(c.Title),
		Kind:        kindQuickFix,
		IsPreferred: c.Safety == transform.Safe,
		Diagnostics: []diagnostic{changeDiagnostic(snap.text, c)},
		Data:        &actionData{URI: snap.uri, Version: snap.version, Kind: dataChange, Index: index, Name: c.Transform},
	}
	if c.Safety == transform.Unsafe {
		act.Kind = kindRewrite
		act.Title += " (unsafe)"
	}
	return act
}

// sentence starts a title with a capital letter.
func sentence(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

// resolve computes the edit of a chosen action.
func (s *server) resolve(params json.RawMessage) (job, error) {
	var act codeAction
	if err := decode(params, &act); err != nil {
		return nil, err
	}
	if act.Data == nil {
		return func(context.Context) (any, error) { return act, nil }, nil
	}
	snap, err := s.snapshot(act.Data.URI)
	if err != nil {
		return nil, err
	}
	if snap.version != act.Data.Version {
		return nil, errStale
	}
	return func(context.Context) (any, error) {
		a := s.analyse(snap)
		if a.err != nil {
			return s.fresh(snap, nil, a.err)
		}
		var err error
		switch d := act.Data; {
		case d.Kind == dataFixAll:
			act.Edit, err = s.fixEdit(snap, a, false)
		case d.Kind == dataChange && d.Index >= 0 && d.Index < len(a.draft.Changes) && a.draft.Changes[d.Index].Transform == d.Name:
			act.Edit, err = s.changeEdit(snap, a, d.Index)
		default:
			err = errStale
		}
		return s.fresh(snap, act, err)
	}, nil
}

// changeEdit checks a change and returns its edit.
func (s *server) changeEdit(snap snapshot, a *analysis, index int) (*workspaceEdit, error) {
	a.using.Lock()
	c, err := a.draft.Check(a.draft.Changes[index])
	a.using.Unlock()
	if err != nil {
		return nil, fmt.Errorf("%s: the change fails a check and is not made; this is a bug in refit: %w", c.Transform, err)
	}
	edits := slices.Clone(c.Edits)
	emit.Sort(edits)
	for i := range edits {
		edits[i] = trim(snap.text.src, edits[i])
	}
	return s.workspaceEdit(snap, &a.config, edits, c.Companions)
}

// fixEdit returns the edit that makes all safe changes, or all, nil if there
// are none.
func (s *server) fixEdit(snap snapshot, a *analysis, unsafe bool) (*workspaceEdit, error) {
	opt := a.config.Transform
	opt.Unsafe = unsafe
	opt.Memory = &snap.doc.memory
	res, err := transform.Run(snap.text.src, opt)
	if err != nil {
		return nil, err
	}
	edits := minimalEdits(res.Before, res.After, res.File.Escape)
	if len(edits) == 0 && len(res.Companions) == 0 {
		return nil, nil
	}
	return s.workspaceEdit(snap, &a.config, edits, res.Companions)
}

// workspaceEdit puts edits of a document, and whole files beside it, into the
// form that the client knows.
func (s *server) workspaceEdit(snap snapshot, cfg *Config, edits []emit.Edit, companions []transform.Companion) (*workspaceEdit, error) {
	s.mu.Lock()
	can := s.client.Workspace.WorkspaceEdit
	s.mu.Unlock()
	list := snap.text.textEdits(edits)
	if !can.DocumentChanges {
		if len(companions) > 0 {
			return nil, errors.New("the editor cannot change other files (" + companions[0].Path + ") together with this one: use refit fix")
		}
		return &workspaceEdit{Changes: map[string][]textEdit{snap.uri: list}}, nil
	}
	out := &workspaceEdit{}
	if len(list) > 0 {
		out.DocumentChanges = append(out.DocumentChanges, textDocumentEdit{optionalVersionedDocument{snap.uri, &snap.version}, list})
	}
	for _, c := range companions {
		more, err := s.companionEdit(snap, cfg, c, slices.Contains(can.ResourceOperations, "create"))
		if err != nil {
			return nil, err
		}
		out.DocumentChanges = append(out.DocumentChanges, more...)
	}
	return out, nil
}

// companionEdit creates or changes a file of the build context.
func (s *server) companionEdit(snap snapshot, cfg *Config, c transform.Companion, canCreate bool) ([]any, error) {
	dir := cfg.ContextDir
	if dir == "" && snap.path != "" {
		dir = filepath.Dir(snap.path)
	}
	rel := filepath.FromSlash(c.Path)
	if dir == "" || !filepath.IsLocal(rel) {
		return nil, fmt.Errorf("there is no place for the file %s", c.Path)
	}
	path := filepath.Join(dir, rel)
	s.mu.Lock()
	for _, d := range s.docs {
		if d.path == path {
			version, t := d.version, d.text
			s.mu.Unlock()
			return []any{textDocumentEdit{optionalVersionedDocument{d.uri, &version}, t.textEdits(lineEdits(t.src, c.Content))}}, nil
		}
	}
	enc := s.enc
	s.mu.Unlock()
	uri := pathURI(path)
	old, err := os.ReadFile(path)
	switch {
	case err == nil:
		t := newText(old, enc)
		return []any{textDocumentEdit{optionalVersionedDocument{URI: uri}, t.textEdits(lineEdits(old, c.Content))}}, nil
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	case !canCreate:
		return nil, fmt.Errorf("the editor cannot create %s: use refit fix", c.Path)
	}
	return []any{
		createFile{Kind: "create", URI: uri},
		textDocumentEdit{optionalVersionedDocument{URI: uri}, []textEdit{{NewText: string(c.Content)}}},
	}, nil
}

// notFound is the answer to parameters that name nothing.
func notFound(format string, args ...any) error {
	return &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidParams, Message: fmt.Sprintf(format, args...)}
}
