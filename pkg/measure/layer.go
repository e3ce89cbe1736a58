package measure

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Inode is one file, folder, link or device of an image. Hard links share their Inode.
type Inode struct {
	Type   byte // a tar type flag: tar.TypeReg, TypeDir, TypeSymlink, TypeChar, TypeBlock, TypeFifo
	Mode   uint32
	UID    int
	GID    int
	Size   int64 // bytes of content
	Link   string
	Major  int64
	Minor  int64
	Xattrs map[string]string
	Digest [sha256.Size]byte // of the content of a regular file
	layer  int               // index of the layer that made it
}

// change is one entry of a layer, in the order of the archive.
type change struct {
	name string // without leading or trailing slash
	link string // target of a hard link, as a name
	node Inode
}

// Layer is one layer of an image.
type Layer struct {
	Digest       string // of the blob as stored
	DiffID       string // of the uncompressed archive
	Compressed   int64  // bytes of the blob as stored
	Uncompressed int64  // bytes of the uncompressed archive
	Content      int64  // bytes of the files in it: the size that `docker history` shows
	Files        int    // entries other than folders
	CreatedBy    string // the step that made it, from the image's history
	changes      []change
}

// decompressed returns the archive in r, which may be plain, gzip or zstd, whatever the media type claims, and whether
// it is plain.
func decompressed(r io.Reader) (io.ReadCloser, bool, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	magic, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		return z, false, err
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b)
		if err != nil {
			return nil, false, err
		}
		return z.IOReadCloser(), false, nil
	}
	return io.NopCloser(b), true, nil
}

type counter struct {
	w hash.Hash
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return c.w.Write(p)
}

// size counts the bytes written to it.
type size int64

func (s *size) Write(p []byte) (int, error) {
	*s += size(len(p))
	return len(p), nil
}

// readLayer reads a layer's archive to its end. It fills in what the archive tells: DiffID, sizes, changes.
func readLayer(blob io.Reader, l *Layer) error {
	archive, plain, err := decompressed(blob)
	if err != nil {
		return err
	}
	defer archive.Close()
	sum := &counter{w: sha256.New()}
	in := io.TeeReader(archive, sum)
	if plain {
		// An engine's own store is not compressed: say what a registry would hold.
		small := new(size)
		z := gzip.NewWriter(small)
		in = io.TeeReader(in, z)
		defer func() {
			if z.Close() == nil {
				l.Compressed = int64(*small)
			}
		}()
	}
	t := tar.NewReader(in)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		c := change{name: clean(h.Name)}
		n := &c.node
		*n = Inode{Type: h.Typeflag, Mode: uint32(h.Mode) & 0o7777, UID: h.Uid, GID: h.Gid}
		switch h.Typeflag {
		case tar.TypeReg, '\x00':
			n.Type, n.Size = tar.TypeReg, h.Size
			w := sha256.New()
			if _, err := io.Copy(w, t); err != nil {
				return fmt.Errorf("%s: %w", h.Name, err)
			}
			copy(n.Digest[:], w.Sum(nil))
			l.Content += h.Size
		case tar.TypeSymlink:
			n.Link = h.Linkname
		case tar.TypeLink:
			c.link = clean(h.Linkname)
		case tar.TypeChar, tar.TypeBlock:
			n.Major, n.Minor = h.Devmajor, h.Devminor
		case tar.TypeDir, tar.TypeFifo:
		default:
			continue // global headers and the like
		}
		for k, v := range h.PAXRecords {
			if name, ok := strings.CutPrefix(k, "SCHILY.xattr."); ok {
				if n.Xattrs == nil {
					n.Xattrs = map[string]string{}
				}
				n.Xattrs[name] = v
			}
		}
		if n.Type != tar.TypeDir && !strings.HasPrefix(path.Base(c.name), whiteout) {
			l.Files++
		}
		l.changes = append(l.changes, c)
	}
	if _, err := io.Copy(io.Discard, in); err != nil { // padding counts for the digest
		return err
	}
	l.DiffID = "sha256:" + hex.EncodeToString(sum.w.Sum(nil))
	l.Uncompressed = sum.n
	return nil
}

// clean turns a name in an archive into a path below the root without slashes at its ends; the root is "".
func clean(name string) string {
	return strings.TrimPrefix(path.Clean("/"+name), "/")
}
