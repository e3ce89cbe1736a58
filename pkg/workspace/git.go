package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// gitOutput runs git in a directory and returns its trimmed output.
func gitOutput(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if msg, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n"); msg != "" {
			err = errors.New(msg)
		}
		return "", fmt.Errorf("git %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimRight(string(out), "\n"), nil
}

// GitValue is a fact about the repository that a directory is in: its
// revision, branch, tag, remote (the address of origin, without a password in
// it) or date (of the last commit).
func GitValue(dir, what string) (string, error) {
	switch what {
	case "revision":
		return gitOutput(dir, "rev-parse", "HEAD")
	case "branch":
		return gitOutput(dir, "rev-parse", "--abbrev-ref", "HEAD")
	case "tag":
		return gitOutput(dir, "describe", "--tags", "--abbrev=0")
	case "date":
		return gitOutput(dir, "log", "-1", "--format=%cI")
	case "remote":
		v, err := gitOutput(dir, "config", "--get", "remote.origin.url")
		if err != nil {
			return "", errors.New("the repository has no remote named origin")
		}
		return withoutUser(v), nil
	}
	return "", fmt.Errorf("git knows no %q", what)
}

// withoutUser takes the user and the password, which may be a token, out of a
// URL.
func withoutUser(u string) string {
	scheme, rest, ok := strings.Cut(u, "://")
	if !ok {
		return u // a path, or git@host:path
	}
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	return scheme + "://" + rest[strings.LastIndexByte(rest[:end], '@')+1:]
}
