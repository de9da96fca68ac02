//! A node of two instances for as long as one follows the other.

use durin_decisions::node::{Blocked, Done, InstanceState, Lifecycle, Number, ReleaseState, Step, WaitFor, next_step};
use durin_decisions::risk::RiskReason;
use rstest::rstest;

use crate::situation::*;

/// In a group that has one at least, so that the number falls with the one that is ended.
fn two() -> Situation {
    healthy().desired(2).at_least(1).instance(NEW, Lifecycle::InService, InstanceState::Running)
}

fn retires(situation: Situation, instance: &str) -> Situation {
    situation.at_risk(instance, RiskReason::Retirement, None)
}

fn end(instance: &str) -> Step {
    Step::EndSpare { instance: id(instance), number: Number::Falls }
}

fn release() -> Step {
    Step::Release { holder: id(OLD) }
}

fn suspended() -> Step {
    Step::Blocked(Blocked::LaunchSuspended { group: healthy().seen().declaration.group, holder: id(OLD) })
}

#[rstest]
// One is asked for.
#[case::the_host_retires(retired(), Step::LaunchFirst { holder: id(OLD) })]
#[case::and_nothing_may_be_launched(retired().launch_suspended(), suspended())]
#[case::and_the_group_is_too_small(
    retired().at_most(1),
    Step::Blocked(Blocked::MaximumTooSmall { group: healthy().seen().declaration.group, holder: id(OLD) }))]
#[case::and_the_group_wants_nobody(retired().desired(0), Step::Done(Done::Serves { holder: id(OLD) }))]
// Two are asked for.
#[case::nobody_has_come_yet(retired().desired(2), Step::Done(Done::AwaitsCapacity { holder: id(OLD) }))]
#[case::the_newcomer_boots(
    retires(rebalanced().desired(2).release(&[OLD], ReleaseState::NotStarted), OLD),
    Step::Wait(WaitFor::Booted { successor: id(NEW) }))]
#[case::the_newcomer_has_booted(retires(rebalanced().desired(2), OLD), release())]
#[case::the_newcomer_serves(
    retires(two(), OLD).held_by(NEW, durin_decisions::node::AttachmentState::Attached).record_names(NEW), end(OLD))]
#[case::the_newcomer_went_into_service_without_the_volume(
    retires(two(), OLD).release(&[OLD, NEW], ReleaseState::NotStarted), release())]
#[case::the_newcomer_retires_too(retires(retires(two(), OLD), NEW), end(NEW))]
#[case::an_interrupted_holder_makes_way_for_the_spare(
    two().at_risk(OLD, RiskReason::Interruption, Some(in_s(100))).release(&[OLD, NEW], ReleaseState::NotStarted), release())]
#[case::the_spare_is_interrupted_too(
    two().at_risk(OLD, RiskReason::Interruption, Some(in_s(100))).at_risk(NEW, RiskReason::Interruption, Some(in_s(100)))
        .release(&[OLD, NEW], ReleaseState::NotStarted), Step::Replace { holder: id(OLD) })]
// A person has asked for two, or a function has died.
#[case::two_serve_and_nobody_has_to_go(two(), end(NEW))]
#[case::a_second_one_is_launched_and_nobody_has_to_go(rebalanced().desired(2).at_least(1), end(NEW))]
#[case::a_second_one_is_launched_because_ec2_recommends_it(
    rebalanced().desired(2).at_risk(OLD, RiskReason::Rebalance, None), release())]
#[case::the_spare_is_going_already(two().lifecycle(NEW, TERMINATING), Step::RestoreCapacity { holder: id(OLD) })]
#[case::nobody_has_come_and_nobody_has_to_go(healthy().desired(2), Step::RestoreCapacity { holder: id(OLD) })]
#[case::two_serve_and_nothing_may_be_launched(two().launch_suspended(), suspended())]
#[case::three(two().desired(3),
    Step::Blocked(Blocked::DesiredCapacity { group: healthy().seen().declaration.group, desired: 3 }))]
// One is asked for, and two are there: the group ends one of them on its own.
#[case::the_group_has_not_chosen(two().desired(1), Step::Done(Done::Serves { holder: id(OLD) }))]
fn the_number_follows_the_node(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}
