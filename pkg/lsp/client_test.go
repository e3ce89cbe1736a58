package lsp

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
)

// client is a scripted client. It keeps its own copy of each document's text,
// to which it applies what the server sends.
type client struct {
	t      testing.TB
	conn   *jsonrpc2.Conn
	server *server
	served chan error
	init   initializeResult

	mu      sync.Mutex
	diags   map[string]publishDiagnosticsParams
	arrived chan struct{} // closed and renewed at each publication
	logs    []messageParams
	asked   []string          // methods that the server called
	config  json.RawMessage   // the answer to workspace/configuration
	texts   map[string][]byte // of open documents
	version map[string]int
	created map[string]string // files that the server created
}

// modern are the capabilities of a client that knows everything.
func modern() map[string]any {
	return map[string]any{
		"general": map[string]any{"positionEncodings": []string{"utf-8", "utf-16"}},
		"workspace": map[string]any{
			"applyEdit": true, "configuration": true,
			"workspaceEdit":          map[string]any{"documentChanges": true, "resourceOperations": []string{"create"}},
			"didChangeWatchedFiles":  map[string]any{"dynamicRegistration": true},
			"didChangeConfiguration": map[string]any{"dynamicRegistration": true},
		},
		"textDocument": map[string]any{
			"codeAction": map[string]any{"dataSupport": true, "codeActionLiteralSupport": map[string]any{},
				"resolveSupport": map[string]any{"properties": []string{"edit"}}},
			"hover":              map[string]any{"contentFormat": []string{"markdown"}},
			"publishDiagnostics": map[string]any{"versionSupport": true},
		},
	}
}

// plain are the capabilities of a client that knows nothing optional.
func plain() map[string]any { return map[string]any{} }

// start runs a server with a client on a pipe.
func start(t testing.TB, caps map[string]any, opt Options, init map[string]any) *client {
	t.Helper()
	here, there := net.Pipe()
	c := &client{t: t, served: make(chan error, 1), diags: map[string]publishDiagnosticsParams{}, arrived: make(chan struct{}),
		texts: map[string][]byte{}, version: map[string]int{}, created: map[string]string{}, config: json.RawMessage("null")}
	s := newServer(opt)
	c.server = s
	go func() { c.served <- serve(context.Background(), there, s) }()
	c.conn = jsonrpc2.NewConn(context.Background(), jsonrpc2.NewBufferedStream(here, jsonrpc2.VSCodeObjectCodec{}),
		jsonrpc2.AsyncHandler(jsonrpc2.HandlerWithError(c.handle)), jsonrpc2.SetLogger(quietLogger{}))
	params := map[string]any{"capabilities": caps}
	for k, v := range init {
		params[k] = v
	}
	c.call("initialize", params, &c.init)
	c.notify("initialized", map[string]any{})
	t.Cleanup(c.stop)
	return c
}

type quietLogger struct{}

func (quietLogger) Printf(string, ...any) {}

// stop ends the session as an editor does, and fails the test if the server
// does not end well or has logged an error.
func (c *client) stop() {
	select {
	case <-c.conn.DisconnectNotify():
		return
	default:
	}
	var res any
	c.call("shutdown", nil, &res)
	c.notify("exit", nil)
	select {
	case err := <-c.served:
		if err != nil {
			c.t.Errorf("Serve: %v", err)
		}
	case <-time.After(10 * time.Second):
		c.t.Error("the server does not end")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.logs {
		if l.Type <= 2 {
			c.t.Errorf("logged: %s", l.Message)
		}
	}
}

func (c *client) handle(_ context.Context, _ *jsonrpc2.Conn, req *jsonrpc2.Request) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch req.Method {
	case "textDocument/publishDiagnostics":
		var p publishDiagnosticsParams
		if err := json.Unmarshal(*req.Params, &p); err != nil {
			return nil, err
		}
		old, seen := c.diags[p.URI]
		if seen && old.Version != nil && p.Version != nil && *p.Version < *old.Version {
			c.t.Errorf("diagnostics of version %d after those of %d", *p.Version, *old.Version)
		}
		c.diags[p.URI] = p
		close(c.arrived)
		c.arrived = make(chan struct{})
		return nil, nil
	case "window/logMessage", "window/showMessage":
		var p messageParams
		if err := json.Unmarshal(*req.Params, &p); err != nil {
			return nil, err
		}
		c.logs = append(c.logs, p)
		return nil, nil
	case "workspace/configuration":
		c.asked = append(c.asked, req.Method)
		return []json.RawMessage{c.config}, nil
	case "workspace/applyEdit":
		var p struct {
			Edit workspaceEdit `json:"edit"`
		}
		if err := json.Unmarshal(*req.Params, &p); err != nil {
			return nil, err
		}
		go c.apply(&p.Edit) // as an editor: change notifications follow
		return map[string]any{"applied": true}, nil
	}
	c.asked = append(c.asked, req.Method)
	return nil, nil
}

func (c *client) call(method string, params, res any) {
	c.t.Helper()
	if err := c.try(method, params, res); err != nil {
		c.t.Fatalf("%s: %v", method, err)
	}
}

func (c *client) try(method string, params, res any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	return c.conn.Call(ctx, method, params, res)
}

func (c *client) notify(method string, params any) {
	c.t.Helper()
	if err := c.conn.Notify(context.Background(), method, params); err != nil && method != "exit" {
		c.t.Fatalf("%s: %v", method, err)
	}
}

func (c *client) open(uri, text string) {
	c.t.Helper()
	c.mu.Lock()
	c.texts[uri], c.version[uri] = []byte(text), 1
	c.mu.Unlock()
	c.notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": uri, "languageId": "dockerfile", "version": 1, "text": text}})
}

// change replaces a range of the client's text and tells the server.
func (c *client) change(uri string, start, end int, text string) {
	c.t.Helper()
	c.mu.Lock()
	t := newText(c.texts[uri], c.server.enc)
	r := t.rangeOf(start, end)
	next := append([]byte{}, t.src[:start]...)
	next = append(append(next, text...), t.src[end:]...)
	c.texts[uri] = next
	c.version[uri]++
	v := c.version[uri]
	c.mu.Unlock()
	c.notify("textDocument/didChange", didChangeParams{versionedDocument{uri, v}, []contentChange{{&r, text}}})
}

// replace sets the whole text.
func (c *client) replace(uri, text string) {
	c.t.Helper()
	c.mu.Lock()
	c.texts[uri] = []byte(text)
	c.version[uri]++
	v := c.version[uri]
	c.mu.Unlock()
	c.notify("textDocument/didChange", didChangeParams{versionedDocument{uri, v}, []contentChange{{nil, text}}})
}

// edited returns the client's text with edits applied as an editor applies
// them: positions refer to the text before, and ranges must not overlap.
func (c *client) edited(uri string, edits []textEdit) string {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.editedLocked(uri, edits)
}

func (c *client) editedLocked(uri string, edits []textEdit) string {
	t := newText(c.texts[uri], c.server.enc)
	var list []emit.Edit
	for _, e := range edits {
		start, end := t.offset(e.Range.Start), t.offset(e.Range.End)
		if t.rangeOf(start, end) != e.Range {
			c.t.Errorf("the range %v is not one of the text", e.Range)
		}
		list = append(list, emit.Edit{Span: parse.Span{Start: start, End: end}, New: e.NewText})
	}
	out, err := emit.Apply(t.src, list)
	if err != nil {
		c.t.Errorf("edits of %s: %v", uri, err)
	}
	return string(out)
}

// apply makes a workspace edit in the client's texts and tells the server.
func (c *client) apply(we *workspaceEdit) {
	c.t.Helper()
	b, err := json.Marshal(we)
	if err != nil {
		c.t.Fatal(err)
	}
	var in struct {
		Changes         map[string][]textEdit `json:"changes"`
		DocumentChanges []struct {
			Kind         string                    `json:"kind"`
			URI          string                    `json:"uri"`
			TextDocument optionalVersionedDocument `json:"textDocument"`
			Edits        []textEdit                `json:"edits"`
		} `json:"documentChanges"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		c.t.Fatal(err)
	}
	for uri, edits := range in.Changes {
		c.replace(uri, c.edited(uri, edits))
	}
	for _, d := range in.DocumentChanges {
		switch {
		case d.Kind == "create":
			c.created[d.URI] = ""
		case c.texts[d.TextDocument.URI] == nil:
			for _, e := range d.Edits {
				c.created[d.TextDocument.URI] += e.NewText
			}
		default:
			if v := d.TextDocument.Version; v == nil || *v != c.version[d.TextDocument.URI] {
				c.t.Errorf("an edit for version %v of a document with version %d", v, c.version[d.TextDocument.URI])
			}
			c.replace(d.TextDocument.URI, c.edited(d.TextDocument.URI, d.Edits))
		}
	}
}

func doc(uri string) map[string]any {
	return map[string]any{"textDocument": map[string]any{"uri": uri}}
}

// format asks for the edits of formatting.
func (c *client) format(uri string) []textEdit {
	c.t.Helper()
	var edits []textEdit
	params := doc(uri)
	params["options"] = map[string]any{"tabSize": 8, "insertSpaces": false}
	c.call("textDocument/formatting", params, &edits)
	return edits
}

// actions asks for code actions at the lines [first, last], 0-based.
func (c *client) actions(uri string, first, last int, only ...string) []codeAction {
	c.t.Helper()
	params := doc(uri)
	params["range"] = textRange{position{first, 0}, position{last, 0}}
	context := map[string]any{"diagnostics": []any{}}
	if len(only) > 0 {
		context["only"] = only
	}
	params["context"] = context
	var out []codeAction
	c.call("textDocument/codeAction", params, &out)
	return out
}

// resolve resolves an action.
func (c *client) resolve(act codeAction) codeAction {
	c.t.Helper()
	var out codeAction
	c.call("codeAction/resolve", act, &out)
	return out
}

// waitDiagnostics waits until those of the current version arrive, or until
// ok accepts what is there.
func (c *client) waitDiagnostics(uri string, ok func(publishDiagnosticsParams) bool) publishDiagnosticsParams {
	c.t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		c.mu.Lock()
		p, seen := c.diags[uri]
		v := c.version[uri]
		next := c.arrived
		c.mu.Unlock()
		if seen && (ok != nil && ok(p) || ok == nil && p.Version != nil && *p.Version == v) {
			return p
		}
		select {
		case <-next:
		case <-deadline:
			c.t.Fatalf("no diagnostics for version %d of %s; the last are %+v", v, uri, p)
		}
	}
}

// serverText is the server's copy of a document, once it has taken in all that
// the client sent.
func (c *client) serverText(uri string) string {
	c.t.Helper()
	var res any
	c.call("textDocument/hover", positionParams{textDocumentIdentifier{uri}, position{}}, &res)
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return string(c.server.docs[uri].text.src)
}

func codeOf(err error) int64 {
	if e, ok := err.(*jsonrpc2.Error); ok {
		return e.Code
	}
	return 0
}

func describe(diags []diagnostic) string {
	out := ""
	for _, d := range diags {
		out += fmt.Sprintf("%d:%d-%d:%d %d %s %s\n", d.Range.Start.Line, d.Range.Start.Character, d.Range.End.Line, d.Range.End.Character, d.Severity, d.Code, d.Message)
	}
	return out
}
