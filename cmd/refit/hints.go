package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/workspace"
)

// remedy says what to do about a file that cannot be parsed; "" if that is
// plain. path is "" for standard input.
func remedy(path string, src []byte, err error) string {
	var pe *parse.Error
	switch {
	case !errors.As(err, &pe):
		return ""
	case path == "" && len(bytes.TrimSpace(src)) == 0:
		return "nothing came on standard input: name a path, or . for this directory"
	case bytes.HasPrefix(src, []byte("\xff\xfe")), bytes.HasPrefix(src, []byte("\xfe\xff")):
		return "the file is UTF-16: save it as UTF-8"
	case bytes.Contains(src, []byte("{{")), bytes.Contains(src, []byte("{%")), bytes.Contains(src, []byte("<%")):
		return "the file looks like a template: run refit on the Dockerfile that is made from it"
	case path != "" && !workspace.IsDockerfile(filepath.Base(path)):
		return "name a Dockerfile, or a directory to search: a file that is named is taken for a Dockerfile, whatever it is called"
	}
	return ""
}

// similar names the file beside a path that does not exist whose name is
// nearest; "" if none is near.
func similar(path string) string {
	dir, base := filepath.Split(filepath.Clean(path))
	where := dir
	if where == "" {
		where = "."
	}
	entries, err := os.ReadDir(where)
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if near := nearest(base, names); near != "" {
		return dir + near
	}
	return ""
}

// missing is the message for a path that does not exist.
func missing(e *fs.PathError) string {
	msg := "no such file or directory"
	if near := similar(e.Path); near != "" {
		msg += "; did you mean " + filepath.ToSlash(near) + "?"
	}
	return msg
}

// misplaced is the error for a command line that does not begin with a
// command: a flag, a file, or a word that is no command.
func misplaced(word string, names []string) error {
	if strings.HasPrefix(word, "-") {
		return usagef("refit has no flag %s before a command; flags stand behind it, as in refit fix %s … (refit --help lists the commands)", word, word)
	}
	if _, err := os.Stat(word); err == nil {
		return usagef("there is no command %q: to look at that file, refit lint %[1]s; to rewrite it, refit fix -w %[1]s; to format it, refit fmt -w %[1]s", word)
	}
	hint := ""
	if near := nearest(word, names); near != "" {
		hint = "; did you mean " + near + "?"
	}
	return usagef("there is no command %q%s (commands: %s)", word, hint, strings.Join(names, ", "))
}
