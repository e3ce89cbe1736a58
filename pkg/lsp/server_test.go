package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sourcegraph/jsonrpc2"
)

const uri = "file:///work/Dockerfile"

func TestInitialize(t *testing.T) {
	c := start(t, modern(), Options{Version: "1.2.3"}, nil)
	if c.init.ServerInfo != (serverInfo{"refit", "1.2.3"}) {
		t.Errorf("serverInfo: %+v", c.init.ServerInfo)
	}
	if got := c.init.Capabilities["positionEncoding"]; got != "utf-8" {
		t.Errorf("positionEncoding: %v", got)
	}
	if c.init.Capabilities["diagnosticProvider"] != nil {
		t.Error("offers to be asked for diagnostics to a client that does not ask")
	}
	old := start(t, plain(), Options{}, nil)
	if got := old.init.Capabilities["positionEncoding"]; got != "utf-16" {
		t.Errorf("positionEncoding without an offer: %v", got)
	}
}

func TestRegistersWatchersAndFetchesSettings(t *testing.T) {
	c := start(t, modern(), Options{}, nil)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		c.mu.Lock()
		asked := slices.Clone(c.asked)
		c.mu.Unlock()
		if slices.Equal(asked, []string{"client/registerCapability", "workspace/configuration"}) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server called %v", asked)
		}
	}
}

// raw is a client that sends messages as they are.
func raw(t *testing.T) (*jsonrpc2.Conn, chan error) {
	here, there := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- Serve(context.Background(), there, Options{}) }()
	conn := jsonrpc2.NewConn(context.Background(), jsonrpc2.NewBufferedStream(here, jsonrpc2.VSCodeObjectCodec{}), jsonrpc2.HandlerWithError(func(context.Context, *jsonrpc2.Conn, *jsonrpc2.Request) (any, error) { return nil, nil }), jsonrpc2.SetLogger(quietLogger{}))
	t.Cleanup(func() { conn.Close() })
	return conn, served
}

func TestLifecycleErrors(t *testing.T) {
	ctx := context.Background()
	conn, served := raw(t)
	var res any
	if err := conn.Call(ctx, "textDocument/hover", map[string]any{}, &res); codeOf(err) != codeServerNotInitialized {
		t.Errorf("before initialize: %v", err)
	}
	if err := conn.Call(ctx, "initialize", "nonsense", &res); codeOf(err) != jsonrpc2.CodeInvalidParams {
		t.Errorf("bad parameters: %v", err)
	}
	if err := conn.Call(ctx, "initialize", map[string]any{"capabilities": map[string]any{}}, &res); err != nil {
		t.Fatal(err)
	}
	if err := conn.Call(ctx, "initialize", map[string]any{}, &res); codeOf(err) != jsonrpc2.CodeInvalidRequest {
		t.Errorf("twice: %v", err)
	}
	if err := conn.Call(ctx, "textDocument/nonsense", nil, &res); codeOf(err) != jsonrpc2.CodeMethodNotFound {
		t.Errorf("unknown method: %v", err)
	}
	if err := conn.Call(ctx, "textDocument/formatting", doc("file:///nowhere"), &res); codeOf(err) != jsonrpc2.CodeInvalidParams {
		t.Errorf("not open: %v", err)
	}
	if err := conn.Call(ctx, "textDocument/formatting", nil, &res); codeOf(err) != jsonrpc2.CodeInvalidParams {
		t.Errorf("no parameters: %v", err)
	}
	if err := conn.Call(ctx, "shutdown", nil, &res); err != nil {
		t.Fatal(err)
	}
	if err := conn.Call(ctx, "textDocument/formatting", doc(uri), &res); codeOf(err) != jsonrpc2.CodeInvalidRequest {
		t.Errorf("after shutdown: %v", err)
	}
	_ = conn.Notify(ctx, "exit", nil)
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestExitWithoutShutdown(t *testing.T) {
	conn, served := raw(t)
	_ = conn.Notify(context.Background(), "exit", nil)
	if err := <-served; !errors.Is(err, ErrNoShutdown) {
		t.Errorf("Serve: %v", err)
	}
}

func TestClientGone(t *testing.T) {
	conn, served := raw(t)
	conn.Close()
	if err := <-served; !errors.Is(err, ErrNoShutdown) {
		t.Errorf("Serve: %v", err)
	}
}

func TestMalformedMessage(t *testing.T) {
	here, there := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- Serve(context.Background(), there, Options{}) }()
	if _, err := here.Write([]byte("Content-Length: 5\r\n\r\n{oops")); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err == nil || !strings.Contains(err.Error(), "does not keep to the protocol") {
		t.Errorf("Serve: %v", err)
	}
}

func TestSync(t *testing.T) {
	for _, caps := range []map[string]any{modern(), plain()} {
		c := start(t, caps, Options{}, nil)
		c.open(uri, "FROM acme/alpine:3 # 🐳\r\nRUN x\r\n")
		c.change(uri, len("FROM "), len("FROM acme/alpine:3"), "дебиан")
		c.change(uri, len(c.texts[uri]), len(c.texts[uri]), "RUN 日本\n")
		at := strings.Index(string(c.texts[uri]), "🐳")
		c.change(uri, at, at+len("🐳"), "🐋🐋")
		c.change(uri, at+len("🐋"), at+len("🐋🐋"), "")
		if got, want := c.serverText(uri), string(c.texts[uri]); got != want {
			t.Errorf("the server has %q, the client %q", got, want)
		}
		// Several changes in one notification follow each other.
		c.notify("textDocument/didChange", didChangeParams{versionedDocument{uri, 9}, []contentChange{
			{nil, "FROM a\n"},
			{&textRange{position{0, 5}, position{0, 6}}, "bc"},
			{&textRange{position{0, 6}, position{0, 7}}, "d"},
		}})
		if got := c.serverText(uri); got != "FROM bd\n" {
			t.Errorf("the server has %q", got)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"unknown instruction", "FROM acme/alpine:3\n\nRUNN x\n", "2:0-2:6 1 syntax unknown instruction: RUNN (did you mean RUN?)\n"},
		{"indented", "FROM acme/alpine:3\n  RUNN x  \n", "1:2-1:8 1 syntax unknown instruction: RUNN (did you mean RUN?)\n"},
		{"before FROM", "RUN x\nFROM acme/alpine:3\n", "0:0-0:5 1 syntax RUN before the first FROM: only ARG may stand there\n"},
		{"no FROM", "# x\nARG a\n", "1:0-1:5 1 syntax no FROM instruction: a Dockerfile needs at least one build stage\n"},
		{"here-document", "FROM acme/alpine:3\nRUN a\nRUN <<EOF\nx\n", "2:0-2:9 1 syntax unterminated heredoc: no line \"EOF\" ends it\n"},
		{"empty", "", ""},
		{"blank", "\n \n", ""},
		{"comments only", "# x\n", "0:0-0:3 1 syntax the file has no instructions: a Dockerfile begins with FROM\n"},
		{"bad flag", "FROM acme/alpine:3\nCOPY --form=x a b\n", "1:0-1:17 1 syntax unknown flag: --form (did you mean from?)\n"},
		{"NUL", "FROM a\nRUN \x00x\n", "1:4-1:6 1 syntax file has a NUL byte: not a Dockerfile in a supported encoding (UTF-8)\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := start(t, modern(), Options{}, nil)
			c.open(uri, tt.text)
			if got := describe(c.waitDiagnostics(uri, nil).Diagnostics); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if edits := c.format(uri); len(edits) > 0 {
				t.Errorf("formatting edits it: %+v", edits)
			}
			if acts := c.actions(uri, 0, 5); len(acts) > 0 {
				t.Errorf("there are actions: %+v", acts)
			}
		})
	}
}

func TestCloseClearsDiagnostics(t *testing.T) {
	c := start(t, modern(), Options{}, nil)
	c.open(uri, "FROM\n")
	c.waitDiagnostics(uri, func(p publishDiagnosticsParams) bool { return len(p.Diagnostics) == 1 })
	c.notify("textDocument/didClose", doc(uri))
	c.waitDiagnostics(uri, func(p publishDiagnosticsParams) bool { return len(p.Diagnostics) == 0 })
	if err := c.try("textDocument/hover", positionParams{textDocumentIdentifier{uri}, position{}}, new(any)); codeOf(err) != jsonrpc2.CodeInvalidParams {
		t.Errorf("hover in a closed document: %v", err)
	}
}

func TestPullDiagnostics(t *testing.T) {
	caps := modern()
	caps["textDocument"].(map[string]any)["diagnostic"] = map[string]any{}
	c := start(t, caps, Options{}, nil)
	if c.init.Capabilities["diagnosticProvider"] == nil {
		t.Fatal("no diagnosticProvider")
	}
	c.open(uri, "FROM\n")
	var full, again diagnosticReport
	c.call("textDocument/diagnostic", doc(uri), &full)
	if full.Kind != "full" || full.Items == nil || len(*full.Items) != 1 {
		t.Fatalf("%+v", full)
	}
	params := doc(uri)
	params["previousResultId"] = full.ResultID
	c.call("textDocument/diagnostic", params, &again)
	if again.Kind != "unchanged" || again.ResultID != full.ResultID {
		t.Errorf("%+v", again)
	}
	c.replace(uri, "FROM acme/alpine:3\n")
	c.call("textDocument/diagnostic", params, &again)
	if again.Kind != "full" || again.Items == nil || len(*again.Items) != 0 {
		t.Errorf("%+v", again)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.diags) > 0 {
		t.Error("diagnostics are published as well")
	}
}

// slow holds up the next configuration when it is armed.
type slow struct {
	armed          atomic.Bool
	entered, leave chan struct{}
}

func newSlow() *slow {
	return &slow{entered: make(chan struct{}, 1), leave: make(chan struct{})}
}

func (s *slow) configure(path string, set Settings) (Config, error) {
	if s.armed.CompareAndSwap(true, false) {
		s.entered <- struct{}{}
		<-s.leave
	}
	return defaultConfigure(path, set)
}

func TestNoStaleAnswers(t *testing.T) {
	gate := newSlow()
	c := start(t, modern(), Options{Configure: gate.configure}, nil)
	c.open(uri, "from alpine\n")
	c.waitDiagnostics(uri, nil)
	gate.armed.Store(true)
	errs := make(chan error, 1)
	go func() { errs <- c.try("textDocument/formatting", doc(uri), new(any)) }()
	<-gate.entered
	c.replace(uri, "from debian\n")
	c.serverTextUnanswered(uri, "from debian\n")
	close(gate.leave)
	if err := <-errs; codeOf(err) != codeContentModified {
		t.Errorf("an answer for the text before: %v", err)
	}
}

// serverTextUnanswered waits until the server has a text, without a request.
func (c *client) serverTextUnanswered(uri, want string) {
	c.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		c.server.mu.Lock()
		got := string(c.server.docs[uri].text.src)
		c.server.mu.Unlock()
		if got == want {
			return
		}
	}
	c.t.Fatalf("the server never has %q", want)
}

func TestCancel(t *testing.T) {
	gate := newSlow()
	c := start(t, modern(), Options{Configure: gate.configure}, nil)
	c.open(uri, "from alpine\n")
	c.waitDiagnostics(uri, nil)
	gate.armed.Store(true)
	id := jsonrpc2.ID{Num: 4711}
	call, err := c.conn.DispatchCall(context.Background(), "textDocument/formatting", doc(uri), jsonrpc2.PickID(id))
	if err != nil {
		t.Fatal(err)
	}
	<-gate.entered
	c.notify("$/cancelRequest", map[string]any{"id": 4711})
	if err := call.Wait(context.Background(), new(any)); codeOf(err) != codeRequestCancelled {
		t.Errorf("got %v", err)
	}
	close(gate.leave)
	// The server still works.
	if got := c.serverText(uri); got != "from alpine\n" {
		t.Errorf("got %q", got)
	}
}

func TestPanicIsAnAnswer(t *testing.T) {
	boom := false
	c := start(t, modern(), Options{Configure: func(path string, set Settings) (Config, error) {
		if boom {
			panic("boom")
		}
		return defaultConfigure(path, set)
	}}, nil)
	c.open(uri, "FROM acme/alpine:3\n")
	c.waitDiagnostics(uri, nil)
	boom = true
	if err := c.try("textDocument/formatting", doc(uri), new(any)); codeOf(err) != jsonrpc2.CodeInternalError {
		t.Errorf("got %v", err)
	}
	boom = false
	c.format(uri)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.logs) != 1 || !strings.Contains(c.logs[0].Message, "boom") {
		t.Errorf("logs: %+v", c.logs)
	}
	c.logs = nil
}

func TestSettings(t *testing.T) {
	c := start(t, modern(), Options{}, map[string]any{"initializationOptions": map[string]any{"diagnostics": "sometimes"}})
	c.open(uri, "FROM acme/alpine:3\n")
	p := c.waitDiagnostics(uri, nil)
	if got := describe(p.Diagnostics); !strings.Contains(got, `refit.diagnostics is "sometimes"`) {
		t.Errorf("got %s", got)
	}
	if err := c.try("textDocument/formatting", doc(uri), new(any)); codeOf(err) != codeRequestFailed {
		t.Errorf("formatting with wrong settings: %v", err)
	}
	c.mu.Lock()
	c.config = json.RawMessage(`{"diagnostics": "off"}`)
	c.mu.Unlock()
	c.notify("workspace/didChangeConfiguration", map[string]any{"settings": nil})
	c.waitDiagnostics(uri, func(p publishDiagnosticsParams) bool { return len(p.Diagnostics) == 0 })
	c.replace(uri, "FROM\n")
	if p := c.waitDiagnostics(uri, nil); len(p.Diagnostics) > 0 {
		t.Errorf("diagnostics that are off: %s", describe(p.Diagnostics))
	}
}

func TestSettingsOfOldClients(t *testing.T) {
	c := start(t, plain(), Options{}, nil)
	c.notify("workspace/didChangeConfiguration", map[string]any{"settings": map[string]any{"refit": map[string]any{"select": []string{"nonsense"}}}})
	c.open(uri, "FROM acme/alpine:3\n")
	c.waitDiagnostics(uri, func(p publishDiagnosticsParams) bool {
		return strings.Contains(describe(p.Diagnostics), `"nonsense"`)
	})
}

func TestExcluded(t *testing.T) {
	c := start(t, modern(), Options{Configure: func(string, Settings) (Config, error) { return Config{Excluded: true}, nil }}, nil)
	c.open(uri, "from  alpine\nRUNN\n")
	if p := c.waitDiagnostics(uri, nil); len(p.Diagnostics) > 0 {
		t.Errorf("got %s", describe(p.Diagnostics))
	}
	if edits := c.format(uri); len(edits) > 0 {
		t.Errorf("got %+v", edits)
	}
}

func TestFolderOf(t *testing.T) {
	for _, tt := range []struct{ path, want string }{
		{"/a/b/Dockerfile", "/a/b"},
		{"/a/bc/Dockerfile", "/a"},
		{"/x/Dockerfile", "/a"},
		{"", "/a"},
	} {
		if got := folderOf(tt.path, []string{"/a", "/a/b"}); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.path, got, tt.want)
		}
	}
}

func TestURIs(t *testing.T) {
	for _, tt := range []struct{ uri, path string }{
		{"file:///a/b%20c/D%C3%A4", "/a/b c/Dä"},
		{"untitled:Untitled-1", ""},
		{"git:/a/Dockerfile", ""},
	} {
		if got := uriPath(tt.uri); got != tt.path {
			t.Errorf("%s: got %q, want %q", tt.uri, got, tt.path)
		}
	}
	if got := uriPath(pathURI("/a/b c/Dä%")); got != "/a/b c/Dä%" {
		t.Errorf("got %q", got)
	}
}

// TestReload changes what Configure returns, as an edit of .refit.toml does.
func TestReload(t *testing.T) {
	var ignore atomic.Bool
	c := start(t, modern(), Options{Configure: func(path string, set Settings) (Config, error) {
		cfg, err := defaultConfigure(path, set)
		if ignore.Load() {
			cfg.Transform.Ignore = []string{"add-to-copy"}
		}
		return cfg, err
	}}, nil)
	c.open(uri, "FROM acme/alpine:3\nADD a \\\n  /b/\n")
	p := c.waitDiagnostics(uri, nil)
	if got := describe(p.Diagnostics); !strings.HasPrefix(got, "1:0-1:3 2 add-to-copy ") {
		t.Errorf("got %s", got)
	}
	// Without a message from the client, the next request knows it.
	ignore.Store(true)
	if acts := c.actions(uri, 2, 2); len(acts) > 0 {
		t.Errorf("%+v", acts)
	}
	c.notify("workspace/didChangeWatchedFiles", map[string]any{"changes": []any{map[string]any{"uri": "file:///work/.refit.toml", "type": 2}}})
	c.waitDiagnostics(uri, func(p publishDiagnosticsParams) bool { return len(p.Diagnostics) == 0 })
	ignore.Store(false)
	c.notify("workspace/didChangeWorkspaceFolders", map[string]any{"event": map[string]any{"added": []any{map[string]any{"uri": "file:///work"}}, "removed": []any{}}})
	c.waitDiagnostics(uri, func(p publishDiagnosticsParams) bool { return len(p.Diagnostics) == 1 })
	if acts := c.actions(uri, 2, 2); len(acts) == 0 {
		t.Error("nothing is offered on the second line of an instruction")
	}
}

// TestOnSave has diagnostics only when a document is opened and saved.
func TestOnSave(t *testing.T) {
	c := start(t, plain(), Options{}, map[string]any{"initializationOptions": map[string]any{"diagnostics": "onSave"}})
	c.open(uri, "FROM acme/alpine:3\n")
	c.waitDiagnostics(uri, func(p publishDiagnosticsParams) bool { return len(p.Diagnostics) == 0 })
	c.replace(uri, "FROM\n")
	c.format(uri)
	time.Sleep(2 * quietTime)
	c.mu.Lock()
	if n := len(c.diags[uri].Diagnostics); n > 0 {
		t.Errorf("%d diagnostics before the document is saved", n)
	}
	c.mu.Unlock()
	c.notify("textDocument/didSave", doc(uri))
	c.waitDiagnostics(uri, func(p publishDiagnosticsParams) bool { return len(p.Diagnostics) == 1 })
}
