#!/usr/bin/env bash
# Packs a release: just pack DIRECTORY [--built FOLDER]
#
#   --built FOLDER  pack what is there instead of building: FOLDER/arm64 and FOLDER/x86_64 with a binary a function, and
#                   FOLDER/durin-node-x86_64 and FOLDER/durin-node-aarch64
#
# Makes an archive for Lambda of each function and architecture, durin-node for each architecture, and SHA256SUMS. The same
# sources and toolchain make the same files to the byte, wherever they are built.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

built="" into=""
take_arguments '
    DIRECTORY into folder
    --built built folder' "$@"
into=$(cd "$into" && pwd)
command -v python3 >/dev/null || fail "python3 is missing, which packs the archives"

# No path of this machine, and no time, gets into a binary.
build() {
    local architecture name
    need_toolchain
    need_cargo_lambda
    export SOURCE_DATE_EPOCH=1577836800
    export RUSTFLAGS="--remap-path-prefix=$root=/durin --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
    for architecture in --arm64 --x86-64; do
        choose_architecture
        build_functions
        mkdir -p "$1/$(lambdas_name "$architecture")"
        while read -r name _; do
            cp "$root/target/lambda/$name/bootstrap" "$1/$(lambdas_name "$architecture")/$name"
        done < <(functions)
    done
    "$root/infra/node/build.sh" "$1"
}

# As Lambda calls an architecture.
lambdas_name() {
    case $1 in --arm64) echo arm64 ;; --x86-64) echo x86_64 ;; esac
}

if [ -z "$built" ]; then
    built=$(mktemp -d)
    trap 'rm -rf "$built"' EXIT
    build "$built"
fi

names=()
for architecture in arm64 x86_64; do
    while read -r name _; do
        [ -s "$built/$architecture/$name" ] || fail "there is no $architecture/$name in $built: build it first"
        python3 - "$built/$architecture/$name" "$into/$name-$architecture.zip" <<'PYTHON'
import sys
import zipfile

binary, archive = sys.argv[1:]
with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
    entry = zipfile.ZipInfo("bootstrap", (2020, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3
    entry.external_attr = 0o100755 << 16
    with open(binary, "rb") as it:
        packed.writestr(entry, it.read())
PYTHON
        names+=("$name-$architecture.zip")
    done < <(functions)
done
for architecture in x86_64 aarch64; do
    [ -s "$built/durin-node-$architecture" ] || fail "there is no durin-node-$architecture in $built: rustup target add $architecture-unknown-linux-musl"
    cp "$built/durin-node-$architecture" "$into/"
    names+=("durin-node-$architecture")
done
: >"$into/SHA256SUMS"
for name in "${names[@]}"; do
    printf '%s  %s\n' "$(openssl dgst -sha256 -r "$into/$name" | cut -d ' ' -f 1)" "$name" >>"$into/SHA256SUMS"
done
cat "$into/SHA256SUMS"
