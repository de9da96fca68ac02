#!/bin/bash
# Whether a machine can be a node, as far as that shows before it is one: the end of provision.sh, and of every bake. Names
# each thing that is amiss and what to do, and ends with status 1 if there is one.
#
#   --image              it becomes an image: nothing may be left of one machine
#   --k3s-sha256 SHA     the k3s that should be there, if not the one in versions.sh
#   --without-ssm-agent  no Systems Manager agent is wanted
#   --root DIR           look at the root file system in DIR

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=versions.sh
. "$(dirname "${BASH_SOURCE[0]}")/versions.sh"

root="" image=false wants_agent=true k3s_sha256=""
while [ $# -gt 0 ]; do
    case $1 in
    --image) image=true ;;
    --k3s-sha256) k3s_sha256=$2 && shift ;;
    --without-ssm-agent) wants_agent=false ;;
    --root) root=${2%/} && shift ;;
    *) echo "error: $1 is not understood; the head of $0 lists the options" >&2 && exit 2 ;;
    esac
    shift
done
case $(uname -m) in
x86_64) k3s_sha256=${k3s_sha256:-$k3s_sha256_x86_64} ;;
aarch64) k3s_sha256=${k3s_sha256:-$k3s_sha256_aarch64} ;;
esac

wrong=0
amiss() {
    printf 'amiss: %s\n' "$*" >&2
    wrong=$((wrong + 1))
}

# Where systemd looks for a unit, or its drop-ins.
in_units() {
    local directory
    for directory in etc usr/lib lib; do
        ! [ -e "$root/$directory/systemd/system/$1" ] || return 0
    done
    return 1
}

has_program() {
    local directory
    for directory in usr/local/sbin usr/local/bin usr/sbin usr/bin sbin bin; do
        ! [ -x "$root/$directory/$1" ] || return 0
    done
    return 1
}

is_enabled() {
    [ -L "$root/etc/systemd/system/multi-user.target.wants/$1" ]
}

for program in blkid e2fsck mkfs.ext4 mount resize2fs sync systemctl umount journalctl xfs_growfs; do
    has_program "$program" || amiss "$program is missing, which durin-node calls: install it"
done

# durin-node.
if ! [ -x "$root/usr/local/bin/durin-node" ]; then
    amiss "there is no /usr/local/bin/durin-node: run provision.sh"
elif ! "$root/usr/local/bin/durin-node" --version >/dev/null 2>&1; then
    amiss "/usr/local/bin/durin-node does not run here: take the bundle of this architecture, $(uname -m)"
fi
for unit in durin-prepare durin-node durin-watch durin-volume durin-settle; do
    in_units "$unit.service" || amiss "the unit $unit.service is missing: run provision.sh"
done
for unit in durin-prepare durin-node durin-watch; do
    is_enabled "$unit.service" || amiss "$unit does not start at boot: systemctl enable $unit"
done
[ -L "$root/etc/systemd/system/timers.target.wants/durin-measure.timer" ] ||
    amiss "nothing measures how full the disks are: systemctl enable durin-measure.timer"
has_program aws || echo "note: without the AWS CLI nothing is measured, and no alarm says that a disk is full" >&2
if grep -qs '^[^#].*[[:space:]]/data[[:space:]]' "$root/etc/fstab"; then
    amiss "/etc/fstab mounts something at /data, which is durin-node's to mount: remove that line"
fi
# What lies under a mount point is hidden, and takes room on the root disk.
if [ -n "$(ls -A "$root/data" 2>/dev/null)" ] && ! mountpoint -q "$root/data"; then
    amiss "/data is not empty, and the volume will be mounted over it: move what is there away"
fi

# k3s.
if ! echo "$k3s_sha256  $root/usr/local/bin/k3s" | sha256sum --check --status 2>/dev/null; then
    amiss "/usr/local/bin/k3s is not the one that was asked for (SHA-256 $k3s_sha256): run provision.sh"
fi
in_units k3s.service || amiss "there is no k3s.service: run provision.sh"
if is_enabled k3s.service; then
    amiss "k3s starts at boot, before its volume is there: systemctl disable k3s"
fi
grep -qs '^ConditionPathExists=!/run/durin-released$' "$root"/etc/systemd/system/k3s.service.d/*.conf ||
    amiss "k3s would start after a release: install k3s.service.d/durin.conf"
for place in "$root"/etc/rancher/k3s/config.yaml "$root"/etc/rancher/k3s/config.yaml.d/*.yaml "$root"/etc/systemd/system/k3s.service; do
    # durin-node's own.
    [ "${place##*/}" != 50-durin.yaml ] || continue
    ! grep -qsE '^[^#]*cluster-init' "$place" ||
        amiss "${place#"$root"} asks for an embedded etcd (cluster-init), which does not start at another address: use SQLite"
    ! grep -qsE '^[^#]*data-dir' "$place" || amiss "${place#"$root"} sets data-dir, which durin-node sets: remove it"
done
[ -n "$(find "$root/var/lib/rancher/k3s/data" -path '*/bin/*' -type f -print -quit 2>/dev/null)" ] ||
    amiss "k3s is not unpacked on the root disk, and would unpack in the outage: run k3s kubectl version --client"
for place in /var/lib/kubelet /var/lib/cni; do
    case $(readlink "$root$place" 2>/dev/null || true) in
    /data | /data/*) amiss "$place would be on the volume, and belongs to one boot of one machine: remove the link" ;;
    esac
done

if $wants_agent; then
    in_units amazon-ssm-agent.service || amiss "there is no Systems Manager agent, through which Durin reaches an instance: install it"
    is_enabled amazon-ssm-agent.service || amiss "the Systems Manager agent does not start at boot: systemctl enable amazon-ssm-agent"
fi

if $image; then
    [ ! -e "$root/var/lib/rancher/k3s/server" ] ||
        amiss "k3s has run as a server while the image was made: remove /var/lib/rancher/k3s/server"
    [ ! -e "$root/etc/rancher/node/password" ] ||
        amiss "the image has a node's password, which belongs to one cluster: remove /etc/rancher/node"
    [ ! -s "$root/etc/machine-id" ] || amiss "all instances would have one machine-id: empty /etc/machine-id"
fi

if [ "$wrong" != 0 ]; then
    echo "The machine cannot be a node: $wrong amiss." >&2
    exit 1
fi
echo "The machine can be a node: k3s, durin-node, its units and programs are as they should be."
