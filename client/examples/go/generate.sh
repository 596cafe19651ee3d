#!/bin/sh
# Generates the stubs into gen/ with protoc, protoc-gen-go and protoc-gen-go-grpc:
#   apt-get install protobuf-compiler
#   go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.33.0
#   go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.3.0
#   ./generate.sh [PROTO_DIR [MODULE_DIR]]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
proto=${1:-$here/../../../proto}
out=${2:-$here}
protoc -I "$proto" --go_out="$out" --go_opt=module=hookbridge.dev \
  --go-grpc_out="$out" --go-grpc_opt=module=hookbridge.dev \
  hookbridge/v1/event.proto hookbridge/v1/delivery_service.proto
