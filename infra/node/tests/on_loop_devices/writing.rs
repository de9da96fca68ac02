//! A file system that cannot write: frozen, or on a device that fails.

use std::fs;
use std::time::{Duration, Instant};

use crate::instance::{Instance, VOLUME};
use crate::releases::{release, serving};
use crate::volume::{Volume, must, ran};

/// By a tool that takes snapshots, and was ended in the middle.
#[test]
fn a_frozen_file_system_is_thawed_and_let_go_of() {
    let Some(instance) = serving() else { return };
    instance.write("data/written", "before");
    must("fsfreeze", &["--freeze", &instance.text("data")]);
    let begun = Instant::now();
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    assert!(ran.said.contains("thaw: done (") && begun.elapsed() < Duration::from_secs(5), "{ran}");
    assert_eq!(instance.durin_node(&["resume", VOLUME]).word(), "resumed");
    assert_eq!(fs::read_to_string(instance.path("data/written")).expect("a file"), "before");
}

/// To stay would not bring it back, and nobody could take the volume over.
#[test]
fn what_could_not_be_written_is_said_and_the_volume_is_released() {
    let Some(instance) = Instance::boot() else { return };
    let small = instance.path("small");
    fs::create_dir_all(&small).expect("a directory");
    must("mount", &["-t", "tmpfs", "-o", "size=24m", "none", &small.display().to_string()]);
    let made = Volume::make(&small, "ext4").expect("a volume");
    fs::remove_file(small.join("volume-ext4.made")).expect("the copy");
    instance.plug("nvme1n1", VOLUME, &made.device, &made.number());
    assert_eq!(instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"]).word(), "mounted");
    // Each write to the device fails from now on.
    drop(ran("dd", &["if=/dev/zero", &format!("of={}", small.join("fill").display()), "bs=64k"]));
    for file in 0..20 {
        drop(fs::write(instance.path(&format!("data/{file}")), vec![7; 512 << 10]));
    }
    let ran = release(&instance);
    assert_eq!((ran.word(), ran.status), ("released", Some(0)), "{ran}");
    assert!(ran.answer["not_written"].as_str().is_some_and(|why| why.contains("Input/output error")), "{ran}");
    made.release_device();
}
