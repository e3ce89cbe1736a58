#!/usr/bin/env bash
# Times refit and the formatters of the npm registry on the same files in one
# run, and writes the table between the peers markers of README.md with -w.
#
#	scripts/bench-peers.sh [-w] [-n RUNS] DIR
#
# DIR is searched for Dockerfiles. Needs npm, python3 and hyperfine (Debian: apt install hyperfine). Every tool checks and
# writes nothing. A ratio is a tool's median over that of dprint in the same run. The tools take turns, so that a
# machine whose speed changes is the same for all.
set -euo pipefail
runs=15 write=
while getopts wn: o; do
	case $o in
	w) write=1 ;;
	n) runs=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# = 1 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# As a release is built, see .goreleaser.yaml.
export CGO_ENABLED=0
mkdir "$tmp/built"
(cd "$root" && go run ./scripts/lazyregexp "$tmp/lazyregexp" >/dev/null &&
	go build -modfile "$tmp/lazyregexp/go.mod" -trimpath -tags plain -ldflags "-s -w" -o "$tmp/built/" ./cmd/refit &&
	go build -trimpath -ldflags "-s -w" -o "$tmp/built/" ./scripts/bare)
cp "$tmp/built/"* "$tmp/" # as installed: what the linker has just written starts 10 % slower than a copy
npm install --silent --no-fund --no-audit --prefix "$tmp" dprint @dprint/dockerfile @reteps/dockerfmt dockerfile-utils >/dev/null
node "$tmp/node_modules/dprint/install.cjs" >/dev/null 2>&1 || true
dprint=$(find "$tmp/node_modules/@dprint" -name dprint -type f | head -1)
PATH=$tmp/node_modules/.bin:$PATH

mkdir "$tmp/files"
n=0
while IFS= read -r -d '' f; do
	n=$((n + 1))
	mkdir "$tmp/files/$n"
	cp "$f" "$tmp/files/$n/Dockerfile"
done < <(find "$1" -type f \( -iname '*dockerfile*' -o -iname 'containerfile*' \) -print0)
[ $n -gt 0 ] || { echo "no Dockerfiles in $1" >&2; exit 2; }
mkdir "$tmp/one"
printf 'FROM alpine:3.20\nRUN apk add --no-cache curl\nCMD ["sh"]\n' >"$tmp/one/Dockerfile"
mkdir "$tmp/big"
{ echo 'FROM alpine:3.20'; for ((i = 0; i < 20000; i++)); do echo "RUN echo $i && touch /file-number-$i /other-$i"; done; } >"$tmp/big/Dockerfile"
for d in files one big; do
	printf '{"incremental":false,"dockerfile":{},"includes":["**/Dockerfile"],"plugins":["%s"]}' \
		"$tmp/node_modules/@dprint/dockerfile/plugin.wasm" >"$tmp/$d/dprint.json"
done

# bench DIR ROUNDS RUNS COMMAND…: in each round, each command RUNS times. -N starts a command without a shell.
bench() {
	local dir=$1 rounds=$2 count=$3 i
	shift 3
	for ((i = 0; i < rounds; i++)); do
		(cd "$tmp/$dir" && hyperfine -N -i -w 1 -r "$count" --export-json "$tmp/$dir.$i.json" "$@" >/dev/null 2>&1)
	done
}
bench files "$(((runs + 2) / 3))" 3 "$dprint check" "$tmp/refit fmt --check ." "$tmp/refit fix --diff ." "sh -c 'dockerfmt -c */Dockerfile'"
bench one "$runs" 20 "$dprint check" "$tmp/bare" "$tmp/refit fmt --check Dockerfile" "$tmp/refit fix --diff Dockerfile" "dockerfmt -c Dockerfile" "sh -c 'dockerfile-utils format Dockerfile'"
bench big 1 3 "$dprint check" "$tmp/refit fmt --check Dockerfile" "$tmp/refit fix --diff Dockerfile"

python3 - "$tmp" "$n" "$root/README.md" "${write:-}" <<'PY'
import glob, json, os, statistics, sys
tmp, n, readme, write = sys.argv[1:]
rows = {}
names = ["dprint check", "bare", "refit fmt --check", "refit fix --diff", "dockerfmt -c", "dockerfile-utils format"]
start = {}
for name in ("files", "one", "big"):
    times, cpus = {}, {}
    for f in glob.glob(os.path.join(tmp, name + ".*.json")):
        for r in json.load(open(f))["results"]:
            label = next(x for x in names if all(w in r["command"] for w in x.split()))
            times.setdefault(label, []).extend(r["times"])
            cpus.setdefault(label, []).append(r["user"] + r["system"])
    base = statistics.median(times["dprint check"])
    for label, t in times.items():
        median = statistics.median(t)
        cpu = "" if name == "one" else ", %.3f s of processor time" % statistics.mean(cpus[label])
        rows.setdefault(label, {})[name] = "%.4f s (%.2f)%s" % (median, median / base, cpu)
        if name == "one":
            start[label] = median / statistics.median(times["bare"])
out = ["| whole process, median, in brackets the ratio to dprint | %s files | one small file | 20,000 RUNs in one file |" % n, "|---|---|---|---|"]
for label in names:
    if label in rows:
        shown = {"bare": "a Go program that imports the parsers and does nothing"}.get(label, "`%s`" % label)
        out.append("| %s | %s |" % (shown, " | ".join(rows[label].get(k, "–") for k in ("files", "one", "big"))))
table = "\n".join(out) + "\n"
print(table, end="")
print("one small file, over the Go program that does nothing: " + ", ".join("%s %.2f" % (k, start[k]) for k in names if "refit" in k))
if write:
    s = open(readme).read()
    a, b = s.index("<!-- peers:begin -->\n") + len("<!-- peers:begin -->\n"), s.index("<!-- peers:end -->")
    open(readme, "w").write(s[:a] + "\n" + table + "\n" + s[b:])
PY
