#!/bin/sh
# Builds the command with the Swift runtime inside, so that it starts faster and needs no toolchain, and installs it under $PREFIX (/usr/local).
set -eu
cd "$(dirname "$0")/.."
flags="--scratch-path .build-static"
[ "$(uname)" != Linux ] || flags="$flags --static-swift-stdlib"
# shellcheck disable=SC2086 # several flags
swift build -c release --product epsilon $flags
mkdir -p "${PREFIX:-/usr/local}/bin"
# A copy beside the old one that then takes its place: a running command keeps its file.
cp .build-static/release/epsilon "${PREFIX:-/usr/local}/bin/.epsilon.new"
mv "${PREFIX:-/usr/local}/bin/.epsilon.new" "${PREFIX:-/usr/local}/bin/epsilon"
echo "installed ${PREFIX:-/usr/local}/bin/epsilon"
