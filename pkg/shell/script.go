package shell

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/parse"
)

// Kind says where a script's text comes from.
type Kind uint8

// The kinds of scripts.
const (
	Line     Kind = iota // the shell form's joined line
	Body                 // RUN <<EOF: the body of the here-document is the script
	Heredocs             // a command line with here-documents that the shell reads
)

// Script is the shell program of an instruction.
type Script struct {
	Instruction *parse.Instruction
	Kind        Kind
	Lang        Lang
	Shebang     bool          // Kind is Body and an interpreter line chose Lang
	Map         parse.Logical // the text, and where it stands in the source

	trees *trees
}

// trees are a text's trees, one per dialect, made when asked for, and what is
// derived from them.
type trees struct {
	dialects [2]dialect
	calls    atomic.Value
}

type dialect struct {
	once     sync.Once
	file     *syntax.File
	err      error
	commands func() []*syntax.CallExpr
}

// ErrNotShell is the error of scripts whose language is None.
var ErrNotShell = errors.New("not a POSIX shell script")

// New returns the script of a shell-form RUN, CMD, ENTRYPOINT or HEALTHCHECK
// (for ONBUILD, of its child), or nil if the instruction has none. sh is the
// SHELL in effect there.
func New(f *parse.File, in *parse.Instruction, sh Shell) *Script {
	if in.Form != parse.Shell || in.Name == "SHELL" {
		return nil
	}
	s := &Script{Instruction: in, Lang: sh.Lang, trees: new(trees)}
	w := in.Command()
	if in.Name != "RUN" || len(in.Heredocs) == 0 {
		s.Map = in.Logical.Slice(w.Lo, w.Hi)
		return s
	}
	if parser.MustParseHeredoc(w.Value) != nil {
		s.Kind = Body
		s.Map = bodyText(f, in.Heredocs[0])
		if lang, ok := interpreter(s.Map.Text); ok {
			s.Lang, s.Shebang = lang, true
		}
		return s
	}
	// BuildKit gives the shell the command line and all bodies again, see
	// dispatchRun in its dockerfile2llb.
	s.Kind = Heredocs
	line := in.Logical.Slice(w.Lo, w.Hi)
	var text strings.Builder
	text.WriteString(line.Text)
	segs := append([]parse.Segment(nil), line.Segments()...)
	for _, h := range in.Heredocs {
		text.WriteByte('\n')
		segs = append(segs, parse.Segment{Text: text.Len(), Src: h.Body.Start, N: h.Body.Len()})
		text.WriteString(h.Body.Text(f.Src))
		term := h.Terminator.Text(f.Src)
		at := h.Terminator.Start + strings.Index(term, h.Name)
		segs = append(segs, parse.Segment{Text: text.Len(), Src: at, N: len(h.Name)})
		text.WriteString(h.Name)
	}
	s.Map = parse.NewLogical(text.String(), segs)
	return s
}

// bodyText is a here-document's content as the shell gets it: without leading
// tabs for <<-.
func bodyText(f *parse.File, h parse.Heredoc) parse.Logical {
	body := h.Body.Text(f.Src)
	if !h.Chomp {
		return parse.NewLogical(body, []parse.Segment{{Text: 0, Src: h.Body.Start, N: len(body)}})
	}
	var text strings.Builder
	var segs []parse.Segment
	for pos := 0; pos < len(body); {
		end := strings.IndexByte(body[pos:], '\n')
		if end < 0 {
			end = len(body)
		} else {
			end += pos + 1
		}
		line := strings.TrimLeft(body[pos:end], "\t")
		segs = append(segs, parse.Segment{Text: text.Len(), Src: h.Body.Start + end - len(line), N: len(line)})
		text.WriteString(line)
		pos = end
	}
	return parse.NewLogical(text.String(), segs)
}

// Text is the program as the shell gets it.
func (s *Script) Text() string { return s.Map.Text }

// Parse returns the tree of the script. Offsets of its positions are byte
// offsets in Text. The error is ErrNotShell, or says why mvdan.cc/sh cannot
// parse it. The tree is shared: never change it.
func (s *Script) Parse() (*syntax.File, error) { return parseText(s.ParseAs, s.Lang) }

// ParseAs is Parse for one dialect, without falling back to another.
func (s *Script) ParseAs(lang Lang) (*syntax.File, error) {
	if lang == None {
		return nil, ErrNotShell
	}
	t := &s.trees.dialects[lang-POSIX]
	t.once.Do(func() {
		t.file, t.err = parseWith(s.Map.Text, lang)
		t.commands = sync.OnceValue(func() []*syntax.CallExpr { return Commands(t.file) })
	})
	return t.file, t.err
}

// Commands returns the simple commands of the tree that Parse gives, see the
// function Commands. They are shared: never change them.
func (s *Script) Commands() ([]*syntax.CallExpr, error) {
	file, err := s.Parse()
	if err != nil {
		return nil, err
	}
	for i := range s.trees.dialects {
		if t := &s.trees.dialects[i]; t.file == file {
			return t.commands(), nil
		}
	}
	return Commands(file), nil
}

// Substitutes reports whether the text may have a command or process
// substitution.
func (s *Script) Substitutes() bool {
	return strings.ContainsAny(s.Map.Text, "`(")
}

// Calls is a place where package facts keeps what it derives from the tree.
// Scripts that share their trees share it.
func (s *Script) Calls() *atomic.Value { return &s.trees.calls }

// Share makes s use the trees of another script if its text is the same.
func (s *Script) Share(o *Script) {
	if s.Map.Text == o.Map.Text {
		s.trees = o.trees
	}
}

// parsers are those of POSIX and bash. Without New they lie among the zero
// bytes of the program, whose pages cost less to write to.
var parsers [2]sync.Pool

func parseWith(text string, lang Lang) (*syntax.File, error) {
	if strings.ContainsRune(text, '\r') {
		// mvdan.cc/sh drops carriage returns, a shell does not.
		return nil, errors.New("the script has carriage returns")
	}
	pool, variant := &parsers[0], syntax.LangPOSIX
	if lang == Bash {
		pool, variant = &parsers[1], syntax.LangBash
	}
	p, _ := pool.Get().(*syntax.Parser)
	if p == nil {
		p = syntax.NewParser(syntax.KeepComments(true), syntax.Variant(variant))
	}
	defer pool.Put(p)
	return p.Parse(strings.NewReader(text), "")
}

// parseText parses a script. What is no POSIX shell but parses as bash is read
// as bash: /bin/sh is bash on many bases, and on others such a script fails
// before and after any change.
func parseText(parse func(Lang) (*syntax.File, error), lang Lang) (*syntax.File, error) {
	if lang == None {
		return nil, ErrNotShell
	}
	file, err := parse(lang)
	if err != nil && lang == POSIX {
		if bash, err2 := parse(Bash); err2 == nil {
			return bash, nil
		}
	}
	return file, err
}

// ParseText parses a program that stands in no instruction, like
// Script.Parse.
func ParseText(text string, lang Lang) (*syntax.File, error) {
	return parseText(func(l Lang) (*syntax.File, error) { return parseWith(text, l) }, lang)
}

// ParseAs parses a program as one dialect, without falling back to another.
func ParseAs(text string, lang Lang) (*syntax.File, error) {
	if lang == None {
		return nil, ErrNotShell
	}
	return parseWith(text, lang)
}

// Source returns the source offset of a position in the tree.
func (s *Script) Source(pos syntax.Pos) int { return s.Map.Source(int(pos.Offset())) }

// Span returns the source span of a node, from its first byte to behind its
// last.
func (s *Script) Span(n syntax.Node) parse.Span {
	return s.Map.Span(int(n.Pos().Offset()), int(n.End().Offset()))
}

// NodeText is the node's part of Text.
func (s *Script) NodeText(n syntax.Node) string {
	return s.Map.Text[n.Pos().Offset():n.End().Offset()]
}
