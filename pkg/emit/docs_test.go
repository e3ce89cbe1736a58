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
		for _, g := range emit.FilterGroups(f, emit.Layout(f, fmtcheck.Shells(f), style), [2]int{}) {
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
