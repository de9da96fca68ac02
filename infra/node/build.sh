#!/bin/sh
# Builds durin-node for instances: one file for each architecture that needs nothing of the image, no C library either.
# Usage: infra/node/build.sh [DIRECTORY]; the default is target/node. Once: rustup target add x86_64-unknown-linux-musl
# aarch64-unknown-linux-musl.
set -eu
cd "$(dirname "$0")/../.."
into=${1:-target/node}
mkdir -p "$into"
# Rust brings a linker that knows both; the machine's own knows one.
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld
for architecture in x86_64 aarch64; do
    target=$architecture-unknown-linux-musl
    cargo build --release --package durin-node --target "$target"
    built=${CARGO_TARGET_DIR:-target}/$target/release/durin-node
    if readelf --dynamic "$built" | grep -q NEEDED; then
        echo "$built needs libraries of the image" >&2
        exit 1
    fi
    cp "$built" "$into/durin-node-$architecture"
    sha256sum "$into/durin-node-$architecture"
done
