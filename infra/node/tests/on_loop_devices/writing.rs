//! A file system that cannot write: frozen, or on a device that fails.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rstest::rstest;

use crate::containers::OBEDIENT;
use crate::instance::{Instance, Ran, VOLUME};
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

/// They could not write otherwise, nor end.
#[test]
fn containers_save_what_they_have_to_though_the_file_system_was_frozen() {
    let Some(mut instance) = serving() else { return };
    let save = format!("echo saved >\"$root/data/saved\"; {OBEDIENT}");
    instance.with_container("database", "kubepods/pod1/1", &save);
    must("fsfreeze", &["--freeze", &instance.text("data")]);
    let ran = release(&instance);
    assert_eq!((ran.word(), instance.ended().len()), ("released", 1), "{ran}");
    assert_eq!(instance.durin_node(&["resume", VOLUME]).word(), "resumed");
    assert_eq!(fs::read_to_string(instance.path("data/saved")).expect("a file"), "saved\n");
}

/// It would have the lock for which a release waits.
#[test]
fn who_finds_the_volume_mounted_and_frozen_does_not_wait_for_it() {
    let Some(instance) = serving() else { return };
    must("fsfreeze", &["--freeze", &instance.text("data")]);
    let mut mounting = instance.begin(&["volume", "--volume", VOLUME, "--within", "2"]);
    let deadline = Instant::now() + Duration::from_secs(5);
    while mounting.try_wait().expect("how it is").is_none() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(20));
    }
    let has_ended = mounting.try_wait().expect("how it is").is_some();
    // It would never end otherwise.
    drop(ran("fsfreeze", &["--unfreeze", &instance.text("data")]));
    let ran = Ran::of(mounting);
    assert!(has_ended && ran.word() == "mounted", "{ran}");
}

/// What freezes it looks for no release.
#[rstest]
#[case::while_k3s_stops("systemctl", "[ \"$*\" != \"stop k3s\" ] ||")]
#[case::while_it_is_synced("sync", "[ \"$1\" != --file-system ] ||")]
fn a_file_system_that_is_frozen_during_a_release_is_thawed_and_let_go_of(#[case] program: &str, #[case] when: &str) {
    let Some(instance) = serving() else { return };
    let real = if program == "sync" { "PATH=/usr/bin:/bin sync \"$@\"\n" } else { "" };
    instance.stand_in(program, &format!("{real}{when} PATH=/usr/sbin:/sbin fsfreeze --freeze \"$root/data\""));
    let begun = Instant::now();
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    assert!(ran.said.contains("thaw: done (") && begun.elapsed() < Duration::from_secs(5), "{ran}");
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
    // Kernels pass the loop device's own error on, or call each an error of the device.
    let is_said = |why: &str| ["Input/output error", "No space left on device"].iter().any(|words| why.contains(words));
    assert!(ran.answer["not_written"].as_str().is_some_and(is_said), "{ran}");
    made.release_device();
}

/// The kubelet binds what a pod has of the volume, a file as well, and read-only if the pod wants it so. Of none of that the
/// file system can be asked, and none of it says that it fails.
#[rstest]
#[case::a_file("touch $at && mount --bind $data/written $at")]
#[case::a_socket(
    "touch $at && python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"s\")' && mount --bind $data/s $at"
)]
#[case::read_only("mkdir $at && mount -o bind,ro $data/pv $at")]
#[case::something_over_it("mkdir $at && mount --bind $data/pv $at && mount -t tmpfs none $at")]
fn what_else_of_it_is_mounted_keeps_nothing_from_being_thawed_and_written(#[case] mount: &str) {
    let Some(instance) = serving() else { return };
    fs::create_dir_all(instance.path("data/pv")).expect("a directory");
    let mount = mount.replace("$data", &instance.text("data")).replace("$at", &instance.text("var"));
    must("sh", &["-c", &format!("cd '{}' && {mount}", instance.text("data"))]);
    fs::write(instance.path("data/dirty"), vec![1; 1 << 20]).expect("a file");
    must("fsfreeze", &["--freeze", &instance.text("data")]);
    let begun = Instant::now();
    let ran = release(&instance);
    assert_eq!((ran.word(), ran.answer.get("not_written")), ("released", None), "{ran}");
    assert!(ran.said.contains("thaw: done (") && ran.said.contains("sync: done ("), "{ran}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{ran}");
}
