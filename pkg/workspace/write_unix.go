//go:build unix

package workspace

import (
	"errors"
	"os"
	"syscall"
)

// isFull reports whether a disk or a quota is full: writing in place would
// fail, too.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// cannotRename says why a rename would change more than the content.
func cannotRename(path string, info os.FileInfo) error {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Nlink > 1 {
		return errors.New("the file has several hard links")
	}
	if hasAttributes(path) {
		return errors.New("the file has extended attributes")
	}
	return nil
}

// chown gives a new file the owner of the old one.
func chown(f *os.File, old os.FileInfo) error {
	want, ok := old.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if is, ok := info.Sys().(*syscall.Stat_t); ok && is.Uid == want.Uid && is.Gid == want.Gid {
		return nil
	}
	return f.Chown(int(want.Uid), int(want.Gid))
}
