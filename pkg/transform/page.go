package transform

import "strings"

// page is the documentation of a transform by section.
type page struct {
	Summary, What, Why string
	Before, After      string // Dockerfiles; After is Before where it is empty
	Instead, Safety    string
	Refs               []string
}

// doc writes the page of the transform with that name.
func (p page) doc(name string) string {
	after := p.After
	if after == "" {
		after = p.Before
	}
	var b strings.Builder
	section := func(heading, text string) {
		b.WriteString("\n## " + heading + "\n" + strings.TrimSpace(text) + "\n")
	}
	b.WriteString(p.Summary + "\n")
	section("What", p.What)
	section("Why", p.Why)
	section("Example", "```dockerfile before\n"+strings.TrimSpace(p.Before)+"\n```\n```dockerfile after\n"+strings.TrimSpace(after)+"\n```")
	section("Instead", p.Instead+" To switch it off: `# refit: ignore="+name+"`.")
	section("Safety", p.Safety)
	section("References", "- "+strings.Join(p.Refs, "\n- "))
	return b.String()
}

// docsURL is the Dockerfile reference.
const docsURL = "https://docs.docker.com/reference/dockerfile/"

// practicesURL is Docker's page of best practices.
const practicesURL = "https://docs.docker.com/build/building/best-practices/"
