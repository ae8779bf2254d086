#!/bin/sh
# Measures peers in a Python environment of their own, Benchmarks/.venv. Every peer is optional: what is missing is named in one line,
# and the exit status stays 0. PyTorch is several gigabytes: EPSILON_BENCH_TORCH=1 installs it; where the system's Python has it
# already, that one is used. The accountants of Opacus need no PyTorch and are installed without it.
set -eu
cd "$(dirname "$0")/../Benchmarks"

if ! command -v python3 >/dev/null 2>&1; then
  echo "not measured: peers: there is no python3"
  exit 0
fi
if [ ! -x .venv/bin/python ] && ! python3 -m venv --system-site-packages .venv >/dev/null 2>&1; then
  rm -rf .venv
  echo "not measured: peers: python3 -m venv failed (on Debian, python3-venv may be missing)"
  exit 0
fi
python=.venv/bin/python
export PYTHONDONTWRITEBYTECODE=1

# Installs the package $1, unless its module $2 is there; $3 are further options of pip.
ensure() {
  "$python" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$2') is None)" 2>/dev/null && return 0
  echo "bench-peers: installing $1" >&2
  # shellcheck disable=SC2086
  "$python" -m pip install --quiet --disable-pip-version-check ${3:-} "$1" >&2 || echo "not measured: $1: pip could not install it"
}

ensure numpy numpy
ensure scipy scipy
ensure dp-accounting dp_accounting
ensure prv-accountant prv_accountant
ensure opake-accounting opake
if [ "${EPSILON_BENCH_TORCH:-0}" = 1 ]; then
  ensure torch torch
  ensure opacus opacus
fi
ensure opacus opacus --no-deps

for script in training accounting aggregation; do
  "$python" "Peers/${script}_peer.py" || echo "not measured: $script by peers: the script failed"
done
