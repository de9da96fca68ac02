//! The power fails, or the program is killed, at each of its steps. The steps that others can see are the programs that
//! it runs: a stand-in for one of them kills it just before or just after.

use std::fs;

use rstest::rstest;

use crate::instance::{Instance, VOLUME};
use crate::releases::serving;
use crate::volume::{Volume, must};

/// From now on this program does its work, and the one that has called it dies.
fn die_at(instance: &Instance, program: &str, moment: &str) {
    let real = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(|place| format!("{place}/{program}"));
    let real = real.into_iter().find(|path| fs::exists(path).expect("a look")).expect("the real program");
    let die = "kill -9 $PPID";
    let body = if moment == "before" { format!("{die}; exit 1") } else { format!("{real} \"$@\"\n{die}") };
    instance.stand_in(program, &body);
}

fn live_again(instance: &Instance, program: &str) {
    fs::remove_file(instance.path("bin").join(program)).expect("a stand-in");
}

#[rstest]
fn a_first_mount_that_is_cut_off_anywhere_is_completed_by_the_next(
    #[values("blkid", "mkfs.ext4", "mount", "resize2fs")] program: &str,
    #[values("before", "after")] moment: &str,
    #[values("killed", "power cut")] how: &str,
) {
    let Some(mut instance) = Instance::boot() else { return };
    let mut volume = Volume::make(&instance.path("volumes"), "blank").expect("a volume");
    instance.plug("nvme1n1", VOLUME, &volume.device, &volume.number());
    let mount = ["volume", "--volume", VOLUME, "--new", "--within", "2"];
    die_at(&instance, program, moment);
    let ran = instance.durin_node(&mount);
    assert_eq!(ran.status, None, "it is killed: {ran}");
    live_again(&instance, program);
    if how == "power cut" {
        instance.lose_power(&mut volume);
    }
    let ran = instance.durin_node(&mount);
    assert!(matches!(ran.word(), "formatted" | "mounted"), "{ran}");
    for left in ["etc/rancher/k3s/config.yaml.d/60-durin-volume.yaml", "data/durin/k3s.yaml", "run/durin/volume.json"] {
        assert!(instance.path(left).exists(), "{left}: {ran}");
    }
    let ran = instance.durin_node(&["release", VOLUME]);
    assert_eq!(ran.word(), "released", "{ran}");
}

#[rstest]
fn a_release_that_is_cut_off_anywhere_loses_nothing(
    #[values("systemctl", "sync", "umount")] program: &str,
    #[values("before", "after")] moment: &str,
) {
    let Some(instance) = serving() else { return };
    instance.write("data/written", "acknowledged");
    must("sync", &["--file-system", &instance.text("data")]);
    let body = fs::read_to_string(instance.path("bin/systemctl")).expect("a stand-in");
    if program == "systemctl" {
        instance.stand_in(program, "kill -9 $PPID");
    } else {
        die_at(&instance, program, moment);
    }
    let ran = instance.durin_node(&["release", VOLUME]);
    assert_eq!(ran.status, None, "it is killed: {ran}");
    let ran = instance.durin_node(&["volume", "--volume", VOLUME, "--within", "1"]);
    assert_eq!(ran.word(), "refused", "the marker is there: {ran}");

    fs::write(instance.path("bin/systemctl"), body).expect("a stand-in");
    if program != "systemctl" {
        live_again(&instance, program);
    }
    let ran = instance.durin_node(&["release", VOLUME]);
    assert!(matches!(ran.word(), "released" | "nothing to do"), "{ran}");
    let ran = instance.durin_node(&["resume", VOLUME]);
    assert_eq!(ran.word(), "resumed", "{ran}");
    assert_eq!(fs::read_to_string(instance.path("data/written")).expect("the file"), "acknowledged");
}

/// The agent that runs a release may be restarted, or lose its connection.
#[test]
fn a_release_that_nobody_listens_to_is_completed() {
    let Some(instance) = serving() else { return };
    let mut release = instance.begin(&["release", VOLUME]);
    drop((release.stdout.take(), release.stderr.take()));
    assert!(release.wait().expect("it ends").success());
    assert!(instance.mounts().is_empty());
}
