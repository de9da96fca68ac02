//! What `durin-node prepare` thinks of an image and its instance.

use std::fs;
use std::os::unix::fs::symlink;

use rstest::rstest;

use crate::instance::Instance;
use crate::metadata::Metadata;

fn remove(instance: &Instance, relative: &str) {
    fs::remove_file(instance.path(relative)).expect("it was there");
}

#[rstest]
#[case::k3s_missing(|i: &Instance| remove(i, "usr/bin/k3s"), "the image lacks k3s")]
#[case::no_unit(|i: &Instance| remove(i, "etc/systemd/system/k3s.service"), "there is no k3s.service")]
#[case::starts_at_boot(
    |i: &Instance| i.write("etc/systemd/system/multi-user.target.wants/k3s.service", ""),
    "k3s starts at boot"
)]
#[case::no_drop_in(|i: &Instance| remove(i, "etc/systemd/system/k3s.service.d/durin.conf"), "k3s would start after a release")]
#[case::drop_in_masked(
    |i: &Instance| i.write("run/systemd/system.control/k3s.service.d/durin.conf", ""),
    "k3s would start after a release"
)]
#[case::drop_in_set_aside(
    |i: &Instance| {
        let place = i.path("etc/systemd/system/k3s.service.d/durin.conf");
        fs::rename(&place, place.with_extension("conf.old")).expect("it was there");
    },
    "k3s would start after a release"
)]
#[case::kubelet_on_the_volume(
    |i: &Instance| symlink("/data/kubelet", i.path("var/lib/kubelet")).expect("a link"),
    "/var/lib/kubelet would be on the volume"
)]
#[case::volume_masked(
    |i: &Instance| {
        remove(i, "etc/systemd/system/durin-volume.service");
        i.write("usr/lib/systemd/system/durin-volume.service", "[Service]\nExecStart=/usr/local/bin/durin-node volume\n");
        symlink("/dev/null", i.path("etc/systemd/system/durin-volume.service")).expect("a link");
    },
    "durin-volume.service is masked"
)]
#[case::not_enabled(
    |i: &Instance| remove(i, "etc/systemd/system/multi-user.target.wants/durin-node.service"),
    "durin-node.service is masked, missing or not enabled"
)]
#[case::data_on_the_command_line(
    |i: &Instance| i.write("etc/systemd/system/k3s.service", "[Service]\nExecStart=/usr/local/bin/k3s \\\n    server \\\n    '--data-dir=/srv/k3s'\n"),
    "/etc/systemd/system/k3s.service has k3s keep its data elsewhere"
)]
#[case::data_in_a_drop_in(
    |i: &Instance| i.write("etc/systemd/system/k3s.service.d/mine.conf", "[Service]\nExecStart=\nExecStart=/usr/local/bin/k3s server -d /srv/k3s\n"),
    "k3s.service.d/mine.conf has k3s"
)]
#[case::data_in_a_later_file(
    |i: &Instance| i.write("etc/rancher/k3s/config.yaml.d/90-mine.yaml", "data-dir: /srv/k3s\n"),
    "config.yaml.d/90-mine.yaml has k3s"
)]
#[case::xen(
    |i: &Instance| {
        fs::rename(i.path("sys/block/nvme0n1"), i.path("sys/block/xvda")).expect("it was there");
    },
    "choose types of the Nitro system"
)]
#[case::fstab(
    |i: &Instance| i.write("etc/fstab", "# disks\nUUID=1 / ext4 defaults 0 1\n/dev/nvme1n1  /data\text4 defaults,nofail 0 2\n"),
    "/etc/fstab mounts something"
)]
#[case::fstab_with_a_slash_more(|i: &Instance| i.write("etc/fstab", "UUID=1 /data/ ext4\n"), "/etc/fstab mounts something")]
#[case::fstab_with_a_slash_before(|i: &Instance| i.write("etc/fstab", "UUID=1 //data ext4\n"), "/etc/fstab mounts something")]
#[case::fstab_escaped(|i: &Instance| i.write("etc/fstab", "UUID=1 /dat\\141 ext4\n"), "/etc/fstab mounts something")]
#[case::fstab_when_it_is_used(
    |i: &Instance| i.write("etc/fstab", "UUID=1 /data ext4 noauto,x-systemd.automount\n"),
    "/etc/fstab mounts something"
)]
#[case::fstab_where_a_link_leads(
    |i: &Instance| {
        i.write("mnt/a-disk/x", "");
        symlink("mnt/a-disk", i.path("data")).expect("a link");
        i.write("etc/fstab", "UUID=1 /mnt/a-disk ext4\n");
    },
    "/etc/fstab mounts something"
)]
#[case::a_mount_unit(
    |i: &Instance| i.write("etc/systemd/system/multi-user.target.wants/data.mount", ""),
    "data.mount mounts something"
)]
#[case::a_mount_unit_where_a_link_leads(
    |i: &Instance| {
        i.write("mnt/a-disk/x", "");
        symlink("mnt/a-disk", i.path("data")).expect("a link");
        i.write("usr/lib/systemd/system/local-fs.target.requires/mnt-a\\x2ddisk.automount", "");
    },
    "mnt-a\\x2ddisk.automount mounts something"
)]
#[case::a_generated_unit(
    |i: &Instance| i.stand_in("systemctl", "printf 'Id=data.mount\n\nId=data.automount\nFragmentPath=/run/x\nWantedBy=a.target\n'"),
    "data.automount mounts something"
)]
#[case::etcd(|i: &Instance| i.write("etc/rancher/k3s/config.yaml", "cluster-init: true\n"), "embedded etcd")]
#[case::etcd_on_the_command_line(
    |i: &Instance| i.write("etc/systemd/system/k3s.service", "[Service]\nExecStart=/usr/local/bin/k3s \\\n    server \\\n\t'--cluster-init' \\\n\n"),
    "embedded etcd"
)]
#[case::etcd_in_the_environment(
    |i: &Instance| i.write("etc/systemd/system/k3s.service.d/mine.conf", "[Service]\nEnvironment=A=b \"K3S_CLUSTER_INIT=true\"\n"),
    "embedded etcd"
)]
#[case::etcd_in_the_environment_that_the_installer_writes(
    |i: &Instance| {
        let files = "EnvironmentFile=-/etc/default/%N\nEnvironmentFile=-/etc/systemd/system/k3s.service.env\n";
        i.write("etc/systemd/system/k3s.service", &format!("[Service]\n{files}"));
        i.write("etc/systemd/system/k3s.service.env", "# k3s\nK3S_CLUSTER_INIT='1'\n");
    },
    "embedded etcd"
)]
#[case::another_configuration(
    |i: &Instance| i.write("etc/systemd/system/k3s.service", "[Service]\nExecStart=/usr/local/bin/k3s server -c /etc/own.yaml\n"),
    "/etc/systemd/system/k3s.service has k3s read /etc/own.yaml"
)]
#[case::another_configuration_in_the_environment(
    |i: &Instance| {
        i.write("etc/systemd/system/k3s.service", "[Service]\nEnvironmentFile=-/etc/default/%N\n");
        i.write("etc/default/k3s", "K3S_CONFIG_FILE=/etc/own.yaml\n");
    },
    "/etc/default/k3s has k3s read /etc/own.yaml"
)]
fn an_image_that_cannot_be_the_node_is_unfit(#[case] spoil: fn(&Instance), #[case] why: &str) {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    spoil(&instance);
    let ran = instance.durin_node(metadata.address, &["prepare"]);
    assert_eq!((ran.word(), ran.status), ("unfit", Some(1)), "{}", ran.text);
    assert!(ran.answer["why"].as_str().is_some_and(|text| text.contains(why)), "{}", ran.text);
}

#[test]
fn what_a_person_alone_mounts_is_no_matter() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    instance.write(
        "etc/fstab",
        "#/dev/nvme1n1 /data ext4\n/dev/nvme1n1 /data ext4 noauto,ro 0 0\n/dev/nvme2n1 /data2 xfs\n",
    );
    // As durin-node has mounted it, and another service needs it.
    let shown = "printf 'Id=data.mount\nFragmentPath=\nRequiredBy=x.service\n'";
    instance.stand_in("systemctl", shown);
    let ran = instance.durin_node(metadata.address, &["prepare"]);
    assert_eq!(ran.word(), "prepared", "{}", ran.text);
}

#[test]
fn a_unit_that_another_stands_in_for_is_no_matter() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    instance
        .write("usr/lib/systemd/system/k3s.service", "[Service]\nExecStart=/usr/bin/k3s server --data-dir=/srv/k3s\n");
    let ran = instance.durin_node(metadata.address, &["prepare"]);
    assert_eq!(ran.word(), "prepared", "{}", ran.text);
}

#[test]
fn a_unit_that_names_the_volume_itself_is_fit() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    let unit = "[Service]\nExecStartPre=/sbin/modprobe -d /x y\nExecStart=/usr/local/bin/k3s server --data-dir \"/data/k3s\" --debug\n";
    instance.write("etc/systemd/system/k3s.service", unit);
    let ran = instance.durin_node(metadata.address, &["prepare"]);
    assert_eq!(ran.word(), "prepared", "{}", ran.text);
}

/// The last one counts, and one that is empty takes all before it back. (systemd.service(5), "ExecStart=")
#[rstest]
#[case::taken_back(
    "ExecStart=/usr/bin/k3s server --cluster-init --data-dir /srv/k3s --config /etc/own.yaml\nEnvironment=K3S_CLUSTER_INIT=1",
    "ExecStart=\nExecStart=/usr/bin/k3s server\nEnvironment="
)]
#[case::switched_off("ExecStart=/usr/bin/k3s server --cluster-init=false", "Environment=K3S_CLUSTER_INIT=false")]
#[case::by_a_shell("ExecStart=/bin/sh -c 'exec /usr/bin/k3s server'", "")]
#[case::the_usual_configuration(
    "ExecStart=/usr/bin/k3s server --config=/etc/rancher/k3s/config.yaml",
    "Environment=K3S_CONFIG_FILE="
)]
fn what_k3s_is_not_started_with_is_no_matter(#[case] unit: &str, #[case] drop_in: &str) {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    instance.write("etc/systemd/system/k3s.service", &format!("[Service]\n{unit}\n"));
    instance.write("etc/systemd/system/k3s.service.d/mine.conf", &format!("[Service]\n{drop_in}\n"));
    let ran = instance.durin_node(metadata.address, &["prepare"]);
    assert_eq!(ran.word(), "prepared", "{}", ran.text);
}

/// (k3s, `pkg/configfilearg`, `dotDFiles`)
#[test]
fn a_file_that_k3s_does_not_read_is_no_matter() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    instance.write("etc/rancher/k3s/config.yaml.d/90-mine.yaml.old", "data-dir: /srv/k3s\ncluster-init: true\n");
    let ran = instance.durin_node(metadata.address, &["prepare"]);
    assert_eq!(ran.word(), "prepared", "{}", ran.text);
}

#[rstest]
#[case::has_run(|i: &Instance| i.write("var/lib/rancher/k3s/server/token", ""), "k3s has run as a server")]
#[case::not_unpacked(|i: &Instance| remove(i, "var/lib/rancher/k3s/data/abc/bin/containerd"), "k3s unpacks itself")]
fn a_mere_delay_is_a_warning(#[case] spoil: fn(&Instance), #[case] warning: &str) {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    spoil(&instance);
    let ran = instance.durin_node(metadata.address, &["prepare"]);
    assert_eq!(ran.word(), "prepared", "{}", ran.text);
    assert!(ran.answer["note"]["warnings"][0].as_str().is_some_and(|text| text.contains(warning)), "{}", ran.text);
}
