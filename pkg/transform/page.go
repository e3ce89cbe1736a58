package transform

import "strings"

// document is the documentation of a transform. Its markdown is written when
// it is asked for: that of all transforms takes longer than a small file.
type document interface {
	// markdown is the page of the transform with that name.
	markdown(name string) string
}

// text is a page that is written out, with ~~~ and ´ for the code fences and
// back quotes that a raw string cannot hold.
type text string

func (t text) markdown(string) string {
	return strings.NewReplacer("~~~", "```", "´", "`").Replace(string(t))
}

// page is a page by section.
type page struct {
	Summary, What, Why string
	Before, After      string // Dockerfiles; After is Before where it is empty
	Instead, Safety    string
	Refs               []string
}

func (p *page) markdown(name string) string {
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
