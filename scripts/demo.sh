#!/bin/sh
# Builds the command and runs the main job on real data: train on Fashion-MNIST under user-level privacy, then print the report.
set -eu
cd "$(dirname "$0")/.."
swift build -c release --product epsilon
epsilon="$(swift build -c release --show-bin-path)/epsilon"

# A folder of its own for every demo, so that no run is lost.
run="runs/demo"
number=2
while [ -e "$run" ]; do
  run="runs/demo-$number"
  number=$((number + 1))
done

"$epsilon" train Plans/fashion-mnist.yaml --run-dir "$run"
echo
"$epsilon" report "$run"
