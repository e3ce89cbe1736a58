package emit

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// reviewdog's diagnostic format, see
// https://github.com/reviewdog/reviewdog/tree/master/proto/rdf.
type rdResult struct {
	Source      rdSource       `json:"source"`
	Severity    string         `json:"severity"`
	Diagnostics []rdDiagnostic `json:"diagnostics"`
}

type rdSource struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

type rdDiagnostic struct {
	Message     string         `json:"message"`
	Location    rdLocation     `json:"location"`
	Severity    string         `json:"severity"`
	Code        rdCode         `json:"code"`
	Suggestions []rdSuggestion `json:"suggestions,omitempty"`
}

type rdLocation struct {
	Path  string   `json:"path"`
	Range *rdRange `json:"range,omitempty"`
}

type rdRange struct {
	Start rdPosition  `json:"start"`
	End   *rdPosition `json:"end,omitempty"`
}

type rdPosition struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

type rdCode struct {
	Value string `json:"value"`
}

type rdSuggestion struct {
	Range rdRange `json:"range"`
	Text  string  `json:"text"`
}

func rdRangeOf(from, to Place) *rdRange {
	if from.Line == 0 {
		return nil
	}
	r := &rdRange{Start: rdPosition{from.Line, max(from.Col, 1)}}
	if to.Line > 0 {
		r.End = &rdPosition{to.Line, to.Col}
	}
	return r
}

func rdSeverity(l Level) string {
	switch l {
	case LevelError:
		return "ERROR"
	case LevelWarning:
		return "WARNING"
	}
	return "INFO"
}

// reportRDJSON gives each replacement a diagnostic of its own with the same
// range, because GitHub takes a suggestion only for exactly the lines of its
// comment.
func reportRDJSON(r *Report) ([]byte, error) {
	out := rdResult{rdSource{"refit", "https://github.com/refit-dev/refit"}, "WARNING", []rdDiagnostic{}}
	for _, file := range r.Files {
		for i := range file.Findings {
			f := &file.Findings[i]
			d := rdDiagnostic{message(f), rdLocation{file.Path, rdRangeOf(f.Start, f.End)}, rdSeverity(f.Level), rdCode{f.Rule}, nil}
			if len(f.Fix) == 0 {
				out.Diagnostics = append(out.Diagnostics, d)
				continue
			}
			for n, e := range f.Fix {
				part := d
				if len(f.Fix) > 1 {
					part.Message = fmt.Sprintf("%s\n(part %d of %d)", d.Message, n+1, len(f.Fix))
				}
				rng := rdRangeOf(e.From, e.To)
				part.Location.Range = rng
				if utf8.ValidString(e.New) { // JSON has no room for other bytes
					part.Suggestions = []rdSuggestion{{*rng, e.New}}
				}
				out.Diagnostics = append(out.Diagnostics, part)
			}
		}
	}
	return encode(out)
}

// reportGitHub writes workflow commands, see
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands.
func reportGitHub(r *Report) []byte {
	var b strings.Builder
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	prop := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, file := range r.Files {
		for i := range file.Findings {
			f := &file.Findings[i]
			kind := "notice"
			if f.Level != LevelNote {
				kind = string(f.Level)
			}
			fmt.Fprintf(&b, "::%s file=%s", kind, prop.Replace(file.Path))
			if f.Start.Line > 0 {
				fmt.Fprintf(&b, ",line=%d", f.Start.Line)
				last := f.lastLine()
				if last > f.Start.Line {
					fmt.Fprintf(&b, ",endLine=%d", last)
				} else if f.Start.Char > 0 && f.End.Line == f.Start.Line {
					// Columns count only within one line.
					fmt.Fprintf(&b, ",col=%d,endColumn=%d", f.Start.Char, f.End.Char)
				}
			}
			fmt.Fprintf(&b, ",title=%s::%s\n", prop.Replace("refit "+f.Rule), data.Replace(message(f)))
		}
	}
	return []byte(b.String())
}

// lastLine is the last line that a finding is about; one that ends at the
// start of a line does not touch it.
func (f *Finding) lastLine() int {
	last := f.End.Line
	if f.End.Col <= 1 && last > f.Start.Line {
		last--
	}
	return max(last, f.Start.Line)
}

// reportGitLab writes a code quality report, see
// https://docs.gitlab.com/ci/testing/code_quality/.
func reportGitLab(r *Report) ([]byte, error) {
	type lines struct {
		Begin int `json:"begin"`
		End   int `json:"end"`
	}
	type location struct {
		Path  string `json:"path"`
		Lines lines  `json:"lines"`
	}
	type issue struct {
		Description string   `json:"description"`
		CheckName   string   `json:"check_name"`
		Fingerprint string   `json:"fingerprint"`
		Severity    string   `json:"severity"`
		Location    location `json:"location"`
	}
	issues := []issue{}
	for _, file := range r.Files {
		prints := file.Fingerprints()
		for i := range file.Findings {
			f := &file.Findings[i]
			severity := "info"
			if n := slices.Index([]Level{LevelWarning, LevelError}, f.Level); n >= 0 {
				severity = []string{"minor", "major"}[n]
			}
			begin := max(f.Start.Line, 1)
			issues = append(issues, issue{message(f), f.Rule, prints[i], severity, location{file.Path, lines{begin, max(begin, f.lastLine())}}})
		}
	}
	return encode(issues)
}
