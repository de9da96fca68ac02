//! An instance with the volume mounted, beside k3s: whether it serves, and a drain for those who ask for one.

use std::fs;
use std::time::{Duration, Instant};

use rstest::rstest;

use crate::full::fill;
use crate::instance::{Instance, Ran, VOLUME};
use crate::releases::serving;
use crate::volume::{Volume, must};

/// k3s's unit, as systemd shows it.
pub(crate) const RUNS: &str = "ActiveState=active\nInvocationID=0123\nMainPID=7\n";

/// A k3s that answers, and notes what it was asked to change.
fn with_k3s(instance: &Instance) {
    instance.write("node.json", r#"{"metadata":{"name":"home"},"spec":{}}"#);
    instance.stand_in(
        "k3s",
        r#"case "$*" in
           "kubectl get node"*) cat "$root/node.json" ;;
           "kubectl get"*) ;;
           *) echo "$*" | sed 's/--timeout=[0-9]*s/--timeout/' >>"$root/changes" ;;
           esac"#,
    );
}

fn drain_for(instance: &Instance, seconds: u64) {
    let boot = fs::read_to_string(instance.path("proc/sys/kernel/random/boot_id")).expect("the boot");
    let note = serde_json::json!({
        "boot": boot.trim(), "instance": "i-1", "address": null, "volume": VOLUME, "new_volume": null,
        "record": null, "node_name": "home", "drain_seconds": seconds, "unfit": [], "warnings": []
    });
    instance.write("run/durin/prepared.json", &note.to_string());
    instance.write("etc/rancher/k3s/config.yaml.d/60-durin-volume.yaml", "node-name: home\n");
}

fn changes(instance: &Instance) -> Vec<String> {
    fs::read_to_string(instance.path("changes")).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn an_instance_serves_while_the_volume_is_mounted_and_k3s_answers() {
    let Some(instance) = serving() else { return };
    with_k3s(&instance);
    let serves = || instance.durin_node(&["status", "--wait", "serves", "--within", "0"]);
    assert_eq!((serves().word(), serves().status), ("serves", Some(0)), "{}", serves());
    instance.stand_in("k3s", "exit 1");
    assert_eq!((serves().word(), serves().why()), ("does not serve", "k3s does not answer"));
    with_k3s(&instance);
    assert_eq!(instance.durin_node(&["release", VOLUME]).word(), "released");
    assert_eq!(serves().why(), format!("{VOLUME} has been released"));
    assert_eq!(instance.durin_node(&["resume", VOLUME]).word(), "resumed");
    assert_eq!(serves().word(), "serves", "{}", serves());
}

/// While it stops, it answers for some seconds.
#[test]
fn a_k3s_that_is_going_down_does_not_serve() {
    let Some(instance) = serving() else { return };
    with_k3s(&instance);
    instance.write("k3s.unit", &RUNS.replace("=active", "=deactivating"));
    let ran = instance.durin_node(&["status", "--wait", "serves", "--within", "0"]);
    assert_eq!((ran.word(), ran.why()), ("does not serve", "k3s answers, and systemd calls it deactivating"), "{ran}");
}

#[test]
fn a_k3s_that_falls_and_is_started_anew_does_not_serve_until_it_stays() {
    let Some(instance) = serving() else { return };
    with_k3s(&instance);
    let asking = instance.begin(&["status", "--wait", "serves", "--within", "0"]);
    std::thread::sleep(Duration::from_secs(1));
    instance.write("k3s.unit", &RUNS.replace("0123", "4567"));
    let ran = Ran::of(asking);
    assert_eq!((ran.word(), ran.why()), ("does not serve", "k3s has been started anew"), "{ran}");
    let begun = Instant::now();
    let ran = instance.durin_node(&["status", "--wait", "serves", "--within", "9"]);
    assert_eq!(ran.word(), "serves", "{ran}");
    assert!(begun.elapsed() < Duration::from_secs(3), "a launch waits for it");
}

#[test]
fn a_volume_that_is_released_between_two_looks_is_not_served_from() {
    let Some(instance) = serving() else { return };
    with_k3s(&instance);
    let asking = instance.begin(&["status", "--wait", "serves", "--within", "9"]);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(instance.durin_node(&["release", VOLUME]).word(), "released");
    assert_eq!(Ran::of(asking).why(), format!("{VOLUME} has been released"));
}

/// k3s still answers.
#[test]
fn a_volume_that_takes_nothing_is_not_served_from() {
    let Some(instance) = serving() else { return };
    with_k3s(&instance);
    let serves = || instance.durin_node(&["status", "--wait", "serves", "--within", "0"]);
    must("fsfreeze", &["--freeze", &instance.text("data")]);
    // The second finds the first one's writing.
    let ran = [serves(), serves()];
    must("fsfreeze", &["--unfreeze", &instance.text("data")]);
    for ran in ran {
        assert!(ran.word() == "does not serve" && ran.why().contains("does not take what is written"), "{ran}");
    }
    assert_eq!(serves().word(), "serves", "{}", serves());
}

/// What is written stays in the kernel's memory, until somebody waits for it.
#[test]
fn a_volume_whose_device_hangs_is_not_served_from() {
    let Some(instance) = Instance::boot() else { return };
    let (image, below) = (instance.text("image"), instance.text("below"));
    fs::create_dir_all(&below).expect("a directory");
    fs::File::create(&image).and_then(|file| file.set_len(256 << 20)).expect("an image");
    must("mkfs.ext4", &["-q", &image]);
    must("mount", &["-o", "loop", &image, &below]);
    let made = Volume::make(&instance.path("below"), "ext4").expect("a volume");
    instance.plug("nvme1n1", VOLUME, &made.device, &made.number());
    assert_eq!(instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"]).word(), "mounted");
    with_k3s(&instance);
    must("fsfreeze", &["--freeze", &below]);
    let ran = instance.durin_node(&["status", "--wait", "serves", "--within", "0"]);
    must("fsfreeze", &["--unfreeze", &below]);
    let released = instance.durin_node(&["release", VOLUME]);
    made.release_device();
    must("umount", &[&below]);
    assert!(ran.word() == "does not serve" && ran.why().contains("does not take what is written"), "{ran}");
    assert_eq!(released.word(), "released", "{released}");
}

/// Whether there is room is for k3s to say.
#[test]
fn a_volume_that_is_full_is_served_from_as_long_as_k3s_answers() {
    let Some(instance) = serving() else { return };
    with_k3s(&instance);
    fill(&instance.text("data"));
    assert!(fs::write(instance.path("data/durin/x"), "x").is_err());
    let ran = instance.durin_node(&["status", "--wait", "serves", "--within", "0"]);
    assert_eq!(ran.word(), "serves", "{ran}");
}

/// Systems Manager ends the question five seconds after that, and then nobody has been told anything.
#[test]
fn a_volume_that_takes_nothing_is_told_of_in_time() {
    let Some(instance) = serving() else { return };
    with_k3s(&instance);
    must("fsfreeze", &["--freeze", &instance.text("data")]);
    let begun = Instant::now();
    let ran = instance.durin_node(&["status", "--wait", "serves", "--within", "12"]);
    let took = begun.elapsed();
    must("fsfreeze", &["--unfreeze", &instance.text("data")]);
    assert!(ran.why().contains("does not take what is written"), "{ran}");
    assert!(took < Duration::from_secs(12 + 5), "{took:?}");
}

/// Nothing is written to where it leads, and nobody waits for who would read it.
#[rstest]
#[case::a_link("ln -s $root/victim $at")]
#[case::a_pipe("mkfifo $at")]
fn what_is_written_goes_into_a_file_of_our_own(#[case] make: &str) {
    let Some(instance) = serving() else { return };
    with_k3s(&instance);
    instance.write("victim", "untouched");
    let make = make.replace("$root", &instance.text("")).replace("$at", &instance.text("data/durin/written"));
    must("sh", &["-c", &make]);
    let ran = instance.durin_node(&["status", "--wait", "serves", "--within", "0"]);
    assert_eq!(ran.word(), "serves", "{ran}");
    assert_eq!(fs::read_to_string(instance.path("victim")).expect("a file"), "untouched");
}

/// By the system-upgrade-controller, say: then k3s alone is started anew.
#[test]
fn a_k3s_that_was_upgraded_where_it_is_is_known_to_have_served() {
    let Some(instance) = serving() else { return };
    instance.write("data/durin/k3s-version", "v1.36.4+k3s1\n");
    let version = r#"{"major":"1","gitVersion":"v1.37.0+k3s1"}"#;
    instance.stand_in("k3s", &format!("case $* in *\" /version \"*) echo '{version}' ;; --version) exit 1 ;; esac"));
    let ran = instance.durin_node(&["status", "--wait", "serves", "--within", "0"]);
    assert_eq!(ran.word(), "serves", "{ran}");
    assert_eq!(fs::read_to_string(instance.path("data/durin/k3s-version")).expect("a version"), "v1.37.0+k3s1\n");
}

#[test]
fn a_release_drains_only_for_one_who_asks() {
    let Some(instance) = serving() else { return };
    with_k3s(&instance);
    let ran = instance.durin_node(&["release", VOLUME]);
    assert_eq!((ran.word(), changes(&instance).len()), ("released", 0), "{ran}");
}

#[test]
fn a_drain_says_first_that_the_cordon_is_ours() {
    let Some(instance) = serving() else { return };
    with_k3s(&instance);
    drain_for(&instance, 5);
    let ran = instance.durin_node(&["release", VOLUME]);
    assert!(ran.said.contains("drain: done ("), "{ran}");
    let mark = "kubectl annotate node home --overwrite durin/cordoned=drain";
    let drain = "kubectl drain home --ignore-daemonsets --delete-emptydir-data --force --timeout";
    assert_eq!(changes(&instance), [mark, drain]);
}

#[test]
fn a_cordon_of_somebody_else_is_not_called_ours() {
    let Some(instance) = serving() else { return };
    with_k3s(&instance);
    instance.write("node.json", r#"{"metadata":{"name":"home"},"spec":{"unschedulable":true}}"#);
    drain_for(&instance, 5);
    instance.durin_node(&["release", VOLUME]);
    assert!(changes(&instance).iter().all(|change| !change.contains("annotate")), "{:?}", changes(&instance));
}

#[test]
fn a_drain_that_hangs_does_not_stop_the_release() {
    let Some(instance) = serving() else { return };
    with_k3s(&instance);
    instance.stand_in("k3s", "sleep 60");
    drain_for(&instance, 1);
    let begun = Instant::now();
    let ran = instance.durin_node(&["release", VOLUME]);
    assert_eq!(ran.word(), "released", "{ran}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{ran}");
    assert!(instance.mounts().is_empty());
}
