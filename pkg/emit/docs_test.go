package emit_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/refit-dev/refit/internal/fmtcheck"
	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
)

// TestDocs executes the examples of docs/format.md. A comment before an
// example holds its style, in the words of the golden cases.
func TestDocs(t *testing.T) {
	data, err := os.ReadFile("../../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(data)
	n := 0
	for {
		i := strings.Index(doc, "```dockerfile before\n")
		if i < 0 {
			break
		}
		style := emit.DefaultStyle()
		lead := strings.TrimSpace(doc[:i])
		if strings.HasSuffix(lead, "-->") {
			lead = strings.TrimSuffix(lead, "-->")
			style = parseStyle(t, lead[strings.LastIndex(lead, "<!--")+4:])
		}
		var before, after string
		before, doc, _ = strings.Cut(doc[i+len("```dockerfile before\n"):], "```\n")
		rest, ok := strings.CutPrefix(doc, "\n```dockerfile after\n")
		if !ok {
			t.Fatalf("no result behind the example:\n%s", before)
		}
		after, doc, _ = strings.Cut(rest, "```\n")
		f, err := parse.Parse([]byte(before))
		if err != nil {
			t.Fatalf("%v in the example:\n%s", err, before)
		}
		var edits []emit.Edit
		filter := emit.NewFilter(f, nil)
		for _, g := range emit.Layout(f, fmtcheck.Shells(f), style) {
			g = filter.Apply(g)
			edits = append(edits, g.Edits...)
		}
		got, err := emit.Apply(f.Src, edits)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(after, string(got)); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
		n++
	}
	if n < 10 {
		t.Errorf("%d examples found", n)
	}
}

// TestCompareDoc makes sure that docs/format-compare.md shows what refit does
// today.
func TestCompareDoc(t *testing.T) {
	data, err := os.ReadFile("../../docs/format-compare.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(data), "\n## ")[1:]
	if len(sections) != 25 {
		t.Errorf("%d instructions", len(sections))
	}
	block := func(section, name string) string {
		_, rest, ok := strings.Cut(section, "```dockerfile "+name+"\n")
		if !ok {
			t.Fatalf("no block %s in:\n%s", name, section)
		}
		text, _, _ := strings.Cut(rest, "```\n")
		return text
	}
	for _, s := range sections {
		got, _, err := fmtcheck.Format([]byte(block(s, "before")), emit.DefaultStyle())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(block(s, "refit"), string(got)); d != "" {
			t.Errorf("run scripts/fmtcompare: -doc +got:\n%s", d)
		}
	}
}
