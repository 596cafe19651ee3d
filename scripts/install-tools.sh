#!/usr/bin/env bash
# Installs the tools that the end-to-end tests use and the distribution does not have, from their
# package registries into .cache/tools/bin: grpcurl, protoc-gen-go and protoc-gen-go-grpc (Go), buf (npm). Safe to run again.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/.cache/tools
mkdir -p "$tools/bin"

if [ ! -x "$tools/bin/grpcurl" ]; then
  echo "install-tools: grpcurl v1.9.1"
  GOBIN=$tools/bin GOFLAGS=-buildvcs=false go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.1
fi
# For client/examples/go; versions that the distribution's Go builds.
if [ ! -x "$tools/bin/protoc-gen-go" ]; then
  echo "install-tools: protoc-gen-go v1.33.0, protoc-gen-go-grpc v1.3.0"
  GOBIN=$tools/bin GOFLAGS=-buildvcs=false go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.33.0
  GOBIN=$tools/bin GOFLAGS=-buildvcs=false go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.3.0
fi
if [ ! -x "$tools/bin/buf" ]; then
  echo "install-tools: buf"
  npm install --silent --no-fund --no-audit --prefix "$tools" @bufbuild/buf@1.75.0
  ln -sf "$tools/node_modules/.bin/buf" "$tools/bin/buf"
fi
echo "install-tools: $("$tools/bin/grpcurl" -version 2>&1 | head -n 1), buf $("$tools/bin/buf" --version)"
