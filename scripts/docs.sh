#!/bin/sh
# Builds the reference documentation of the accounting target and its neighbours with DocC. Optional: needs the plug-in to be fetched.
set -eu
cd "$(dirname "$0")/.."
for target in PrivacyEvents PrivacyAccounting Aggregation FederatedLearning PrivateTraining; do
  EPSILON_DOCS=1 swift package --allow-writing-to-directory ".build/docs/$target" \
    generate-documentation --target "$target" --output-path ".build/docs/$target"
done
echo "documentation: .build/docs"
