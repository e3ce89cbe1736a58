package plan

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	bkshell "github.com/moby/buildkit/frontend/dockerfile/shell"
	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

// Shells gives the effective SHELL at an instruction (see facts.Facts.Shell).
type Shells func(*parse.Instruction) shell.Shell

// Plan is the build plan of one file. It does not change after Build.
type Plan struct {
	File   *parse.File
	syntax string // the frontend that a # syntax= directive or its like names
	check  string // # check=, which can make a build fail
	steps  []*step
	known  Known // while it is made
	lex    *bkshell.Lex
}

// class says which order matters for a step.
type class uint8

const (
	fromStep  class = iota
	buildStep       // makes the file system or the build environment: order matters
	metaStep        // image config only: order matters among its kind
)

// step is one instruction's meaning.
type step struct {
	instr  int // index in File.Instructions, -1 for a declared insertion
	name   string
	class  class
	key    string // everything but the shell program
	script *script
	file   string      // the name of a here-document that is a file with an interpreter line
	parts  []mergePart // a declared merge; script and key are the first part's
	mode   MergeMode
	env    bool // sets variables that later words may read
	reads  bool // its words read variables
	shell  bool // sets or depends on SHELL
}

// script is a shell program that is parsed only if its text must be compared.
type script struct {
	text    string
	lang    shell.Lang
	strict  bool          // the shell runs it under -e
	startup bool          // the shell reads files of its own first
	src     *shell.Script // of this text, whose trees are shared; may be nil
	edits   *commandEdits
	ends    []extra // declared additions, in order
}

// extra is a program that is added in front of a script or behind it.
type extra struct {
	front bool
	semi  bool
	text  string
}

// Known is what a plan can take over instead of making it anew.
type Known struct {
	Shell  Shells                                 // the SHELL in effect; nil for POSIX everywhere
	Script func(*parse.Instruction) *shell.Script // the scripts, with the trees that they have; may be nil
	Before *Plan                                  // of an earlier text of the file; may be nil

	steps map[string]*step // Before's, by the instruction's text
}

// Build makes the plan of a file, or says why BuildKit would refuse it: an
// unknown instruction or flag, wrong arguments, an instruction before the
// first FROM. The error is a *parse.Error with the instruction's line.
func Build(f *parse.File, shells Shells) (*Plan, error) { return BuildFrom(f, Known{Shell: shells}) }

// mayHaveSyntax reports whether parser.DetectSyntax, which sets up two scanners
// and a JSON decoder, may find something: a comment or a JSON object begins the file.
func mayHaveSyntax(src []byte) bool {
	src = bytes.TrimLeftFunc(bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")), unicode.IsSpace)
	return len(src) > 0 && (src[0] == '#' || src[0] == '/' || src[0] == '{')
}

// BuildFrom is Build with what is known already.
func BuildFrom(f *parse.File, known Known) (*Plan, error) {
	p := &Plan{File: f, steps: make([]*step, 0, len(f.Instructions)), known: known}
	defer func() { p.known = Known{} }() // a plan must not keep all plans before it
	if mayHaveSyntax(f.Src) {
		if _, cmdline, _, ok := parser.DetectSyntax(f.Src); ok {
			p.syntax = cmdline
		}
	}
	for _, d := range f.Directives {
		if d.Name == "check" {
			p.check = d.Value
		}
	}
	seen := false
	for _, in := range f.Instructions {
		st := p.same(in)
		if st == nil {
			var err error
			if st, err = p.step(in, in.Node); err != nil {
				return nil, err
			}
		}
		if st.class == fromStep {
			seen = true
		} else if !seen && in.Name != "ARG" {
			return nil, &parse.Error{Line: in.StartLine, Col: 1, Msg: fmt.Sprintf("%s before the first FROM: only ARG may stand there", in.Name)}
		}
		p.steps = append(p.steps, st)
	}
	if !seen {
		return nil, &parse.Error{Line: f.Instructions[len(f.Instructions)-1].StartLine, Msg: "no FROM instruction: a Dockerfile needs at least one build stage"}
	}
	return p, nil
}

func (p *Plan) step(in *parse.Instruction, node *parser.Node) (*step, error) {
	if in != nil && in.Name == "RUN" && in.Form == parse.Shell && len(in.Words) == 1 && len(node.Flags) == 0 && len(node.Heredocs) == 0 {
		return p.plainRun(in, node), nil
	}
	var v any
	var err error
	if in != nil {
		v, err = in.Typed()
	} else {
		v, err = parse.Typed(node)
	}
	if err != nil {
		pe := parse.NewError(err)
		if in != nil {
			pos := p.File.Position(in.Logical.Source(0))
			pe.Line, pe.Col = pos.Line, pos.Col
		}
		pe.Msg = strings.TrimSpace(pe.Msg)
		if unknown := (*instructions.UnknownInstructionError)(nil); errors.As(err, &unknown) && unknown.Instruction != "" {
			pe.Msg = unknownInstruction(unknown.Instruction)
		}
		return nil, pe
	}
	st := &step{name: strings.ToUpper(node.Value), instr: -1}
	if in != nil {
		st.instr = in.Index
	}
	st.class = buildStep
	var k keyer
	k.add(st.name)
	switch c := v.(type) {
	case *instructions.Stage:
		st.class = fromStep
		k.add(c.BaseName, c.Name, c.Platform)
	case *instructions.ArgCommand:
		st.env = true
		for _, a := range c.Args {
			k.add(a.Key)
			if a.Value != nil {
				k.add("=", p.value(*a.Value))
				st.reads = st.reads || strings.Contains(*a.Value, "$")
			}
		}
	case *instructions.EnvCommand:
		st.env = true
		for _, kv := range c.Env {
			k.add(p.value(kv.Key), p.value(kv.Value))
			st.reads = true
		}
	case *instructions.LabelCommand:
		st.class = metaStep
		for _, kv := range c.Labels {
			k.add(p.value(kv.Key), p.value(kv.Value))
			st.reads = st.reads || strings.Contains(kv.Key+kv.Value, "$")
		}
	case *instructions.MaintainerCommand:
		st.class = metaStep
		k.add(c.Maintainer)
	case *instructions.CopyCommand:
		k.add("from", c.From)
		k.copy(c.SourcesAndDest, c.Chown, c.Chmod, c.Link, c.ExcludePatterns)
		k.add(strconv.FormatBool(c.Parents))
	case *instructions.AddCommand:
		k.copy(c.SourcesAndDest, c.Chown, c.Chmod, c.Link, c.ExcludePatterns)
		k.add(c.Checksum, flag(c.KeepGitDir), flag(c.Unpack))
	case *instructions.WorkdirCommand:
		k.add(c.Path)
	case *instructions.UserCommand:
		k.add(c.User)
	case *instructions.VolumeCommand:
		k.add(c.Volumes...)
	case *instructions.ShellCommand:
		st.shell = true
		k.add(c.Shell...)
	case *instructions.RunCommand:
		st.shell = true
		k.add(node.Flags...)
		p.command(&k, st, c.ShellDependantCmdLine, in)
	case *instructions.CmdCommand:
		st.class, st.shell = metaStep, c.PrependShell
		p.command(&k, st, c.ShellDependantCmdLine, in)
	case *instructions.EntrypointCommand:
		st.class, st.shell = metaStep, c.PrependShell
		p.command(&k, st, c.ShellDependantCmdLine, in)
	case *instructions.HealthCheckCommand:
		st.class = metaStep
		h := c.Health
		k.add(h.Interval.String(), h.Timeout.String(), h.StartPeriod.String(), h.StartInterval.String(), strconv.Itoa(h.Retries))
		if len(h.Test) == 2 && h.Test[0] == "CMD-SHELL" {
			st.shell = true
			k.add(h.Test[0])
			p.script(st, h.Test[1], in)
		} else {
			k.add(h.Test...)
		}
	case *instructions.ExposeCommand:
		st.class, st.reads = metaStep, true
		k.add(c.Ports...)
	case *instructions.StopSignalCommand:
		st.class, st.reads = metaStep, true
		k.add(c.Signal)
	case *instructions.OnbuildCommand:
		st.class = metaStep
		if err := p.onbuild(&k, st, in, node); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("unknown instruction type %T", v)
	}
	st.key = k.String()
	return st, nil
}

// plainRun is step for a RUN that is nothing but a command line, as most are:
// BuildKit's parseRun takes the line as it is.
func (p *Plan) plainRun(in *parse.Instruction, node *parser.Node) *step {
	st := &step{name: "RUN", instr: in.Index, class: buildStep, shell: true}
	var k keyer
	k.add(st.name)
	p.command(&k, st, instructions.ShellDependantCmdLine{CmdLine: []string{node.Next.Value}, PrependShell: true}, in)
	st.key = k.String()
	return st
}

// onbuild gives the meaning of an ONBUILD trigger: its own instruction's. The
// trigger's text goes into the image config and is parsed again by the build
// that uses it.
func (p *Plan) onbuild(k *keyer, st *step, in *parse.Instruction, node *parser.Node) error {
	child := *node.Next.Children[0]
	child.Heredocs = node.Heredocs
	var cin *parse.Instruction
	if in != nil {
		cin = in.Child
	}
	sub, err := p.step(nil, &child)
	if err != nil {
		pe := parse.NewError(err)
		pe.Line = node.StartLine
		return pe
	}
	k.add(sub.key)
	if sub.script != nil {
		p.script(st, sub.script.text, cin)
	}
	return nil
}

// command adds a command line: the JSON array's elements, or the shell form's
// script as BuildKit's dispatchRun hands it to the shell.
func (p *Plan) command(k *keyer, st *step, c instructions.ShellDependantCmdLine, in *parse.Instruction) {
	if !c.PrependShell {
		k.add("exec")
		k.add(c.CmdLine...)
		return
	}
	k.add("shell")
	if len(c.CmdLine) == 0 {
		return
	}
	text := c.CmdLine[0]
	if len(c.Files) > 0 {
		if parser.MustParseHeredoc(text) != nil {
			text = c.Files[0].Data
			if c.Files[0].Chomp {
				text = parser.ChompHeredocContent(text)
			}
			if strings.HasPrefix(text, "#!") {
				st.file = c.Files[0].Name
				k.add("file", st.file)
			}
		} else {
			var b strings.Builder
			b.WriteString(text)
			for _, f := range c.Files {
				b.WriteString("\n" + f.Data + f.Name)
			}
			text = b.String()
		}
	}
	p.script(st, text, in)
}

func (p *Plan) script(st *step, text string, in *parse.Instruction) {
	st.script = &script{text: text, lang: shell.POSIX}
	if in == nil {
		return
	}
	if p.known.Shell != nil {
		sh := p.known.Shell(in)
		st.script.lang, st.script.strict, st.script.startup = sh.Lang, sh.ErrExit, sh.Login || sh.Other
	} else {
		// Which SHELL is in effect has not been told: any may have -e.
		st.script.strict = slices.ContainsFunc(p.File.Instructions, func(i *parse.Instruction) bool { return i.Name == "SHELL" })
	}
	s := p.known.scriptOf(p.File, in)
	if s == nil {
		return
	}
	st.script.lang = s.Lang
	// An interpreter line may give -e.
	st.script.strict = st.script.strict || s.Shebang
	if s.Text() == text {
		st.script.src = s
	}
}

// tree parses a script in its language, like shell.Script.Parse.
func (s *script) tree() (*syntax.File, error) {
	if s.src != nil && s.src.Lang == s.lang {
		return s.src.Parse()
	}
	return shell.ParseText(s.text, s.lang)
}

// value is a word of ENV, LABEL or ARG as BuildKit expands it: two spellings of
// one value are equal.
func (p *Plan) value(word string) string { return p.canonicalValue(word) }

// keyer builds an unambiguous string of fields.
type keyer struct{ strings.Builder }

func (k *keyer) add(fields ...string) {
	for _, f := range fields {
		k.WriteString(strconv.Itoa(len(f)))
		k.WriteByte(':')
		k.WriteString(f)
	}
}

func (k *keyer) copy(s instructions.SourcesAndDest, chown, chmod string, link bool, exclude []string) {
	k.add(chown, chmod, strconv.FormatBool(link), strconv.Itoa(len(exclude)))
	k.add(exclude...)
	k.add(strconv.Itoa(len(s.SourcePaths)))
	k.add(s.SourcePaths...)
	for _, c := range s.SourceContents {
		k.add("<<", c.Path, c.Data, strconv.FormatBool(c.Expand))
	}
	k.add(s.DestPath)
}

func flag(b *bool) string {
	if b == nil {
		return "-"
	}
	return strconv.FormatBool(*b)
}

// Steps counts the build steps as `docker build` numbers them: every
// instruction of the stages, FROM included.
func (p *Plan) Steps() int {
	n := 0
	seen := false
	for _, s := range p.steps {
		seen = seen || s.class == fromStep
		if seen {
			n++
		}
	}
	return n
}

func (s *step) clone() *step {
	c := *s
	if s.script != nil {
		sc := *s.script
		c.script = &sc
	}
	c.parts = slices.Clone(s.parts)
	return &c
}
