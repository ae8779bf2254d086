#!/bin/sh
# Builds everything in the one configuration that is used, release, and runs all tests.
set -eu
cd "$(dirname "$0")/.."
swift build -c release --build-tests
swift test -c release --skip-build
