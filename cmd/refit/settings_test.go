package main

import (
	"strconv"
	"testing"

	"github.com/refit-dev/refit/pkg/emit"
)

// TestLayoutDefaults holds the defaults that the help shows against those of
// the layout.
func TestLayoutDefaults(t *testing.T) {
	d := emit.DefaultStyle()
	want := map[string]string{"indent": strconv.Itoa(d.Indent), "width": strconv.Itoa(d.Width), "operators": d.Operators}
	for _, f := range layoutFlags {
		if w, ok := want[f.name]; ok && f.def != w {
			t.Errorf("--%s: default %q, the layout's is %q", f.name, f.def, w)
		}
		delete(want, f.name)
	}
	if len(want) > 0 {
		t.Errorf("no flags for %v", want)
	}
}
