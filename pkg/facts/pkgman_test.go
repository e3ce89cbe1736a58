package facts

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refit-dev/refit/pkg/parse"
)

// load gives the facts of a Dockerfile.
func load(t *testing.T, src string) *Facts {
	t.Helper()
	f, err := parse.Parse([]byte(src))
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return New(f, Options{})
}

// TestInvocations checks what is read of a command line: the manager, the
// sub-command, options and operands.
func TestInvocations(t *testing.T) {
	for _, c := range []struct{ run, want string }{
		{"apt-get install -y curl git", "apt install [-y] [curl git]"},
		{"sudo -E apt-get -qq update", "apt update [-qq] []"},
		{"sudo -u root apt-get update", "apt update [] []"},
		{"env -u X DEBIAN_FRONTEND=noninteractive apt-get install x", "apt install [] [x]"},
		{"exec apt-get install x", "apt install [] [x]"},
		{"DEBIAN_FRONTEND=noninteractive apt-get install x", "apt install [] [x]"},
		{"xargs -n 1 apt-get install -y", "apt install [-y] []"},
		{"timeout -k 5 300 apt-get update", "apt update [] []"},
		{"nice -n 10 apt-get update", "apt update [] []"},
		{"apt-get -o Acquire::Retries=3 install x", "apt install [-o] [x]"},
		{"apt-get -qqo Dir::Cache=x install y", "apt install [-qqo] [y]"},
		{"apk --no-cache add -t .deps gcc", "apk add [--no-cache -t] [gcc]"},
		{"/sbin/apk add x", "apk add [] [x]"},
		{"pip3.12 install -r req.txt flask", "pip install [-r] [flask]"},
		{"python3 -m pip install x", "pip install [] [x]"},
		{"\"$VENV\"/bin/python -m pip install x", "pip install [] [x]"},
		{"\"$VENV\"/bin/pip install x", "pip install [] [x]"},
		{"uv pip install --system x", "uv pip install [--system] [x]"},
		{"corepack pnpm install", "pnpm install [] []"},
		{"yarn", "yarn  [] []"},
		{"yarn --frozen-lockfile", "yarn  [--frozen-lockfile] []"},
		{"yarn global add x", "yarn global add [] [x]"},
		{"npm cache clean --force", "npm cache clean [--force] []"},
		{"npm --prefix web ci", "npm ci [--prefix] []"},
		{"yum -y -e 0 install x", "yum install [-y -e] [x]"},
		{"zypper -n install x", "zypper install [-n] [x]"},
		{"pacman -Syu --noconfirm x", "pacman -Syu [-Syu --noconfirm] [x]"},
		{"conda env create -f env.yml", "conda env create [-f] []"},
		{"go mod download", "go mod download [] []"},
		{"I='apt-get install -y' && $I x", "apt install [-y] [x]"},
		{"for p in a b; do apk add $p; done", "apk add [] [\x00]"},
		{"if true; then apk add x; fi", "apk add [] [x]"},
		{"(cd /x && npm ci)", "npm ci [] []"},
		{"bash -lc 'npm ci'", "npm ci [] []"},
		{"eval \"apk add x\"", "apk add [] [x]"},
		{"rosdep install -y", "apt rosdep [-y] [install]"},
		{"echo apt-get install", ""},
		{"command -v apt-get", ""},
		{"chroot /x apt-get update", ""},
		{"$CMD install x", ""},
	} {
		fs := load(t, "FROM debian\nRUN "+c.run+"\n")
		var got []string
		for _, v := range fs.Invocations(fs.File.Instructions[1]) {
			words := func(list []Field) string {
				var out []string
				for _, f := range list {
					out = append(out, f.Text)
				}
				return "[" + strings.Join(out, " ") + "]"
			}
			got = append(got, fmt.Sprintf("%s %s %s %s", v.Manager.Name, v.Verb, words(v.Flags), words(v.Args)))
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s: %q, want %q", c.run, s, c.want)
		}
	}
}

// TestVariables checks which variables of the file are used.
func TestVariables(t *testing.T) {
	for _, c := range []struct {
		src  string
		want bool
	}{
		{"FROM debian\nENV APT=apt-get\nRUN $APT update\n", true},
		{"FROM debian AS a\nENV APT=apt-get\nFROM a\nRUN $APT update\n", true},
		{"FROM debian\nARG APT=apt-get\nRUN $APT update\n", false}, // --build-arg may say otherwise
		{"FROM debian\nENV APT=apt-get\nRUN APT=x; $APT update\n", false},
		{"FROM debian\nRUN APT=apt-get; APT=x; $APT update\n", false},
		{"FROM debian\nRUN [\"apt-get\", \"update\"]\n", true},
	} {
		fs := load(t, c.src)
		last := fs.File.Instructions[len(fs.File.Instructions)-1]
		if got := len(fs.Invocations(last)) == 1; got != c.want {
			t.Errorf("%q: found %v, want %v", c.src, got, c.want)
		}
	}
}

// TestRemoves checks which commands empty a directory.
func TestRemoves(t *testing.T) {
	const lists = "/var/lib/apt/lists"
	for _, c := range []struct {
		run, dir string
		want     bool
	}{
		{"rm -rf /var/lib/apt/lists/*", lists, true},
		{"rm -rf /var/lib/apt/lists", lists, true},
		{"rm -r /var/lib/apt/lists/", lists, true},
		{"rm -rf /tmp/* /var/lib/apt", lists, true},
		{"rm -rf /var/lib/apt/*", lists, true},
		{"rm -rf \"/var/lib/apt/lists\"/*", lists, true},
		{"sudo rm -rf /var/lib/apt/lists/*", lists, true},
		{"rm -rf /var/lib/apt/lists/*_*", lists, true},
		{"rm -rf /var/lib/apt/lists/partial/*", lists, false},
		{"rm -rf /var/lib/apt/lists/deb*", lists, false},
		{"rm -rf /var/lib/{apt,dpkg}/lists/*", lists, false}, // dash expands no braces
		{"rm -rf $DIR/*", lists, false},
		{"find /var/lib/apt/lists -type f -delete", lists, true},
		{"find /var/lib/apt/lists -name 'x*' -delete", lists, false},
		{"ls /var/lib/apt/lists", lists, false},
		{"rm -rf ~/.npm", "~/.npm", true},
		{"rm -rf /root/.npm", "~/.npm", true},
		{"rm -rf $HOME/.npm", "~/.npm", true},
		{"rm -rf /home/x/.npm", "~/.npm", false},
	} {
		fs := load(t, "FROM debian\nRUN "+c.run+"\n")
		calls := fs.Calls(fs.File.Instructions[1])
		if got := len(calls) == 1 && calls[0].Removes(c.dir); got != c.want {
			t.Errorf("%s: empties %s: %v, want %v", c.run, c.dir, got, c.want)
		}
	}
}

// TestNeededLater checks the search for later uses of package lists over the
// stage graph: the line that is found behind line 2, 0 for none, and whether
// it is only a doubt.
func TestNeededLater(t *testing.T) {
	const first = "FROM debian AS a\nRUN apt-get update\n"
	for _, c := range []struct {
		rest  string
		line  int
		doubt bool
	}{
		{"", 0, false},
		{"RUN apt-get install x\n", 3, false},
		{"RUN apt-get update && apt-get install x\n", 0, false},
		{"RUN apt-get update && apt-get install x\nRUN apt-get install y\n", 0, false},
		{"RUN if x; then apt-get update; fi; apt-get install x\n", 3, false},
		{"RUN if x; then apt-get update && apt-get install x; fi\n", 0, false},
		{"RUN apt-get remove x\n", 0, false},
		{"RUN apt-cache policy\n", 3, false},
		{"RUN rm -rf /var/lib/apt/lists/*\nRUN apt-get install x\n", 0, false},
		{"FROM a\nRUN apt-get install x\n", 4, false},
		{"FROM debian\nRUN apt-get install x\n", 0, false},
		{"FROM a AS b\nFROM b\nRUN apt-get install x\n", 5, false},
		{"FROM debian\nCOPY --from=a / /\nRUN apt-get install x\n", 5, false},
		{"FROM debian\nCOPY --from=a /usr /usr\nRUN apt-get install x\n", 0, false},
		{"ONBUILD RUN apt-get install x\n", 3, false},
		{"CMD apt-get install x\n", 3, false},
		{"RUN ./setup.sh\n", 3, true},
		{"RUN bash /x/setup\n", 3, true},
		{"RUN ./setup.sh\nRUN apt-get install x\n", 4, false},
		{"RUN curl -O x && sh x.sh\n", 0, false},
		{"RUN sh -c 'apt-get install x'\n", 3, false},
	} {
		fs := load(t, first+c.rest)
		n, ok := fs.NeededLater(fs.File.Instructions[1], ManagerNamed("apt"))
		line := 0
		if ok {
			line = n.In.StartLine
		}
		if line != c.line || ok && (n.Doubt != "") != c.doubt {
			t.Errorf("%q: line %d, doubt %q; want line %d, doubt %v", c.rest, line, n.Doubt, c.line, c.doubt)
		}
	}
}

// TestBaseImages checks the table of base images.
func TestBaseImages(t *testing.T) {
	for _, c := range []struct {
		from  string
		want  Family
		clean bool // deletes packages itself
	}{
		{"FROM debian", Debian, true}, {"FROM debian:12-slim", Debian, true}, {"FROM docker.io/library/ubuntu:22.04", Ubuntu, true},
		{"FROM python:3.12", Debian, true}, {"FROM python:3.12-alpine3.19", Alpine, true}, {"FROM openjdk:11-jdk-slim", Unknown, true},
		{"ARG V\nFROM node:${V}-bookworm", Debian, true}, {"ARG V\nFROM node:${V}-alpine", Alpine, true}, {"ARG V\nFROM node:$V", Unknown, true},
		{"ARG V\nFROM ubuntu:$V", Ubuntu, true}, {"ARG B\nFROM $B", Unknown, false}, {"FROM example/x", Unknown, false},
		{"FROM kalilinux/kali-rolling", Debian, false}, {"FROM fedora:40", RedHat, true}, {"FROM mcr.microsoft.com/dotnet/sdk:8.0", Unknown, true},
		{"FROM scratch", Scratch, true}, {"FROM debian AS a\nFROM a", Debian, true},
	} {
		fs := load(t, c.from+"\nRUN true\n")
		s := fs.Stages[len(fs.Stages)-1]
		if s.Family != c.want || DockerClean(s) != c.clean {
			t.Errorf("%s: %s, clean %v; want %s, %v", c.from, s.Family, DockerClean(s), c.want, c.clean)
		}
	}
}

// TestHasYes checks clusters of options.
func TestHasYes(t *testing.T) {
	apt, zypper := ManagerNamed("apt"), ManagerNamed("zypper")
	for _, c := range []struct {
		m    *Manager
		word string
		want bool
	}{
		{apt, "-y", true}, {apt, "-qy", true}, {apt, "-yqq", true}, {apt, "--yes", true}, {apt, "-qq", true}, {apt, "-q", false}, {apt, "--quiet", false},
		{zypper, "-n", true}, {zypper, "-qn", true}, {zypper, "--non-interactive", true}, {zypper, "-q", false},
	} {
		if got := c.m.HasYes(c.word); got != c.want {
			t.Errorf("%s %s: %v, want %v", c.m.Name, c.word, got, c.want)
		}
	}
}
