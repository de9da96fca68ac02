//! What single pieces of evidence say: a marker, blkid, e2fsck, the parts of a device that are read.

use durin_decisions::ids::VolumeId;
use durin_node::decide::blank::{AGAIN, WHOLE, parts};
use durin_node::decide::contents::{Contents, FileSystem};
use durin_node::decide::fsck::{Checked, has_met_a_failure, is_clean};
use durin_node::decide::marker::{Marker, Until};
use durin_node::decide::protocol;
use rstest::rstest;

const MIB: u64 = 1 << 20;

#[rstest]
#[case::none(None, Marker::Absent)]
#[case::of_this_boot(Some("vol-1\nboot b1\n"), Marker::Released("vol-1".into()))]
#[case::of_another_boot(Some("vol-1\nboot b0\n"), Marker::Stale)]
#[case::of_no_boot(Some("vol-1\n"), Marker::Released("vol-1".into()))]
#[case::empty(Some(""), Marker::Released(String::new()))]
#[case::no_text(Some("\u{fffd}\u{1b}[1m\n"), Marker::Released("\u{fffd}[1m".into()))]
#[case::something_else(Some("what\nis this\n"), Marker::Released("what".into()))]
fn a_marker_counts_unless_it_says_that_it_is_of_another_boot(#[case] text: Option<&str>, #[case] is: Marker) {
    assert_eq!(Marker::read(text, "b1\n"), is);
    assert_eq!(is.forbids(), !matches!(is, Marker::Absent | Marker::Stale));
}

#[test]
fn a_marker_is_read_as_it_was_written() {
    let volume = VolumeId::new("vol-0123456789abcdef0").expect("an id");
    for until in [Until::Resumed, Until::Started] {
        let text = Marker::text(&volume, "b1\n", until);
        assert_eq!(
            (Marker::read(Some(&text), "b1"), Marker::until(&text)),
            (Marker::Released(volume.to_string()), until)
        );
    }
    let marker = Marker::read(Some(&Marker::text(&volume, "b1\n", Until::Resumed)), "b1");
    assert!(marker.names(&volume));
    assert!(!marker.names(&VolumeId::new("vol-0123456789abcdef1").expect("an id")));
    assert_eq!(Marker::read(Some(&Marker::text(&volume, "b1", Until::Resumed)), "b2"), Marker::Stale);
}

#[rstest]
#[case::ext4(Some(0), "TYPE=ext4\nUSAGE=filesystem\n", Contents::Ours(FileSystem::Ext4))]
#[case::xfs(Some(0), "LABEL=x\nTYPE=xfs\n", Contents::Ours(FileSystem::Xfs))]
#[case::older_ext(Some(0), "TYPE=ext3\n", Contents::Foreign("ext3".into()))]
#[case::logical_volumes(Some(0), "TYPE=LVM2_member\n", Contents::Foreign("LVM2_member".into()))]
#[case::partitions(Some(0), "PTTYPE=gpt\n", Contents::Foreign("a partition table (gpt)".into()))]
#[case::partitions_before_a_file_system(Some(0), "TYPE=ext4\nPTTYPE=dos\n", Contents::Foreign("a partition table (dos)".into()))]
#[case::nothing(Some(2), "", Contents::Nothing)]
#[case::nothing_whatever_it_prints(Some(2), "TYPE=ext4\n", Contents::Nothing)]
fn blkid_says_what_is_there(#[case] code: Option<i32>, #[case] output: &str, #[case] is: Contents) {
    assert_eq!(Contents::read(code, output), is);
}

#[rstest]
#[case::contradictory(Some(8), "TYPE=ext4\n")]
#[case::called_wrongly(Some(4), "TYPE=ext4\n")]
#[case::killed(None, "TYPE=ext4\n")]
#[case::without_a_name(Some(0), "USAGE=other\n")]
fn contents_that_blkid_cannot_name_are_unknown(#[case] code: Option<i32>, #[case] output: &str) {
    assert!(matches!(Contents::read(code, output), Contents::Unknown(_)));
}

#[rstest]
#[case::clean(Some(0), true)]
#[case::put_right(Some(1), true)]
#[case::errors_left(Some(4), false)]
#[case::put_right_and_errors_left(Some(5), false)]
#[case::could_not_work(Some(8), false)]
#[case::called_wrongly(Some(16), false)]
#[case::cancelled(Some(32), false)]
#[case::killed(None, false)]
fn only_a_check_that_leaves_no_errors_counts(#[case] code: Option<i32>, #[case] is_sound: bool) {
    let asked = || panic!("nobody asks");
    assert_eq!(Checked::read(code, "clean", asked) == Checked::Sound, is_sound);
}

#[rstest]
#[case::errors("/dev/nvme1n1: UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY.", false)]
#[case::it_cannot_read("Error reading block 276 (Input/output error).  Ignore error? no", true)]
#[case::it_cannot_write("Error writing block 276 (Invalid argument).  Ignore error? no", true)]
#[case::the_system_says_so("e2fsck: Input/output error while retrying to read bitmaps", true)]
#[case::less_than_it_asked_for("Attempt to read block from filesystem resulted in short read", true)]
fn errors_are_told_from_a_device_that_fails(#[case] said: &str, #[case] is: bool) {
    assert_eq!(has_met_a_failure(&format!("Pass 1: Checking inodes\n{said}\n")), is);
}

/// As e2fsck 1.46 says it of what 1.47 has made.
#[rstest]
#[case::clean(true)]
#[case::not_clean(false)]
fn a_file_system_that_is_newer_than_its_check_is_not_called_damaged(#[case] is_clean: bool) {
    let said = "/dev/nvme1n1 has unsupported feature(s): FEATURE_C12\ne2fsck: Get a newer version of e2fsck!\n\n\
                /dev/nvme1n1: ********** WARNING: Filesystem still has errors **********\n";
    let too_new = Checked::TooNew { features: "FEATURE_C12".into(), is_clean };
    assert_eq!(Checked::read(Some(12), said, || is_clean), too_new);
}

#[rstest]
#[case::clean(1, 0x2c2, true)]
#[case::to_be_replayed(1, 0x2c6, false)]
#[case::with_errors(3, 0x2c2, false)]
#[case::not_unmounted(0, 0x2c2, false)]
fn a_superblock_says_whether_it_was_let_go_of_cleanly(#[case] state: u16, #[case] incompatible: u16, #[case] is: bool) {
    let mut superblock = vec![0; 1024];
    for (at, number) in [(0x38, 0xef53), (0x3a, state), (0x60, incompatible)] {
        superblock[at..at + 2].copy_from_slice(&number.to_le_bytes());
    }
    assert_eq!(is_clean(&superblock), is);
    assert!(!is_clean(&superblock[..0x60]) && !is_clean(&[0; 1024]));
}

#[rstest]
#[case::nothing(0)]
#[case::a_sector(512)]
#[case::odd(5 * MIB + 12_345)]
#[case::the_usual_size(20 << 30)]
#[case::just_all(32 << 30)]
fn a_device_of_the_usual_size_is_read_from_head_to_tail(#[case] size: u64) {
    let mut end = 0;
    for part in parts(size, WHOLE) {
        assert_eq!(part.offset, end, "without a gap");
        assert!(part.length > 0);
        end += part.length;
    }
    assert_eq!(end, size);
}

#[rstest]
#[case::just_larger(1)]
#[case::much_larger(68 << 30)]
#[case::odd((1 << 30) + 12_345)]
fn of_a_larger_one_the_tail_is_read_and_where_copies_are(#[case] more: u64, #[values(AGAIN, WHOLE)] whole: u64) {
    let size = whole + more;
    let parts: Vec<_> = parts(size, whole).collect();
    let reads = |offset: u64| parts.iter().any(|part| (part.offset..part.offset + part.length).contains(&offset));
    let ends = [0, MIB, whole - 1, whole, size - 1, size - 512 * 1024];
    // Copies of ext4's superblock, for blocks of 1 KiB and 4 KiB: of an odd group.
    let copies = [whole + 8 * MIB + 1024, whole + 128 * MIB];
    for offset in ends.into_iter().chain(copies).filter(|offset| *offset < size) {
        assert!(reads(offset), "{offset}");
    }
    assert!(parts.iter().all(|part| part.length > 0 && part.offset + part.length <= size));
}

#[rstest]
#[case::a_person(None, true)]
#[case::the_same(Some(protocol::PROTOCOL), true)]
#[case::the_one_before(Some(protocol::PROTOCOL - 1), true)]
#[case::the_next(Some(protocol::PROTOCOL + 1), true)]
#[case::the_one_after_that(Some(protocol::PROTOCOL + 2), false)]
fn a_protocol_and_the_next_work_together(#[case] theirs: Option<u32>, #[case] agree: bool) {
    assert_eq!(protocol::agree(theirs).is_ok(), agree);
}

#[test]
fn a_file_system_is_known_by_the_name_that_it_has() {
    for (file_system, name) in [(FileSystem::Ext4, "ext4"), (FileSystem::Xfs, "xfs")] {
        assert_eq!((file_system.name(), file_system.to_string().as_str()), (name, name));
        assert_eq!(FileSystem::named(name), Some(file_system));
    }
    assert_eq!(FileSystem::named("ext3"), None);
}
