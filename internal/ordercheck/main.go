// Ordercheck runs the order transforms over a folder of real Dockerfiles, with
// an invented build context and without one, and holds every change against an
// evaluation of both Dockerfiles (package absfs): the same files must end up in
// the same places from the same sources with the same owners, and every install
// must see the manifests that it saw before. It prints counts and exits 1 on
// any failure.
//
//	go run ./internal/ordercheck DIR
package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/refit-dev/refit/internal/absfs"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/transform"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: ordercheck DIR")
		os.Exit(2)
	}
	root := os.Args[1]
	if _, err := os.Stat(root); err != nil {
		fmt.Printf("ordercheck: skipped, there is no corpus at %s\n", root)
		return
	}
	files, fails := 0, 0
	changes := map[string]int{}
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Dir(path) == filepath.Clean(root) {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		files++
		for _, inSight := range []bool{false, true} {
			if err := check(src, inSight, changes); err != nil {
				fails++
				fmt.Printf("FAIL %s (context in sight: %t): %v\n", path, inSight, err)
			}
		}
		return nil
	})
	fmt.Printf("files %d, failures %d\n", files, fails)
	for name, n := range changes {
		fmt.Printf("%8d  %s\n", n, name)
	}
	if fails > 0 {
		os.Exit(1)
	}
}

func check(src []byte, inSight bool, changes map[string]int) error {
	context := absfs.Synthetic(src)
	opt := transform.Options{Select: []string{"deps-first", "packages-first"}, Unsafe: true}
	if inSight {
		// Package managers read manifests: empty ones are valid for most.
		for name, f := range context {
			if filepath.Ext(name) == ".json" {
				f.Data = []byte("{}")
			} else {
				f.Data = nil
			}
		}
		ctx, err := facts.NewContext(context, "")
		if err != nil {
			return err
		}
		opt.Context = ctx
	}
	res, err := transform.Run(src, opt)
	if err != nil {
		return nil // not a Dockerfile that BuildKit accepts
	}
	for _, c := range res.Changes {
		name := c.Transform
		if inSight {
			name += " with a context"
		}
		changes[fmt.Sprintf("%s (%s)", name, c.Safety)]++
	}
	for _, e := range res.Internal {
		return fmt.Errorf("internal error: %s", e)
	}
	if !res.Changed() {
		return nil
	}
	return absfs.Compare(res.Before, res.After, context)
}
