package transform

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/internal/lazy"
	"github.com/refit-dev/refit/pkg/facts"
)

// slimImage is a row of the table of images that have a slim variant, a
// smaller image of the same release of the same distribution.
type slimImage struct {
	repo    string
	tags    func(tag string) string // the slim variant of a tag, "" where the tag has none
	tools   bool                    // the default variant is built on buildpack-deps, the slim one is not
	certs   bool                    // the slim variant has ca-certificates
	zones   bool                    // the slim variant has tzdata
	compile string                  // commands that nearly always need a compiler, as words
	alpine  bool                    // there is a variant on Alpine Linux, too
}

// slimImages is the table. The tags are those that
// https://github.com/docker-library/official-images/tree/master/library lists;
// what the variants have is in the Dockerfiles that these name:
// https://github.com/docker-library/python, https://github.com/nodejs/docker-node,
// https://github.com/docker-library/ruby, https://github.com/docker-library/pypy and
// https://github.com/debuerreotype/debuerreotype/blob/master/scripts/.slimify-excludes.
//
// Not in it: golang (no slim variant), rust and haskell (whoever ships them
// compiles), openjdk and eclipse-temurin (a JRE instead of a JDK takes
// knowledge of the program), php and nginx (built on a slim Debian already).
var slimImages = []slimImage{
	{repo: "python", tags: slimBehindVersion, tools: true, certs: true, zones: true, alpine: true},
	{repo: "pypy", tags: slimBehindVersion, tools: true, certs: true, zones: true},
	{repo: "node", tags: slimBehindAll, tools: true, compile: "node-gyp", alpine: true},
	{repo: "ruby", tags: slimBehindVersion, tools: true, certs: true, compile: "bundle bundler gem", alpine: true},
	{repo: "debian", tags: slimDebian, certs: true, zones: true},
}

// slimRow finds the row of an image. Images of one architecture, as in
// arm64v8/python, are built like the others.
func slimRow(repo string) *slimImage {
	if arch, name, ok := strings.Cut(repo, "/"); ok && slices.Contains([]string{"amd64", "arm64v8", "arm32v5", "arm32v6", "arm32v7", "i386", "ppc64le", "riscv64", "s390x"}, arch) {
		repo = name
	}
	for i := range slimImages {
		if slimImages[i].repo == repo {
			return &slimImages[i]
		}
	}
	return nil
}

// debianReleases are the code names whose official images have slim variants.
var debianReleases = []string{"stretch", "buster", "bullseye", "bookworm", "trixie", "forky"}

// slimBehindVersion is the naming of python and ruby: 3.12-bookworm,
// 3.12-slim-bookworm.
func slimBehindVersion(tag string) string {
	version, release, ok := strings.Cut(tag, "-")
	switch {
	case tag == "" || tag == "latest":
		return "slim"
	case slices.Contains(debianReleases, tag):
		return "slim-" + tag
	case !versionTag(version):
		return ""
	case !ok:
		return version + "-slim"
	case slices.Contains(debianReleases, release):
		return version + "-slim-" + release
	}
	return ""
}

// slimBehindAll is the naming of node: 20-bookworm, 20-bookworm-slim.
func slimBehindAll(tag string) string {
	version, release, ok := strings.Cut(tag, "-")
	switch {
	case tag == "" || tag == "latest":
		return "slim"
	case ok && release == "stretch": // the first stretch images had none
		return ""
	case slices.Contains(debianReleases[1:], tag):
		return tag + "-slim"
	case ok && !slices.Contains(debianReleases, release):
		return ""
	case versionTag(version) || slices.Contains([]string{
		"lts", "current", "argon", "boron", "carbon", "dubnium", "erbium", "fermium", "gallium", "hydrogen", "iron", "jod", "krypton",
	}, version):
		return tag + "-slim"
	}
	return ""
}

// slimDebian is the naming of debian: 12, 12.5, bookworm, bookworm-20240612. There
// is no slim variant of the default tag.
func slimDebian(tag string) string {
	name, date, ok := strings.Cut(tag, "-")
	known := slices.Contains(debianReleases, name) || slices.Contains([]string{"stable", "testing", "unstable", "sid", "oldstable", "oldoldstable"}, name)
	switch {
	case ok && (!known || len(date) != 8 || strings.Trim(date, "0123456789") != ""):
		return ""
	case known:
		return tag + "-slim"
	case versionTag(tag):
		major, _, _ := strings.Cut(tag, ".")
		if len(major) == 2 || major == "9" {
			return tag + "-slim"
		}
	}
	return ""
}

// versionTag reports whether a tag is one to three numbers.
func versionTag(tag string) bool {
	parts := strings.Split(tag, ".")
	for _, p := range parts {
		if p == "" || len(p) > 4 || strings.Trim(p, "0123456789") != "" {
			return false
		}
	}
	return len(parts) <= 3
}

// toolPackages gives, for commands of buildpack-deps that the slim variants lack,
// the Debian package that has them. See
// https://github.com/docker-library/buildpack-deps/tree/master/debian.
var toolPackages = lazy.Value[map[string]string]{Make: func() map[string]string {
	return byWord(map[string]string{
		"curl": "curl", "wget": "wget", "git": "git git-lfs", "mercurial": "hg", "subversion": "svn svnadmin",
		"openssh-client": "ssh scp sftp ssh-keygen ssh-keyscan ssh-agent ssh-add ssh-copy-id",
		"gnupg":          "gpg gpgconf gpg-agent dirmngr apt-key",
		"procps":         "ps pgrep pkill top free watch uptime vmstat sysctl w",
		"gcc":            "gcc cc cpp gcov c99 c89", "g++": "g++ c++", "make": "make gmake", "patch": "patch",
		"binutils": "ld as ar nm objdump objcopy strip strings readelf ranlib",
		"autoconf": "autoconf autoreconf autoheader autoupdate", "automake": "automake aclocal", "libtool": "libtool libtoolize",
		"dpkg-dev": "dpkg-buildpackage dpkg-architecture dpkg-source dpkg-scanpackages dpkg-buildflags dpkg-shlibdeps",
		"file":     "file", "unzip": "unzip zipinfo funzip", "bzip2": "bzip2 bunzip2 bzcat", "xz-utils": "xz unxz xzcat",
		"imagemagick": "convert identify mogrify montage composite magick", "pkg-config": "pkg-config pkgconf",
		"libpq-dev": "pg_config", "default-libmysqlclient-dev": "mysql_config mariadb_config",
		"libcurl4-openssl-dev": "curl-config", "libxml2-dev": "xml2-config", "libxslt1-dev": "xslt-config", "libkrb5-dev": "krb5-config",
	})
}}

// byWord turns a map of lists of words into one of each word to its key.
func byWord(lists map[string]string) map[string]string {
	out := map[string]string{}
	for key, words := range lists {
		for _, w := range strings.Fields(words) {
			out[w] = key
		}
	}
	return out
}

// lacks returns the Debian package that must be installed in the slim variant
// for a command, "" if the variant has the command, or the full image lacks it, too.
func (row *slimImage) lacks(command, tag string) string {
	if !row.tools {
		// Debian 10 and older had ping and ip in the default variant, see
		// https://github.com/debuerreotype/debuerreotype/blob/master/examples/debian.sh.
		if major, _, _ := strings.Cut(tag, "."); !slices.Contains([]string{"9", "10"}, major) && !strings.HasPrefix(tag, "stretch") && !strings.HasPrefix(tag, "buster") {
			return ""
		}
		switch command {
		case "ping", "ping4", "ping6":
			return "iputils-ping"
		case "ip", "ss", "bridge", "tc", "lnstat", "nstat":
			return "iproute2"
		}
		return ""
	}
	switch command {
	case "update-ca-certificates":
		if !row.certs {
			return "ca-certificates"
		}
		return ""
	case "python3", "python", "python2", "perl", "openssl":
		if row.repo == "node" || row.repo == "ruby" && strings.HasPrefix(command, "python") {
			return strings.Replace(command, "python2", "python", 1)
		}
		return ""
	}
	return toolPackages.Get()[command]
}

// compiles reports whether a Debian package is there to compile programs.
func compiles(pkg string) bool {
	pkg, _, _ = strings.Cut(pkg, "=")
	switch pkg {
	case "build-essential", "make", "cmake", "ninja-build", "meson", "autoconf", "automake", "libtool", "pkg-config", "pkgconf", "cargo", "rustc", "gfortran", "nasm", "yasm", "swig", "bison", "flex":
		return true
	}
	for _, stem := range []string{"gcc", "g++", "clang", "cpp"} {
		if rest, ok := strings.CutPrefix(pkg, stem); ok && (rest == "" || rest[0] == '-') {
			return true
		}
	}
	return strings.HasSuffix(pkg, "-dev")
}

// manual reports whether installing a Debian package may fail where
// /usr/share/man/man1 is missing, as it is in slim variants: its scripts link
// manual pages. See https://bugs.debian.org/863199.
func manual(pkg string) bool {
	for _, stem := range []string{"default-jre", "default-jdk", "openjdk-", "postgresql", "ca-certificates-java", "tomcat", "maven", "ant", "gradle"} {
		if rest, ok := strings.CutPrefix(pkg, stem); ok && (rest == "" || strings.HasSuffix(stem, "-") || rest[0] == '-' || rest[0] >= '0' && rest[0] <= '9') {
			return true
		}
	}
	return false
}

// needyPackages gives, for packages of pip and npm, what has to be installed in
// a slim variant for them: they are published as source only, or use programs
// and libraries that the full image happens to have.
var needyPackages = lazy.Value[map[string]string]{Make: func() map[string]string {
	return byWord(map[string]string{
		// https://www.psycopg.org/docs/install.html#build-prerequisites
		"gcc and libpq-dev": "psycopg2 psycopg-c",
		"libpq5":            "psycopg",
		// https://github.com/PyMySQL/mysqlclient#install
		"gcc, pkg-config and default-libmysqlclient-dev": "mysqlclient mysql-python",
		// https://www.python-ldap.org/en/latest/installing.html#build-prerequisites
		"gcc, libldap2-dev and libsasl2-dev": "python-ldap",
		"gcc":                                "uwsgi mod-wsgi pycrypto netifaces pybluez cython pybind11 nuitka fasttext hnswlib annoy cchardet pystan fbprophet heapdump node-pty",
		"gcc and libcurl4-openssl-dev":       "pycurl",
		"make, g++ and libpq-dev":            "pg-native libpq",
		// https://www.prisma.io/docs/orm/reference/system-requirements#linux-runtime-dependencies
		"openssl":                           "prisma @prisma/client",
		"libcurl4":                          "mongodb-memory-server",
		"libglib2.0-0":                      "opencv-python opencv-python-headless opencv-contrib-python opencv-contrib-python-headless",
		"gcc and libkrb5-dev":               "gssapi kerberos pykerberos",
		"gcc, libcairo2-dev and pkg-config": "pycairo pygobject",
		"gcc and graphviz-dev":              "pygraphviz",
		"gcc and libsystemd-dev":            "systemd-python",
		"gcc, swig and libssl-dev":          "m2crypto",
		"gcc and libdbus-1-dev":             "dbus-python",
		"gcc and libsqlite3-dev":            "pysqlite3",
		"libmagic1":                         "python-magic filemagic",
		"imagemagick":                       "wand gm imagemagick",
		"libgomp1":                          "lightgbm",
		"binutils":                          "pyinstaller",
		// https://doc.courtbouillon.org/weasyprint/stable/first_steps.html#linux
		"libpango-1.0-0 and libpangoft2-1.0-0": "weasyprint",
		"libcairo2":                            "cairosvg cairocffi",
		"git":                                  "gitpython pre-commit simple-git",
		"tk":                                   "customtkinter",
		// https://github.com/nodejs/node-gyp#installation
		"python3, make and g++": "node-gyp node-sass node-rdkafka node-expat",
	})
}}

// needy returns what a slim variant needs for a package of a language's
// package manager, "" if nothing is known.
func needy(name string) string {
	return needyPackages.Get()[strings.ToLower(strings.ReplaceAll(name, "_", "-"))]
}

// gitSource reports whether a version of a dependency names a git repository.
func gitSource(s string) bool {
	for _, git := range []string{"git+", "git://", "git@", "github:", "gitlab:", "bitbucket:", "ssh://"} {
		if strings.Contains(s, git) {
			return true
		}
	}
	return strings.HasSuffix(s, ".git")
}

// slimNeeds looks through a manifest or lock file for packages that need more
// than a slim variant has. It returns the first, and the Debian packages that
// would have to be installed for it.
func slimNeeds(file string, data []byte) (name, debian string) {
	switch path.Base(file) {
	case "package.json":
		return slimNeedsNode(data)
	case "package-lock.json", "npm-shrinkwrap.json":
		return slimNeedsLock(data)
	}
	text := strings.ToLower(string(data))
	lock := strings.Contains(text, "[[package]]")
	for line := range strings.Lines(text) {
		if gitSource(strings.TrimSpace(strings.TrimRight(line, "\", \t\r\n"))) && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			return "a package from a git repository", "git"
		}
		// Lock files also list what packages could use.
		if lock && !strings.HasPrefix(line, "name = ") {
			continue
		}
		if path.Base(file) == "yarn.lock" && strings.HasPrefix(line, " ") {
			continue
		}
		line, _, _ = strings.Cut(line, " #")
		if strings.HasPrefix(line, "#") {
			continue
		}
		for word := range strings.FieldsFuncSeq(line, func(r rune) bool {
			return r != '-' && r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
		}) {
			switch word {
			case "ext_modules", "cffi_modules", "cythonize", "setuptools_rust", "setuptools-rust", "maturin", "scikit-build", "scikit-build-core", "meson-python":
				return "an extension (" + word + ")", "a compiler"
			case "psycopg":
				if strings.Contains(text, "psycopg-binary") || strings.Contains(text, "psycopg[binary") {
					continue
				}
			}
			if d := needy(word); d != "" {
				return word, d
			}
		}
	}
	return "", ""
}

// slimNeedsNode is slimNeeds for a package.json.
func slimNeedsNode(data []byte) (name, debian string) {
	var m struct {
		Dependencies, DevDependencies, OptionalDependencies map[string]string
	}
	if json.Unmarshal(data, &m) != nil {
		return "", ""
	}
	for _, deps := range []map[string]string{m.Dependencies, m.DevDependencies, m.OptionalDependencies} {
		for _, name := range slices.Sorted(maps.Keys(deps)) {
			v := deps[name]
			if d := needy(name); d != "" {
				return name, d
			}
			if gitSource(v) || strings.Count(v, "/") == 1 && !strings.Contains(v, ":") && !strings.HasPrefix(v, ".") {
				return name + " (from a git repository)", "git"
			}
		}
	}
	return "", ""
}

// slimNeedsLock is slimNeeds for npm's lock file, see
// https://docs.npmjs.com/cli/configuring-npm/package-lock-json.
func slimNeedsLock(data []byte) (name, debian string) {
	type entry struct {
		Resolved, Version string
	}
	var m struct {
		Packages, Dependencies map[string]entry
	}
	if json.Unmarshal(data, &m) != nil {
		return "", ""
	}
	for _, list := range []map[string]entry{m.Packages, m.Dependencies} {
		for _, key := range slices.Sorted(maps.Keys(list)) {
			name := key
			if i := strings.LastIndex(key, "node_modules/"); i >= 0 {
				name = key[i+len("node_modules/"):]
			}
			if d := needy(name); d != "" {
				return name, d
			}
			if gitSource(list[key].Resolved) || gitSource(list[key].Version) {
				return name + " (from a git repository)", "git"
			}
		}
	}
	return "", ""
}

// slimInstalls notes the system packages that a call of a package manager
// installs.
func slimInstalls(v *facts.Invocation) []string {
	if v.Manager.Name != "apt" || v.Role != facts.Install {
		return nil
	}
	var out []string
	for _, f := range v.Args {
		name, _, _ := strings.Cut(f.Text, "=")
		name, _, _ = strings.Cut(name, ":")
		out = append(out, name)
	}
	return out
}
