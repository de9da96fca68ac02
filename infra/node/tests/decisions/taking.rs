//! What becomes of a volume that has arrived.

use durin_decisions::ids::VolumeId;
use durin_decisions::k3s::Version;
use durin_node::decide::contents::{Contents, FileSystem};
use durin_node::decide::fsck::Checked;
use durin_node::decide::marker::Marker;
use durin_node::decide::taking::{Access, Blank, Next, Refusal, Seen, next};
use rstest::rstest;

fn volume() -> VolumeId {
    VolumeId::new("vol-0123456789abcdef0").expect("an id")
}

/// A clean ext4, checked, that nobody else has.
fn sound() -> Seen {
    Seen {
        marker: Marker::Absent,
        access: Access::Alone,
        on_top: Vec::new(),
        contents: Contents::Ours(FileSystem::Ext4),
        declared_new: true,
        blank: None,
        checked: Some(Checked::Sound),
    }
}

/// Zero throughout, and declared new.
fn new() -> Seen {
    Seen { contents: Contents::Nothing, blank: Some(Blank::Yes), checked: None, ..sound() }
}

#[rstest]
#[case::checked(sound(), Next::Mount(FileSystem::Ext4))]
#[case::not_checked(Seen { checked: None, ..sound() }, Next::Check(FileSystem::Ext4))]
#[case::too_new_to_be_checked(Seen { checked: Some(too_new(true)), ..sound() }, Next::Mount(FileSystem::Ext4))]
#[case::xfs(Seen { contents: Contents::Ours(FileSystem::Xfs), checked: None, ..sound() }, Next::Mount(FileSystem::Xfs))]
#[case::marked_in_another_boot(Seen { marker: Marker::Stale, ..sound() }, Next::Mount(FileSystem::Ext4))]
#[case::nothing_known(Seen { blank: None, ..new() }, Next::ReadWhole)]
#[case::new(new(), Next::Format)]
fn a_volume_in_order_is_taken(#[case] seen: Seen, #[case] is: Next) {
    assert_eq!(next(&volume(), &seen), is);
}

#[rstest]
#[case::released(|seen: &mut Seen| seen.marker = Marker::Released("vol-0fedcba9".into()), Refusal::Released("vol-0fedcba9".into()))]
#[case::released_without_a_name(|seen: &mut Seen| seen.marker = Marker::Released(String::new()), Refusal::Released(volume().to_string()))]
#[case::in_use(|seen: &mut Seen| seen.access = Access::Shared, Refusal::InUse("it is mounted or held".into()))]
#[case::being_written(
    |seen: &mut Seen| seen.access = Access::Written(vec!["dd (7)".into(), "loop3".into()]),
    Refusal::InUse("open for writing: dd (7), loop3".into())
)]
#[case::not_to_be_opened(|seen: &mut Seen| seen.access = Access::Refused("EIO".into()), Refusal::Unopened("EIO".into()))]
#[case::partitions(|seen: &mut Seen| seen.on_top = vec!["nvme1n1p1".into()], Refusal::Foreign("nvme1n1p1".into()))]
#[case::foreign(|seen: &mut Seen| seen.contents = Contents::Foreign("btrfs".into()), Refusal::Foreign("btrfs".into()))]
#[case::unknown(|seen: &mut Seen| seen.contents = Contents::Unknown("two".into()), Refusal::Unknown("two".into()))]
fn any_other_is_refused_with_a_file_system_or_without(
    #[case] spoil: fn(&mut Seen),
    #[case] refusal: Refusal,
    #[values(sound(), new())] mut seen: Seen,
) {
    spoil(&mut seen);
    assert_eq!(next(&volume(), &seen), Next::Refuse(refusal));
}

fn too_new(is_clean: bool) -> Checked {
    Checked::TooNew { features: "FEATURE_C12".into(), is_clean }
}

#[test]
fn what_is_too_new_to_be_checked_and_not_clean_is_refused() {
    let seen = Seen { checked: Some(too_new(false)), ..sound() };
    assert_eq!(next(&volume(), &seen), Next::Refuse(Refusal::TooNew("FEATURE_C12".into())));
}

#[rstest]
#[case::errors(Some(4), "exit status 4")]
#[case::killed(None, "it was killed")]
fn a_damaged_file_system_is_refused(#[case] code: Option<i32>, #[case] why: &str) {
    let seen = Seen { checked: Some(Checked::Damaged(code)), ..sound() };
    assert_eq!(next(&volume(), &seen), Next::Refuse(Refusal::Damaged(why.to_owned())));
}

#[rstest]
#[case::not_blank(Seen { blank: Some(Blank::No), ..new() }, Refusal::NotBlank)]
#[case::unread(Seen { blank: Some(Blank::Unread("EIO".into())), ..new() }, Refusal::Unread("EIO".into()))]
#[case::not_declared(Seen { declared_new: false, ..new() }, Refusal::NotDeclaredNew(volume()))]
#[case::not_declared_nor_read(Seen { blank: None, declared_new: false, ..new() }, Refusal::NotDeclaredNew(volume()))]
#[case::not_blank_nor_declared(Seen { blank: Some(Blank::No), declared_new: false, ..new() }, Refusal::NotBlank)]
fn nothing_is_formatted_unless_it_is_blank_and_declared_new(#[case] seen: Seen, #[case] refusal: Refusal) {
    assert_eq!(next(&volume(), &seen), Next::Refuse(refusal));
}

#[test]
fn every_refusal_says_what_to_do() {
    let text = String::new;
    let refusals = [
        Refusal::Released("vol-1".into()),
        Refusal::OwnNamespace,
        Refusal::SeveralDevices(volume()),
        Refusal::AnotherDevice(text(), text()),
        Refusal::InUse(text()),
        Refusal::Unopened(text()),
        Refusal::Foreign(text()),
        Refusal::Unknown(text()),
        Refusal::NotBlank,
        Refusal::Unread(text()),
        Refusal::NotDeclaredNew(volume()),
        Refusal::Damaged(text()),
        Refusal::TooNew(text()),
        Refusal::NotMounted(text()),
        Refusal::WriteProtected,
        Refusal::MountedByAnother(text(), text()),
        Refusal::MountedReadOnly(text()),
        Refusal::ShutDown(text()),
        Refusal::SomethingElseIsThere(text(), text()),
        Refusal::EmbeddedEtcd(text()),
        older_k3s(),
    ];
    let deeds = [
        "resume", "detach", "udevadm", "let go", "dmesg", "attach", "wipefs", "restore", "repair", "unmount", "move",
        "bake", "setrw", "nsenter",
    ];
    for refusal in refusals {
        let sentence = refusal.to_string();
        assert!(deeds.iter().any(|deed| sentence.contains(deed)), "{sentence}");
        assert!(!sentence.contains('\n') && !sentence.contains("  "), "{sentence}");
    }
}

/// For anything else a resume asks for no reboot.
#[rstest]
#[case::the_node_is_made_anew(Refusal::AnotherDevice(String::new(), String::new()), true)]
#[case::the_device_is_opened_anew(Refusal::Unopened("EIO".into()), true)]
#[case::it_is_read_again(Refusal::Unread("EIO".into()), true)]
#[case::it_is_checked_again(Refusal::Damaged("exit status 4".into()), true)]
#[case::it_is_mounted_again(Refusal::NotMounted("it took too long".into()), true)]
#[case::what_stands_goes(Refusal::MountedReadOnly("/data".into()), true)]
#[case::what_is_shut_down_goes(Refusal::ShutDown("/data".into()), true)]
#[case::what_is_in_the_way_goes(Refusal::SomethingElseIsThere("tmpfs".into(), "/data".into()), true)]
#[case::somebody_has_it(Refusal::InUse("it is mounted or held".into()), false)]
#[case::somebody_has_mounted_it(Refusal::MountedByAnother("/data".into(), "sh (7)".into()), false)]
#[case::it_holds_the_same(Refusal::Foreign("btrfs".into()), false)]
#[case::it_is_as_new(Refusal::NotDeclaredNew(volume()), false)]
#[case::it_is_as_little_blank(Refusal::NotBlank, false)]
#[case::the_image_is_as_old(Refusal::TooNew("FEATURE_C12".into()), false)]
#[case::its_k3s_is_as_old(older_k3s(), false)]
fn a_reboot_changes_what_the_kernel_knows_and_not_what_is_on_the_volume(#[case] why: Refusal, #[case] may_pass: bool) {
    assert_eq!(why.may_pass_with_a_reboot(), may_pass);
}

fn older_k3s() -> Refusal {
    let version = |text| Version::read(text).expect("a version");
    Refusal::OlderK3s { served: version("v1.36.4+k3s1"), own: version("v1.35.9+k3s1") }
}
