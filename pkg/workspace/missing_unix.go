//go:build unix

package workspace

import "golang.org/x/sys/unix"

// missing reports whether there is certainly no file of that path. Most
// directories have no configuration: asking the kernel directly spares the
// errors that os would make of the answers.
func missing(path string) bool {
	err := unix.Access(path, unix.F_OK)
	return err == unix.ENOENT || err == unix.ENOTDIR
}
