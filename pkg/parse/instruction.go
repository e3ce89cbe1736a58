package parse

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Form is how an instruction's arguments are written.
type Form uint8

// The forms. Here-documents are no form of their own: see
// Instruction.Heredocs.
const (
	Opaque     Form = iota // not understood or not agreed with BuildKit: never edited
	Words                  // words between blanks: FROM, COPY, ADD, EXPOSE, VOLUME, ARG
	String                 // the whole rest is one argument: WORKDIR, USER, STOPSIGNAL, MAINTAINER
	Pairs                  // key=value …: ENV, LABEL
	LegacyPair             // key value: ENV, LABEL
	Shell                  // a command for the shell: RUN, CMD, ENTRYPOINT, HEALTHCHECK CMD
	Exec                   // a JSON array
	Compound               // ONBUILD: see Instruction.Child
)

func (f Form) String() string {
	return [...]string{"opaque", "words", "string", "pairs", "legacy pair", "shell", "exec", "compound"}[f]
}

// Word is one token. Lo and Hi are its range in Logical.Text, Span its place
// in the source (with whatever continuation stands inside it), Value what
// BuildKit takes it for: quotes and escapes stay in words, and are decoded in
// flags and JSON strings.
type Word struct {
	Span
	Lo, Hi int
	Value  string
}

// Flag is a builder flag such as --mount=type=cache,target=/x. Name comes
// without dashes; HasValue tells --link from --link=true.
type Flag struct {
	Word
	Name     string
	Arg      string
	HasValue bool
}

// Pair is one key=value of ENV or LABEL. In the legacy form Value is the rest
// of the line.
type Pair struct {
	Key, Value Word
	Span       Span
}

// Line is one source line of an instruction before its here-documents.
type Line struct {
	Span             // with the line ending
	Kind    LineKind //
	ContAt  int      // offset of the continuation character, -1 without one
	TextEnd int      // end of the text that takes part in the logical line
}

// LineKind says what a line inside an instruction is.
type LineKind uint8

// The kinds of lines.
const (
	CodeLine    LineKind = iota // takes part in the logical line
	CommentLine                 // a comment between continuation lines
	BlankLine                   // white space only, dropped by BuildKit with a warning
)

// Heredoc is a here-document of an instruction. Opener is the word with <<,
// empty where it could not be located; Body is the content, Terminator the
// line behind it with its line ending.
type Heredoc struct {
	Name          string
	Expand, Chomp bool
	Opener        Word
	Body          Span
	Terminator    Span
}

// Instruction is one instruction of the Dockerfile.
type Instruction struct {
	Span               // all its lines, here-documents and the line ending included
	Index       int    // 0-based in File.Instructions; the parent's for the child of ONBUILD
	Name        string // the keyword in upper case: RUN
	Keyword     Word
	Flags       []Flag
	Args        Word   // everything behind keyword and flags
	Words       []Word // the arguments, by Form; for Shell one word; empty for Pairs and LegacyPair
	Pairs       []Pair
	Form        Form
	Lead        []Span // lines of the comment block that touches the instruction from above
	Comments    []Span // comments between its lines, without line endings
	Lines       []Line // its lines up to the here-documents
	Heredocs    []Heredoc
	Logical     Logical
	Child       *Instruction // of ONBUILD
	Parent      *Instruction // ONBUILD, for its child
	Node        *parser.Node // BuildKit's node
	StartLine   int          // 1-based
	EndLine     int          // 1-based, the last line, here-documents included
	OpaqueCause string       // why Form is Opaque
	escape      byte
	typed       *typed
}

// Flag returns the last flag of that name, or nil.
func (in *Instruction) Flag(name string) *Flag {
	for i := len(in.Flags) - 1; i >= 0; i-- {
		if in.Flags[i].Name == name {
			return &in.Flags[i]
		}
	}
	return nil
}

// Escape is the escape character in force, \ or `.
func (in *Instruction) Escape() byte { return in.escape }

// TextEnd is the source offset behind the last byte of the logical line: where
// one would append to the instruction, before trailing blanks, line ending and
// here-documents.
func (in *Instruction) TextEnd() int {
	text := strings.TrimRightFunc(in.Logical.Text, unicode.IsSpace)
	return in.Logical.SourceEnd(len(text))
}

// Unfinished reports whether the file ends inside the instruction: its last
// line still has a continuation character, so nothing can stand behind it.
func (in *Instruction) Unfinished() bool {
	for i := len(in.Lines) - 1; i >= 0; i-- {
		if in.Lines[i].Kind == CodeLine {
			return in.Lines[i].ContAt >= 0
		}
	}
	return false
}

// IsShellForm reports whether the arguments (of a HEALTHCHECK: those behind
// CMD) are a shell command.
func (in *Instruction) IsShellForm() bool { return in.Form == Shell }

// Command is the word that holds the shell command of a shell-form
// instruction: for HEALTHCHECK what follows CMD, otherwise all arguments.
func (in *Instruction) Command() Word {
	if in.Form == Shell && len(in.Words) > 0 {
		return in.Words[len(in.Words)-1]
	}
	return in.Args
}

// contAt returns where the continuation of a line starts and where the
// continuation character is, as BuildKit's trimContinuationCharacter finds it:
// the escape character, only blanks and tabs behind it, and no escape
// character before it. ok is false if the line does not continue.
func contAt(line []byte, escape byte) (at int, ok bool) {
	i := len(line)
	for i > 0 && (line[i-1] == ' ' || line[i-1] == '\t') {
		i--
	}
	if i == 0 || line[i-1] != escape || i > 1 && line[i-2] == escape {
		return 0, false
	}
	return i - 1, true
}

// instruction builds the instruction of a node and checks it against BuildKit.
func (f *File) instruction(node *parser.Node) *Instruction {
	in := &Instruction{
		Node: node, Name: strings.ToUpper(node.Value), escape: f.Escape, typed: new(typed),
		StartLine: node.StartLine, EndLine: node.EndLine,
	}
	in.Start, in.End = f.lines[node.StartLine-1], f.lineEnd(node.EndLine)
	if in.Start == 0 && bytes.HasPrefix(f.Src, bom) {
		in.Start = len(bom)
	}
	heredocLines := 0
	for _, h := range node.Heredocs {
		heredocLines += strings.Count(h.Content, "\n") + 1
	}
	f.join(in, node.EndLine-heredocLines)
	if cuts := f.takeCuts(in.End); len(cuts) > 0 && !in.restore(f.Src, cuts) {
		f.mended = false
	}
	if err := f.tokens(in); err != nil {
		in.opaque(err.Error())
	}
	return in
}

func (in *Instruction) opaque(cause string) {
	in.Form, in.OpaqueCause = Opaque, cause
	in.Flags, in.Words, in.Pairs, in.Child = nil, nil, nil, nil
}

// join rebuilds the logical line of an instruction from its lines up to last.
func (f *File) join(in *Instruction, last int) {
	var text strings.Builder
	text.Grow(len(in.Node.Original))
	for n := in.StartLine; n <= last; n++ {
		sp := Span{f.lines[n-1], f.lineEnd(n)}
		if n == in.StartLine {
			sp.Start = in.Start
		}
		raw := f.Src[sp.Start:sp.End]
		body := bytes.TrimRight(raw, "\r\n")
		trimmed := bytes.TrimLeftFunc(body, unicode.IsSpace)
		line := Line{Span: sp, ContAt: -1}
		start := sp.Start
		switch {
		case n > in.StartLine && len(trimmed) == 0:
			line.Kind, line.TextEnd = BlankLine, sp.Start
		case n > in.StartLine && trimmed[0] == '#':
			line.Kind, line.TextEnd = CommentLine, sp.Start
			at := sp.Start + len(body) - len(trimmed)
			in.Comments = append(in.Comments, Span{at, at + len(trimmed)})
		default:
			if n == in.StartLine { // BuildKit trims the first line only
				start += len(body) - len(trimmed)
				body = trimmed
			}
			if at, ok := contAt(body, f.Escape); ok {
				line.ContAt = start + at
				body = body[:at]
			}
			line.TextEnd = start + len(body)
			if len(body) > 0 {
				in.Logical.segs = append(in.Logical.segs, Segment{text.Len(), start, len(body)})
				text.Write(body)
			}
		}
		in.Lines = append(in.Lines, line)
	}
	in.Logical.Text = text.String()
	if len(in.Logical.segs) == 0 {
		in.Logical.segs = []Segment{{0, in.Start, 0}}
	}
}

// tokens finds the tokens of an instruction and compares them with BuildKit's.
func (f *File) tokens(in *Instruction) error {
	if in.Logical.Text != in.Node.Original {
		return fmt.Errorf("the joined lines differ from BuildKit's")
	}
	if err := in.split(); err != nil {
		return err
	}
	if err := in.arguments(); err != nil {
		return err
	}
	if err := f.heredocs(in, in.Node.Heredocs); err != nil {
		return err
	}
	if in.Name == "ONBUILD" {
		return f.child(in)
	}
	return nil
}

// child builds the instruction inside an ONBUILD. It shares the parent's
// lines, comments and here-documents; BuildKit gives it no line of its own.
func (f *File) child(in *Instruction) error {
	if in.Node.Next == nil || len(in.Node.Next.Children) != 1 {
		return fmt.Errorf("ONBUILD without an instruction")
	}
	node := in.Node.Next.Children[0]
	c := &Instruction{
		Node: node, Name: strings.ToUpper(node.Value), escape: in.escape, typed: new(typed), Parent: in,
		Span: in.Span, StartLine: in.StartLine, EndLine: in.EndLine, Lines: in.Lines,
		Comments: in.Comments, Logical: in.Logical.Slice(in.Args.Lo, in.Args.Hi),
	}
	if c.Logical.Text != node.Original {
		return fmt.Errorf("the instruction of ONBUILD differs from BuildKit's")
	}
	if err := c.split(); err != nil {
		return err
	}
	if err := c.arguments(); err != nil {
		return err
	}
	if c.Name == command.Onbuild || c.Form == Opaque {
		return fmt.Errorf("ONBUILD with an instruction that cannot be used there")
	}
	if err := f.heredocs(c, in.Node.Heredocs); err != nil {
		return err
	}
	in.Child = c
	in.Form = Compound
	return nil
}
