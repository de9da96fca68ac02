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

#[test]
fn who_asks_for_it_has_it_checked_again() {
    let Some((instance, _made)) = with_errors() else { return };
    assert_eq!(volume(&instance).word(), "refused");
    instance.stand_in("e2fsck", "touch \"$root/checked\"; exit 4");
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

/// Another boot may have another e2fsck, and a volume that was attached anew may be another one's work.
#[test]
fn another_boot_and_another_attachment_check_again() {
    let Some((mut instance, mut made)) = with_errors() else { return };
    assert_eq!(volume(&instance).word(), "refused");
    let note = fs::read_to_string(instance.path("run/durin/checked.json")).expect("a note");
    instance.new_boot();
    fs::create_dir_all(instance.path("run/durin")).expect("a directory");
    instance.write("run/durin/checked.json", &note);
    let ran = volume(&instance);
    assert!(ran.word() == "refused" && !ran.said.contains("as before"), "{ran}");
    instance.unplug("nvme1n1");
    made.release_device();
    made.attach_anew();
    instance.plug("nvme1n1", VOLUME, &made.device, &made.number());
    let ran = volume(&instance);
    assert!(ran.word() == "refused" && !ran.said.contains("as before"), "{ran}");
}
