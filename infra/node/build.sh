#!/bin/sh
# Builds durin-node for instances: just build-node [DIRECTORY]; the default is target/node. One file for each architecture
# that the toolchain has the target for, and each needs nothing of the image, no C library either.
set -eu
case ${1:-} in
-h | --help)
    echo "Usage: just build-node [DIRECTORY]    builds durin-node for instances into DIRECTORY, by default target/node"
    exit 0
    ;;
-*)
    echo "error: there is no option $1: just build-node [DIRECTORY]" >&2
    exit 2
    ;;
esac
cd "$(dirname "$0")/../.."
into=${1:-target/node}
# Rust brings a linker that knows both; the machine's own knows one.
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld
missing='' built_any=false
for architecture in x86_64 aarch64; do
    target=$architecture-unknown-linux-musl
    if [ ! -d "$(rustc --print target-libdir --target "$target")" ]; then
        missing="$missing $target"
        continue
    fi
    cargo build --release --package durin-node --target "$target"
    built=${CARGO_TARGET_DIR:-target}/$target/release/durin-node
    if readelf --dynamic "$built" | grep -q NEEDED; then
        echo "error: $built needs libraries of the image" >&2
        exit 1
    fi
    mkdir -p "$into"
    cp "$built" "$into/durin-node-$architecture"
    sha256sum "$into/durin-node-$architecture"
    built_any=true
done
for target in $missing; do
    echo "The Rust toolchain has no target $target: rustup target add $target" >&2
done
$built_any
