//! What an instance needs to be the node, and what may be wrong with it.

use std::fs;
use std::os::unix::fs::symlink;

use crate::instance::Instance;
use crate::metadata::Metadata;

const VOLUME_TAG: &str = "meta-data/tags/instance/durin:volume-id";
/// The programs that durin-node calls. They need only be there.
const PROGRAMS: [&str; 8] = ["blkid", "e2fsck", "mkfs.ext4", "mount", "resize2fs", "sync", "umount", "journalctl"];

/// Has nothing wrong with an instance but this. Returns the metadata service that says so.
pub(crate) fn fit_but(instance: &Instance, what: &str) -> Metadata {
    for directory in ["etc", "usr", "var", "sys/block/xvda"] {
        drop(fs::remove_dir_all(instance.path(directory)));
    }
    let file = |path: &str, content: &str| {
        let parent = instance.path(path).parent().map(fs::create_dir_all);
        parent.expect("a directory").expect("a directory");
        instance.write(path, content);
    };
    let units = "etc/systemd/system";
    for program in PROGRAMS {
        file(&format!("usr/sbin/{program}"), "");
    }
    file(&format!("{units}/k3s.service"), "[Service]\n");
    drop(fs::remove_dir_all(instance.path("run/systemd")));
    file(&format!("{units}/k3s.service.d/durin.conf"), include_str!("../../units/k3s.service.d/durin.conf"));
    file(&format!("{units}/durin-volume.service"), include_str!("../../units/durin-volume.service"));
    file(&format!("{units}/durin-node.service"), include_str!("../../units/durin-node.service"));
    file(&format!("{units}/multi-user.target.wants/durin-node.service"), "");
    file("etc/rancher/k3s/config.yaml", "");
    instance.install_k3s();
    let metadata = Metadata::of_a_node();

    let remove = |path: &str| fs::remove_file(instance.path(path)).expect("it was there");
    match what {
        "nothing" => {}
        "no k3s.service" => remove(&format!("{units}/k3s.service")),
        "no k3s" => remove("bin/k3s"),
        "no drop-in" => remove(&format!("{units}/k3s.service.d/durin.conf")),
        "k3s starts at boot" => file(&format!("{units}/multi-user.target.wants/k3s.service"), ""),
        "/var/lib/kubelet leads to the volume" => {
            fs::create_dir_all(instance.path("var/lib")).expect("a directory");
            symlink("/data/kubelet", instance.path("var/lib/kubelet")).expect("a link");
        }
        "durin-volume.service is masked" => {
            remove(&format!("{units}/durin-volume.service"));
            symlink("/dev/null", instance.path(units).join("durin-volume.service")).expect("a link");
        }
        "durin-volume.service is masked for this boot" => {
            fs::create_dir_all(instance.path("run/systemd/generator.early")).expect("a directory");
            symlink("/dev/null", instance.path("run/systemd/generator.early/durin-volume.service")).expect("a link");
        }
        "k3s.service is masked" => file(&format!("{units}.control/k3s.service"), ""),
        "another target starts k3s" => file("run/systemd/generator.early/default.target.wants/k3s.service", ""),
        "another data-dir" => file("etc/rancher/k3s/config.yaml.d/99-own.yaml", "data-dir: /var/lib/own\n"),
        "no NVMe device" => file("sys/block/xvda/dev", "202:0"),
        "a line of fstab" => file("etc/fstab", "/dev/sdf /data ext4 defaults 0 2\n"),
        "a mount unit" => file(&format!("{units}/multi-user.target.wants/data.mount"), ""),
        "an embedded etcd" => file("etc/rancher/k3s/config.yaml", "cluster-init: true\n"),
        "no place for k3s's configuration" => file("etc/rancher/k3s/config.yaml.d", ""),
        "no tag" => metadata.remove(VOLUME_TAG),
        "a tag that names no volume" => metadata.set(VOLUME_TAG, "vol-no"),
        other => panic!("nobody knows how to be fit but {other:?}"),
    }
    metadata
}
