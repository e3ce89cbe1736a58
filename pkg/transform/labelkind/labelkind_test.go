package labelkind

import "testing"

func TestLicense(t *testing.T) {
	for s, want := range map[string]bool{
		"MIT": true, "Apache-2.0 OR (MIT AND BSD-3-Clause)": true, "GPL-2.0-only WITH Classpath-exception-2.0": true,
		"": false, "free": false, "MIT OR": false, "Apache 2": false,
	} {
		if got := License(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestURL(t *testing.T) {
	for s, want := range map[string]bool{
		"https://example.com/a": true, "mailto:a@example.com": true, "git+ssh://git@example.com/a.git": true,
		"": false, "example.com": false, "/a": false, "https:": false, "://a": false,
	} {
		if got := URL(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
