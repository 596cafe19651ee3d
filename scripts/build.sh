#!/usr/bin/env bash
# Builds targets of a preset with a progress line: scripts/build.sh PRESET [TARGET...]
# On a terminal ninja's own line; elsewhere a line for each tenth.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:?usage: scripts/build.sh PRESET [TARGET...]}
shift
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >/dev/null
if [ -t 1 ]; then
  exec ninja -C "build/$preset" "$@"
fi
started=$SECONDS
NINJA_STATUS='%f/%t ' ninja -C "build/$preset" "$@" 2>&1 | awk -v preset="$preset" '
  /^[0-9]+\/[0-9]+ / {
    split($1, n, "/"); tenth = int(n[1] * 10 / n[2])
    if (tenth != last) { printf "build %s: %d %% (%s)\n", preset, tenth * 10, $1; last = tenth; fflush() }
    line = $0; next
  }
  { print; fflush() }'
echo "build $preset: done in $((SECONDS - started)) s"
