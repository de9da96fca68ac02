//! A release at a shutdown, after which systemd may start everything again in the same boot.

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
