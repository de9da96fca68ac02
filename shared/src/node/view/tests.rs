use durin_decisions::node::{ActionResult, AttachmentState, Step};
use rstest::rstest;

use super::*;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn id(text: &str) -> InstanceId {
    InstanceId::new(text).expect("an id")
}

fn held_by(instance: &str) -> Volume {
    let attachment = Attachment { instance: id(instance), state: AttachmentState::Attached, since: Some(at(100)) };
    Volume {
        state: VolumeState::InUse,
        zone: "eu-central-1a".to_owned(),
        is_data: true,
        node: None,
        key: None,
        attachments: vec![attachment],
    }
}

/// All of it was read at the same time.
fn read(time: SystemTime, holder: &str) -> View {
    let mut view = View::of_group(time, Group::gone());
    view.instances = Cached::read_at(time, BTreeMap::new());
    view.volume = Cached::read_at(time, Some(held_by(holder)));
    view.agents = Cached::read_at(time, Agents::Listed { online: BTreeSet::new(), lost: BTreeSet::new() });
    view.commands = Cached::read_at(time, Vec::new());
    view
}

/// Its group, its agent and its release decide whether a holder may end, however old the volume is.
#[rstest]
#[case::a_holder("i-11111111", false)]
#[case::an_instance_without_the_volume("i-22222222", true)]
fn before_the_end_of_a_holder_everything_is_read_again(#[case] instance: &str, #[case] keeps_group: bool) {
    let mut view = read(at(100), "i-11111111");
    let end =
        Step::Complete { instance: id(instance), transition: Transition::Terminating, result: ActionResult::Continue };
    view.forget_before(&end, at(110));
    assert_eq!((view.group.get().is_some(), view.volume.get().is_some()), (keeps_group, false));
}

/// It ends a holder that could have been asked.
#[test]
fn that_a_holder_is_not_heard_is_asked_twice_however_recently() {
    let mut view = read(at(100), "i-11111111");
    view.forget_before(&Step::Terminate { holder: id("i-11111111") }, at(101));
    assert!(view.agents.get().is_none() && view.group.get().is_some());
}

#[rstest]
#[case::given_before_this_run_has_begun(at(101), true)]
#[case::given_since(at(100), false)]
fn only_a_holder_that_was_given_the_volume_since_was_not_asked(#[case] begun: SystemTime, #[case] may_have_been: bool) {
    assert_eq!(read(begun, "i-11111111").may_have_been_asked(), may_have_been);
}

#[test]
fn what_is_known_of_one_holder_says_nothing_of_the_next() {
    let mut view = read(at(0), "i-11111111");
    view.know_whether_asked(id("i-11111111"), true, at(1));
    assert!(view.may_have_been_asked());
    view.volume = Cached::read_at(at(2), Some(held_by("i-22222222")));
    assert!(!view.may_have_been_asked());
}
