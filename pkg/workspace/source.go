package workspace

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
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

// Load reads a file. Named pipes can be read, but not replaced; folders,
// devices and sockets are refused.
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
	case !info.Mode().IsRegular() && info.Mode()&os.ModeNamedPipe == 0:
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("not a regular file but %s", kind(info.Mode()))}
	}
	// One byte more than expected, so that the end of the file is seen.
	var b bytes.Buffer
	b.Grow(int(min(info.Size(), maxFile)) + bytes.MinRead)
	if n, err := b.ReadFrom(io.LimitReader(f, maxFile+1)); err != nil {
		return nil, err
	} else if n > maxFile {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("too large for a Dockerfile (more than %d MiB)", maxFile>>20)}
	}
	return &Source{Path: path, Data: b.Bytes(), info: info}, nil
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
