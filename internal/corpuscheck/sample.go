package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/transform"
)

// sample prints what single transforms do to single files, drawn at random
// among all changes that were made: a transform that is frequent is drawn often.
func sample(root string, paths []string, results []outcome, opt transform.Options) {
	type draw struct {
		file      int
		transform string
	}
	var all []draw
	seen := map[draw]bool{}
	for i, o := range results {
		if o.res == nil {
			continue
		}
		for _, c := range o.res.Changes {
			if d := (draw{i, c.Transform}); !seen[d] {
				seen[d] = true
				all = append(all, d)
			}
		}
	}
	r := rand.New(rand.NewPCG(*seedFlag, 0))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	opt.Format = nil
	for n, d := range all[:min(*sampleFlag, len(all))] {
		opt.Select = []string{d.transform}
		rel, _ := filepath.Rel(root, paths[d.file])
		res, err := transform.Run(results[d.file].res.Before, opt)
		if err != nil {
			fmt.Printf("%d. %s %s: %v\n", n+1, d.transform, rel, err)
			continue
		}
		fmt.Printf("%d. %s\n%s", n+1, d.transform, emit.Unified(rel, res.Before, res.After, emit.DiffOptions{}))
		if !res.Changed() {
			fmt.Println("   (only in company of others)")
		}
	}
}
