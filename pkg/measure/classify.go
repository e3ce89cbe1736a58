package measure

import (
	"archive/tar"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Expectation is what the changes of a Dockerfile declared about the image. The zero value declares only what every
// rewrite may do: caches of package managers and temporary files may go.
type Expectation struct {
	// Paths are glob patterns (doublestar syntax, without a leading slash) of files that may go or change.
	Paths []string
	// Owners are glob patterns of folders whose owner may change.
	Owners []string
	// Config names fields of the config that may change, such as "Cmd" or "author", as in Difference.Config; a name
	// covers everything below it ("Label" every label, "Label version" that one).
	Config []string
	// Packages: fewer Debian packages may be installed than before, with everything that their installation does.
	Packages bool
	// Subset: the image after may hold less than the image before (another base image, build tools left in a stage).
	Subset bool
	// Kept are paths that the image after must have as the image before has them, with all below, whatever else is declared.
	Kept []string
	// Base: the image after is built on another base image, which may bring its own config but for the fields and
	// variables in Sets, named as in Config: the Dockerfile sets those itself.
	Base bool
	Sets []string
	// Varies are paths that differ between two builds of the Dockerfile before, with leading slash.
	Varies map[string]bool
}

type rule struct {
	pattern string // doublestar pattern of paths without leading slash
	reason  string
}

// matches reports the reason of the first rule that fits the name.
func matches(rules []rule, name string) (string, bool) {
	for _, r := range rules {
		if ok, err := doublestar.Match(r.pattern, name); err == nil && ok {
			return r.reason, true
		}
	}
	return "", false
}

// noise comes, goes and differs from build to build.
var noise = []rule{
	{"var/log/{apt,dpkg.log,alternatives.log,bootstrap.log,fontconfig.log,lastlog,faillog,tallylog,btmp,wtmp}", "log"},
	{"var/log/apt/**", "log"},
	{"var/log/{yum,dnf,dnf.rpm,dnf.librepo,hawkey,zypper,pacman}.log", "log"},
	{"**/.npm/_logs{,/**}", "log"},
	{"**/.npm/_update-notifier-last-checked", "log"},
	{"**/__pycache__{,/**}", "bytecode cache"},
	{"**/*.pyc", "bytecode cache"},
	{"**/.config/go/telemetry{,/**}", "log"},
	{"var/cache/ldconfig/aux-cache", "linker cache"},
	{"tmp/{v8-compile-cache,node-compile-cache,node-jiti,npm-,yarn--}*{,/**}", "compiler cache"},
}

// backups are copies that a tool made before it changed a file.
var backups = []rule{
	{"etc/{passwd,group,shadow,gshadow,subuid,subgid}-", "backup"},
	{"var/{cache/debconf,lib/dpkg}/*-old", "backup"},
}

// noisyContent differs in content from build to build; the file itself must stay.
var noisyContent = []rule{
	{"etc/ld.so.cache", "linker cache"},
	{"etc/machine-id", "machine id"},
	{"var/lib/dbus/machine-id", "machine id"},
	{"etc/ssh/ssh_host_*", "machine key"},
	{"etc/ssl/certs/java/cacerts", "key store with times"},
	{"etc/ssl/{certs/ssl-cert-snakeoil.pem,private/ssl-cert-snakeoil.key}", "machine key"},
	{"var/cache/{fontconfig,man,debconf}/**", "cache"},
	{"var/lib/systemd/catalog/database", "cache"},
	{"**/node_modules/{.modules.yaml,.yarn-integrity,.yarn-state.yml}", "installation times"},
	{"**/{mkmf.log,gem_make.out}", "log"},
}

// caches is what package managers leave behind and fetch again when they need it.
var caches = []rule{
	{"var/lib/apt/lists/**", "apt lists"},
	{"var/cache/apt/**", "apt cache"},
	{"var/cache/{apk,yum,dnf,libdnf5,zypp,PackageKit}{,/**}", "package cache"},
	{"var/cache/pacman/pkg/**", "package cache"},
	{"var/lib/{dnf,yum}/{repos,yumdb}/**", "package cache"},
	{"{root,home/*}/.cache/{pip,pipenv,pypoetry,uv,yarn,pnpm,composer,go-build,node,node-gyp,bazelisk,ms-playwright-tmp}{,/**}", "package cache"},
	{"{root,home/*}/.{npm,bundle/cache,composer/cache,gem/specs,bun/install/cache,yarn/berry/cache,yarn/cache,cargo/registry}{,/**}", "package cache"},
	{"usr/local/share/.cache{,/**}", "package cache"},
	{"**/{pnpm/store,.pnpm-store}{,/**}", "package cache"},
	{"usr/local/{bundle,cargo}/{cache,registry}{,/**}", "package cache"},
	{"{usr/local/lib/ruby/gems,var/lib/gems,usr/lib/ruby/gems}/*/cache/**", "package cache"},
	{"{opt,root,usr/local,home/*}/{conda,miniconda,miniconda3,anaconda3,miniforge3,mambaforge}/pkgs/**", "package cache"},
	{"{go,root/go}/pkg/mod{,/**}", "module cache"},
	{"{go,root/go}/pkg/sumdb{,/**}", "module cache"},
	{"tmp/*{,/**}", "temporary file"},
	{"var/tmp/*{,/**}", "temporary file"},
}

// cacheRoots are folders that exist only to hold caches: they may go when empty otherwise.
var cacheRoots = []rule{
	{"{root,home/*}/.cache", "package cache"},
	{"{root,home/*}/.config", "settings of a package manager"},
	{"{root,home/*}/.{bundle,composer,gem,bun,bun/install,yarn,yarn/berry,cargo}", "package cache"},
	{"go/pkg", "module cache"},
}

func benignContent(name string) bool {
	for _, rules := range [][]rule{noise, backups} {
		if _, ok := matches(rules, name); ok {
			return true
		}
	}
	if _, ok := matches(caches, name); ok {
		return true
	}
	_, ok := matches(noisyContent, name)
	return ok
}

type judge struct {
	want          Expectation
	before, after map[string]*Inode
	pkgs          *packages
	made          []string // with want.Base: folders above what is copied, and above the working directory
}

// classify decides what a difference means, and why.
func (j *judge) classify(d *Difference) (Class, string) {
	if d.Config != "" {
		return j.classifyConfig(d)
	}
	name := strings.TrimPrefix(d.Path, "/")
	if why, ok := matches(backups, name); ok {
		return Benign, why // its mode is that of the moment, too
	}
	exists := d.What == "missing" || d.What == "added"
	if exists || d.What == "content" {
		if why, ok := matches(noise, name); ok {
			return Benign, why
		}
	}
	if d.What == "content" {
		if why, ok := matches(noisyContent, name); ok {
			return Benign, why
		}
	}
	if why, ok := matches(caches, name); ok {
		switch d.What {
		case "missing":
			return Declared, why + " removed"
		case "added", "content":
			return Benign, why
		}
	}
	if n := j.after[name]; j.want.Base && n != nil && n.Type == tar.TypeDir && (d.What == "mode" || d.What == "owner") {
		// Folders of the old base image that the new one lacks are made anew on the way to what is copied there.
		if slices.Contains(j.made, name) {
			return Declared, "made on the way to a file or to the working directory"
		}
		if _, ok := matches(caches, name); ok {
			return Declared, "package cache of another base image"
		}
	}
	if why, ok := matches(cacheRoots, name); ok && d.What == "missing" && j.onlyCachesBelow(name) {
		return Declared, why + " removed"
	}
	if j.want.Varies[d.Path] {
		return Benign, "differs between two builds of the same Dockerfile"
	}
	for _, k := range j.want.Kept {
		if name == k || strings.HasPrefix(name, k+"/") {
			return Unexpected, ""
		}
	}
	for _, p := range j.want.Paths {
		if ok, err := doublestar.Match(p, name); err == nil && ok {
			return Declared, "declared by a change"
		}
	}
	if n := j.after[name]; d.What == "owner" && n != nil && n.Type == tar.TypeDir {
		for _, p := range j.want.Owners {
			if ok, err := doublestar.Match(p, name); err == nil && ok {
				return Declared, "COPY --chown owns the folders that it makes"
			}
		}
	}
	if j.pkgs != nil {
		if why := j.pkgs.explain(d, name); why != "" {
			return Declared, why
		}
	}
	if j.want.Subset && d.What == "missing" {
		return Declared, "left out of the smaller image"
	}
	return Unexpected, ""
}

// onlyCachesBelow says that everything below the folder in the image before is a cache or a folder for caches.
func (j *judge) onlyCachesBelow(dir string) bool {
	for name, n := range j.before {
		if !strings.HasPrefix(name, dir+"/") || j.after[name] != nil {
			continue
		}
		if _, ok := matches(caches, name); ok {
			continue
		}
		if _, ok := matches(noise, name); ok {
			continue
		}
		if _, ok := matches(cacheRoots, name); ok && n.Type == tar.TypeDir {
			continue
		}
		return false
	}
	return true
}

func (j *judge) classifyConfig(d *Difference) (Class, string) {
	field, _, _ := strings.Cut(d.Config, " ")
	if slices.Contains(j.want.Config, field) || slices.Contains(j.want.Config, d.Config) {
		return Declared, "declared by a change"
	}
	if j.want.Base && slices.Contains(baseFields, field) && !slices.Contains(j.want.Sets, field) && !slices.Contains(j.want.Sets, d.Config) {
		return Declared, "set by the base image"
	}
	return Unexpected, ""
}

// baseFields are the fields of the config that base images set for their own sake.
var baseFields = []string{"Env", "Cmd", "Entrypoint", "Label"}

// normalForm returns a function that takes out of a file's bytes what depends on the day and on the order of
// installation, or nil.
func normalForm(name string) func([]byte) []byte {
	switch name {
	case "etc/shadow", "etc/gshadow":
		return withoutDays
	case "var/lib/dpkg/status", "var/lib/apt/extended_states":
		return sortedStanzas
	case "var/lib/dpkg/diversions", "var/lib/dpkg/triggers/File", "var/lib/dpkg/statoverride":
		return sortedLines
	}
	if ok, _ := path.Match("var/lib/dpkg/triggers/*", name); ok {
		return sortedLines
	}
	return nil
}

// withoutDays blanks the third field of each line of /etc/shadow, the day of the last change.
func withoutDays(b []byte) []byte {
	lines := strings.Split(string(b), "\n")
	for i, l := range lines {
		if f := strings.Split(l, ":"); len(f) > 3 {
			f[2] = ""
			lines[i] = strings.Join(f, ":")
		}
	}
	return []byte(strings.Join(lines, "\n"))
}

func sortedStanzas(b []byte) []byte {
	s := strings.Split(strings.TrimSpace(string(b)), "\n\n")
	slices.Sort(s)
	return []byte(strings.Join(s, "\n\n"))
}

func sortedLines(b []byte) []byte {
	s := strings.Split(strings.TrimSpace(string(b)), "\n")
	slices.Sort(s)
	return []byte(strings.Join(s, "\n"))
}
