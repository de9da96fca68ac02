//! What keeps a volume busy for a while, and names that mean nothing: neither keeps it from being let go of.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::thread;
use std::time::Duration;

use crate::instance::{Ran, VOLUME};
use crate::releases::{release, serving};
use crate::volume::must;

/// A workload renames the directory of its subPath, which the kubelet has bound, and others below the volume.
#[test]
fn names_that_are_no_text_keep_nobody_from_looking_or_letting_go() {
    let Some(instance) = serving() else { return };
    instance.stand_in("k3s", "exit 0");
    let renamed = OsStr::from_bytes(b"\xff");
    let [bound, below] = ["storage", "data/storage/2"].map(|place| instance.path(place));
    let [own, over] = ["data/storage/1/state", "data/storage/2/a/over"].map(|place| instance.path(place));
    for directory in [&bound, &own, &over] {
        fs::create_dir_all(directory).expect("a directory");
    }
    must("mount", &["--bind", &own.display().to_string(), &bound.display().to_string()]);
    must("mount", &["-t", "tmpfs", "none", &over.display().to_string()]);
    for (directory, name) in [(own.parent().expect("a parent"), "state"), (&below, "a")] {
        fs::rename(directory.join(name), directory.join(renamed)).expect("another name");
    }
    let ran = instance.durin_node(&["status", "--wait", "serves", "--within", "0"]);
    assert_eq!(ran.word(), "serves", "{ran}");
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    let list = fs::read("/proc/self/mountinfo").expect("what is mounted");
    assert!(!String::from_utf8_lossy(&list).contains(&instance.text("data")), "{ran}");
}

/// A volume of little throughput has much to write when it is unmounted. Here nothing keeps it but the kernel, for
/// longer than a process that was killed would.
#[test]
fn a_release_waits_for_what_the_kernel_has_to_write() {
    let Some(instance) = serving() else { return };
    instance.write("data/image", "");
    fs::File::options()
        .write(true)
        .open(instance.path("data/image"))
        .and_then(|file| file.set_len(1 << 20))
        .expect("an image");
    // It stands for the file system that is being written, which no list of mounts has any more.
    let holder = must("losetup", &["--find", "--show", &instance.text("data/image")]);
    instance.stand_in("umount", "PATH=/usr/bin:/bin exec umount --lazy \"$@\"");
    let releasing = instance.begin(&["release", VOLUME]);
    thread::sleep(Duration::from_secs(6));
    must("losetup", &["--detach", &holder]);
    let ran = Ran::of(releasing);
    assert_eq!(ran.word(), "released", "{ran}");
}

/// A flush of some seconds: `sync` holds the file system itself until it ends, killed or not.
#[test]
fn a_sync_gets_the_time_that_is_left() {
    let Some(instance) = serving() else { return };
    instance.stand_in("sync", "exec sleep 7 </dev/null");
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    assert!(ran.said.contains("sync: done ("), "{ran}");
}
