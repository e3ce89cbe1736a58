package lsp

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/refit-dev/refit/pkg/transform"
)

// quietTime is how long typing must pause before diagnostics are published.
const quietTime = 150 * time.Millisecond

// document is an open document. server.mu guards its fields; the text is
// immutable.
type document struct {
	uri, path string
	version   int
	text      *text
	analysis  *analysis // of text, or nil
	memory    transform.Memory
	timer     *time.Timer
	saved     bool // the text is the one that was opened or saved last

	publishing sync.Mutex // held while diagnostics are sent, so that they go out in order
}

// snapshot is a document at one moment.
type snapshot struct {
	doc       *document
	uri, path string
	version   int
	text      *text
}

// analysis is what the transforms propose for one text, computed once.
type analysis struct {
	text       *text
	key        string
	generation int
	once       sync.Once
	done       atomic.Bool
	using      sync.Mutex // held while the draft is used: facts and scripts are computed when asked for
	draft      *transform.Draft
	err        error
	config     Config
}

func (s *server) didOpen(conn *jsonrpc2.Conn, params json.RawMessage) error {
	var p didOpenParams
	if err := decode(params, &p); err != nil {
		return err
	}
	uri := p.TextDocument.URI
	s.mu.Lock()
	if old := s.docs[uri]; old != nil && old.timer != nil {
		old.timer.Stop()
	}
	d := &document{uri: uri, path: uriPath(uri), version: p.TextDocument.Version, text: newText([]byte(p.TextDocument.Text), s.enc), saved: true}
	s.docs[uri] = d
	s.mu.Unlock()
	s.schedule(conn, d, 0)
	return nil
}

func (s *server) didChange(conn *jsonrpc2.Conn, params json.RawMessage) error {
	var p didChangeParams
	if err := decode(params, &p); err != nil {
		return err
	}
	s.mu.Lock()
	d := s.docs[p.TextDocument.URI]
	if d == nil {
		s.mu.Unlock()
		return fmt.Errorf("%s is not open", p.TextDocument.URI)
	}
	for _, c := range p.ContentChanges {
		d.text = d.text.change(c)
	}
	d.version, d.analysis, d.saved = p.TextDocument.Version, nil, false
	s.mu.Unlock()
	s.schedule(conn, d, quietTime)
	return nil
}

func (s *server) didSave(conn *jsonrpc2.Conn, params json.RawMessage) error {
	var p documentParams
	if err := decode(params, &p); err != nil {
		return err
	}
	s.mu.Lock()
	d := s.docs[p.TextDocument.URI]
	if d != nil {
		d.saved = true
		s.generation++ // files of the build context may have changed too
	}
	s.mu.Unlock()
	if d != nil {
		s.schedule(conn, d, 0)
	}
	return nil
}

func (s *server) didClose(conn *jsonrpc2.Conn, params json.RawMessage) error {
	var p documentParams
	if err := decode(params, &p); err != nil {
		return err
	}
	uri := p.TextDocument.URI
	s.mu.Lock()
	d := s.docs[uri]
	delete(s.docs, uri)
	if d != nil && d.timer != nil {
		d.timer.Stop()
	}
	publish := !s.pulls()
	s.mu.Unlock()
	if d == nil {
		return fmt.Errorf("%s is not open", uri)
	}
	if publish {
		s.spawn(conn, func() {
			d.publishing.Lock()
			defer d.publishing.Unlock()
			s.mu.Lock()
			reopened := s.docs[uri] != nil
			s.mu.Unlock()
			if !reopened {
				s.sendDiagnostics(conn, publishDiagnosticsParams{URI: uri, Diagnostics: []diagnostic{}})
			}
		})
	}
	return nil
}

// snapshot returns a document as it is now. The error is the protocol's.
func (s *server) snapshot(uri string) (snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.docs[uri]
	if d == nil {
		return snapshot{}, &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidParams, Message: uri + " is not open"}
	}
	return snapshot{d, uri, d.path, d.version, d.text}, nil
}

// current reports whether a snapshot is still the document's text.
func (s *server) current(snap snapshot) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.docs[snap.uri] == snap.doc && snap.doc.text == snap.text
}

// errStale is the answer to a request whose document has changed meanwhile.
var errStale = &jsonrpc2.Error{Code: codeContentModified, Message: "the document has changed"}

// fresh gives an answer unless the document has changed meanwhile: the client
// would apply it to another text.
func (s *server) fresh(snap snapshot, res any, err error) (any, error) {
	if !s.current(snap) {
		return nil, errStale
	}
	return res, err
}

// errExcluded stands for a document that the project excludes.
var errExcluded = errors.New("the project's configuration excludes this file")

// analyse returns the analysis of a snapshot, computed once for all requests
// about the same text under the same configuration. Its error is a
// *parse.Error for a file that BuildKit refuses, errExcluded, or what is wrong
// with the configuration.
func (s *server) analyse(snap snapshot) *analysis {
	cfg, err := s.config(snap.path)
	if err == nil && cfg.Excluded {
		err = errExcluded
	}
	if err != nil {
		a := &analysis{text: snap.text, config: cfg, err: err}
		a.once.Do(func() {})
		return a
	}
	key := cfg.key()
	s.mu.Lock()
	a := snap.doc.analysis
	if a == nil || a.text != snap.text || a.key != key || a.generation != s.generation {
		a = &analysis{text: snap.text, key: key, generation: s.generation, config: cfg}
		if snap.doc.text == snap.text {
			snap.doc.analysis = a
		}
	}
	s.mu.Unlock()
	a.once.Do(func() {
		a.err = errors.New("the analysis failed") // stays if Open panics
		cfg.Transform.Memory = &snap.doc.memory
		a.draft, a.err = transform.Open(snap.text.src, cfg.Transform)
		a.done.Store(true)
	})
	return a
}

// ready returns the analysis of a snapshot if there is one already that
// succeeded, otherwise nil.
func (s *server) ready(snap snapshot, cfg *Config) *analysis {
	s.mu.Lock()
	a := snap.doc.analysis
	fits := a != nil && a.text == snap.text && a.key == cfg.key()
	s.mu.Unlock()
	if !fits || !a.done.Load() || a.err != nil {
		return nil
	}
	return a
}
