#!/bin/sh
# Installs what is missing: the Debian packages that Epsilon builds and runs with. Asks dpkg first and calls apt
# only for what is absent, through sudo when not root. Does nothing on a machine that has everything.
set -eu

if ! command -v swift >/dev/null 2>&1; then
  echo "setup: no Swift toolchain found: install Swift 6.2 or newer from https://swift.org/install and put 'swift' on the PATH" >&2
  exit 1
fi

packages="make gcc libc6-dev libgsl-dev libfftw3-dev libdnnl-dev libgomp1 libssl-dev libsqlite3-dev zlib1g-dev liblzma-dev pkg-config
dataset-fashion-mnist"

if ! command -v dpkg >/dev/null 2>&1; then
  echo "setup: this is not a Debian system; install these yourself (development files included): GSL, FFTW 3, oneDNN 2 or 3, OpenMP," \
    "OpenSSL 3, SQLite 3, zlib, liblzma, pkg-config and, for the demo, Fashion-MNIST" >&2
  exit 1
fi

missing=""
for package in $packages; do
  dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "setup: installing$missing"
run=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "setup: not root and no sudo: as root run  apt-get install$missing" >&2
    exit 1
  fi
  run="sudo"
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
$run apt-get update -q && $run apt-get install -y -q --no-install-recommends $missing || {
  echo "setup: apt-get failed; when the network is back run  apt-get install$missing" >&2
  exit 1
}
