package transform

import "path"

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

// leadsTo reports whether a path is another or lies below it.
func leadsTo(p, dir string) (found bool) {
	upwards(p, func(d string) { found = found || d == dir })
	return found
}
