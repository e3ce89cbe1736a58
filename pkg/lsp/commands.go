package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/transform"
)

// The commands of the server. Each takes one object.
const (
	commandExplain = "refit.explain" // {name}: the documentation of a transform, as markdown
	commandIgnore  = "refit.ignore"  // {uri, name, line}: adds a pragma to the instruction at a 0-based line
	commandFixAll  = "refit.fixAll"  // {uri, unsafe}: makes all safe changes, or also the unsafe ones
	commandPreview = "refit.preview" // {uri, unsafe, format}: a previewResult, nothing is changed
)

var commands = []string{commandExplain, commandIgnore, commandFixAll, commandPreview}

type commandArgument struct {
	URI    string `json:"uri"`
	Name   string `json:"name"`
	Line   int    `json:"line"`
	Unsafe bool   `json:"unsafe"`
	Format bool   `json:"format"`
}

// previewResult is what a rewrite would do.
type previewResult struct {
	Version     int      `json:"version"` // of the document that was rewritten
	Text        string   `json:"text"`
	Changes     []string `json:"changes"` // their titles and names
	Grade       string   `json:"grade"`   // how the builds compare
	StepsBefore int      `json:"stepsBefore"`
	StepsAfter  int      `json:"stepsAfter"`
}

func (s *server) execute(conn *jsonrpc2.Conn, params json.RawMessage) (job, error) {
	var p executeCommandParams
	if err := decode(params, &p); err != nil {
		return nil, err
	}
	var arg commandArgument
	if len(p.Arguments) > 0 {
		if err := decode(p.Arguments[0], &arg); err != nil {
			return nil, err
		}
	}
	if p.Command == commandExplain {
		return func(context.Context) (any, error) { return explain(arg.Name) }, nil
	}
	run := map[string]func(context.Context, *jsonrpc2.Conn, snapshot, commandArgument) (any, error){
		commandIgnore: s.ignore, commandFixAll: s.fixAll, commandPreview: s.preview,
	}[p.Command]
	if run == nil {
		return nil, notFound("no command %q; there are %s", p.Command, strings.Join(commands, ", "))
	}
	snap, err := s.snapshot(arg.URI)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (any, error) { return run(ctx, conn, snap, arg) }, nil
}

// explain returns the documentation of the transforms of a name or code.
func explain(name string) (any, error) {
	var out []string
	for _, t := range transform.Lookup(name) {
		out = append(out, "# "+t.Name+"\n\n"+strings.TrimSpace(t.Markdown())+"\n")
	}
	if len(out) == 0 {
		return nil, notFound("no transform or code is named %q", name)
	}
	return strings.Join(out, "\n"), nil
}

func (s *server) ignore(ctx context.Context, conn *jsonrpc2.Conn, snap snapshot, arg commandArgument) (any, error) {
	if len(transform.Lookup(arg.Name)) == 0 {
		return nil, notFound("no transform or code is named %q", arg.Name)
	}
	a := s.analyse(snap)
	if a.err != nil {
		return nil, a.err
	}
	edit, _, ok := ignoreEdit(a.draft.File(), snap.text.offset(position{Line: arg.Line}), arg.Name)
	if !ok || arg.Line < 0 || arg.Line >= len(snap.text.lines) {
		return nil, notFound("there is no instruction at line %d", arg.Line+1)
	}
	we, err := s.workspaceEdit(snap, &a.config, []emit.Edit{edit}, nil)
	if err != nil {
		return nil, err
	}
	return s.apply(ctx, conn, snap, "Ignore "+arg.Name, we)
}

func (s *server) fixAll(ctx context.Context, conn *jsonrpc2.Conn, snap snapshot, arg commandArgument) (any, error) {
	a := s.analyse(snap)
	if a.err != nil {
		return nil, a.err
	}
	we, err := s.fixEdit(snap, a, arg.Unsafe)
	if err != nil || we == nil {
		return nil, err
	}
	return s.apply(ctx, conn, snap, "Fix all (refit)", we)
}

// apply asks the client to make an edit.
func (s *server) apply(ctx context.Context, conn *jsonrpc2.Conn, snap snapshot, label string, we *workspaceEdit) (any, error) {
	s.mu.Lock()
	can := s.client.Workspace.ApplyEdit
	s.mu.Unlock()
	switch {
	case !can:
		return nil, errors.New("the editor does not let a server change documents")
	case !s.current(snap):
		return nil, errStale
	}
	var res struct {
		Applied       bool   `json:"applied"`
		FailureReason string `json:"failureReason"`
	}
	if err := conn.Call(ctx, "workspace/applyEdit", map[string]any{"label": label, "edit": we}, &res); err != nil {
		return nil, err
	}
	if !res.Applied {
		return nil, errors.New("the editor did not make the change: " + res.FailureReason)
	}
	return nil, nil
}

func (s *server) preview(_ context.Context, _ *jsonrpc2.Conn, snap snapshot, arg commandArgument) (any, error) {
	cfg, err := s.config(snap.path)
	if err != nil {
		return nil, err
	}
	if cfg.Excluded {
		return nil, errExcluded
	}
	opt := cfg.Transform
	opt.Unsafe = arg.Unsafe
	if arg.Format {
		opt.Format = &cfg.Style
	}
	opt.Memory = &snap.doc.memory
	res, err := transform.Run(snap.text.src, opt)
	if err != nil {
		return nil, err
	}
	out := previewResult{Version: snap.version, Text: string(res.After), Changes: []string{}, Grade: res.Grade, StepsBefore: res.StepsBefore, StepsAfter: res.StepsAfter}
	for _, c := range res.Changes {
		out.Changes = append(out.Changes, c.Title+" ["+c.Transform+"]")
	}
	return out, nil
}
