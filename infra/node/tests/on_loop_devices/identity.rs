//! Which device is the volume, and which volume a note of this instance's is about.

use std::fs;

use rstest::rstest;

use crate::instance::{ANOTHER, Instance, Ran, VOLUME};
use crate::releases::{release, serving};
use crate::volume::{Volume, must, with_a};

fn volume(instance: &Instance) -> Ran {
    instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"])
}

/// As it has written it of this volume in this boot, but for the one or the other.
fn change_note(instance: &Instance, what: &str, to: &str) {
    let note = fs::read_to_string(instance.path("run/durin/volume.json")).expect("a note");
    assert!(note.contains(what), "{note}");
    instance.write("run/durin/volume.json", &note.replace(what, to));
}

/// The kernel shows each way to a device that has several, with the serial number of all.
#[test]
fn a_hidden_path_to_the_device_is_no_second_device() {
    let Some((instance, made)) = with_a("ext4") else { return };
    instance.plug("nvme1c1n1", VOLUME, &made.device, &made.number());
    assert!(volume(&instance).why().contains("several devices"));
    instance.write("sys/block/nvme1c1n1/hidden", "1\n");
    let ran = volume(&instance);
    assert_eq!(ran.word(), "mounted", "{ran}");
    assert_eq!(release(&instance).word(), "released");
}

/// udev is behind, or has died: the node is that of the device which had the name before.
#[rstest]
#[case::another_disk("ln -s $another")]
#[case::no_disk("mknod $at c $(echo $number | tr : ' ') #")]
fn a_node_that_is_not_the_volumes_device_is_neither_mounted_nor_called_released(#[case] make: &str) {
    let Some((instance, made)) = with_a("ext4") else { return };
    fs::create_dir_all(instance.path("another")).expect("a directory");
    let another = Volume::make(&instance.path("another"), "ext4").expect("another volume");
    let at = instance.text("dev/nvme1n1");
    let make = make.replace("$another", &another.device).replace("$at", &at).replace("$number", &made.number());
    must("sh", &["-c", &format!("rm '{at}' && {make} '{at}'")]);
    for ran in [volume(&instance), release(&instance)] {
        assert!(["refused", "not released"].contains(&ran.word()), "{ran}");
        assert!(ran.why().contains("is not the device that the kernel calls"), "{ran}");
        assert!(!ran.why().contains("cannot be opened"), "{ran}");
    }
    assert!(instance.mounts().is_empty() && made.is_as_made() && another.is_as_made());
}

/// It says nothing of this one: somebody else has mounted that, and nobody has checked it.
#[rstest]
#[case::of_another_volume(VOLUME, ANOTHER)]
#[case::of_another_boot("000000000001", "000000000000")]
fn a_note_of_another_does_not_make_a_mount_ours(#[case] what: &str, #[case] to: &str) {
    let Some(instance) = serving() else { return };
    change_note(&instance, what, to);
    let note = fs::read_to_string(instance.path("run/durin/volume.json")).expect("a note");
    instance.stand_in("systemctl", "case $1 in show) echo ActiveState=active ;; *) exit 1 ;; esac");
    let ran = instance.durin_node(&["resume", VOLUME]);
    assert_eq!(ran.word(), "not resumed", "{ran}");
    instance.stand_in("k3s", "exit 0");
    let ran = instance.durin_node(&["status", "--wait", "serves", "--within", "0"]);
    assert_eq!(ran.why(), "the volume is not mounted", "{ran}");
    fs::remove_file(instance.path("bin/k3s")).expect("a stand-in");
    instance.write("run/durin/volume.json", &note);
    instance.stand_in("systemctl", "case $1 in show) echo ActiveState=inactive ;; esac");
    let ran = volume(&instance);
    assert!(ran.word() == "mounted" && ran.said.contains("check: "), "{ran}");
}

/// What lives on is not this instance's, which serves from another: it is in use, and does not go with a reboot of ours.
#[test]
fn a_note_of_another_volume_makes_nothing_a_left_over_of_ours() {
    let Some(mut instance) = serving() else { return };
    instance.with_open("data/written");
    must("umount", &["--lazy", &instance.text("data")]);
    assert!(release(&instance).why().contains("lives on"));
    change_note(&instance, VOLUME, ANOTHER);
    let ran = instance.durin_node(&["resume", VOLUME]);
    assert_eq!((ran.word(), &ran.answer["obstacle"]), ("not resumed", &"in use".into()), "{ran}");
    assert!(instance.marker().is_some(), "{ran}");
}
