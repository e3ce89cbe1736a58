// Command fmtcorpus lays out every Dockerfile below the given directories in
// many styles and checks each result twice: by package fmtcheck, which knows
// BuildKit's parsers and the shell's syntax trees only, and by the engine of
// package transform, which compares build plans. It prints the grade of each
// file and instruction, what was left verbatim and why, and exits 1 if a check
// failed.
//
//	go run ./scripts/fmtcorpus [-variants] [-print] dir|file …
package main

import (
	"cmp"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/refit-dev/refit/internal/fmtcheck"
	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/transform"
)

func main() {
	variants := flag.Bool("variants", false, "also check generated variants: CRLF, BOM, no final newline, other styles")
	show := flag.Bool("print", false, "print the laid out files instead of checking")
	width := flag.Int("width", 100, "width for -print")
	indent := flag.Int("indent", 4, "indent for -print")
	operators := flag.String("operators", "leading", "operators for -print")
	flag.Parse()
	var files []string
	for _, root := range flag.Args() {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && !strings.HasSuffix(path, ".tsv") && !strings.HasSuffix(path, ".md") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	if len(files) == 0 {
		fmt.Fprintln(os.Stderr, "fmtcorpus: no files: name a directory of Dockerfiles")
		os.Exit(2)
	}
	if *show {
		for _, path := range files {
			src, err := os.ReadFile(path)
			if err == nil {
				st := emit.DefaultStyle()
				st.Width, st.Indent, st.Operators = *width, *indent, *operators
				src, _, err = fmtcheck.Format(src, st)
			}
			if err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
				continue
			}
			os.Stdout.Write(src)
		}
		return
	}
	var t totals
	t.reasons, t.grades = map[string]int{}, map[string]int{}
	for _, path := range files {
		src, err := os.ReadFile(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		t.file(path, src, *variants)
	}
	t.print()
	if t.failed > 0 {
		os.Exit(1)
	}
}

type totals struct {
	files, unparsed, failed, checks            int
	instructions, runs, verbatim, verbatimRuns int
	formatted, rebuilt                         int
	grades                                     map[string]int
	reasons                                    map[string]int
}

func (t *totals) file(path string, src []byte, variants bool) {
	f, err := parse.Parse(src)
	if err != nil {
		t.unparsed++
		return
	}
	t.files++
	style := emit.DefaultStyle()
	res, err := transform.Run(src, transform.Options{None: true, Format: &style})
	if err == nil {
		t.grades[res.Grade]++
		t.rebuilt += res.Rebuilt
		t.formatted += res.Formatted
		for _, msg := range res.Internal {
			t.failed++
			fmt.Printf("%s:%s\n", path, msg)
		}
	} else {
		t.grades["not valid"]++
	}
	_, groups, err := fmtcheck.Format(src, emit.DefaultStyle())
	if err != nil {
		t.failed++
		fmt.Printf("%s: %v\n", path, err)
		return
	}
	windows := fmtcheck.Windows(f)
	for _, g := range groups {
		if g.Instruction == nil {
			continue
		}
		t.instructions++
		run := g.Instruction.Name == "RUN" && !windows
		if run {
			t.runs++
		}
		if g.Verbatim != "" {
			t.verbatim++
			if run {
				t.verbatimRuns++
				p := f.Position(g.Instruction.Start)
				fmt.Printf("verbatim: %s:%d: %s\n", path, p.Line, g.Verbatim)
			}
			t.reasons[reason(g.Verbatim)]++
		}
	}
	for _, v := range variantsOf(variants) {
		in := v.Change(src)
		t.checks++
		if err := fmtcheck.Check(in, v.Style); err != nil {
			t.failed++
			fmt.Printf("%s: %s: %v\n", path, v.Name, err)
		}
		if res, err := transform.Run(in, transform.Options{None: true, Format: &v.Style}); err == nil {
			for _, msg := range res.Internal {
				t.failed++
				fmt.Printf("%s: %s: plan: %s\n", path, v.Name, msg)
			}
			if v.Style.CacheNeutral && res.Grade != "identical" {
				t.failed++
				fmt.Printf("%s: %s: grade %s\n", path, v.Name, res.Grade)
			}
		}
	}
}

// reason cuts the position off a message.
func reason(s string) string {
	if i := strings.LastIndex(s, ": "); i >= 0 && strings.ContainsAny(s[:i], "0123456789") {
		return s[i+2:]
	}
	return s
}

// variantsOf returns all variants, or only the file as it is in the default
// style.
func variantsOf(all bool) []fmtcheck.Variant {
	if v := fmtcheck.Variants(); all {
		return v
	} else {
		return v[:1]
	}
}

func (t *totals) print() {
	fmt.Printf("%d files (%d more that BuildKit cannot parse), %d instructions, %d checks, %d failed\n",
		t.files, t.unparsed, t.instructions, t.checks, t.failed)
	fmt.Printf("grades of files:")
	for _, g := range sorted(t.grades) {
		fmt.Printf(" %d %s;", t.grades[g], g)
	}
	fmt.Printf("\n%d instructions have a new layout, %d RUN programs among them\n", t.formatted, t.rebuilt)
	fmt.Printf("verbatim: %d instructions; %d of %d Unix RUNs (%.2f %%)\n", t.verbatim, t.verbatimRuns, t.runs,
		100*float64(t.verbatimRuns)/float64(max(t.runs, 1)))
	for _, k := range sorted(t.reasons) {
		fmt.Printf("  %5d  %s\n", t.reasons[k], k)
	}
}

// sorted returns the keys of m by falling count.
func sorted(m map[string]int) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int { return cmp.Or(m[b]-m[a], strings.Compare(a, b)) })
}
