//! A release at a shutdown, after which systemd may start everything again in the same boot.

use rstest::rstest;

use crate::instance::{Ran, VOLUME, wait_until};
use crate::releases::{release, serving};

/// `systemctl restart durin-node`, or a soft reboot: the boot and `/run` are the same.
#[test]
fn what_was_let_go_of_at_a_shutdown_is_mounted_again_when_the_units_are_started_again() {
    let Some(instance) = serving() else { return };
    let ran = instance.durin_node(&["release", "--at-shutdown"]);
    assert_eq!((ran.word(), instance.marker()), ("released", None), "{ran}");
    assert!(instance.mounts().is_empty());
    let ran = instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"]);
    assert_eq!(ran.word(), "mounted", "{ran}");
}

#[test]
fn a_shutdown_takes_no_release_back() {
    let Some(instance) = serving() else { return };
    assert_eq!(release(&instance).word(), "released");
    let marker = instance.marker();
    for volume in [&[][..], &[VOLUME]] {
        let ran = instance.durin_node(&[&["release", "--at-shutdown"], volume].concat());
        assert_eq!((ran.word(), instance.marker()), ("nothing to do", marker.clone()), "{ran}");
    }
}

/// The functions' release comes while the instance shuts down: they are told, and so it has to stay.
#[test]
fn a_release_behind_the_one_of_a_shutdown_marks_it_again() {
    let Some(instance) = serving() else { return };
    instance.write("stop", "sleep 1");
    let shutdown = instance.begin(&["release", "--at-shutdown"]);
    wait_until("release", || instance.asked().contains(&"stop k3s".to_owned()));
    let ran = release(&instance);
    assert_eq!((Ran::of(shutdown).word(), ran.word()), ("released", "released"), "{ran}");
    assert!(instance.marker().is_some());
}

/// systemd kills what takes too long, and then runs it once more (ExecStopPost).
#[rstest]
#[case::in_the_middle("systemctl", "before")]
#[case::at_its_end("umount", "after")]
fn a_shutdowns_release_that_was_killed_is_completed_and_leaves_no_marker(#[case] program: &str, #[case] moment: &str) {
    let Some(instance) = serving() else { return };
    let body = std::fs::read_to_string(instance.path("bin/systemctl")).expect("a stand-in");
    let work = if moment == "after" {
        format!("PATH=/usr/sbin:/usr/bin:/sbin:/bin {program} \"$@\"; ")
    } else {
        String::new()
    };
    instance.stand_in(program, &format!("{work}kill -9 $PPID"));
    assert_eq!(instance.durin_node(&["release", "--at-shutdown"]).status, None);
    assert!(instance.marker().is_some());
    if program == "systemctl" {
        std::fs::write(instance.path("bin/systemctl"), body).expect("a stand-in");
    } else {
        std::fs::remove_file(instance.path("bin").join(program)).expect("a stand-in");
    }
    let ran = instance.durin_node(&["release", "--at-shutdown"]);
    assert_eq!((ran.status, instance.marker(), instance.mounts().len()), (Some(0), None, 0), "{ran}");
    let ran = instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"]);
    assert_eq!(ran.word(), "mounted", "{ran}");
}

/// Of two that follow one another, the one that was asked for by others counts.
#[test]
fn a_release_behind_one_of_a_shutdown_that_was_killed_stays() {
    let Some(instance) = serving() else { return };
    instance.stand_in("umount", "PATH=/usr/sbin:/usr/bin:/sbin:/bin umount \"$@\"; kill -9 $PPID");
    assert_eq!(instance.durin_node(&["release", "--at-shutdown"]).status, None);
    std::fs::remove_file(instance.path("bin/umount")).expect("a stand-in");
    assert_eq!(release(&instance).word(), "nothing to do");
    let ran = instance.durin_node(&["release", "--at-shutdown"]);
    assert!(ran.word() == "nothing to do" && instance.marker().is_some(), "{ran}");
}

/// The functions' release has failed, or was killed; then the instance shuts down, which runs ours twice.
#[rstest]
#[case::that_has_failed(false)]
#[case::that_was_killed(true)]
fn a_shutdown_leaves_the_marker_of_a_release(#[case] is_killed: bool) {
    let Some(mut instance) = serving() else { return };
    let body = std::fs::read_to_string(instance.path("bin/systemctl")).expect("a stand-in");
    if is_killed {
        instance.stand_in("systemctl", "kill -9 $PPID");
    } else {
        instance.with_open("data/written");
    }
    assert_ne!(release(&instance).word(), "released");
    let marker = instance.marker();
    std::fs::write(instance.path("bin/systemctl"), body).expect("a stand-in");
    instance.end_processes();
    for word in ["released", "nothing to do"] {
        let ran = instance.durin_node(&["release", "--at-shutdown"]);
        assert_eq!((ran.word(), instance.marker()), (word, marker.clone()), "{ran}");
    }
    assert_eq!(instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"]).word(), "refused");
}
