package exectest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/refit-dev/refit/pkg/transform"
)

// Generate makes n Dockerfiles of RUN instructions with random programs, and
// returns the cases of merging them, and of adding a command at the end of
// their programs and behind one of their commands. The same seed gives the same
// cases.
func Generate(n int, seed uint64) ([]Case, error) {
	var cases []Case
	for i := range n {
		g := &generator{r: rand.New(rand.NewPCG(seed, uint64(i)))}
		src := []byte(g.file())
		name := fmt.Sprintf("generated %d/%d", seed, i)
		merges, err := FromDockerfile(name, src, transform.Options{Select: []string{"merge-run"}})
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", name, err, src)
		}
		adds, err := Additions(name, src, "cleanup -f && cleanup2", g.r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", name, err, src)
		}
		cases = append(append(cases, merges...), adds...)
	}
	return cases, nil
}

// Additions returns the cases of adding a command to each program of a
// Dockerfile where that is possible: at its end, and behind a command that is
// drawn.
func Additions(name string, src []byte, text string, r *rand.Rand) ([]Case, error) {
	opt := transform.Options{None: true}
	d, err := transform.Open(src, opt)
	if err != nil {
		return nil, err
	}
	var cases []Case
	for _, p := range d.Programs() {
		var changes []transform.Change
		if edits, effects, err := p.Append(text); err == nil {
			changes = append(changes, transform.Change{Title: "append", Edits: edits, Effects: effects})
		}
		if len(p.Cmds) > 0 {
			if edits, effects, err := p.InsertBehind(p.Cmds[r.IntN(len(p.Cmds))], text); err == nil {
				changes = append(changes, transform.Change{Title: "behind", Edits: edits, Effects: effects})
			}
		}
		for _, c := range changes {
			if _, err := d.Check(c); err != nil {
				cases = append(cases, Case{Name: fmt.Sprintf("%s:%d", name, p.In.StartLine), Kind: Other, Note: fmt.Sprintf("%s: %v", c.Title, err)})
				continue
			}
			cs, err := fromChange(name, src, c, opt)
			if err != nil {
				return nil, err
			}
			cases = append(cases, cs...)
		}
	}
	return cases, nil
}

// generator writes random shell programs of few commands.
type generator struct {
	r    *rand.Rand
	bash bool
	left int // commands that the program may still have
	fn   int
}

func (g *generator) pick(list ...string) string { return list[g.r.IntN(len(list))] }

// file is a Dockerfile of two to four RUN instructions.
func (g *generator) file() string {
	var b strings.Builder
	b.WriteString("FROM debian:12-slim\nWORKDIR /w\n")
	if g.r.IntN(3) == 0 {
		g.bash = true
		b.WriteString(g.pick(
			`SHELL ["/bin/bash", "-c"]`, `SHELL ["/bin/bash", "-c"]`, `SHELL ["/bin/bash", "-o", "pipefail", "-c"]`,
			`SHELL ["/bin/bash", "-ec"]`, `SHELL ["/bin/bash", "-euo", "pipefail", "-c"]`) + "\n")
	}
	head := ""
	switch g.r.IntN(4) {
	case 0:
		head = "set -e; "
	case 1:
		head = "set -eux; "
	}
	body := g.r.IntN(8) == 0
	for range 2 + g.r.IntN(3) {
		g.left = 6
		h := head
		if g.r.IntN(8) == 0 {
			h = ""
		}
		p := h + g.list(0)
		if body {
			b.WriteString("RUN <<EOF\n" + strings.ReplaceAll(p, "; ", "\n") + "\nEOF\n")
			continue
		}
		b.WriteString("RUN " + p + g.pick("", "", "", ";") + "\n")
	}
	return b.String()
}

// list is one to three statements.
func (g *generator) list(depth int) string {
	n := 1
	if g.r.IntN(2) == 0 {
		n += g.r.IntN(3)
	}
	var out []string
	for range n {
		out = append(out, g.andOr(depth))
	}
	return strings.Join(out, "; ")
}

// andOr is one to three commands with && and || between them.
func (g *generator) andOr(depth int) string {
	s := g.pipeline(depth)
	for range g.r.IntN(3) {
		s += g.pick(" && ", " && ", " || ") + g.pipeline(depth)
	}
	return s
}

func (g *generator) pipeline(depth int) string {
	s := g.command(depth)
	if g.r.IntN(10) == 0 {
		s += " | " + g.command(depth)
	}
	if g.r.IntN(10) == 0 {
		s = "! " + s
	}
	return s
}

func (g *generator) simple() string {
	g.left--
	c := g.pick("a", "b", "c", "d", "e", "f", "g", "h") + g.pick("", "", " $A", " \"$B\" 1")
	return g.pick("", "", "", "", "A=7 ") + c + g.pick("", "", "", "", "", " > out", " 2>&1")
}

// command is a simple command, something that changes the shell, or a compound
// command.
func (g *generator) command(depth int) string {
	if g.left <= 0 {
		return g.pick("true", "false", ":")
	}
	switch n := g.r.IntN(20); {
	case n < 9 || depth > 2:
		return g.simple()
	case n < 13:
		state := []string{
			"cd sub", "A=1", "export B=2", "umask 077", "unset B", "set -e", "set +e", "set -x", "exit 0", "exit 1", "trap 't' EXIT",
			"exec x", "eval 'A=3; y'", ". ./env", "read A < in", "set -- p q", "true", "false", "A=$(v)", "echo $A$B > file", ": ${A:=4}", "return 0",
		}
		if g.bash {
			state = append(state, "set -o pipefail", "pushd sub", "shopt -s nullglob", "declare A=5", "let A=6", "[[ -n $A ]]")
		}
		return g.pick(state...)
	case n == 13:
		return "(" + g.list(depth+1) + ")"
	case n == 14:
		return "{ " + g.list(depth+1) + "; }"
	case n == 15:
		return "if " + g.list(depth+1) + "; then " + g.list(depth+1) + g.pick("", "; else "+g.list(depth+1)) + "; fi"
	case n == 16:
		return "for i in 1 2; do " + g.list(depth+1) + g.pick("", "; break") + "; done"
	case n == 17:
		return "while " + g.list(depth+1) + "; do " + g.list(depth+1) + "; break; done"
	case n == 18:
		return "case $A in 1) " + g.list(depth+1) + ";; *) " + g.list(depth+1) + ";; esac"
	default:
		g.fn++
		name := fmt.Sprintf("fn%d", g.fn)
		return "{ " + name + "() { " + g.list(depth+1) + "; }; " + name + "; }"
	}
}
