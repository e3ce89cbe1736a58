package facts

import (
	"path"
	"strings"
)

var ecoCargo = Ecosystem{
	Name: "cargo", Project: "Cargo.toml", Optional: []string{"Cargo.lock", ".cargo", "rust-toolchain", "rust-toolchain.toml"}, Lock: []string{"Cargo.lock"},
	Writes: []string{"target"}, inspect: inspectCargo,
}

// inspectCargo: even fetching needs the sources of the targets to exist, and
// the manifests of all members and path dependencies. With stand-ins for the
// sources, one crate whose targets cargo finds by itself can be built. See
// https://doc.rust-lang.org/cargo/reference/cargo-targets.html.
func inspectCargo(t *Tree, in *DepsInstall, n *Needs) {
	if !in.Stubs {
		n.stop("cargo needs the sources of the package to read its manifest")
		return
	}
	p := path.Join(in.Dir, "Cargo.toml")
	var m map[string]any
	if !readTOML(t, p, n, &m) {
		return
	}
	pkg, _ := m["package"].(map[string]any)
	name, _ := pkg["name"].(string)
	if name == "" {
		n.stop("%s is not the manifest of one crate", t.rel(p))
		return
	}
	if _, ok := m["workspace"]; ok {
		n.stop("%s is part of a workspace", t.rel(p))
		return
	}
	for _, f := range []string{"build.rs", "vendor"} {
		if t.Exists(path.Join(in.Dir, f)) {
			n.stop("the crate has %s, which building the dependencies may need", t.rel(path.Join(in.Dir, f)))
			return
		}
	}
	if b, ok := pkg["build"]; ok && b != false {
		n.stop("%s names a build script", t.rel(p))
		return
	}
	for _, d := range []string{path.Dir(in.Dir), path.Dir(path.Dir(in.Dir))} {
		if t.Exists(path.Join(d, "Cargo.toml")) {
			n.stop("%s may make the crate part of a workspace", t.rel(path.Join(d, "Cargo.toml")))
			return
		}
	}
	for _, key := range []string{"bench", "test", "example"} {
		if _, ok := m[key]; ok {
			n.stop("%s declares targets of its own under [[%s]]", t.rel(p), key)
			return
		}
	}
	if run, ok := pkg["default-run"].(string); ok && run != name {
		n.stop("%s names another program to run", t.rel(p))
		return
	}
	for _, f := range []string{"src/main.rs", "src/lib.rs"} {
		if t.Exists(path.Join(in.Dir, f)) {
			n.Stubs = append(n.Stubs, path.Join(in.Dir, f))
		}
	}
	main := t.Exists(path.Join(in.Dir, "src/main.rs"))
	lib, _ := m["lib"].(map[string]any)
	bins, _ := m["bin"].([]any)
	switch {
	case len(n.Stubs) == 0:
		n.stop("there is neither src/main.rs nor src/lib.rs beside %s", t.rel(p))
		return
	case lib != nil && (lib["path"] != nil && lib["path"] != "src/lib.rs" || !t.Exists(path.Join(in.Dir, "src/lib.rs"))):
		n.stop("%s places the library elsewhere", t.rel(p))
		return
	case lib != nil && (lib["proc-macro"] == true || lib["proc_macro"] == true):
		n.stop("%s is a macro that runs while others are compiled", t.rel(p))
		return
	}
	for _, b := range bins {
		bin, _ := b.(map[string]any)
		if at, ok := bin["path"].(string); !main || ok && at != "src/main.rs" || !ok && bin["name"] != name {
			n.stop("%s declares programs of its own under [[bin]]", t.rel(p))
			return
		}
	}
	if what := cargoElsewhere(m); what != "" {
		n.stop("%s takes %s", t.rel(p), what)
		return
	}
	for _, f := range []string{".cargo/config.toml", ".cargo/config"} {
		data, ok := t.Read(path.Join(in.Dir, f))
		for _, w := range []string{"directory", "build-std", "target =", "local-registry", "paths"} {
			if ok && strings.Contains(string(data), w) {
				n.stop("%s sets %s", t.rel(path.Join(in.Dir, f)), strings.TrimSuffix(w, " ="))
				return
			}
		}
	}
	n.doubt("cargo compiles the dependencies with a stand-in for the sources")
	if !in.Locked && in.lock(t) != "" {
		n.doubt("the build may rewrite %s, which the sources then bring back as it is in the build context", t.rel(in.lock(t)))
	}
}

// cargoElsewhere names the first dependency of a manifest that comes from a
// path or a workspace, "" for none.
func cargoElsewhere(table map[string]any) string {
	for _, key := range sortedAny(table) {
		switch v := table[key].(type) {
		case map[string]any:
			if dep, ok := v["path"].(string); ok && key != "lib" && key != "package" {
				return key + " from " + dep
			}
			if v["workspace"] == true {
				return key + " from the workspace"
			}
			if what := cargoElsewhere(v); what != "" {
				return what
			}
		case bool:
			if key == "workspace" && v {
				return "values from the workspace"
			}
		}
	}
	return ""
}
