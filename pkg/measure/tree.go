package measure

import (
	"archive/tar"
	"fmt"
	"path"
	"strings"
)

// The names by which a layer removes what lower layers hold
// (https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts).
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// tree is the file system that the layers make together.
type tree struct {
	inode    *Inode
	children map[string]*tree
}

func newTree() *tree {
	return &tree{inode: &Inode{Type: tar.TypeDir, Mode: 0o755}, children: map[string]*tree{}}
}

// apply puts the layer number i on top.
func (t *tree) apply(i int, changes []change) error {
	for _, c := range changes {
		dir, base := path.Split(c.name)
		parent, err := t.folder(strings.Split(strings.Trim(dir, "/"), "/"), i)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		switch {
		case base == opaque:
			parent.dropBelow(i)
			continue
		case strings.HasPrefix(base, whiteout):
			name := strings.TrimPrefix(base, whiteout)
			if n := parent.children[name]; n != nil && n.inode.layer < i {
				delete(parent.children, name)
			}
			continue
		}
		node := c.node // a copy: the layer may be part of several images
		node.layer = i
		if base == "" {
			t.inode = &node
			continue
		}
		if c.link != "" {
			target := t.lookup(c.link)
			if target == nil {
				return fmt.Errorf("%s: hard link to %s, which does not exist", c.name, c.link)
			}
			parent.children[base] = &tree{inode: target.inode}
			continue
		}
		next := &tree{inode: &node}
		if node.Type == tar.TypeDir {
			next.children = map[string]*tree{}
			if old := parent.children[base]; old != nil && old.inode.Type == tar.TypeDir {
				next.children = old.children
			}
		}
		parent.children[base] = next
	}
	return nil
}

// dropBelow removes what layers under i put into the folder.
func (t *tree) dropBelow(i int) {
	for name, n := range t.children {
		if n.inode.layer < i {
			delete(t.children, name)
		} else if n.children != nil {
			n.dropBelow(i)
		}
	}
}

// folder returns the folder at the path, following links as an engine does when it unpacks a layer, and making what is
// missing.
func (t *tree) folder(parts []string, layer int) (*tree, error) {
	cur, walked, links := t, []string(nil), 0
	for len(parts) > 0 {
		name := parts[0]
		parts = parts[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			walked = walked[:max(0, len(walked)-1)]
			cur = t
			parts = append(append([]string(nil), walked...), parts...)
			walked = nil
			continue
		}
		next := cur.children[name]
		if next == nil {
			next = newTree()
			next.inode.layer = layer
			cur.children[name] = next
		}
		switch next.inode.Type {
		case tar.TypeDir:
			cur, walked = next, append(walked, name)
		case tar.TypeSymlink:
			if links++; links > 40 {
				return nil, fmt.Errorf("too many links")
			}
			to := strings.Split(next.inode.Link, "/")
			if !path.IsAbs(next.inode.Link) {
				to = append(append([]string(nil), walked...), to...)
			}
			cur, walked = t, nil
			parts = append(to, parts...)
		default:
			return nil, fmt.Errorf("/%s is not a folder", strings.Join(append(walked, name), "/"))
		}
	}
	return cur, nil
}

// lookup finds a name without following links.
func (t *tree) lookup(name string) *tree {
	cur := t
	if name == "" {
		return cur
	}
	for _, part := range strings.Split(name, "/") {
		if cur = cur.children[part]; cur == nil {
			return nil
		}
	}
	return cur
}

// walk calls fn for every path below the root, the root itself as "".
func (t *tree) walk(name string, fn func(string, *Inode)) {
	fn(name, t.inode)
	for base, n := range t.children {
		n.walk(path.Join(name, base), fn)
	}
}
