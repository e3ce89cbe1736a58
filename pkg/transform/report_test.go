package transform_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif" // for its schema
	"github.com/reviewdog/reviewdog/proto/rdf"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/transform"
)

// reportInputs are the Dockerfiles of the golden cases, or with REFIT_CORPUS
// those of a folder.
func reportInputs(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{
		"plain":   []byte("from alpine\nADD x /x\nRUN a\n# why\nRUN b\n\n\nRUN pip install x\nCMD sh"),
		"crlf":    []byte("FROM alpine\r\nADD x /x\r\nRUN a\r\nRUN b\r\n"),
		"bytes":   []byte("FROM alpine\nADD \xff\xfe.txt /x\nRUN a # \xe9\nRUN b\n"),
		"unicode": []byte("FROM alpine\nRUN echo 𐐀é   ; a\nADD é /é\nENV 𐐀 b\n"),
		"bom":     []byte("\xef\xbb\xbffrom alpine\nRUN a\nRUN b"),
		"error":   []byte("FROM alpine\nRNU x\n"),
	}
	root := os.Getenv("REFIT_CORPUS")
	dirs := []string{root}
	if root == "" {
		dirs = []string{"../../testdata/fix", "../../testdata/fmt"}
	}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			name := strings.NewReplacer("/", "_", "..", "").Replace(path)
			if root != "" {
				files[name] = data
			} else if ar := txtar.Parse(data); len(ar.Files) > 0 {
				files[name] = ar.Files[0].Data
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestReports renders each format for many files, checks it against its
// schema, and lets an independent script apply its fixes: the files must then
// hold what Run returned.
func TestReports(t *testing.T) {
	inputs := reportInputs(t)
	for _, mode := range []string{"fix", "fix and format", "format"} {
		opt := transform.Options{Unsafe: true}
		style := emit.DefaultStyle()
		if mode != "fix" {
			opt.Format = &style
		}
		opt.None = mode == "format"
		report := &emit.Report{Version: "1", Rules: transform.Rules()}
		after := map[string][]byte{}
		for name, src := range inputs {
			res, err := transform.Run(src, opt)
			file := &emit.FileReport{Path: name}
			if pe := (*parse.Error)(nil); errors.As(err, &pe) {
				file.Findings = []emit.Finding{{Rule: "parse", Level: emit.LevelError, Title: pe.Msg, Start: emit.Place{Line: max(pe.Line, 1)}}}
				report.Summary.Failed++
				after[name] = src
			} else if err != nil {
				t.Fatal(err)
			} else {
				file.Findings = res.Findings()
				after[name] = res.After
			}
			report.Files = append(report.Files, file)
		}
		for _, format := range emit.Formats() {
			t.Run(mode+"/"+format, func(t *testing.T) {
				out, err := emit.Render(format, report)
				if err != nil {
					t.Fatal(err)
				}
				validate(t, format, out)
				if format == "json" || format == "sarif" || format == "rdjson" {
					apply(t, format, out, inputs, after)
				}
			})
		}
	}
}

// validate checks a report against its schema.
func validate(t *testing.T, format string, out []byte) {
	t.Helper()
	switch format {
	case "json":
		s, err := jsonschema.NewCompiler().Compile("../../docs/schema/report.schema.json")
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			t.Error(err)
		}
	case "sarif":
		s := sarifSchema(t)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			t.Error(err)
		}
	case "rdjson":
		var r rdf.DiagnosticResult
		if err := protojson.Unmarshal(out, &r); err != nil {
			t.Fatal(err)
		}
		for _, d := range r.Diagnostics {
			for _, s := range d.Suggestions {
				// reviewdog's GitHub service asks for that.
				if s.Range.Start.Line != d.Location.Range.Start.Line || s.Range.End.Line != d.Location.Range.End.Line {
					t.Errorf("%s: the suggestion is for other lines than the comment", d.Location.Path)
				}
			}
		}
	case "github":
		for line := range strings.Lines(string(out)) {
			if !strings.HasPrefix(line, "::warning file=") && !strings.HasPrefix(line, "::notice file=") && !strings.HasPrefix(line, "::error file=") {
				t.Errorf("no annotation: %q", line)
			}
		}
	case "gitlab":
		var issues []struct {
			Description, Fingerprint, Severity string
			CheckName                          string `json:"check_name"`
			Location                           struct {
				Path  string
				Lines struct{ Begin, End int }
			}
		}
		if err := json.Unmarshal(out, &issues); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, i := range issues {
			if i.Description == "" || i.CheckName == "" || i.Location.Path == "" || i.Location.Lines.Begin < 1 || i.Location.Lines.End < i.Location.Lines.Begin {
				t.Errorf("incomplete: %+v", i)
			}
			if i.Severity != "info" && i.Severity != "minor" && i.Severity != "major" {
				t.Errorf("severity %q", i.Severity)
			}
			if seen[i.Fingerprint] {
				t.Errorf("the fingerprint %s occurs twice", i.Fingerprint)
			}
			seen[i.Fingerprint] = true
		}
	}
}

// sarifSchema is the official schema, which the go-sarif module carries in a
// constant that it does not export.
func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3").Output()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "pkg", "report", "v210", "sarif", "schema.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(source), "`")
	text, _, _ = strings.Cut(text, "`")
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// apply lets scripts/apply-report.py apply the fixes.
func apply(t *testing.T, format string, out []byte, before, after map[string][]byte) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	script, err := filepath.Abs("../../scripts/apply-report.py")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range before {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	report := filepath.Join(t.TempDir(), "report")
	if err := os.WriteFile(report, out, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, script, format, report)
	cmd.Dir = dir
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	changed := 0
	for name, want := range after {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if format == "rdjson" && name == "bytes" {
			continue // the format has no way to say such a suggestion
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: got\n%q\nwant\n%q", name, got, want)
		}
		if !bytes.Equal(got, before[name]) {
			changed++
		}
	}
	t.Logf("%d of %d files changed", changed, len(before))
}
