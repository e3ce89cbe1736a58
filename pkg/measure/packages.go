package measure

import (
	"strings"
)

// packages knows which files belong to Debian packages that only the image before has.
type packages struct {
	gone  map[string]bool   // packages that are installed before and not after
	files map[string]string // file → package, for the packages that are gone
	owned map[string]bool   // files of the packages that stayed
}

// readPackages reads dpkg's database of both images (dpkg-query(1), FILES). Images without dpkg have no packages.
func (j *judge) readPackages(before, after *Image) error {
	a, err := installed(before)
	if err != nil {
		return err
	}
	b, err := installed(after)
	if err != nil {
		return err
	}
	p := &packages{gone: map[string]bool{}, files: map[string]string{}, owned: map[string]bool{}}
	lists := map[string]string{} // list file → package
	for name := range j.before {
		base, ok := strings.CutPrefix(name, "var/lib/dpkg/info/")
		if base, list := strings.CutSuffix(base, ".list"); ok && list {
			pkg, _, _ := strings.Cut(base, ":")
			lists[name] = pkg
			if a[pkg] && !b[pkg] {
				p.gone[pkg] = true
			}
		}
	}
	if len(p.gone) == 0 {
		return nil
	}
	names := make([]string, 0, len(lists))
	for n := range lists {
		names = append(names, n)
	}
	data, err := before.Contents(names)
	if err != nil {
		return err
	}
	for n, pkg := range lists {
		for _, f := range strings.Split(string(data[n]), "\n") {
			f = strings.TrimPrefix(f, "/")
			if p.gone[pkg] {
				p.files[f] = pkg
				p.files[merged(f)] = pkg
			} else {
				p.owned[f] = true
				p.owned[merged(f)] = true
			}
		}
	}
	j.pkgs = p
	return nil
}

// merged is the path below /usr under which a file of /bin, /sbin or /lib is found in a Debian of today.
func merged(name string) string {
	for _, dir := range []string{"bin/", "sbin/", "lib/", "lib32/", "lib64/", "libx32/"} {
		if strings.HasPrefix(name, dir) {
			return "usr/" + name
		}
	}
	return name
}

// installed returns the names of the packages that dpkg has installed.
func installed(m *Image) (map[string]bool, error) {
	const status = "var/lib/dpkg/status"
	data, err := m.Contents([]string{status})
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, stanza := range strings.Split(string(data[status]), "\n\n") {
		name, ok := "", false
		for _, l := range strings.Split(stanza, "\n") {
			if v, is := strings.CutPrefix(l, "Package: "); is {
				name = v
			}
			if v, is := strings.CutPrefix(l, "Status: "); is && strings.HasSuffix(v, " installed") {
				ok = true
			}
		}
		if ok {
			out[name] = true
		}
	}
	return out, nil
}

// explain says why a difference follows from the packages that are gone, "" if it does not.
func (p *packages) explain(d *Difference, name string) string {
	if p.owned[name] && d.What != "content" {
		return "" // a file of a package that is still installed
	}
	if pkg := p.files[name]; pkg != "" && (d.What == "missing" || d.What == "mode" || d.What == "owner") {
		return "package " + pkg + " is no longer installed"
	}
	if rest, ok := strings.CutPrefix(name, "var/lib/dpkg/"); ok {
		if info, ok := strings.CutPrefix(rest, "info/"); ok {
			base, _, _ := strings.Cut(info, ":")
			if p.gone[base] || p.gone[strings.TrimSuffix(base, ext(base))] {
				return "package record"
			}
			return ""
		}
		return "package record"
	}
	if name == "var/lib/apt/extended_states" {
		return "package record"
	}
	// What the packages' scripts made: only in places that belong to the system, never under /srv, /opt, /home, /app.
	for _, dir := range []string{"etc/", "usr/lib/", "usr/share/", "usr/local/share/", "usr/bin/", "usr/sbin/", "var/cache/", "var/lib/", "var/spool/", "run/"} {
		if !strings.HasPrefix(name, dir) || p.owned[name] {
			continue
		}
		// A register such as /etc/passwd may lose lines; a changed line has another cause.
		if d.What == "missing" || d.What == "content" && d.lost || d.What == "link" && dir == "etc/" {
			return "made by the installation of packages that are no longer installed"
		}
	}
	// Registers that packages write into.
	for _, reg := range []string{"usr/share/info/dir", "usr/share/mime/", "usr/share/glib-2.0/schemas/", "usr/lib/x86_64-linux-gnu/gdk-pixbuf-2.0/",
		"usr/lib/locale/", "var/lib/ucf/", "var/lib/polkit-1/", "usr/share/applications/", "usr/share/icons/"} {
		if strings.HasPrefix(name, reg) {
			return "made by the installation of packages that are no longer installed"
		}
	}
	return ""
}

func ext(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[i:]
	}
	return ""
}
