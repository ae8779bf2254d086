#!/bin/sh
# Builds the reference documentation of the main libraries with DocC, whose plug-in is fetched for this alone.
set -eu
cd "$(dirname "$0")/.."
mkdir -p .build/docs
for target in PrivacyEvents PrivacyAccounting Aggregation FederatedLearning PrivateTraining; do
  EPSILON_DOCS=1 swift package --allow-writing-to-directory .build/docs \
    generate-documentation --target "$target" --output-path ".build/docs/$target"
done
echo "documentation: .build/docs"
