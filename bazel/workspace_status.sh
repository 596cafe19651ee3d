#!/bin/sh
# What --config=release stamps //server:version with.
echo "STABLE_HOOKBRIDGE_VERSION $(git describe --always --dirty --tags)"
