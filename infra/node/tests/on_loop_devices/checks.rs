//! A check that leaves errors: a person looks at them, and nothing else is done meanwhile.

use std::fs;

use crate::instance::{Instance, Ran, VOLUME};
use crate::volume::{Volume, must, with_a};

fn volume(instance: &Instance) -> Ran {
    instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"])
}

/// Errors that only a person may put right, and others, which e2fsck puts right first.
fn with_errors() -> Option<(Instance, Volume)> {
    let (instance, made) = with_a("ext4")?;
    for request in ["clri <2>", "set_super_value state 2", "set_super_value free_blocks_count 77"] {
        must("debugfs", &["-w", "-R", request, &made.device]);
    }
    Some((instance, made))
}

#[test]
fn a_volume_that_was_refused_is_not_changed_by_each_further_try() {
    let Some((instance, made)) = with_errors() else { return };
    let sum = || must("sha256sum", &[&made.device]);
    let first = volume(&instance);
    assert!(first.word() == "refused" && first.why().contains("leaves errors in it (exit status 4)"), "{first}");
    let left = sum();
    for _ in 0..3 {
        let ran = volume(&instance);
        assert_eq!((ran.word(), ran.why()), ("refused", first.why()), "{ran}");
        assert!(ran.said.contains("check: as before: "), "{ran}");
    }
    assert_eq!(sum(), left);
}

#[test]
fn what_a_person_has_repaired_is_mounted_by_the_next_try() {
    let Some((instance, made)) = with_errors() else { return };
    assert_eq!(volume(&instance).word(), "refused");
    drop(crate::volume::ran("e2fsck", &["-fy", &made.device]));
    let ran = volume(&instance);
    assert_eq!(ran.word(), "mounted", "{ran}");
}

/// Where no written sector is counted, as some tune an NVMe device.
#[test]
fn what_a_person_has_repaired_is_mounted_wherever_nothing_is_counted() {
    let Some((instance, made)) = with_errors() else { return };
    let iostats = format!("/sys/block/{}/queue/iostats", made.device.trim_start_matches("/dev/"));
    fs::write(&iostats, "0").expect("a setting");
    let first = volume(&instance);
    drop(crate::volume::ran("e2fsck", &["-fy", &made.device]));
    let second = volume(&instance);
    fs::write(&iostats, "1").expect("a setting");
    assert_eq!((first.word(), second.word()), ("refused", "mounted"), "{second}");
}

/// EBS may not answer for a while, and then nothing was lost.
#[test]
fn reads_that_fail_for_a_while_refuse_it_for_no_longer() {
    let Some((instance, made)) = with_a("ext4") else { return };
    must("debugfs", &["-w", "-R", "set_super_value state 2", &made.device]);
    let real = "PATH=/usr/sbin:/sbin:/usr/bin:/bin exec e2fsck \"$@\"";
    let fails = "echo \"e2fsck $1\" >>\"$root/checks\"; echo 'Error reading block 276 (Input/output error).'; exit";
    instance.stand_in("e2fsck", &format!("[ -e \"$root/broken\" ] || {real}\n{fails} $(cat \"$root/broken\")"));
    for status in ["4", "12"] {
        instance.write("broken", status);
        for _ in 0..2 {
            let ran = volume(&instance);
            assert!(ran.word() == "refused" && ran.why().contains("look at `dmesg`"), "{ran}");
        }
    }
    // No more than the first writes anything.
    assert_eq!(
        fs::read_to_string(instance.path("checks")).expect("some checks"),
        "e2fsck -p\ne2fsck -n\ne2fsck -n\ne2fsck -n\n"
    );
    fs::remove_file(instance.path("broken")).expect("a file");
    assert_eq!(volume(&instance).word(), "mounted");
}

/// The status is a sum: 4 errors are left, 8 it could not work.
#[test]
fn a_check_that_could_not_work_refuses_it_for_no_longer() {
    let Some((instance, made)) = with_a("ext4") else { return };
    must("debugfs", &["-w", "-R", "set_super_value state 2", &made.device]);
    instance.stand_in("e2fsck", "exit 12");
    assert_eq!(volume(&instance).word(), "refused");
    fs::remove_file(instance.path("bin/e2fsck")).expect("a stand-in");
    assert_eq!(volume(&instance).word(), "mounted");
}

#[test]
fn who_asks_for_it_has_it_checked_again() {
    let Some((instance, _made)) = with_errors() else { return };
    assert_eq!(volume(&instance).word(), "refused");
    let look = "[ $1 = -p ] || PATH=/usr/sbin:/sbin:/usr/bin:/bin exec e2fsck \"$@\"";
    instance.stand_in("e2fsck", &format!("{look}\ntouch \"$root/checked\"; exit 4"));
    assert_eq!(volume(&instance).word(), "refused");
    assert!(!instance.path("checked").exists());
    assert_eq!(instance.durin_node(&["resume", VOLUME]).word(), "not resumed");
    assert!(instance.path("checked").exists());
}

/// One that was killed, or could not work, says nothing of what is there.
#[test]
fn a_check_that_was_none_is_tried_again() {
    let Some((instance, _made)) = with_a("ext4") else { return };
    for end in ["exit 8", "kill -9 $$"] {
        instance.stand_in("e2fsck", end);
        assert_eq!(volume(&instance).word(), "refused");
    }
    fs::remove_file(instance.path("bin/e2fsck")).expect("a stand-in");
    assert_eq!(volume(&instance).word(), "mounted");
}

/// Another boot may have another e2fsck.
#[test]
fn another_boot_checks_again() {
    let Some((mut instance, _made)) = with_errors() else { return };
    assert_eq!(volume(&instance).word(), "refused");
    let note = fs::read_to_string(instance.path("run/durin/checked.json")).expect("a note");
    instance.new_boot();
    fs::create_dir_all(instance.path("run/durin")).expect("a directory");
    instance.write("run/durin/checked.json", &note);
    let ran = volume(&instance);
    assert!(ran.word() == "refused" && !ran.said.contains("as before"), "{ran}");
}
