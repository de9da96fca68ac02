//! What keeps a node from being moved in vain, and found while it waits.

use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{
    ActionResult, AttachmentState, InstanceState, KeyProblem, Lifecycle, ReleaseState, Step, WaitFor, next_step,
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
fn a_newcomer_that_can_never_take_over_hides_no_other(#[case] situation: Situation) {
    assert_eq!(step(situation), Step::Attach { successor: id(NEWEST) });
}

/// It may have been taken back, and then a month has gone by. What was certain then is a holder like any other now.
#[rstest]
#[case::a_key_that_is_going(rebalanced().key(KeyProblem::PendingDeletion))]
#[case::another_zone(rebalanced().zone(NEW, "eu-central-1b"))]
#[case::a_device_that_is_taken(rebalanced().device_taken(NEW))]
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
