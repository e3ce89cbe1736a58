package transform

import (
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

const (
	maxShipped = 12   // COPY sources; more are the whole folder, or too many
	maxLooked  = 4000 // files of the build context that are looked at
)

// toolDirs are folders of toolchains and of their settings: what is copied there is for the
// build, and they are never shipped as a whole.
var toolDirs = []string{"/root/.m2", "/root/.gradle", "/root/.cargo", "/root/.ssh", "/root/.netrc", "/root/.gitconfig", "/root/.npmrc", "/root/.config", "/root/.cache",
	"/go/pkg", "/go/bin", "/usr/local/go", "/usr/local/cargo", "/usr/local/rustup", "/usr/share/maven", "/home/gradle/.gradle", "/opt/gradle"}

// systemTree are folders of the system: shipping one as a whole would ship the old image's.
var systemTree = []string{"/", "/go", "/go/src", "/root", "/home", "/home/gradle", "/usr", "/usr/local", "/usr/local/bin", "/usr/local/lib", "/usr/local/share", "/usr/bin", "/usr/lib", "/usr/share", "/usr/src",
	"/bin", "/sbin", "/lib", "/lib64", "/etc", "/etc/ssl", "/etc/ssl/certs", "/opt", "/tmp", "/var", "/var/lib", "/mnt", "/media", "/run"}

// tree is what the COPY instructions in front of an instruction bring from the
// build context, nil if that is not in sight.
func (s *splitter) tree(before int) *facts.Tree {
	if s.p.Options.Context == nil {
		return nil
	}
	return s.p.copyIndex(s.st.From).Tree(s.st, before)
}

// files ships the files that the program may read: whatever the builder's COPY
// and ADD instructions bring that is not for the compiler alone.
func (s *splitter) files() string {
	if s.only {
		return ""
	}
	artefacts := len(s.ship)
	whole := ""
	t := s.tree(s.at)
	for _, in := range s.st.Instructions {
		if in.Name != "COPY" && in.Name != "ADD" || in.Index >= s.at {
			continue
		}
		c := s.p.Facts.Copy(in)
		if c == nil || !c.Dest.Certain() {
			return s.p.line(in) + ": it is not known where its files go"
		}
		if slices.ContainsFunc(toolDirs, func(d string) bool { return facts.Within(c.Dest.S, d) }) {
			continue
		}
		unknown := ""
		for i := range c.Sources {
			if why := s.source(c, &c.Sources[i], t); why != "" {
				unknown = why
			}
		}
		if unknown == "" {
			continue
		}
		// What cannot be told apart is shipped as a whole where that is no toolchain.
		if !s.eco.whole || slices.Contains(systemTree, c.Dest.S) || strings.HasSuffix(unknown, "!") {
			return s.p.line(in) + ": " + strings.TrimSuffix(unknown, "!")
		}
		whole = c.Dest.S
		s.add(shipped{c.Dest.S, c.Dest.S, false})
	}
	for _, to := range s.copied {
		if slices.Contains(systemTree, to) {
			return "a RUN copies files to " + to
		}
		if !s.compiled(to) && !slices.ContainsFunc(toolDirs, func(d string) bool { return facts.Within(to, d) }) {
			s.add(shipped{to, to, false})
		}
	}
	if t != nil {
		if d := t.Doubts(); len(d) > 0 {
			return d[0]
		}
		if why := s.startsOthers(t); why != "" {
			return why
		}
	}
	if len(s.ship)-artefacts > maxShipped {
		return "the program may read many files, in several folders, beside the sources"
	}
	if whole != "" {
		s.notes = append(s.notes, "all of "+whole+" is kept, sources too: with the build context in sight only what may be read")
	}
	for _, c := range s.ship {
		for _, r := range s.removed {
			if facts.Within(c.from, r) {
				return "a RUN removes " + r + " behind it: what is left of the files that the program may read is not known"
			}
		}
		if strings.ContainsAny(c.from+c.to, " \t*?[]$\\\"'") {
			return "the name " + c.from + " cannot be copied as it is"
		}
	}
	return s.mentioned()
}

// add ships a path unless a folder around it is shipped; what lies in it is
// not shipped twice.
func (s *splitter) add(c shipped) {
	for _, o := range s.ship {
		if facts.Within(c.from, o.from) && (c.from == o.from || !o.file) && o.from == o.to {
			return
		}
	}
	s.ship = slices.DeleteFunc(s.ship, func(o shipped) bool { return o.from == o.to && facts.Within(o.from, c.from) && !c.file })
	s.ship = append(s.ship, c)
}

// source ships what one source of a COPY brings, or says why that is not
// known; a ! at the end means that not even the folder is.
func (s *splitter) source(c *facts.Copy, src *facts.CopySource, t *facts.Tree) string {
	target := c.Dest.S
	if c.DestDir {
		target = path.Join(c.Dest.S, path.Base(src.Path.S))
	}
	switch {
	case src.Kind == facts.HeredocSource:
		s.add(shipped{target, target, true})
		return ""
	case src.Kind == facts.RemoteSource || c.Parents || !src.Path.Known || s.unpacks(c, target):
		return "which files it brings is not known!"
	case len(c.Excludes) > 0:
		return "which files it brings is not known"
	case c.From != "":
		if c.DestDir && (src.Dir || src.Glob || !fileName(path.Base(src.Path.S))) {
			return "which files it brings is not known"
		}
		s.add(shipped{target, target, false})
		return ""
	case t == nil:
		return s.named(c, src, target)
	}
	ctx := s.p.Options.Context
	matches := []string{src.Path.S}
	if src.Glob {
		var ok bool
		if matches, ok = ctx.Glob(src.Path.S); !ok {
			return "the folder is too large to look through"
		}
	}
	for _, m := range matches {
		if !ctx.IsDir(m) {
			if !ctx.Exists(m) {
				return m + " is not in the build context"
			}
			// Otherwise the destination is the file, or a folder with it.
			into := c.DestDir || s.p.Facts.KnownDir(c.Dest.S, c.Instruction)
			if into {
				target = path.Join(c.Dest.S, path.Base(m))
			}
			if !s.compiled(m) {
				s.add(shipped{target, target, into})
			}
			continue
		}
		left := maxLooked
		data, sources, ok := s.look(m, c.Dest.S, &left)
		if !ok {
			return "the build context is too large to look through, or has links to nowhere"
		}
		if !sources && len(data) > 0 && !slices.Contains(systemTree, c.Dest.S) && c.Dest.S != s.cwd {
			data = []shipped{{c.Dest.S, c.Dest.S, false}}
		}
		if len(data) > maxShipped && s.eco.whole {
			return "it brings many files beside the sources"
		}
		for _, d := range data {
			s.add(d)
		}
	}
	return ""
}

// unpacks reports whether ADD may unpack the file that it would put at a path.
func (s *splitter) unpacks(c *facts.Copy, target string) bool {
	if !c.Add {
		return false
	}
	_, has := c.Origin(s.p.Options.Context, target)
	return has == facts.Maybe
}

// look walks a folder of the build context that is copied to a folder of the
// image. It returns what is not for the compiler alone, folders without
// sources as a whole, and whether there are sources.
func (s *splitter) look(from, to string, left *int) (data []shipped, sources, ok bool) {
	ctx := s.p.Options.Context
	for _, n := range ctx.List(from) {
		if *left--; *left < 0 {
			return nil, false, false
		}
		name := strings.TrimSuffix(n, "/")
		src, dst := path.Join(from, name), path.Join(to, name)
		switch {
		case name == n:
			if s.compiled(src) {
				sources = true
			} else if !ctx.Exists(src) {
				return nil, false, false // a link to nowhere
			} else {
				data = append(data, shipped{dst, dst, true})
			}
		case s.compiledDir(name):
			sources = true
		default:
			d, src, ok := s.look(src, dst, left)
			if !ok {
				return nil, false, false
			}
			if !src && len(d) > 0 {
				d = []shipped{{dst, dst, false}}
			}
			data, sources = append(data, d...), sources || src
		}
	}
	return data, sources, true
}

// named judges a source by its name alone, without the build context.
func (s *splitter) named(c *facts.Copy, src *facts.CopySource, target string) string {
	const unknown = "without the build context it is not known which of its files the program reads"
	base := path.Base(src.Path.S)
	switch {
	case src.Path.S == ".":
		return unknown
	case src.Glob:
		if s.compiled(strings.ReplaceAll(src.Path.S, "*", "x")) {
			return ""
		}
		return unknown
	case slices.Contains(s.eco.usual, base):
		s.notes = append(s.notes, base+" is taken for a folder of sources alone")
		return ""
	case s.compiled(src.Path.S) || s.compiledDir(base):
		return ""
	case fileName(base):
		s.add(shipped{target, target, false}) // a file, to a file or into a folder
		return ""
	case c.DestDir && len(c.Sources) == 1 && path.Base(c.Dest.S) == base:
		s.add(shipped{c.Dest.S, c.Dest.S, false}) // a folder to one of its name
		return ""
	case c.DestDir:
		return unknown
	}
	s.add(shipped{c.Dest.S, c.Dest.S, false})
	return ""
}

// fileName reports whether a name is surely a file's, not a folder's as conf.d is.
func fileName(base string) bool {
	if base == ".env" || strings.HasPrefix(base, ".env.") {
		return true
	}
	return slices.Contains([]string{".json", ".yaml", ".yml", ".toml", ".ini", ".conf", ".cfg", ".properties", ".xml", ".env", ".txt", ".html", ".htm", ".css", ".js", ".sql", ".db", ".sqlite", ".sqlite3",
		".pem", ".crt", ".cer", ".key", ".csv", ".tsv", ".sh", ".md", ".tmpl", ".tpl", ".gotmpl", ".proto", ".png", ".ico", ".svg", ".jpg", ".gif", ".woff2", ".jar", ".war", ".zip", ".bin", ".dat", ".mmdb", ".wasm", ".lua", ".py"}, strings.ToLower(path.Ext(base)))
}

// compiled reports whether a file is for the compiler or the developer alone.
func (s *splitter) compiled(p string) bool {
	return matchesAny(path.Base(p), s.eco.files) || matchesAny(path.Base(p), plumbing)
}

func (s *splitter) compiledDir(name string) bool {
	return slices.Contains(s.eco.dirs, name) || slices.Contains(plumbingDirs, name)
}

func matchesAny(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { ok, _ := path.Match(p, name); return ok })
}

// mentioned checks the paths that the command and the variables name: what the
// builder has there must be shipped.
func (s *splitter) mentioned() string {
	words := map[string]string{}
	for _, f := range s.entry.argv[1:] {
		w := f.Text
		if _, v, ok := strings.Cut(w, "="); ok && strings.HasPrefix(w, "-") {
			w = v
		}
		words[w] = "the command"
	}
	for _, in := range s.st.Instructions {
		if in.Name != "ENV" {
			continue
		}
		for _, p := range in.Pairs {
			if v := s.p.Facts.Expand(p.Value.Value, in); v.Known && p.Key.Value != "PATH" && !s.onlyBuild(p.Key.Value) {
				words[v.S] = "ENV " + p.Key.Value
			}
		}
	}
	for w, who := range words {
		if !strings.Contains(w, "/") && !strings.Contains(w, ".") || strings.Contains(w, "://") {
			continue
		}
		p := resolveIn(s.cwd, w)
		if p == "" || p == s.cwd || slices.ContainsFunc(s.ship, func(c shipped) bool { return facts.Within(p, c.from) || facts.Within(c.from, p) }) {
			continue
		}
		for _, in := range s.st.Instructions {
			if in.Index >= s.at {
				continue
			}
			c := s.p.Facts.Copy(in)
			if c == nil || !c.Dest.Known || !facts.Within(p, c.Dest.S) && !facts.Within(c.Dest.S, p) {
				continue
			}
			if _, has := c.Origin(s.p.Options.Context, p); has != facts.No {
				return who + " names " + w + ", which would stay in the builder"
			}
		}
	}
	return ""
}

// notOwn are folders whose sources are not the program's own: libraries, tests, what is built.
var notOwn = []string{"vendor", "node_modules", "testdata", "test", "tests", "__tests__", "benches", "examples", "target", "build", "dist", ".gradle", ".yarn"}

// startsOthers looks for sources that start other programs, which the smaller
// image may lack.
func (s *splitter) startsOthers(t *facts.Tree) string {
	ctx := s.p.Options.Context
	left := maxLooked
	var walk func(from string) string
	walk = func(from string) string {
		for _, n := range ctx.List(from) {
			if left--; left < 0 {
				return ""
			}
			name := strings.TrimSuffix(n, "/")
			p := path.Join(from, name)
			if name != n {
				if slices.Contains(plumbingDirs, name) || slices.Contains(notOwn, name) {
					continue
				}
				if why := walk(p); why != "" {
					return why
				}
				continue
			}
			if !matchesAny(name, s.eco.sources) || strings.HasSuffix(name, "_test.go") {
				continue
			}
			data, _ := ctx.Read(p)
			for _, m := range s.eco.starts {
				if strings.Contains(string(data), m) {
					return p + " has " + m + ": it may start programs or read files that " + s.rt.Image + " lacks"
				}
			}
		}
		return ""
	}
	for _, c := range t.Copies() {
		if !c.Local() {
			continue
		}
		for _, src := range c.Sources {
			if src.Path.Known && ctx.IsDir(src.Path.S) {
				if why := walk(src.Path.S); why != "" {
					return why
				}
			}
		}
	}
	return ""
}
