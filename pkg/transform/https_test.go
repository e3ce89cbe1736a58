package transform

import (
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
)

// TestURLHost holds urlHost against net/url, which would take time at start
// (docs/performance.md): what it gives is the same, and it gives something for
// all hosts that are names.
func TestURLHost(t *testing.T) {
	pieces := []string{"example.com", "EXAMPLE.org", "a-b", "1.2.3.4", "x_y", "é", ":", "80", "@", "user", "/", "?", "#", "[::1]", ".", "%41", " ", "path", "8x", "\"", "<"}
	r := rand.New(rand.NewPCG(1, 2))
	for _, s := range []string{"[::1]/a", "[fe80::1%25eth0]:80", "::1"} {
		if host, ok := urlHost(s); ok && host != "" {
			t.Errorf("%q: %q", s, host)
		}
	}
	named := 0
	for range 200_000 {
		var b strings.Builder
		for range 1 + r.IntN(6) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		s := b.String()
		u, err := url.Parse("http://" + s)
		got, ok := urlHost(s)
		switch {
		case ok && err == nil && got != strings.ToLower(u.Hostname()):
			t.Fatalf("%q: %q, net/url says %q", s, got, u.Hostname())
		case !ok && err == nil && strings.Trim(u.Hostname(), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_é") == "":
			t.Fatalf("%q: no host, net/url says %q", s, u.Hostname())
		case ok && got != "":
			named++
		}
	}
	if named < 1000 {
		t.Errorf("only %d hosts", named)
	}
}
