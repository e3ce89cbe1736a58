package parse

import (
	"bytes"
	"sort"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// TileKind says what a tile of the source is.
type TileKind uint8

// The kinds of tiles.
const (
	TileBOM         TileKind = iota // a byte order mark at the start of the file
	TileDirective                   // one parser directive line (# syntax=, # escape=, # check=)
	TileComment                     // one comment line outside instructions
	TileBlank                       // a run of blank lines outside instructions
	TileInstruction                 // an instruction with its continuation lines and here-documents
)

// Tile is a piece of the source. The spans of a file's tiles follow each
// other without gaps and cover the source. Spans of lines include their line
// endings.
type Tile struct {
	Kind TileKind
	Span
	Instruction *Instruction // for TileInstruction
}

// Directive is a parser directive, see
// https://docs.docker.com/reference/dockerfile/#parser-directives.
type Directive struct {
	Name, Value string // Name in lower case
	Line        int    // 1-based
}

// File is the tree of one Dockerfile. It is immutable after Parse.
type File struct {
	Src          []byte
	Escape       byte // the escape and continuation character, \ or `
	Directives   []Directive
	Tiles        []Tile
	Instructions []*Instruction
	AST          *parser.Node // BuildKit's tree
	crlf         bool         // most lines end with \r\n
	lines        []int        // offset of each line's first byte
	cuts         []cut        // while parsing: what BuildKit was not given
	mended       bool         // while parsing: no cut was in a wrong place
}

// LineEnding is the file's dominant line ending, "\n" or "\r\n". A file
// without line endings has "\n".
func (f *File) LineEnding() string {
	if f.crlf {
		return "\r\n"
	}
	return "\n"
}

// countEndings finds out which line ending is the dominant one.
func (f *File) countEndings() {
	crlf := bytes.Count(f.Src, []byte("\r\n"))
	f.crlf = crlf*2 > bytes.Count(f.Src, []byte("\n"))
}

var bom = []byte("\xef\xbb\xbf")

// Parse builds the tree of a Dockerfile. The error, if any, is an *Error: what
// BuildKit's parser refuses (no instruction at all, a here-document without an
// end, a line over 65,535 bytes, …) and files with NUL bytes. Parse does not
// know whether instructions are valid: see plan.Build for that.
func Parse(src []byte) (*File, error) {
	f := &File{Src: src, lines: lineStarts(src)}
	if i := bytes.IndexByte(src, 0); i >= 0 {
		p := f.Position(i)
		return nil, &Error{Line: p.Line, Col: p.Col, Msg: "file has a NUL byte: not a Dockerfile in a supported encoding (UTF-8)"}
	}
	if len(src) >= 2*leastPart {
		if g := f.parseParts(); g != nil {
			return g, nil
		}
	}
	return f.parsePiece()
}

// parsePiece parses the file in one piece, with its RUN lines cut where that
// can be done.
func (f *File) parsePiece() (*File, error) {
	if g := f.parseShort(); g != nil {
		return g, nil
	}
	return f.parseWhole()
}

// ParseWhole is Parse without its short ways: BuildKit's parser reads every
// byte of the file, in one piece.
func ParseWhole(src []byte) (*File, error) {
	return (&File{Src: src, lines: lineStarts(src)}).parseWhole()
}

// parseWhole gives BuildKit's parser the whole file.
func (f *File) parseWhole() (*File, error) {
	res, err := parser.Parse(bytes.NewReader(f.Src))
	if err != nil {
		return nil, f.explain(NewError(err))
	}
	f.read(res)
	return f, nil
}

// read builds the tree from BuildKit's.
func (f *File) read(res *parser.Result) {
	f.AST, f.Escape = res.AST, byte(res.EscapeToken)
	f.countEndings()
	f.tile()
}

// tile cuts the source into tiles, taking the lines of each instruction from
// BuildKit.
func (f *File) tile() {
	pos := 0
	if bytes.HasPrefix(f.Src, bom) {
		pos = len(bom)
		f.Tiles = append(f.Tiles, Tile{Kind: TileBOM, Span: Span{0, pos}})
	}
	var directives parser.DirectiveParser
	line := 1
	f.Instructions = make([]*Instruction, 0, len(f.AST.Children))
	for _, node := range f.AST.Children {
		f.tileBetween(line, node.StartLine, &directives)
		in := f.instruction(node)
		in.Index = len(f.Instructions)
		in.Lead = f.leadComments()
		f.Instructions = append(f.Instructions, in)
		f.Tiles = append(f.Tiles, Tile{Kind: TileInstruction, Span: in.Span, Instruction: in})
		line = node.EndLine + 1
		directives.ParseLine([]byte("x")) // an instruction ends the directives
	}
	f.tileBetween(line, len(f.lines)+1, &directives)
}

// tileBetween tiles the lines [from, to) outside instructions.
func (f *File) tileBetween(from, to int, directives *parser.DirectiveParser) {
	for line := from; line < to && line <= len(f.lines); line++ {
		sp := Span{f.lines[line-1], f.lineEnd(line)}
		if line == 1 && bytes.HasPrefix(f.Src, bom) {
			sp.Start = len(bom)
		}
		if sp.Empty() {
			continue
		}
		text := bytes.TrimLeftFunc(f.Src[sp.Start:sp.End], unicode.IsSpace)
		if len(text) == 0 {
			directives.ParseLine(nil)
			if n := len(f.Tiles); n > 0 && f.Tiles[n-1].Kind == TileBlank {
				f.Tiles[n-1].End = sp.End
			} else {
				f.Tiles = append(f.Tiles, Tile{Kind: TileBlank, Span: sp})
			}
			continue
		}
		kind := TileComment
		if d, err := directives.ParseLine(bytes.TrimRight(text, "\r\n")); err == nil && d != nil {
			kind = TileDirective
			f.Directives = append(f.Directives, Directive{d.Name, d.Value, line})
		}
		f.Tiles = append(f.Tiles, Tile{Kind: kind, Span: sp})
	}
}

// leadComments returns the block of comment lines that touches the end of the
// tiles so far.
func (f *File) leadComments() []Span {
	i := len(f.Tiles)
	for i > 0 && f.Tiles[i-1].Kind == TileComment {
		i--
	}
	var out []Span
	for _, t := range f.Tiles[i:] {
		out = append(out, t.Span)
	}
	return out
}

// Comments returns the span of every comment in the file, in order, from the
// number sign to the end of the line without its line ending. Directives are
// not comments; comments inside here-documents belong to their content.
func (f *File) Comments() []Span {
	var out []Span
	for _, t := range f.Tiles {
		switch t.Kind {
		case TileComment:
			out = append(out, f.trimLine(t.Span))
		case TileInstruction:
			out = append(out, t.Instruction.Comments...)
		}
	}
	return out
}

// BodyComments returns the spans of lines that start with a number sign in
// the here-documents of RUN, in order, like Comments: comments of the scripts
// there.
func (f *File) BodyComments() []Span {
	var out []Span
	for _, in := range f.Instructions {
		if in.Name != "RUN" {
			continue
		}
		for _, h := range in.Heredocs {
			for pos := h.Body.Start; pos < h.Body.End; {
				end := h.Body.End
				if i := bytes.IndexByte(f.Src[pos:end], '\n'); i >= 0 {
					end = pos + i + 1
				}
				if sp := f.trimLine(Span{pos, end}); !sp.Empty() && f.Src[sp.Start] == '#' {
					out = append(out, sp)
				}
				pos = end
			}
		}
	}
	return out
}

// trimLine cuts leading white space and the line ending off a line's span.
func (f *File) trimLine(sp Span) Span {
	text := f.Src[sp.Start:sp.End]
	sp.Start += len(text) - len(bytes.TrimLeftFunc(text, unicode.IsSpace))
	sp.End -= len(text) - len(bytes.TrimRight(text, "\r\n"))
	return sp
}

// InstructionAt returns the instruction whose span holds the source offset, or
// nil. The offset behind the last byte belongs to the last instruction.
func (f *File) InstructionAt(off int) *Instruction {
	i := sort.Search(len(f.Instructions), func(i int) bool { return f.Instructions[i].End > off })
	if i == len(f.Instructions) && i > 0 && off == len(f.Src) && f.Instructions[i-1].End == off {
		i--
	}
	if i == len(f.Instructions) || f.Instructions[i].Start > off {
		return nil
	}
	return f.Instructions[i]
}

// Opaque counts the instructions that failed a check against BuildKit.
func (f *File) Opaque() int {
	n := 0
	for _, in := range f.Instructions {
		if in.Form == Opaque {
			n++
		}
	}
	return n
}
