package facts

import (
	"path"
	"strings"

	"github.com/refit-dev/refit/pkg/parse"
)

// Reach says what becomes of files that a stage leaves behind.
type Reach struct {
	Image   bool     // they are part of an image that is built
	Readers []*Stage // stages into which a directory around them is copied, or that are FROM this one
}

// Reach says what becomes of what lies in some directories at the end of a
// stage. It is part of an image if the layers of the stage are (see
// [Stage.Ships]), or where a COPY --from takes a directory around it into
// another stage for which the same holds: COPY --from=build / /. A directory is
// absolute or starts with ~, which stands for home, or for each place where
// homes are if home is "". What is not known counts as copied; what copies just
// them (/root/.cache) does not: there they are wanted.
func (fs *Facts) Reach(s *Stage, home string, dirs ...string) Reach {
	var abs []string
	for _, d := range dirs {
		rest, tilde := strings.CutPrefix(d, "~")
		switch {
		case !tilde:
			abs = append(abs, path.Clean(d))
		case home != "":
			abs = append(abs, path.Join(home, rest))
		default:
			abs = append(abs, "/root"+rest, "/home/*"+rest)
		}
	}
	var r Reach
	fs.reach(s, abs, &r, map[*Stage]bool{})
	return r
}

func (fs *Facts) reach(s *Stage, dirs []string, r *Reach, seen map[*Stage]bool) {
	if seen[s] || len(dirs) == 0 {
		return
	}
	seen[s] = true
	r.Image = r.Image || s.Ships
	for _, c := range s.Children {
		r.Readers = append(r.Readers, c)
		fs.reach(c, dirs, r, seen)
	}
	for _, in := range s.copiers {
		fs.readsFrom(in, dirs, r, seen)
	}
}

// readsFrom follows an instruction that copies from a stage.
func (fs *Facts) readsFrom(in *parse.Instruction, dirs []string, r *Reach, seen map[*Stage]bool) {
	c := fs.Copy(in)
	if c == nil || in.Parent != nil {
		r.Image = true
		return
	}
	var moved []string
	for _, src := range c.Sources {
		if src.Kind != LocalSource {
			continue
		}
		if !src.Path.Known || !c.Dest.Known {
			r.Image = true
			continue
		}
		from := path.Clean("/" + src.Path.S)
		if src.Glob {
			for strings.ContainsAny(from, "*?[") {
				from = path.Dir(from)
			}
		}
		for _, d := range dirs {
			if around(from, d) && !meant(from, d) {
				moved = append(moved, path.Join(c.Dest.S, strings.TrimPrefix(d, from)))
			}
		}
	}
	if len(moved) > 0 {
		reader := fs.At(in).Stage
		r.Readers = append(r.Readers, reader)
		fs.reach(reader, moved, r, seen)
	}
}

// around reports whether a directory contains another, whose second part may
// be * for any name.
func around(dir, d string) bool {
	if rest, any := strings.CutPrefix(d, "/home/*"); any {
		if user, ok := strings.CutPrefix(dir, "/home/"); ok {
			name, below, _ := strings.Cut(user, "/")
			return below == "" || Below("/home/"+name+rest, dir)
		}
		return dir == "/" || dir == "/home"
	}
	return Below(d, dir)
}

// meant reports whether a copied path is the directory d, lies in it, or is the
// hidden directory right above it, such as ~/.cache.
func meant(src, d string) bool {
	if rest, any := strings.CutPrefix(d, "/home/*"); any {
		user, ok := strings.CutPrefix(src, "/home/")
		if !ok {
			return false
		}
		name, _, _ := strings.Cut(user, "/")
		d = "/home/" + name + rest
	}
	parent := path.Dir(d)
	return Below(src, d) || src == parent && strings.HasPrefix(path.Base(parent), ".")
}
