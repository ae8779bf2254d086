#!/bin/sh
# Measures Epsilon and then the peers that can be installed, and prints Markdown tables. EPSILON_BENCH_PEERS=0 leaves the peers out.
set -eu
cd "$(dirname "$0")/.."
# The accounting topic times the installed command as well.
prefix="$(mktemp -d)"
PREFIX="$prefix" sh scripts/install.sh >&2
EPSILON_BENCH_COMMAND="$prefix/bin/epsilon"
swift build -c release --package-path Benchmarks --product epsilon-bench >&2
EPSILON_BENCH_RECORD="$(mktemp)"
export EPSILON_BENCH_COMMAND EPSILON_BENCH_RECORD
trap 'rm -rf "$EPSILON_BENCH_RECORD" "$prefix"' EXIT
"$(swift build -c release --package-path Benchmarks --show-bin-path)/epsilon-bench"
[ "${EPSILON_BENCH_PEERS:-1}" = 0 ] || sh scripts/bench-peers.sh
