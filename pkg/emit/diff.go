package emit

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// DiffOptions say how Unified prints.
type DiffOptions struct {
	Context int  // lines of context, 3 if zero
	Color   bool // with ANSI colours, for a terminal
	Created bool // the file does not exist yet: the old side is /dev/null
}

const (
	ansiReset = "\x1b[m"
	ansiBold  = "\x1b[1m"
	ansiCyan  = "\x1b[36m"
	ansiRed   = "\x1b[31m"
	ansiGreen = "\x1b[32m"
)

// Unified returns the unified diff of two versions of a file, as git apply and
// patch -p1 take it, or nil if they are equal. path is the file's path with
// slashes, without a/ and b/.
func Unified(path string, old, new []byte, opt DiffOptions) []byte {
	if bytes.Equal(old, new) && !opt.Created {
		return nil
	}
	if opt.Context == 0 {
		opt.Context = 3
	}
	u := unified{old: Lines(old), new: Lines(new), opt: opt}
	from := "/dev/null"
	if !opt.Created {
		from = quoteName("a/" + strings.TrimPrefix(path, "/"))
	}
	u.line(ansiBold, "--- "+from)
	u.line(ansiBold, "+++ "+quoteName("b/"+strings.TrimPrefix(path, "/")))
	hunks := diffLines(u.old, u.new)
	for i := 0; i < len(hunks); {
		// Hunks whose context would touch are printed as one.
		j := i + 1
		for j < len(hunks) && hunks[j].OldStart-hunks[j-1].OldEnd <= 2*opt.Context {
			j++
		}
		u.group(hunks[i:j])
		i = j
	}
	return u.out.Bytes()
}

type unified struct {
	old, new [][]byte
	opt      DiffOptions
	out      bytes.Buffer
}

func (u *unified) group(hunks []Hunk) {
	first, last := hunks[0], hunks[len(hunks)-1]
	before := min(u.opt.Context, first.OldStart)
	after := min(u.opt.Context, len(u.old)-last.OldEnd)
	u.line(ansiCyan, fmt.Sprintf("@@ -%s +%s @@",
		hunkRange(first.OldStart-before, last.OldEnd+after), hunkRange(first.NewStart-before, last.NewEnd+after)))
	at := first.OldStart - before
	for _, h := range hunks {
		for ; at < h.OldStart; at++ {
			u.text(' ', "", u.old[at])
		}
		for ; at < h.OldEnd; at++ {
			u.text('-', ansiRed, u.old[at])
		}
		for _, l := range u.new[h.NewStart:h.NewEnd] {
			u.text('+', ansiGreen, l)
		}
	}
	for ; at < last.OldEnd+after; at++ {
		u.text(' ', "", u.old[at])
	}
}

// hunkRange prints the 0-based lines [start, end) as POSIX diff -u wants them:
// an empty range names the line before it.
func hunkRange(start, end int) string {
	switch n := end - start; n {
	case 0:
		return strconv.Itoa(start) + ",0"
	case 1:
		return strconv.Itoa(start + 1)
	default:
		return strconv.Itoa(start+1) + "," + strconv.Itoa(n)
	}
}

func (u *unified) line(color, text string) {
	if u.opt.Color && color != "" {
		text = color + text + ansiReset
	}
	u.out.WriteString(text)
	u.out.WriteByte('\n')
}

func (u *unified) text(mark byte, color string, line []byte) {
	body, ended := bytes.CutSuffix(line, []byte("\n"))
	color0 := u.opt.Color && color != ""
	if color0 {
		u.out.WriteString(color)
	}
	u.out.WriteByte(mark)
	u.out.Write(body)
	if color0 {
		u.out.WriteString(ansiReset)
	}
	u.out.WriteByte('\n')
	if !ended {
		u.out.WriteString("\\ No newline at end of file\n")
	}
}

// quoteName writes a file name as git does: in C quotes where it holds a
// quote, a backslash or a control character, and with a tab behind it where
// it holds a blank, so that patch sees where it ends.
func quoteName(name string) string {
	if !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == 0x7f }) {
		if strings.Contains(name, " ") {
			name += "\t"
		}
		return name
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, "\\%03o", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
