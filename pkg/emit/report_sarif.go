package emit

import (
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// SARIF 2.1.0, see
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. Only what
// refit has something to say about.
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	ColumnKind  string            `json:"columnKind"`
	Results     []sarifResult     `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID         string         `json:"id"`
	Short      sarifText      `json:"shortDescription"`
	Full       *sarifText     `json:"fullDescription,omitempty"`
	Help       *sarifMarkdown `json:"help,omitempty"`
	Default    sarifConfig    `json:"defaultConfiguration"`
	Properties sarifTags      `json:"properties"`
}

type sarifConfig struct {
	Level Level `json:"level"`
}

type sarifTags struct {
	Tags   []string `json:"tags"`
	Safety string   `json:"safety,omitempty"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifMarkdown struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown"`
}

type sarifInvocation struct {
	Successful bool `json:"executionSuccessful"`
}

type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    *int              `json:"ruleIndex,omitempty"`
	Level        Level             `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations"`
	Fingerprints map[string]string `json:"partialFingerprints"`
	Fixes        []sarifFix        `json:"fixes,omitempty"`
}

type sarifLocation struct {
	Physical sarifPhysical `json:"physicalLocation"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine   int  `json:"startLine,omitempty"`
	StartColumn int  `json:"startColumn,omitempty"`
	EndLine     int  `json:"endLine,omitempty"`
	EndColumn   int  `json:"endColumn,omitempty"`
	ByteOffset  *int `json:"byteOffset,omitempty"`
	ByteLength  *int `json:"byteLength,omitempty"`
}

type sarifFix struct {
	Description sarifText     `json:"description"`
	Changes     []sarifChange `json:"artifactChanges"`
}

type sarifChange struct {
	Artifact     sarifArtifact      `json:"artifactLocation"`
	Replacements []sarifReplacement `json:"replacements"`
}

type sarifReplacement struct {
	Deleted  sarifRegion   `json:"deletedRegion"`
	Inserted *sarifContent `json:"insertedContent,omitempty"`
}

type sarifContent struct {
	Text   string `json:"text,omitempty"`
	Binary string `json:"binary,omitempty"`
}

// sarifURI writes a path as a URI reference,
// https://datatracker.ietf.org/doc/html/rfc3986#section-3.3.
func sarifURI(p string) string {
	var b strings.Builder
	if path.IsAbs(p) {
		b.WriteString("file://")
	} else if first, _, _ := strings.Cut(p, "/"); strings.Contains(first, ":") {
		b.WriteString("./") // or it would be taken for a scheme
	}
	for i := range len(p) {
		c := p[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~/$&+,:;=@", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func sarifRegionOf(from, to Place) *sarifRegion {
	if from.Line == 0 {
		return nil
	}
	r := &sarifRegion{StartLine: from.Line, StartColumn: max(from.Char, 1)}
	if to.Line > 0 {
		r.EndLine, r.EndColumn = to.Line, to.Char
	}
	return r
}

// sarifReplace gives a replacement in lines and columns, or in bytes where the
// new text is not UTF-8.
func sarifReplace(e Replacement) sarifReplacement {
	if !utf8.ValidString(e.New) {
		n := e.To.Offset - e.From.Offset
		return sarifReplacement{
			sarifRegion{ByteOffset: &e.From.Offset, ByteLength: &n},
			&sarifContent{Binary: base64.StdEncoding.EncodeToString([]byte(e.New))},
		}
	}
	out := sarifReplacement{Deleted: *sarifRegionOf(e.From, e.To)}
	if e.New != "" {
		out.Inserted = &sarifContent{Text: e.New}
	}
	return out
}

func reportSARIF(r *Report) ([]byte, error) {
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "refit", Version: r.Version, InformationURI: "https://github.com/refit-dev/refit", Rules: []sarifRule{}}},
		Invocations: []sarifInvocation{{Successful: r.Summary.Failed == 0}},
		ColumnKind:  "unicodeCodePoints",
		Results:     []sarifResult{},
	}
	index := map[string]int{}
	for _, info := range r.Rules {
		index[info.Name] = len(run.Tool.Driver.Rules)
		rule := sarifRule{ID: info.Name, Short: sarifText{info.Summary}, Default: sarifConfig{LevelWarning}}
		if info.Safety != "safe" {
			rule.Default.Level = LevelNote
		}
		if info.Doc != "" {
			rule.Full = &sarifText{info.Summary}
			rule.Help = &sarifMarkdown{info.Doc, info.Doc}
		}
		rule.Properties = sarifTags{Tags: slices.Concat([]string{"dockerfile"}, info.Codes), Safety: info.Safety}
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule)
	}
	for _, file := range r.Files {
		prints := file.Fingerprints()
		for i := range file.Findings {
			run.Results = append(run.Results, sarifResultOf(file, &file.Findings[i], prints[i], index))
		}
	}
	return encode(sarifLog{"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json", "2.1.0", []sarifRun{run}})
}

func sarifResultOf(file *FileReport, f *Finding, print string, index map[string]int) sarifResult {
	artifact := sarifArtifact{sarifURI(file.Path)}
	res := sarifResult{
		RuleID: f.Rule, Level: f.Level, Message: sarifText{message(f)},
		Locations:    []sarifLocation{{sarifPhysical{artifact, sarifRegionOf(f.Start, f.End)}}},
		Fingerprints: map[string]string{"refit/v1": print},
	}
	if i, ok := index[f.Rule]; ok {
		res.RuleIndex = &i
	}
	var changes []sarifChange
	if len(f.Fix) > 0 {
		c := sarifChange{Artifact: artifact}
		for _, e := range f.Fix {
			c.Replacements = append(c.Replacements, sarifReplace(e))
		}
		changes = append(changes, c)
	}
	for _, n := range f.Files {
		start := Place{Line: 1, Col: 1, Char: 1}
		changes = append(changes, sarifChange{sarifArtifact{sarifURI(n.Path)}, []sarifReplacement{sarifReplace(Replacement{From: start, To: start, New: n.Content})}})
	}
	if len(changes) > 0 {
		res.Fixes = []sarifFix{{sarifText{f.Title}, changes}}
	}
	return res
}

// message is a finding's text in formats that have one field for it.
func message(f *Finding) string {
	m := f.Title
	if f.Reason != "" {
		m += "\nwhy: " + f.Reason
	}
	if f.Hint != "" {
		m += "\nfix: " + f.Hint
	}
	return m
}
