package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/transform"
)

// tally adds up a run for the summary.
type tally struct {
	files, changed, failed, internal int
	changes                          map[string]int // by transform
	findings, fixable                int
	available, advice                int
	formatted, rebuilt               int
	stepsBefore, stepsAfter          int
	layersBefore, layersAfter        int
}

func (t *tally) add(r *transform.Result) {
	if r.Changed() || len(r.Companions) > 0 {
		t.changed++
	}
	if t.changes == nil {
		t.changes = map[string]int{}
	}
	for i := range r.Changes {
		t.changes[r.Changes[i].Transform]++
	}
	t.fixable += len(r.Changes)
	t.available += len(r.Available)
	t.advice += len(r.Advice)
	t.formatted += r.Formatted
	t.rebuilt += r.Rebuilt
	t.stepsBefore += r.StepsBefore
	t.stepsAfter += r.StepsAfter
	t.layersBefore += r.LayersBefore
	t.layersAfter += r.LayersAfter
}

// byTransform lists the counts, most frequent first.
func (t *tally) byTransform() string {
	names := make([]string, 0, len(t.changes))
	for n := range t.changes {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := t.changes[b] - t.changes[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for i, n := range names {
		names[i] = fmt.Sprintf("%s %d", n, t.changes[n])
	}
	return strings.Join(names, ", ")
}

// summary prints one sentence on stderr.
func (j *job) summary() {
	if j.set.quiet {
		return
	}
	var s string
	switch j.command {
	case "fix":
		s = j.fixSummary()
	case "fmt":
		s = j.fmtSummary()
	case "lint":
		s = j.lintSummary()
	}
	if s != "" {
		fmt.Fprintln(j.c.err, s)
	}
}

func (j *job) fixSummary() string {
	t := &j.tally
	if t.files == 0 || t.files == t.failed {
		return ""
	}
	var parts []string
	verb := "changed"
	if !j.set.write && !j.set.interactive {
		verb = "would change"
	}
	if t.files > 1 {
		parts = append(parts, fmt.Sprintf("%d of %s %s", t.changed, plural(t.files, "file"), verb))
	}
	if n := t.fixable; n > 0 {
		parts = append(parts, fmt.Sprintf("%s: %s", plural(n, "change"), t.byTransform()))
	} else if t.files == 1 && t.changed == 0 {
		parts = append(parts, "nothing to change")
	}
	if t.formatted > 0 {
		parts = append(parts, plural(t.formatted, "instruction")+" laid out")
	}
	if t.fixable > 0 {
		parts = append(parts, fmt.Sprintf("build steps %d → %d", t.stepsBefore, t.stepsAfter),
			fmt.Sprintf("layers %d → %d", t.layersBefore, t.layersAfter))
	}
	if t.available > 0 {
		parts = append(parts, fmt.Sprintf("%d more with --unsafe", t.available))
	}
	if t.advice > 0 {
		parts = append(parts, plural(t.advice, "piece")+" of advice (refit lint shows it)")
	}
	return strings.Join(append(parts, t.trouble()...), "; ")
}

// trouble says what went wrong.
func (t *tally) trouble() []string {
	var parts []string
	if t.failed > 0 {
		parts = append(parts, plural(t.failed, "error"))
	}
	if t.internal > 0 {
		parts = append(parts, plural(t.internal, "internal error"))
	}
	return parts
}

func (j *job) fmtSummary() string {
	t := &j.tally
	if t.files <= 1 && !j.set.verbose {
		return ""
	}
	verb := "formatted"
	if !j.set.write {
		verb = "would be formatted"
	}
	parts := []string{fmt.Sprintf("%d of %s %s", t.changed, plural(t.files, "file"), verb)}
	if t.rebuilt > 0 {
		parts = append(parts, fmt.Sprintf("the next build runs %s again, with the same result (--cache-neutral avoids that)", plural(t.rebuilt, "RUN step")))
	}
	return strings.Join(append(parts, t.trouble()...), "; ")
}

func (j *job) lintSummary() (s string) {
	t := &j.tally
	if t.files == 0 || t.files == t.failed {
		return ""
	}
	if b := j.set.baseline; b != nil {
		defer func() {
			if extra := b.summary(j.set.writeBaseline); extra != "" {
				s += "; " + extra
			}
		}()
	}
	if t.findings == 0 {
		return strings.Join(append([]string{"no findings in " + plural(t.files, "file")}, t.trouble()...), "; ")
	}
	parts := []string{fmt.Sprintf("%s in %s", plural(t.findings, "finding"), plural(t.files, "file"))}
	if t.fixable > 0 && j.set.baseline == nil {
		parts = append(parts, fmt.Sprintf("refit fix can make %s", plural(t.fixable, "change")))
	}
	if t.available > 0 && j.set.baseline == nil {
		parts = append(parts, fmt.Sprintf("%d more with --unsafe", t.available))
	}
	return strings.Join(append(parts, t.trouble()...), "; ")
}
