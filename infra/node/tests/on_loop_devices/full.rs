//! No room: on the volume, in `/run`.

use std::fs;

use crate::instance::{Instance, Ran, VOLUME};
use crate::releases::{release, serving};
use crate::volume::{must, ran, with_a};

fn volume(instance: &Instance) -> Ran {
    instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"])
}

/// Writes until there is no room, not even for a directory.
pub(crate) fn fill(directory: &str) {
    let script = "cd \"$0\"; dd if=/dev/zero of=fill bs=4k; dd if=/dev/zero of=fill2 bs=512; \
                  i=0; while mkdir d$i && [ $i -lt 100000 ]; do i=$((i + 1)); done";
    drop(ran("sh", &["-c", script, directory]));
}

#[test]
fn a_release_needs_no_room() {
    let Some(instance) = serving() else { return };
    let run = instance.text("run");
    fs::rename(&run, instance.path("run.before")).expect("another name");
    fs::create_dir(&run).expect("a directory");
    must("mount", &["-t", "tmpfs", "-o", "size=32k", "none", &run]);
    must("cp", &["-a", &format!("{}/.", instance.text("run.before")), &run]);
    drop(ran("dd", &["if=/dev/zero", &format!("of={run}/fill"), "bs=4k"]));
    let ran = release(&instance);
    assert_eq!((ran.word(), instance.marker().as_deref()), ("released", Some("")), "{ran}");
    let ran = volume(&instance);
    assert!(ran.word() == "refused" && ran.why().contains(&format!("`durin-node resume {VOLUME}`")), "{ran}");
    let ran = instance.durin_node(&["status", "--wait", "serves", "--within", "0"]);
    assert_eq!(ran.why(), "the volume has been released");
    fs::remove_file(format!("{run}/fill")).expect("a file");
    assert_eq!(instance.durin_node(&["resume", VOLUME]).word(), "resumed");
    assert_eq!(release(&instance).word(), "released");
    must("umount", &[&run]);
}

/// It has never been Durin's.
#[test]
fn a_volume_without_room_for_the_configuration_is_mounted_and_says_what_is_wrong() {
    let Some((instance, made)) = with_a("xfs") else { return };
    let at = instance.text("there");
    fs::create_dir_all(&at).expect("a directory");
    must("mount", &[&made.device, &at]);
    fill(&at);
    must("umount", &[&at]);
    let ran = volume(&instance);
    assert_eq!(ran.word(), "failed", "{ran}");
    let reason =
        format!("{VOLUME} is mounted, and k3s does not start on it: its configuration cannot be written (No space");
    assert!(ran.why().starts_with(&reason), "{ran}");
    fs::remove_file(instance.path("data/fill")).expect("a file");
    assert_eq!(volume(&instance).word(), "mounted");
}
