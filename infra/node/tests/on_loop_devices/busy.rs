//! What keeps a volume busy for a while, and names that mean nothing: neither keeps it from being let go of.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rstest::rstest;

use crate::instance::{Instance, Others, Ran, VOLUME, wait_until};
use crate::metadata::Metadata;
use crate::releases::{release, serving, serving_beside};
use crate::volume::{Volume, must};

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

/// Then the kernel lists it before what it is mounted on.
#[test]
fn what_was_mounted_before_the_volume_and_moved_there_goes_with_it() {
    let Some(instance) = serving() else { return };
    must("umount", &[&instance.text("data")]);
    let moved = instance.text("moved");
    fs::create_dir_all(&moved).expect("a directory");
    must("mount", &["-t", "tmpfs", "none", &moved]);
    assert_eq!(instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"]).word(), "mounted");
    fs::create_dir_all(instance.path("data/there")).expect("a directory");
    must("mount", &["--move", &moved, &instance.text("data/there")]);
    assert_eq!(release(&instance).word(), "released");
    assert!(instance.mounts().is_empty());
}

/// The place of the volume's own mount leads to another's, who has mounted something over it since.
#[test]
fn what_is_mounted_over_a_mount_of_the_volume_is_nobodys_to_unmount() {
    let Some(instance) = serving() else { return };
    let (own, over) = (instance.text("mnt/own"), instance.text("mnt"));
    for directory in ["data/pv", "mnt/own"] {
        fs::create_dir_all(instance.path(directory)).expect("a directory");
    }
    must("mount", &["--bind", &instance.text("data/pv"), &own]);
    must("mount", &["-t", "tmpfs", "none", &over]);
    fs::create_dir_all(&own).expect("a directory");
    must("mount", &["-t", "tmpfs", "none", &own]);
    let ran = release(&instance);
    assert!(ran.word() == "not released" && ran.why().contains(&format!("what is mounted over it at {over}")), "{ran}");
    assert_eq!(instance.mounts(), [own.clone(), over.clone(), own.clone()]);
    must("umount", &[&own]);
    must("umount", &[&over]);
    assert_eq!(release(&instance).word(), "released");
}

/// Of mounts that follow one another, one that is unmounted takes the others with it. What is left in their places is
/// another's.
#[test]
fn what_was_under_a_mount_that_has_gone_with_another_stays() {
    let Some(instance) = serving() else { return };
    must("umount", &[&instance.text("data")]);
    let (under, follows) = (instance.text("under"), instance.text("follows"));
    fs::create_dir_all(&under).expect("a directory");
    fs::create_dir_all(&follows).expect("a directory");
    must("mount", &["-t", "tmpfs", "none", &under]);
    must("mount", &["--make-shared", &under]);
    must("mount", &["--bind", &under, &follows]);
    let device = fs::read_link(instance.path("dev/nvme1n1")).expect("a link").display().to_string();
    must("mount", &[&device, &under]);
    assert_eq!(instance.mounts().len(), 4, "{:?}", instance.mounts());
    let ran = release(&instance);
    assert_eq!((ran.word(), instance.mounts()), ("released", vec![under, follows]), "{ran}");
}

/// The kernel shows nothing of it at the first thread.
#[test]
fn who_has_a_file_open_is_named_though_its_first_thread_has_ended() {
    let Some(mut instance) = serving() else { return };
    let code = format!(
        "import ctypes, os, platform, threading, time\ndef use():\n    os.open({:?}, os.O_RDWR)\n    \
         time.sleep(120)\nthreading.Thread(target=use).start()\n\
         ctypes.CDLL(None).syscall(60 if platform.machine() == 'x86_64' else 93, 0)",
        instance.text("data/written")
    );
    let user = instance.started(Command::new("python3").args(["-c", &code]));
    wait_until("end of the first thread", || {
        fs::read_to_string(format!("/proc/{user}/status")).is_ok_and(|status| status.contains("Z (zombie)"))
    });
    let begun = Instant::now();
    let ran = release(&instance);
    assert!(ran.why().contains(&format!("used by python3 ({user})")), "{ran}");
    assert!(begun.elapsed() < Duration::from_secs(15), "it does not end because we wait: {ran}");
}

/// A program that has mapped a library or a database of the volume's needs no descriptor for it.
#[test]
fn who_has_a_file_in_memory_is_named() {
    let Some(mut instance) = serving() else { return };
    instance.write("data/written", "something");
    let code = format!(
        "import mmap, os, time\nmapped = mmap.mmap(os.open({:?}, os.O_RDONLY), 0, prot=mmap.PROT_READ)\n\
         os.closerange(3, 99)\nopen({:?}, 'w').close()\ntime.sleep(120)",
        instance.text("data/written"),
        instance.path("mapped")
    );
    let user = instance.started(Command::new("python3").args(["-c", &code]));
    wait_until("mapping", || instance.path("mapped").exists());
    let begun = Instant::now();
    let ran = release(&instance);
    assert!(ran.why().contains(&format!("used by python3 ({user})")), "{ran}");
    assert!(begun.elapsed() < Duration::from_secs(15), "it does not end because we wait: {ran}");
}

/// The functions' release has failed, and the instance is about to end.
#[test]
fn what_was_unmounted_and_lives_on_is_released_at_the_last_moment() {
    let Some(mut instance) = serving() else { return };
    instance.with_open("data/written");
    must("umount", &["--lazy", &instance.text("data")]);
    assert!(release(&instance).why().contains("lives on"));
    let service = Metadata::of_a_node();
    service.says_it_is("Wed, 21 Oct 2015 07:28:00 GMT");
    service.set("meta-data/spot/instance-action", r#"{"action":"terminate","time":"2015-10-21T07:28:01Z"}"#);
    let watch = ["--metadata", &service.address.to_string(), "watch", "--poll", "20"];
    let ran = instance.durin_node(&watch);
    assert!(ran.word() == "not released" && ran.why().contains("lives on"), "{ran}");
    instance.end_processes();
    assert_eq!(instance.durin_node(&watch).word(), "nothing to do");
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

/// No process has it open.
#[test]
fn what_the_kernel_has_open_on_the_volume_is_named() {
    let Some(instance) = serving() else { return };
    let file = instance.text("data/image");
    must("dd", &["if=/dev/zero", &format!("of={file}"), "bs=1M", "count=8"]);
    must("mkfs.ext4", &["-q", &file]);
    fs::create_dir_all(instance.path("elsewhere")).expect("a directory");
    let over = must("losetup", &["--find", "--show", &file]);
    must("mount", &[&over, &instance.text("elsewhere")]);
    let ran = release(&instance);
    let name = over.trim_start_matches("/dev/");
    assert!(ran.word() == "not released" && ran.why().contains(&format!("used by {name} of {file}")), "{ran}");
    must("umount", &[&instance.text("elsewhere")]);
    must("losetup", &["--detach", &over]);

    assert_eq!(instance.durin_node(&["resume", VOLUME]).word(), "resumed");
    let file = instance.text("data/swap");
    must("dd", &["if=/dev/zero", &format!("of={file}"), "bs=1M", "count=8"]);
    must("chmod", &["600", &file]);
    must("mkswap", &[&file]);
    if let Err(problem) = crate::volume::ran("swapon", &[&file]) {
        return crate::ground::not_run(&format!("a swap file, because of {problem}"));
    }
    let ran = release(&instance);
    must("swapoff", &[&file]);
    assert!(ran.word() == "not released" && ran.why().contains(&format!("used by the swap file {file}")), "{ran}");
}

/// A shell of a service with PrivateMounts, say. What it mounts and unmounts is so for nobody else.
#[rstest]
#[case::unmounts("release", "not released: ")]
#[case::mounts_again("resume", "not resumed: ")]
#[case::mounts("volume", "refused: ")]
fn who_has_a_mount_namespace_of_its_own_is_told_how_to_leave_it(#[case] command: &str, #[case] begins: &str) {
    let Some(instance) = serving_beside(Others::None) else { return };
    if command != "release" {
        assert_eq!(release(&instance).word(), "released");
    }
    if command == "volume" {
        fs::remove_file(instance.path("run/durin-released")).expect("the marker");
    }
    let marker = instance.marker();
    let root = instance.text("");
    let program = [env!("CARGO_BIN_EXE_durin-node"), "--root", root.trim_end_matches('/'), command];
    let volume = if command == "volume" { &["--volume", VOLUME, "--within", "2"][..] } else { &[VOLUME] };
    let path = format!("{}:{}", instance.text("bin"), std::env::var("PATH").unwrap_or_default());
    let mut inside = Command::new("unshare");
    inside.args(["--mount", "--propagation", "slave"]).args(program).args(volume).env("PATH", path);
    let output = inside.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with(begins) && said.contains("nsenter --target 1 --mount"), "{said}");
    assert_eq!(output.status.code(), Some(1));
    if command != "release" {
        assert_eq!((instance.marker(), instance.mounts().len()), (marker, 0));
    }
    assert!(["released", "nothing to do"].contains(&release(&instance).word()));
}

/// It would end itself in the middle.
#[test]
fn a_release_from_within_a_pod_is_refused_before_anything_is_done() {
    let Some(instance) = serving() else { return };
    let place = instance.path("sys/fs/cgroup/kubepods.slice/kubepods-pod1.slice/debug");
    fs::create_dir_all(&place).expect("a cgroup");
    instance.stand_in("inside", &format!("echo $$ >'{}/cgroup.procs'\nexec \"$@\"", place.display()));
    let root = instance.text("");
    let program = [env!("CARGO_BIN_EXE_durin-node"), "--root", root.trim_end_matches('/'), "release", VOLUME];
    let path = format!("{}:{}", instance.text("bin"), std::env::var("PATH").unwrap_or_default());
    let output = Command::new(instance.path("bin/inside")).args(program).env("PATH", path).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("not released: this runs in a pod") && said.contains("on the host"), "{said}");
    assert!(instance.marker().is_none() && instance.asked().is_empty());
    assert_eq!(instance.mounts(), [instance.text("data")]);
}

/// As systemd gives it to its own services, udev among them: what is unmounted here goes there, too. Nobody can be found who
/// keeps it here, so it may go in a moment.
#[test]
fn who_has_a_mount_namespace_that_follows_ours_does_not_end_a_release_early() {
    let Some(mut instance) = Instance::boot_beside(Others::None) else { return };
    let root = instance.text("");
    must("mount", &["--bind", &root, &root]);
    must("mount", &["--make-shared", &root]);
    let volume = Volume::make(&instance.path("volumes"), "ext4").expect("a volume");
    instance.plug("nvme1n1", VOLUME, &volume.device, &volume.number());
    let ran = instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"]);
    assert_eq!(ran.word(), "mounted", "{ran}");
    instance.with_a_mount_namespace_that_is("slave");
    instance.stand_in(
        "umount",
        "echo >>\"$root/tried\"; [ $(wc -l <\"$root/tried\") -gt 40 ] || exit 32\nPATH=/usr/bin:/bin exec umount \"$@\"",
    );
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
}

/// A flush of some seconds: `sync` holds the file system itself until it ends, killed or not.
#[test]
fn a_sync_gets_the_time_that_is_left() {
    let Some(instance) = serving() else { return };
    instance.stand_in("sync", "[ \"$1\" != --file-system ] || exec sleep 7 </dev/null");
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    assert!(ran.said.contains("sync: done ("), "{ran}");
}
