package lsp

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/transform"
)

// corpusFiles returns n files spread over the corpus of real Dockerfiles,
// which is not part of the repository: REFIT_CORPUS names its folder.
func corpusFiles(t *testing.T, n int) []string {
	t.Helper()
	dir := os.Getenv("REFIT_CORPUS")
	if dir == "" {
		dir = filepath.FromSlash("../../../shared/corpus")
	}
	var all []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && filepath.Dir(p) != filepath.Clean(dir) {
			all = append(all, p)
		}
		return err
	})
	if err != nil || len(all) < n {
		t.Skipf("no corpus of %d Dockerfiles at %s; REFIT_CORPUS names its folder", n, dir)
	}
	slices.Sort(all)
	var out []string
	for i := range n {
		out = append(out, all[i*len(all)/n])
	}
	return out
}

// snippets are what the random edits insert.
var snippets = []string{"\n", "\n\n", " ", "\t", "\r\n", "\\\n", "\\", "`\n", "RUN ", "run x", "\nRUN a && b\n", " && c", "; d", "<<EOF\n", "EOF\n", "\nFROM x AS y\n", "from ", "COPY --from=y ",
	"# comment\n", "# refit: off\n", "# escape=`\n", "\"", "'", "[\"a\",\"b\"]", "$", "${A:-b}", "ENV a=b c=d\n", "🐳", "ä", "日本", "\ufeff", "(", ")", "if x; then\n", "fi", "apt-get install -y curl", "--mount=type=cache,target=/x "}

// randomEdit changes the client's text somewhere.
func (c *client) randomEdit(r *rand.Rand, uri string) {
	src := c.texts[uri]
	at := boundary(src, r.IntN(len(src)+1))
	switch r.IntN(8) {
	case 0, 1, 2: // type
		c.change(uri, at, at, snippets[r.IntN(len(snippets))])
	case 3: // delete some
		c.change(uri, at, boundary(src, min(len(src), at+r.IntN(30))), "")
	case 4: // replace some
		c.change(uri, at, boundary(src, min(len(src), at+r.IntN(10))), snippets[r.IntN(len(snippets))])
	case 5: // duplicate a piece
		end := boundary(src, min(len(src), at+r.IntN(200)))
		c.change(uri, end, end, string(src[at:end]))
	case 6: // delete a line
		start := bytes.LastIndexByte(src[:at], '\n') + 1
		end := len(src)
		if i := bytes.IndexByte(src[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		c.change(uri, start, end, "")
	case 7: // the whole text, cut
		c.replace(uri, string(src[:at]))
	}
}

// boundary moves an offset back to where a position can be.
func boundary(src []byte, at int) int {
	for at > 0 && inside(src, at) {
		at--
	}
	return at
}

// TestReplay replays random edits and requests on real files. After each edit
// the texts agree and formatting is the engine's; answers are well-formed and
// nothing is logged.
func TestReplay(t *testing.T) {
	const files, edits = 50, 40
	for i, path := range corpusFiles(t, files) {
		orig, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		orig = []byte(strings.ToValidUTF8(string(orig), "\ufffd")) // as an editor would send it
		caps := modern()
		if i%2 == 1 {
			caps["general"] = map[string]any{"positionEncodings": []string{"utf-16"}}
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			c := start(t, caps, Options{}, nil)
			r := rand.New(rand.NewPCG(1, uint64(i)))
			c.open(uri, string(orig))
			for e := range edits {
				c.randomEdit(r, uri)
				if got, want := c.serverText(uri), string(c.texts[uri]); got != want {
					t.Fatalf("after edit %d the server has\n%q, the client\n%q", e, got, want)
				}
				c.checkAnswers(r, uri)
				if r.IntN(8) == 0 {
					c.replace(uri, string(orig)) // undo
				}
			}
		})
	}
}

// checkAnswers asks for everything that the server offers, and takes some of
// the edits.
func (c *client) checkAnswers(r *rand.Rand, uri string) {
	c.t.Helper()
	text := slices.Clone(c.texts[uri])
	cfg, err := defaultConfigure("", Settings{})
	if err != nil {
		c.t.Fatal(err)
	}
	res, err := transform.Run(text, transform.Options{None: true, Format: &cfg.Style})
	want := text
	if err == nil {
		want = res.After
	} else if pe := (*parse.Error)(nil); !errors.As(err, &pe) {
		c.t.Fatal(err)
	}
	edits := c.format(uri)
	if got := c.edited(uri, edits); got != string(want) && unfinished(text) < 0 {
		c.t.Errorf("formatting %q gives\n%q, the engine\n%q", text, got, want)
	}
	x := newText(text, c.server.enc)
	line := r.IntN(len(x.lines))
	acts := c.actions(uri, line, min(line+r.IntN(5), len(x.lines)-1))
	for _, a := range acts {
		if a.Title == "" || a.Kind == "" || a.Edit == nil && a.Data == nil {
			c.t.Errorf("a malformed action: %+v", a)
		}
	}
	var h *hover
	c.call("textDocument/hover", positionParams{textDocumentIdentifier{uri}, x.position(boundary(text, r.IntN(len(text)+1)))}, &h)
	if h != nil {
		c.checkRange(x, *h.Range)
	}
	var links []documentLink
	c.call("textDocument/documentLink", doc(uri), &links)
	for _, l := range links {
		c.checkRange(x, l.Range)
	}
	p := c.waitDiagnosticsSoon(uri)
	for _, d := range p.Diagnostics {
		c.checkRange(x, d.Range)
		if d.Message == "" {
			c.t.Error("a diagnostic without a message")
		}
	}
	switch {
	case len(acts) > 0 && r.IntN(3) == 0:
		a := acts[r.IntN(len(acts))]
		if a.Edit == nil {
			a = c.resolve(a)
		}
		c.apply(a.Edit)
		if _, err := parse.Parse(c.texts[uri]); err != nil {
			c.t.Errorf("%s of %q gives a text that does not parse: %v", a.Title, text, err)
		}
	case r.IntN(4) == 0:
		c.replace(uri, c.edited(uri, edits))
	}
}

// waitDiagnosticsSoon has the diagnostics of the present text, without the
// pause after typing.
func (c *client) waitDiagnosticsSoon(uri string) publishDiagnosticsParams {
	c.t.Helper()
	c.notify("textDocument/didSave", doc(uri))
	return c.waitDiagnostics(uri, nil)
}

func (c *client) checkRange(x *text, r textRange) {
	c.t.Helper()
	if got := x.rangeOf(x.offset(r.Start), x.offset(r.End)); got != r || x.offset(r.End) < x.offset(r.Start) {
		c.t.Errorf("the range %v is not one of the text", r)
	}
}

// typed are files that TestEveryKeystroke types.
var typed = map[string]string{
	"shell": `# syntax=docker/dockerfile:1
from debian:12 AS build
RUN apt-get update \
    # tools
    && apt-get install -y curl git
RUN if [ -n "$A" ]; then echo 'a  b'; else echo "c \
d"; fi; for f in *.c; do cc -c "$f"; done
env A=b C="d e"
COPY --from=build ["a b","/x/"]
`,
	"here-documents": `FROM acme/alpine:3
RUN <<EOF
set -e
  echo "two  blanks"
EOF
COPY <<'A' <<-B /x/
one
A
	two
	B
ONBUILD run  echo x
HEALTHCHECK --interval=3s CMD curl -f  http://localhost/ || exit 1
`,
	"windows": "# escape=`\r\nFROM mcr.microsoft.com/windows/servercore:ltsc2022\r\nRUN echo a `\r\n  && echo C:\\\r\nCOPY a C:\\b\\\r\n",
}

// TestEveryKeystroke types files character by character and formats at each:
// the answer is an edit of white space, continuations and letter case only.
func TestEveryKeystroke(t *testing.T) {
	squeeze := func(b, escape string) string {
		b = strings.NewReplacer(escape+"\n", "", escape+"\r\n", "").Replace(b)
		return strings.ToUpper(strings.Join(strings.Fields(b), ""))
	}
	for name, full := range typed {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, modern(), Options{}, nil)
			c.open(uri, "")
			escape := "\\"
			if strings.HasPrefix(full, "# escape=`") {
				escape = "`"
			}
			for _, ch := range full {
				at := len(c.texts[uri])
				c.change(uri, at, at, string(ch))
				text := string(c.texts[uri])
				edits := c.format(uri)
				got := c.edited(uri, edits)
				if _, err := parse.Parse([]byte(text)); err != nil && len(edits) > 0 {
					t.Fatalf("%q does not parse, but is formatted: %q", text, got)
				}
				if squeeze(got, escape) != squeeze(text, escape) {
					t.Fatalf("%q is formatted into something else: %q", text, got)
				}
			}
			if got := c.serverText(uri); got != full {
				t.Errorf("the server has %q", got)
			}
		})
	}
}

// TestMemory makes 10,000 edits with requests between them and compares the
// heap before and after.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	c := start(t, modern(), Options{}, nil)
	text := longFile(200)
	c.open(uri, text)
	heap := func() (uint64, int) {
		c.serverText(uri)
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, runtime.NumGoroutine()
	}
	edit := func(from, to int) {
		for i := from; i < to; i++ {
			if i%2 == 0 {
				c.change(uri, 0, 0, "# x\n")
			} else {
				c.change(uri, 0, 4, "")
			}
			switch i % 100 {
			case 0:
				c.format(uri)
			case 50:
				c.actions(uri, 0, 20)
			}
		}
	}
	edit(0, 500)
	before, goroutines := heap()
	edit(500, 10_500)
	after, now := heap()
	t.Logf("heap: %d KiB, after 10,000 edits %d KiB; goroutines: %d and %d", before>>10, after>>10, goroutines, now)
	if after > before+4<<20 {
		t.Errorf("the heap grows from %d to %d bytes", before, after)
	}
	if now > goroutines+10 {
		t.Errorf("%d goroutines, %d before", now, goroutines)
	}
}

// longFile is a Dockerfile of about n lines, all of them different, with
// something to format and to change every few lines.
func longFile(n int) string {
	var b strings.Builder
	b.WriteString("# syntax=docker/dockerfile:1\nFROM debian:12-slim AS base\n")
	for i, lines := 0, 2; lines < n; i++ {
		if i > 0 && i%20 == 0 {
			fmt.Fprintf(&b, "\nFROM debian:12-slim AS stage%d\nWORKDIR /srv/%d\n", i, i)
			lines += 3
		}
		fmt.Fprintf(&b, "# part %d\nENV NAME_%d=value\nRUN apt-get update && apt-get install -y --no-install-recommends \\\n    package-%d \\\n    curl\nRUN echo %d > /etc/part-%d\nCOPY src/%d /srv/%d/\nLABEL a%d=b\n", i, i, i, i, i, i, i, i)
		lines += 8
	}
	return b.String()
}

func BenchmarkFormat(b *testing.B) {
	benchmark(b, func(c *client) { c.format(uri) })
}

// BenchmarkFormatAnalysed measures formatting after a pause in typing, when the
// text has been analysed for its diagnostics: ns/format. An operation is both.
func BenchmarkFormatAnalysed(b *testing.B) {
	var formats time.Duration
	n := 0
	benchmark(b, func(c *client) {
		c.waitDiagnosticsSoon(uri)
		start := time.Now()
		c.format(uri)
		formats += time.Since(start)
		n++
	}, func(b *testing.B) {
		b.ReportMetric(float64(formats.Nanoseconds())/float64(n), "ns/format")
		formats, n = 0, 0
	})
}

func BenchmarkCodeAction(b *testing.B) {
	benchmark(b, func(c *client) { c.actions(uri, 8, 8) })
}

func BenchmarkCodeActionResolve(b *testing.B) {
	benchmark(b, func(c *client) {
		if act := action(c.actions(uri, 8, 8, kindQuickFix), kindQuickFix, ""); act != nil && act.Data != nil {
			c.resolve(*act)
		}
	})
}

func BenchmarkHover(b *testing.B) {
	benchmark(b, func(c *client) {
		c.call("textDocument/hover", positionParams{textDocumentIdentifier{uri}, position{4, 0}}, new(*hover))
	})
}

// benchmark measures the time from an edit to the answer for files of several
// lengths.
func benchmark(b *testing.B, ask func(*client), report ...func(*testing.B)) {
	for _, n := range []int{50, 500, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := start(b, modern(), Options{}, nil)
			c.open(uri, longFile(n))
			ask(c)
			i := 0
			for b.Loop() {
				if i++; i%2 == 1 {
					c.change(uri, 0, 0, "#\n")
				} else {
					c.change(uri, 0, 2, "")
				}
				ask(c)
			}
			for _, f := range report {
				f(b)
			}
		})
	}
}

// BenchmarkStart measures a server's start to its first formatting.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		c := start(b, modern(), Options{}, nil)
		c.open(uri, longFile(50))
		c.format(uri)
		c.stop()
	}
}
