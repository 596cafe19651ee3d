#!/usr/bin/env bash
# Runs the local stack for real and tests it: builds the images, brings docker-compose.yml up, posts to
# it from outside, kills each container in turn, checks that nothing was lost, and takes all down.
#   scripts/stack.sh                 with every compose that is here: the plugin v2, and 1.29
# Where no docker engine answers, one is started by hand (scripts/engine.sh, needs root) and stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -eq 0 ] || { sed -n '2,5p' "$0"; exit 2; }

if ! docker info >/dev/null 2>&1; then
  eval "$(scripts/engine.sh start)"
  trap 'scripts/engine.sh stop' EXIT
fi
missing=()
docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || missing+=(docker-compose)
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
  echo "stack: installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
[ -x .cache/tools/bin/grpcurl ] || scripts/install-tools.sh

log=build/stack-image.log
mkdir -p build
build() {
  local started=$SECONDS
  echo "stack: building $1"
  # The host's network, for engines whose containers have none of their own to the outside.
  docker build --network host -t "$1" "${@:2}" . >"$log" 2>&1 || { tail -n 30 "$log"; exit 1; }
  echo "stack: $1 is $(docker image inspect -f '{{.Size}}' "$1" | awk '{printf "%.0f", $1 / 1e6}') MB," \
    "built in $((SECONDS - started)) s"
}
build hookbridge --build-arg VERSION="$(git describe --always --dirty --tags)"
build hookbridge-subscriber-python -f client/examples/python/Dockerfile
build hookbridge-subscriber-go -f client/examples/go/Dockerfile
build hookbridge-grpcurl -f deploy/grpcurl/Dockerfile

test_with() {
  echo "stack: testing with $* $("$@" version --short)"
  HOOKBRIDGE_BUILD=build HOOKBRIDGE_COMPOSE="$*" /usr/bin/python3 -B tests/e2e/stack_test.py -v
}
if docker compose version >/dev/null 2>&1; then test_with docker compose; fi
if command -v docker-compose >/dev/null; then test_with docker-compose; fi
