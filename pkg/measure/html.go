package measure

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
)

// Page is what the HTML report shows besides the measurements.
type Page struct {
	Report  *Report
	Diff    string // unified diff of the Dockerfile
	Changes []PageChange
}

// PageChange is a change of the Dockerfile and why it was made.
type PageChange struct{ Transform, Safety, Title, Reason string }

//go:embed report.html.tmpl
var pageText string

// bar is a layer in the picture.
type bar struct {
	Width      string // of the whole, in percent
	Shade      int    // 0 for base layers, then by turns
	Step, Size string
}

// WriteHTML writes the page: one self-contained file without scripts.
func (p *Page) WriteHTML(w io.Writer) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"bytes": Bytes,
		"short": short,
		"bars":  p.bars,
		"class": func(line string) string {
			switch {
			case strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "---"):
				return "file"
			case strings.HasPrefix(line, "+"):
				return "add"
			case strings.HasPrefix(line, "-"):
				return "del"
			case strings.HasPrefix(line, "@@"):
				return "hunk"
			}
			return ""
		},
		"lines":   func(s string) []string { return strings.Split(strings.TrimSuffix(s, "\n"), "\n") },
		"limited": func(d []Difference) []Difference { return d[:min(len(d), maxShown)] },
	}).Parse(pageText)
	if err != nil {
		return err
	}
	return t.Execute(w, p)
}

// bars draws layers to the scale of the larger image.
func (p *Page) bars(layers []LayerSize) []bar {
	whole := max(p.Report.Before.Size, p.Report.After.Size, 1)
	var out []bar
	for i, l := range layers {
		out = append(out, bar{
			Width: fmt.Sprintf("%.3f", float64(l.Size)/float64(whole)*100),
			Shade: i % 6,
			Step:  short(l.CreatedBy, 300),
			Size:  Bytes(l.Size),
		})
	}
	return out
}
