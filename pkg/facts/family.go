package facts

import (
	"strings"

	"github.com/refit-dev/refit/internal/lazy"
	"github.com/refit-dev/refit/pkg/parse"
)

// Family is the kind of user space of a base image.
type Family uint8

// The families.
const (
	Unknown Family = iota
	Alpine
	Debian
	Ubuntu
	RedHat // RHEL, CentOS, Rocky, Alma, Oracle, Amazon Linux, Fedora, UBI
	SUSE
	Arch
	Busybox
	Scratch
	Distroless
	Windows
)

func (f Family) String() string {
	return [...]string{"unknown", "alpine", "debian", "ubuntu", "redhat", "suse", "arch", "busybox", "scratch", "distroless", "windows"}[f]
}

// image is a row of the table of base images: the family of the image's
// default tags. Tags that name a distribution win over it.
type image struct {
	family Family
	root   bool // its default user is root
	top    bool // its working directory is /
}

// baseImage is the row of a well-known base, by repository without docker.io/library. Most
// official images are built on Debian and have Alpine variants; see
// https://github.com/docker-library/official-images.
func baseImage(repo string) (row image, ok bool) {
	switch repo {
	case "alpine", "docker", "traefik":
		return image{Alpine, true, true}, true
	case "debian", "buildpack-deps", "python", "node", "ruby", "rust", "gcc", "nginx", "postgres", "elixir", "erlang", "haskell",
		"julia", "r-base", "denoland/deno", "kalilinux/kali-rolling", "continuumio/miniconda3", "continuumio/anaconda3":
		return image{Debian, true, true}, true
	case "ubuntu", "eclipse-temurin", "maven", "mariadb", "mongo", "rabbitmq", "swift", "rocker/r-ver", "nvidia/cuda",
		"phusion/baseimage", "condaforge/miniforge3":
		return image{Ubuntu, true, true}, true
	case "busybox":
		return image{Busybox, true, true}, true
	case "php", "perl", "golang", "httpd", "redis", "dart", "wordpress", "drupal", "oven/bun":
		return image{Debian, true, false}, true
	case "openjdk":
		return image{Unknown, true, true}, true
	case "gradle", "tomcat":
		return image{Ubuntu, true, false}, true
	case "mysql", "fedora", "centos", "rockylinux", "almalinux", "oraclelinux", "amazonlinux",
		"registry.access.redhat.com/ubi8/ubi", "registry.access.redhat.com/ubi9/ubi":
		return image{RedHat, true, true}, true
	case "memcached":
		return image{Debian, false, true}, true
	case "composer", "caddy":
		return image{Alpine, true, false}, true
	case "opensuse/leap", "opensuse/tumbleweed":
		return image{SUSE, true, true}, true
	case "archlinux":
		return image{Arch, true, true}, true
	}
	return image{}, false
}

// tagFamilies are parts of tags that name a distribution.
var tagFamilies = []struct {
	part   string
	family Family
}{
	{"alpine", Alpine},
	{"bookworm", Debian}, {"bullseye", Debian}, {"buster", Debian}, {"stretch", Debian}, {"jessie", Debian},
	{"trixie", Debian}, {"wheezy", Debian}, {"sid", Debian}, {"debian", Debian},
	{"ubuntu", Ubuntu}, {"noble", Ubuntu}, {"jammy", Ubuntu}, {"focal", Ubuntu}, {"bionic", Ubuntu}, {"xenial", Ubuntu}, {"trusty", Ubuntu},
	{"ubi", RedHat}, {"centos", RedHat}, {"rockylinux", RedHat}, {"rocky", RedHat}, {"fedora", RedHat}, {"amazonlinux", RedHat}, {"oracle", RedHat},
	{"nanoserver", Windows}, {"windowsservercore", Windows}, {"servercore", Windows}, {"windows", Windows}, {"ltsc", Windows},
}

// SplitReference splits an image reference into repository (without
// docker.io/ and library/), tag and digest.
func SplitReference(ref string) (repo, tag, digest string) {
	repo, digest, _ = strings.Cut(ref, "@")
	if i := strings.LastIndexByte(repo, ':'); i > strings.LastIndexByte(repo, '/') {
		repo, tag = repo[:i], repo[i+1:]
	}
	for _, p := range []string{"docker.io/", "index.docker.io/", "registry-1.docker.io/"} {
		repo = strings.TrimPrefix(repo, p)
	}
	for _, p := range []string{"library/", "mirror.gcr.io/library/", "public.ecr.aws/docker/library/"} {
		repo = strings.TrimPrefix(repo, p)
	}
	return repo, tag, digest
}

// familyOf gives the family of a base image. raw is the FROM argument as
// written, for hints where the value is unknown.
func familyOf(ref Value, raw, platform string, f *parse.File) Family {
	hint := strings.ToLower(raw)
	if ref.Known {
		hint = strings.ToLower(ref.S)
	}
	if strings.HasPrefix(strings.ToLower(platform), "windows") {
		return Windows
	}
	for _, part := range []string{"windows", "nanoserver", "servercore", "dotnet/framework", "microsoft/iis", "microsoft/aspnet", "/iis"} {
		if strings.Contains(hint, part) {
			return Windows
		}
	}
	if ref.Known {
		if ref.S == "scratch" {
			return Scratch
		}
		repo, tag, _ := SplitReference(hint)
		if strings.Contains(repo, "distroless") || strings.Contains(repo, "chainguard/") {
			return Distroless
		}
		img, ok := baseImage(repo)
		for _, t := range tagFamilies {
			if hasPart(tag, t.part) {
				return t.family
			}
		}
		if ok {
			return img.family
		}
		for _, name := range []struct {
			part   string
			family Family
		}{
			{"alpine", Alpine}, {"debian", Debian}, {"ubuntu", Ubuntu}, {"centos", RedHat}, {"fedora", RedHat},
			{"ubi", RedHat}, {"rockylinux", RedHat}, {"almalinux", RedHat}, {"amazonlinux", RedHat}, {"opensuse", SUSE}, {"archlinux", Arch},
		} {
			if hasPart(repo, name.part) {
				return name.family
			}
		}
	}
	if windowsHints(f) {
		return Windows
	}
	// Where only the tag holds an unknown variable, what is written of it
	// and the repository may say enough.
	if repo, tag, _ := SplitReference(hint); !ref.Known && !strings.Contains(repo, "$") {
		for _, t := range tagFamilies {
			if hasPart(tag, t.part) {
				return t.family
			}
		}
		if isDistribution(repo) {
			img, _ := baseImage(repo)
			return img.family
		}
	}
	return Unknown
}

// isDistribution tells repositories all of whose tags are one distribution.
func isDistribution(repo string) bool {
	switch repo {
	case "alpine", "debian", "ubuntu", "fedora", "centos", "rockylinux", "almalinux",
		"oraclelinux", "amazonlinux", "archlinux", "opensuse/leap", "opensuse/tumbleweed":
		return true
	}
	return false
}

// hasPart reports whether s has part between separators, a version digit
// behind it allowed: "3.12-alpine3.19" has "alpine".
func hasPart(s, part string) bool {
	for i := 0; ; {
		j := strings.Index(s[i:], part)
		if j < 0 {
			return false
		}
		j += i
		end := j + len(part)
		left := j == 0 || strings.IndexByte("-_./:", s[j-1]) >= 0
		right := end == len(s) || strings.IndexByte("-_./:0123456789", s[end]) >= 0
		if left && right {
			return true
		}
		i = end
	}
}

// windowsHints reports whether a file with an unknown base looks like one for
// Windows: the backtick as escape character, or a Windows shell.
func windowsHints(f *parse.File) bool {
	if f.Escape == '`' {
		return true
	}
	for _, in := range f.Instructions {
		switch in.Name {
		case "SHELL":
			if len(in.Words) > 0 && strings.Contains(strings.ToLower(in.Words[0].Value), "powershell") ||
				len(in.Words) > 0 && strings.HasPrefix(strings.ToLower(in.Words[0].Value), "cmd") {
				return true
			}
		case "RUN", "COPY", "ADD", "WORKDIR":
			t := strings.ToLower(in.Args.Value)
			if strings.HasPrefix(t, "powershell") || strings.Contains(t, `c:\`) || strings.Contains(t, "c:/") {
				return true
			}
		}
	}
	return false
}

func rootByDefault(s *Stage) bool {
	img, _ := baseImage(s.BaseRepo())
	return img.root
}

func workdirIsRoot(s *Stage) bool {
	if s.Image.S == "scratch" {
		return true
	}
	img, _ := baseImage(s.BaseRepo())
	return img.top
}

// DockerClean reports whether the stage's base image deletes packages after
// their installation: the official Debian and Ubuntu images and those built on
// them do, see
// https://github.com/debuerreotype/debuerreotype/blob/master/scripts/debuerreotype-minimizing-config.
func DockerClean(s *Stage) bool {
	repo := s.BaseRepo()
	for _, other := range []string{"kali", "balenalib/", "resin/", "raspbian", "parrot"} {
		if strings.Contains(repo, other) {
			return false
		}
	}
	if s.Family == Debian || s.Family == Ubuntu {
		return true
	}
	// Official images and Microsoft's .NET images are built on these two.
	for _, p := range []string{"mcr.microsoft.com/dotnet/", "amd64/", "arm64v8/", "arm32v7/", "i386/", "ppc64le/", "s390x/"} {
		repo = strings.TrimPrefix(repo, p)
	}
	return repo != "" && !strings.Contains(repo, "/")
}

// BaseRepo is the repository of the base image, through the parents, without
// docker.io/library, in lower case. It is known where only the tag holds an
// unknown variable; "" if unknown.
func (s *Stage) BaseRepo() string {
	s = s.root
	ref := s.Image.S
	if !s.Image.Known {
		if len(s.From.Words) == 0 {
			return ""
		}
		ref = s.From.Words[0].Value
	}
	repo, _, _ := SplitReference(strings.ToLower(ref))
	if strings.Contains(repo, "$") {
		return ""
	}
	return repo
}

// baseUsers are users that well-known images create, beside those that every
// distribution has.
var baseUsers = lazy.Value[map[string][]string]{Make: func() map[string][]string {
	return map[string][]string{
		"node": {"node"}, "nginx": {"nginx"}, "postgres": {"postgres"}, "redis": {"redis"}, "mysql": {"mysql"}, "mariadb": {"mysql"},
		"php": {"www-data"}, "httpd": {"www-data"}, "wordpress": {"www-data"}, "oven/bun": {"bun"}, "gradle": {"gradle"}, "ubuntu": {},
	}
}}

// BaseUser reports whether a base image, by repository, is known to have a
// user and group of that name.
func BaseUser(repo, name string) bool {
	for _, u := range baseUsers.Get()[repo] {
		if u == name {
			return true
		}
	}
	img, ok := baseImage(repo)
	return ok && name == "www-data" && (img.family == Debian || img.family == Ubuntu)
}
