#!/bin/sh
# Builds everything in the one configuration that is used, release, runs all tests and then the snippets that the README shows.
set -eu
cd "$(dirname "$0")/.."
swift build -c release --build-tests
swift test -c release --skip-build
for snippet in Snippets/*.swift; do
  name="$(basename "$snippet" .swift)"
  echo "snippet $name"
  swift run -c release "$name" >/dev/null
done
