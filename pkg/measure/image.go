package measure

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Config is the part of an image's config that decides how its containers run, under the names of the image
// specification (https://github.com/opencontainers/image-spec/blob/main/config.md).
type Config struct {
	Architecture string          `json:"architecture"`
	OS           string          `json:"os"`
	Variant      string          `json:"variant,omitempty"`
	Author       string          `json:"author,omitempty"`
	Config       ContainerConfig `json:"config"`
	RootFS       struct {
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
	History []struct {
		CreatedBy  string `json:"created_by"`
		EmptyLayer bool   `json:"empty_layer"`
	} `json:"history"`
}

// ContainerConfig is what a container is started with.
type ContainerConfig struct {
	User         string              `json:"User,omitempty"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"`
	Env          []string            `json:"Env,omitempty"`
	Entrypoint   []string            `json:"Entrypoint,omitempty"`
	Cmd          []string            `json:"Cmd,omitempty"`
	Volumes      map[string]struct{} `json:"Volumes,omitempty"`
	WorkingDir   string              `json:"WorkingDir,omitempty"`
	Labels       map[string]string   `json:"Labels,omitempty"`
	StopSignal   string              `json:"StopSignal,omitempty"`
	OnBuild      []string            `json:"OnBuild,omitempty"`
	Shell        []string            `json:"Shell,omitempty"`
	Healthcheck  *Healthcheck        `json:"Healthcheck,omitempty"`
}

// Healthcheck is Docker's extension of the image config.
type Healthcheck struct {
	Test          []string      `json:"Test,omitempty"`
	Interval      time.Duration `json:"Interval,omitempty"`
	Timeout       time.Duration `json:"Timeout,omitempty"`
	StartPeriod   time.Duration `json:"StartPeriod,omitempty"`
	StartInterval time.Duration `json:"StartInterval,omitempty"`
	Retries       int           `json:"Retries,omitempty"`
}

// Image is a built image, read from disk.
type Image struct {
	Config Config
	Layers []*Layer // bottom first
	blobs  blobs
	root   *tree
}

// Size returns the bytes of all files in all layers: what `docker images` shows.
func (m *Image) Size() int64 {
	var n int64
	for _, l := range m.Layers {
		n += l.Content
	}
	return n
}

// Compressed returns the bytes of all layers as a registry stores them.
func (m *Image) Compressed() int64 {
	var n int64
	for _, l := range m.Layers {
		n += l.Compressed
	}
	return n
}

// Reader reads images. Layers that two images share are read once.
type Reader struct {
	layers map[string]*Layer // by digest of the blob
}

// blobs opens the parts of an image on disk.
type blobs interface {
	open(digest string) (io.ReadCloser, int64, error)
	index() ([]byte, error)
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Annotations map[string]string `json:"annotations"`
	Platform    *struct {
		Architecture string `json:"architecture"`
		OS           string `json:"os"`
	} `json:"platform"`
}

type manifest struct {
	Config    descriptor   `json:"config"`
	Layers    []descriptor `json:"layers"`
	Manifests []descriptor `json:"manifests"` // of an index
}

// Read reads the image in an OCI layout: a folder, a tar archive of one, or the archive that `docker image save`
// writes (https://github.com/opencontainers/image-spec/blob/main/image-layout.md).
func (r *Reader) Read(file string) (*Image, error) {
	st, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	m := &Image{root: newTree()}
	if st.IsDir() {
		m.blobs = folderBlobs(file)
	} else if m.blobs, err = openArchive(file); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := r.read(m); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}

func (r *Reader) read(m *Image) error {
	var man manifest
	data, err := m.blobs.index()
	if err != nil {
		return err
	}
	for depth := 0; ; depth++ {
		man = manifest{}
		if err := json.Unmarshal(data, &man); err != nil {
			return fmt.Errorf("index: %w", err)
		}
		if len(man.Manifests) == 0 {
			break
		}
		if depth > 4 {
			return errors.New("indexes nested too deep")
		}
		next := man.Manifests[0]
		for _, d := range man.Manifests {
			// Attestations stand beside the image as manifests of an unknown platform.
			if d.Platform == nil || d.Platform.OS != "unknown" {
				next = d
				break
			}
		}
		if data, err = m.blob(next.Digest); err != nil {
			return err
		}
	}
	if data, err = m.blob(man.Config.Digest); err != nil {
		return err
	}
	if err := json.Unmarshal(data, &m.Config); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	var made []string // the steps that made a layer
	for _, h := range m.Config.History {
		if !h.EmptyLayer {
			made = append(made, h.CreatedBy)
		}
	}
	if r.layers == nil {
		r.layers = map[string]*Layer{}
	}
	for i, d := range man.Layers {
		l := r.layers[d.Digest]
		if l == nil {
			l = &Layer{Digest: d.Digest}
			if err := m.readLayer(d.Digest, l); err != nil {
				return fmt.Errorf("layer %s: %w", d.Digest, err)
			}
			if strings.Contains(d.Digest, ":") { // a path in an old archive names a layer in that archive only
				r.layers[d.Digest] = l
			}
		}
		own := *l
		if len(made) == len(man.Layers) {
			own.CreatedBy = made[i]
		}
		m.Layers = append(m.Layers, &own)
		if err := m.root.apply(i, own.changes); err != nil {
			return fmt.Errorf("layer %s: %w", d.Digest, err)
		}
	}
	return nil
}

func (m *Image) readLayer(digest string, l *Layer) error {
	b, size, err := m.blobs.open(digest)
	if err != nil {
		return err
	}
	defer b.Close()
	l.Compressed = size
	return readLayer(b, l)
}

func (m *Image) blob(digest string) ([]byte, error) {
	b, _, err := m.blobs.open(digest)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return io.ReadAll(b)
}

// Files returns every path of the merged file system, "" for the root.
func (m *Image) Files() map[string]*Inode {
	out := map[string]*Inode{}
	m.root.walk("", func(name string, n *Inode) { out[name] = n })
	return out
}

// maxContent bounds the bytes that Contents reads of one file.
const maxContent = 32 << 20

// Contents returns the bytes of the regular files among names; a file that does not exist or is over 32 MiB is left out.
func (m *Image) Contents(names []string) (map[string][]byte, error) {
	wanted := map[*Inode][]string{}
	layers := map[int]bool{}
	for _, name := range names {
		if t := m.root.lookup(name); t != nil && t.inode.Type == tar.TypeReg && t.inode.Size <= maxContent {
			wanted[t.inode] = append(wanted[t.inode], name)
			layers[t.inode.layer] = true
		}
	}
	out := map[string][]byte{}
	for i := range layers {
		if err := m.contents(i, wanted, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (m *Image) contents(layer int, wanted map[*Inode][]string, out map[string][]byte) error {
	// A layer may name a file by a path that leads through a link, so files are found by content.
	byDigest := map[[32]byte][]string{}
	for n, names := range wanted {
		if n.layer == layer {
			byDigest[n.Digest] = append(byDigest[n.Digest], names...)
		}
	}
	take := map[string][]string{}
	for _, c := range m.Layers[layer].changes {
		if names := byDigest[c.node.Digest]; names != nil && c.node.Type == tar.TypeReg {
			take[c.name] = names
		}
	}
	b, _, err := m.blobs.open(m.Layers[layer].Digest)
	if err != nil {
		return err
	}
	defer b.Close()
	plain, _, err := decompressed(b)
	if err != nil {
		return err
	}
	defer plain.Close()
	for t := tar.NewReader(plain); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		names := take[clean(h.Name)]
		if names == nil || (h.Typeflag != tar.TypeReg && h.Typeflag != 0) {
			continue
		}
		data, err := io.ReadAll(t)
		if err != nil {
			return err
		}
		for _, n := range names {
			out[n] = data
		}
	}
}

// folderBlobs is an OCI layout in a folder.
type folderBlobs string

func (d folderBlobs) index() ([]byte, error) {
	return os.ReadFile(filepath.Join(string(d), "index.json"))
}

func (d folderBlobs) open(digest string) (io.ReadCloser, int64, error) {
	alg, hex, ok := strings.Cut(digest, ":")
	if !ok || strings.ContainsAny(digest, `/\`) {
		return nil, 0, fmt.Errorf("not a digest: %q", digest)
	}
	f, err := os.Open(filepath.Join(string(d), "blobs", alg, hex))
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, st.Size(), nil
}

// archiveBlobs is a tar archive with an OCI layout, or with the older layout of `docker image save`: manifest.json and
// layers by path.
type archiveBlobs struct {
	file  string
	parts map[string]section // by path in the archive
	old   []byte             // an index made from manifest.json, nil for an OCI layout
}

type section struct{ offset, size int64 }

func openArchive(file string) (*archiveBlobs, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a := &archiveBlobs{file: file, parts: map[string]section{}}
	links := map[string]string{} // old archives link layers that occur twice
	for t := tar.NewReader(f); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		name := clean(h.Name)
		switch h.Typeflag {
		case tar.TypeReg:
			at, err := f.Seek(0, io.SeekCurrent) // tar.Reader does not read ahead
			if err != nil {
				return nil, err
			}
			a.parts[name] = section{at, h.Size}
		case tar.TypeSymlink:
			links[name] = clean(filepath.ToSlash(filepath.Join(filepath.Dir(name), h.Linkname)))
		}
	}
	for name, to := range links {
		if s, ok := a.parts[to]; ok {
			a.parts[name] = s
		}
	}
	if _, ok := a.parts["index.json"]; ok {
		return a, nil
	}
	data, err := a.read("manifest.json")
	if err != nil {
		return nil, errors.New("neither an OCI layout nor an archive of docker image save")
	}
	var list []struct {
		Config string
		Layers []string
	}
	if err := json.Unmarshal(data, &list); err != nil || len(list) == 0 {
		return nil, fmt.Errorf("manifest.json names no image: %v", err)
	}
	// In the old archive a path stands for the digest.
	man := manifest{Config: descriptor{Digest: list[0].Config}}
	for _, l := range list[0].Layers {
		man.Layers = append(man.Layers, descriptor{Digest: l})
	}
	a.old, err = json.Marshal(man)
	return a, err
}

func (a *archiveBlobs) read(name string) ([]byte, error) {
	b, _, err := a.part(name)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return io.ReadAll(b)
}

func (a *archiveBlobs) index() ([]byte, error) {
	if a.old != nil {
		return a.old, nil
	}
	return a.read("index.json")
}

func (a *archiveBlobs) open(digest string) (io.ReadCloser, int64, error) {
	if a.old != nil {
		return a.part(digest)
	}
	return a.part("blobs/" + strings.Replace(digest, ":", "/", 1))
}

func (a *archiveBlobs) part(name string) (io.ReadCloser, int64, error) {
	s, ok := a.parts[name]
	if !ok {
		return nil, 0, fmt.Errorf("%s is missing", name)
	}
	f, err := os.Open(a.file)
	if err != nil {
		return nil, 0, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(f, s.offset, s.size), f}, s.size, nil
}
