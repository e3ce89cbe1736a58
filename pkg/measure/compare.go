package measure

import (
	"archive/tar"
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"sort"
	"strings"
)

// Class says what a difference between two images means.
type Class uint8

// The classes, worst last.
const (
	Benign     Class = iota // differs between two builds of the same Dockerfile, or is made anew when needed
	Declared                // what the rewrite is for: caches removed, labels added
	Unexpected              // anything else
)

func (c Class) String() string { return [...]string{"benign", "declared", "unexpected"}[c] }

// MarshalText gives the name of the class.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Difference is one way in which two images differ.
type Difference struct {
	Path   string `json:"path,omitempty"`   // "/etc/passwd"; empty for the config
	Config string `json:"config,omitempty"` // the config's field, such as "Env PATH"; empty for a file
	What   string `json:"what"`             // missing, added, type, mode, owner, link, device, xattrs, content, value
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	Bytes  int64  `json:"bytes,omitempty"` // content gained (positive) or lost
	Class  Class  `json:"class"`
	Reason string `json:"reason,omitempty"` // why the difference is benign or declared
	lost   bool   // the content only lost lines
}

func (d Difference) String() string {
	where := d.Path
	if d.Config != "" {
		where = "config " + d.Config
	}
	s := where + ": " + d.What
	switch {
	case d.Before != "" && d.After != "":
		s += fmt.Sprintf(" %s → %s", d.Before, d.After)
	case d.Before != "":
		s += " (was " + d.Before + ")"
	case d.After != "":
		s += " (now " + d.After + ")"
	}
	if d.Reason != "" {
		s += " [" + d.Reason + "]"
	}
	return s
}

// Comparison is the result of Compare.
type Comparison struct {
	Paths       int          `json:"paths"` // paths that were compared
	Differences []Difference `json:"differences"`
}

// Of returns the differences of a class.
func (c *Comparison) Of(class Class) []Difference {
	var out []Difference
	for _, d := range c.Differences {
		if d.Class == class {
			out = append(out, d)
		}
	}
	return out
}

// Equivalent says that there is no unexpected difference.
func (c *Comparison) Equivalent() bool { return len(c.Of(Unexpected)) == 0 }

// Compare holds the image after against the image before: every path of the merged file systems with its type, mode,
// owner, link target, device, xattrs and content, and the config. Times are not compared. The expectation says which
// differences the changes of the Dockerfile declared.
func Compare(before, after *Image, want Expectation) (*Comparison, error) {
	a, b := before.Files(), after.Files()
	names := slices.Collect(maps.Keys(a))
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	out := &Comparison{Paths: len(names)}
	for _, name := range names {
		out.Differences = append(out.Differences, diffInode(name, a[name], b[name])...)
	}
	if err := settleContent(out, before, after); err != nil {
		return nil, err
	}
	out.Differences = append(out.Differences, diffConfig(&before.Config, &after.Config)...)
	j := &judge{want: want, before: a, after: b}
	if want.Base {
		for _, p := range append(slices.Clone(want.Kept), strings.TrimPrefix(after.Config.Config.WorkingDir, "/")) {
			for p = path.Dir(p); p != "." && p != "/"; p = path.Dir(p) {
				j.made = append(j.made, p)
			}
		}
	}
	if want.Packages {
		if err := j.readPackages(before, after); err != nil {
			return nil, err
		}
	}
	for i := range out.Differences {
		d := &out.Differences[i]
		d.Class, d.Reason = j.classify(d)
	}
	return out, nil
}

func diffInode(name string, a, b *Inode) []Difference {
	d := Difference{Path: "/" + name}
	switch {
	case b == nil:
		d.What, d.Before, d.Bytes = "missing", describe(a), -a.Size
		return []Difference{d}
	case a == nil:
		d.What, d.After, d.Bytes = "added", describe(b), b.Size
		return []Difference{d}
	case a == b:
		return nil
	case a.Type != b.Type:
		d.What, d.Before, d.After, d.Bytes = "type", describe(a), describe(b), b.Size-a.Size
		return []Difference{d}
	}
	var out []Difference
	add := func(what, before, after string) {
		d.What, d.Before, d.After = what, before, after
		out = append(out, d)
	}
	if a.Mode != b.Mode && a.Type != tar.TypeSymlink { // Linux ignores a link's mode
		add("mode", fmt.Sprintf("%04o", a.Mode), fmt.Sprintf("%04o", b.Mode))
	}
	if a.UID != b.UID || a.GID != b.GID {
		add("owner", fmt.Sprintf("%d:%d", a.UID, a.GID), fmt.Sprintf("%d:%d", b.UID, b.GID))
	}
	if a.Link != b.Link {
		add("link", a.Link, b.Link)
	}
	if a.Major != b.Major || a.Minor != b.Minor {
		add("device", fmt.Sprintf("%d,%d", a.Major, a.Minor), fmt.Sprintf("%d,%d", b.Major, b.Minor))
	}
	if !maps.Equal(a.Xattrs, b.Xattrs) {
		add("xattrs", showXattrs(a.Xattrs), showXattrs(b.Xattrs))
	}
	if a.Digest != b.Digest {
		d.Bytes = b.Size - a.Size
		add("content", fmt.Sprintf("%d bytes", a.Size), fmt.Sprintf("%d bytes", b.Size))
	}
	return out
}

func describe(n *Inode) string {
	kind := map[byte]string{tar.TypeReg: "file", tar.TypeDir: "folder", tar.TypeSymlink: "link", tar.TypeChar: "character device",
		tar.TypeBlock: "block device", tar.TypeFifo: "fifo"}[n.Type]
	switch n.Type {
	case tar.TypeReg:
		return fmt.Sprintf("%s of %d bytes", kind, n.Size)
	case tar.TypeSymlink:
		return kind + " to " + n.Link
	}
	return kind
}

func showXattrs(x map[string]string) string {
	keys := slices.Sorted(maps.Keys(x))
	for i, k := range keys {
		keys[i] = fmt.Sprintf("%s=%x", k, x[k])
	}
	return "{" + strings.Join(keys, " ") + "}"
}

// settleContent drops content differences that disappear in a normal form, and shows where text files differ.
func settleContent(c *Comparison, before, after *Image) error {
	var names []string
	for _, d := range c.Differences {
		name := strings.TrimPrefix(d.Path, "/")
		if d.What == "content" && !benignContent(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	a, err := before.Contents(names)
	if err != nil {
		return err
	}
	b, err := after.Contents(names)
	if err != nil {
		return err
	}
	c.Differences = slices.DeleteFunc(c.Differences, func(d Difference) bool {
		name := strings.TrimPrefix(d.Path, "/")
		if d.What != "content" || a[name] == nil || b[name] == nil {
			return false
		}
		norm := normalForm(name)
		return norm != nil && bytes.Equal(norm(a[name]), norm(b[name]))
	})
	for i := range c.Differences {
		d := &c.Differences[i]
		name := strings.TrimPrefix(d.Path, "/")
		if d.What == "content" && a[name] != nil && b[name] != nil {
			showText(d, a[name], b[name])
		}
	}
	return nil
}

// showText puts the first line that differs into a content difference of two text files, and notes whether lines were
// only lost.
func showText(d *Difference, a, b []byte) {
	if bytes.IndexByte(a, 0) >= 0 || bytes.IndexByte(b, 0) >= 0 {
		return
	}
	la, lb := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	d.lost = true
	for i, j := 0, 0; j < len(lb); i++ {
		if i == len(la) {
			d.lost = false
			break
		}
		if bytes.Equal(la[i], lb[j]) {
			j++
		}
	}
	for i := 0; i < max(len(la), len(lb)); i++ {
		var x, y []byte
		if i < len(la) {
			x = la[i]
		}
		if i < len(lb) {
			y = lb[i]
		}
		if !bytes.Equal(x, y) {
			d.Before = fmt.Sprintf("line %d %q", i+1, clip(x))
			d.After = fmt.Sprintf("%q", clip(y))
			return
		}
	}
}

func clip(b []byte) []byte {
	if len(b) > 80 {
		return append(b[:80:80], "…"...)
	}
	return b
}
