package emit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
)

// Level is how serious a finding is.
type Level string

// The levels.
const (
	LevelError   Level = "error"   // the file could not be processed
	LevelWarning Level = "warning" // a change that would improve the build
	LevelNote    Level = "note"    // advice, and changes that were not asked for
)

// Place is a position in a file in the units that report formats use.
type Place struct {
	Offset int // bytes from the start of the file
	Line   int // 1-based
	Col    int // 1-based, in bytes
	Char   int // 1-based, in Unicode code points; equal to Col where the line is not UTF-8
}

// Replacement replaces the bytes between From and To with New.
type Replacement struct {
	From, To Place
	New      string
}

// Finding is one entry of a report.
type Finding struct {
	Rule    string   // a transform's name, or "parse", "format", "pragma", "io", …
	Codes   []string // other tools' names for it
	Level   Level
	Safety  string // safe, unsafe, advice, or "" where it has none
	Start   Place  // zero: the whole file
	End     Place  // zero: unknown
	Title   string // one line
	Reason  string // why, may be empty
	Hint    string // what to do about it, may be empty
	Snippet string // the text it is about, for the fingerprint
	// Fix turns the file into what refit fix writes, together with the fixes
	// of the file's other findings: no two of them overlap. A finding whose
	// change touches the same lines as an earlier one's has no fix of its own.
	Fix   []Replacement
	Files []NewFile // other files that the fix writes
}

// NewFile is a file that a fix writes beside the Dockerfile. Path is relative
// to the working directory, with slashes.
type NewFile struct{ Path, Content string }

// FileReport is what was found in one file.
type FileReport struct {
	Path     string // with slashes
	Source   []byte // the file as it was; nil where it could not be read or is not needed
	Findings []Finding
}

// Report is what was found in a run.
type Report struct {
	Version string // refit's
	Files   []*FileReport
	Rules   []RuleInfo // of the rules that findings may name
	Summary Summary
}

// RuleInfo describes a rule.
type RuleInfo struct {
	Name, Group, Safety string
	Codes               []string
	Summary             string // one sentence
	Doc                 string // markdown
}

// Summary counts a run.
type Summary struct {
	Files        int `json:"files"`
	Changed      int `json:"changed"`
	Failed       int `json:"failed"`
	Findings     int `json:"findings"`
	StepsBefore  int `json:"stepsBefore"`
	StepsAfter   int `json:"stepsAfter"`
	LayersBefore int `json:"layersBefore"`
	LayersAfter  int `json:"layersAfter"`
}

// Formats are the names that Render takes, besides text.
func Formats() []string { return []string{"json", "sarif", "rdjson", "github", "gitlab"} }

// Render writes a report in one of the formats.
func Render(format string, r *Report) ([]byte, error) {
	switch format {
	case "json":
		return reportJSON(r)
	case "sarif":
		return reportSARIF(r)
	case "rdjson":
		return reportRDJSON(r)
	case "github":
		return reportGitHub(r), nil
	case "gitlab":
		return reportGitLab(r)
	}
	return nil, fmt.Errorf("no report format is named %q", format)
}

// encode writes JSON for people and machines: indented, and with <, > and &
// as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}

// Fingerprint names a finding in a way that outlives edits elsewhere in the
// file. n counts the findings with the same rule and text before it.
func (f *Finding) Fingerprint(path string, n int) string {
	h := fnv.New128a()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%d", path, f.Rule, strings.Join(strings.Fields(f.Snippet+" "+f.Title), " "), n)
	return fmt.Sprintf("%x", h.Sum(nil))
}

// Fingerprints gives the fingerprint of each of a file's findings.
func (r *FileReport) Fingerprints() []string {
	out := make([]string, len(r.Findings))
	seen := map[string]int{}
	for i := range r.Findings {
		f := &r.Findings[i]
		base := f.Fingerprint(r.Path, 0)
		out[i] = f.Fingerprint(r.Path, seen[base])
		seen[base]++
	}
	return out
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
