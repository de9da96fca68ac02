#!/bin/bash
# Whether a machine can be a node, as far as that shows before it is one: the end of provision.sh, and of every bake. Names
# each thing that is amiss and what to do, and ends with status 1 if there is one.
#
#   --image              it becomes an image: nothing may be left of one machine
#   --k3s-sha256 SHA     the k3s that should be there, if not the one in versions.sh
#   --without-ssm-agent  no Systems Manager agent is wanted
#   --offline            it reaches no network, and wants no certificates (for a rehearsal)
#   --root DIR           look at the root file system in DIR

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=versions.sh
. "$(dirname "${BASH_SOURCE[0]}")/versions.sh"

root="" image=false wants_agent=true offline=false k3s_sha256=""
while [ $# -gt 0 ]; do
    case $1=${2-} in
    --k3s-sha256=--* | --root=--* | --k3s-sha256= | --root=)
        echo "error: $1 needs a value; the head of $0 lists the options" >&2 && exit 2
        ;;
    esac
    case $1 in
    --help) sed -n '2,/^$/s/^# \{0,1\}//p' "$0" && exit ;;
    --image) image=true ;;
    --k3s-sha256) k3s_sha256=$2 && shift ;;
    --without-ssm-agent) wants_agent=false ;;
    --offline) offline=true ;;
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

# in_units UNIT: whether systemd finds it; sets unit_file to where.
in_units() {
    local directory
    for directory in etc usr/local/lib usr/lib lib; do
        unit_file=$root/$directory/systemd/system/$1
        ! [ -e "$unit_file" ] && ! [ -L "$unit_file" ] || return 0
    done
    return 1
}

# look_at_unit UNIT: that it is there, and does something.
look_at_unit() {
    if ! in_units "$1"; then
        amiss "the unit $1 is missing: run provision.sh"
    elif [ -L "$unit_file" ] && [ "$(readlink "$unit_file")" = /dev/null ]; then
        amiss "the unit $1 is masked: systemctl unmask ${1%.service}, and run provision.sh"
    elif grep -q $'\r' "$unit_file"; then
        amiss "${unit_file#"$root"} has lines that end as on Windows, which systemd does not understand: remove it, and run provision.sh"
    elif ! grep -q '^ExecStart=.' "$unit_file"; then
        amiss "${unit_file#"$root"} starts nothing: remove it, and run provision.sh"
    fi
}

# look_at_file FILE: that nobody but root can change what root runs.
look_at_file() {
    local owner mode
    [ -f "$root$1" ] || return 0
    read -r owner mode <<<"$(stat -L -c '%u %a' "$root$1")"
    # Who provisions a folder without being root owns what is in it.
    if [ "$owner" != 0 ] && { [ -z "$root" ] || [ "$owner" != "$(id -u)" ]; }; then
        amiss "$1 belongs to the user $owner, who could change what root runs: chown root:root $1"
    elif [ $((0$mode & 022)) != 0 ]; then
        amiss "$1 can be changed by others than root (mode $mode): chmod go-w $1"
    fi
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

has_certificates=$offline
for file in etc/ssl/certs/ca-certificates.crt etc/pki/tls/certs/ca-bundle.crt etc/ssl/ca-bundle.pem; do
    [ ! -s "$root/$file" ] || has_certificates=true
done
$has_certificates || amiss "there are no certificates of authorities, so that no container image can be pulled: install ca-certificates"

# durin-node.
if ! [ -x "$root/usr/local/bin/durin-node" ]; then
    amiss "there is no /usr/local/bin/durin-node: run provision.sh"
elif ! "$root/usr/local/bin/durin-node" --version >/dev/null 2>&1; then
    amiss "/usr/local/bin/durin-node does not run here: take the bundle of this architecture, $(uname -m)"
fi
for unit in durin-prepare durin-node durin-watch durin-volume durin-settle; do
    look_at_unit "$unit.service"
    look_at_file "/etc/systemd/system/$unit.service"
done
for file in /usr/local/bin/durin-node /usr/local/lib/durin/check.sh /usr/local/lib/durin/measure.sh; do
    look_at_file "$file"
done
for unit in durin-prepare durin-node durin-watch; do
    is_enabled "$unit.service" || amiss "$unit does not start at boot: systemctl enable $unit"
done
[ -L "$root/etc/systemd/system/timers.target.wants/durin-measure.timer" ] ||
    amiss "nothing measures how full the disks are: systemctl enable durin-measure.timer"
has_program aws || echo "note: without the AWS CLI nothing is measured, and no alarm says that a disk is full" >&2
# Where durin-node mounts the volume, and where that leads if it is a link.
points=(/data)
! [ -L "$root/data" ] || points+=("$(realpath --canonicalize-missing --no-symlinks -- "/$(readlink "$root/data")")")
if [ -f "$root/etc/fstab" ]; then
    while read -r what where _ options _ || [ -n "$what" ]; do
        [ -n "$where" ] || continue
        case $what,$options, in
        \#*) continue ;;
        *,x-systemd.automount,*) ;;
        *,noauto,*) continue ;;
        esac
        # A space is written as \040 there, and so on.
        where=$(realpath --canonicalize-missing --no-symlinks -- "$(printf '%b' "${where//\\/\\0}")")
        for point in "${points[@]}"; do
            [ "$where" != "$point" ] ||
                amiss "/etc/fstab mounts something at $point, which is durin-node's to mount: remove that line"
        done
    done <"$root/etc/fstab"
fi
for point in "${points[@]}"; do
    unit=${point#/} && unit=${unit//-/\\x2d} && unit=${unit//\//-}
    for place in "$root"/{etc,usr/local/lib,usr/lib}/systemd/system/*.{wants,requires}/"$unit".{mount,automount}; do
        ! [ -L "$place" ] || amiss "${place##*/} mounts something at $point, which is durin-node's to mount: systemctl disable ${place##*/}"
    done
done
# What lies under a mount point is hidden, and takes room on the root disk.
if [ -n "$(ls -A "$root/data/" 2>/dev/null)" ] && ! mountpoint -q "$root/data"; then
    amiss "/data is not empty, and the volume will be mounted over it: move what is there away"
fi

# k3s.
if ! echo "$k3s_sha256  $root/usr/local/bin/k3s" | sha256sum --check --status 2>/dev/null; then
    amiss "/usr/local/bin/k3s is not the one that was asked for (SHA-256 $k3s_sha256): run provision.sh"
fi
[ -x "$root/usr/local/bin/k3s" ] || amiss "/usr/local/bin/k3s is not executable: run provision.sh"
look_at_file /usr/local/bin/k3s
look_at_file /etc/systemd/system/k3s.service
look_at_unit k3s.service
if is_enabled k3s.service; then
    amiss "k3s starts at boot, before its volume is there: systemctl disable k3s"
fi
grep -qs '^ConditionPathExists=!/run/durin-released$' "$root"/etc/systemd/system/k3s.service.d/*.conf ||
    amiss "k3s would start after a release: install k3s.service.d/durin.conf"
for place in "$root"/etc/rancher/k3s/config.yaml "$root"/etc/rancher/k3s/config.yaml.d/*.yaml "$root"/etc/systemd/system/k3s.service \
    "$root"/etc/systemd/system/k3s.service.d/*.conf "$root"/etc/systemd/system/k3s.service.env "$root"/etc/{default,sysconfig}/k3s; do
    # durin-node's own.
    [ "${place##*/}" != 50-durin.yaml ] || continue
    ! grep -sE '^[^#]*cluster-init|^[^#]*K3S_CLUSTER_INIT' "$place" | grep -qvE '(cluster-init|CLUSTER_INIT)["'\'']?[:=][[:space:]]*["'\'']?false' ||
        amiss "${place#"$root"} asks for an embedded etcd (cluster-init), which does not start at another address: use SQLite"
    ! grep -qsE '^[^#]*(data-dir|K3S_DATA_DIR|server.* -d[ =])' "$place" ||
        amiss "${place#"$root"} sets data-dir, which durin-node sets: remove it"
    ! grep -sE '^[^#]*(K3S_CONFIG_FILE=|server.* (--config|-c)[ =])' "$place" |
        grep -qvE '[ =]["'\'']?/etc/rancher/k3s/config\.yaml["'\'']?([[:space:]]|$)' ||
        amiss "${place#"$root"} has k3s read another configuration than /etc/rancher/k3s/config.yaml, beside which durin-node writes its own: remove --config or K3S_CONFIG_FILE from it"
done
# What it was unpacking when it was interrupted does not count.
[ -n "$(find "$root/var/lib/rancher/k3s/data" -path '*/bin/*' -not -path '*-tmp/*' -type f -print -quit 2>/dev/null)" ] ||
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
    [ ! -e "$root/etc/rancher/k3s/k3s.yaml" ] ||
        amiss "the image has an administrator's key to a cluster: remove /etc/rancher/k3s/k3s.yaml"
    [ -z "$(ls -A "$root/var/lib/rancher/k3s/storage" 2>/dev/null)" ] ||
        amiss "the image has the data of pods: remove /var/lib/rancher/k3s/storage"
    [ ! -s "$root/etc/machine-id" ] || amiss "all instances would have one machine-id: empty /etc/machine-id"
    [ -L "$root/var/lib/dbus/machine-id" ] || [ ! -s "$root/var/lib/dbus/machine-id" ] ||
        amiss "all instances would have one machine-id: remove /var/lib/dbus/machine-id, which is no link here"
    for file in "$root"/etc/ssh/ssh_host_*_key; do
        [ ! -e "$file" ] || amiss "all instances would have one SSH host key: remove ${file#"$root"}"
    done
fi

if [ "$wrong" != 0 ]; then
    echo "The machine cannot be a node: $wrong amiss." >&2
    exit 1
fi
echo "The machine can be a node: k3s, durin-node, its units and programs are as they should be."
