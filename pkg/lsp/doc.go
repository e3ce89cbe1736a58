// Package lsp is refit's language server: diagnostics, code actions,
// formatting, hover and links for Dockerfiles over the Language Server
// Protocol 3.17,
// https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/.
//
// [Serve] runs one server on one connection. The server keeps the text of
// each open document, works on immutable snapshots of it, and never writes a
// file: every change goes to the client as a text edit.
package lsp
