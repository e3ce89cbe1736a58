package transform

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/refit-dev/refit/internal/lazy"
	"github.com/refit-dev/refit/pkg/facts"
)

// tool returns what handles a further command, or nil.
func tool(command string) func(*use, []arg) {
	switch command {
	case "go":
		return (*use).golang
	case "bundle", "bundler":
		return (*use).bundle
	case "gem":
		return named("install", "update", "sources", "cleanup", "env")
	case "composer":
		return (*use).composer
	case "pipenv":
		return (*use).pipenv
	case "poetry":
		return (*use).poetry
	case "uv":
		return (*use).uv
	case "conda", "mamba", "micromamba":
		return (*use).conda
	case "mvn":
		return (*use).maven
	case "gradle":
		return (*use).gradle
	case "dotnet":
		return (*use).dotnet
	case "mix":
		return (*use).mix
	case "dart", "flutter":
		return (*use).pub
	case "swift":
		return (*use).swift
	case "Rscript", "R":
		return (*use).rscript
	case "cargo":
		return (*use).cargo
	case "install2.r", "docker-php-ext-install", "docker-php-ext-configure", "docker-php-ext-enable", "a2enmod", "a2dismod", "cpan", "cpanm":
		return named("")
	case "pipx":
		return named("install", "ensurepath")
	case "rustup":
		return named("default", "target", "component", "toolchain", "update")
	case "pecl":
		return named("install", "update-channels")
	case "luarocks":
		return named("install")
	}
	return nil
}

// named handles commands that take names and no files behind the given
// sub-commands; "" for those without sub-commands.
func named(subs ...string) func(*use, []arg) {
	return func(u *use, args []arg) {
		if subs[0] != "" {
			if len(args) == 0 || !slices.Contains(subs, args[0].s) {
				u.fail("a sub-command that is not known")
				return
			}
			args = args[1:]
		}
		for _, a := range args {
			if !a.known && !a.named() || strings.HasPrefix(a.s, ".") || strings.HasPrefix(a.s, "~") {
				u.fail("a word that is not known")
				return
			}
			if _, v, ok := strings.Cut(a.s, "="); ok && strings.HasPrefix(v, "/") {
				u.path(v)
			} else if strings.HasPrefix(a.s, "/") || strings.HasSuffix(a.s, ".gem") || strings.HasSuffix(a.s, ".tgz") || strings.HasSuffix(a.s, ".tar.gz") {
				u.path(a.s)
			}
		}
	}
}

// project starts an install of the project in the working directory.
func (u *use) project(eco string) *facts.DepsInstall {
	return &facts.DepsInstall{Ecosystem: facts.EcosystemNamed(eco), Dir: path.Join("/", u.cwd), Cwd: u.cwd}
}

// install adds an install, or says that it is not understood.
func (u *use) install(in *facts.DepsInstall, ok bool) {
	name := in.Ecosystem.Name
	switch {
	case !ok:
		u.changes = true
		u.fail("an install by " + name + " with arguments that are not understood")
	case !u.cwdKnown && in.Dir == path.Join("/", u.cwd):
		u.fail("an install by " + name + " in a working directory that is not known")
	default:
		u.usage.cwd = true
		u.installs = append(u.installs, in)
	}
}

// sub is the first word of args, "" if it is not known.
func sub(args []arg) string {
	if len(args) == 0 {
		return ""
	}
	return args[0].s
}

func noWords(arg) bool { return false }

func (u *use) golang(args []arg) {
	switch {
	case sub(args) == "mod" && len(args) > 1 && args[1].s == "download":
		in := u.project("go")
		u.install(in, options(args[2:], set(), func(name string, _ arg) bool { return name == "-x" || name == "-json" }, noWords))
	case sub(args) == "version", sub(args) == "env":
	case sub(args) == "install":
		// A package with a version comes from the network, whatever the project.
		ok := options(args[1:], set("-ldflags", "-tags", "-gcflags"), func(name string, _ arg) bool { return name != "-C" && name != "-modfile" },
			func(a arg) bool { return strings.Contains(a.s, "@") && !strings.HasPrefix(a.s, ".") })
		if !ok {
			u.fail("go install")
		}
	case sub(args) == "clean" && slices.ContainsFunc(args, func(a arg) bool { return a.s == "-modcache" || a.s == "-cache" }):
	default:
		u.fail("go " + sub(args))
	}
}

func (u *use) bundle(args []arg) {
	switch sub(args) {
	case "install", "":
	case "config":
		if slices.ContainsFunc(args, func(a arg) bool { return a.s == "--local" }) {
			u.path(".bundle")
		}
		if !slices.ContainsFunc(args, func(a arg) bool { return a.s == "--global" }) {
			// With a Gemfile at hand the setting is the project's, without one
			// the user's: see https://bundler.io/man/bundle-config.1.html.
			u.settings = "bundle config, which depends on the project"
		}
		if slices.ContainsFunc(args, func(a arg) bool { return a.s == "gemfile" || strings.HasPrefix(a.s, "local.") }) {
			u.fail("bundle config gemfile")
		}
		return
	case "--version", "version", "clean", "update":
		if sub(args) == "update" {
			u.fail("bundle update")
		}
		return
	default:
		u.fail("bundle " + sub(args))
		return
	}
	in := u.project("bundler")
	ok := options(args[min(1, len(args)):], set("--jobs", "-j", "--retry", "--without", "--with", "--path", "--gemfile", "--binstubs", "--trust-policy", "--shebang", "--target-rbconfig"),
		func(name string, v arg) bool {
			switch name {
			case "--gemfile":
				f := u.at(v.s)
				if path.Base(f) != "Gemfile" {
					in.Files = []string{f}
				}
				in.Dir = path.Dir(f)
				return v.certain
			case "--path", "--binstubs":
				in.Writes = append(in.Writes, u.at(v.s))
			case "--frozen", "--deployment":
				in.Locked = true
			}
			return true
		}, func(a arg) bool {
			// --without development test, -j $(nproc)
			return !strings.Contains(a.s, "/")
		})
	u.install(in, ok)
}

func (u *use) composer(args []arg) {
	opts, name, rest := behind(args, set("-d", "--working-dir"))
	all := append(append([]arg{}, opts...), rest...)
	switch name {
	case "install", "i":
	case "clear-cache", "clearcache", "cc", "--version", "-V", "self-update", "about", "":
		return
	case "global", "config":
		if slices.ContainsFunc(all, func(a arg) bool { return a.s == "-g" || a.s == "--global" }) || name == "global" && len(rest) > 0 && rest[0].s == "require" {
			return
		}
		u.fail("composer " + name)
		return
	default:
		u.fail("composer " + name)
		return
	}
	in := u.project("composer")
	ok := options(all, set("-d", "--working-dir", "--ignore-platform-req", "--prefer-install"), func(name string, v arg) bool {
		switch name {
		case "-d", "--working-dir":
			in.Dir = u.at(v.s)
		case "--no-dev":
			in.NoDev = true
		case "--no-scripts":
			in.NoScripts = true
		case "--no-autoloader":
			in.NoAutoloader = true
		case "-o", "--optimize-autoloader", "-a", "--classmap-authoritative":
			in.Optimize = true
		}
		return true
	}, noWords)
	u.install(in, ok)
}

func (u *use) pipenv(args []arg) {
	opts, name, rest := behind(args, set("--python"))
	in := u.project("pipenv")
	switch name {
	case "install":
	case "sync":
		in.Locked = true
	case "--version", "":
		return
	default:
		u.fail("pipenv " + name)
		return
	}
	ok := options(append(append([]arg{}, opts...), rest...), set("--python", "--pypi-mirror", "--categories", "--extra-pip-args"), func(name string, v arg) bool {
		switch name {
		case "--deploy", "--ignore-pipfile":
			in.Locked = true
		case "-r", "--requirements", "-e", "--editable", "-c":
			return false
		}
		return true
	}, noWords)
	u.install(in, ok)
}

func (u *use) poetry(args []arg) {
	opts, name, rest := behind(args, set("-C", "--directory", "-P", "--project"))
	all := append(append([]arg{}, opts...), rest...)
	switch name {
	case "install", "sync":
	case "config":
		if slices.ContainsFunc(all, func(a arg) bool { return a.s == "--local" }) {
			u.fail("poetry config --local")
		}
		return
	case "--version", "-V", "cache", "self":
		return
	default:
		u.fail("poetry " + name)
		return
	}
	in := u.project("poetry")
	ok := options(all, set("--without", "--with", "--only", "-E", "--extras", "-C", "--directory", "-P", "--project"), func(name string, v arg) bool {
		switch name {
		case "--no-root":
			in.NoProject = true
		case "-C", "--directory", "-P", "--project":
			in.Dir = u.at(v.s)
		case "--only-root":
			return false
		}
		return true
	}, noWords)
	u.install(in, ok)
}

func (u *use) uv(args []arg) {
	opts, name, rest := behind(args, set("--directory", "--project", "--cache-dir", "--color", "--config-file"))
	for _, o := range opts {
		if o.s == "--config-file" {
			u.fail("uv --config-file")
			return
		}
	}
	switch name {
	case "pip":
		if slices.ContainsFunc(rest, func(a arg) bool { return a.s == "sync" }) {
			// uv pip sync FILE…: the words are requirements files.
			in := &facts.DepsInstall{Ecosystem: facts.EcosystemNamed("pip"), Dir: u.cwd, Cwd: u.cwd}
			ok := options(rest[1:], pipTakesValue, func(string, arg) bool { return true }, func(a arg) bool {
				in.Files = append(in.Files, u.at(a.s))
				return a.certain && a.known
			})
			u.install(in, ok && len(in.Files) > 0)
			return
		}
		u.pip(rest)
	case "sync":
		in := u.project("uv")
		ok := options(append(append([]arg{}, opts...), rest...), set("--directory", "--project", "--group", "--no-group", "--only-group", "--extra", "--no-extra", "--python", "-p", "--cache-dir", "--index-url", "--extra-index-url", "--default-index", "--index", "--package", "--link-mode", "--no-install-package", "--refresh-package", "--color"),
			func(name string, v arg) bool {
				switch name {
				case "--frozen", "--locked":
					in.Locked = true
				case "--no-install-project", "--no-install-workspace":
					in.NoProject = true
				case "--directory", "--project":
					in.Dir = u.at(v.s)
				case "--package", "--all-packages", "--script", "--inexact", "--active":
					return name == "--inexact" || name == "--active"
				}
				return true
			}, noWords)
		u.install(in, ok)
	case "tool":
		if sub(rest) != "install" {
			u.fail("uv tool")
			return
		}
		named("install", "update")(u, rest)
	case "python", "cache", "--version", "self", "version":
		if sub(rest) == "pin" {
			u.fail("uv python pin")
		}
	case "venv":
		u.path(".venv")
		for _, a := range rest {
			if !strings.HasPrefix(a.s, "-") {
				u.path(a.s)
			}
		}
	default:
		u.fail("uv " + name)
	}
}

func (u *use) conda(args []arg) {
	name := sub(args)
	rest := args[min(1, len(args)):]
	switch name {
	case "env":
		if sub(rest) != "create" && sub(rest) != "update" {
			u.fail("conda env " + sub(rest))
			return
		}
		rest = rest[1:]
	case "create", "install", "update":
	case "clean", "config", "--version", "init", "info", "list":
		return
	default:
		u.fail("conda " + name)
		return
	}
	in := &facts.DepsInstall{Ecosystem: facts.EcosystemNamed("conda"), Dir: u.cwd, Cwd: u.cwd}
	ok := options(rest, set("-f", "--file", "-n", "--name", "-p", "--prefix", "-c", "--channel", "--solver", "--platform"), func(name string, v arg) bool {
		switch name {
		case "-f", "--file":
			if strings.Contains(v.s, "://") {
				return true
			}
			in.Files = append(in.Files, u.at(v.s))
			return v.certain
		case "-p", "--prefix":
			in.Writes = append(in.Writes, u.at(v.s))
		}
		return true
	}, func(a arg) bool { return !strings.Contains(a.s, "/") || strings.Contains(a.s, "::") })
	switch {
	case !ok:
		u.install(in, false)
	case len(in.Files) > 0:
		u.installs = append(u.installs, in)
	case name == "env":
		in.Files = []string{u.at("environment.yml")}
		u.install(in, true)
	default:
		u.paths = append(u.paths, in.Writes...)
	}
}

func (u *use) maven(args []arg) { u.mavenBy("", args) }

func (u *use) mavenBy(wrapper string, args []arg) {
	in := u.project("maven")
	in.Wrapper = wrapper
	goals := 0
	ok := options(args, set("-f", "--file", "-s", "--settings", "-P", "--activate-profiles", "-T", "--threads", "-pl", "--projects", "-D", "-gs", "-l"), func(name string, v arg) bool {
		switch name {
		case "-f", "--file":
			f := u.at(v.s)
			if !strings.HasSuffix(f, ".xml") {
				f = path.Join(f, "pom.xml")
			}
			in.Dir = path.Dir(f)
			if path.Base(f) != "pom.xml" {
				in.Files = []string{f}
			}
		case "-s", "--settings", "-gs":
			u.path(v.s)
		case "-pl", "--projects", "-l":
			return false
		}
		return true
	}, func(a arg) bool {
		goals++
		return a.s == "dependency:go-offline" || a.s == "dependency:resolve" || a.s == "dependency:resolve-plugins" ||
			strings.HasPrefix(a.s, "org.apache.maven.plugins:maven-dependency-plugin:") && strings.HasSuffix(a.s, ":go-offline")
	})
	switch {
	case goals == 0 && ok && len(args) > 0:
	case !ok:
		u.fail("mvn")
	default:
		u.install(in, true)
	}
}

func (u *use) gradle(args []arg) { u.gradleBy("", args) }

func (u *use) gradleBy(wrapper string, args []arg) {
	in := u.project("gradle")
	in.Wrapper = wrapper
	goals := 0
	ok := options(args, set("-p", "--project-dir"), func(name string, v arg) bool {
		switch name {
		case "-p", "--project-dir":
			in.Dir = u.at(v.s)
		case "-b", "--build-file", "-c", "--settings-file", "-I", "--init-script":
			return false
		}
		return true
	}, func(a arg) bool {
		goals++
		return a.s == "dependencies" || a.s == "buildEnvironment"
	})
	switch {
	case !ok || goals == 0 && wrapper == "":
		u.fail("gradle")
	default:
		u.install(in, true)
	}
}

func (u *use) dotnet(args []arg) {
	switch sub(args) {
	case "restore":
	case "--version", "--info", "nuget":
		return
	case "tool":
		if len(args) > 1 && args[1].s == "install" && slices.ContainsFunc(args, func(a arg) bool { return a.s == "-g" || a.s == "--global" || a.s == "--tool-path" }) {
			return
		}
		u.fail("dotnet tool")
		return
	default:
		u.fail("dotnet " + sub(args))
		return
	}
	in := u.project("dotnet")
	ok := options(args[1:], set("-r", "--runtime", "-s", "--source", "--packages", "--configfile", "-v", "--verbosity", "-a", "--arch", "--os", "--lock-file-path"), func(name string, v arg) bool {
		switch name {
		case "--configfile":
			u.path(v.s)
		case "--packages":
			in.Writes = append(in.Writes, u.at(v.s))
		case "--lock-file-path":
			return false
		}
		return true
	}, func(a arg) bool {
		if strings.HasPrefix(a.s, "/p:") || strings.HasPrefix(a.s, "/property:") {
			return true
		}
		f := u.at(a.s)
		if !strings.HasSuffix(f, "proj") && !strings.HasSuffix(f, ".sln") && !strings.HasSuffix(f, ".slnx") {
			in.Dir = f
			return len(in.Files) == 0
		}
		in.Files = append(in.Files, f)
		in.Dir = path.Dir(f)
		return a.certain && len(in.Files) == 1
	})
	u.install(in, ok)
}

func (u *use) mix(args []arg) {
	switch sub(args) {
	case "deps.get":
		in := u.project("mix")
		ok := options(args[1:], set("--only"), func(name string, v arg) bool {
			in.Locked = in.Locked || name == "--check-locked"
			return true
		}, noWords)
		u.install(in, ok)
	case "local.hex", "local.rebar", "--version":
	case "archive.install":
		if len(args) < 2 || args[1].s != "hex" {
			u.fail("mix archive.install")
		}
	default:
		u.fail("mix " + sub(args))
	}
}

func (u *use) pub(args []arg) {
	switch {
	case sub(args) == "pub" && len(args) > 1 && args[1].s == "get":
		in := u.project("pub")
		ok := options(args[2:], set("-C", "--directory"), func(name string, v arg) bool {
			switch name {
			case "--enforce-lockfile":
				in.Locked = true
			case "-C", "--directory":
				in.Dir = u.at(v.s)
			}
			return true
		}, noWords)
		u.install(in, ok)
	case sub(args) == "--version", sub(args) == "config", sub(args) == "precache", sub(args) == "doctor":
	case sub(args) == "pub" && len(args) > 2 && args[1].s == "global" && args[2].s == "activate":
		if slices.ContainsFunc(args, func(a arg) bool { return a.s == "path" || a.s == "-s" || a.s == "--source" }) {
			u.fail("dart pub global activate")
		}
	default:
		u.fail("dart " + sub(args))
	}
}

func (u *use) swift(args []arg) {
	if sub(args) == "--version" {
		return
	}
	if sub(args) != "package" {
		u.fail("swift " + sub(args))
		return
	}
	in := u.project("swift")
	resolve := false
	ok := options(args[1:], set("--package-path"), func(name string, v arg) bool {
		switch name {
		case "--package-path":
			in.Dir = u.at(v.s)
		case "--force-resolved-versions", "--disable-automatic-resolution", "--only-use-versions-from-resolved-file":
			in.Locked = true
		}
		return true
	}, func(a arg) bool {
		resolve = a.s == "resolve"
		return resolve
	})
	u.install(in, ok && resolve)
}

var (
	renvRestore = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp {
		return regexp.MustCompile(`^\s*(?:options\(renv\.[a-z.]+\s*=\s*[A-Za-z0-9"]+\);?\s*)*renv::restore\([^()/]*\)\s*;?\s*$`)
	}}
	installPackage = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp {
		return regexp.MustCompile(`^\s*(?:install\.packages|remotes::install_(?:version|cran|github)|BiocManager::install|pak::pkg_install|pak::pak)\((?:[^()/]|c\([^()/]*\)|https?://|/)*\)\s*;?\s*$`)
	}}
)

// rscript handles R -e 'renv::restore()' and installs of named packages.
func (u *use) rscript(args []arg) {
	in := u.project("renv")
	restore, other := false, false
	for i := 0; i < len(args); i++ {
		switch {
		case args[i].known && (args[i].s == "-e" || args[i].s == "--e") && i+1 < len(args):
			i++
			switch {
			case args[i].known && renvRestore.Get().MatchString(args[i].s):
				restore = true
			case args[i].known && installPackage.Get().MatchString(args[i].s) && !strings.Contains(args[i].s, "repos = NULL") && !strings.Contains(args[i].s, "repos=NULL"):
			default:
				other = true
			}
		case args[i].known && strings.HasPrefix(args[i].s, "--"):
		default:
			other = true
		}
	}
	switch {
	case other || len(args) == 0:
		u.fail("R")
	case restore:
		u.install(in, true)
	}
}

func (u *use) cargo(args []arg) {
	switch sub(args) {
	case "install":
		ok := options(args[1:], set("--version", "--vers", "--git", "--tag", "--branch", "--rev", "--root", "--features", "-F", "--target", "--profile", "-j", "--registry", "--bin"), func(name string, v arg) bool {
			if name == "--root" {
				u.path(v.s)
			}
			return name != "--path" && !(name == "--git" && !strings.Contains(v.s, "://"))
		}, func(a arg) bool { return !strings.Contains(a.s, "/") && !strings.HasPrefix(a.s, ".") })
		if !ok {
			u.fail("cargo install")
		}
	case "--version", "-V":
	case "fetch":
		in := u.project("cargo")
		u.install(in, true)
	default:
		u.fail("cargo " + sub(args))
	}
}
