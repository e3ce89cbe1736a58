package workspace

import "testing"

func TestWithoutUser(t *testing.T) {
	for in, want := range map[string]string{
		"https://user:token@example.com/a.git":  "https://example.com/a.git",
		"https://example.com/a@b.git":           "https://example.com/a@b.git",
		"ssh://git@example.com:22/a.git":        "ssh://example.com:22/a.git",
		"https://a@b@example.com?x=@":           "https://example.com?x=@",
		"git@example.com:a.git":                 "git@example.com:a.git",
		"/srv/a.git":                            "/srv/a.git",
		"https://x-access-token:%zz@github.com": "https://github.com",
	} {
		if got := withoutUser(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
