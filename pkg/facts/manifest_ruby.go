package facts

import (
	"path"
	"regexp"
	"strings"

	"github.com/refit-dev/refit/internal/lazy"
)

var ecoBundler = Ecosystem{
	Name: "bundler", Project: "Gemfile", Optional: []string{"Gemfile.lock"}, Lock: []string{"Gemfile.lock"},
	Guess: []string{"Gemfile*"}, Writes: []string{"vendor/bundle", ".bundle"}, inspect: inspectBundler,
}

var (
	// gemPath finds local gems: path: "engines/x", :path => "engines/x".
	gemPath = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp { return regexp.MustCompile(`(?:\bpath:|:path\s*=>)\s*["']([^"'#]+)["']`) }}
	// gemOther finds what makes a Gemfile read other files.
	gemOther = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp {
		return regexp.MustCompile(`\b(?:eval_gemfile|require_relative|instance_eval|load|File|Dir|IO|Pathname|YAML|JSON)\b|__dir__|__FILE__|\bpath\s|#\{|` + "`")
	}}
	// rubyFile is Bundler's way of naming the file with Ruby's version.
	rubyFile = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp { return regexp.MustCompile(`^\s*ruby\s+file:\s*["']([^"'#]+)["']\s*$`) }}
)

// inspectBundler looks through a Gemfile. It is a Ruby program: lines that
// do more than name gems stop the change. See https://bundler.io/man/gemfile.5.html.
func inspectBundler(t *Tree, in *DepsInstall, n *Needs) {
	p := path.Join(in.Dir, "Gemfile")
	for _, f := range in.Files {
		p = f
		if l := f + ".lock"; t.Exists(l) {
			n.file(l)
		}
	}
	data, ok := t.Read(p)
	if !ok {
		n.stop("%s cannot be read from the build context", t.rel(p))
		return
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		if i := strings.IndexByte(line, '#'); i >= 0 && !strings.Contains(line, "#{") {
			line = line[:i]
		}
		line = strings.TrimSpace(line)
		if m := rubyFile.Get().FindStringSubmatch(line); m != nil {
			n.file(join(path.Dir(p), m[1]))
			continue
		}
		if strings.HasPrefix(line, "gemspec") {
			n.stop("%s installs the project's own gemspec", t.rel(p))
			return
		}
		if m := gemPath.Get().FindStringSubmatch(line); m != nil && !strings.Contains(line, "#{") {
			dir := join(path.Dir(p), m[1])
			if Within(in.Dir, dir) || !t.IsDir(dir) {
				n.stop("%s takes a gem from %s", t.rel(p), m[1])
				return
			}
			n.dir(dir)
			continue
		}
		if gemOther.Get().MatchString(line) {
			n.stop("%s reads other files: %s", t.rel(p), line)
			return
		}
	}
	lock := p + ".lock"
	if t.Exists(lock) && !in.Locked {
		n.doubt("the install may rewrite %s, which the sources then bring back as it is in the build context", t.rel(lock))
	}
	if in.Locked && !t.Exists(lock) {
		n.stop("the install needs a lock file, and none is among the copied files of the build context")
	}
}
