//! Two at once: mounting, releasing and resuming take turns.

use std::time::Duration;

use rstest::rstest;

use crate::instance::{Ran, VOLUME};
use crate::releases::{release, serving};

#[test]
fn of_two_at_once_the_second_waits_and_finds_nothing_to_do() {
    let Some(instance) = serving() else { return };
    instance.write("stop", "sleep 1");
    let both = [instance.begin(&["release", VOLUME]), instance.begin(&["release", VOLUME])].map(Ran::of);
    let mut words = [both[0].word(), both[1].word()];
    words.sort_unstable();
    assert_eq!(words, ["nothing to do", "released"], "{}{}", both[0], both[1]);
    assert_eq!(instance.asked(), ["stop durin-settle", "stop k3s"]);
}

#[test]
fn a_mount_waits_for_a_release_and_finds_its_marker() {
    let Some(instance) = serving() else { return };
    instance.write("stop", "sleep 1");
    let releasing = instance.begin(&["release", VOLUME]);
    crate::instance::wait_until("release", || instance.asked().contains(&"stop k3s".to_owned()));
    let ran = instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"]);
    assert_eq!(ran.word(), "refused", "{ran}");
    assert_eq!(Ran::of(releasing).word(), "released");
}

/// A release that has failed leaves it mounted.
#[rstest]
fn a_mount_that_waits_for_its_turn_looks_for_the_marker_again(#[values(true, false)] is_mounted: bool) {
    let Some(instance) = serving() else { return };
    if !is_mounted {
        crate::volume::must("umount", &[&instance.text("data")]);
    }
    let before = instance.mounts();
    let turn = std::fs::File::create(instance.path("run/durin-release.lock")).expect("the lock");
    turn.lock().expect("our turn");
    let mounting = instance.begin(&["volume", "--volume", VOLUME, "--within", "2"]);
    std::thread::sleep(Duration::from_millis(500));
    instance.write("run/durin-released", VOLUME);
    drop(turn);
    let ran = Ran::of(mounting);
    assert!(ran.word() == "refused" && ran.why().contains("durin-node resume"), "{ran}");
    assert_eq!(instance.mounts(), before);
}

/// It may be hours until it comes, and the unit would look as if it waited for that.
#[test]
fn a_volume_that_was_released_and_is_gone_is_not_waited_for() {
    let Some(instance) = serving() else { return };
    assert_eq!(release(&instance).word(), "released");
    instance.unplug("nvme1n1");
    let ran = instance.durin_node(&["volume", "--volume", VOLUME, "--within", "1"]);
    assert!(ran.word() == "refused" && ran.why().contains("durin-node resume"), "{ran}");
}

/// The units ask only whether it is there, and k3s would not start.
#[test]
fn a_marker_of_an_earlier_boot_is_removed_when_it_is_mounted() {
    let Some(mut instance) = serving() else { return };
    assert_eq!(release(&instance).word(), "released");
    let marker = instance.marker().expect("a marker");
    instance.new_boot();
    instance.write("run/durin-released", &marker);
    let ran = instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"]);
    assert_eq!((ran.word(), instance.marker()), ("mounted", None), "{ran}");
}

/// What is in doubt has been released.
#[rstest]
#[case::a_directory("mkdir")]
#[case::a_pipe("mkfifo")]
fn a_marker_that_cannot_be_read_counts(#[case] make: &str) {
    let Some(instance) = serving() else { return };
    crate::volume::must("umount", &[&instance.text("data")]);
    crate::volume::must(make, &[&instance.text("run/durin-released")]);
    let ran = instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"]);
    assert!(ran.word() == "refused" && ran.why().contains("durin-node resume"), "{ran}");
    assert!(instance.mounts().is_empty());
}

#[test]
fn a_release_waits_for_a_mount_that_is_under_way() {
    let Some(instance) = serving() else { return };
    crate::volume::must("umount", &[&instance.text("data")]);
    instance.stand_in("mount", "touch \"$root/mounting\"; sleep 1; PATH=/usr/bin:/bin exec mount \"$@\"");
    let mounting = instance.begin(&["volume", "--volume", VOLUME, "--within", "2"]);
    crate::instance::wait_until("mount", || instance.path("mounting").exists());
    let ran = release(&instance);
    assert_eq!((Ran::of(mounting).word(), ran.word()), ("mounted", "released"), "{ran}");
    assert!(instance.mounts().is_empty(), "it was mounted after it had been called released");
}

#[test]
fn a_resume_waits_for_a_release_that_is_under_way() {
    let Some(instance) = serving() else { return };
    instance.write("stop", "sleep 1");
    let releasing = instance.begin(&["release", VOLUME]);
    crate::instance::wait_until("release", || instance.asked().contains(&"stop k3s".to_owned()));
    let ran = instance.durin_node(&["resume", VOLUME]);
    assert_eq!((Ran::of(releasing).word(), ran.word()), ("released", "resumed"), "{ran}");
    assert_eq!(instance.mounts(), [instance.text("data")]);
}

#[test]
fn nobody_but_root_may_hold_the_lock() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(instance) = serving() else { return };
    let lock = instance.path("run/durin-release.lock");
    let mode = || std::fs::metadata(&lock).expect("the lock").permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    // As an earlier version has made it.
    std::fs::set_permissions(&lock, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    assert_eq!(release(&instance).word(), "released");
    assert_eq!(mode(), 0o600);
}
