//go:build !unix

package workspace

import (
	"errors"
	"io/fs"
	"os"
)

// missing reports whether there is certainly no file of that path.
func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}
