#!/usr/bin/env bash
# Installs what is missing, builds, and runs all tests: as shipped, under the address and undefined
# behaviour sanitizers, under the thread sanitizer (what links no gRPC), every fuzzer for a while, and
# the bridge and the unit tests once more with Bazel. Where CI=true also the local stack in containers,
# which takes the ports of docker-compose.yml and starts an engine where none answers.
#   scripts/test.sh                      everything, about half an hour on two cores
#   scripts/test.sh --only release       one of release, asan, tsan, fuzz, bazel, stack
#   scripts/test.sh --fuzz-seconds 600   longer than 20 s for each fuzzer
#   scripts/test.sh --kill-rounds 300    more than 30 rounds of kill -9
# The last line counts the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

only=
fuzz_seconds=20
export HOOKBRIDGE_KILL_ROUNDS=${HOOKBRIDGE_KILL_ROUNDS:-30}
while [ $# -gt 0 ]; do
  case $1 in
    --only) only=$2; shift 2 ;;
    --fuzz-seconds) fuzz_seconds=$2; shift 2 ;;
    --kill-rounds) HOOKBRIDGE_KILL_ROUNDS=$2; shift 2 ;;
    *) sed -n '2,10p' "$0"; exit 2 ;;
  esac
done

started=$SECONDS
passed=0
failed=0
skipped=0
step() { printf '\n== [%4d s] %s\n' $((SECONDS - started)) "$*"; }
wanted() { [ -z "$only" ] || [ "$only" = "$1" ]; }

# Of one run: tests that passed, tests that failed, and its exit status, which fails without them, too.
add_counts() {
  passed=$((passed + $1))
  failed=$((failed + $2))
  [ "$3" -eq 0 ] || [ "$2" -gt 0 ] || failed=$((failed + 1))
}
# Runs ctest and adds its counts.
run_ctest() {
  local preset=$1 log=build/$1/ctest.log status=0
  shift
  ctest --preset "$preset" "$@" 2>&1 | tee "$log" || status=$?
  local total bad
  total=$(sed -n 's/.* out of \([0-9]*\)$/\1/p' "$log" | tail -n 1)
  bad=$(sed -n 's/.*tests passed, \([0-9]*\) tests failed out of.*/\1/p' "$log" | tail -n 1)
  if [ -z "$total" ]; then
    failed=$((failed + 1))
    return
  fi
  add_counts $((total - bad)) "$bad" "$status"
}
# Counts Bazel's own line for each test.
run_bazel() {
  local log=build/bazel.log status=0
  # Bazel's Java writes its certificates there when it is installed.
  if ! command -v bazel >/dev/null && findmnt -nro OPTIONS -T /etc/ssl/certs | grep -qw ro; then
    echo "skipped: /etc/ssl/certs is read-only, so Bazel cannot be installed"
    skipped=$((skipped + 1))
    return
  fi
  mkdir -p build
  scripts/bazel.sh 2>&1 | tee "$log" | grep -vE '^(\[|Loading|Analyzing|INFO: From )' || status=${PIPESTATUS[0]}
  local good bad
  good=$(grep -cE '^//[^ ]+ .*(PASSED|FLAKY)' "$log" || true)
  bad=$(grep -cE '^//[^ ]+ .*(FAILED|TIMEOUT|NO STATUS|INCOMPLETE)' "$log" || true)
  add_counts "$good" "$bad" "$status"
}
# Counts the tests of scripts/stack.sh, which runs them once for each compose that is here.
run_stack() {
  local log=build/stack.log status=0
  if ! docker info >/dev/null 2>&1 && [ "$(id -u)" -ne 0 ]; then
    echo "skipped: no container engine answers, and only root can start one"
    skipped=$((skipped + 1))
    return
  fi
  mkdir -p build
  scripts/stack.sh 2>&1 | tee "$log" || status=$?
  local ran bad
  ran=$(sed -n 's/^Ran \([0-9]*\) tests\{0,1\} in .*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
  bad=$(grep -E '^FAILED \(' "$log" | grep -oE '(failures|errors)=[0-9]+' |
    awk -F= '{n += $2} END {print n + 0}' || true)
  add_counts $((ran - bad)) "$bad" "$status"
}
build() {
  cmake --preset "$1" >/dev/null
  scripts/build.sh "$1"
}
finish() {
  step "done"
  echo "$passed passed, $failed failed$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")"
  [ "$failed" -eq 0 ]
}

step "Install what is missing"
scripts/install-deps.sh test
scripts/install-tools.sh

if wanted release; then
  step "Build as shipped"
  build release
  step "Test as shipped ($HOOKBRIDGE_KILL_ROUNDS rounds of kill -9)"
  run_ctest release
fi
if wanted asan; then
  step "Build with address and undefined behaviour sanitizers"
  build asan
  step "Test with address and undefined behaviour sanitizers"
  HOOKBRIDGE_KILL_ROUNDS=5 run_ctest asan
fi
if wanted tsan; then
  step "Build with the thread sanitizer, without gRPC"
  build tsan
  step "Test with the thread sanitizer"
  run_ctest tsan
fi
if wanted fuzz; then
  step "Build the fuzzers"
  build fuzz
  for fuzzer in build/fuzz/tests/fuzz/*/*_fuzzer; do
    name=$(basename "$fuzzer")
    step "Fuzz $name for $fuzz_seconds s"
    corpus=tests/fuzz/${name%_fuzzer}/corpus
    mkdir -p "build/fuzz/found/$name"
    if "$fuzzer" -max_total_time="$fuzz_seconds" -rss_limit_mb=4096 -print_final_stats=1 \
      -artifact_prefix="build/fuzz/found/$name-" "build/fuzz/found/$name" "$corpus" \
      >"build/fuzz/$name.log" 2>&1; then
      grep -E 'number_of_executed_units' "build/fuzz/$name.log" || true
      passed=$((passed + 1))
    else
      tail -n 30 "build/fuzz/$name.log"
      failed=$((failed + 1))
    fi
  done
fi
if wanted bazel; then
  step "Build and test with Bazel"
  run_bazel
fi
if [ "$only" = stack ] || { [ -z "$only" ] && [ "${CI:-}" = true ]; }; then
  step "Run the local stack in containers"
  run_stack
fi
finish
