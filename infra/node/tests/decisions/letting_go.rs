//! Whether a volume may be released, whether it is, and whether a release may be taken back.

use durin_decisions::ids::VolumeId;
use durin_node::decide::letting_go::{
    Before, Begin, NotReleased, NotResumed, Obstacle, TakeBack, UseOfIt, begin, is_released, take_back,
};
use durin_node::decide::marker::Marker;
use durin_node::decide::taking::Access;
use rstest::rstest;

fn volume() -> VolumeId {
    VolumeId::new("vol-0123456789abcdef0").expect("an id")
}

fn another() -> VolumeId {
    VolumeId::new("vol-0123456789abcdef1").expect("an id")
}

fn nobody() -> UseOfIt {
    UseOfIt { mounted: Vec::new(), namespaces: Vec::new(), users: Vec::new(), access: Access::Alone }
}

/// It has been released before.
fn released() -> Before {
    Before { marker: Marker::Released(volume().to_string()), serves_from: None, use_of_it: nobody() }
}

#[test]
fn a_volume_that_nobody_has_is_released() {
    assert_eq!(is_released(&volume(), &nobody()), Ok(()));
}

#[rstest]
#[case::mounted(UseOfIt { mounted: vec!["/data".into()], ..nobody() }, NotReleased::Mounted(volume(), "/data".into(), "nothing that has a file open".into()))]
#[case::used(UseOfIt { mounted: vec!["/data".into()], users: vec!["sleep (1)".into(), "sh (2)".into()], access: Access::Shared, ..nobody() }, NotReleased::Mounted(volume(), "/data".into(), "sleep (1), sh (2)".into()))]
#[case::elsewhere(UseOfIt { namespaces: vec!["sleep (1)".into()], ..nobody() }, NotReleased::MountedElsewhere(volume(), "sleep (1)".into()))]
#[case::shared(UseOfIt { access: Access::Shared, ..nobody() }, NotReleased::Held(volume(), "nothing that can be found".into()))]
#[case::written(UseOfIt { access: Access::Written(vec!["dd (1)".into(), "loop3".into()]), ..nobody() }, NotReleased::Written(volume(), "dd (1), loop3".into()))]
#[case::written_a_moment_ago(UseOfIt { access: Access::Written(Vec::new()), ..nobody() }, NotReleased::Written(volume(), "somebody who was gone at once".into()))]
#[case::not_to_be_opened(UseOfIt { access: Access::Refused("EIO".into()), ..nobody() }, NotReleased::Unknown(volume(), "EIO".into()))]
fn either_witness_alone_keeps_it_from_being_called_released(#[case] now: UseOfIt, #[case] why: NotReleased) {
    assert_eq!(is_released(&volume(), &now), Err(why.clone()));
    let before = Before { use_of_it: now, ..released() };
    assert_eq!(begin(&volume(), &before), Begin::LetGo, "although there is a marker");
    assert!(why.to_string().ends_with("; k3s stays stopped"));
}

#[rstest]
#[case::released_before(released(), Begin::NothingToDo)]
#[case::no_marker(Before { marker: Marker::Absent, ..released() }, Begin::LetGo)]
#[case::marker_of_another_boot(Before { marker: Marker::Stale, ..released() }, Begin::LetGo)]
#[case::marker_of_another_volume(Before { marker: Marker::Released(another().to_string()), ..released() }, Begin::LetGo)]
#[case::marker_of_nobody(Before { marker: Marker::Released(String::new()), ..released() }, Begin::LetGo)]
#[case::serves_from_it(Before { serves_from: Some(volume()), marker: Marker::Absent, ..released() }, Begin::LetGo)]
#[case::serves_from_another(Before { serves_from: Some(another()), ..released() }, Begin::Refuse(NotReleased::AnotherVolume(volume(), another())))]
#[case::root(Before { use_of_it: UseOfIt { mounted: vec!["/mnt".into(), "/".into()], ..nobody() }, ..released() }, Begin::Refuse(NotReleased::Root(volume())))]
fn a_release_does_what_is_left_to_do(#[case] before: Before, #[case] is: Begin) {
    assert_eq!(begin(&volume(), &before), is);
}

#[rstest]
#[case::released(Marker::Released(volume().to_string()), TakeBack::Serve)]
#[case::nothing_that_has_a_name(Marker::Released(String::new()), TakeBack::Serve)]
#[case::something_that_is_no_volume(Marker::Released("\u{fffd}".into()), TakeBack::Serve)]
#[case::another(Marker::Released(another().to_string()), TakeBack::Refuse(NotResumed::AnotherVolume(volume(), another().to_string())))]
fn only_its_own_release_of_this_boot_is_taken_back(
    #[case] marker: Marker,
    #[case] is: TakeBack,
    #[values(true, false)] is_mounted: bool,
    #[values(true, false)] k3s_may_run: bool,
) {
    assert_eq!(take_back(&volume(), &marker, is_mounted, || k3s_may_run), is);
}

#[rstest]
fn what_was_not_released_in_this_boot_has_to_be_mounted_and_k3s_to_run(
    #[values(Marker::Absent, Marker::Stale)] marker: Marker,
) {
    assert_eq!(take_back(&volume(), &marker, true, || true), TakeBack::NothingToDo);
    for (is_mounted, k3s_may_run) in [(true, false), (false, true), (false, false)] {
        assert_eq!(take_back(&volume(), &marker, is_mounted, || k3s_may_run), TakeBack::ServeAgain);
    }
}

/// An answer that is too long is cut off where it is read.
#[test]
fn of_many_mounts_and_users_five_are_named() {
    let many: Vec<String> = (0..60).map(|pod| format!("/pods/{pod}")).collect();
    let now = UseOfIt { mounted: many.clone(), users: many, ..nobody() };
    let why = is_released(&volume(), &now).expect_err("it is mounted").to_string();
    let five = "/pods/0, /pods/1, /pods/2, /pods/3, /pods/4 and 55 more";
    assert!(why.contains(&format!("mounted at {five}, used by {five};")), "{why}");
}

/// By these words the functions tell what passes from what has failed.
#[rstest]
#[case::it_is_checked(NotResumed::UnderWay(volume()), Some("under way"))]
#[case::somebody_writes_to_it(NotResumed::InUse(NotReleased::Written(volume(), "dd (1)".into())), Some("in use"))]
#[case::it_is_being_written(NotResumed::InUse(NotReleased::Unflushed(volume(), "took too long".into())), Some("in use"))]
#[case::somebody_has_mounted_it(
    NotResumed::InUse(NotReleased::Mounted(volume(), "/mnt".into(), "sh (1)".into())), Some("in use"))]
#[case::nobody_can_say(NotResumed::InUse(NotReleased::Unknown(volume(), "EIO".into())), None)]
#[case::it_does_not_mount(NotResumed::NotMounted(volume(), "bad superblock".into()), None)]
#[case::k3s_does_not_start(NotResumed::NotStarted(volume(), "failed with 1".into()), None)]
#[case::it_is_not_there(NotResumed::NotAttached(volume()), None)]
fn what_passes_has_a_word(#[case] why: NotResumed, #[case] word: Option<&str>) {
    assert_eq!(why.obstacle().map(Obstacle::word), word);
}
