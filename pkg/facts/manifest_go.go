package facts

import (
	"path"

	"golang.org/x/mod/modfile"
)

var ecoGo = Ecosystem{
	Name: "go", Project: "go.mod", Optional: []string{"go.sum", "go.work", "go.work.sum"}, Lock: []string{"go.sum"},
	Guess: []string{"go.mod", "go.sum*"}, inspect: inspectGo,
}

// inspectGo follows the local replacements of a go.mod and the modules of a
// go.work: loading the module graph reads their go.mod files, see
// https://go.dev/ref/mod#go-mod-download.
func inspectGo(t *Tree, in *DepsInstall, n *Needs) {
	seen := map[string]bool{}
	var module func(dir string)
	module = func(dir string) {
		if seen[dir] {
			return
		}
		seen[dir] = true
		p := path.Join(dir, "go.mod")
		data, ok := t.Read(p)
		if !ok {
			n.stop("%s, which the module graph needs, is not among the copied files of the build context", t.rel(p))
			return
		}
		n.file(p)
		if sum := path.Join(dir, "go.sum"); t.Exists(sum) {
			n.file(sum)
		}
		f, err := modfile.ParseLax(t.rel(p), data, nil)
		if err != nil {
			n.stop("%s is not understood: %v", t.rel(p), err)
			return
		}
		if dir != in.Dir && f.Module == nil {
			n.stop("%s is not understood", t.rel(p))
			return
		}
		full, err := modfile.Parse(t.rel(p), data, nil)
		if err != nil {
			n.doubt("%s has directives that are not understood", t.rel(p))
			return
		}
		for _, r := range full.Replace {
			if r.New.Version == "" {
				module(join(dir, r.New.Path))
			}
		}
	}
	work := path.Join(in.Dir, "go.work")
	if !t.Exists(work) {
		// A go.work further up is used as well.
		for d := path.Dir(in.Dir); ; d = path.Dir(d) {
			if t.Exists(path.Join(d, "go.work")) {
				n.stop("%s is part of a workspace", t.rel(in.Dir))
				return
			}
			if d == "/" {
				break
			}
		}
		module(in.Dir)
		return
	}
	data, _ := t.Read(work)
	w, err := modfile.ParseWork(t.rel(work), data, nil)
	if err != nil {
		n.stop("%s is not understood: %v", t.rel(work), err)
		return
	}
	for _, u := range w.Use {
		module(join(in.Dir, u.Path))
	}
	for _, r := range w.Replace {
		if r.New.Version == "" {
			module(join(in.Dir, r.New.Path))
		}
	}
}
