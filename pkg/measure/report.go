package measure

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

// Bytes shows a size in decimal units, as docker does.
func Bytes(n int64) string {
	switch {
	case n < 0:
		return "-" + Bytes(-n)
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/1e9)
}

// Seconds shows a duration.
func Seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// Row is a line of the table: what was measured, before and after, and the gain.
type Row struct{ Name, Before, After, Saved string }

// Rows returns the table of a report.
func (r *Report) Rows() []Row {
	a, b := &r.Before, &r.After
	count := func(name string, x, y int) Row { return Row{name, fmt.Sprint(x), fmt.Sprint(y), fmt.Sprint(x - y)} }
	size := func(name string, x, y int64) Row {
		return Row{name, Bytes(x), Bytes(y), Bytes(x-y) + percent(float64(x), float64(y))}
	}
	span := func(name string, x, y time.Duration) Row {
		return Row{name, Seconds(x), Seconds(y), Seconds(x-y) + percent(x.Seconds(), y.Seconds())}
	}
	rows := []Row{
		count("build steps", a.Steps, b.Steps),
		count("layers", len(a.Layers), len(b.Layers)),
		size("image size", a.Size, b.Size),
		size("compressed", a.Compressed, b.Compressed),
		span("cold build", a.Cold, b.Cold),
	}
	for _, t := range []struct {
		file string
		x, y *Rebuild
	}{{r.Touched.Source, a.Source, b.Source}, {r.Touched.Manifest, a.Manifest, b.Manifest}} {
		if t.x != nil && t.y != nil {
			rows = append(rows, span("rebuild, "+t.file+" edited", t.x.Time, t.y.Time), count("  steps run again", t.x.Again, t.y.Again))
		}
	}
	return rows
}

func percent(x, y float64) string {
	if x <= 0 {
		return ""
	}
	return fmt.Sprintf(" (%.0f %%)", (x-y)/x*100)
}

// Group is a class and reason with the differences that have them.
type Group struct {
	Class  Class
	Reason string
	Paths  int
	Bytes  int64 // content gained (positive) or lost
}

// Groups sums up the differences other than the unexpected ones by reason, the largest first.
func (c *Comparison) Groups() []Group {
	byKey := map[Group]*Group{}
	for _, d := range c.Differences {
		if d.Class == Unexpected {
			continue
		}
		reason := d.Reason
		if d.Config != "" {
			reason += ": " + d.Config
		}
		key := Group{Class: d.Class, Reason: reason}
		if byKey[key] == nil {
			byKey[key] = &Group{Class: d.Class, Reason: reason}
		}
		byKey[key].Paths++
		byKey[key].Bytes += d.Bytes
	}
	var out []Group
	for _, g := range byKey {
		out = append(out, *g)
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.Class != b.Class {
			return a.Class > b.Class
		}
		if a.Bytes != b.Bytes {
			return a.Bytes < b.Bytes
		}
		return a.Reason < b.Reason
	})
	return out
}

// Summary says in a line what the comparison found.
func (c *Comparison) Summary() string {
	return fmt.Sprintf("%s compared: %d unexpected, %d declared, %d benign differences", paths(c.Paths), len(c.Of(Unexpected)), len(c.Of(Declared)), len(c.Of(Benign)))
}

// paths says "1 path" or "2 paths".
func paths(n int) string {
	if n == 1 {
		return "1 path"
	}
	return fmt.Sprintf("%d paths", n)
}

// maxShown bounds the unexpected differences that a text shows.
const maxShown = 50

// Write writes what the comparison found as text: each unexpected difference, the others summed up by reason.
func (c *Comparison) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintln(&b, c.Summary())
	for i, d := range c.Of(Unexpected) {
		if i == maxShown {
			fmt.Fprintf(&b, "  … and %d more\n", len(c.Of(Unexpected))-i)
			break
		}
		fmt.Fprintf(&b, "  unexpected: %s\n", d)
	}
	for _, g := range c.Groups() {
		fmt.Fprintf(&b, "  %s: %s: %s", g.Class, g.Reason, paths(g.Paths))
		if g.Bytes != 0 {
			fmt.Fprintf(&b, ", %+.1f MB", float64(g.Bytes)/1e6)
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Write writes the report as text.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, built with %s\n\n", r.Dockerfile, r.Engine)
	rows := append([]Row{{"", "before", "after", "saved"}}, r.Rows()...)
	var width [4]int
	for _, row := range rows {
		for i, cell := range []string{row.Name, row.Before, row.After, row.Saved} {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	pad := func(s string, n int) string { return strings.Repeat(" ", n-utf8.RuneCountInString(s)) }
	for _, row := range rows {
		fmt.Fprintf(&b, "%s%s  %s%s  %s%s  %s%s\n", row.Name, pad(row.Name, width[0]), pad(row.Before, width[1]), row.Before,
			pad(row.After, width[2]), row.After, pad(row.Saved, width[3]), row.Saved)
	}
	for _, side := range []struct {
		name   string
		layers []LayerSize
	}{{"before", r.Before.Layers}, {"after", r.After.Layers}} {
		fmt.Fprintf(&b, "\nlayers %s\n", side.name)
		for _, l := range side.layers {
			fmt.Fprintf(&b, "%12s  %s\n", Bytes(l.Size), short(l.CreatedBy, 100))
		}
	}
	b.WriteByte('\n')
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	return r.Comparison.Write(w)
}

// short makes one line of a step, without what BuildKit adds to it.
func short(step string, n int) string {
	step = strings.TrimSuffix(step, " # buildkit")
	step = strings.Replace(step, "RUN /bin/sh -c ", "RUN ", 1)
	step = strings.Join(strings.Fields(step), " ")
	if utf8.RuneCountInString(step) > n {
		step = string([]rune(step)[:n-1]) + "…"
	}
	if step == "" {
		step = "(no record)"
	}
	return step
}
