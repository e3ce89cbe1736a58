package lsp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/transform"
)

func (s *server) formatting(conn *jsonrpc2.Conn, params json.RawMessage) (job, error) {
	var p documentParams
	if err := decode(params, &p); err != nil {
		return nil, err
	}
	return s.layout(conn, p.TextDocument.URI, nil)
}

func (s *server) rangeFormatting(conn *jsonrpc2.Conn, params json.RawMessage) (job, error) {
	var p rangeFormattingParams
	if err := decode(params, &p); err != nil {
		return nil, err
	}
	first, last := p.Range.Start.Line, p.Range.End.Line
	if last > first && p.Range.End.Character == 0 {
		last-- // the range ends before the line
	}
	return s.layout(conn, p.TextDocument.URI, [][2]int{{first + 1, last + 1}})
}

// layout formats the instructions that touch the 1-based lines, or all. A file
// that BuildKit refuses gets no edits: its diagnostic says why.
func (s *server) layout(conn *jsonrpc2.Conn, uri string, lines [][2]int) (job, error) {
	snap, err := s.snapshot(uri)
	if err != nil {
		return nil, err
	}
	return func(context.Context) (any, error) {
		cfg, err := s.config(snap.path)
		if err != nil {
			return nil, err
		}
		if cfg.Excluded {
			return []textEdit{}, nil
		}
		res, err := s.layOut(snap, &cfg, lines)
		if pe := (*parse.Error)(nil); errors.As(err, &pe) {
			return s.fresh(snap, []textEdit{}, nil)
		}
		if err != nil {
			return s.fresh(snap, nil, err)
		}
		if len(res.Internal) > 0 {
			s.log(conn, 2, snap.uri+": "+strings.Join(res.Internal, "\n"))
		}
		edits := minimalEdits(res.Before, res.After, res.File.Escape)
		if at := unfinished(snap.text.src); at >= 0 {
			edits = slices.DeleteFunc(edits, func(e emit.Edit) bool { return e.End > at })
		}
		return s.fresh(snap, snap.text.textEdits(edits), nil)
	}, nil
}

// unfinished returns the offset of a last instruction that still has a
// continuation character at its end, otherwise -1. Its writer is about to type
// the next line: formatting, which would remove the character, leaves it alone.
func unfinished(src []byte) int {
	end := bytes.TrimRight(src, " \t\r\n")
	last := bytes.TrimLeft(end[bytes.LastIndexByte(end, '\n')+1:], " \t")
	if len(last) == 0 || last[0] != '#' && !bytes.ContainsRune([]byte("\\`"), rune(last[len(last)-1])) {
		return -1 // spares a parse
	}
	f, err := parse.Parse(src)
	if err != nil {
		return -1
	}
	if in := f.Instructions[len(f.Instructions)-1]; in.Unfinished() {
		return in.Start
	}
	return -1
}

// layOut lays a text out, without parsing it again if it has been analysed.
func (s *server) layOut(snap snapshot, cfg *Config, lines [][2]int) (*transform.Result, error) {
	if a := s.ready(snap, cfg); a != nil {
		a.using.Lock()
		defer a.using.Unlock()
		return a.draft.Layout(cfg.Style, lines), nil
	}
	opt := cfg.Transform
	opt.None, opt.Format, opt.Lines = true, &cfg.Style, lines
	opt.Memory = &snap.doc.memory
	return transform.Run(snap.text.src, opt)
}
