//! The volume is free, a newcomer has come to nothing, and the one that it was to follow is still in service.

use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{
    ActionResult, AttachmentState, Blocked, InstanceState, Lifecycle, ReleaseState, Step, WaitFor, boots_matter,
    next_step,
};
use durin_decisions::risk::RiskReason;
use rstest::rstest;

use crate::situation::*;

/// The old one has let go for the new one, which has ended since; the newest starts.
fn free() -> Situation {
    healthy()
        .launched_ago(OLD, 90_000)
        .instance(NEW, TERMINATING, InstanceState::Dead)
        .launched_ago(NEW, 200)
        .instance(NEWEST, PENDING_WAIT, InstanceState::Running)
        .launched_ago(NEWEST, 15)
        .free()
        .has_held()
}

fn attach(instance: &str) -> Step {
    Step::Attach { successor: id(instance) }
}

#[rstest]
#[case::the_next_boots(free(), attach(OLD))]
#[case::the_next_does_not_even_run(free().state(NEWEST, InstanceState::Pending), attach(OLD))]
#[case::ec2_recommends_to_leave_it(free().at_risk(OLD, RiskReason::Rebalance, None), attach(OLD))]
#[case::the_next_has_booted(free().booted(NEWEST), attach(NEWEST))]
#[case::nobody_has_come_to_nothing(free().without(NEW), attach(NEWEST))]
#[case::that_was_an_hour_ago(free().launched_ago(NEW, 3_600), attach(NEWEST))]
#[case::that_was_before_the_old_one(free().launched_ago(OLD, 199), attach(NEWEST))]
#[case::ec2_takes_it(free().at_risk(OLD, RiskReason::Interruption, Some(in_s(100))), attach(NEWEST))]
#[case::its_group_ends_it(free().lifecycle(OLD, TERMINATING_WAIT), attach(NEWEST))]
#[case::it_is_set_aside(free().lifecycle(OLD, Lifecycle::Standby), attach(NEWEST))]
#[case::it_is_dead(free().state(OLD, InstanceState::Dead), attach(NEWEST))]
#[case::it_starts(free().state(OLD, InstanceState::Pending), attach(NEWEST))]
#[case::it_is_in_another_zone(free().zone(OLD, "eu-central-1b"), attach(NEWEST))]
#[case::it_is_dead_and_the_next_starts(
    free().state(OLD, InstanceState::Dead).state(NEWEST, InstanceState::Pending),
    Step::Wait(WaitFor::Running { successor: id(NEWEST) }))]
fn one_in_service_serves_until_the_next_has_booted(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// Systems Manager is asked about no agent while the volume is free, but for these.
#[rstest]
#[case::the_next_may_have_booted(free(), Some(NEWEST))]
#[case::it_has(free().booted(NEWEST), None)]
#[case::it_does_not_run(free().state(NEWEST, InstanceState::Pending), None)]
#[case::nobody_has_come_to_nothing(free().without(NEW), None)]
#[case::the_volume_is_not_free(free().held_by(NEW, AttachmentState::Attached), None)]
fn whether_the_next_has_booted_matters_when_another_would_serve(
    #[case] situation: Situation,
    #[case] matters: Option<&str>,
) {
    assert_eq!(boots_matter(&situation.seen(), now()), matters.map(id).into_iter().collect());
}

const FIRST: &str = "i-00000000000000004";

/// The old one has it again, after two that have ended, and the newest is prepared.
fn again() -> Situation {
    free()
        .instance(FIRST, TERMINATING, InstanceState::Dead)
        .launched_ago(FIRST, 400)
        .held_by(OLD, AttachmentState::Attached)
        .attached_ago(100)
        .launched_ago(NEWEST, 60)
        .release(&[OLD, NEWEST], ReleaseState::NotStarted)
}

fn stays() -> Step {
    let (group, holder, newcomer) = (healthy().seen().declaration.group, id(OLD), id(FIRST));
    Step::Blocked(Blocked::FollowedInVain { group, holder, newcomer })
}

fn release() -> Step {
    Step::Release { holder: id(OLD) }
}

/// Each has cost the node minutes.
#[rstest]
#[case::it_has_been_given_back_twice(again(), stays())]
#[case::the_first_was_an_hour_ago(again().launched_ago(FIRST, 3_600), release())]
#[case::it_has_been_given_back_once(again().without(FIRST), release())]
#[case::the_second_never_had_it(again().attached_ago(200), release())]
#[case::it_was_never_given_back(again().attached_ago(1_000), release())]
#[case::it_has_to_serve_again_first(
    again().release(&[OLD, NEWEST], ReleaseState::Marked), Step::Resume { holder: id(OLD) })]
#[case::ec2_takes_the_holder(again().at_risk(OLD, RiskReason::Interruption, Some(in_s(100))), release())]
#[case::its_group_ends_the_holder(
    again().lifecycle(OLD, TERMINATING_WAIT).at_risk(OLD, RiskReason::Terminating, Some(in_s(500))), release())]
#[case::the_next_is_given_up(
    again().launched_ago(NEWEST, 601),
    Step::Complete { instance: id(NEWEST), transition: Transition::Launching, result: ActionResult::Abandon })]
fn a_holder_lets_go_for_no_third_newcomer_within_an_hour(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}
