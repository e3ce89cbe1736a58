#!/bin/sh
# Runs every fuzz target of the module, each for the given time (default 2m).
# REFIT_CORPUS may name a directory of Dockerfiles that are added to the seeds.
set -eu
cd "$(dirname "$0")/.."
time=${1:-2m}
grep -rl --include='*_test.go' '^func Fuzz' pkg | sort | while read -r file; do
    dir=$(dirname "$file")
    sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file" | while read -r target; do
        echo "== $dir $target"
        go test "./$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 5x
    done
done
