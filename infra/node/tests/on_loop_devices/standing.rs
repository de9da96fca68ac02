//! A mount that stands where the volume should be, and is not what it would be if we had made it: left alone, and not
//! served from.

use std::fs;
use std::os::unix::fs::symlink;

use rstest::rstest;

use crate::instance::{Instance, Ran, VOLUME};
use crate::releases::{release, serving};
use crate::volume::{must, with_a};

fn volume(instance: &Instance) -> Ran {
    instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"])
}

fn device(instance: &Instance) -> String {
    fs::read_link(instance.path("dev/nvme1n1")).expect("a link").display().to_string()
}

/// With a k3s that answers.
fn does_it_serve(instance: &Instance) -> Ran {
    instance.stand_in("k3s", "exit 0");
    instance.durin_node(&["status", "--wait", "serves", "--within", "0"])
}

fn is_refused(ran: &Ran, why: &str) {
    assert!(ran.word() == "refused" && ran.why().contains(why), "{ran}");
}

/// The unit tries again after ten seconds.
#[test]
fn an_embedded_etcd_is_refused_by_each_try() {
    let Some((instance, _made)) = with_a("an embedded etcd") else { return };
    instance.stand_in("mount", "PATH=/usr/sbin:/usr/bin:/sbin:/bin mount \"$@\"; kill -9 $PPID");
    assert_eq!(volume(&instance).status, None);
    instance.stand_in("umount", "exit 32");
    for _ in 0..2 {
        is_refused(&volume(&instance), "it stays mounted");
    }
    fs::remove_file(instance.path("bin/umount")).expect("a stand-in");
    is_refused(&volume(&instance), "move to SQLite");
    assert!(instance.mounts().is_empty());
}

#[test]
fn an_embedded_etcd_that_stays_mounted_is_refused_as_that() {
    let Some((instance, _made)) = with_a("an embedded etcd") else { return };
    instance.stand_in("umount", "exit 32");
    for _ in 0..2 {
        is_refused(&volume(&instance), "it stays mounted");
    }
}

/// A line of fstab, or a mount unit of the image. k3s starts only after us.
#[test]
fn a_mount_that_the_image_has_made_is_checked_and_made_anew() {
    let Some((mut instance, _made)) = with_a("ext4") else { return };
    instance.write("k3s.unit", "ActiveState=inactive\n");
    must("mount", &["-o", "ro", &device(&instance), &instance.text("data")]);
    must("mount", &["--bind", &instance.text("data"), &instance.text("data")]);
    let user = instance.with_open("data/written");
    is_refused(&volume(&instance), &format!("used by sleep ({user}), and not by Durin: unmount it"));
    assert_eq!(instance.mounts().len(), 2);
    instance.end_processes();
    let ran = volume(&instance);
    assert!(ran.word() == "mounted" && ran.said.contains("check: "), "{ran}");
    assert_eq!(instance.mounts(), [instance.text("data")]);
    fs::write(instance.path("data/x"), "x").expect("it is writable");
    assert_eq!(volume(&instance).word(), "mounted");
}

/// A person looks at a volume that was refused; e2fsck has left errors in it.
#[rstest]
#[case::read_only("ro,noload")]
#[case::to_repair_it("rw")]
fn a_mount_that_a_person_has_made_is_left_alone(#[case] options: &str) {
    let Some(instance) = serving() else { return };
    must("umount", &[&instance.text("data")]);
    instance.stand_in("e2fsck", "exit 4");
    is_refused(&volume(&instance), "leaves errors");
    must("mount", &["-o", options, &device(&instance), &instance.text("data")]);
    is_refused(&volume(&instance), "not by Durin: unmount it");
    assert_eq!(does_it_serve(&instance).word(), "does not serve");
    let ran = instance.durin_node(&["resume", VOLUME]);
    assert_eq!(ran.word(), "not resumed", "{ran}");
    assert_eq!(instance.mounts(), [instance.text("data")]);
}

/// By a person, or by the kernel after an error.
#[rstest]
#[case::by_a_person("remount,ro")]
#[case::by_the_kernel("remount,abort")]
fn what_has_become_read_only_is_neither_mounted_nor_serving(#[case] options: &str) {
    let Some(instance) = serving() else { return };
    must("mount", &["-o", options, &instance.text("data")]);
    if fs::write(instance.path("data/x"), "x").is_ok() {
        return crate::ground::not_run(&format!("{options}: this kernel goes on writing"));
    }
    is_refused(&volume(&instance), "it is mounted read-only");
    let ran = does_it_serve(&instance);
    assert_eq!(
        (ran.word(), ran.why()),
        ("does not serve", "the volume is mounted read-only: look at `dmesg`"),
        "{ran}"
    );
    assert_eq!(instance.durin_node(&["resume", VOLUME]).word(), "not resumed");
    let ran = release(&instance);
    assert!(ran.word() == "released" && ran.answer["not_written"].is_string(), "{ran}");
}

/// It would write on by itself, into what is wrong, and k3s would not notice.
#[test]
fn an_ext4_in_which_the_kernel_finds_an_error_is_written_no_more() {
    let Some((instance, made)) = with_a("ext4") else { return };
    assert_eq!(volume(&instance).word(), "mounted");
    let name = made.device.trim_start_matches("/dev/");
    fs::write(format!("/sys/fs/ext4/{name}/trigger_fs_error"), "an error").expect("an error");
    assert!(fs::write(instance.path("data/x"), "x").is_err());
    let ran = does_it_serve(&instance);
    assert_eq!(ran.why(), "the volume is mounted read-only: look at `dmesg`", "{ran}");
    fs::remove_file(instance.path("bin/k3s")).expect("a stand-in");
    let ran = release(&instance);
    assert!(ran.word() == "released" && ran.answer["not_written"].is_string(), "{ran}");
    let ran = instance.durin_node(&["resume", VOLUME]);
    assert_eq!(ran.word(), "resumed", "{ran}");
    assert_eq!(fs::read_to_string(instance.path("data/written")).expect("a file"), "made");
    fs::write(instance.path("data/x"), "x").expect("it is writable");
}

/// After an error in what it cannot do without. An xfs is listed then as if nothing had happened.
#[rstest]
fn what_the_kernel_has_shut_down_is_let_go_of_and_not_served_from(
    #[values("ext4", "xfs")] kind: &str,
    #[values(false, true)] is_a_part_of_it: bool,
) {
    let Some((instance, _made)) = with_a(kind) else { return };
    assert_eq!(volume(&instance).word(), "mounted");
    if is_a_part_of_it {
        // A pod has it, and nobody has any more of it when it is let go of.
        fs::create_dir_all(instance.path("data/pv")).expect("a directory");
        must("sync", &["--file-system", &instance.text("data")]);
        fs::create_dir_all(instance.path("var")).expect("a directory");
        must("mount", &["--bind", &instance.text("data/pv"), &instance.text("var")]);
    }
    fs::write(instance.path("data/lost"), vec![7; 1 << 16]).expect("a file");
    shut_down(&instance.text("data"));
    let ran = does_it_serve(&instance);
    assert_eq!(ran.word(), "does not serve", "{ran}");
    assert!(ran.why().contains("look at `dmesg`"), "{ran}");
    assert_eq!(volume(&instance).word(), "refused");
    assert_eq!(instance.durin_node(&["resume", VOLUME]).word(), "not resumed");
    fs::remove_file(instance.path("bin/k3s")).expect("a stand-in");
    if is_a_part_of_it {
        must("umount", &[&instance.text("data")]);
    }
    let ran = release(&instance);
    assert!(ran.word() == "released" && ran.answer["not_written"].is_string(), "{ran}");
    let ran = instance.durin_node(&["resume", VOLUME]);
    assert_eq!(ran.word(), "resumed", "{ran}");
    assert_eq!(fs::read_to_string(instance.path("data/written")).expect("a file"), "made");
}

/// By XFS_IOC_GOINGDOWN, which ext4 has too: nothing more is written, not even its log.
fn shut_down(place: &str) {
    let code = format!(
        "import fcntl, os, struct; fcntl.ioctl(os.open({place:?}, os.O_RDONLY), 0x8004587D, struct.pack('I', 2))"
    );
    must("python3", &["-c", &code]);
}

#[rstest]
fn a_device_that_is_read_only_is_refused(
    #[values("ext4", "xfs")] kind: &str,
    #[values(true, false)] sysfs_says_so: bool,
) {
    let Some((instance, made)) = with_a(kind) else { return };
    must("blockdev", &["--setro", &made.device]);
    if !sysfs_says_so {
        fs::remove_file(instance.path("sys/block/nvme1n1/ro")).expect("an entry");
    }
    let ran = volume(&instance);
    assert!(ran.word() == "refused" && instance.mounts().is_empty(), "{ran}");
    assert!(!sysfs_says_so || ran.why().contains("blockdev --setrw"), "{ran}");
    must("blockdev", &["--setrw", &made.device]);
    assert_eq!(volume(&instance).word(), "mounted");
}

/// It is noted before it is made.
#[test]
fn a_mount_that_was_cut_off_is_ours_and_goes_at_a_shutdown() {
    let Some((instance, _made)) = with_a("ext4") else { return };
    instance.stand_in("mount", "PATH=/usr/sbin:/usr/bin:/sbin:/bin mount \"$@\"; kill -9 $PPID");
    assert_eq!(volume(&instance).status, None);
    assert_eq!(instance.mounts(), [instance.text("data")]);
    let ran = instance.durin_node(&["release", "--at-shutdown"]);
    assert_eq!((ran.word(), instance.mounts().len()), ("released", 0), "{ran}");
}

/// The kernel lists where the link leads.
#[test]
fn a_mount_point_may_be_a_link() {
    let Some((instance, _made)) = with_a("ext4") else { return };
    fs::create_dir_all(instance.path("mnt/data")).expect("a directory");
    fs::remove_dir(instance.path("data")).expect("the mount point");
    symlink("mnt/data", instance.path("data")).expect("a link");
    for _ in 0..2 {
        assert_eq!(volume(&instance).word(), "mounted");
    }
    assert_eq!(does_it_serve(&instance).word(), "serves");
    assert_eq!(instance.durin_node(&["resume", VOLUME]).word(), "nothing to do");
    fs::remove_file(instance.path("bin/k3s")).expect("a stand-in");
    assert_eq!(release(&instance).word(), "released");
    let ran = instance.durin_node(&["resume", VOLUME]);
    assert_eq!((ran.word(), instance.mounts()), ("resumed", vec![instance.text("mnt/data")]), "{ran}");
}

/// Whoever looks for the volume finds something else there: k3s, when it starts again, another datastore or none.
#[rstest]
#[case::something_over_it("mount -t tmpfs none data")]
#[case::a_part_of_it("mount --bind data volumes && umount data && mount --bind volumes/pv data")]
fn what_nobody_sees_at_the_mount_point_is_not_served_from(#[case] change: &str) {
    let Some(instance) = serving() else { return };
    fs::create_dir_all(instance.path("data/pv")).expect("a directory");
    must("sh", &["-c", &format!("cd '{}' && {change}", instance.text(""))]);
    let ran = does_it_serve(&instance);
    assert_eq!((ran.word(), ran.why()), ("does not serve", "the volume is not mounted"), "{ran}");
    is_refused(&volume(&instance), "unmount it");
    assert_eq!(instance.durin_node(&["resume", VOLUME]).word(), "not resumed");
    fs::remove_file(instance.path("bin/k3s")).expect("a stand-in");
    assert_eq!(release(&instance).word(), "released");
}
