#!/usr/bin/env bash
# Makes the disk that a rehearsal's machines boot from: image.sh DIRECTORY BINARIES [OVERLAY]. DIRECTORY is where it is kept;
# BINARIES has durin-node and durin-stand-in, linked statically; OVERLAY's files go over the image's own.
# With K3S a file, that is the machines' k3s instead of the stand-in.
# Prints the directory that has `disk` and `kernel` at the end. What has been made from the same inputs is not made again.
# With --needs it only says what is missing, and ends with 3 then.
set -euo pipefail

missing=()
for program in qemu-system-x86_64:qemu-system-x86 mmdebstrap:mmdebstrap mke2fs:e2fsprogs sfdisk:fdisk setpriv:util-linux; do
    command -v "${program%:*}" >/dev/null || [ -x "/sbin/${program%:*}" ] || missing+=("${program#*:}")
done
root=()
if [ "$(id -u)" != 0 ]; then
    root=(fakeroot)
    command -v fakeroot >/dev/null || missing+=(fakeroot)
fi
if [ "${#missing[@]}" != 0 ]; then
    echo "a rehearsal needs Debian's packages ${missing[*]}: apt install ${missing[*]}" >&2
    exit 3
fi
PATH=$PATH:/sbin:/usr/sbin
[ "$1" != --needs ] || exit 0

kept=$1 binaries=$2 overlay=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
units=$here/../../infra/node/units
provisioning=$here/../../infra/image

suite=bookworm
packages=systemd,systemd-sysv,udev,kmod,dbus,iproute2,linux-image-cloud-amd64,e2fsprogs,xfsprogs,sqlite3,qemu-guest-agent

hash_of() { sha256sum | cut -c1-16; }
mkdir -p "$kept"
# Two rehearsals at once would make it over each other.
exec 9>"$kept/lock"
flock 9

base=$kept/base-$(echo "$suite $packages" | hash_of).tar
if [ ! -e "$base" ]; then
    echo "Installing Debian ($suite) for the machines' disk, once: a minute or three" >&2
    log=$kept/mmdebstrap.log
    if ! mmdebstrap --format=tar --variant=minbase --include="$packages" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        "$suite" "$base.part" http://deb.debian.org/debian >"$log" 2>&1; then
        tail -5 "$log" >&2
        echo "Debian cannot be installed into a file: $log has the rest" >&2
        exit 1
    fi
    mv "$base.part" "$base"
fi

inputs() {
    echo "$base"
    cat "$0" "$here/assemble.sh" "$binaries/durin-node" "$binaries/durin-stand-in" ${K3S:+"$K3S"}
    # Names too: a unit that is renamed is another.
    find "$here/files" "$provisioning" "$units" ${overlay:+"$overlay"} -type f | LC_ALL=C sort | while read -r file; do
        echo "$file"
        cat "$file"
    done
}
image=$kept/image-$(inputs | hash_of)
if [ ! -e "$image/disk" ]; then
    # Each is some hundred megabytes.
    find "$kept" -maxdepth 1 -name 'image-*' -printf '%T@ %p\n' | sort -rn | tail -n +4 | cut -d' ' -f2- | xargs -r rm -rf
    work=$(mktemp -d "$kept/work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$image"
    export base binaries overlay here provisioning work image
    "${root[@]}" bash -euo pipefail "$here/assemble.sh"
fi
# The most recently used stay.
touch "$image"
echo "$image"
