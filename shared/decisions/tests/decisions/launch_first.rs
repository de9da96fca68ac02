//! A node of two instances for as long as one follows the other.

use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{
    Blocked, Done, InstanceState, Lifecycle, Number, ReleaseState, Standstill, Step, WaitFor, next_step,
};
use durin_decisions::risk::{Risk, RiskReason};
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

fn held() -> Risk {
    Risk { reason: RiskReason::Terminating, until: Some(in_s(540)) }
}

fn spare_while_suspended() -> Step {
    let (group, holder, spare) = (healthy().seen().declaration.group, id(OLD), id(NEW));
    Step::Blocked(Blocked::SpareWhileLaunchSuspended { group, holder, spare })
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
#[case::nobody_has_come_yet_and_nobody_has_to_go(
    healthy().desired(2).group_stands_for(120), Step::Wait(WaitFor::Spare { holder: id(OLD) }))]
#[case::nobody_has_come_and_nobody_has_to_go(
    healthy().desired(2).group_stands_for(121), Step::RestoreCapacity { holder: id(OLD) })]
#[case::nobody_can_come_and_nobody_has_to_go(
    healthy().desired(2).launch_suspended(), Step::RestoreCapacity { holder: id(OLD) })]
#[case::nobody_has_noted_since_when(healthy().desired(2), Step::Wait(WaitFor::Spare { holder: id(OLD) }))]
#[case::one_is_set_aside(
    two().lifecycle(NEW, Lifecycle::Standby).group_stands_for(120), Step::Wait(WaitFor::Spare { holder: id(OLD) }))]
#[case::the_holders_own_end_is_no_spares(
    healthy().desired(2).lifecycle(OLD, TERMINATING), Step::Mark { instance: id(OLD), risk: held() })]
#[case::two_serve_and_nothing_may_be_launched(two().launch_suspended(), spare_while_suspended())]
#[case::a_second_one_was_launched_before_nothing_may_be(
    rebalanced().desired(2).launch_suspended(), spare_while_suspended())]
#[case::two_serve_and_both_have_to_go_and_nothing_may_be_launched(
    retires(retires(two(), OLD), NEW).launch_suspended(), suspended())]
#[case::nobody_has_come_and_nothing_may_be_launched(retired().desired(2).launch_suspended(), suspended())]
#[case::three(two().desired(3),
    Step::Blocked(Blocked::DesiredCapacity { group: healthy().seen().declaration.group, desired: 3 }))]
#[case::two_serve_and_ec2_does_not_list_the_holder(
    two().unlisted(OLD), Step::Wait(WaitFor::Address { successor: id(OLD) }))]
// One is asked for, and two are there: the group ends one of them on its own.
#[case::the_group_has_not_chosen(two().desired(1), Step::Done(Done::Serves { holder: id(OLD) }))]
fn the_number_follows_the_node(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// Launched so many seconds ago beside a holder whose host retires, and at its end.
fn launched_in_vain(seconds: u64) -> Situation {
    retired()
        .at_least(1)
        .launched_ago(OLD, 90_100)
        .attached_ago(90_000)
        .instance(NEW, TERMINATING, InstanceState::Dead)
        .launched_ago(NEW, seconds)
}

/// Ten minutes are what one gets that is silent, or not fit. Nobody launches and ends such instances all day.
#[rstest]
#[case::it_was_taken(launched_in_vain(599), Step::LaunchFirst { holder: id(OLD) })]
#[case::it_was_given_up(launched_in_vain(600), later())]
#[case::an_hour_is_not_over(launched_in_vain(3_599), later())]
#[case::an_hour_is_over(launched_in_vain(3_600), Step::LaunchFirst { holder: id(OLD) })]
#[case::its_group_is_ending_it(launched_in_vain(700).state(NEW, InstanceState::Running), later())]
#[case::its_terminate_action_waits(
    launched_in_vain(700).state(NEW, InstanceState::Running).lifecycle(NEW, TERMINATING_WAIT), let_go(NEW))]
#[case::it_is_stopping_and_two_are_still_asked_for(
    launched_in_vain(700).state(NEW, InstanceState::Stopping).desired(2), Step::RestoreCapacity { holder: id(OLD) })]
#[case::its_group_was_asked_for_it_a_moment_ago(
    launched_in_vain(599).state(NEW, InstanceState::Running), Step::LaunchFirst { holder: id(OLD) })]
#[case::its_group_has_forgotten_it(launched_in_vain(700).not_a_member(NEW), later())]
#[case::it_was_there_before_the_holder(
    launched_in_vain(700).launched_ago(OLD, 699).attached_ago(600), Step::LaunchFirst { holder: id(OLD) })]
#[case::it_was_there_when_the_holder_was_launched(
    launched_in_vain(700).launched_ago(OLD, 700), Step::LaunchFirst { holder: id(OLD) })]
#[case::the_volume_has_come_back_since(launched_in_vain(200).attached_ago(20), later())]
#[case::and_an_hour_is_over(launched_in_vain(3_600).attached_ago(20), Step::LaunchFirst { holder: id(OLD) })]
#[case::it_was_launched_when_the_volume_had_come_back(
    launched_in_vain(200).attached_ago(200), Step::LaunchFirst { holder: id(OLD) })]
#[case::ec2_does_not_say_since_when_it_is_back(
    launched_in_vain(200).attached(None), Step::LaunchFirst { holder: id(OLD) })]
#[case::it_is_another_groups(launched_in_vain(700).stranger(NEW), Step::LaunchFirst { holder: id(OLD) })]
#[case::two_are_still_asked_for(launched_in_vain(700).desired(2), Step::RestoreCapacity { holder: id(OLD) })]
#[case::two_are_still_asked_for_and_one_may_come(
    launched_in_vain(700).desired(2).not_a_member(NEW), Step::Done(Done::AwaitsCapacity { holder: id(OLD) }))]
#[case::it_is_the_last_day(launched_in_vain(700).stops_at(OLD, in_s(86_400)), Step::Replace { holder: id(OLD) })]
#[case::nobody_has_to_go(launched_in_vain(700).never_stops(OLD), Step::Done(Done::Serves { holder: id(OLD) }))]
fn nothing_is_launched_in_vain_all_day(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

fn let_go(instance: &str) -> Step {
    Step::Complete {
        instance: id(instance),
        transition: Transition::Terminating,
        result: durin_decisions::node::ActionResult::Continue,
    }
}

fn later() -> Step {
    let (group, holder, newcomer) = (healthy().seen().declaration.group, id(OLD), id(NEW));
    Step::Blocked(Blocked::FollowedInVain { group, holder, newcomer })
}

/// The second comes while it is waited for, or another call has changed the number: then the wait begins anew.
#[test]
fn a_group_that_changes_does_not_stand_still() {
    let mut standstill = Standstill::default();
    let mut since = |situation: Situation, seconds: u64| {
        let mut seen = situation.seen();
        standstill.note(&mut seen, in_s(seconds));
        seen.group_stands_since
    };
    let alone = || healthy().desired(2);
    assert_eq!(since(alone(), 0), Some(in_s(0)));
    assert_eq!(since(alone().record_names(NEW), 1), Some(in_s(0)));
    assert_eq!(since(two(), 2), Some(in_s(2)));
    assert_eq!(since(two().lifecycle(NEW, TERMINATING), 3), Some(in_s(3)));
    assert_eq!(since(alone(), 4), Some(in_s(4)));
    assert_eq!(since(alone().desired(1), 5), Some(in_s(5)));
}

/// In a group with one at least, the second that comes while it is waited for is ended by name; in one with none, it is
/// given up, and then the number is set at once.
#[test]
fn the_second_that_nobody_needs_never_gets_the_node() {
    let comes = |min| next_step(&rebalanced().desired(2).at_least(min).group_stands_for(0).seen(), now());
    assert_eq!(comes(1), end(NEW));
    assert!(matches!(comes(0), Step::Complete { result: durin_decisions::node::ActionResult::Abandon, .. }));
    let goes = rebalanced().desired(2).lifecycle(NEW, TERMINATING).group_stands_for(0);
    assert_eq!(next_step(&goes.seen(), now()), Step::RestoreCapacity { holder: id(OLD) });
}
