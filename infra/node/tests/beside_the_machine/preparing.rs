//! `durin-node prepare`.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rstest::rstest;

use crate::instance::{Instance, Ran, VOLUME};
use crate::metadata::Metadata;

const CONFIGURATION: &str = "etc/rancher/k3s/config.yaml.d/50-durin.yaml";

#[test]
fn a_fit_instance_is_prepared_and_can_be_asked_for_it() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    instance.stand_in("k3s", "echo 'k3s version v1.36.4+k3s1 (a1b2c3d4)'");
    let ran = instance.durin_node(metadata.address, &["prepare"]);
    assert_eq!((ran.word(), ran.status), ("prepared", Some(0)), "{}", ran.text);
    assert_eq!(metadata.tokens(), 1, "one token does for all questions");
    let status = instance.durin_node(metadata.address, &["status"]);
    let note = &status.answer["prepared"];
    assert_eq!(note["volume"], VOLUME);
    assert_eq!((&note["instance"], &note["node_name"]), (&"i-0abcdef0123456789".into(), &"home".into()));
    assert_eq!(note["unfit"], serde_json::json!([]));
    assert_eq!(note["k3s"], "v1.36.4+k3s1");
    assert!(ran.answer["warmed_bytes"].as_u64() >= Some(6), "k3s's own binaries are read: {}", ran.text);
}

#[test]
fn k3s_is_configured_for_the_record_and_the_volume() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    instance.durin_node(metadata.address, &["prepare"]);
    let lines: Vec<_> = instance.read(CONFIGURATION).lines().skip(1).map(str::to_owned).collect();
    assert_eq!(
        lines,
        [
            r#"data-dir: "/data/k3s""#,
            r#"tls-san+: ["home.durin.internal"]"#,
            r#"kube-apiserver-arg+: ["endpoint-reconciler-type=master-count"]"#,
        ]
    );
}

/// By then the root disk may have no room for them any more.
#[test]
fn what_the_volume_needs_on_the_root_disk_is_there_before_it_comes() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    instance.durin_node(metadata.address, &["prepare"]);
    assert!(instance.path("data").is_dir());
    let place = instance.path("etc/rancher/k3s/config.yaml.d/60-durin-volume.yaml");
    let leads_to = place.parent().expect("a directory").join(std::fs::read_link(&place).expect("a link"));
    std::fs::write(&leads_to, "node-name: home\n").expect("what it leads to can be written");
    assert_eq!(instance.read("run/durin/k3s-volume.yaml"), "node-name: home\n");
}

#[test]
fn a_tag_stays_one_string() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    metadata.set("meta-data/tags/instance/durin:record-name", "a\"]\ncluster-init: true");
    instance.durin_node(metadata.address, &["prepare"]);
    let lines: Vec<_> = instance.read(CONFIGURATION).lines().map(str::to_owned).collect();
    assert_eq!(lines[2], r#"tls-san+: ["a\"]\ncluster-init: true"]"#);
}

#[test]
fn a_tag_that_comes_late_is_waited_for() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    metadata.remove("meta-data/tags/instance/durin:volume-id");
    let preparing = instance.begin(metadata.address, &["prepare"]);
    thread::sleep(Duration::from_millis(700));
    metadata.set("meta-data/tags/instance/durin:volume-id", VOLUME);
    let ran = Ran::of(preparing);
    assert_eq!(ran.word(), "prepared", "{}", ran.text);
}

#[test]
fn a_service_that_stumbles_is_asked_again() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    // No token; a token and then no answer; a token that has run out.
    metadata.fail(&[Some(503), None, Some(401)]);
    let ran = instance.durin_node(metadata.address, &["prepare"]);
    assert_eq!(ran.word(), "prepared", "{}", ran.text);
}

#[rstest]
#[case::not_said("", serde_json::Value::Null)]
#[case::seconds("8", 8.into())]
#[case::none_at_all("0", serde_json::Value::Null)]
#[case::no_number("soon", serde_json::Value::Null)]
fn the_tags_that_need_not_be_there_are_read(#[case] drain: &str, #[case] seconds: serde_json::Value) {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    metadata.set("meta-data/tags/instance/durin:new-volume", VOLUME);
    metadata.set("meta-data/tags/instance/durin:drain", drain);
    instance.durin_node(metadata.address, &["prepare"]);
    let note = instance.durin_node(metadata.address, &["status"]).answer["prepared"].clone();
    assert_eq!((&note["new_volume"], &note["drain_seconds"]), (&VOLUME.into(), &seconds));
}

#[test]
fn an_instance_without_the_volumes_tag_is_unfit() {
    let (instance, metadata) = (Instance::new(), Metadata::with(&[("meta-data/instance-id", "i-1")]));
    let ran = instance.durin_node(metadata.address, &["prepare", "--within", "1"]);
    assert_eq!((ran.word(), ran.status), ("unfit", Some(1)), "{}", ran.text);
    assert!(ran.answer["why"].as_str().is_some_and(|why| why.contains("durin:volume-id")), "{}", ran.text);
}

#[test]
fn an_instance_without_a_metadata_service_is_unfit_and_says_so() {
    let instance = Instance::new();
    let ran = instance.durin_node("127.0.0.1:1".parse().expect("an address"), &["prepare", "--within", "0"]);
    assert!(ran.answer["why"].as_str().is_some_and(|why| why.contains("does not answer")), "{}", ran.text);
}

/// The unit asks again for an image that is unfit.
#[test]
fn a_later_run_without_a_metadata_service_forgets_nothing() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    fs::remove_file(instance.path("usr/bin/resize2fs")).expect("a program");
    let ran = instance.durin_node(metadata.address, &["prepare"]);
    assert_eq!(ran.word(), "unfit", "{}", ran.text);
    let said =
        ["run/durin/prepared.json", "etc/rancher/k3s/config.yaml.d/50-durin.yaml"].map(|file| instance.read(file));
    let nobody = "127.0.0.1:1".parse().expect("an address");
    let ran = instance.durin_node(nobody, &["prepare", "--within", "1"]);
    assert_eq!(ran.word(), "unfit", "{}", ran.text);
    let now =
        ["run/durin/prepared.json", "etc/rancher/k3s/config.yaml.d/50-durin.yaml"].map(|file| instance.read(file));
    assert_eq!(now, said);
}

#[test]
fn an_earlier_boot_does_not_count_as_prepared() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    instance.durin_node(metadata.address, &["prepare"]);
    instance.write("proc/sys/kernel/random/boot_id", "b2\n");
    let status = instance.durin_node(metadata.address, &["status"]);
    assert!(status.answer["prepared"].is_null(), "{}", status.text);
    let ran = instance.durin_node(metadata.address, &["volume", "--within", "0"]);
    assert!(ran.text.contains("nobody has said which volume"), "{}", ran.text);
}

#[test]
fn the_volume_of_the_tags_is_the_one_that_is_waited_for() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    instance.durin_node(metadata.address, &["prepare"]);
    let ran = instance.durin_node(metadata.address, &["volume", "--within", "0"]);
    assert_eq!((ran.word(), &ran.answer["volume"]), ("absent", &VOLUME.into()), "{}", ran.text);
}

#[test]
fn a_stock_image_says_that_it_is_for_trying_out() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    instance.write("etc/durin/made", "at boot\n");
    let ran = instance.durin_node(metadata.address, &["prepare"]);
    assert_eq!(ran.word(), "prepared", "{}", ran.text);
    let status = instance.durin_node(metadata.address, &["status"]);
    let warning = status.answer["prepared"]["warnings"][0].as_str().unwrap_or_default();
    assert!(warning.contains("for trying out") && warning.contains("just bake"), "{}", status.text);
}

fn reboot(instance: &Instance) {
    std::fs::remove_dir_all(instance.path("run")).expect("a directory");
    instance.write("proc/sys/kernel/random/boot_id", "b2\n");
}

/// The unit's and a person's.
#[test]
fn several_at_once_do_not_get_into_each_others_way() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    for _ in 0..10 {
        drop(fs::remove_file(instance.path(CONFIGURATION)));
        let all: Vec<_> = (0..4).map(|_| instance.begin(metadata.address, &["prepare"])).collect();
        for ran in all.into_iter().map(Ran::of) {
            assert_eq!(ran.word(), "prepared", "{}", ran.text);
            assert!(!ran.text.contains("stays as it was"), "{}", ran.text);
        }
    }
}

#[test]
fn a_configuration_that_is_as_it_should_be_is_left_alone() {
    use std::os::unix::fs::MetadataExt as _;
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    instance.durin_node(metadata.address, &["prepare"]);
    let file = || std::fs::metadata(instance.path(CONFIGURATION)).expect("the file").ino();
    let before = file();
    reboot(&instance);
    assert_eq!(instance.durin_node(metadata.address, &["prepare"]).word(), "prepared");
    assert_eq!(file(), before);
}

/// A holder that is rebooted has to mount its volume again.
#[test]
fn a_root_disk_that_cannot_be_written_to_is_reported_and_the_note_is_written() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    // It is no directory.
    instance.write("etc/rancher/k3s/config.yaml.d", "");
    let ran = instance.durin_node(metadata.address, &["prepare"]);
    assert_eq!((ran.word(), ran.status), ("unfit", Some(1)), "{}", ran.text);
    let why = ran.answer["why"].as_str().unwrap_or_default();
    assert!(why.contains("k3s would not have its data on the volume") && why.contains("50-durin.yaml"), "{why}");
    assert!(ran.answer["note"]["warnings"].to_string().contains("50-durin.yaml cannot be written"), "{}", ran.text);
    let ran = instance.durin_node(metadata.address, &["volume", "--within", "0"]);
    assert_eq!((ran.word(), &ran.answer["volume"]), ("absent", &VOLUME.into()), "{}", ran.text);
}

#[test]
fn another_name_that_cannot_be_written_down_is_a_warning() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    instance.durin_node(metadata.address, &["prepare"]);
    reboot(&instance);
    metadata.set("meta-data/tags/instance/durin:record-name", "other.durin.internal");
    let place = instance.path(CONFIGURATION);
    let directory = place.parent().expect("a directory");
    // Not even root makes or replaces a file there then.
    if !chattr("+i", directory) {
        let told = writeln!(io::stderr(), "NOT RUN: a directory that cannot be written to, because chattr fails here");
        return told.expect("standard error");
    }
    let ran = instance.durin_node(metadata.address, &["prepare"]);
    assert!(chattr("-i", directory));
    assert_eq!(ran.word(), "prepared", "{}", ran.text);
    assert!(ran.answer["note"]["warnings"].to_string().contains("stays as it was"), "{}", ran.text);
}

fn chattr(switch: &str, directory: &Path) -> bool {
    Command::new("chattr").arg(switch).arg(directory).stderr(Stdio::null()).status().is_ok_and(|it| it.success())
}

#[test]
fn a_volume_that_has_come_does_not_wait_for_the_reading() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    let read = fs::File::create(instance.path("var/lib/rancher/k3s/data/abc/bin/endless")).expect("a file");
    read.set_len(1 << 40).expect("a sparse file");
    let mut preparing = instance.begin(metadata.address, &["prepare"]);
    thread::sleep(Duration::from_millis(800));
    let ran = instance.durin_node(metadata.address, &["volume", "--within", "0"]);
    let status = instance.durin_node(metadata.address, &["status", "--wait", "prepared", "--within", "0"]);
    preparing.kill().expect("it runs");
    preparing.wait().expect("it ends");
    assert_eq!(&ran.answer["volume"], VOLUME, "{}", ran.text);
    assert_eq!((status.word(), &status.answer["why"]), ("not prepared", &"durin-prepare has not ended".into()));
}

#[test]
fn a_volume_that_nobody_names_says_whom_to_ask() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    metadata.remove("meta-data/tags/instance/durin:volume-id");
    instance.durin_node(metadata.address, &["prepare", "--within", "0"]);
    let ran = instance.durin_node(metadata.address, &["volume", "--within", "0"]);
    assert_eq!(ran.word(), "absent", "{}", ran.text);
    for said in ["no tag durin:volume-id", "journalctl -u durin-prepare"] {
        assert!(ran.text.contains(said), "{said}: {}", ran.text);
    }
}
