package emit_test

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/refit-dev/refit/internal/fmtcheck"
	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
)

var randomRounds = flag.Int("random", 300, "number of generated programs")

// generator writes random shell programs with random white space, line breaks
// and comments where a Dockerfile allows them.
type generator struct {
	r *rand.Rand
	b strings.Builder
	n int // comments so far
}

func (g *generator) one(of ...string) string { return of[g.r.IntN(len(of))] }

// gap writes white space that separates; with optional, perhaps none.
func (g *generator) gap(optional bool) {
	if optional && g.r.IntN(3) == 0 {
		return
	}
	switch g.r.IntN(12) {
	case 0:
		g.b.WriteString("  ")
	case 1:
		g.b.WriteString("\t")
	case 2, 3:
		g.b.WriteString(" \\\n  ")
	case 4:
		g.b.WriteString(" \\\n # c" + string(rune('a'+g.n%26)) + "  \n\t")
		g.n++
	case 5:
		g.b.WriteString(g.one(" \\\n\n ", " \\\n \\\n ", "  \\  \n#x\n\n  # y\n ", " \\\n\\\n  "))
	default:
		g.b.WriteString(" ")
	}
}

func (g *generator) word(depth int) {
	switch g.r.IntN(14) {
	case 0:
		g.b.WriteString(g.one(`"a  b"`, `'c  d'`, `e\ f`, `"g \`+"\n"+`   h"`, `i\`+"\n"+`j`, `\;`, `\#`, `k#l`, `$`, `"$x"`, `${y:-z  w}`))
	case 1:
		g.b.WriteString(g.one("`u  v`", "$((1 + 2))", "$((1<<2))", `"<<EOF"`, "-x", "--long=v", "--opt", "*.c", "{a,b}", "~/m", "=", "[", "]"))
	case 2:
		if depth > 0 {
			g.b.WriteString(g.one("$(", `"$(`))
			quoted := strings.HasSuffix(g.b.String(), `"$(`)
			g.gap(true)
			g.list(depth - 1)
			g.gap(true)
			g.b.WriteString(")")
			if quoted {
				g.b.WriteString(`"`)
			}
			return
		}
		g.b.WriteString("n")
	default:
		g.b.WriteString(g.one("a", "foo", "bar-baz", "/usr/lib", "libfoo-dev", "x=1", "some-longer-word-to-fill-lines"))
	}
}

func (g *generator) simple(depth int) {
	if g.r.IntN(8) == 0 {
		g.b.WriteString(g.one("A=1", `B="x  y"`))
		g.gap(false)
	}
	g.b.WriteString(g.one("cmd", "apt-get install -y", "apk add", "echo", "./configure", "make", "test", "pip install", "set -ex", "["))
	for range g.r.IntN(7) {
		g.gap(false)
		g.word(depth)
	}
	for range g.r.IntN(8) / 6 {
		g.gap(false)
		g.b.WriteString(g.one(">", "2>", ">>", "<", ">&"))
		if s := g.b.String(); s[len(s)-1] != '&' {
			g.gap(true)
		}
		g.b.WriteString(g.one("2", "1"))
	}
}

func (g *generator) command(depth int) {
	if depth <= 0 {
		g.simple(depth)
		return
	}
	kw := func(s string) { g.b.WriteString(s); g.gap(false) }
	body := func() { g.list(depth - 1); g.gap(true); g.b.WriteString(";"); g.gap(true) }
	switch g.r.IntN(14) {
	case 0:
		kw("if")
		body()
		kw("then")
		body()
		if g.r.IntN(2) == 0 {
			kw("elif")
			body()
			kw("then")
			body()
		}
		if g.r.IntN(2) == 0 {
			kw("else")
			body()
		}
		g.b.WriteString("fi")
	case 1:
		kw(g.one("while", "until"))
		body()
		kw("do")
		body()
		g.b.WriteString("done")
	case 2:
		kw("for")
		kw("v")
		kw("in")
		for range 1 + g.r.IntN(4) {
			g.word(0)
			g.gap(false)
		}
		g.b.WriteString(";")
		g.gap(true)
		kw("do")
		body()
		g.b.WriteString("done")
	case 3:
		kw("case")
		kw(`"$x"`)
		kw("in")
		for range 1 + g.r.IntN(3) {
			g.b.WriteString(g.one("a)", "(b)", "c|d)", "*)", "e | f)"))
			g.gap(true)
			g.list(depth - 1)
			g.gap(true)
			g.b.WriteString(";;")
			g.gap(true)
		}
		g.b.WriteString("esac")
	case 4:
		g.b.WriteString("(")
		g.gap(true)
		g.list(depth - 1)
		g.gap(true)
		g.b.WriteString(")")
	case 5:
		kw("{")
		body()
		g.b.WriteString("}")
	case 6:
		g.b.WriteString("f()")
		g.gap(true)
		kw("{")
		body()
		g.b.WriteString("}")
	case 7:
		kw("!")
		g.simple(depth)
	default:
		g.simple(depth)
		return
	}
	if g.r.IntN(4) == 0 {
		g.gap(false)
		g.b.WriteString(g.one("> /o", ">/o 2>&1", "< i"))
	}
}

func (g *generator) list(depth int) {
	g.command(depth)
	for range g.r.IntN(4) {
		g.gap(true)
		g.b.WriteString(g.one("&&", "&&", "&&", "||", ";", ";", "|", "&"))
		g.gap(true)
		g.command(depth)
	}
}

// TestRandomPrograms checks layouts of generated programs. Most of them parse.
func TestRandomPrograms(t *testing.T) {
	rounds := *randomRounds
	done := 0
	for seed := range rounds {
		g := &generator{r: rand.New(rand.NewPCG(uint64(seed), 1))}
		g.b.WriteString("FROM x\nRUN")
		g.gap(false)
		g.list(1 + seed%3)
		g.b.WriteString("\n")
		src := []byte(g.b.String())
		f, err := parse.Parse(src)
		if err != nil {
			continue
		}
		groups := emit.Layout(f, fmtcheck.Shells(f), emit.DefaultStyle())
		if groups[len(groups)-1].Verbatim == "" {
			done++
		}
		style := emit.DefaultStyle()
		style.Width = []int{100, 1, 40, 0, 72}[seed%5]
		style.Indent = 1 + seed%4
		if seed%3 == 0 {
			style.Operators = "trailing"
		}
		if err := fmtcheck.Check(src, style); err != nil {
			t.Errorf("seed %d: %v\n--- source ---\n%s", seed, err, src)
		}
		if t.Failed() {
			return
		}
	}
	if done < rounds/2 {
		t.Errorf("only %d of %d programs were laid out", done, rounds)
	}
}
