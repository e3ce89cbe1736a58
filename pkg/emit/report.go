package emit

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/refit-dev/refit/pkg/parse"
)

// Level is how serious a finding is.
type Level string

// The levels.
const (
	LevelError   Level = "error"   // the file could not be processed
	LevelWarning Level = "warning" // a change that would improve the build
	LevelNote    Level = "note"    // advice, and changes that were not asked for
)

// Replacement replaces the bytes [Start, End) of a file with New.
type Replacement struct {
	parse.Span
	From, To parse.Position // of Start and End
	New      string
}

// Finding is one entry of a report.
type Finding struct {
	Rule   string   // a transform's name, or "parse", "pragma", "io", …
	Codes  []string // other tools' names for it
	Level  Level
	Safety string         // safe, unsafe, advice, or "" where it has none
	Start  parse.Position // zero: the whole file
	End    parse.Position // zero: unknown
	Title  string         // one line
	Reason string         // why, may be empty
	Hint   string         // what to do about it, may be empty
	Fix    []Replacement  // of the file as it was, in order, without overlap
	Files  []NewFile      // other files that the fix writes
}

// NewFile is a file that a fix writes beside the Dockerfile.
type NewFile struct{ Path, Content string }

// FileReport is what was found in one file.
type FileReport struct {
	Path     string // with slashes
	Source   []byte // the file as it was; nil where it could not be read
	Findings []Finding
}

// TextOptions say how Text prints.
type TextOptions struct {
	Color   bool
	Reasons bool // with the reason and the hint of each finding
}

// maxSourceLine is the longest source line that is shown in full, in bytes.
const maxSourceLine = 200

// Text prints findings for people: "path:line:col: title [rule]", the source
// line, and a caret under the place.
func Text(r *FileReport, opt TextOptions) []byte {
	var b bytes.Buffer
	paint := func(color, s string) string {
		if opt.Color {
			return color + s + ansiReset
		}
		return s
	}
	var lines [][]byte
	for _, f := range r.Findings {
		where := r.Path
		if f.Start.Line > 0 {
			where += fmt.Sprintf(":%d:%d", f.Start.Line, max(f.Start.Col, 1))
		}
		title := f.Title
		if f.Level == LevelError {
			title = paint(ansiRed, title)
		}
		fmt.Fprintf(&b, "%s: %s [%s]\n", paint(ansiBold, where), title, f.Rule)
		if f.Start.Line > 0 {
			if lines == nil {
				lines = Lines(r.Source)
			}
			if f.Start.Line <= len(lines) {
				source(&b, lines[f.Start.Line-1], f, paint)
			}
		}
		if opt.Reasons && f.Reason != "" {
			fmt.Fprintf(&b, "  why: %s\n", f.Reason)
		}
		if opt.Reasons && f.Hint != "" {
			fmt.Fprintf(&b, "  fix: %s\n", f.Hint)
		}
	}
	return b.Bytes()
}

// source prints a line with carets under the finding. A long line is cut to
// a window around it.
func source(b *bytes.Buffer, line []byte, f Finding, paint func(color, s string) string) {
	line = bytes.TrimRight(line, "\r\n")
	col := min(max(f.Start.Col-1, 0), len(line))
	end := len(bytes.TrimRight(line, " \t"))
	if f.End.Line == f.Start.Line && f.End.Col > f.Start.Col {
		end = min(f.End.Col-1, len(line))
	}
	if f.Start.Col == 0 { // no column known: the whole line
		col = len(line) - len(bytes.TrimLeft(line, " \t"))
	}
	if f.End.Line == 0 && f.Start.Col > 0 { // no end known: one place
		end = col + 1
	}
	lead, tail := "", ""
	if len(line) > maxSourceLine {
		from := max(0, col-maxSourceLine/2)
		to := min(len(line), from+maxSourceLine)
		if from > 0 {
			lead = "…"
		}
		if to < len(line) {
			tail = "…"
		}
		line, col, end = line[from:to], col-from, min(end, to)-from
	}
	b.WriteString("    " + lead + printable(line) + tail + "\n    ")
	if lead != "" {
		b.WriteByte(' ')
	}
	// Tabs are kept so that the carets stand where the terminal puts the text.
	for _, r := range string(bytes.ToValidUTF8(line[:col], []byte("?"))) {
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	n := 1
	if end > col {
		n = max(1, len([]rune(string(line[col:min(end, len(line))]))))
	}
	b.WriteString(paint(ansiGreen, "^"+strings.Repeat("~", n-1)) + "\n")
}

// printable replaces control characters and broken UTF-8, which could upset a
// terminal.
func printable(line []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return '?'
		}
		return r
	}, string(bytes.ToValidUTF8(line, []byte("?"))))
}
