//! What of a device is mounted, by the kernel's list.

use durin_node::decide::mounted::{Mount, Stack, below, cover, may_go_together, of_device, reachable, seen_at};
use rstest::rstest;

const LIST: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 22 259:3 / /data rw,relatime shared:2 - ext4 /dev/nvme1n1 rw
31 30 0:40 / /data/with\\040a\\011tab rw - tmpfs none rw
32 22 259:3 /storage /var/lib/kubelet/pods/1/volume-subpaths/x rw - ext4 /dev/nvme1n1 rw
33 22 0:41 / /run/k3s/rootfs rw - overlay overlay rw,lowerdir=/data/k3s/1:/data/k3s/2,upperdir=/data/k3s/3,workdir=/data/k3s/4
34 33 0:42 / /run/k3s/rootfs/proc rw - proc proc rw
35 22 0:43 / /run/other rw - overlay overlay rw,lowerdir=/database/1,upperdir=/x/data/2,workdir=/x/3
36 22 259:33 / /elsewhere rw - ext4 /dev/nvme1n10 rw
37 22 0:44 / /mnt/invented rw - btrfs /dev/nvme1n1 rw
38 22 0:45 / /var/lib/kubelet/pods/1/token rw - tmpfs tmpfs rw
39 22 0:46 / /var/lib/kubelet-of-others rw - tmpfs tmpfs rw
nonsense
";

fn points(mounts: &[&Mount]) -> Vec<String> {
    mounts.iter().map(|mount| mount.point.clone()).collect()
}

fn stack() -> Stack {
    Stack { numbers: vec!["259:3".into()], names: vec!["/dev/nvme1n1".into()] }
}

#[test]
fn the_devices_mounts_are_found_with_all_that_hangs_on_them_last_mounted_first() {
    let mounts = Mount::read_all(LIST);
    assert_eq!(mounts.len(), 11);
    assert_eq!(
        points(&of_device(&mounts, &stack())),
        [
            "/mnt/invented",
            "/run/k3s/rootfs/proc",
            "/run/k3s/rootfs",
            "/var/lib/kubelet/pods/1/volume-subpaths/x",
            "/data/with a\ttab",
            "/data",
        ]
    );
}

#[test]
fn a_device_is_known_by_its_number_and_by_its_name() {
    let mounts = Mount::read_all(LIST);
    let by_number = Stack { names: Vec::new(), ..stack() };
    let by_name = Stack { numbers: Vec::new(), ..stack() };
    let is = |stack: &Stack| mounts.iter().filter(|mount| mount.is_of(stack)).count();
    assert_eq!((is(&by_number), is(&by_name), is(&Stack::default())), (2, 3, 0));
}

#[test]
fn an_overlay_counts_by_whole_paths_only() {
    let line = |options: &str| {
        format!("30 1 259:3 / /data rw - ext4 /dev/nvme1n1 rw\n31 1 0:9 / /m rw - overlay o {options}\n")
    };
    for (options, counts) in [
        ("rw,lowerdir=/data", true),
        ("rw,lowerdir=/x:/data/1", true),
        ("rw,upperdir=/data,workdir=/x", true),
        ("rw,lowerdir=/data:/x", true),
        ("rw,lowerdir=/data2:/x/data", false),
        ("rw,lowerdir=/x", false),
    ] {
        let mounts = Mount::read_all(line(options));
        assert_eq!(of_device(&mounts, &stack()).len(), if counts { 2 } else { 1 }, "{options}");
    }
}

#[test]
fn mounts_below_a_directory_are_found_by_whole_names() {
    let mounts = Mount::read_all(LIST);
    let found = points(&below(&mounts, &["/var/lib/kubelet", "/run/k3s/rootfs"]));
    let kubelet = ["/var/lib/kubelet/pods/1/token", "/var/lib/kubelet/pods/1/volume-subpaths/x"];
    assert_eq!(found, [kubelet[0], "/run/k3s/rootfs/proc", kubelet[1]], "and not the directory itself");
}

#[test]
fn a_mount_is_of_all_of_a_file_system_or_of_a_part_of_it() {
    let mounts = Mount::read_all(LIST);
    let whole: Vec<_> = mounts.iter().filter(|mount| mount.is_of(&stack()) && mount.is_whole()).collect();
    assert_eq!(points(&whole), ["/data", "/mnt/invented"], "and not the pod's subPath");
}

#[test]
fn what_is_mounted_over_a_mount_is_named() {
    let list =
        format!("{LIST}40 22 0:47 / /run/k3s rw - tmpfs none rw\n41 40 0:48 / /run/k3s/rootfs rw - tmpfs none rw\n");
    let mounts = Mount::read_all(list);
    let over = |id: u32| {
        let mount = mounts.iter().find(|mount| mount.id == id).expect("a mount");
        cover(&mounts, mount).map(|over| over.id)
    };
    // With what is on it; and neither what is mounted over it, nor what is beside it.
    assert_eq!([33, 34, 40, 41, 30].map(over), [Some(40), Some(40), None, None, None]);
}

/// The second is on the first, and the third was there before them and was moved onto them.
/// (proc_pid_mountinfo(5), "optional fields")
#[rstest]
#[case::each_for_itself("shared:1", "shared:2", false)]
#[case::none("", "", false)]
#[case::of_one_group("shared:2", "shared:2", true)]
#[case::it_follows("shared:1", "shared:2 master:1", true)]
#[case::both_follow_another("master:7", "master:7", true)]
#[case::it_is_of_both_itself("shared:1", "shared:2 master:2", false)]
#[case::where_it_comes_from("propagate_from:3", "propagate_from:3", false)]
fn mounts_that_follow_one_another_may_go_together(#[case] one: &str, #[case] other: &str, #[case] together: bool) {
    let list = format!("30 22 0:40 / /a rw {one} - tmpfs none rw\n31 22 0:41 / /b rw {other} - tmpfs none rw\n");
    let mounts = Mount::read_all(list.replace("  ", " "));
    assert_eq!((mounts.len(), may_go_together(&mounts)), (2, together));
}

#[test]
fn a_place_leads_to_what_was_mounted_there_last() {
    let list = "22 1 8:1 / / rw - ext4 /dev/vda1 rw\n29 31 0:40 / /mnt/data rw - tmpfs none rw\n\
                30 22 259:3 / /mnt/data rw - ext4 /dev/nvme1n1 rw\n31 30 259:3 / /mnt/data rw - ext4 /dev/nvme1n1 rw\n\
                32 22 259:3 / /elsewhere rw - ext4 /dev/nvme1n1 rw\n";
    let seen = |list: &str| seen_at(&Mount::read_all(list), "/mnt/data").map(|mount| mount.id);
    let found = |list: &str| points(&reachable(&Mount::read_all(list), &stack()));
    assert_eq!((seen(list), found(list)), (Some(29), vec!["/elsewhere".to_owned()]));
    let without: String =
        list.lines().filter(|line| !line.starts_with("29 ")).map(|line| format!("{line}\n")).collect();
    assert_eq!(seen(&without), Some(31));
    assert_eq!(found(&without), ["/elsewhere", "/mnt/data"]);
    for over in ["/mnt", "/"] {
        let covered = format!("{without}40 22 0:41 / {over} rw - tmpfs none rw\n");
        assert_eq!((seen(&covered), found(&covered).is_empty()), (None, over == "/"), "{over}");
    }
    let beside = format!("{without}40 22 0:41 / /mnt/data2 rw - tmpfs none rw\n");
    assert_eq!(seen(&beside), Some(31));
}

#[test]
fn what_was_moved_onto_the_volume_is_found_before_it() {
    let mut lines: Vec<_> = LIST.lines().collect();
    lines.reverse();
    let mounts = Mount::read_all(lines.join("\n"));
    let found = points(&of_device(&mounts, &stack()));
    let place = |point: &str| found.iter().position(|it| it == point);
    assert_eq!(found.len(), 6);
    assert!(place("/data/with a\ttab") < place("/data") && place("/run/k3s/rootfs/proc") < place("/run/k3s/rootfs"));
}

#[test]
fn a_wrong_escape_stays_as_it_is() {
    let mount = Mount::read(r"1 0 8:1 / /a\04\x\999 rw - ext4 /dev/x rw").expect("a mount");
    assert_eq!(mount.point, r"/a\04\x\999");
}

#[test]
fn a_name_that_is_no_text_stays_what_the_kernel_calls_it() {
    let list = b"30 22 259:3 /\xff /data/\xfe rw shared:2 master:1 - ext4 /dev/nvme1n1 rw\n\xff\n31 30 0:40 / /x rw - tmpfs none rw\n";
    let mounts = Mount::read_all(list);
    assert_eq!(points(&of_device(&mounts, &stack())), ["/x", "/data/\u{fffd}"]);
    assert_eq!(mounts[0].place.as_encoded_bytes(), b"/data/\xfe");
}

/// A source or a directory may be called "-".
#[test]
fn a_hyphen_within_the_fields_separates_nothing() {
    let mount = Mount::read("1 0 8:1 /- /- rw - tmpfs - rw").expect("a mount");
    assert_eq!((mount.point.as_str(), mount.kind.as_str(), mount.source.as_str()), ("/-", "tmpfs", "-"));
}

#[test]
fn a_mount_is_writable_if_it_is_and_so_is_its_file_system() {
    for (own, of_it, is) in [
        ("rw,relatime", "rw", true),
        ("rw,noatime", "rw,errors=remount-ro", true),
        ("ro,relatime", "rw", false),
        ("rw,relatime", "ro", false),
        ("rw,relatime", "rw,emergency_ro", false),
        ("rw,relatime", "rw,shutdown", false),
    ] {
        let mount = Mount::read(format!("30 22 259:3 / /data {own} shared:2 - ext4 /dev/nvme1n1 {of_it}"));
        assert_eq!(mount.expect("a mount").is_writable(), is, "{own} {of_it}");
    }
}
