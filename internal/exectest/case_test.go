//go:build unix

package exectest

import (
	"testing"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/shell"
)

// written makes a case from programs.
func written(t *testing.T, name string, kind Kind, before []string, after string, bash bool) Case {
	t.Helper()
	c := Case{Name: name, Kind: kind, Before: before, After: after}
	if bash {
		c.Shells = []Shell{{"bash", []string{"/bin/bash", "-c"}}}
	} else {
		c.Shells = []Shell{{"dash", []string{"/bin/sh", "-c"}}, {"bash", []string{"/bin/sh", "-c"}}}
	}
	var trees []*syntax.File
	for _, p := range append([]string{after}, before...) {
		f, err := shell.ParseText(p, shell.Bash)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		trees = append(trees, f)
	}
	c.World = NewWorld("/w", map[string]string{"HOME": "/root"}, trees)
	c.look(trees)
	return c
}
