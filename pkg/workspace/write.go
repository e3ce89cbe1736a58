package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// ErrChanged says that a file is no longer what was read, so that writing
// would lose someone's work.
var ErrChanged = errors.New("the file changed while refit worked on it; nothing was written")

// Replace gives the file new content. At every moment the file holds the old
// content or the new one: the new content goes to a temporary file in the same
// folder, with the mode and the owner of the old one, and is then renamed.
//
// Symbolic links are followed. Equal content is not written, and neither is a
// file that has changed since Load (ErrChanged) or that is marked read-only. A
// file that a rename would damage is rewritten in place instead: one with
// several hard links, with extended attributes, of another owner, on a mount
// point of its own, or in a folder that takes no new file. Its old content is
// first saved in backupDir, and the error names the copy if both the writing
// and the restoring fail. With an empty backupDir such a file is an error.
func (s *Source) Replace(content []byte, backupDir string) error {
	if bytes.Equal(content, s.Data) {
		return nil
	}
	switch {
	case s.info == nil || !s.info.Mode().IsRegular():
		return s.named(errors.New("not a regular file"))
	case s.info.Mode().Perm()&0o222 == 0:
		return s.named(errors.New("the file is read-only"))
	}
	path, err := filepath.EvalSymlinks(s.Path)
	if err != nil {
		return s.named(err)
	}
	if err := s.unchanged(path, content); err != nil {
		if errors.Is(err, errDone) {
			return nil
		}
		return err
	}
	why := cannotRename(path, s.info)
	if why == nil {
		why = s.rename(path, content)
		if why == nil || errors.Is(why, ErrChanged) || isFull(why) {
			return s.named(why)
		}
	}
	if backupDir == "" {
		return s.named(why)
	}
	return s.named(s.rewrite(path, content, backupDir))
}

// named makes an error name the file as the user knows it.
func (s *Source) named(err error) error {
	if err == nil {
		return nil
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return &fs.PathError{Op: "write", Path: s.Path, Err: err}
}

// errDone says that someone else has already written what is to be written.
var errDone = errors.New("done")

// unchanged checks that the file still holds what Load read.
func (s *Source) unchanged(path string, content []byte) error {
	now, err := os.ReadFile(path)
	switch {
	case err != nil:
		return err
	case bytes.Equal(now, content):
		return errDone
	case !bytes.Equal(now, s.Data):
		return s.named(ErrChanged)
	}
	return nil
}

// rename writes a temporary file and renames it over path.
func (s *Source) rename(path string, content []byte) error {
	tmp, err := writeTemp(path, content, func(f *os.File) error {
		if err := chown(f, s.info); err != nil {
			return err
		}
		return f.Chmod(s.info.Mode())
	})
	if err != nil {
		return err
	}
	if now, err := os.Stat(path); err != nil || !os.SameFile(now, s.info) || now.Size() != s.info.Size() || !now.ModTime().Equal(s.info.ModTime()) {
		os.Remove(tmp)
		return ErrChanged
	}
	if err := os.Rename(tmp, path); err != nil {
		os.Remove(tmp)
		return err
	}
	syncDir(filepath.Dir(path))
	return nil
}

// writeTemp writes content to a new hidden file beside path, which reaches the
// disk before its name is returned. On an error nothing is left behind.
func writeTemp(path string, content []byte, prepare func(*os.File) error) (string, error) {
	dir, base := filepath.Split(path)
	var f *os.File
	var err error
	for range 100 {
		name := filepath.Join(dir, "."+base+".refit-"+strconv.FormatUint(rand.Uint64(), 36))
		// Not os.CreateTemp: the umask decides about the mode of a new file.
		f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if err == nil && prepare != nil {
		err = prepare(f)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// syncDir makes a rename last; where folders cannot be synchronised, nothing
// is lost but the order after a power cut.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}

// rewrite overwrites the file in place, with a copy of the old content in
// backupDir until it is done.
func (s *Source) rewrite(path string, content []byte, backupDir string) error {
	backup, err := writeTemp(filepath.Join(backupDir, filepath.Base(path)), s.Data, nil)
	if err != nil {
		return fmt.Errorf("no backup copy could be made, nothing was written: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		os.Remove(backup)
		return err
	}
	defer f.Close()
	if err := overwrite(f, content); err != nil {
		if undo := overwrite(f, s.Data); undo != nil {
			return fmt.Errorf("%w; the old content is in %s", err, backup)
		}
		os.Remove(backup)
		return err
	}
	return os.Remove(backup)
}

func overwrite(f *os.File, content []byte) error {
	if _, err := f.WriteAt(content, 0); err != nil {
		return err
	}
	if err := f.Truncate(int64(len(content))); err != nil {
		return err
	}
	return f.Sync()
}

// Create writes a file that does not exist, whole or not at all. An existing
// one, even a dangling symbolic link, is an error that is fs.ErrExist.
func Create(path string, content []byte) error {
	tmp, err := writeTemp(path, content, nil)
	if err != nil {
		return &fs.PathError{Op: "create", Path: path, Err: err}
	}
	defer os.Remove(tmp)
	// A link, unlike a rename, never replaces what is there.
	err = os.Link(tmp, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		if err != nil {
			err = &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
		}
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(path)
	}
	return err
}
