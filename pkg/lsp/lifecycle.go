package lsp

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sourcegraph/jsonrpc2"
)

// initialize takes what the client can do and says what the server does.
func (s *server) initialize(params json.RawMessage) (job, error) {
	var p initializeParams
	if err := decode(params, &p); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = running
	s.client = p.Capabilities
	s.enc = negotiate(p.Capabilities.General.PositionEncodings)
	for _, f := range p.WorkspaceFolders {
		s.addFolder(uriPath(f.URI))
	}
	if len(s.folders) == 0 {
		s.addFolder(uriPath(p.RootURI))
	}
	if len(s.folders) == 0 {
		s.addFolder(p.RootPath)
	}
	if len(p.InitializationOptions) > 0 {
		s.setSettings(p.InitializationOptions)
	}
	caps := map[string]any{
		"positionEncoding":                string(s.enc),
		"textDocumentSync":                map[string]any{"openClose": true, "change": 2, "save": map[string]any{"includeText": false}},
		"documentFormattingProvider":      true,
		"documentRangeFormattingProvider": true,
		"codeActionProvider":              map[string]any{"codeActionKinds": []string{kindQuickFix, kindFixAll, kindRewrite}, "resolveProvider": true},
		"hoverProvider":                   true,
		"documentLinkProvider":            map[string]any{"resolveProvider": false},
		"executeCommandProvider":          map[string]any{"commands": commands},
		"workspace":                       map[string]any{"workspaceFolders": map[string]any{"supported": true, "changeNotifications": true}},
	}
	if s.pulls() {
		caps["diagnosticProvider"] = map[string]any{"identifier": "refit", "interFileDependencies": false, "workspaceDiagnostics": false}
	}
	res := initializeResult{Capabilities: caps, ServerInfo: serverInfo{"refit", s.opt.Version}}
	return func(context.Context) (any, error) { return res, nil }, nil
}

// pulls reports whether the client asks for diagnostics; nothing is published
// then, or it would show each twice.
func (s *server) pulls() bool { return s.client.TextDocument.Diagnostic != nil }

func (s *server) addFolder(path string) {
	if path != "" && !slices.Contains(s.folders, path) {
		s.folders = append(s.folders, path)
	}
}

// setSettings takes the object under "refit"; s.mu is held. Bad settings are
// kept as an error, which each document shows.
func (s *server) setSettings(raw json.RawMessage) {
	var set Settings
	err := json.Unmarshal(raw, &set)
	if err == nil {
		err = set.check()
	}
	if err != nil {
		err = fmt.Errorf("the editor's settings for refit: %w", err)
	}
	s.settings, s.settingsErr = set, err
}

// register asks the client to report changes of files and settings, and for
// the settings.
func (s *server) register(ctx context.Context, conn *jsonrpc2.Conn) {
	s.mu.Lock()
	ws := s.client.Workspace
	s.mu.Unlock()
	var regs []registration
	if ws.DidChangeWatchedFiles.DynamicRegistration {
		var watchers []map[string]string
		for _, g := range []string{"**/.refit.toml", "**/.editorconfig", "**/*.dockerignore", "**/.hadolint.{yaml,yml}"} {
			watchers = append(watchers, map[string]string{"globPattern": g})
		}
		regs = append(regs, registration{"refit-files", "workspace/didChangeWatchedFiles", map[string]any{"watchers": watchers}})
	}
	if ws.DidChangeConfiguration.DynamicRegistration {
		regs = append(regs, registration{"refit-settings", "workspace/didChangeConfiguration", map[string]any{"section": "refit"}})
	}
	if len(regs) > 0 {
		if err := conn.Call(ctx, "client/registerCapability", map[string]any{"registrations": regs}, nil); err != nil && ctx.Err() == nil {
			s.log(conn, 2, "the client refused to report changes of files and settings: "+err.Error())
		}
	}
	if ws.Configuration {
		s.fetchSettings(ctx, conn)
	}
}

// fetchSettings asks the client for the settings.
func (s *server) fetchSettings(ctx context.Context, conn *jsonrpc2.Conn) {
	var answer []json.RawMessage
	err := conn.Call(ctx, "workspace/configuration", map[string]any{"items": []any{map[string]any{"section": "refit"}}}, &answer)
	if err != nil || len(answer) != 1 || string(answer[0]) == "null" {
		return
	}
	s.mu.Lock()
	s.setSettings(answer[0])
	s.mu.Unlock()
	s.reload(conn)
}

func (s *server) didChangeConfiguration(ctx context.Context, conn *jsonrpc2.Conn, params json.RawMessage) error {
	s.mu.Lock()
	pull := s.client.Workspace.Configuration
	s.mu.Unlock()
	if pull {
		s.spawn(conn, func() { s.fetchSettings(ctx, conn) })
		return nil
	}
	var p struct {
		Settings struct {
			Refit json.RawMessage `json:"refit"`
		} `json:"settings"`
	}
	if err := decode(params, &p); err != nil {
		return err
	}
	if len(p.Settings.Refit) > 0 && string(p.Settings.Refit) != "null" {
		s.mu.Lock()
		s.setSettings(p.Settings.Refit)
		s.mu.Unlock()
	}
	s.reload(conn)
	return nil
}

func (s *server) didChangeFolders(conn *jsonrpc2.Conn, params json.RawMessage) error {
	var p struct {
		Event struct {
			Added   []workspaceFolder `json:"added"`
			Removed []workspaceFolder `json:"removed"`
		} `json:"event"`
	}
	if err := decode(params, &p); err != nil {
		return err
	}
	s.mu.Lock()
	for _, f := range p.Event.Removed {
		if i := slices.Index(s.folders, uriPath(f.URI)); i >= 0 {
			s.folders = slices.Delete(slices.Clone(s.folders), i, i+1)
		}
	}
	for _, f := range p.Event.Added {
		s.addFolder(uriPath(f.URI))
	}
	s.mu.Unlock()
	s.reload(conn)
	return nil
}

// reload analyses every document anew.
func (s *server) reload(conn *jsonrpc2.Conn) {
	s.mu.Lock()
	s.generation++
	refresh := s.pulls() && s.client.Workspace.Diagnostics.RefreshSupport
	var docs []*document
	for _, d := range s.docs {
		docs = append(docs, d)
	}
	s.mu.Unlock()
	if refresh {
		s.spawn(conn, func() { _ = conn.Call(context.Background(), "workspace/diagnostic/refresh", nil, nil) })
	}
	for _, d := range docs {
		s.schedule(conn, d, 0)
	}
}
