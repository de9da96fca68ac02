//! Whether an image can be the node: what would keep it from taking over is found out while the old instance serves.

/// What is on the root disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Of the programs that we call, those that are not there.
    pub missing: Vec<String>,
    pub has_k3s_unit: bool,
    pub k3s_is_masked: bool,
    /// k3s starts at boot, before its volume is there.
    pub starts_k3s_at_boot: bool,
    /// k3s does not start after a release, nor without the volume.
    pub k3s_honours_the_marker: bool,
    /// Of what belongs to one boot of one machine, what the image has put on the volume.
    pub on_the_volume: Vec<String>,
    /// The image's configuration asks for an embedded etcd.
    pub wants_etcd: bool,
    /// k3s has run as a server while the image was made.
    pub has_run_k3s: bool,
    /// Of our units, those that are masked, missing or not enabled, so that nothing mounts the volume or lets go of it.
    pub asleep: Vec<String>,
    /// What has k3s keep its data elsewhere, whatever we configure.
    pub data_elsewhere: Vec<String>,
    /// The file that has k3s read another configuration than the usual one, and which.
    pub settings_elsewhere: Option<(String, String)>,
    /// The instance has disks, and none of them is an NVMe device.
    pub has_no_nvme: bool,
    /// A line of fstab mounts something where the volume belongs.
    pub fstab_mounts_it: bool,
    /// The units that do.
    pub units_mount_it: Vec<String>,
    /// k3s's own binaries are unpacked on the root disk.
    pub has_unpacked_k3s: bool,
    /// The instance became what it is when it booted.
    pub is_provisioned_at_boot: bool,
}

/// Why the image cannot be the node. Empty if it can.
pub fn unfit(image: &Image) -> Vec<String> {
    let mut reasons = Vec::new();
    if !image.missing.is_empty() {
        reasons.push(format!("the image lacks {}: install them", image.missing.join(", ")));
    }
    if !image.has_k3s_unit {
        reasons.push("there is no k3s.service: install k3s".to_owned());
    }
    if image.k3s_is_masked {
        reasons.push("k3s.service is masked, and would not start: `systemctl unmask k3s`".to_owned());
    }
    if image.starts_k3s_at_boot {
        reasons.push("k3s starts at boot, before its volume is there: `systemctl disable k3s`".to_owned());
    }
    if !image.k3s_honours_the_marker {
        reasons.push("k3s would start after a release: install the drop-in k3s.service.d/durin.conf".to_owned());
    }
    if !image.on_the_volume.is_empty() {
        let what = image.on_the_volume.join(", ");
        reasons.push(format!(
            "{what} would be on the volume, and belong to one boot of one machine: leave them on the root disk"
        ));
    }
    for unit in &image.asleep {
        reasons.push(format!(
            "{unit} is masked, missing or not enabled, and the volume depends on it: `systemctl unmask {unit}`, and run \
             provision.sh"
        ));
    }
    for place in &image.data_elsewhere {
        reasons.push(format!("{place} has k3s keep its data elsewhere than on the volume: remove data-dir from it"));
    }
    if let Some((place, settings)) = &image.settings_elsewhere {
        reasons.push(format!(
            "{place} has k3s read {settings}, and nothing of what Durin writes beside /etc/rancher/k3s/config.yaml: remove \
             --config or K3S_CONFIG_FILE from it"
        ));
    }
    if image.has_no_nvme {
        reasons.push(
            "this instance type shows no EBS volume as an NVMe device, by which the node's is known: choose types of the \
             Nitro system"
                .to_owned(),
        );
    }
    if image.fstab_mounts_it {
        reasons.push("/etc/fstab mounts something where durin-node mounts the volume: remove that line".to_owned());
    }
    for unit in &image.units_mount_it {
        reasons.push(format!(
            "{unit} mounts something where durin-node mounts the volume: `systemctl disable --now {unit}`"
        ));
    }
    if image.wants_etcd {
        reasons.push(
            "the image's k3s has an embedded etcd (cluster-init), which does not start at another address: use SQLite"
                .to_owned(),
        );
    }
    reasons
}

/// What costs time or may surprise, and does no harm.
pub fn warnings(image: &Image) -> Vec<String> {
    let mut warnings = Vec::new();
    if image.has_run_k3s {
        warnings.push(
            "k3s has run as a server while the image was made: remove /var/lib/rancher/k3s/server from it".to_owned(),
        );
    }
    if !image.has_unpacked_k3s {
        let how = "run `k3s kubectl version --client` while the image is made";
        warnings.push(format!("k3s unpacks itself onto the volume at each new version, in the outage: {how}"));
    }
    if image.is_provisioned_at_boot {
        warnings.push(
            "this is a stock image, provisioned at its boot, which is for trying out: each launch waits for downloads, \
             and fails without them. Bake an image: `just deploy-image --now`, or `just bake`"
                .to_owned(),
        );
    }
    warnings
}
