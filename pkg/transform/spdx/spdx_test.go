package spdx

import "testing"

func TestValid(t *testing.T) {
	for s, want := range map[string]bool{
		"MIT": true, "Apache-2.0 OR (MIT AND BSD-3-Clause)": true, "GPL-2.0-only WITH Classpath-exception-2.0": true,
		"": false, "free": false, "MIT OR": false, "Apache 2": false,
	} {
		if got := Valid(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
