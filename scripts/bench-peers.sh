#!/bin/sh
# Measures peers in a Python environment of their own, Benchmarks/.venv. Every peer is optional: what is missing is named in one line,
# and the exit status stays 0. PyTorch and Opacus, which needs it, are several gigabytes: EPSILON_BENCH_TORCH=1 installs them;
# where the system's Python has PyTorch already, that one is used.
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

# Installs one package, unless it is there.
ensure() {
  "$python" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$2') is None)" 2>/dev/null && return 0
  echo "bench-peers: installing $1" >&2
  "$python" -m pip install --quiet --disable-pip-version-check "$1" >&2 || echo "not measured: $1: pip could not install it"
}

ensure numpy numpy
ensure dp-accounting dp_accounting
if [ "${EPSILON_BENCH_TORCH:-0}" = 1 ]; then
  ensure torch torch
  ensure opacus opacus
fi

for script in training accounting aggregation; do
  "$python" "Peers/${script}_peer.py" || echo "not measured: $script by peers: the script failed"
done
