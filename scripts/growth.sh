#!/usr/bin/env bash
# Counts the instructions that BenchmarkSizes of pkg/transform executes for n
# and 2n of a kind, which do not vary with the machine's speed as times do, and
# prints how they grow. The collector is off: what is alive decides what it does.
#
#	scripts/growth.sh [fix/label fmt/runs …]
#
# Without names, all kinds: ten minutes and more. Needs valgrind (Debian: apt install valgrind), which takes 30 times as
# long as the processor. The instructions that make the inputs count, too.
set -euo pipefail
cd "$(dirname "$0")/../pkg/transform"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
go test -c -o "$tmp/test" .

# count PATTERN: the instructions of the benchmarks that it matches.
count() {
	GOGC=off GODEBUG=asyncpreemptoff=1 valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null \
		"$tmp/test" -test.run '^$' -test.bench "$1" -test.benchtime 1x -test.cpu 1 >"$tmp/out" 2>&1
	awk '/I *refs/ { gsub(",", "", $NF); print $NF }' "$tmp/out"
}

if [ $# = 0 ]; then
	"$tmp/test" -test.run '^$' -test.bench Sizes -test.benchtime 1x -test.cpu 1 >"$tmp/names"
	mapfile -t names < <(sed -n 's|^BenchmarkSizes/\([a-z]*/[a-z-]*\)/.*|\1|p' "$tmp/names" | sort -u)
	set -- "${names[@]}"
fi
before=$(count '^BenchmarkSizes$/^fix$/^nothing$') # the test program starts
for name in "$@"; do
	n=5000
	if [ "${name#*/}" = heredoc ]; then n=524288; fi
	a=$(count "^BenchmarkSizes\$/^${name%/*}\$/^${name#*/}\$/^$n\$")
	b=$(count "^BenchmarkSizes\$/^${name%/*}\$/^${name#*/}\$/^$((2 * n))\$")
	awk -v name="$name" -v a=$((a - before)) -v b=$((b - before)) 'BEGIN { printf "%-18s %6.0f → %6.0f million  × %.2f\n", name, a / 1e6, b / 1e6, b / a }'
done
