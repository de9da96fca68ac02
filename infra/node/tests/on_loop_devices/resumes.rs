//! A resume that finds no marker: the volume is mounted then, or it is mounted now, or the answer is no.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Command;

use rstest::rstest;
use rustix::fs::OFlags;

use crate::instance::{Instance, Others, Ran, VOLUME, wait_until};
use crate::releases::{release, serving, serving_beside};
use crate::volume::must;

fn resume(instance: &Instance) -> Ran {
    instance.durin_node(&["resume", VOLUME])
}

#[test]
fn a_volume_that_mounts_neither_at_once_nor_after_the_reboot_is_not_resumed() {
    let Some(mut instance) = serving() else { return };
    assert_eq!(release(&instance).word(), "released");
    instance.stand_in("e2fsck", "exit 4");
    assert_eq!(resume(&instance).status, Some(194));
    // Systems Manager reboots, and runs us again.
    instance.new_boot();
    let ran = resume(&instance);
    assert_eq!((ran.word(), ran.status), ("not resumed", Some(1)), "{ran}");
    assert!(ran.why().contains("journalctl -u durin-volume"), "{ran}");
    fs::remove_file(instance.path("bin/e2fsck")).expect("a stand-in");
    assert_eq!(resume(&instance).word(), "resumed");
    assert_eq!(instance.mounts(), [instance.text("data")]);
    assert_eq!(resume(&instance).word(), "nothing to do");
}

#[test]
fn a_second_resume_waits_for_the_mount_that_the_first_has_begun() {
    let Some(instance) = serving() else { return };
    assert_eq!(release(&instance).word(), "released");
    instance.stand_in("e2fsck", "touch \"$root/checking\"; sleep 2; exit 4");
    let first = instance.begin(&["resume", VOLUME]);
    wait_until("check", || instance.path("checking").exists());
    let second = resume(&instance);
    assert_eq!(second.word(), "not resumed", "{second}");
    assert_eq!(Ran::of(first).word(), "reboot");
}

/// A check that is cut off helps nobody, and a file system that is half made is not blank any more.
#[test]
fn a_mount_that_is_under_way_is_not_begun_anew() {
    let Some(instance) = serving() else { return };
    must("umount", &[&instance.text("data")]);
    instance.write("state", "start");
    assert_eq!(resume(&instance).word(), "resumed");
    assert_eq!(instance.asked().last().map(String::as_str), Some("start durin-volume.service"));
}

/// A file system of many files is checked for minutes. A reboot would cut that off, and have it begun anew.
#[test]
fn a_check_that_is_not_over_in_time_is_neither_cut_off_nor_called_failed() {
    let Some(instance) = serving() else { return };
    assert_eq!(release(&instance).word(), "released");
    instance.stand_in("e2fsck", "echo begun >>\"$root/checks\"; sleep 6; echo ended >>\"$root/checks\"");
    for _ in 0..2 {
        let ran = instance.durin_node(&["resume", VOLUME, "--within", "2"]);
        assert_eq!((ran.word(), ran.status), ("not resumed", Some(1)), "{ran}");
        assert!(ran.why().contains("still being checked"), "{ran}");
    }
    // This one waits for it.
    assert_eq!(resume(&instance).word(), "resumed");
    let checks = fs::read_to_string(instance.path("checks")).expect("some checks");
    assert_eq!(checks, "begun\nended\nbegun\nended\n", "one at a time");
}

#[test]
fn a_resume_that_was_killed_between_its_steps_is_completed_by_the_next() {
    let Some(instance) = serving() else { return };
    assert_eq!(release(&instance).word(), "released");
    let body = fs::read_to_string(instance.path("bin/systemctl")).expect("a stand-in");
    instance.stand_in("systemctl", "kill -9 $PPID");
    assert_eq!(resume(&instance).status, None);
    assert_eq!(instance.marker(), None);
    fs::write(instance.path("bin/systemctl"), body).expect("a stand-in");
    let ran = resume(&instance);
    assert_eq!((ran.word(), ran.status), ("resumed", Some(0)), "{ran}");
    assert_eq!(instance.mounts(), [instance.text("data")]);
}

/// The unit starts k3s, too, and tries that again; a reboot would take longer.
#[test]
fn a_volume_that_is_mounted_is_resumed_however_the_unit_has_ended() {
    let Some(instance) = serving() else { return };
    assert_eq!(release(&instance).word(), "released");
    let body = fs::read_to_string(instance.path("bin/systemctl")).expect("a stand-in");
    fs::write(instance.path("bin/systemctl"), body.replace("exec '", "'") + "\n[ $1 != restart ]\n")
        .expect("a stand-in");
    let ran = resume(&instance);
    assert_eq!((ran.word(), ran.status), ("resumed", Some(0)), "{ran}");
}

/// Its release has failed half-way, and k3s is stopped.
fn left_over() -> Option<Instance> {
    let mut instance = serving()?;
    instance.with_open("data/written");
    assert_eq!(release(&instance).word(), "not released");
    instance.write("k3s.unit", "ActiveState=inactive\nInvocationID=\nMainPID=0\n");
    Some(instance)
}

/// The mount has outlived the release, and says nothing about k3s.
#[test]
fn a_volume_that_is_mounted_is_not_resumed_while_nothing_starts_k3s() {
    let Some(instance) = left_over() else { return };
    let body = fs::read_to_string(instance.path("bin/systemctl")).expect("a stand-in");
    fs::write(instance.path("bin/systemctl"), body.replace("exec '", "exit 1; '")).expect("a stand-in");
    assert_eq!(resume(&instance).status, Some(194));
    // There is no second reboot.
    let ran = resume(&instance);
    assert_eq!((ran.word(), ran.status), ("not resumed", Some(1)), "{ran}");
    assert!(ran.why().contains("k3s does not start"), "{ran}");
    instance.write("state", "auto-restart");
    assert_eq!(resume(&instance).word(), "resumed", "the unit tries again");
}

/// The device is slow to answer, and the unit has not come as far as k3s.
#[test]
fn a_volume_that_is_mounted_is_not_resumed_while_the_unit_is_at_work_on_it() {
    let Some(instance) = left_over() else { return };
    let work = "setsid flock \"$root/run/durin-release.lock\" sleep 4 >/dev/null 2>&1 & sleep 1; exit 1; '";
    let body = fs::read_to_string(instance.path("bin/systemctl")).expect("a stand-in");
    fs::write(instance.path("bin/systemctl"), body.replace("exec '", work)).expect("a stand-in");
    instance.write("state", "start");
    let ran = resume(&instance);
    assert_eq!((ran.word(), &ran.answer["obstacle"]), ("not resumed", &"under way".into()), "{ran}");
}

#[test]
fn a_resume_that_was_killed_before_k3s_was_started_is_completed_by_the_next() {
    let Some(instance) = left_over() else { return };
    let body = fs::read_to_string(instance.path("bin/systemctl")).expect("a stand-in");
    instance.stand_in("systemctl", "kill -9 $PPID");
    assert_eq!((resume(&instance).status, instance.marker()), (None, None));
    fs::write(instance.path("bin/systemctl"), body).expect("a stand-in");
    let ran = resume(&instance);
    assert_eq!((ran.word(), ran.status), ("resumed", Some(0)), "{ran}");
    assert!(instance.asked().contains(&"restart durin-volume.service".to_owned()), "{:?}", instance.asked());
}

/// A reboot would clear the marker, and mount what others have been told is released.
#[test]
fn a_volume_that_is_released_while_it_is_taken_back_stays_released() {
    let Some(instance) = serving() else { return };
    assert_eq!(release(&instance).word(), "released");
    instance.stand_in(
        "systemctl",
        &format!(
            "case $1 in restart) PATH=/usr/bin:/bin '{}' --root \"$root\" release {VOLUME} >/dev/null ;; esac",
            env!("CARGO_BIN_EXE_durin-node")
        ),
    );
    let ran = resume(&instance);
    assert_eq!((ran.word(), ran.status), ("not resumed", Some(1)), "{ran}");
    assert!(ran.why().contains("released again") && instance.marker().is_some(), "{ran}");
}

/// A person restores a backup, checks it as e2fsck does, or looks what is on it.
#[rstest]
#[case::who_writes_to_it(Some(0), "open for writing (sleep (")]
#[case::who_checks_it(Some(OFlags::EXCL.bits()), "used by sleep (")]
#[case::who_has_mounted_it(None, "is still mounted at ")]
fn a_released_volume_is_not_taken_from_who_has_it_and_nothing_is_rebooted(
    #[case] flags: Option<u32>,
    #[case] why: &str,
) {
    let Some(mut instance) = serving() else { return };
    assert_eq!(release(&instance).word(), "released");
    let marker = instance.marker();
    let device = fs::read_link(instance.path("dev/nvme1n1")).expect("a link");
    if let Some(flags) = flags {
        let flags = i32::try_from(flags).expect("flags of open(2)");
        let device = File::options().read(true).write(true).custom_flags(flags).open(device).expect("the device");
        instance.started(Command::new("sleep").arg("120").stdin(device));
    } else {
        fs::create_dir_all(instance.path("mnt")).expect("a directory");
        must("mount", &["-o", "ro", &device.display().to_string(), &instance.text("mnt")]);
    }
    let ran = resume(&instance);
    assert_eq!((ran.word(), ran.status, instance.marker()), ("not resumed", Some(1), marker), "{ran}");
    assert!(ran.why().contains(why) && ran.why().contains("stays released"), "{ran}");
    assert_eq!(ran.answer["obstacle"], "in use", "{ran}");
    assert!(!instance.asked().contains(&"restart durin-volume.service".to_owned()), "{ran}");
    instance.end_processes();
    instance.unmount_everything(&[]);
    assert_eq!(resume(&instance).word(), "resumed");
}

/// They began after we had looked, and before the unit did.
#[test]
fn who_has_a_volume_by_the_time_it_would_be_mounted_is_waited_for_too() {
    let Some(mut instance) = serving() else { return };
    assert_eq!(release(&instance).word(), "released");
    let body = fs::read_to_string(instance.path("bin/systemctl")).expect("a stand-in");
    let begin = "sleep 60 <>\"$root/dev/nvme1n1\" >/dev/null 2>&1 & echo $! >\"$root/writer\"; exec '";
    instance.stand_in("systemctl", &body.replace("exec '", begin));
    let ran = resume(&instance);
    let writer = fs::read_to_string(instance.path("writer")).expect("a process");
    must("kill", &[writer.trim()]);
    assert_eq!((ran.word(), &ran.answer["obstacle"]), ("not resumed", &"in use".into()), "{ran}");
    assert!(instance.marker().is_some(), "{ran}");
    fs::write(instance.path("bin/systemctl"), body).expect("a stand-in");
    instance.end_processes();
    assert_eq!(resume(&instance).word(), "resumed");
}

/// What keeps it would not go otherwise, and nobody else has been told that it is free.
#[test]
fn a_volume_whose_release_has_failed_is_rebooted_free() {
    let Some(mut instance) = serving() else { return };
    instance.with_open("data/written");
    must("umount", &["--lazy", &instance.text("data")]);
    assert!(release(&instance).why().contains("lives on"));
    assert_eq!(resume(&instance).status, Some(194));
    instance.end_processes();
    instance.new_boot();
    assert_eq!(resume(&instance).word(), "resumed");
}

/// Once what has kept it is gone, it is a person's, who restores a backup say.
#[rstest]
#[case::mounts_it_elsewhere("mkdir mnt && mount $device mnt", "is still mounted at ")]
#[case::repairs_it("true", "used by sleep (")]
#[case::has_something_on_top_of_it("mkdir sys/block/nvme1n1/holders/dm-0", "lives on")]
fn nothing_is_rebooted_under_who_has_the_volume_since_a_release_has_failed(#[case] begin: &str, #[case] why: &str) {
    let Some(mut instance) = serving() else { return };
    instance.with_open("data/written");
    assert_eq!(release(&instance).word(), "not released");
    instance.end_processes();
    must("umount", &[&instance.text("data")]);
    let marker = instance.marker();
    let device = fs::read_link(instance.path("dev/nvme1n1")).expect("a link");
    let line = begin.replace("$device", &device.display().to_string());
    must("sh", &["-c", &format!("cd '{}' && {line}", instance.text(""))]);
    if !line.contains("mount") {
        // Who repairs it, and what is on top of it, has asked for it alone.
        let flags = i32::try_from(OFlags::EXCL.bits()).expect("flags of open(2)");
        let device =
            File::options().read(true).write(line == "true").custom_flags(flags).open(device).expect("the device");
        instance.started(Command::new("sleep").arg("120").stdin(device));
    }
    let ran = resume(&instance);
    assert_eq!((ran.word(), ran.status, instance.marker()), ("not resumed", Some(1), marker), "{ran}");
    assert!(ran.why().contains(why) && ran.why().contains("stays released"), "{ran}");
}

/// Nobody else sees that mount.
#[test]
fn nothing_is_rebooted_under_who_has_the_volume_in_a_mount_namespace_of_their_own() {
    let Some(mut instance) = serving_beside(Others::None) else { return };
    instance.with_open("data/written");
    assert_eq!(release(&instance).word(), "not released");
    instance.end_processes();
    must("umount", &[&instance.text("data")]);
    fs::create_dir_all(instance.path("mnt")).expect("a directory");
    let (device, at) = (fs::canonicalize(instance.path("dev/nvme1n1")).expect("a device"), instance.path("mnt"));
    let line = "mount \"$0\" \"$1\" && exec sleep 120";
    let person = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", line])
        .args([&device, &at])
        .spawn();
    instance.processes.push(person.expect("a process"));
    let person = instance.processes[0].id();
    wait_until("mount", || fs::read_to_string(format!("/proc/{person}/comm")).is_ok_and(|name| name == "sleep\n"));
    let ran = resume(&instance);
    assert_eq!((ran.word(), ran.status), ("not resumed", Some(1)), "{ran}");
    assert!(ran.why().contains(&format!("mount namespace of sleep ({person})")), "{ran}");
    assert_eq!(ran.answer["obstacle"], "in use", "{ran}");
    instance.end_processes();
    assert_eq!(resume(&instance).word(), "resumed");
}

#[rstest]
#[case::write_protected("blockdev --setro $device", "blockdev --setrw $device", "its device is read-only")]
#[case::foreign("mkswap $device", "mkfs.ext4 -qF $device", "holds swap")]
#[case::etcd(
    "mount $device $root/data && mkdir -p $root/data/k3s/server/db/etcd/member && umount $root/data",
    "mount $device $root/data && rm -r $root/data/k3s && umount $root/data",
    "embedded etcd"
)]
fn nothing_is_rebooted_for_what_a_reboot_does_not_change(#[case] spoil: &str, #[case] mend: &str, #[case] why: &str) {
    let Some(instance) = serving() else { return };
    assert_eq!(release(&instance).word(), "released");
    let device = fs::read_link(instance.path("dev/nvme1n1")).expect("a link").display().to_string();
    let shell = |line: &str| {
        must("sh", &["-c", &line.replace("$device", &device).replace("$root", &instance.text(""))]);
    };
    shell(spoil);
    for _ in 0..2 {
        let ran = resume(&instance);
        assert_eq!((ran.word(), ran.status), ("not resumed", Some(1)), "{ran}");
        assert!(ran.why().contains(why) && instance.marker().is_some(), "{ran}");
    }
    shell(mend);
    assert_eq!(resume(&instance).word(), "resumed");
}
