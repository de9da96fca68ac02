#!/usr/bin/env bash
# Packs what provisions a machine into one file, for each architecture that `just build-node` has built durin-node for:
# infra/image/bundle.sh [DIRECTORY] [ARCHITECTURE…]; the default is target/image. Prints each file's path. Packed again from
# the same files, it is the same to the byte, so that its SHA-256 names it.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
into=${1:-$root/target/image}
shift || true
mkdir -p "$into"
into=$(cd "$into" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- x86_64 aarch64
# GNU's, and the one of macOS.
if tar --version | grep -q GNU; then as_root=(--owner 0 --group 0); else as_root=(--uid 0 --gid 0); fi
packed=false
for architecture in "$@"; do
    program=${DURIN_NODE_BINARIES:-$root/target/node}/durin-node-$architecture
    [ -e "$program" ] || continue
    rm -rf "$work/bundle"
    mkdir "$work/bundle"
    cp "$root"/infra/image/{provision.sh,check.sh,measure.sh,versions.sh,config.yaml,k3s.service,durin-measure.service,durin-measure.timer} "$work/bundle"
    cp -R "$root/infra/node/units" "$work/bundle/units"
    cp "$program" "$work/bundle/durin-node"
    find "$work/bundle" -type d -exec chmod 755 {} + -o -type f -exec chmod 644 {} +
    chmod 755 "$work"/bundle/{provision.sh,check.sh,measure.sh,durin-node}
    find "$work/bundle" -exec env TZ=UTC touch -t 202001010000 {} +
    (cd "$work/bundle" && find . -type f | LC_ALL=C sort >"$work/files")
    tar -cf "$into/.durin-$architecture.$$" --format ustar --numeric-owner "${as_root[@]}" -C "$work/bundle" -T "$work/files"
    # At once: somebody may be reading it.
    mv "$into/.durin-$architecture.$$" "$into/durin-$architecture.tar"
    printf '%s\n' "$into/durin-$architecture.tar"
    packed=true
done
$packed || { echo "error: durin-node is not built: first just build-node" >&2 && exit 1; }
