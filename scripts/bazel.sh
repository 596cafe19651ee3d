#!/usr/bin/env bash
# Installs what is missing, then builds and tests with Bazel. CMake is the build; this shows that
# both make the same.
#   scripts/bazel.sh           the bridge and the unit tests
#   scripts/bazel.sh --all     everything: bazel test //...
#   scripts/bazel.sh ARG...    bazel ARG..., as scripts/bazel.sh test --config=asan //tests/unit/...
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-} in
  '') set -- test //server:hookbridge //tests/unit/... ;;
  --all) set -- test //... ;;
  -h | --help) sed -n '2,6p' "$0"; exit 2 ;;
esac

scripts/install-deps.sh bazel
# The published vectors, where they are beside the source.
vectors=$PWD/../shared/vectors/official.json
[ ! -f "$vectors" ] || export HOOKBRIDGE_VECTORS=${HOOKBRIDGE_VECTORS:-$vectors}
echo "bazel.sh: bazel $*"
exec bazel "$@"
