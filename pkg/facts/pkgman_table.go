package facts

// Sources of the table: the manual pages apt-get(8), apk(8), dnf(8), yum(8),
// zypper(8), pacman(8); https://pip.pypa.io/en/stable/cli/pip_install/,
// https://docs.npmjs.com/cli/commands/npm-cache,
// https://classic.yarnpkg.com/en/docs/cli/cache,
// https://pnpm.io/cli/store, https://getcomposer.org/doc/03-cli.md,
// https://docs.conda.io/projects/conda/en/stable/commands/clean.html,
// https://pkg.go.dev/cmd/go#hdr-Remove_object_files_and_cached_files,
// https://doc.rust-lang.org/cargo/guide/cargo-home.html.
var managers = []*Manager{
	{
		Name: "apt", Mounts: []string{"/var/cache/apt", "/var/lib/apt/lists"}, Keep: "-o Dir::Cache::archives=kept", Families: []Family{Debian, Ubuntu}, Commands: []string{"apt-get", "apt", "aptitude", "apt-fast"}, System: true, Needs: true,
		Verbs: Roles{
			{"update", Update}, {"install", Install}, {"reinstall", Install}, {"build-dep", Install}, {"source", Install}, {"download", Install},
			{"upgrade", Upgrade}, {"dist-upgrade", Upgrade}, {"full-upgrade", Upgrade}, {"safe-upgrade", Upgrade}, {"dselect-upgrade", Upgrade}, {"satisfy", Install},
			{"remove", Remove}, {"purge", Remove}, {"autoremove", Remove}, {"autopurge", Remove},
			{"clean", Clean}, {"autoclean", Clean}, {"distclean", Clean}, {"dist-clean", Clean}, {"auto-clean", Clean},
			{"changelog", Query}, {"list", Query}, {"search", Query}, {"show", Query}, {"indextargets", Query}, {"policy", Query},
		},
		Args:   []string{"-o", "--option", "-t", "--target-release", "--default-release", "-c", "--config-file", "-a", "--host-architecture", "-P", "--build-profiles"},
		Yes:    []string{"-y", "--yes", "--assume-yes", "--force-yes", "-qq"},
		Assume: "-y",
		Lists:  []string{"/var/lib/apt/lists"}, Caches: []string{"/var/cache/apt/archives"},
		Helpers: Roles{
			{"apt-cache", Query}, {"rosdep", Query}, {"mk-build-deps", Query}, {"gdebi", Query}, {"apt-file", Query}, {"apt-rdepends", Query},
			{"apt-add-repository", Update}, {"add-apt-repository", Update},
		},
		Cleanup: "rm -rf /var/lib/apt/lists/*",
	},
	{
		Name: "apk", Mounts: []string{"/etc/apk/cache"}, Families: []Family{Alpine}, Commands: []string{"apk"}, System: true, Needs: true,
		Verbs: Roles{
			{"update", Update}, {"add", Install}, {"upgrade", Upgrade}, {"fix", Upgrade}, {"fetch", Install}, {"del", Remove},
			{"search", Query}, {"list", Query}, {"policy", Query}, {"version", Query}, {"cache", Query}, {"dot", Query},
		},
		Args: []string{"-p", "--root", "-X", "--repository", "-t", "--virtual", "--arch", "--cache-dir", "--cache-max-age", "--keys-dir",
			"--repositories-file", "--wait", "--progress-fd", "-o", "--output", "--timeout"},
		NoCache: []string{"--no-cache"}, Lists: []string{"/var/cache/apk"}, Caches: []string{"/var/cache/apk", "/etc/apk/cache"},
		Cleanup: "rm -rf /var/cache/apk/*",
		// --no-cache came with apk-tools 2.6, Alpine 3.3.
		OldBases: []string{"alpine:3.0", "alpine:3.1", "alpine:3.2", "alpine:2.6", "alpine:2.7"},
	},
	{
		Name: "dnf", Mounts: []string{"/var/cache/dnf", "/var/cache/libdnf5"}, Keep: "--setopt=keepcache=1", Commands: []string{"dnf", "dnf5", "dnf-3"}, System: true, Verbs: rpmVerbs, Args: rpmArgs,
		Yes: []string{"-y", "--assumeyes"}, Assume: "-y", Caches: []string{"/var/cache/dnf", "/var/cache/libdnf5"},
		Cleanup: "dnf clean all", Kin: []string{"yum", "microdnf"}, Offline: []string{"-C", "--cacheonly"},
	},
	{
		Name: "yum", Mounts: []string{"/var/cache/yum", "/var/cache/dnf"}, Keep: "--setopt=keepcache=1", Commands: []string{"yum"}, System: true, Verbs: rpmVerbs, Args: rpmArgs,
		Yes: []string{"-y", "--assumeyes"}, Assume: "-y", Caches: []string{"/var/cache/yum", "/var/cache/dnf"}, Kin: []string{"dnf", "microdnf"},
		Helpers: Roles{{"yum-builddep", Install}, {"yumdownloader", Install}},
		Cleanup: "yum clean all && rm -rf /var/cache/yum", Offline: []string{"-C", "--cacheonly"},
	},
	{
		Name: "microdnf", Mounts: []string{"/var/cache/yum"}, Commands: []string{"microdnf"}, System: true, Verbs: rpmVerbs, Args: rpmArgs,
		Yes: []string{"-y", "--assumeyes"}, Assume: "-y", Caches: []string{"/var/cache/dnf", "/var/cache/yum", "/var/cache/libdnf5"}, Cleanup: "microdnf clean all", Kin: []string{"dnf", "yum"},
	},
	{
		Name: "tdnf", Commands: []string{"tdnf"}, System: true, Verbs: rpmVerbs, Args: rpmArgs,
		Yes: []string{"-y", "--assumeyes"}, Assume: "-y", Caches: []string{"/var/cache/tdnf"}, Cleanup: "tdnf clean all",
	},
	{
		Name: "zypper", Mounts: []string{"/var/cache/zypp"}, Families: []Family{SUSE}, Commands: []string{"zypper"}, System: true,
		Verbs: Roles{
			{"install", Install}, {"in", Install}, {"install-new-recommends", Install}, {"source-install", Install}, {"si", Install}, {"update", Upgrade}, {"up", Upgrade},
			{"dist-upgrade", Upgrade}, {"dup", Upgrade}, {"patch", Upgrade}, {"refresh", Update}, {"ref", Update}, {"remove", Remove}, {"rm", Remove},
			{"clean", Clean}, {"cc", Clean},
		},
		Args:   []string{"-R", "--root", "-D", "--reposd-dir", "-C", "--cache-dir", "--raw-cache-dir", "--solv-cache-dir", "--pkg-cache-dir", "-c", "--config", "-p", "--plus-repo", "-r", "--repo", "--from", "-t", "--type"},
		Yes:    []string{"-y", "--no-confirm", "-n", "--non-interactive"},
		Assume: "-n", Caches: []string{"/var/cache/zypp"}, Cleanup: "zypper clean --all",
	},
	{
		Name: "pacman", Mounts: []string{"/var/cache/pacman/pkg"}, Families: []Family{Arch}, Commands: []string{"pacman"}, System: true, Letters: Roles{{"S", Install}, {"R", Remove}, {"Q", Query}, {"U", Install}},
		Args: []string{"-r", "--root", "-b", "--dbpath", "--cachedir", "--config", "--arch", "--gpgdir", "--hookdir", "--logfile", "--overwrite", "--ignore", "--ignoregroup", "--assume-installed"},
		Yes:  []string{"--noconfirm"}, Assume: "--noconfirm", Caches: []string{"/var/cache/pacman/pkg"}, Cleanup: "rm -rf /var/cache/pacman/pkg/*",
	},
	{
		Name: "pip", Mounts: []string{"~/.cache/pip"}, Commands: []string{"pip#"}, Module: "pip",
		Verbs: Roles{{"install", Install}, {"download", Install}, {"wheel", Install}, {"uninstall", Remove}, {"cache purge", Clean}},
		Args: []string{"-r", "--requirement", "-c", "--constraint", "-i", "--index-url", "--extra-index-url", "-f", "--find-links", "-t", "--target", "-e", "--editable",
			"--prefix", "--root", "--src", "--python", "--proxy", "--trusted-host", "--timeout", "--retries", "--platform", "--python-version", "--only-binary", "--no-binary",
			"--global-option", "--install-option", "--build-option", "-b", "--build", "-w", "--wheel-dir", "-d", "--dest", "--cache-dir", "--log", "--upgrade-strategy", "-C", "--config-settings"},
		// pip takes an option's name cut short.
		NoCache: []string{"--no-cache-dir", "--no-cache"}, Env: []string{"PIP_NO_CACHE_DIR", "PIP_CACHE_DIR"}, Caches: []string{"~/.cache/pip"},
		Cleanup: "rm -rf ~/.cache/pip",
		// pip 6.0 brought the cache and the option to switch it off.
		OldBases: []string{":trusty", ":precise", ":jessie", ":wheezy", "ubuntu:12.04", "ubuntu:14.04", "debian:7", "debian:8", "ubuntu:14.10", "centos:6", "centos:centos6",
			":ubuntu14", ":ubuntu12", ":ubuntu14.04", ":debian8"},
	},
	{
		Name: "uv", Mounts: []string{"~/.cache/uv"}, Commands: []string{"uv"},
		Verbs: Roles{
			{"pip install", Install}, {"pip sync", Install}, {"sync", Install}, {"add", Install}, {"tool install", Install}, {"run", Install}, {"venv", Other},
			{"cache clean", Clean}, {"cache prune", Clean}, {"clean", Clean},
		},
		Args: []string{"-r", "--requirement", "--requirements", "-c", "--constraint", "--python", "-p", "--group", "--extra", "--index-url", "--extra-index-url", "--index", "--default-index",
			"--directory", "--project", "--cache-dir", "--no-group", "--only-group", "--package", "--target", "--prefix", "-o", "--output-file", "--find-links", "-f", "--link-mode", "--config-file", "--with"},
		NoCache: []string{"--no-cache", "-n", "--no-cache-dir"}, Env: []string{"UV_NO_CACHE", "UV_CACHE_DIR"}, Caches: []string{"~/.cache/uv"},
	},
	{
		Name: "pipenv", Commands: []string{"pipenv"}, Module: "pipenv", Verbs: Roles{{"install", Install}, {"sync", Install}, {"update", Install}, {"--clear", Clean}},
		Args: []string{"--python", "-r", "--requirements", "-i", "--index", "--pypi-mirror"},
		Env:  []string{"PIPENV_CACHE_DIR", "PIP_NO_CACHE_DIR", "PIP_CACHE_DIR"}, Caches: []string{"~/.cache/pipenv", "~/.cache/pip"}, Cleanup: "rm -rf ~/.cache/pip ~/.cache/pipenv",
	},
	{
		Name: "poetry", Commands: []string{"poetry"}, Module: "poetry", Verbs: Roles{{"install", Install}, {"update", Install}, {"add", Install}, {"sync", Install}, {"cache clear", Clean}},
		Args: []string{"-C", "--directory", "-P", "--project", "--with", "--without", "--only", "-E", "--extras"},
		Env:  []string{"POETRY_CACHE_DIR"}, Caches: []string{"~/.cache/pypoetry/artifacts", "~/.cache/pypoetry/cache"},
		// Virtual environments live in ~/.cache/pypoetry too.
		Cleanup: "rm -rf ~/.cache/pypoetry/artifacts ~/.cache/pypoetry/cache",
	},
	{
		Name: "npm", Mounts: []string{"~/.npm"}, Images: []string{"node"}, Commands: []string{"npm"},
		Verbs: Roles{
			{"install", Install}, {"i", Install}, {"add", Install}, {"ci", Install}, {"clean-install", Install}, {"install-clean", Install}, {"ic", Install}, {"update", Upgrade}, {"up", Upgrade},
			{"install-ci-test", Install}, {"cit", Install}, {"it", Install}, {"install-test", Install}, {"isntall", Install}, {"cache clean", Clean}, {"cache clear", Clean}, {"cache rm", Clean},
		},
		Args: []string{"--prefix", "-C", "--registry", "--cache", "-w", "--workspace", "--loglevel", "--userconfig", "--globalconfig", "--omit", "--include", "--tag", "--fetch-retries"},
		Env:  []string{"npm_config_cache", "NPM_CONFIG_CACHE"}, Caches: []string{"~/.npm"}, Cleanup: "npm cache clean --force",
		Offline: []string{"--offline", "--prefer-offline"},
	},
	{
		Name: "yarn", Mounts: []string{"/usr/local/share/.cache/yarn"}, Images: []string{"node"}, Commands: []string{"yarn", "yarnpkg"}, Bare: Install,
		Verbs: Roles{{"install", Install}, {"add", Install}, {"upgrade", Upgrade}, {"global add", Install}, {"global upgrade", Install}, {"cache clean", Clean}, {"cache clear", Clean},
			{"workspaces focus", Install}, {"up", Upgrade}, {"dlx", Other}, {"run", Other}, {"build", Other}},
		Args: []string{"--cwd", "--modules-folder", "--cache-folder", "--registry", "--network-timeout", "--mutex", "--network-concurrency", "--prefix", "--global-folder"},
		Env:  []string{"YARN_CACHE_FOLDER", "YARN_GLOBAL_FOLDER"}, Caches: []string{"/usr/local/share/.cache/yarn", "~/.cache/yarn", "~/.yarn", "~/.yarn/berry/cache"}, Cleanup: "yarn cache clean", Offline: []string{"--offline", "--prefer-offline"},
	},
	{
		Name: "pnpm", Mounts: []string{"~/.local/share/pnpm/store"}, Commands: []string{"pnpm"},
		Verbs: Roles{{"install", Install}, {"i", Install}, {"add", Install}, {"update", Upgrade}, {"up", Upgrade}, {"fetch", Install}, {"ci", Install}, {"store prune", Clean}, {"deploy", Install}},
		Args:  []string{"-C", "--dir", "-F", "--filter", "--store-dir", "--registry", "--reporter", "--modules-dir", "--network-concurrency"},
		Env:   []string{"PNPM_STORE_DIR", "npm_config_store_dir", "NPM_CONFIG_STORE_DIR"}, Caches: []string{"~/.local/share/pnpm/store", "/pnpm/store", "~/.pnpm-store"}, Shared: []string{"/pnpm"},
		Cleanup: "pnpm store prune", Offline: []string{"--offline", "--prefer-offline"},
	},
	{
		Name: "bun", Mounts: []string{"~/.bun/install/cache"}, Commands: []string{"bun"},
		Verbs: Roles{{"install", Install}, {"i", Install}, {"add", Install}, {"a", Install}, {"ci", Install}, {"update", Upgrade}, {"pm cache rm", Clean}},
		Args:  []string{"--cwd", "--cache-dir", "--registry", "-c", "--config", "--backend"},
		Env:   []string{"BUN_INSTALL_CACHE_DIR", "BUN_INSTALL"}, Caches: []string{"~/.bun/install/cache"}, Cleanup: "rm -rf ~/.bun/install/cache",
	},
	{
		Name: "gem", Commands: []string{"gem", "gem#"}, Verbs: Roles{{"install", Install}, {"i", Install}, {"update", Upgrade}, {"sources --clear-all", Clean}},
		Args:    []string{"-v", "--version", "-i", "--install-dir", "-n", "--bindir", "-P", "--trust-policy", "-p", "--http-proxy", "-s", "--source", "-B", "--bulk-threshold", "-g", "--file", "--platform", "--build-root", "--without", "-u"},
		NoCache: []string{"--no-document", "-N", "--no-doc", "--no-rdoc", "--no-ri"}, OldBases: []string{":trusty", ":precise", ":wheezy", "ubuntu:12.04", "ubuntu:14.04", "debian:7", "centos:6", "centos:centos6"}, Caches: []string{"~/.gem/specs", "~/.local/share/gem/specs"},
	},
	{
		Name: "bundle", Mounts: []string{"~/.bundle/cache"}, Commands: []string{"bundle", "bundler"}, Bare: Install, Verbs: Roles{{"install", Install}, {"update", Install}, {"clean", Other}, {"exec", Other}, {"config", Other}, {"check", Other}, {"package", Other}, {"cache", Other}},
		Args: []string{"--gemfile", "--path", "--jobs", "-j", "--retry", "--without", "--with", "--trust-policy", "--shebang", "--standalone"},
		Env:  []string{"BUNDLE_USER_CACHE", "BUNDLE_USER_HOME"}, Caches: []string{"~/.bundle/cache"}, Cleanup: "rm -rf ~/.bundle/cache",
	},
	{
		Name: "composer", Mounts: []string{"~/.composer/cache"}, Images: []string{"composer"}, Commands: []string{"composer", "composer.phar"},
		Verbs: Roles{{"install", Install}, {"i", Install}, {"update", Install}, {"u", Install}, {"upgrade", Install}, {"require", Install}, {"r", Install}, {"create-project", Install},
			{"global require", Install}, {"global install", Install}, {"global update", Install}, {"clear-cache", Clean}, {"clearcache", Clean}, {"cc", Clean}},
		Args: []string{"-d", "--working-dir"}, NoCache: []string{"--no-cache"}, Env: []string{"COMPOSER_CACHE_DIR", "COMPOSER_HOME"},
		Caches: []string{"~/.composer/cache", "~/.cache/composer", "/tmp/cache"}, Cleanup: "composer clear-cache",
	},
	{
		Name: "conda", Mounts: []string{"/opt/conda/pkgs"}, Images: []string{"continuumio/miniconda3", "continuumio/anaconda3", "condaforge/miniforge3"}, Commands: []string{"conda", "mamba", "micromamba"},
		Verbs: Roles{{"install", Install}, {"create", Install}, {"update", Upgrade}, {"upgrade", Upgrade}, {"env create", Install}, {"env update", Install}, {"clean", Clean}},
		Args:  []string{"-n", "--name", "-p", "--prefix", "-c", "--channel", "-f", "--file", "-r", "--root-prefix", "--solver"},
		Yes:   []string{"-y", "--yes"}, Assume: "-y", Caches: []string{"/opt/conda/pkgs", "~/.conda/pkgs"}, Env: []string{"CONDA_PKGS_DIRS"}, Cleanup: "conda clean -afy", Offline: []string{"--offline"},
	},
	{
		Name: "go", Mounts: []string{"~/.cache/go-build", "/go/pkg/mod"}, Images: []string{"golang"}, Commands: []string{"go"},
		Verbs:  Roles{{"build", Install}, {"install", Install}, {"get", Install}, {"mod download", Install}, {"mod vendor", Install}, {"mod tidy", Install}, {"test", Install}, {"run", Install}, {"vet", Install}, {"generate", Install}, {"clean", Clean}},
		Args:   []string{"-C", "-o", "-ldflags", "-tags", "-gcflags", "-mod", "-p", "-asmflags", "-buildmode", "-installsuffix", "-modfile", "-pkgdir", "-toolexec", "-overlay"},
		Env:    []string{"GOCACHE", "GOMODCACHE", "GOFLAGS"},
		Caches: []string{"~/.cache/go-build", "/go/pkg/mod"}, Cleanup: "go clean -cache -modcache",
	},
	{
		Name: "cargo", Mounts: []string{"/usr/local/cargo/registry", "/usr/local/cargo/git"}, Images: []string{"rust"}, Commands: []string{"cargo"},
		Verbs:  Roles{{"build", Install}, {"b", Install}, {"install", Install}, {"fetch", Install}, {"update", Update}, {"test", Install}, {"run", Install}, {"check", Install}, {"clean", Clean}, {"binstall", Install}, {"chef cook", Install}},
		Args:   []string{"--manifest-path", "--target", "--target-dir", "--features", "--bin", "-p", "--package", "--profile", "--root", "--git", "--tag", "--branch", "--rev", "--version", "--path", "-j", "--jobs", "-Z", "--config", "--registry", "--index", "--example"},
		Caches: []string{"~/.cargo/registry", "~/.cargo/git", "/usr/local/cargo/registry", "/usr/local/cargo/git"}, Offline: []string{"--offline", "--frozen"},
		Cleanup: `rm -rf "${CARGO_HOME:-$HOME/.cargo}/registry"`,
	},
}

// rpmVerbs and rpmArgs are common to yum and its successors. They fetch
// metadata themselves when it is missing or old.
var rpmVerbs = Roles{
	{"install", Install}, {"reinstall", Install}, {"localinstall", Install}, {"groupinstall", Install}, {"group install", Install}, {"group", Install}, {"builddep", Install}, {"download", Install},
	{"install-n", Install}, {"module install", Install}, {"module", Other}, {"swap", Install}, {"downgrade", Install}, {"distro-sync", Upgrade}, {"distrosync", Upgrade},
	{"update", Upgrade}, {"upgrade", Upgrade}, {"update-minimal", Upgrade}, {"upgrade-minimal", Upgrade}, {"check-update", Update}, {"makecache", Update},
	{"remove", Remove}, {"erase", Remove}, {"autoremove", Remove}, {"clean", Clean}, {"list", Update}, {"info", Update}, {"search", Update}, {"repoquery", Update}, {"provides", Update},
}

var rpmArgs = []string{
	"-c", "--config", "-x", "--exclude", "--enablerepo", "--disablerepo", "--repo", "--repoid", "--installroot", "--releasever", "--setopt", "-d", "--debuglevel",
	"-e", "--errorlevel", "-R", "--randomwait", "--rpmverbosity", "--forcearch", "--advisory", "--bz", "--cve", "--sec-severity", "--comment", "--disableplugin", "--enableplugin", "--destdir", "--downloaddir", "--nodocs=",
}
