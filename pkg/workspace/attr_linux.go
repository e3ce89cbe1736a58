package workspace

import (
	"strings"
	"syscall"
)

// hasAttributes reports whether a file has extended attributes that a new file
// in the same folder would not have: access control lists and what users set.
// Labels of security modules are given to new files by the system.
func hasAttributes(path string) bool {
	n, err := syscall.Listxattr(path, nil)
	if err != nil || n == 0 {
		return false
	}
	buf := make([]byte, n+256)
	if n, err = syscall.Listxattr(path, buf); err != nil {
		return true
	}
	for _, name := range strings.Split(strings.TrimRight(string(buf[:n]), "\x00"), "\x00") {
		if !strings.HasPrefix(name, "security.") {
			return true
		}
	}
	return false
}
