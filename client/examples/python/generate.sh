#!/bin/sh
# Generates the stubs into gen/ with grpcio-tools (pip), or Debian's python3-grpc-tools and
# python3-pkg-resources.
#   ./generate.sh [PROTO_DIR [OUT_DIR]]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
proto=${1:-$here/../../../proto}
out=${2:-$here/gen}
mkdir -p "$out"
"${PYTHON:-python3}" -m grpc_tools.protoc -I "$proto" --python_out="$out" --grpc_python_out="$out" \
  hookbridge/v1/event.proto hookbridge/v1/delivery_service.proto
