package transform

import "path"

// pathIndex finds the paths of a list that are a given one, or lie above or
// below it.
type pathIndex struct {
	at    map[string]int // the first of the list that is a path
	below map[string]int // the first of the list that lies at or below a path
}

func newPathIndex(list []string) *pathIndex {
	x := &pathIndex{map[string]int{}, map[string]int{}}
	for i, p := range list {
		if _, ok := x.at[p]; ok {
			continue
		}
		x.at[p] = i
		upwards(p, func(dir string) {
			if _, ok := x.below[dir]; !ok {
				x.below[dir] = i
			}
		})
	}
	return x
}

// meeting returns the index of the first path of the list that lies at, above
// or below another, or -1.
func (x *pathIndex) meeting(p string) int {
	first, ok := x.below[p]
	if !ok {
		first = -1
	}
	upwards(p, func(dir string) {
		if i, ok := x.at[dir]; ok && (first < 0 || i < first) {
			first = i
		}
	})
	return first
}

// upwards calls f for a path and the directories above it up to /, which counts
// as above a relative one, too.
func upwards(p string, f func(dir string)) {
	for {
		f(p)
		up := path.Dir(p)
		if p == "/" {
			return
		}
		if up == "." {
			up = "/"
		}
		p = up
	}
}

// namedPaths is the index of the paths that the program names.
func (r *Program) namedPaths(paths []string) *pathIndex {
	if r.named == nil {
		r.named = newPathIndex(paths)
	}
	return r.named
}
