//go:build !plain

package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/measure"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/transform"
	"github.com/refit-dev/refit/pkg/workspace"
)

func verifyCommand(c *console) *command {
	return &command{
		operands: "A B",
		description: "Compares the build plans of two Dockerfiles: what BuildKit would carry out. Where they differ, it asks whether both\n" +
			"become the same build under the safe changes of refit fix. With --build it builds both and compares the images file\n" +
			"by file; then the images decide.",
		flags: [][]flag{{
			{name: "build", category: catEngine, usage: "build both and compare the images"},
		}, engineFlags},
		run: func(ctx *call) error { return runVerify(c, ctx) },
	}
}

// verified is the JSON of refit verify.
type verified struct {
	Same        bool                `json:"same"`
	Grade       string              `json:"grade"` // of the plans: identical, same program, declared, different
	Rebuilt     int                 `json:"rebuilt,omitempty"`
	Differences []string            `json:"differences,omitempty"`
	Images      *measure.Comparison `json:"images,omitempty"`
	Before      *measure.Side       `json:"before,omitempty"`
	After       *measure.Side       `json:"after,omitempty"`
}

func runVerify(c *console, ctx *call) error {
	if len(ctx.args) != 2 {
		return usagef("verify takes two Dockerfiles, A and B, not %d", len(ctx.args))
	}
	var names [2]string
	var texts [2][]byte
	for i := range names {
		names[i] = ctx.args[i]
		if names[i] == stdinPath {
			return usagef("verify needs two files, not standard input")
		}
		src, err := workspace.Load(names[i])
		if err != nil {
			return err
		}
		texts[i] = src.Data
	}
	build := ctx.on("build")
	if build && ctx.text("context") == "" && filepath.Clean(filepath.Dir(names[0])) != filepath.Clean(filepath.Dir(names[1])) {
		return usagef("%s and %s lie in different folders: name the build context with --context DIR", names[0], names[1])
	}
	opt := transform.Options{}
	if t := ctx.text("target"); t != "" {
		opt.Facts.Targets = []string{t}
	}
	v, err := verifyPlans(names, texts, opt)
	if err != nil {
		return err
	}
	if build {
		b, err := startBuilds(c, ctx)
		if err != nil {
			return err
		}
		defer b.end()
		b.opt.Before = measure.Version{Dockerfile: names[0], Context: contextOf(ctx, names[0])}
		b.opt.After = measure.Version{Dockerfile: names[1], Context: contextOf(ctx, names[1])}
		rep, err := b.run()
		if err != nil {
			return buildFailed(err, names[1])
		}
		v.Images, v.Before, v.After = rep.Comparison, &rep.Before, &rep.After
		v.Same = rep.Comparison.Equivalent()
	}
	if ctx.on("json") {
		err = printJSON(c, v)
	} else {
		err = v.write(c)
	}
	if err == nil && !v.Same {
		err = &failure{code: exitFound}
	}
	return err
}

// verifyPlans compares two Dockerfiles without building them.
func verifyPlans(names [2]string, texts [2][]byte, opt transform.Options) (*verified, error) {
	var plans, fixed [2]*plan.Plan
	for i := range texts {
		var err error
		if plans[i], err = planOf(texts[i], opt.Facts); err != nil {
			return nil, fmt.Errorf("%s: %w", names[i], err)
		}
	}
	cmp := plan.Compare(plans[0], plans[1], nil)
	v := &verified{Grade: cmp.Grade.String(), Rebuilt: cmp.Rebuilt, Differences: cmp.Differences, Same: cmp.Grade != plan.Different}
	if v.Same {
		return v, nil
	}
	// Both mean what refit fix makes of them, up to caches and labels that its changes declare.
	var titles []string
	for i, side := range []string{"before", "after"} {
		res, err := transform.Run(texts[i], opt)
		if err != nil {
			return v, nil // not provable
		}
		if fixed[i], err = planOf(res.After, opt.Facts); err != nil {
			return v, nil
		}
		for _, ch := range res.Changes {
			titles = append(titles, fmt.Sprintf("%s: %s [%s]", side, ch.Title, ch.Transform))
		}
	}
	if again := plan.Compare(fixed[0], fixed[1], nil); again.Grade != plan.Different {
		v.Same, v.Grade, v.Differences = true, plan.Declared.String(), titles
	}
	return v, nil
}

func planOf(text []byte, opt facts.Options) (*plan.Plan, error) {
	f, err := parse.Parse(text)
	if err != nil {
		return nil, err
	}
	return plan.Build(f, facts.New(f, opt).Shell)
}

func (v *verified) write(c *console) error {
	line := map[string]string{
		"identical":    "plans: identical: BuildKit sees the same build",
		"same program": fmt.Sprintf("plans: same program: %s in layout only, built again once with the same result", plural(v.Rebuilt, "RUN step")),
		"declared":     "plans: both become the same build under the safe changes of refit fix:",
		"different":    "plans: different:",
	}[v.Grade]
	_, err := fmt.Fprintln(c.out, line)
	for _, d := range v.Differences {
		_, werr := fmt.Fprintf(c.out, "  %s\n", cut(d, 200))
		err = errors.Join(err, werr)
	}
	if v.Images != nil {
		_, werr := fmt.Fprint(c.out, "images: ")
		err = errors.Join(err, werr, v.Images.Write(c.out))
		verdict := "the images are equivalent"
		if !v.Same {
			verdict = "the images are NOT equivalent"
		}
		_, werr = fmt.Fprintf(c.out, "%s: %s before, %s after\n", verdict, measure.Bytes(v.Before.Size), measure.Bytes(v.After.Size))
		err = errors.Join(err, werr)
	} else if !v.Same {
		_, werr := fmt.Fprintln(c.out, "not provably the same; --build compares the images themselves")
		err = errors.Join(err, werr)
	}
	return err
}
