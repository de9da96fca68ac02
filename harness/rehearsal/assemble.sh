# The second half of image.sh, as root or as one whom fakeroot takes for root.
root=$work/root
mkdir "$root"
tar --extract --file "$base" --directory "$root" --exclude './dev/*' --exclude './boot/initrd*' --exclude './var/cache/apt/*'
# What makes a machine a node, as a bake does it: provision.sh out of its bundle, and at its end the self-check.
k3s=${K3S:-$binaries/durin-stand-in}
mkdir "$work/binaries" "$work/bundle"
cp "$binaries/durin-node" "$work/binaries/durin-node-x86_64"
DURIN_NODE_BINARIES=$work/binaries "$provisioning/bundle.sh" "$work/bundles" x86_64 >/dev/null
tar --extract --file "$work/bundles/durin-x86_64.tar" --directory "$work/bundle"
if ! chroot "$root" true 2>/dev/null; then
    # fakeroot cannot change the root directory, and a namespace of one's own can.
    printf '#!/bin/sh\nexec unshare --map-root-user %s "$@"\n' "$(command -v chroot)" >"$work/binaries/chroot"
    chmod 755 "$work/binaries/chroot"
    PATH=$work/binaries:$PATH
fi
sha256=$(sha256sum "$k3s")
"$work/bundle/provision.sh" --image --root "$root" --offline --without-ssm-agent --k3s "$k3s" --k3s-sha256 "${sha256%% *}" >&2
install -m 755 "$binaries/durin-stand-in" "$root/usr/local/bin/rehearsal"
cp "$here"/files/*.service "$root/etc/systemd/system/"
wants=$root/etc/systemd/system/multi-user.target.wants
mkdir -p "$wants"
# What `systemctl enable` does.
for unit in "$root"/etc/systemd/system/rehearsal-*.service; do
    if grep -q '^WantedBy=multi-user.target' "$unit"; then
        ln -sf "../${unit##*/}" "$wants/"
    fi
done
mkdir -p "$root/etc/rancher/k3s" "$root/var/log/journal"
# As an instance of EC2 has it.
echo 'PARTUUID=44757269-01 / ext4 defaults 0 1' >"$root/etc/fstab"
echo home >"$root/etc/hostname"
sed -i 's/^root:[^:]*:/root::/' "$root/etc/shadow"
# Nobody works on the machine: what only serves a person costs seconds under emulation.
for unit in getty@tty1.service serial-getty@ttyS0.service modprobe@.service apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service \
    dpkg-db-backup.timer fstrim.timer systemd-timesyncd.service systemd-pcrphase.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
if [ -n "$overlay" ]; then
    cp -r "$overlay/." "$root/"
fi
cp "$root"/boot/vmlinuz-* "$image/kernel"
rm -rf "$root"/boot/*
# A partition, so that the kernel finds its root by an id, whichever disk comes first, and needs no initial RAM disk.
truncate --size 1G "$image/disk.part"
printf 'label: dos\nlabel-id: 0x44757269\nstart=2048, type=83\n' | sfdisk --quiet "$image/disk.part"
mke2fs -q -t ext4 -E offset=1048576 -d "$root" "$image/disk.part" $(((1024 - 1) * 1024))k
mv "$image/disk.part" "$image/disk"
