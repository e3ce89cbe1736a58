package lsp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/transform"
)

const source = "refit"

// schedule publishes a document's diagnostics after a pause in which nothing
// changes. With clients that ask for diagnostics it computes them ahead.
func (s *server) schedule(conn *jsonrpc2.Conn, d *document, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || s.docs[d.uri] != d || !s.reports(d) {
		return
	}
	if d.timer != nil {
		d.timer.Stop()
	}
	d.timer = time.AfterFunc(wait, func() {
		s.spawn(conn, func() { s.publish(conn, d) })
	})
}

// reports reports whether the settings ask for a document's diagnostics now;
// s.mu is held. Wrong settings are always reported.
func (s *server) reports(d *document) bool {
	return s.settingsErr != nil || s.settings.Diagnostics != "onSave" || d.saved
}

// publish sends a document's diagnostics, unless it changes meanwhile.
func (s *server) publish(conn *jsonrpc2.Conn, d *document) {
	snap, err := s.snapshot(d.uri)
	if err != nil || snap.doc != d {
		return
	}
	items := s.diagnostics(snap)
	d.publishing.Lock()
	defer d.publishing.Unlock()
	s.mu.Lock()
	send := !s.pulls() && s.docs[d.uri] == d && d.text == snap.text
	versions := s.client.TextDocument.PublishDiagnostics.VersionSupport
	s.mu.Unlock()
	if !send {
		return
	}
	p := publishDiagnosticsParams{URI: d.uri, Diagnostics: items}
	if versions {
		p.Version = &snap.version
	}
	s.sendDiagnostics(conn, p)
}

func (s *server) sendDiagnostics(conn *jsonrpc2.Conn, p publishDiagnosticsParams) {
	_ = conn.Notify(context.Background(), "textDocument/publishDiagnostics", p)
}

// pull answers a request for a document's diagnostics.
func (s *server) pull(params json.RawMessage) (job, error) {
	var p diagnosticParams
	if err := decode(params, &p); err != nil {
		return nil, err
	}
	snap, err := s.snapshot(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	now := s.reports(snap.doc)
	s.mu.Unlock()
	return func(context.Context) (any, error) {
		if !now && p.PreviousResultID != "" {
			return diagnosticReport{Kind: "unchanged", ResultID: p.PreviousResultID}, nil
		}
		items := s.diagnostics(snap)
		if !s.current(snap) {
			e := &jsonrpc2.Error{Code: codeServerCancelled, Message: errStale.Message}
			e.SetError(map[string]bool{"retriggerRequest": true})
			return nil, e
		}
		id := fingerprint(items)
		if id == p.PreviousResultID {
			return diagnosticReport{Kind: "unchanged", ResultID: id}, nil
		}
		return diagnosticReport{Kind: "full", ResultID: id, Items: &items}, nil
	}, nil
}

func fingerprint(items []diagnostic) string {
	h := fnv.New64a()
	_ = json.NewEncoder(h).Encode(items) // a hash does not fail
	return fmt.Sprintf("%016x", h.Sum64())
}

// diagnostics are the findings in a text, never nil.
func (s *server) diagnostics(snap snapshot) []diagnostic {
	out := []diagnostic{}
	s.mu.Lock()
	off := s.settings.Diagnostics == "off" && s.settingsErr == nil
	s.mu.Unlock()
	if off {
		return out
	}
	a := s.analyse(snap)
	switch {
	case errors.Is(a.err, errExcluded):
		return out
	case a.err != nil:
		return append(out, errorDiagnostic(snap.text, a.err)...)
	}
	for i := range a.draft.Changes {
		out = append(out, changeDiagnostic(snap.text, &a.draft.Changes[i]))
	}
	for i := range a.draft.Advice {
		out = append(out, changeDiagnostic(snap.text, &a.draft.Advice[i]))
	}
	return out
}

// errorDiagnostic reports a file that BuildKit refuses, or a configuration
// that cannot be used. A document without any text is a file that has just
// been created: nothing is wrong with it yet.
func errorDiagnostic(t *text, err error) []diagnostic {
	d := diagnostic{Severity: severityError, Source: source}
	var pe *parse.Error
	if !errors.As(err, &pe) {
		d.Code, d.Message = "config", err.Error()
		return []diagnostic{d}
	}
	if len(bytes.TrimSpace(t.src)) == 0 {
		return nil
	}
	d.Code, d.Message = "syntax", pe.Msg
	line := min(max(pe.Line, 1), len(t.lines))
	start, end := t.lineSpan(line - 1)
	whole := t.src[start:end]
	lead := len(whole) - len(bytes.TrimLeft(whole, " \t"))
	if pe.Col > 0 && pe.Col-1 < len(whole) {
		lead = pe.Col - 1
	}
	end = start + max(len(bytes.TrimRight(whole, " \t\r")), lead)
	d.Range = t.rangeOf(start+lead, end)
	return []diagnostic{d}
}

func changeDiagnostic(t *text, c *transform.Change) diagnostic {
	severity := severityInformation
	if c.Safety == transform.Safe {
		severity = severityWarning
	}
	// Only the first line is underlined: a change may concern a whole stage.
	start, end := shown(t, c.At)
	if i := bytes.IndexByte(t.src[start:end], '\n'); i >= 0 {
		end = start + len(bytes.TrimRight(t.src[start:start+i], " \t\r"))
	}
	return diagnostic{
		Range:           t.rangeOf(start, end),
		Severity:        severity,
		Code:            c.Transform,
		CodeDescription: &codeDescription{docsURL(c.Transform)},
		Source:          source,
		Message:         message(c),
	}
}

// message is what a change says for itself.
func message(c *transform.Change) string {
	switch {
	case c.Reason == "":
		return c.Title
	case c.Safety == transform.Unsafe:
		return c.Title + " (unsafe): " + c.Reason
	}
	return c.Title + ": " + c.Reason
}

// shown is a span without white space at its end, which may be a line ending.
func shown(t *text, sp parse.Span) (start, end int) {
	start, end = min(sp.Start, len(t.src)), min(sp.End, len(t.src))
	if start < end {
		end = start + len(bytes.TrimRight(t.src[start:end], " \t\r\n"))
	}
	return start, end
}

// docsURL is the page about a transform.
func docsURL(name string) string {
	return "https://github.com/refit-dev/refit/blob/main/docs/rules.md#" + name
}
