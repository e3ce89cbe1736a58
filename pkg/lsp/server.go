package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/sourcegraph/jsonrpc2"
)

// Options are what a server is started with.
type Options struct {
	Version string // reported to the client

	// Configure returns the configuration for a document, given its path ("" for
	// one without) and the user's settings, which go over the project's (see
	// Settings.Apply). It is called often and from several goroutines. nil: the
	// settings only.
	Configure func(path string, s Settings) (Config, error)
}

// ErrNoShutdown is returned by Serve if the client went without the shutdown
// request; a server process exits with 1 then.
var ErrNoShutdown = errors.New("the client left without a shutdown request")

// Serve speaks the protocol on a connection until the client exits or ctx is
// done, and closes it. It returns nil after an orderly shutdown, ErrNoShutdown,
// or what was wrong with the client's messages.
func Serve(ctx context.Context, rwc io.ReadWriteCloser, opt Options) error {
	return serve(ctx, rwc, newServer(opt))
}

func serve(ctx context.Context, rwc io.ReadWriteCloser, s *server) error {
	conn := jsonrpc2.NewConn(ctx, &watchedStream{jsonrpc2.NewBufferedStream(rwc, jsonrpc2.VSCodeObjectCodec{}), &s.protocolErr}, s, jsonrpc2.SetLogger(silent{}))
	<-conn.DisconnectNotify()
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == shutDown {
		return nil
	}
	if err := s.protocolErr.get(); err != nil {
		return err
	}
	return ErrNoShutdown
}

// state is where the server is in its life.
type state uint8

const (
	fresh state = iota
	running
	shutDown
)

type server struct {
	opt         Options
	protocolErr firstError
	work        chan struct{} // holds a token for each request that computes
	jobs        sync.WaitGroup

	mu          sync.Mutex // guards what follows, and the fields of documents
	state       state
	client      clientCapabilities
	enc         encoding
	folders     []string // paths of the workspace folders
	settings    Settings
	settingsErr error
	generation  int // counts what may change an analysis besides text and configuration
	docs        map[string]*document
	cancels     map[jsonrpc2.ID]context.CancelFunc
	stopped     bool
}

func newServer(opt Options) *server {
	if opt.Configure == nil {
		opt.Configure = defaultConfigure
	}
	return &server{
		opt:     opt,
		enc:     utf16Units,
		work:    make(chan struct{}, runtime.GOMAXPROCS(0)),
		docs:    map[string]*document{},
		cancels: map[jsonrpc2.ID]context.CancelFunc{},
	}
}

// stop ends timers and running requests and waits for them.
func (s *server) stop() {
	s.mu.Lock()
	s.stopped = true
	for _, d := range s.docs {
		if d.timer != nil {
			d.timer.Stop()
		}
	}
	for _, cancel := range s.cancels {
		cancel()
	}
	s.mu.Unlock()
	s.jobs.Wait()
}

// spawn runs f in a goroutine that stop waits for, with panics caught.
func (s *server) spawn(conn *jsonrpc2.Conn, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	s.jobs.Add(1)
	go func() {
		defer s.jobs.Done()
		defer func() {
			if r := recover(); r != nil {
				s.logPanic(conn, r)
			}
		}()
		f()
	}()
}

func (s *server) logPanic(conn *jsonrpc2.Conn, r any) {
	s.log(conn, 1, fmt.Sprintf("internal error, please report it: %v\n%s", r, debug.Stack()))
}

// log sends a line to the client's log. The types are 1 error, 2 warning,
// 3 info, 4 log.
func (s *server) log(conn *jsonrpc2.Conn, kind int, msg string) {
	_ = conn.Notify(context.Background(), "window/logMessage", messageParams{kind, msg})
}

// job computes the answer to a request.
type job func(ctx context.Context) (any, error)

// Handle takes a message. Notifications are carried out at once, in order. Of a
// request, the text that it is about is taken at once, and the answer is
// computed beside what follows.
func (s *server) Handle(ctx context.Context, conn *jsonrpc2.Conn, req *jsonrpc2.Request) {
	var params json.RawMessage
	if req.Params != nil {
		params = *req.Params
	}
	if req.Notif {
		defer func() {
			if r := recover(); r != nil {
				s.logPanic(conn, r)
			}
		}()
		if err := s.notification(ctx, conn, req.Method, params); err != nil {
			s.log(conn, 1, req.Method+": "+err.Error())
		}
		return
	}
	run, err := s.request(conn, req.Method, params)
	if err != nil {
		reply(ctx, conn, req.ID, nil, err)
		return
	}
	if req.Method == "initialize" || req.Method == "shutdown" {
		// Nothing may overtake these answers, an exit least of all.
		res, err := run(ctx)
		reply(ctx, conn, req.ID, res, err)
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.cancels[req.ID] = cancel
	s.mu.Unlock()
	s.spawn(conn, func() {
		defer func() {
			s.mu.Lock()
			delete(s.cancels, req.ID)
			s.mu.Unlock()
			cancel()
		}()
		res, err := s.await(ctx, conn, run)
		reply(context.WithoutCancel(ctx), conn, req.ID, res, err)
	})
}

// await runs a job when there is room, and stops waiting for it when the
// client cancels the request.
func (s *server) await(ctx context.Context, conn *jsonrpc2.Conn, run job) (any, error) {
	type outcome struct {
		res any
		err error
	}
	cancelled := &jsonrpc2.Error{Code: codeRequestCancelled, Message: "cancelled"}
	select {
	case s.work <- struct{}{}:
	case <-ctx.Done():
		return nil, cancelled
	}
	done := make(chan outcome, 1)
	go func() {
		defer func() {
			<-s.work
			if r := recover(); r != nil {
				s.logPanic(conn, r)
				done <- outcome{nil, &jsonrpc2.Error{Code: jsonrpc2.CodeInternalError, Message: fmt.Sprint("internal error: ", r)}}
			}
		}()
		res, err := run(ctx)
		done <- outcome{res, err}
	}()
	select {
	case o := <-done:
		return o.res, o.err
	case <-ctx.Done():
		return nil, cancelled
	}
}

// reply sends a result or an error. A connection that is gone needs no answer.
func reply(ctx context.Context, conn *jsonrpc2.Conn, id jsonrpc2.ID, res any, err error) {
	if err == nil {
		_ = conn.Reply(ctx, id, res)
		return
	}
	var e *jsonrpc2.Error
	if !errors.As(err, &e) {
		e = &jsonrpc2.Error{Code: codeRequestFailed, Message: err.Error()}
	}
	_ = conn.ReplyWithError(ctx, id, e)
}

// decode reads parameters; the error is the protocol's.
func decode(params json.RawMessage, v any) error {
	if err := json.Unmarshal(params, v); err != nil {
		return &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidParams, Message: err.Error()}
	}
	return nil
}

// request returns the job of a request.
func (s *server) request(conn *jsonrpc2.Conn, method string, params json.RawMessage) (job, error) {
	s.mu.Lock()
	st := s.state
	s.mu.Unlock()
	switch {
	case method == "initialize" && st == fresh:
		return s.initialize(params)
	case st == fresh:
		return nil, &jsonrpc2.Error{Code: codeServerNotInitialized, Message: "the first request must be initialize"}
	case st == shutDown:
		return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidRequest, Message: "the server is shut down"}
	}
	switch method {
	case "initialize":
		return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidRequest, Message: "initialized already"}
	case "shutdown":
		s.mu.Lock()
		s.state = shutDown
		s.mu.Unlock()
		return func(context.Context) (any, error) { return nil, nil }, nil
	case "textDocument/formatting":
		return s.formatting(conn, params)
	case "textDocument/rangeFormatting":
		return s.rangeFormatting(conn, params)
	case "textDocument/codeAction":
		return s.codeActions(params)
	case "codeAction/resolve":
		return s.resolve(params)
	case "textDocument/hover":
		return s.hover(params)
	case "textDocument/documentLink":
		return s.documentLinks(params)
	case "textDocument/diagnostic":
		return s.pull(params)
	case "workspace/executeCommand":
		return s.execute(conn, params)
	}
	return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeMethodNotFound, Message: "no such method: " + method}
}

// notification carries a notification out.
func (s *server) notification(ctx context.Context, conn *jsonrpc2.Conn, method string, params json.RawMessage) error {
	s.mu.Lock()
	st := s.state
	s.mu.Unlock()
	if method == "exit" {
		return conn.Close()
	}
	if st != running {
		return nil // the specification: drop them before initialize
	}
	switch method {
	case "initialized":
		s.spawn(conn, func() { s.register(ctx, conn) })
	case "$/cancelRequest":
		return s.cancel(params)
	case "textDocument/didOpen":
		return s.didOpen(conn, params)
	case "textDocument/didChange":
		return s.didChange(conn, params)
	case "textDocument/didSave":
		return s.didSave(conn, params)
	case "textDocument/didClose":
		return s.didClose(conn, params)
	case "workspace/didChangeConfiguration":
		return s.didChangeConfiguration(ctx, conn, params)
	case "workspace/didChangeWatchedFiles":
		s.reload(conn)
	case "workspace/didChangeWorkspaceFolders":
		return s.didChangeFolders(conn, params)
	}
	return nil
}

func (s *server) cancel(params json.RawMessage) error {
	var p struct {
		ID jsonrpc2.ID `json:"id"`
	}
	if err := decode(params, &p); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.cancels[p.ID]; cancel != nil {
		cancel()
	}
	return nil
}

// watchedStream keeps the first error in what the client sends. The connection
// closes upon it and does not tell.
type watchedStream struct {
	jsonrpc2.ObjectStream
	first *firstError
}

func (w *watchedStream) ReadObject(v any) error {
	err := w.ObjectStream.ReadObject(v)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.ErrClosedPipe) && !errors.Is(err, os.ErrClosed) {
		w.first.set(fmt.Errorf("the client does not keep to the protocol: %w", err))
	}
	return err
}

// firstError keeps the first of several errors.
type firstError struct {
	mu  sync.Mutex
	err error
}

func (f *firstError) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

func (f *firstError) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// silent is a logger for the connection: what is to be said, Serve returns.
type silent struct{}

// Printf implements jsonrpc2.Logger.
func (silent) Printf(string, ...any) {}
