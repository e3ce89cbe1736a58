package workspace

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// maxFile is the largest file that is read, in bytes. No Dockerfile comes
// near; a disk image that is named like one does.
const maxFile = 64 << 20

// Source is a file as it was read.
type Source struct {
	Path string
	Data []byte
	info os.FileInfo
}

// Load reads a file. What is not a regular file is refused.
func Load(path string) (*Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &os.PathError{Op: "read", Path: path, Err: fmt.Errorf("not a regular file (%s)", kind(info.Mode()))}
	case info.Size() > maxFile:
		return nil, &os.PathError{Op: "read", Path: path, Err: fmt.Errorf("too large for a Dockerfile (%d MiB, at most %d are read)", info.Size()>>20, maxFile>>20)}
	}
	data := make([]byte, info.Size())
	n, err := io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return &Source{Path: path, Data: data[:n], info: info}, nil
}

func kind(m os.FileMode) string {
	switch {
	case m&os.ModeNamedPipe != 0:
		return "a named pipe"
	case m&os.ModeSocket != 0:
		return "a socket"
	case m&os.ModeDevice != 0:
		return "a device"
	case m.IsDir():
		return "a directory"
	}
	return m.Type().String()
}

// Replace writes new content, unless it is what the file has already.
func (s *Source) Replace(content []byte) error {
	if string(content) == string(s.Data) {
		return nil
	}
	return os.WriteFile(s.Path, content, s.info.Mode().Perm())
}

// Create writes a file that did not exist, or replaces one.
func Create(path string, content []byte) error {
	s, err := Load(path)
	if err == nil {
		return s.Replace(content)
	}
	return os.WriteFile(path, content, 0o666)
}
