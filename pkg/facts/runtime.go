package facts

import (
	"slices"
	"strconv"
	"strings"
)

// Runtime is what is known of an image with a compiler, and of the image on
// which what it makes can run.
type Runtime struct {
	Language  string   // go, rust, java, node
	Image     string   // the image to run on: the same distribution and release, without the toolchain
	Workdir   string   // the working directory that the compiler's image starts with
	Roots     bool     // Image lacks the certificate bundle that the compiler's image has in CertificateBundle
	Zones     string   // where the compiler's image has time zones that Image lacks, "" where it lacks none
	Libraries bool     // the compiler's image has the development files of many libraries: programs may be linked with some
	Commands  []string // commands of Image that health checks like to use, beside those of every system
	Lacks     []string // commands that RUN instructions use and that Image may lack
	Path      []string // directories that only the compiler's image has on its PATH
	Env       []string // variables that only the compiler's image sets
	Floating  bool     // Image may be another release than the compiler's image: either follows a tag that moves
}

// CertificateBundle is where Debian's and Alpine's ca-certificates put the roots.
const CertificateBundle = "/etc/ssl/certs/ca-certificates.crt"

// The suites of Debian that images are tagged with.
var debianSuites = []string{"trixie", "bookworm", "bullseye", "buster", "stretch", "jessie"}

// since says on what a version's default tags are built: the first row with the same minor version, or a lower one
// where open is set, and a patch level that is not higher.
type since struct {
	minor, patch int
	open         bool // later minor versions too
	name         string
}

// Debian releases behind tags without one. Golang: supported versions move to a new Debian release with it, the others
// stay, see https://github.com/docker-library/official-images/commits/master/library/golang. A release that is newer
// than the one the compiler was on runs its programs as well: glibc and musl are compatible in that direction. A ?
// marks versions that saw two releases: the newer one stands there.
var (
	goDebian = []since{
		{minor: 25, open: true, name: "trixie"}, {24, 6, false, "trixie"}, {24, 0, false, "bookworm"}, {23, 12, false, "trixie?"}, {23, 0, false, "bookworm"},
		{22, 0, false, "bookworm"}, {21, 0, false, "bookworm"}, {20, 5, false, "bookworm"}, {20, 0, false, "bullseye"}, {19, 10, false, "bookworm"}, {19, 0, false, "bullseye"},
		{18, 0, false, "bullseye"}, {17, 0, false, "bullseye"}, {16, 7, false, "bullseye"}, {16, 0, false, "buster"},
	}
	goAlpine = []since{
		{minor: 25, open: true, name: "3"}, {24, 0, false, "3.23"}, {23, 0, false, "3.22"}, {22, 0, false, "3.21"}, {21, 0, false, "3.20"},
		{20, 0, false, "3.19"}, {19, 0, false, "3.18"}, {18, 0, false, "3.17"}, {17, 0, false, "3.16"}, {16, 0, false, "3.15"},
	}
	// https://github.com/docker-library/official-images/commits/master/library/rust
	rustDebian = []since{{minor: 90, open: true, name: "trixie"}, {89, 0, false, "trixie?"}, {minor: 71, open: true, name: "bookworm"}, {70, 0, false, "bookworm?"},
		{minor: 55, open: true, name: "bullseye"}, {54, 0, false, "bullseye?"}, {minor: 36, open: true, name: "buster"}}
	rustAlpine = []since{{minor: 37, open: true, name: "3"}} // its programs are linked statically
	// https://github.com/nodejs/docker-node: node stays on the Debian release that it was first published on, but for some.
	nodeVersions = []since{{minor: 8, open: true, name: "slim"}}
)

func lookupSince(rows []since, minor, patch int) string {
	for _, r := range rows {
		if (r.minor == minor || r.open && minor > r.minor) && patch >= r.patch {
			return r.name
		}
	}
	return ""
}

// anyPatch is the patch level of a tag that moves along.
const anyPatch = 1 << 30

// version reads 1.22, 1.22.3 or 1. moving is set where minor or patch level are not given.
func version(s string) (major, minor, patch int, moving, ok bool) {
	parts := strings.Split(s, ".")
	minor, patch = anyPatch, anyPatch
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || i > 2 {
			return 0, 0, 0, false, false
		}
		switch i {
		case 0:
			major = n
		case 1:
			minor = n
		case 2:
			patch = n
		}
	}
	return major, minor, patch, minor == anyPatch, true
}

// RuntimeOf returns what runs the programs that an image compiles, or why that
// is not known: "" for images that are not known to compile.
func RuntimeOf(ref string) (rt Runtime, why string) {
	name, digest, _ := strings.Cut(ref, "@")
	repo, tag, _ := SplitReference(strings.ToLower(name))
	prefix, _, ok := strings.Cut(strings.ToLower(name), repo)
	if !ok {
		return rt, ""
	}
	parts := strings.Split(tag, "-")
	switch repo {
	case "golang":
		rt = Runtime{Language: "go", Workdir: "/go", Path: []string{"/go/bin", "/usr/local/go/bin"}, Env: []string{"GOPATH", "GOLANG_VERSION", "GOTOOLCHAIN"}}
		why = rt.system(parts, goDebian, goAlpine, digest)
		if strings.HasPrefix(rt.Image, "alpine") {
			rt.Zones = "/usr/local/go/lib/time/zoneinfo.zip"
		}
	case "rust":
		slim := slices.Contains(parts, "slim")
		parts = slices.DeleteFunc(parts, func(p string) bool { return p == "slim" })
		rt = Runtime{Language: "rust", Workdir: "/", Path: []string{"/usr/local/cargo/bin"}, Env: []string{"RUSTUP_HOME", "CARGO_HOME", "RUST_VERSION"}}
		why = rt.system(parts, rustDebian, rustAlpine, digest)
		rt.Libraries = !slim && strings.HasPrefix(rt.Image, "debian")
	case "node":
		rt = Runtime{Language: "node", Workdir: "/"}
		why = rt.node(tag, parts)
	case "maven", "gradle", "eclipse-temurin", "openjdk":
		rt = Runtime{Language: "java", Workdir: "/", Env: []string{"MAVEN_HOME", "MAVEN_CONFIG", "GRADLE_HOME"}}
		if repo == "gradle" {
			rt.Workdir = "/home/gradle"
		}
		why = rt.java(repo, parts)
	default:
		return rt, ""
	}
	if why == "" && rt.Image == "" {
		return Runtime{}, ""
	}
	if why == "" {
		// Since Debian 13, apt no longer brings adduser.
		if strings.HasPrefix(rt.Image, "debian:trixie") || strings.HasPrefix(rt.Image, "debian:stable") || repo == "node" && !strings.Contains(rt.Image, "alpine") {
			rt.Lacks = []string{"adduser", "addgroup"}
		}
		rt.Image = prefix + rt.Image
	}
	return rt, why
}

// system chooses Debian or Alpine by the parts of a tag.
func (rt *Runtime) system(parts []string, debian, alpine []since, digest string) string {
	v := ""
	if len(parts) > 0 {
		v = parts[0]
	}
	for _, p := range parts {
		switch {
		case slices.Contains(debianSuites, p):
			rt.Image, rt.Roots = "debian:"+p+"-slim", true
			return ""
		case strings.HasPrefix(p, "alpine") && p != "alpine":
			rt.Image, rt.Commands = "alpine:"+strings.TrimPrefix(p, "alpine"), busyboxCommands
			return ""
		}
	}
	base := slices.Contains(parts, "alpine")
	known := len(parts) <= 1 || base && len(parts) <= 2
	if digest != "" || !known {
		return "the release of the system behind its tag is not known"
	}
	if base && len(parts) == 1 || v == "" || v == "latest" {
		v = "1"
	}
	major, minor, patch, moving, ok := version(v)
	switch {
	case !ok || major != 1:
		return "the release of the system behind its tag is not known"
	case base && moving:
		rt.Image, rt.Commands, rt.Floating = "alpine:3", busyboxCommands, true
		return ""
	case moving:
		rt.Image, rt.Roots, rt.Floating = "debian:stable-slim", true, true
		return ""
	}
	rows := debian
	if base {
		rows = alpine
	}
	r := lookupSince(rows, minor, patch)
	switch {
	case r == "":
		return "the release of the system behind its tag is not known"
	case base:
		rt.Image, rt.Commands, rt.Floating = "alpine:"+r, busyboxCommands, r == "3"
	default:
		suite, doubt := strings.CutSuffix(r, "?")
		rt.Image, rt.Roots, rt.Floating = "debian:"+suite+"-slim", true, doubt
	}
	return ""
}

// busyboxCommands are what Alpine has of health checks' favourites.
var busyboxCommands = []string{"wget", "nc", "ps", "pgrep", "pidof", "ping", "netstat", "awk", "sed", "grep"}

// node chooses the slim variant of a tag; Alpine's and slim images stay.
func (rt *Runtime) node(tag string, parts []string) string {
	for _, p := range parts {
		if strings.HasPrefix(p, "alpine") {
			rt.Image, rt.Commands = "node:"+tag, append([]string{"node"}, busyboxCommands...)
			return ""
		}
	}
	rt.Commands = []string{"node"}
	switch {
	case slices.Contains(parts, "slim"):
		rt.Image = "node:" + tag
	case tag == "" || tag == "latest":
		rt.Image = "node:slim"
	case len(parts) == 1 || len(parts) == 2 && slices.Contains(debianSuites, parts[1]):
		major, _, _, _, ok := version(parts[0])
		if parts[0] != "lts" && parts[0] != "current" && (!ok || lookupSince(nodeVersions, major, 0) == "") {
			return "a slim variant of its tag is not known"
		}
		rt.Image = "node:" + tag + "-slim"
	default:
		return "a slim variant of its tag is not known"
	}
	return ""
}

// jreVersions are the Java versions for which eclipse-temurin has images with the run-time environment alone.
var jreVersions = []string{"8", "11", "17", "18", "19", "20", "21", "22", "23", "24", "25"}

// java chooses the image with the run-time environment alone.
func (rt *Runtime) java(repo string, parts []string) string {
	const unknown = "an image with the same Java run-time environment alone is not known"
	java, suite, vendor := "", "", ""
	switch repo {
	case "eclipse-temurin", "openjdk":
		java, vendor = parts[0], repo
		for _, p := range parts[1:] {
			switch p {
			case "jdk":
			case "jre":
				return "" // no compiler in it
			default:
				suite += "-" + p
			}
		}
		if strings.HasPrefix(java, "8u") { // 8u265
			java = "8"
		}
	case "maven", "gradle":
		for i, p := range parts {
			switch {
			case strings.HasPrefix(p, "jdk") && p != "jdk":
				java, vendor = strings.TrimPrefix(p, "jdk"), "eclipse-temurin"
				if repo == "maven" {
					vendor = "openjdk"
				}
			case p == "jdk" && i+1 < len(parts), p == "openjdk" && i+1 < len(parts):
				java, vendor = parts[i+1], "openjdk"
			case p == "temurin" && i > 0 && parts[i-1] == "eclipse" && i+1 < len(parts):
				java, vendor = parts[i+1], "eclipse-temurin"
			default:
				if java != "" && p != java {
					suite += "-" + p
				}
			}
		}
	}
	major, _, _ := strings.Cut(java, ".")
	switch {
	case vendor == "eclipse-temurin" && slices.Contains(jreVersions, major):
		for _, s := range strings.Split(strings.TrimPrefix(suite, "-"), "-") {
			switch s {
			case "", "alpine", "focal", "jammy", "noble":
			default:
				return unknown
			}
		}
		version := major
		if repo == "eclipse-temurin" {
			version = parts[0]
		}
		rt.Image = "eclipse-temurin:" + version + "-jre" + suite
	case vendor == "openjdk" && (java == "8" || java == "11"):
		switch suite {
		case "", "-slim", "-buster", "-bullseye", "-slim-buster", "-slim-bullseye":
		case "-alpine":
			if java != "8" {
				return unknown
			}
		default:
			return unknown
		}
		rt.Image = "openjdk:" + java + "-jre" + suite
	default:
		return unknown
	}
	rt.Commands = []string{"java"}
	if strings.Contains(suite, "alpine") {
		rt.Commands = append(rt.Commands, busyboxCommands...)
	} else if vendor == "eclipse-temurin" {
		rt.Commands = append(rt.Commands, "curl", "wget")
	}
	return ""
}
