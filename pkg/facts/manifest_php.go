package facts

import (
	"encoding/json"
	"path"
	"strings"
)

var ecoComposer = Ecosystem{
	Name: "composer", Project: "composer.json", Optional: []string{"composer.lock", "auth.json", "symfony.lock"}, Lock: []string{"composer.lock"},
	Guess: []string{"composer.json", "composer.lock*"}, Writes: []string{"vendor"}, inspect: inspectComposer,
}

// inspectComposer looks at a composer.json: scripts, autoload rules that scan
// the sources, path repositories, plugins. See
// https://getcomposer.org/doc/04-schema.md.
func inspectComposer(t *Tree, in *DepsInstall, n *Needs) {
	p := path.Join(in.Dir, "composer.json")
	data, ok := t.Read(p)
	if !ok {
		n.stop("%s cannot be read from the build context", t.rel(p))
		return
	}
	type autoload struct {
		Classmap []string
		Files    []string
	}
	var c struct {
		Require     map[string]string
		RequireDev  map[string]string `json:"require-dev"`
		Autoload    autoload
		AutoloadDev autoload `json:"autoload-dev"`
		Scripts     map[string]json.RawMessage
		Config      struct {
			VendorDir         string `json:"vendor-dir"`
			BinDir            string `json:"bin-dir"`
			OptimizeAutoload  bool   `json:"optimize-autoloader"`
			ClassmapAuthority bool   `json:"classmap-authoritative"`
		}
		Repositories json.RawMessage
		Extra        map[string]json.RawMessage
	}
	if err := json.Unmarshal(data, &c); err != nil {
		n.stop("%s is not understood: %v", t.rel(p), err)
		return
	}
	if c.Config.VendorDir != "" {
		n.Writes = append(n.Writes, join(in.Dir, c.Config.VendorDir))
	}
	if c.Config.BinDir != "" {
		n.Writes = append(n.Writes, join(in.Dir, c.Config.BinDir))
	}
	if !in.NoAutoloader {
		if in.Optimize || c.Config.OptimizeAutoload || c.Config.ClassmapAuthority {
			n.stop("the optimised autoloader is made from the sources")
			return
		}
		if len(c.Autoload.Classmap) > 0 || !in.NoDev && len(c.AutoloadDev.Classmap) > 0 {
			n.stop("%s has an autoload class map, which is made from the sources", t.rel(p))
			return
		}
	}
	if !in.NoScripts {
		for _, s := range []string{
			"pre-install-cmd", "post-install-cmd", "pre-autoload-dump", "post-autoload-dump", "post-root-package-install",
			"pre-package-install", "post-package-install", "pre-operations-exec", "pre-dependencies-solving", "post-dependencies-solving", "init", "command",
		} {
			if raw, ok := c.Scripts[s]; ok && string(raw) != "[]" && string(raw) != "null" {
				n.stop("%s runs scripts when it is installed (%s)", t.rel(p), s)
				return
			}
		}
	}
	for _, key := range sortedRaw(c.Extra) {
		switch key {
		case "branch-alias", "laravel", "thanks":
		default:
			n.doubt("%s configures a plugin (%s)", t.rel(p), key)
		}
	}
	composerRepositories(t, in, n, p, c.Repositories)
	if l := in.lock(t); l == "" {
		n.doubt("there is no lock file: the install resolves versions and writes one")
	}
}

// composerRepositories follows repositories of type path.
func composerRepositories(t *Tree, in *DepsInstall, n *Needs, p string, raw json.RawMessage) {
	type repository struct{ Type, URL string }
	var list []json.RawMessage
	var named map[string]json.RawMessage
	if json.Unmarshal(raw, &list) != nil && json.Unmarshal(raw, &named) == nil {
		for _, k := range sortedRaw(named) {
			list = append(list, named[k])
		}
	}
	for _, raw := range list {
		var r repository
		if json.Unmarshal(raw, &r) != nil {
			continue // false: a repository that is switched off
		}
		switch r.Type {
		case "path":
			if strings.ContainsAny(r.URL, "*{?") {
				n.stop("%s takes packages from %s", t.rel(p), r.URL)
				return
			}
			dir := join(in.Dir, r.URL)
			if !t.IsDir(dir) || Within(in.Dir, dir) {
				n.stop("%s takes a package from %s, which is not among the copied files of the build context", t.rel(p), r.URL)
				return
			}
			n.dir(dir)
		case "artifact":
			n.stop("%s takes packages from %s", t.rel(p), r.URL)
		}
	}
}

func sortedRaw(m map[string]json.RawMessage) []string {
	keys := map[string]string{}
	for k := range m {
		keys[k] = ""
	}
	return sortedKeys(keys)
}
