package emit

import (
	"encoding/base64"
	"unicode/utf8"
)

// The JSON report; docs/schema/report.schema.json describes it.
type jsonReport struct {
	Schema  string     `json:"$schema"`
	Version int        `json:"version"` // of the format
	Tool    jsonTool   `json:"tool"`
	Files   []jsonFile `json:"files"`
	Summary Summary    `json:"summary"`
}

type jsonTool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type jsonFile struct {
	Path     string        `json:"path"`
	Findings []jsonFinding `json:"findings"`
}

type jsonFinding struct {
	Rule        string     `json:"rule"`
	Codes       []string   `json:"codes,omitempty"`
	Level       Level      `json:"level"`
	Safety      string     `json:"safety,omitempty"`
	Title       string     `json:"title"`
	Reason      string     `json:"reason,omitempty"`
	Hint        string     `json:"hint,omitempty"`
	Start       *jsonPlace `json:"start,omitempty"`
	End         *jsonPlace `json:"end,omitempty"`
	Fingerprint string     `json:"fingerprint"`
	Edits       []jsonEdit `json:"edits,omitempty"`
	Files       []jsonNew  `json:"files,omitempty"`
}

type jsonPlace struct {
	Offset int `json:"offset"`
	Line   int `json:"line"`
	Column int `json:"column"`
}

type jsonEdit struct {
	Start  jsonPlace `json:"start"`
	End    jsonPlace `json:"end"`
	Text   *string   `json:"text,omitempty"`
	Base64 string    `json:"base64,omitempty"` // for bytes that are not UTF-8
}

type jsonNew struct {
	Path    string `json:"path"`
	Content string `json:"content"`
}

func jsonAt(p Place) *jsonPlace {
	if p.Line == 0 {
		return nil
	}
	return &jsonPlace{p.Offset, p.Line, p.Col}
}

func reportJSON(r *Report) ([]byte, error) {
	out := jsonReport{
		Schema:  "https://refit.dev/schema/report.schema.json",
		Version: 1,
		Tool:    jsonTool{"refit", r.Version},
		Files:   []jsonFile{},
		Summary: r.Summary,
	}
	for _, file := range r.Files {
		jf := jsonFile{Path: file.Path, Findings: []jsonFinding{}}
		prints := file.Fingerprints()
		for i, f := range file.Findings {
			j := jsonFinding{
				Rule: f.Rule, Codes: f.Codes, Level: f.Level, Safety: f.Safety, Title: f.Title, Reason: f.Reason, Hint: f.Hint,
				Start: jsonAt(f.Start), End: jsonAt(f.End), Fingerprint: prints[i],
			}
			for _, e := range f.Fix {
				je := jsonEdit{Start: *jsonAt(e.From), End: *jsonAt(e.To)}
				if utf8.ValidString(e.New) {
					je.Text = &e.New
				} else {
					je.Base64 = base64.StdEncoding.EncodeToString([]byte(e.New))
				}
				j.Edits = append(j.Edits, je)
			}
			for _, n := range f.Files {
				j.Files = append(j.Files, jsonNew(n))
			}
			jf.Findings = append(jf.Findings, j)
		}
		out.Files = append(out.Files, jf)
	}
	return encode(out)
}
