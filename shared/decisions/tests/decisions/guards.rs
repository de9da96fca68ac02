//! What keeps a node from being moved in vain, and found while it waits.

use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{
    ActionResult, AttachmentState, Blocked, Done, InstanceState, KeyProblem, Lifecycle, ReleaseState, Step, WaitFor,
    next_step,
};
use durin_decisions::risk::{Risk, RiskReason};
use rstest::rstest;

use crate::situation::*;

fn step(situation: Situation) -> Step {
    next_step(&situation.seen(), now())
}

/// Two newcomers at once; the first has the volume.
fn two_newcomers() -> Situation {
    healthy()
        .instance(NEW, PENDING_WAIT, InstanceState::Running)
        .instance(NEWEST, PENDING_WAIT, InstanceState::Running)
        .without(OLD)
        .booted(NEW)
        .booted(NEWEST)
        .held_by(NEW, AttachmentState::Attached)
        .attached_ago(5)
        .record_names(NEW)
        .release(&[NEW, NEWEST], ReleaseState::NotStarted)
}

/// Else both would take the volume from each other until the hook gives them up.
#[rstest]
fn a_newcomer_keeps_the_volume_whatever_is_recommended(
    #[values(RiskReason::Rebalance, RiskReason::Retirement)] reason: RiskReason,
    #[values(true, false)] both: bool,
) {
    let marked = two_newcomers().at_risk(NEW, reason, None);
    let marked = if both { marked.at_risk(NEWEST, RiskReason::Rebalance, None) } else { marked };
    let served =
        Step::Complete { instance: id(NEW), transition: Transition::Launching, result: ActionResult::Continue };
    assert_eq!(step(marked), served);
}

#[rstest]
#[case::none_is_marked(None, NEW)]
#[case::the_older_is_marked(Some(NEW), NEWEST)]
#[case::the_newer_is_marked(Some(NEWEST), NEW)]
fn a_free_volume_goes_to_a_newcomer_that_nobody_has_to_leave(#[case] marked: Option<&str>, #[case] expected: &str) {
    let free = two_newcomers().free().unasked();
    let free = marked.map_or(free.clone(), |marked| free.at_risk(marked, RiskReason::Rebalance, None));
    assert_eq!(step(free), Step::Attach { successor: id(expected) });
}

#[rstest]
#[case::in_another_zone(two_newcomers().free().unasked().zone(NEW, "eu-central-1b"))]
#[case::with_its_device_taken(two_newcomers().free().unasked().device_taken(NEW))]
#[case::without_the_tag_of_a_node(two_newcomers().free().unasked().undeclared(NEW))]
fn a_newcomer_that_can_never_take_over_hides_no_other(#[case] situation: Situation) {
    assert_eq!(step(situation), Step::Attach { successor: id(NEWEST) });
}

/// It may have been taken back, and then a month has gone by. What was certain then is a holder like any other now.
#[rstest]
#[case::a_key_that_is_going(rebalanced().key(KeyProblem::PendingDeletion))]
#[case::another_zone(rebalanced().zone(NEW, "eu-central-1b"))]
#[case::a_device_that_is_taken(rebalanced().device_taken(NEW))]
#[case::a_tag_that_is_missing(rebalanced().undeclared(NEW))]
#[case::another_node_with_its_volume(rebalanced().volume_of(None).volume_shared())]
fn an_interruption_that_never_came_opens_no_guard(#[case] mistaken: Situation) {
    let once_warned = mistaken.at_risk(OLD, RiskReason::Interruption, Some(ago(90_000)));
    assert!(matches!(step(once_warned.clone()), Step::Blocked(_)), "{:?}", step(once_warned));
}

/// Its group ends it in any case. It is held for a newcomer that can take over, and then lets go in order.
#[rstest]
#[case::in_another_zone(rebalanced().zone(NEW, "eu-central-1b"))]
#[case::with_a_disabled_key(rebalanced().key(KeyProblem::Disabled))]
#[case::with_its_device_taken(rebalanced().device_taken(NEW))]
#[case::without_the_tag_of_a_node(rebalanced().undeclared(NEW))]
fn a_holder_that_is_ended_is_held_beside_a_newcomer_that_cannot_take_over(#[case] mistaken: Situation) {
    let ending = mistaken.lifecycle(OLD, TERMINATING_WAIT);
    let held = Risk { reason: RiskReason::Terminating, until: Some(in_s(540)) };
    assert_eq!(step(ending.clone()), Step::Mark { instance: id(OLD), risk: held });
    let held = |until| ending.clone().at_risk(OLD, RiskReason::Terminating, Some(in_s(until)));
    assert!(matches!(step(held(300)), Step::Blocked(_)), "{:?}", step(held(300)));
    assert_eq!(step(held(40)), Step::Release { holder: id(OLD) });
}

/// `Terminating:Retained` is no end.
#[test]
fn a_retained_holder_is_not_hurried_by_the_end_that_it_has_escaped() {
    let retained = healthy()
        .lifecycle(OLD, Lifecycle::Retained)
        .instance(NEW, PENDING, InstanceState::Pending)
        .release(&[OLD], ReleaseState::NotStarted)
        .at_risk(OLD, RiskReason::Terminating, Some(ago(4000)));
    assert_eq!(step(retained), Step::Wait(WaitFor::Running { successor: id(NEW) }));
}

/// Route 53 failed when it took over, or the run died.
#[rstest]
#[case::its_newcomer_boots(rebalanced().release(&[OLD], ReleaseState::NotStarted))]
#[case::its_group_ends_it(healthy().lifecycle(OLD, TERMINATING_WAIT).at_risk(OLD, RiskReason::Terminating, Some(in_s(530))))]
#[case::it_is_warned(interrupted(100).rebalancing().record_names(NEWEST))]
#[case::it_is_set_aside(healthy().lifecycle(OLD, Lifecycle::Standby))]
#[case::it_has_lost_the_tag_of_its_group(rebalanced().stranger(OLD))]
fn a_holder_that_serves_is_found_until_it_goes(#[case] situation: Situation) {
    let situation = situation.release(&[OLD], ReleaseState::NotStarted).record_names(NEWEST);
    assert!(matches!(step(situation.clone()), Step::PointRecord { .. }), "{:?}", step(situation));
}

#[test]
fn a_holder_that_has_let_go_is_not_pointed_at() {
    let released = rebalanced().release(&[OLD], let_go_ago(3)).record_names(NEWEST);
    assert_eq!(step(released), Step::Wait(WaitFor::Booted { successor: id(NEW) }));
}

/// Another function may have given it the volume since.
#[rstest]
#[case::alive(healthy().lifecycle(OLD, TERMINATING_WAIT), true)]
#[case::not_listed(healthy().lifecycle(OLD, TERMINATING_WAIT).without(OLD), true)]
#[case::dead(healthy().lifecycle(OLD, TERMINATING_WAIT).state(OLD, InstanceState::Dead), false)]
fn only_the_dead_are_let_go_without_a_second_look(#[case] situation: Situation, #[case] needed: bool) {
    let seen = situation.seen();
    let complete = |transition| Step::Complete { instance: id(OLD), transition, result: ActionResult::Continue };
    assert_eq!(complete(Transition::Terminating).is_irreversible(&seen), needed);
    assert!(!complete(Transition::Launching).is_irreversible(&seen));
}

/// A person has set the older aside, and it has come back.
#[test]
fn of_two_in_service_the_one_that_retires_goes() {
    let two = healthy()
        .desired(2)
        .at_least(1)
        .instance(NEW, Lifecycle::InService, InstanceState::Running)
        .held_by(NEW, AttachmentState::Attached)
        .attached_ago(5000)
        .record_names(NEW)
        .release(&[OLD, NEW], ReleaseState::NotStarted)
        .booted(OLD)
        .at_risk(NEW, RiskReason::Retirement, None);
    assert_eq!(step(two), Step::Release { holder: id(NEW) });
}

/// A holder that is left alone loses nothing by it, unless it has let go already.
#[rstest]
#[case::the_newcomer_is_elsewhere(rebalanced().zone(NEW, "eu-central-1b"))]
#[case::its_key_is_disabled(rebalanced().key(KeyProblem::Disabled))]
#[case::the_device_is_taken(rebalanced().device_taken(NEW))]
#[case::its_volume_is_tagged_for_another_node(rebalanced().volume_of(Some("other")))]
#[case::its_volume_cannot_be_moved(rebalanced().not_data())]
fn a_holder_that_nobody_can_follow_serves_again(#[case] situation: Situation) {
    let let_go = situation.clone().release(&[OLD, NEW], let_go_ago(60));
    assert_eq!(step(let_go), Step::Resume { holder: id(OLD) });
    let serves = situation.release(&[OLD, NEW], ReleaseState::NotStarted);
    assert!(matches!(step(serves.clone()), Step::Blocked(_)), "{:?}", step(serves));
}

/// A person has set it aside, it has let go for a newcomer, and that has died.
#[rstest]
#[case::set_aside(Lifecycle::Standby, &[OLD], Step::Resume { holder: id(OLD) })]
#[case::retained(Lifecycle::Retained, &[OLD], Step::Resume { holder: id(OLD) })]
#[case::its_agent_is_gone(Lifecycle::Standby, &[], Step::Replace { holder: id(OLD) })]
fn a_holder_beside_its_group_serves_again(#[case] state: Lifecycle, #[case] online: &[&str], #[case] expected: Step) {
    let alone = |release| healthy().lifecycle(OLD, state.clone()).release(online, release);
    assert_eq!(step(alone(let_go_ago(60))), expected);
    assert_eq!(step(alone(ReleaseState::NotStarted)), Step::Done(Done::NoSuccessor));
    assert_eq!(step(alone(let_go_ago(60)).desired(0)), Step::Done(Done::NoSuccessor));
}

/// Only the group replaces an instance, and only one of its own.
#[rstest]
#[case::its_agent_is_online(&[OLD], Step::Resume { holder: id(OLD) })]
#[case::its_agent_is_gone(&[], Step::Blocked(Blocked::CannotBeAsked { holder: id(OLD) }))]
fn a_holder_that_its_group_has_forgotten_serves_again(#[case] online: &[&str], #[case] expected: Step) {
    let forgotten = |release| healthy().not_a_member(OLD).release(online, release);
    assert_eq!(step(forgotten(let_go_ago(60))), expected);
    assert_eq!(step(forgotten(ReleaseState::NotStarted)), Step::Done(Done::NoSuccessor));
}

/// Whatever keeps its successor from taking over: a call that the group refuses for good would be repeated for as long as a
/// run lasts, and nobody told.
#[rstest]
#[case::nobody_follows(healthy())]
#[case::too_many_are_asked_for(healthy().desired(3))]
#[case::its_newcomer_is_in_another_zone(
    healthy().instance(NEW, PENDING_WAIT, InstanceState::Running).zone(NEW, "eu-central-1b"))]
fn a_holder_that_its_group_has_forgotten_is_not_replaced_in_vain(#[case] situation: Situation) {
    let fails = ReleaseState::ResumeFailed { at: ago(61), times: 2 };
    let seen = situation.not_a_member(OLD).release(&[OLD], fails);
    assert_eq!(step(seen), Step::Blocked(Blocked::CannotBeAsked { holder: id(OLD) }));
}

/// A newcomer that cannot take over is no reason to let go sooner than if there were none.
#[rstest]
#[case::early(901, None)]
#[case::in_the_last_quarter_of_an_hour(899, Some(Step::Wait(WaitFor::Replacement { holder: id(OLD) })))]
#[case::at_the_last_look(339, Some(Step::Release { holder: id(OLD) }))]
fn a_useless_newcomer_is_as_good_as_none(#[case] seconds: u64, #[case] expected: Option<Step>) {
    let retired = || retired().stops_at(OLD, in_s(seconds)).desired(2);
    let newcomer = |it: Situation| {
        it.instance(NEW, PENDING_WAIT, InstanceState::Running).release(&[OLD, NEW], ReleaseState::NotStarted)
    };
    let seen = step(newcomer(retired()).zone(NEW, "eu-central-1b"));
    match expected {
        Some(expected) => assert_eq!(seen, expected),
        None => assert!(matches!(seen, Step::Blocked(_)), "{seen:?}"),
    }
}

/// As long as it is attached, the volume works; nobody could attach it again.
#[rstest]
#[case::weeks_before(1_000_000)]
#[case::on_the_last_day(80_000)]
fn a_retiring_holder_whose_key_is_unusable_stays(#[case] seconds: u64) {
    let seen = retired().stops_at(OLD, in_s(seconds)).key(KeyProblem::PendingDeletion);
    assert!(matches!(step(seen.clone()), Step::Blocked(Blocked::KeyUnusable { .. })), "{:?}", step(seen));
}

#[test]
fn a_volume_that_nobody_could_attach_again_is_not_detached() {
    let seen = retired().stops_at(OLD, in_s(300)).release(&[OLD], let_go_ago(3)).key(KeyProblem::Disabled);
    assert!(matches!(step(seen.clone()), Step::Blocked(Blocked::KeyUnusable { .. })), "{:?}", step(seen));
}

/// The group sees an instance in service, and launches nobody of its own accord.
#[rstest]
#[case::about_to_be_stopped(retired().stops_at(OLD, in_s(300)), true)]
#[case::about_to_be_interrupted(interrupted(20), true)]
#[case::interrupted_and_rebalanced(interrupted(20).rebalancing(), false)]
#[case::nothing_may_be_launched(interrupted(20).launch_suspended(), false)]
#[case::at_rest(interrupted(20).desired(0), false)]
#[case::its_group_is_at_something_else(interrupted(20).replacement_asked_ago(2), false)]
fn an_instance_that_ec2_takes_is_replaced_though_it_has_let_go(#[case] situation: Situation, #[case] replaced: bool) {
    let seen = step(situation.free().unasked());
    assert_eq!(seen == Step::Replace { holder: id(OLD) }, replaced, "{seen:?}");
}

/// What keeps the node from moving does not keep it from being found.
#[test]
fn a_holder_that_nobody_can_follow_is_found() {
    let lost = rebalanced().release(&[OLD], ReleaseState::NotStarted).record_names(NEWEST).zone(NEW, "eu-central-1b");
    assert!(matches!(step(lost.clone()), Step::PointRecord { .. }), "{:?}", step(lost));
}
