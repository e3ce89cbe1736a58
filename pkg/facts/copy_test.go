package facts

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/dfgitutil"
)

// isRemote is BuildKit's own rule: https://github.com/moby/buildkit/blob/v0.34.2/frontend/dockerfile/dockerfile2llb/convert_copy.go
func isRemote(src string) bool {
	if strings.HasPrefix(src, "http://") || strings.HasPrefix(src, "https://") {
		return true
	}
	ref, isGit, err := dfgitutil.ParseGitRef(src)
	return isGit && err == nil && !ref.IndistinguishableFromLocal
}

func TestRemote(t *testing.T) {
	for src, want := range map[string]bool{
		"http://example.org/x.tar.gz": true, "https://example.org/": true, "https://github.com/a/b.git#v1:sub": true,
		"HTTPS://github.com/a/b.git": true, "git://host/repo": true, "ssh://git@host/repo": true, "SSH://host/x": true,
		"git@github.com:a/b.git": true, "git@github.com:a/b.git?ref=v1": true, "a_b-c@h.x:": true,
		"github.com/a/b": false, "github.com/a/b.git#main": false, "./git@host:x": false, "../a@b:c": false,
		".": false, "/": false, "": false, "a:b": false, "c:/x": false, "app@1.2.tgz": false, "@scope/pkg:x": false, "node_modules/@a/b:c": false,
		"ftp://host/x": false, "file:///x": false, "x/a@b:c": false, "a@b/c:d": false, "@b:c": false, "a@:c": false, "*.txt": false, "dir/": false,
	} {
		if got := remote(src); got != want {
			t.Errorf("%q: %v", src, got)
		}
		if got := isRemote(src); got != want {
			t.Errorf("BuildKit: %q: %v", src, got)
		}
	}
}

// What BuildKit fetches is never taken for a file of the build context.
func TestRemoteAgrees(t *testing.T) {
	parts := []string{
		"http", "https", "HTTPS", "ssh", "git", "Git", "ftp", "file", "://", ":", "/", "//", "@", ".", "..", "./", "../", "git@", "github.com", "github.com/",
		"host", "a", "Z9", "_", "-", ".git", "#", "?", "ref=v1", "subdir=x", "&", "=", "%", "%20", "%zz", " ", "\n", "\t", "*", "[", "]", "[::1]", "\\", "~", "+", ";", "é", "\xff", "\x00",
	}
	rng := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 300_000 {
		var b strings.Builder
		for range 1 + rng.IntN(9) {
			b.WriteString(parts[rng.IntN(len(parts))])
		}
		src := b.String()
		if !isRemote(src) {
			continue
		}
		found++
		if !remote(src) {
			t.Fatalf("%q is remote for BuildKit", src)
		}
	}
	if found < 300 {
		t.Errorf("only %d remote sources among those tried", found)
	}
}
