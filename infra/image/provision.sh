#!/bin/bash
# Makes a machine one that can be a node: k3s, durin-node and its units, k3s's configuration. Packer, EC2 Image Builder and
# a stock image at its first boot run it; run it yourself on a server that you have, as root, out of the unpacked bundle.
#
#   --image              the machine becomes an image: leave nothing behind that belongs to one machine. Not for a server
#                        that runs
#   --forget-cluster     with --image: remove a k3s server's datastore and its pods' volumes too, for good
#   --at-boot            an instance of a stock image: note that, and start
#   --k3s FILE           take k3s from there instead of fetching it; its SHA-256 has to be the one in versions.sh
#   --k3s-sha256 SHA     another one, for a k3s of your own
#   --ssm-agent FILE     install this package of the Systems Manager agent, where the distribution has none (Debian)
#   --without-ssm-agent  do without: Durin does not reach such a machine (for a rehearsal)
#   --offline            fetch nothing: name what is missing, and end
#   --root DIR           provision the root file system in DIR, where nothing runs
#
# For Amazon Linux 2023 and Debian. Run it again after a change: it leaves alone what is as it should be.

set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=versions.sh
. "$here/versions.sh"

root="" image=false at_boot=false k3s="" k3s_sha256="" ssm_agent="" wants_agent=true offline=false forget_cluster=false
while [ $# -gt 0 ]; do
    case $1=${2-} in
    --k3s=--* | --k3s-sha256=--* | --ssm-agent=--* | --root=--* | --k3s= | --k3s-sha256= | --ssm-agent= | --root=)
        echo "error: $1 needs a value; the head of $0 lists the options" >&2 && exit 2
        ;;
    esac
    case $1 in
    --help) sed -n '2,/^$/s/^# \{0,1\}//p' "$0" && exit ;;
    --image) image=true ;;
    --forget-cluster) forget_cluster=true ;;
    --at-boot) at_boot=true ;;
    --k3s) k3s=$2 && shift ;;
    --k3s-sha256) k3s_sha256=$2 && shift ;;
    --ssm-agent) ssm_agent=$2 && shift ;;
    --without-ssm-agent) wants_agent=false ;;
    --offline) offline=true ;;
    --root) root=${2%/} && shift ;;
    *) echo "error: $1 is not understood; the head of $0 lists the options" >&2 && exit 2 ;;
    esac
    shift
done

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

say() {
    printf 'provision: %s\n' "$*"
}

# Runs a program of the machine that is provisioned.
inside() {
    if [ -z "$root" ]; then "$@"; else chroot "$root" "$@"; fi
}

# put MODE FILE PLACE: installs a file, and says so if that changes something.
put() {
    local place=$root$3
    if cmp -s "$2" "$place" && [ ! -L "$place" ] && [ "$(stat -c '%a %u' "$place")" = "$1 $(id -u)" ]; then return; fi
    mkdir -p "$(dirname "$place")"
    # Beside it and then over it: a program that runs cannot be written to.
    install -m "$1" "$2" "$place.new"
    mv "$place.new" "$place"
    say "$3"
}

# install_packages NAME…: with the machine's own package manager.
install_packages() {
    if ! $offline && inside sh -c 'command -v dnf' >/dev/null; then
        inside dnf --assumeyes --quiet install "$@"
    elif ! $offline && inside sh -c 'command -v apt-get' >/dev/null; then
        inside apt-get -qq update
        inside env DEBIAN_FRONTEND=noninteractive apt-get -qq --no-install-recommends install "$@"
    else
        fail "the machine lacks $*: install that first"
    fi
}

# What durin-node calls, and what k3s is fetched with.
provide_programs() {
    local program missing=()
    while read -r program package; do
        inside sh -c "command -v $program" >/dev/null || missing+=("$package")
    done <<'PROGRAMS'
blkid util-linux
mount util-linux
e2fsck e2fsprogs
mkfs.ext4 e2fsprogs
resize2fs e2fsprogs
xfs_growfs xfsprogs
PROGRAMS
    $offline || [ -n "$k3s" ] || inside sh -c 'command -v curl' >/dev/null || missing+=(curl)
    # Of Debian and of Amazon Linux. With them images are pulled.
    $offline || [ -s "$root/etc/ssl/certs/ca-certificates.crt" ] || [ -s "$root/etc/pki/tls/certs/ca-bundle.crt" ] || missing+=(ca-certificates)
    [ ${#missing[@]} = 0 ] && return
    say "packages ${missing[*]}"
    install_packages "${missing[@]}"
}

# Through the agent Durin has an instance release the volume.
provide_agent() {
    local place work
    $wants_agent || return 0
    for place in /usr/lib/systemd/system /lib/systemd/system /etc/systemd/system; do
        [ ! -e "$root$place/amazon-ssm-agent.service" ] || return 0
    done
    if [ -n "$ssm_agent" ]; then
        # Nobody else's folder, and one that the machine sees.
        mkdir -p "$root/tmp"
        work=$(mktemp -d "$root/tmp/durin.XXXXXX")
        place=${work#"$root"}/ssm-agent.${ssm_agent##*.}
        cp "$ssm_agent" "$root$place"
        case $ssm_agent in
        *.deb) inside dpkg --install "$place" ;;
        *.rpm) inside rpm --install --replacepkgs "$place" ;;
        *) fail "$ssm_agent is neither a .deb nor a .rpm" ;;
        esac
        rm -r "$work"
    elif inside sh -c 'command -v dnf' >/dev/null; then
        install_packages amazon-ssm-agent
    else
        fail "there is no Systems Manager agent, and this distribution has no package of it: pass --ssm-agent FILE with the one that AWS offers for it (Systems Manager User Guide, \"Manually installing SSM Agent on EC2 instances for Linux\")"
    fi
}

# refuse_an_older_k3s FILE: k3s changes a datastore for its own version, and knows no way back. An image has none yet.
refuse_an_older_k3s() {
    local there new=$k3s_version
    ! $image || return 0
    # sudo's path may lack /usr/local/bin.
    if [ -e "$root/usr/local/bin/k3s" ]; then
        there=$(inside /usr/local/bin/k3s --version 2>/dev/null | version) || there=""
    elif inside sh -c 'command -v k3s' >/dev/null; then
        there=$(inside sh -c 'k3s --version' 2>/dev/null | version) || there=""
    else
        return 0
    fi
    # What another hash was given for is not the one in versions.sh.
    [ "$k3s_sha256" = "$k3s_sha256_x86_64" ] || [ "$k3s_sha256" = "$k3s_sha256_aarch64" ] || new=$("$1" --version 2>/dev/null | version) || new=""
    [ -n "$there" ] && [ -n "$new" ] ||
        fail "the k3s that is here, or the new one, does not say its version, so this could be a step back, which a datastore does not take: compare k3s --version of both, and put the new one into /usr/local/bin yourself"
    [ "$(printf '%s\n' "${there/-rc/~rc}" "${new/-rc/~rc}" | sort --version-sort | tail -n 1)" = "${new/-rc/~rc}" ] ||
        fail "k3s $there is here, and $new is older: a datastore that the newer one has changed does not go back. Pass --k3s and --k3s-sha256 with $there or a newer one, or put it into versions.sh"
}

# The version in what k3s says of itself.
version() {
    sed -n 's/^k3s version \(v[0-9][^ ]*\).*/\1/p'
}

is_k3s() {
    [ -f "$1" ] && echo "$k3s_sha256  $1" | sha256sum --check --status
}

provide_k3s() {
    local asset=k3s got work is_new=false
    case $(uname -m) in
    x86_64) k3s_sha256=${k3s_sha256:-$k3s_sha256_x86_64} ;;
    aarch64) k3s_sha256=${k3s_sha256:-$k3s_sha256_aarch64} asset=k3s-arm64 ;;
    *) fail "k3s has no release that Durin knows for $(uname -m): take x86_64 or aarch64" ;;
    esac
    if ! is_k3s "$root/usr/local/bin/k3s"; then
        work=$(mktemp -d)
        if [ -n "$k3s" ]; then
            cp "$k3s" "$work/k3s"
        elif $offline; then
            fail "k3s $k3s_version is not there: pass --k3s FILE"
        else
            say "fetch k3s $k3s_version"
            curl --fail --silent --show-error --location --retry 8 --retry-all-errors --retry-max-time 600 \
                --connect-timeout 20 --speed-limit 1000 --speed-time 30 --output "$work/k3s" \
                "https://github.com/k3s-io/k3s/releases/download/${k3s_version/+/%2B}/$asset" ||
                fail "k3s $k3s_version could not be fetched from GitHub: look at the network, or pass --k3s FILE"
        fi
        if ! is_k3s "$work/k3s"; then
            got=$(sha256sum "$work/k3s")
            fail "k3s has the SHA-256 ${got%% *} and should have $k3s_sha256: it is not $k3s_version, or was tampered with"
        fi
        chmod 755 "$work/k3s"
        refuse_an_older_k3s "$work/k3s"
        put 755 "$work/k3s" /usr/local/bin/k3s
        rm -r "$work"
        is_new=true
    fi
    # Its mode and owner, too.
    put 755 "$root/usr/local/bin/k3s" /usr/local/bin/k3s
    local name
    for name in kubectl crictl ctr; do
        [ -e "$root/usr/local/bin/$name" ] || [ -e "$root/usr/bin/$name" ] || ln -s k3s "$root/usr/local/bin/$name"
    done
    # A unit that is there has a person's options.
    [ -e "$root/etc/systemd/system/k3s.service" ] || put 644 "$here/k3s.service" /etc/systemd/system/k3s.service
    [ -e "$root/etc/rancher/k3s/config.yaml" ] || put 600 "$here/config.yaml" /etc/rancher/k3s/config.yaml
    # Onto the root disk now, and not onto the volume in the outage. Its own configuration would name the volume.
    { ! $is_new && [ -n "$(find "$root/var/lib/rancher/k3s/data" -path '*/bin/*' -not -path '*-tmp/*' -type f -print -quit 2>/dev/null)" ]; } ||
        inside /usr/local/bin/k3s kubectl version --client >/dev/null ||
        fail "k3s does not run here: its file is for another architecture, or /var/lib/rancher cannot be written to"
}

provide_durin() {
    local file
    put 755 "$here/durin-node" /usr/local/bin/durin-node
    put 755 "$here/check.sh" /usr/local/lib/durin/check.sh
    put 755 "$here/measure.sh" /usr/local/lib/durin/measure.sh
    put 644 "$here/versions.sh" /usr/local/lib/durin/versions.sh
    for file in durin-measure.service durin-measure.timer; do
        put 644 "$here/$file" "/etc/systemd/system/$file"
    done
    for file in "$here"/units/*.service "$here"/units/*/*.conf; do
        put 644 "$file" "/etc/systemd/system/${file#"$here/units/"}"
    done
    systemctl --root="$root/" --quiet disable k3s.service 2>/dev/null || true
    systemctl --root="$root/" --quiet enable durin-prepare.service durin-node.service durin-watch.service durin-measure.timer
    ! $wants_agent || systemctl --root="$root/" --quiet enable amazon-ssm-agent.service
    mkdir -p "$root/data"
    # EBS's own advice for NVMe: a volume that is slow to answer is waited for. Amazon Linux says so itself. Where the
    # driver is in the kernel, this is for the kernel's command line. (EC2 User Guide, "NVMe I/O operation timeout")
    echo "options nvme_core io_timeout=4294967295" >"$here/nvme.conf"
    put 644 "$here/nvme.conf" /etc/modprobe.d/durin-nvme.conf
    if [ -d "$root/etc/default/grub.d" ]; then
        # shellcheck disable=SC2016
        echo 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX nvme_core.io_timeout=4294967295"' >"$here/grub.cfg"
        if ! cmp -s "$here/grub.cfg" "$root/etc/default/grub.d/60-durin.cfg"; then
            put 644 "$here/grub.cfg" /etc/default/grub.d/60-durin.cfg
            ! inside sh -c 'command -v update-grub' >/dev/null || inside update-grub
        fi
    fi
}

# durin-node and check.sh read it; a baked image has nothing to add.
note_how() {
    local how="by hand"
    ! $image || how="baked"
    ! $at_boot || how="at boot"
    printf '%s\n' "$how" >"$here/made"
    put 644 "$here/made" /etc/durin/made
}

# What an image forgets, a server needs: its datastore, and its pods' volumes, into which a removal would go on.
refuse_a_server() {
    local mounted place mounts=/proc/self/mounts
    # In a chroot nobody may have mounted that either.
    [ -r "$mounts" ] || mounts=/dev/null
    for place in /var/lib/kubelet /var/lib/rancher /data; do
        mounted=$(awk -v place="$(readlink -m "$root$place")" '$2 == place || index($2, place "/") == 1 { print $2; exit }' "$mounts")
        [ -z "$mounted" ] ||
            fail "$mounted is mounted, which --image would remove or hide: this is a running server, not an image. Leave --image out, or bake on a separate machine"
    done
    [ -n "$root" ] || ! systemctl --quiet is-active k3s.service 2>/dev/null ||
        fail "k3s runs here: this is a server, not an image. Leave --image out, or bake on a separate machine"
    $forget_cluster || [ ! -e "$root/var/lib/rancher/k3s/server/db" ] ||
        fail "/var/lib/rancher/k3s/server/db is a k3s server's datastore, and --image would remove it. Leave --image out; or, if nobody needs it, add --forget-cluster"
    $forget_cluster || [ -z "$(ls -A "$root/var/lib/rancher/k3s/storage" 2>/dev/null)" ] ||
        fail "/var/lib/rancher/k3s/storage has the data of pods, and --image would remove it. Leave --image out; or, if nobody needs it, add --forget-cluster"
}

# What would make every instance of the image the same machine.
forget_this_machine() {
    rm -rf --one-file-system "$root/var/lib/rancher/k3s/server" "$root/var/lib/rancher/k3s/agent" "$root/etc/rancher/node" \
        "$root/var/lib/rancher/k3s/storage" "$root/etc/rancher/k3s/k3s.yaml" "$root/var/lib/kubelet" "$root/var/lib/cni"
    [ ! -e "$root/etc/machine-id" ] || : >"$root/etc/machine-id"
    # Debian's may be a copy, which systemd would take for its own. It makes a link in its place.
    [ -L "$root/var/lib/dbus/machine-id" ] || rm -f "$root/var/lib/dbus/machine-id"
    # The first boot makes new ones: cloud-init, or sshd's own unit.
    rm -f "$root"/etc/ssh/ssh_host_*_key "$root"/etc/ssh/ssh_host_*_key.pub
}

[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "run it as root"
[ -x "$here/durin-node" ] || fail "there is no durin-node next to $0: take the bundle that infra/image/bundle.sh makes"
! $image || refuse_a_server
provide_programs
provide_agent
provide_k3s
provide_durin
note_how
! $image || forget_this_machine
options=(--k3s-sha256 "$k3s_sha256")
! $image || options+=(--image)
$wants_agent || options+=(--without-ssm-agent)
! $offline || options+=(--offline)
"$here/check.sh" "${options[@]}" ${root:+--root "$root"}
if $at_boot; then
    systemctl daemon-reload
    # Without waiting: a boot that waits for the volume would wait for cloud-init, which waits for this.
    systemctl start --no-block durin-prepare.service durin-node.service durin-watch.service durin-measure.timer
    # Not earlier: from now on durin-node answers.
    rm -f /etc/durin/provisioning
fi
