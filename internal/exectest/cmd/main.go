//go:build unix

// Cmd tests what refit changes in the RUN instructions of a folder of real
// Dockerfiles by execution: every merge and every added cleanup command, see
// package exectest. It prints counts and exits 1 on any difference.
//
//	go run ./internal/exectest/cmd [flags] DIR
package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/refit-dev/refit/internal/exectest"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/transform"
)

var (
	selectFlag = flag.String("select", "", "comma-separated transforms to run, by default all safe ones, and merge-run alone in all stages")
	onlyFlag   = flag.String("only", "", "only files whose path contains this")
	workers    = flag.Int("workers", runtime.GOMAXPROCS(0), "sandboxes to run side by side")
	generate   = flag.Int("generate", 0, "test the merges of so many Dockerfiles with random programs, instead of DIR")
	mix        = flag.Int("mix", 0, "test so many merges of RUN instructions drawn from all files of DIR, and additions to them")
	seed       = flag.Uint64("seed", 1, "what -generate and -mix draw with")
	stopsFlag  = flag.Int("stops", 0, "how many reasons to print why programs stop early")
)

func main() {
	exectest.Worker()
	flag.Parse()
	if flag.NArg() != 1 && *generate == 0 {
		fmt.Fprintln(os.Stderr, "usage: exectest [flags] DIR")
		os.Exit(2)
	}
	root := flag.Arg(0)
	if _, err := os.Stat(root); err != nil && *generate == 0 {
		fmt.Printf("exectest: skipped, there is no corpus at %s\n", root)
		return
	}
	pool, err := exectest.NewPool(*workers)
	if errors.Is(err, exectest.ErrNoSandbox) {
		fmt.Printf("exectest: skipped, %v\n", err)
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "exectest:", err)
		os.Exit(1)
	}
	start := time.Now()
	var cases []exectest.Case
	var files int
	if *generate > 0 {
		files = *generate
		cases, err = exectest.Generate(files, *seed)
	} else if *mix > 0 {
		files = *mix
		cases, err = mixed(root)
	} else {
		cases, files, err = collect(root)
	}
	if err != nil {
		pool.Close()
		fmt.Fprintln(os.Stderr, "exectest:", err)
		os.Exit(1)
	}
	verdicts := pool.Check(cases)
	pool.Close()
	os.Exit(report(files, verdicts, time.Since(start)))
}

// mixed draws RUN instructions from the files below a folder, two or three at a
// time, and returns the cases of merging them and of adding commands to them.
func mixed(root string) ([]exectest.Case, error) {
	bySetup := map[string][]string{} // the RUNs by their SHELL
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Dir(path) == filepath.Clean(root) || !strings.Contains(path, *onlyFlag) {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil || strings.Contains(string(src), "\r") {
			return err
		}
		draft, err := transform.Open(src, transform.Options{None: true})
		if err != nil || draft.File().Escape != '\\' {
			return nil // BuildKit refuses it, or it would have to be rewritten
		}
		for _, p := range draft.Programs() {
			text := p.In.Span.Text(src)
			if n := len(p.Cmds); n == 0 || n > 25 || seen[text] || len(p.In.Flags) > 0 {
				continue
			}
			seen[text] = true
			setup := fmt.Sprintf("SHELL [%s]\n", strings.Join(quoted(p.State.Shell.Argv), ", "))
			bySetup[setup] = append(bySetup[setup], strings.TrimSuffix(text, "\n")+"\n")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var setups []string // as often as there are RUNs
	for s, list := range bySetup {
		for range list {
			setups = append(setups, s)
		}
	}
	sort.Strings(setups)
	r := rand.New(rand.NewPCG(*seed, 0))
	var cases []exectest.Case
	for i := range *mix {
		setup := setups[r.IntN(len(setups))]
		list := bySetup[setup]
		src := "FROM debian:12-slim\nWORKDIR /w\n" + setup
		for range 2 + r.IntN(2) {
			src += list[r.IntN(len(list))]
		}
		name := fmt.Sprintf("mix %d/%d", *seed, i)
		cs, err := exectest.FromDockerfile(name, []byte(src), transform.Options{Select: []string{"merge-run"}, MaxLines: 500})
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, src)
		}
		adds, err := exectest.Additions(name, []byte(src), "cleanup -f && cleanup2", r)
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, src)
		}
		cases = append(append(cases, cs...), adds...)
	}
	return cases, nil
}

// quoted quotes strings for JSON.
func quoted(list []string) []string {
	var out []string
	for _, s := range list {
		out = append(out, fmt.Sprintf("%q", s))
	}
	return out
}

// collect returns the different cases of the files below a folder.
func collect(root string) (cases []exectest.Case, files int, err error) {
	opts := []transform.Options{{}, {Select: []string{"merge-run"}, Stages: "all"}}
	if *selectFlag != "" {
		opts = []transform.Options{{Select: strings.Split(*selectFlag, ",")}}
	}
	seen := map[[32]byte]bool{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Dir(path) == filepath.Clean(root) || !strings.Contains(path, *onlyFlag) {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, err := parse.Parse(src); err != nil {
			return nil // BuildKit refuses it
		}
		files++
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		for _, opt := range opts {
			cs, err := exectest.FromDockerfile(name, src, opt)
			if err != nil {
				return err
			}
			for _, c := range cs {
				key := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q", c.Kind, c.Shells, c.Before, c.After, c.World.Env))
				if !seen[key] {
					seen[key] = true
					cases = append(cases, c)
				}
			}
		}
		return nil
	})
	return cases, files, err
}

// report prints the counts and returns the exit code.
func report(files int, verdicts []exectest.Verdict, took time.Duration) int {
	var diffs, errs, runs, calls, complete, cut, flaky int
	kinds, skipped, stops := map[string]int{}, map[string]int{}, map[string]int{}
	for _, v := range verdicts {
		kinds[string(v.Kind)]++
		runs += v.Runs
		calls += v.Calls
		flaky += v.Flaky
		if v.Cut {
			cut++
		}
		if v.Complete > 0 {
			complete++
		} else if v.Runs > 0 {
			stops[v.Stops]++
		}
		for _, s := range v.Skipped {
			skipped[s]++
		}
		if v.Diff != "" {
			diffs++
			fmt.Println(v.Diff)
		}
		if v.Err != "" {
			errs++
			fmt.Printf("%s: %s\n", v.Name, v.Err)
		}
	}
	fmt.Printf("\nfiles %d, cases %d", files, len(verdicts))
	for _, k := range sortedKeys(kinds) {
		fmt.Printf(", %s %d", k, kinds[k])
	}
	fmt.Printf("\ncommands recorded %d, comparisons with injected failures %d, cut at the limit %d cases, differences that did not repeat %d\n", calls, runs, cut, flaky)
	fmt.Printf("programs that run to their end %d, that stop early %d\n", complete, len(verdicts)-complete)
	for _, k := range sortedKeys(skipped) {
		fmt.Printf("skipped: %6d %s\n", skipped[k], k)
	}
	for i, k := range sortedKeys(stops) {
		if i < *stopsFlag {
			fmt.Printf("stops: %6d %s\n", stops[k], k)
		}
	}
	fmt.Printf("differences %d, errors %d, %.0f s\n", diffs, errs, took.Seconds())
	if diffs+errs > 0 {
		return 1
	}
	return 0
}

// sortedKeys returns the keys of counts, the most frequent first.
func sortedKeys(m map[string]int) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	slices.SortStableFunc(keys, func(a, b string) int { return m[b] - m[a] })
	return keys
}
