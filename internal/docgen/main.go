// Docgen writes what the documentation takes from the program itself: the
// rules in docs/rules.md, and in README.md the table of transforms and the
// output of the example. It is run from the repository's root:
//
//	go run ./internal/docgen
package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/transform"
)

func main() {
	files, err := Generate(".")
	if err == nil {
		for name, data := range files {
			if err = os.WriteFile(name, data, 0o644); err != nil {
				break
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "docgen:", err)
		os.Exit(1)
	}
}

// Generate returns the generated files by path, for the repository at root.
func Generate(root string) (map[string][]byte, error) {
	readme, err := os.ReadFile(root + "/README.md")
	if err != nil {
		return nil, err
	}
	readme, err = between(readme, "rules", rulesTable())
	if err != nil {
		return nil, err
	}
	example, err := slimming(root)
	if err != nil {
		return nil, err
	}
	readme, err = between(readme, "slimming", example)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{root + "/README.md": readme, root + "/docs/rules.md": []byte(rulesPage())}, nil
}

// between replaces what stands between <!-- name:begin --> and
// <!-- name:end -->.
func between(doc []byte, name, text string) ([]byte, error) {
	begin, end := []byte("<!-- "+name+":begin -->\n"), []byte("<!-- "+name+":end -->")
	i, j := bytes.Index(doc, begin), bytes.Index(doc, end)
	if i < 0 || j < i {
		return nil, fmt.Errorf("README.md has no markers for %s", name)
	}
	out := append([]byte(nil), doc[:i+len(begin)]...)
	out = append(out, text...)
	return append(out, doc[j:]...), nil
}

// groups are the headings of the table, in order; others follow.
var groups = []string{"layers", "caches", "packages", "order", "metadata", "idioms", "advice"}

// byGroup sorts the transforms by group, in the order of the run within it.
func byGroup() ([]string, map[string][]*transform.Transform) {
	sorted := map[string][]*transform.Transform{}
	names := append([]string(nil), groups...)
	for _, t := range transform.All() {
		if sorted[t.Group] == nil {
			known := false
			for _, g := range names {
				known = known || g == t.Group
			}
			if !known {
				names = append(names, t.Group)
			}
		}
		sorted[t.Group] = append(sorted[t.Group], t)
	}
	return names, sorted
}

func rulesTable() string {
	var b strings.Builder
	b.WriteString("| transform | class | what | also known as |\n|---|---|---|---|\n")
	names, sorted := byGroup()
	for _, g := range names {
		for _, t := range sorted[g] {
			class := t.Safety.String()
			if t.Off {
				class += ", off by default"
			}
			fmt.Fprintf(&b, "| [%s](docs/rules.md#%s) | %s | %s | %s |\n", t.Name, t.Name, class,
				strings.TrimSuffix(cell(t.Summary()), "."), strings.Join(t.Codes, " "))
		}
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func rulesPage() string {
	var b strings.Builder
	b.WriteString("# The transforms\n\nGenerated from the program by `go run ./internal/docgen`; `refit explain NAME` prints the same.\n")
	names, sorted := byGroup()
	for _, g := range names {
		for _, t := range sorted[g] {
			fmt.Fprintf(&b, "\n## %s\n\nClass: %s.", t.Name, t.Safety)
			if t.Off {
				b.WriteString(" Off by default: select it by name.")
			}
			if len(t.Codes) > 0 {
				fmt.Fprintf(&b, " Also known as %s.", strings.Join(t.Codes, ", "))
			}
			doc := strings.TrimSpace(t.Markdown())
			doc = strings.ReplaceAll(doc, "\n## ", "\n### ")
			doc = strings.ReplaceAll(doc, "```dockerfile before\n", "Before:\n\n```dockerfile\n")
			doc = strings.ReplaceAll(doc, "```dockerfile after\n", "\nAfter:\n\n```dockerfile\n")
			b.WriteString("\n\n" + doc + "\n")
		}
	}
	return b.String()
}

// slimming is the diff of the example.
func slimming(root string) (string, error) {
	const name = "testdata/slimming/Dockerfile"
	src, err := os.ReadFile(root + "/" + name)
	if err != nil {
		return "", err
	}
	res, err := transform.Run(src, transform.Options{})
	if err != nil {
		return "", err
	}
	diff := emit.Unified(name, res.Before, res.After, emit.DiffOptions{})
	return "```diff\n" + string(diff) + "```\n", nil
}
