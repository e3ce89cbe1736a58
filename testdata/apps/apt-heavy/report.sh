#!/bin/sh
set -e
dot -Tps graph.dot -o out/graph.ps
gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfwrite -sOutputFile=out/graph.pdf out/graph.ps
jq -n --arg size "$(wc -c <out/graph.pdf)" '{report: "ok", bytes: ($size | tonumber > 0)}' -c
