package transform

import "strings"

// Markdown is the documentation: a summary sentence, then the sections What, Why,
// Example, Instead, Safety and References.
func (t *Transform) Markdown() string { return t.Doc.markdown(t.Name) }

// Summary is the first line of the documentation.
func (t *Transform) Summary() string {
	s, _, _ := strings.Cut(strings.TrimSpace(t.Markdown()), "\n")
	return s
}

// Section returns the text under a "## heading" of the documentation, "" if it
// has none.
func (t *Transform) Section(heading string) string {
	_, rest, ok := strings.Cut("\n"+t.Markdown(), "\n## "+heading+"\n")
	if !ok {
		return ""
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	return strings.TrimSpace(rest)
}

// Example returns the Dockerfiles before and after of the documentation.
func Example(t *Transform) (before, after string, ok bool) {
	b, ok1 := fenced(t.Markdown(), "```dockerfile before\n")
	a, ok2 := fenced(t.Markdown(), "```dockerfile after\n")
	return b, a, ok1 && ok2
}

// ExampleOptions are the options under which the example holds: the transform
// alone, with the options of ExampleWith.
func ExampleOptions(t *Transform) Options {
	var opt Options
	if t.ExampleWith != nil {
		opt = t.ExampleWith()
	}
	opt.Select = []string{t.Name}
	return opt
}

func fenced(doc, open string) (string, bool) {
	_, rest, ok := strings.Cut(doc, open)
	if !ok {
		return "", false
	}
	body, _, ok := strings.Cut(rest, "```")
	return body, ok
}
