// Package fmtcheck checks what the layout of package emit must never do: it
// compares a Dockerfile before and after by BuildKit's own parsers and by
// mvdan.cc/sh's trees, and knows nothing of how the layout works. It is used
// by tests, fuzz targets and the corpus command.
package fmtcheck

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

// Shells follows FROM and SHELL instructions: the SHELL in effect at each
// instruction, for files without Windows stages.
func Shells(f *parse.File) func(*parse.Instruction) shell.Shell {
	at := make([]shell.Shell, len(f.Instructions))
	def := shell.DefaultLinux()
	if Windows(f) {
		def = shell.DefaultWindows()
	}
	cur := def
	for i, in := range f.Instructions {
		switch {
		case in.Name == "FROM":
			cur = def
		case in.Name == "SHELL" && in.Form == parse.Exec:
			var argv []string
			for _, w := range in.Words {
				argv = append(argv, w.Value)
			}
			cur = shell.Of(argv)
		}
		at[i] = cur
	}
	return func(in *parse.Instruction) shell.Shell { return at[in.Index] }
}

// Windows guesses whether a file is about Windows images.
func Windows(f *parse.File) bool {
	if f.Escape == '`' {
		return true
	}
	for _, in := range f.Instructions {
		if in.Name == "FROM" && len(in.Words) > 0 {
			v := strings.ToLower(in.Words[0].Value)
			if strings.Contains(v, "windows") || strings.Contains(v, "nanoserver") || strings.Contains(v, "servercore") {
				return true
			}
		}
	}
	return false
}

// Format lays out src and applies all groups.
func Format(src []byte, style emit.Style) ([]byte, []emit.Group, error) {
	f, err := parse.Parse(src)
	if err != nil {
		return nil, nil, err
	}
	groups := emit.Layout(f, Shells(f), style)
	var edits []emit.Edit
	for _, g := range groups {
		edits = append(edits, g.Edits...)
	}
	out, err := emit.Apply(src, edits)
	return out, groups, err
}

// Check formats src and reports the first thing that must not happen: an
// error, a changed program, a lost or moved comment, a second run that changes
// something, a modified input.
func Check(src []byte, style emit.Style) error {
	before := bytes.Clone(src)
	out, _, err := Format(src, style)
	if err != nil {
		return err
	}
	if !bytes.Equal(before, src) {
		return fmt.Errorf("the input was modified")
	}
	if err := Same(src, out, style.CacheNeutral); err != nil {
		return &Changed{err, out}
	}
	again, _, err := Format(out, style)
	if err != nil {
		return fmt.Errorf("second run: %w", err)
	}
	if !bytes.Equal(out, again) {
		return fmt.Errorf("the second run changed the file:\n%s", firstDiff(out, again))
	}
	return nil
}

// CheckPart makes only some of the changes to src, as "refit: skip" and a range
// of lines ask for, and reports a changed program or comment. Every second
// change is made: those with an even number, or with an odd one.
func CheckPart(src []byte, style emit.Style, odd bool) error {
	_, groups, err := Format(src, style)
	if err != nil {
		return err
	}
	var edits []emit.Edit
	take := odd
	for _, g := range groups {
		if g.Instruction != nil {
			if take = !take; take {
				edits = append(edits, g.Edits...)
			}
			continue
		}
		for _, e := range g.Edits { // each can be made without the others
			if take = !take; take {
				edits = append(edits, e)
			}
		}
	}
	out, err := emit.Apply(src, edits)
	if err != nil {
		return err
	}
	if err := Same(src, out, style.CacheNeutral); err != nil {
		return &Changed{fmt.Errorf("every second change: %w", err), out}
	}
	return nil
}

// Changed is the error of a result that is not the same program.
type Changed struct {
	Err error
	Out []byte // the result
}

func (e *Changed) Error() string { return e.Err.Error() }

func (e *Changed) Unwrap() error { return e.Err }

func firstDiff(a, b []byte) string {
	la, lb := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range la {
		if i >= len(lb) || la[i] != lb[i] {
			lo := max(i-3, 0)
			return fmt.Sprintf("line %d\nfirst:\n%s\nsecond:\n%s", i+1,
				strings.Join(la[lo:min(i+4, len(la))], "\n"), strings.Join(lb[lo:min(i+4, len(lb))], "\n"))
		}
	}
	return "the second run added lines"
}

// Same compares two Dockerfiles. identical also compares the texts that are
// handed to shells.
func Same(a, b []byte, identical bool) error {
	ra, err := parser.Parse(bytes.NewReader(a))
	if err != nil {
		return fmt.Errorf("before: %w", err)
	}
	rb, err := parser.Parse(bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("after: %w", err)
	}
	if ra.EscapeToken != rb.EscapeToken {
		return fmt.Errorf("the escape directive changed")
	}
	sa, _, _, oka := parser.DetectSyntax(a)
	sb, _, _, okb := parser.DetectSyntax(b)
	if sa != sb || oka != okb {
		return fmt.Errorf("the syntax directive changed: %q, %q", sa, sb)
	}
	da, va := directives(a)
	db, vb := directives(b)
	if !reflect.DeepEqual(da, db) || va != vb {
		return fmt.Errorf("the directives changed: %v, %v", da, db)
	}
	if len(ra.AST.Children) != len(rb.AST.Children) {
		return fmt.Errorf("%d instructions became %d", len(ra.AST.Children), len(rb.AST.Children))
	}
	sh := shell.DefaultLinux()
	if f, err := parse.Parse(a); err == nil && Windows(f) {
		sh = shell.DefaultWindows()
	}
	def := sh
	for i, na := range ra.AST.Children {
		nb := rb.AST.Children[i]
		if strings.EqualFold(na.Value, "FROM") {
			sh = def
		}
		if err := sameNode(na, nb, sh, identical); err != nil {
			return fmt.Errorf("line %d: %w", na.StartLine, err)
		}
		if strings.EqualFold(na.Value, "SHELL") && na.Attributes["json"] {
			var argv []string
			for n := na.Next; n != nil; n = n.Next {
				argv = append(argv, n.Value)
			}
			sh = shell.Of(argv)
		}
	}
	if err := sameInstructions(ra.AST, rb.AST, identical); err != nil {
		return err
	}
	return sameComments(a, b)
}

// directives returns the parser directives at the top of a file.
func directives(src []byte) (map[string]string, bool) {
	out := map[string]string{}
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	var p parser.DirectiveParser
	ds, err := p.ParseAll(src)
	for _, d := range ds {
		out[d.Name] = d.Value
	}
	return out, err == nil
}

// sameNode compares two nodes of BuildKit's tree; where the text is a shell
// program, by its tree.
func sameNode(a, b *parser.Node, sh shell.Shell, identical bool) error {
	if !strings.EqualFold(a.Value, b.Value) {
		return fmt.Errorf("%s became %s", a.Value, b.Value)
	}
	if !reflect.DeepEqual(a.Flags, b.Flags) {
		return fmt.Errorf("flags %q became %q", a.Flags, b.Flags)
	}
	if len(a.Heredocs) != len(b.Heredocs) {
		return fmt.Errorf("%d here-documents became %d", len(a.Heredocs), len(b.Heredocs))
	}
	if !reflect.DeepEqual(a.Attributes, b.Attributes) {
		return fmt.Errorf("the form changed")
	}
	for i := range a.Heredocs {
		ha, hb := a.Heredocs[i], b.Heredocs[i]
		if ha == hb {
			continue
		}
		if ha.Content = hb.Content; ha != hb || identical || !strings.EqualFold(a.Value, "RUN") || len(a.Heredocs) > 1 {
			return fmt.Errorf("here-document %s changed", hb.Name)
		}
		if err := SameBody(a.Heredocs[i].Content, hb.Content, sh.Lang); err != nil {
			return fmt.Errorf("here-document %s: %w", hb.Name, err)
		}
	}
	name := strings.ToUpper(a.Value)
	if name == "ONBUILD" {
		if a.Next == nil || b.Next == nil || len(a.Next.Children) != 1 || len(b.Next.Children) != 1 {
			if a.Original != b.Original {
				return fmt.Errorf("ONBUILD changed")
			}
			return nil
		}
		return sameNode(a.Next.Children[0], b.Next.Children[0], sh, identical)
	}
	na, nb := a.Next, b.Next
	for i := 0; na != nil && nb != nil; i++ {
		program := !a.Attributes["json"] && (name == "RUN" || name == "CMD" || name == "ENTRYPOINT") ||
			name == "HEALTHCHECK" && i == 1 && !a.Attributes["json"]
		fold := name == "FROM" && i == 1 || name == "HEALTHCHECK" && i == 0
		switch {
		case na.Value == nb.Value:
		case fold && strings.EqualFold(na.Value, nb.Value):
		case program && !identical:
			if err := SameProgram(na.Value, nb.Value, sh.Lang); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%q became %q", na.Value, nb.Value)
		}
		na, nb = na.Next, nb.Next
	}
	if na != nil || nb != nil {
		return fmt.Errorf("the number of arguments changed")
	}
	return nil
}

// SameProgram compares two shell programs by their trees without positions,
// as the given language and, for sh, as bash too.
func SameProgram(a, b string, lang shell.Lang) error {
	if strip(a) != strip(b) {
		return fmt.Errorf("other bytes than white space changed:\n%q\n%q", a, b)
	}
	pa, err := shell.ParseText(a, lang)
	if err != nil && strings.Contains(a, "<<") {
		return nil // the bodies are not here; BuildKit compared them
	}
	if err != nil {
		return fmt.Errorf("a program that cannot be read changed: %w", err)
	}
	pb, err := shell.ParseText(b, lang)
	if err != nil {
		return fmt.Errorf("the program cannot be read any more: %w\n%q", err, b)
	}
	if err := sameTree(pa, pb); err != nil || lang == shell.Bash {
		return err
	}
	// sh is bash on many bases: ((…)) is something else there.
	if pa, err = shell.ParseText(a, shell.Bash); err != nil {
		return nil
	}
	if pb, err = shell.ParseText(b, shell.Bash); err != nil {
		return fmt.Errorf("bash cannot read the program any more: %w\n%q", err, b)
	}
	return sameTree(pa, pb)
}

// SameBody compares two programs of several lines, such as the bodies of
// here-documents: comments are part of them.
func SameBody(a, b string, lang shell.Lang) error {
	if strip(strings.ReplaceAll(a, "\n", "")) != strip(strings.ReplaceAll(b, "\n", "")) {
		return fmt.Errorf("other bytes than white space changed:\n%s\n%s", a, b)
	}
	if strings.HasPrefix(a, "#!") {
		lang = shell.Bash
	}
	pa, err := shell.ParseText(a, lang)
	if err != nil {
		return fmt.Errorf("a script that cannot be read changed: %w", err)
	}
	pb, err := shell.ParseText(b, lang)
	if err != nil {
		return fmt.Errorf("the script cannot be read any more: %w", err)
	}
	return sameTree(pa, pb)
}

func strip(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' {
			return -1
		}
		return r
	}, s)
}

// sameTree compares two programs whose bytes other than white space are known
// to be equal. Which node holds a comment depends on its indent for the parser,
// so comments are compared by themselves.
func sameTree(a, b *syntax.File) error {
	if !sameValue(reflect.ValueOf(a), reflect.ValueOf(b)) {
		return fmt.Errorf("the program changed")
	}
	if !slices.Equal(programComments(a), programComments(b)) {
		return fmt.Errorf("the comments changed")
	}
	return nil
}

// programComments are a program's comments in their order, without trailing blanks.
func programComments(f *syntax.File) []string {
	var found []*syntax.Comment
	syntax.Walk(f, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.Comment); ok {
			found = append(found, c)
		}
		return true
	})
	slices.SortFunc(found, func(a, b *syntax.Comment) int { return cmp.Compare(a.Pos().Offset(), b.Pos().Offset()) })
	var out []string
	for _, c := range found {
		out = append(out, strings.TrimRight(c.Text, " \t"))
	}
	return out
}

var (
	posType      = reflect.TypeOf(syntax.Pos{})
	commentsType = reflect.TypeOf([]syntax.Comment{})
)

// sameValue compares two trees without their positions and comments.
func sameValue(a, b reflect.Value) bool {
	if a.Kind() != b.Kind() || a.Type() != b.Type() {
		return false
	}
	if a.Type() == posType {
		return a.Interface().(syntax.Pos).IsValid() == b.Interface().(syntax.Pos).IsValid()
	}
	if a.Type() == commentsType {
		return true
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return sameValue(a.Elem(), b.Elem())
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !sameValue(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		for i := range a.NumField() {
			if a.Type().Field(i).IsExported() && !sameValue(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	}
	return a.Interface() == b.Interface()
}

// sameInstructions compares BuildKit's typed instructions, as JSON, where both
// files are valid. Shell texts have been compared as programs.
func sameInstructions(a, b *parser.Node, identical bool) error {
	sa, ma, err := instructions.Parse(a, linter.New(&linter.Config{}))
	if err != nil {
		if _, _, err2 := instructions.Parse(b, linter.New(&linter.Config{})); err2 == nil {
			return fmt.Errorf("an invalid file became valid")
		}
		return nil
	}
	sb, mb, err := instructions.Parse(b, linter.New(&linter.Config{}))
	if err != nil {
		return fmt.Errorf("the file is not valid any more: %w", err)
	}
	if len(sa) != len(sb) || len(ma) != len(mb) {
		return fmt.Errorf("the number of stages or global arguments changed")
	}
	for i := range ma {
		if err := sameJSON(&ma[i], &mb[i], identical); err != nil {
			return err
		}
	}
	for i := range sa {
		x, y := sa[i], sb[i]
		if x.Name != y.Name || x.BaseName != y.BaseName || x.Platform != y.Platform || len(x.Commands) != len(y.Commands) {
			return fmt.Errorf("stage %d changed", i)
		}
		for k := range x.Commands {
			if err := sameJSON(x.Commands[k], y.Commands[k], identical); err != nil {
				return fmt.Errorf("stage %d: %w", i, err)
			}
		}
	}
	return nil
}

func sameJSON(a, b any, identical bool) error {
	ja, err := json.Marshal(a)
	if err != nil {
		return nil
	}
	jb, err := json.Marshal(b)
	if err != nil {
		return nil
	}
	if scrub(ja, identical) != scrub(jb, identical) {
		return fmt.Errorf("an instruction changed:\n%s\n%s", ja, jb)
	}
	return nil
}

// scrub drops the positions and the source text that typed instructions carry.
func scrub(j []byte, identical bool) string {
	var v any
	if json.Unmarshal(j, &v) != nil {
		return string(j)
	}
	var walk func(any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k := range v {
				switch {
				case k == "FlagsUsed":
					delete(v, k) // in random order, and compared as nodes
				case k == "Code" || k == "Location" || k == "DocComment" || k == "Comment":
					delete(v, k)
				case k == "Expression" && !identical:
					delete(v, k) // of ONBUILD: compared as a node
				default:
					v[k] = walk(v[k])
				}
			}
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case string:
			if !identical {
				// Shell programs have been compared as trees.
				return strip(strings.ReplaceAll(v, "\n", ""))
			}
		}
		return v
	}
	out, err := json.Marshal(walk(v))
	if err != nil {
		return string(j)
	}
	return string(out)
}

// sameComments compares the comments of two files, and next to which
// instruction they stand.
func sameComments(a, b []byte) error {
	ca, err := comments(a)
	if err != nil {
		return err
	}
	cb, err := comments(b)
	if err != nil {
		return err
	}
	for i := range ca {
		if i >= len(cb) {
			return fmt.Errorf("the comment %q was lost", ca[i].text)
		}
		if ca[i] != cb[i] {
			return fmt.Errorf("comment %d %q became %q", i+1, ca[i].text, cb[i].text)
		}
	}
	if len(cb) > len(ca) {
		return fmt.Errorf("the comment %q was made", cb[len(ca)].text)
	}
	return nil
}

type comment struct {
	instruction int // index of the instruction that it stands in or before
	text        string
}

// comments lists the comments of a file with the code byte behind each.
func comments(src []byte) ([]comment, error) {
	f, err := parse.Parse(src)
	if err != nil {
		return nil, err
	}
	var out []comment
	n := 0
	for _, t := range f.Tiles {
		switch t.Kind {
		case parse.TileComment:
			out = append(out, comment{n, strings.TrimSpace(t.Text(src))})
		case parse.TileInstruction:
			for _, c := range t.Instruction.Comments {
				tail := true
				for _, line := range t.Instruction.Lines {
					if line.Start > c.Start && line.Kind == parse.CodeLine && strings.TrimSpace(string(src[line.Start:line.TextEnd])) != "" {
						tail = false
					}
				}
				k := n
				if tail {
					k++ // a comment behind the last line is one behind the instruction
				}
				out = append(out, comment{k, strings.TrimSpace(c.Text(src))})
			}
			n++
		}
	}
	return out, nil
}
