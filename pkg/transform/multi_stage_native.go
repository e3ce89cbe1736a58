package transform

import (
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

// goOutputs returns the programs that a go command writes, as far as its
// arguments tell. See https://pkg.go.dev/cmd/go#hdr-Compile_packages_and_dependencies.
func goOutputs(s *splitter, c *buildCall) []string {
	args := c.call.Fields[1:]
	if len(args) == 0 || c.call.Name() != "go" || c.cross() {
		return nil
	}
	if f, ok := c.arg("-C"); ok {
		c.cwd = c.resolve(f)
	}
	verb := ""
	for _, f := range args {
		if f.Text == "build" || f.Text == "install" {
			verb = f.Text
			break
		}
	}
	switch verb {
	case "build":
		if mode, ok := c.arg("-buildmode"); ok && mode.Text != "exe" && mode.Text != "pie" && mode.Text != "default" {
			return nil
		}
		if f, ok := c.arg("-o"); ok {
			out := c.resolve(f)
			switch {
			case out == "":
				return nil
			case strings.HasSuffix(f.Text, "/") || slices.Contains(everywhere, out) || s.p.Facts.KnownDir(out, c.in) || f.Text == ".":
				return s.goNames(c, out)
			}
			return []string{out}
		}
		if c.cwd == "" {
			return nil
		}
		return s.goNames(c, c.cwd)
	case "install":
		dir := "/go/bin"
		if v, ok := s.p.Facts.Lookup("GOPATH", c.in); ok {
			if dir = path.Join(v.S, "bin"); !v.Certain() {
				return nil
			}
		}
		if v, ok := s.p.Facts.Lookup("GOBIN", c.in); ok {
			if dir = v.S; !v.Certain() || !path.IsAbs(dir) {
				return nil
			}
		}
		return s.goNames(c, dir)
	}
	return nil
}

// cross reports whether the command may compile for another system, or into
// another folder.
func (c *buildCall) cross() bool {
	return slices.ContainsFunc(c.call.Assigns, func(a string) bool { return a == "GOBIN" || a == "GOPATH" })
}

// goNames gives the names that go chooses for the programs of the packages of
// a command, in a folder.
func (s *splitter) goNames(c *buildCall, dir string) []string {
	var out []string
	options := facts.ManagerNamed("go").Args
	skip := false
	operands := 0
	for _, f := range c.call.Fields[1:] {
		switch {
		case skip:
			skip = false
		case strings.HasPrefix(f.Text, "-"):
			skip = slices.Contains(options, f.Text)
		case f.Text == "build" || f.Text == "install":
		case !f.Known || f.Glob:
			return nil
		default:
			operands++
			switch arg, _, _ := strings.Cut(f.Text, "@"); {
			case strings.HasSuffix(arg, ".go"):
				if operands == 1 {
					out = append(out, path.Join(dir, strings.TrimSuffix(path.Base(arg), ".go")))
				}
			case arg == "." || arg == "./" || strings.HasSuffix(arg, "..."):
				out = append(out, s.moduleName(c, dir)...)
			default:
				base := path.Base(arg)
				if isMajor(base) {
					base = path.Base(path.Dir(arg))
				}
				out = append(out, path.Join(dir, base))
			}
		}
	}
	if operands == 0 {
		out = s.moduleName(c, dir)
	}
	return out
}

// moduleName is the program that go makes of the package in the working
// directory: named like the module's path, which go.mod tells if the build
// context is in sight.
func (s *splitter) moduleName(c *buildCall, dir string) []string {
	t := s.tree(c.in.Index)
	if t == nil || c.cwd == "" {
		return nil
	}
	data, ok := t.Read(path.Join(c.cwd, "go.mod"))
	if !ok {
		return nil
	}
	for _, line := range strings.Split(string(data), "\n") {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
			name, _, _ = strings.Cut(name, "//")
			name = strings.Trim(strings.TrimSpace(name), `"`)
			base := path.Base(name)
			if isMajor(base) {
				base = path.Base(path.Dir(name))
			}
			return []string{path.Join(dir, base)}
		}
	}
	return nil
}

// isMajor reports whether a path element is a major version: v2.
func isMajor(s string) bool {
	return len(s) > 1 && s[0] == 'v' && strings.Trim(s[1:], "0123456789") == ""
}

// cargoOutputs notes where cargo puts programs: their names come from the
// manifests, so the folders stand for them, with a slash at the end.
func cargoOutputs(s *splitter, c *buildCall) []string {
	if c.call.Name() != "cargo" {
		return nil
	}
	switch {
	case c.has("install"):
		root := "/usr/local/cargo"
		if f, ok := c.arg("--root"); ok {
			if root = c.resolve(f); root == "" {
				return nil
			}
		}
		return []string{root + "/bin/"}
	case c.has("build", "b", "rustc"):
		if c.cwd == "" {
			return nil
		}
		target := path.Join(c.cwd, "target")
		if v, ok := s.p.Facts.Lookup("CARGO_TARGET_DIR", c.in); ok {
			if target = v.S; !v.Certain() || !path.IsAbs(target) {
				return nil
			}
		}
		if f, ok := c.arg("--target-dir"); ok {
			if target = c.resolve(f); target == "" {
				return nil
			}
		}
		if f, ok := c.arg("--target"); ok {
			if !f.Known {
				return nil
			}
			target = path.Join(target, f.Text)
		}
		profile := "debug"
		if c.has("--release", "-r") {
			profile = "release"
		}
		if f, ok := c.arg("--profile"); ok {
			profile = f.Text
		}
		if m, ok := c.arg("--manifest-path"); ok {
			dir := c.resolve(m)
			if dir == "" {
				return nil
			}
			target = strings.Replace(target, path.Join(c.cwd, "target"), path.Join(path.Dir(dir), "target"), 1)
		}
		return []string{path.Join(target, profile) + "/"}
	}
	return nil
}

// madeBy reports whether a path is what the builds make.
func (s *splitter) madeBy(p string) bool {
	return slices.ContainsFunc(s.outs, func(o string) bool { return o == p || strings.HasSuffix(o, "/") && path.Dir(p)+"/" == o })
}

// nativeArtefact finds the program that the container starts among what the
// builds make.
func (s *splitter) nativeArtefact() string {
	name := s.entry.argv[0].Text
	prog := ""
	if strings.Contains(name, "/") {
		if prog = resolveIn(s.cwd, name); prog == "" {
			return "the working directory is not known"
		}
		if !s.madeBy(prog) {
			return s.notMade(name)
		}
	} else {
		prog = s.found(name)
		if prog == "" {
			return s.notMade(name)
		}
	}
	for _, b := range s.builds {
		for _, m := range mounts(b.in) {
			if m.Type != "secret" && m.Type != "ssh" && m.Target != "" && facts.Within(prog, path.Clean(m.Target)) {
				return s.p.line(b.in) + " writes the program into a mount"
			}
		}
	}
	if why := s.linked(); why != "" {
		return why
	}
	if s.rt.Roots {
		s.ship = append(s.ship, shipped{facts.CertificateBundle, facts.CertificateBundle, true})
	}
	alpine := strings.HasPrefix(path.Base(s.rt.Image), "alpine:")
	if in := s.packages["tzdata"]; in != nil && alpine && in.Index < s.at && s.roles[in] == stays {
		s.ship = append(s.ship, shipped{zoneDir, zoneDir, false}) // where tzdata puts it
	} else if s.rt.Zones != "" {
		s.ship = append(s.ship, shipped{s.rt.Zones, s.rt.Zones, true})
	}
	to := prog
	if !strings.Contains(name, "/") && slices.Contains(s.rt.Path, path.Dir(prog)) {
		to = path.Join("/usr/local/bin", name)
		if why := s.onPath(); why != "" {
			return why
		}
	}
	s.ship = append(s.ship, shipped{prog, to, true})
	// The other programs that the builds make stay together with it.
	for _, o := range s.outs {
		if o != prog && !strings.HasSuffix(o, "/") && path.Dir(o) == path.Dir(prog) {
			s.ship = append(s.ship, shipped{o, path.Join(path.Dir(to), path.Base(o)), true})
		}
	}
	return ""
}

// notMade is the reason for a program that is not known to be built.
func (s *splitter) notMade(name string) string {
	why := "the container starts " + name + ", and it is not known to be what " + s.eco.makes + " makes"
	if s.rt.Language == "go" && s.p.Options.Context == nil && name != "go" {
		why += "; with the build context in sight go.mod tells what go calls it"
	}
	return why
}

// zoneDir is where distributions keep time zones.
const zoneDir = "/usr/share/zoneinfo"

// onPath refuses a PATH that the file sets as a whole: what is on it in the
// final stage is not known.
func (s *splitter) onPath() string {
	for _, in := range s.st.Instructions {
		for _, p := range in.Pairs {
			if in.Name == "ENV" && p.Key.Value == "PATH" && !strings.Contains(p.Value.Value, "$PATH") && !strings.Contains(p.Value.Value, "${PATH") {
				return s.p.line(in) + " sets PATH as a whole"
			}
		}
	}
	return ""
}

// systemLibraries are crates whose names end in -sys but that bring no dynamic
// library: bindings of other systems, of the kernel and of JavaScript, and those
// that compile their library into the program.
var systemLibraries = []string{
	"js-sys", "web-sys", "windows-sys", "linux-raw-sys", "core-foundation-sys", "security-framework-sys", "system-configuration-sys", "fsevent-sys", "kqueue-sys", "inotify-sys", "mach-sys",
	"zstd-sys", "aws-lc-sys", "aws-lc-fips-sys", "tikv-jemalloc-sys", "jemalloc-sys", "libmimalloc-sys", "mimalloc-sys", "snmalloc-sys", "lz4-sys", "librocksdb-sys", "blst-sys", "secp256k1-sys", "wepoll-sys", "hermit-sys",
	"dirs-sys", "dirs-sys-next", "objc-sys", "ndk-sys", "jni-sys", "errno-sys", "onig_sys", "ring-sys", "psm-sys", "libfuzzer-sys", "winapi-sys", "io-kit-sys", "coreaudio-sys", "schannel-sys", "wasm-bindgen-sys",
}

// linked says why a Rust program may need libraries that the final image
// lacks. Images for Alpine link statically; slim ones have no libraries to link
// with but what a RUN installs, which classify looks at.
func (s *splitter) linked() string {
	if !s.rt.Libraries {
		return ""
	}
	t := s.tree(s.at)
	if t == nil {
		return "the base image has many libraries that the program may be linked with; with the build context in sight Cargo.lock tells"
	}
	found := false
	for _, b := range s.builds {
		if b.call.Name() != "cargo" || !b.has("build", "b", "rustc", "install") {
			continue
		}
		dir := b.cwd
		if f, ok := b.arg("--manifest-path", "--path"); ok {
			dir = b.resolve(f)
		}
		data, ok := t.Read(path.Join(dir, "Cargo.lock"))
		if dir == "" || !ok {
			return "without Cargo.lock it is not known which libraries the program is linked with"
		}
		found = true
		static := strings.Contains(string(data), `name = "openssl-src"`)
		for _, line := range strings.Split(string(data), "\n") {
			name, ok := strings.CutPrefix(strings.TrimSpace(line), `name = "`)
			name = strings.TrimSuffix(name, `"`)
			if !ok || !strings.HasSuffix(name, "-sys") && !strings.HasSuffix(name, "_sys") || slices.Contains(systemLibraries, name) || name == "openssl-sys" && static {
				continue
			}
			return "the crate " + name + " may link the program with a library that " + s.rt.Image + " lacks"
		}
	}
	if !found {
		return "it is not known which libraries the program is linked with"
	}
	return ""
}
