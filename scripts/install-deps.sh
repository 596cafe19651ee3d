#!/usr/bin/env bash
# Installs from the distribution what a build needs and is missing. Safe to run again.
#   scripts/install-deps.sh build   compiler, libraries and tools to build and run the bridge
#   scripts/install-deps.sh test    the above, and all that the tests, sanitizers and fuzzers use
#   scripts/install-deps.sh bench   the above, and nginx and wrk
#   scripts/install-deps.sh bazel   what `test` installs, and Bazel
set -euo pipefail
what=${1:-build}

build=(
  git ca-certificates g++ cmake ninja-build ccache pkg-config
  protobuf-compiler protobuf-compiler-grpc libprotobuf-dev libprotoc-dev libgrpc++-dev libgrpc-dev
  libabsl-dev libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libssl-dev libyaml-cpp-dev
  librocksdb-dev libmimalloc-dev zlib1g-dev libzstd-dev libbrotli-dev grpc-proto curl openssl
)
test=(
  clang clang-format clang-tidy llvm lld libclang-rt-14-dev libgtest-dev libgmock-dev libbenchmark-dev
  python3 python3-protobuf python3-grpcio python3-grpc-tools python3-pkg-resources python3-yaml e2fsprogs util-linux procps
)
bench=(nginx-light wrk)
bazel=(bazel-bootstrap bazel-platforms bazel-rules-java bazel-rules-proto)

case $what in
  build) packages=("${build[@]}") ;;
  test) packages=("${build[@]}" "${test[@]}") ;;
  bench) packages=("${build[@]}" "${test[@]}" "${bench[@]}") ;;
  bazel) packages=("${build[@]}" "${test[@]}" "${bazel[@]}") ;;
  *) sed -n '2,6p' "$0"; exit 2 ;;
esac

missing=()
# A command that is already here, from wherever, serves as well as the distribution's package.
need_command() { command -v "$1" >/dev/null || missing+=("$2"); }
if [ "$what" != build ]; then
  need_command go golang-go
  need_command node nodejs
  need_command npm npm
fi
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "install-deps: nothing is missing for '$what'"
  exit 0
fi

sudo=
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "install-deps: needs root, or sudo, to install: ${missing[*]}" >&2; exit 1; }
  sudo=sudo
fi
echo "install-deps: installing ${#missing[@]} packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# Slim images have no folder for manuals, and Java's packages do not install without it.
[ "$what" != bazel ] || $sudo mkdir -p /usr/share/man/man1
$sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
echo "install-deps: done"
