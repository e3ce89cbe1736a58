package emit

import (
	"net/url"
	"path"
	"testing"
)

// TestSarifURI holds sarifURI against net/url, which would take time at start.
func TestSarifURI(t *testing.T) {
	for _, p := range []string{"Dockerfile", "a/b c/Dockerfile", "/abs/Dockerfile", "a:b/Dockerfile", "a/b:c", "é/100%/x#y?z", "a!b'(c)*/$&+,;=@~_-.", "[x]/\"y\"", "a\\b"} {
		u := url.URL{Path: p}
		if path.IsAbs(p) {
			u.Scheme = "file"
		}
		if got, want := sarifURI(p), u.String(); got != want {
			t.Errorf("%q: %q, net/url says %q", p, got, want)
		}
	}
}
