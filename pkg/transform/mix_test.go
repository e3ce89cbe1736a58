package transform

import (
	"bytes"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/refit-dev/refit/pkg/parse"
)

// FuzzMix is FuzzRun on Dockerfiles that are put together from parts of the
// golden cases: few changes of bytes lead from one Dockerfile to another that
// is worth a look, but instructions that meet others do.
func FuzzMix(f *testing.F) {
	m := newMixer(cases(f))
	for seed := range uint64(100) {
		f.Add(seed, uint8(seed*37))
	}
	f.Fuzz(func(t *testing.T, seed uint64, options uint8) {
		if src := m.file(rand.New(rand.NewPCG(seed, 0))); len(src) < 8000 {
			checkRun(t, src, drawn(t, options))
		}
	})
}

// mixer has the parts that it puts together.
type mixer struct {
	files        [][]byte
	instructions map[string][]string // by their names, with the comments above them
	names        []string
	words        []string
}

func newMixer(files [][]byte) *mixer {
	m := &mixer{files: files, instructions: map[string][]string{}}
	seen := map[string]bool{}
	for _, src := range files {
		f, err := parse.Parse(src)
		if err != nil {
			continue
		}
		for _, in := range f.Instructions {
			text := string(src[leadStart(in):in.End])
			if !strings.HasSuffix(text, "\n") {
				text += "\n"
			}
			if seen[text] {
				continue
			}
			seen[text] = true
			if m.instructions[in.Name] == nil {
				m.names = append(m.names, in.Name)
			}
			m.instructions[in.Name] = append(m.instructions[in.Name], text)
			m.words = append(m.words, strings.Fields(text)...)
		}
	}
	return m
}

// odd are texts that decide how what is around them is read.
var odd = []string{
	" ", " \\\n", "\\\n", "\\ \n", "\\\n# c\n", " \\\n    # note é\n", "\\\n\n", "\\\r\n", "\n", "\n\n", "\n# c\n", "\t", "\v", "\f", "\r", "\u00a0", "\xff", "é",
	"\"", "'", "`", "\\", "\\\\", "\\ ", "\\\"", "$", "$X", "${X:-a b}", "${X#a}", "${", "}", "$(id)", "$(", ")", "(", "{ ", "; }", "if true; then ", "; fi",
	";", " && ", " || ", " | ", " & ", "! ", "#", " # ", "<<EOF", "<", ">", " 2>/dev/null ", " </x ", "=", ",", "[", "]", "~", "*", "?", "-", "--", "/", "..", ":", "@", "%", "+", "0",
}

var (
	word     = regexp.MustCompile(`\S+`)
	operator = regexp.MustCompile(` && |; | \|\| | \| `)
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func splice(src []byte, start, end int, text string) []byte {
	return bytes.Join([][]byte{src[:start], []byte(text), src[end:]}, nil)
}

// instruction draws one; a third of them are RUNs.
func (m *mixer) instruction(r *rand.Rand) string {
	name := "RUN"
	if r.IntN(3) > 0 {
		name = pick(r, m.names)
	}
	return pick(r, m.instructions[name])
}

// file draws a Dockerfile: a golden case or instructions of several, changed a
// few times.
func (m *mixer) file(r *rand.Rand) []byte {
	src := pick(r, m.files)
	if r.IntN(3) == 0 {
		text := pick(r, m.instructions["FROM"])
		for range 1 + r.IntN(7) {
			text += m.instruction(r)
		}
		src = []byte(text)
	}
	for range 1 + r.IntN(6) {
		src = m.change(r, src)
	}
	return src
}

func (m *mixer) change(r *rand.Rand, src []byte) []byte {
	at := r.IntN(len(src) + 1)
	span := func(re *regexp.Regexp) []int {
		if all := re.FindAllIndex(src, -1); len(all) > 0 {
			return pick(r, all)
		}
		return []int{at, at}
	}
	w := span(word)
	text := string(src[w[0]:w[1]])
	switch r.IntN(20) {
	case 0, 1, 2, 3, 4:
		f, err := parse.Parse(src)
		if err != nil {
			return src
		}
		in, to := pick(r, f.Instructions), pick(r, f.Instructions).End
		switch r.IntN(7) {
		case 0:
			return splice(src, in.Start, in.End, "")
		case 1:
			return splice(src, to, to, in.Text(src))
		case 2:
			return splice(src, to, to, "ONBUILD "+m.instruction(r))
		case 3:
			script := strings.NewReplacer("\\\n", "\n", "&& ", "\n", "; ", "\n").Replace(in.Args.Text(src))
			return splice(src, to, to, pick(r, []string{"RUN <<EOF\n", "RUN <<-EOF\n", "RUN <<'EOF'\nset -e\n", "RUN <<EOF bash\n"})+script+"\nEOF\n")
		default:
			return splice(src, to, to, m.instruction(r))
		}
	case 5, 6:
		return splice(src, w[0], w[1], pick(r, m.words))
	case 7:
		return splice(src, w[0], w[1], "")
	case 8:
		return splice(src, w[0], w[1], pick(r, []string{"'" + text + "'", "\"" + text + "\"", "$(" + text + ")", "(" + text + ")", text + " " + text}))
	case 9:
		n := r.IntN(len(text) + 1)
		return splice(src, w[0]+n, w[0]+n, pick(r, odd))
	case 10, 11, 12, 13:
		return splice(src, at, at, pick(r, odd))
	case 14:
		return splice(src, at, min(len(src), at+1+r.IntN(3)), "")
	case 15:
		op := span(operator)
		return splice(src, op[0], op[1], pick(r, []string{" && ", "; ", " || ", " | ", " & ", " && \\\n", "; \\\n", ";\\\n # hi\n"}))
	case 16:
		return bytes.ReplaceAll(src, []byte("\n"), []byte("\r\n"))
	case 17:
		return append([]byte("# escape=`\n"), bytes.ReplaceAll(src, []byte("\\"), []byte("`"))...)
	case 18:
		return bytes.TrimRight(src, "\n")
	default:
		lines := strings.SplitAfter(string(pick(r, m.files)), "\n")
		at = bytes.LastIndexByte(src[:at], '\n') + 1
		n := r.IntN(len(lines))
		return splice(src, at, at, strings.Join(lines[n:min(len(lines), n+1+r.IntN(4))], ""))
	}
}
