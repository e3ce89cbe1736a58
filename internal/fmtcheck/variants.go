package fmtcheck

import (
	"bytes"

	"github.com/refit-dev/refit/pkg/emit"
)

// Variant is a change of a file and a style to lay the result out in.
type Variant struct {
	Name   string
	Style  emit.Style
	Change func([]byte) []byte
}

// Variants returns the variants in which each file is checked. The first is
// the file as it is, in the default style.
func Variants() []Variant {
	same := func(b []byte) []byte { return b }
	crlf := func(b []byte) []byte {
		return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	}
	bom := func(b []byte) []byte {
		return append([]byte("\xef\xbb\xbf"), bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))...)
	}
	open := func(b []byte) []byte { return bytes.TrimRight(b, "\r\n") }
	style := func(f func(*emit.Style)) emit.Style {
		s := emit.DefaultStyle()
		f(&s)
		return s
	}
	return []Variant{
		{"default", emit.DefaultStyle(), same},
		{"crlf", emit.DefaultStyle(), crlf},
		{"bom", emit.DefaultStyle(), bom},
		{"no final newline", emit.DefaultStyle(), open},
		{"width 1", style(func(s *emit.Style) { s.Width = 1 }), same},
		{"width 40", style(func(s *emit.Style) { s.Width = 40 }), same},
		{"no width", style(func(s *emit.Style) { s.Width = 0 }), same},
		{"indent 2", style(func(s *emit.Style) { s.Indent = 2 }), same},
		{"tabs", style(func(s *emit.Style) { s.Tabs = true }), same},
		{"trailing", style(func(s *emit.Style) { s.Operators = "trailing" }), same},
		{"trailing 40", style(func(s *emit.Style) { s.Operators = "trailing"; s.Width = 40 }), same},
		{"trailing 1", style(func(s *emit.Style) { s.Operators = "trailing"; s.Width = 1 }), same},
		{"newline lf", style(func(s *emit.Style) { s.Newline = "lf" }), crlf},
		{"newline crlf", style(func(s *emit.Style) { s.Newline = "crlf" }), same},
		{"here-document bodies", style(func(s *emit.Style) { s.HeredocBody = true }), same},
		{"here-document bodies, tabs", style(func(s *emit.Style) { s.HeredocBody = true; s.Tabs = true }), same},
		{"cache-neutral", style(func(s *emit.Style) { s.CacheNeutral = true }), same},
	}
}
