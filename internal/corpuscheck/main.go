// Corpuscheck runs refit over a folder of real Dockerfiles and checks every
// result: no panic, no internal error, the output parses, a second run changes
// nothing, every comment is kept, every diff applies with git apply. It prints
// counts and exits 1 on any failure.
//
//	go run ./internal/corpuscheck [flags] DIR
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/transform"
)

var (
	unsafeFlag = flag.Bool("unsafe", false, "apply unsafe changes too")
	selectFlag = flag.String("select", "", "comma-separated transforms to run")
	cacheFlag  = flag.String("cache", "", "cache strategy: clean or mount")
	outDir     = flag.String("out", "", "write the rewritten files below this folder")
	skipsFlag  = flag.Int("skips", 30, "how many reasons of skips to print")
	formatFlag = flag.Bool("format", false, "lay the results out too")
	layoutOnly = flag.Bool("layout", false, "lay out only, without transforms")
	neutral    = flag.Bool("cache-neutral", false, "with -format or -layout: keep every RUN's shell text")
	sampleFlag = flag.Int("sample", 0, "print the diffs of so many changes, drawn at random, for a review by hand")
	seedFlag   = flag.Uint64("seed", 1, "what the drawing of -sample starts from")
	gitApply   = flag.Bool("git-apply", true, "check that diffs apply with git apply")
)

func main() {
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: corpuscheck [flags] DIR")
		os.Exit(2)
	}
	root := flag.Arg(0)
	if _, err := os.Stat(root); err != nil {
		fmt.Printf("corpuscheck: skipped, there is no corpus at %s\n", root)
		return
	}
	opt := transform.Options{Unsafe: *unsafeFlag, Cache: *cacheFlag, Recheck: true}
	if *formatFlag || *layoutOnly {
		style := emit.DefaultStyle()
		style.CacheNeutral = *neutral
		opt.Format, opt.None = &style, *layoutOnly
	}
	if *selectFlag != "" {
		opt.Select = strings.Split(*selectFlag, ",")
	}
	paths := dockerfiles(root)
	results := make([]outcome, len(paths))
	var wg sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				results[i] = checkFile(paths[i], opt)
			}
		})
	}
	for i := range paths {
		next <- i
	}
	close(next)
	wg.Wait()
	os.Exit(report(root, paths, results, opt))
}

// dockerfiles lists the corpus: every file below a subfolder of root.
func dockerfiles(root string) []string {
	var out []string
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && filepath.Dir(path) != filepath.Clean(root) {
			out = append(out, path)
		}
		return nil
	})
	return out
}

// outcome is what a run gave for one file.
type outcome struct {
	refused string // BuildKit's error
	fails   []string
	res     *transform.Result
	opaque  int
	instrs  int
}

func checkFile(path string, opt transform.Options) (o outcome) {
	defer func() {
		if r := recover(); r != nil {
			o.fails = append(o.fails, fmt.Sprintf("panic: %v", r))
		}
	}()
	src, err := os.ReadFile(path)
	if err != nil {
		o.fails = append(o.fails, err.Error())
		return o
	}
	f, err := parse.Parse(src)
	if err != nil {
		o.refused = err.Error()
		return o
	}
	o.instrs, o.opaque = len(f.Instructions), f.Opaque()
	o.fails = append(o.fails, checkTree(f)...)
	res, err := transform.Run(src, opt)
	if err != nil {
		o.refused = err.Error()
		return o
	}
	o.res = res
	o.fails = append(o.fails, res.Internal...)
	again, err := transform.Run(res.After, opt)
	switch {
	case err != nil:
		o.fails = append(o.fails, "the result is refused: "+err.Error())
	case string(again.After) != string(res.After):
		o.fails = append(o.fails, "a second run changes: "+titles(again.Changes))
	}
	o.fails = append(o.fails, lostComments(f, res)...)
	return o
}

func titles(changes []transform.Change) string {
	var out []string
	for _, c := range changes {
		out = append(out, c.Transform+": "+c.Title)
	}
	return strings.Join(out, "; ")
}

// checkTree checks that the tiles give back the bytes.
func checkTree(f *parse.File) []string {
	pos := 0
	for _, t := range f.Tiles {
		if t.Start != pos || t.End <= t.Start {
			return []string{fmt.Sprintf("the tiles have a gap at byte %d", pos)}
		}
		pos = t.End
	}
	if pos != len(f.Src) {
		return []string{"the tiles do not cover the file"}
	}
	for _, in := range f.Instructions {
		if in.Form != parse.Opaque && in.Logical.Text != in.Node.Original {
			return []string{fmt.Sprintf("line %d: the logical line differs from BuildKit's", in.StartLine)}
		}
	}
	return nil
}

// lostComments compares the comments of the file before and after as
// multisets, less those that a change drops on purpose.
func lostComments(before *parse.File, res *transform.Result) []string {
	count := map[string]int{}
	for _, t := range comments(res.File) {
		count[t]++
	}
	dropped := 0
	for _, c := range res.Changes {
		dropped += len(c.Drops)
	}
	var lost []string
	for _, t := range comments(before) {
		if count[t] == 0 {
			lost = append(lost, fmt.Sprintf("the comment %q got lost", t))
			continue
		}
		count[t]--
	}
	if len(lost) <= dropped {
		return nil
	}
	return lost
}

// comments returns the comments of a file and of its scripts' here-documents.
func comments(f *parse.File) []string {
	var out []string
	for _, sp := range append(f.Comments(), f.BodyComments()...) {
		out = append(out, strings.TrimSpace(sp.Text(f.Src)))
	}
	return out
}

func report(root string, paths []string, results []outcome, opt transform.Options) int {
	var files, refused, changed, fails, opaque, instrs, formatted, rebuilt int
	changes, skips, grades := map[string]int{}, map[string]int{}, map[string]int{}
	steps := [2]int{}
	layers := [2]int{}
	for i, o := range results {
		rel, _ := filepath.Rel(root, paths[i])
		for _, f := range o.fails {
			fails++
			fmt.Printf("FAIL %s: %s\n", rel, f)
		}
		if o.refused != "" {
			refused++
			fmt.Printf("refused %s: %s\n", rel, o.refused)
			continue
		}
		files++
		opaque += o.opaque
		instrs += o.instrs
		if o.res == nil {
			continue
		}
		grades[o.res.Grade]++
		if o.res.Changed() {
			changed++
		}
		for _, c := range o.res.Changes {
			changes[c.Transform+" ("+c.Safety.String()+")"]++
		}
		for _, c := range o.res.Available {
			changes[c.Transform+" (unsafe, available)"]++
		}
		for _, c := range o.res.Advice {
			changes[c.Transform+" (advice)"]++
		}
		for _, s := range slices.Concat(o.res.Skips, o.res.Verbatim) {
			skips[s.Transform+": "+s.Reason]++
		}
		formatted += o.res.Formatted
		rebuilt += o.res.Rebuilt
		steps[0] += o.res.StepsBefore
		steps[1] += o.res.StepsAfter
		layers[0] += o.res.LayersBefore
		layers[1] += o.res.LayersAfter
		if *outDir != "" {
			write(filepath.Join(*outDir, rel), o.res.After)
		}
	}
	applied := 0
	if *gitApply {
		n, errs := applyDiffs(paths, results)
		applied = n
		for _, e := range errs {
			fails++
			fmt.Println("FAIL " + e)
		}
	}
	fmt.Printf("\nfiles %d, refused by BuildKit %d, changed %d, failures %d\n", files, refused, changed, fails)
	fmt.Printf("instructions %d, opaque %d (%.3f %%)\n", instrs, opaque, 100*float64(opaque)/float64(max(instrs, 1)))
	fmt.Printf("build steps %d → %d, layers of the last images %d → %d\n", steps[0], steps[1], layers[0], layers[1])
	if opt.Format != nil {
		fmt.Printf("instructions laid out %d, RUN layers that rebuild once %d\n", formatted, rebuilt)
	}
	if *gitApply {
		fmt.Printf("diffs that apply with git apply: %d\n", applied)
	}
	if *sampleFlag > 0 {
		sample(root, paths, results, opt)
	}
	table("grades", grades, 0)
	table("changes by transform", changes, 0)
	table("skipped, by reason", skips, *skipsFlag)
	if fails > 0 || files == 0 {
		return 1
	}
	return 0
}

func write(path string, data []byte) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		fmt.Println(err)
		return
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		fmt.Println(err)
	}
}

func table(title string, counts map[string]int, most int) {
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		if counts[keys[i]] != counts[keys[j]] {
			return counts[keys[i]] > counts[keys[j]]
		}
		return keys[i] < keys[j]
	})
	fmt.Printf("%s:\n", title)
	for i, k := range keys {
		if most > 0 && i == most {
			fmt.Printf("  … %d more\n", len(keys)-i)
			break
		}
		fmt.Printf("  %6d  %s\n", counts[k], k)
	}
}
