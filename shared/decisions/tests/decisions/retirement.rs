//! A host that retires: EC2 says when it stops the instance, and the less time is left, the less a successor is waited for.

use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{
    ActionResult, Blocked, Done, InstanceState, KeyProblem, Number, ReleaseState, Step, WaitFor, next_step,
};
use durin_decisions::risk::RiskReason;
use rstest::rstest;

use crate::situation::*;

const DAY: u64 = 86_400;

/// EC2 stops the old instance in so many seconds.
fn stops_in(seconds: u64) -> Situation {
    stops(healthy().release(&[OLD], ReleaseState::NotStarted), seconds)
}

fn stops(situation: Situation, seconds: u64) -> Situation {
    situation.stops_at(OLD, in_s(seconds))
}

fn release() -> Step {
    Step::Release { holder: id(OLD) }
}

fn detach() -> Step {
    Step::Detach { holder: id(OLD) }
}

fn replace() -> Step {
    Step::Replace { holder: id(OLD) }
}

fn serves() -> Step {
    Step::Done(Done::Serves { holder: id(OLD) })
}

fn awaits_replacement() -> Step {
    Step::Wait(WaitFor::Replacement { holder: id(OLD) })
}

fn suspended() -> Step {
    Step::Blocked(Blocked::LaunchSuspended { group: healthy().seen().declaration.group, holder: id(OLD) })
}

/// It has let go, and nothing can follow.
fn nobody() -> Step {
    Step::Blocked(Blocked::NobodyWhileLaunchSuspended { group: healthy().seen().declaration.group })
}

fn no_capacity(seconds: u64) -> Step {
    let (group, holder) = (healthy().seen().declaration.group, id(OLD));
    Step::Blocked(Blocked::NoCapacity { group, holder, stop: in_s(seconds) })
}

fn too_small() -> Step {
    Step::Blocked(Blocked::MaximumTooSmall { group: healthy().seen().declaration.group, holder: id(OLD) })
}

/// With the mark of a retirement or without: the event of AWS Health may be lost.
#[rstest]
// Launch first, until a day before.
#[case::a_week_before(stops_in(7 * DAY), Step::LaunchFirst { holder: id(OLD) })]
#[case::a_second_too_early(stops_in(DAY + 1), Step::LaunchFirst { holder: id(OLD) })]
#[case::two_are_asked_for(stops_in(3 * DAY + 1).desired(2), Step::Done(Done::AwaitsCapacity { holder: id(OLD) }))]
#[case::and_nobody_comes(stops_in(3 * DAY).desired(2).group_stands_for(121), no_capacity(3 * DAY))]
#[case::and_somebody_may_come(stops_in(3 * DAY).desired(2).group_stands_for(120), awaits_replacement())]
#[case::and_nobody_has_noted_since_when(stops_in(3 * DAY).desired(2), awaits_replacement())]
#[case::until_the_last_day(stops_in(DAY + 1).desired(2).group_stands_for(121), no_capacity(DAY + 1))]
#[case::somebody_comes(
    stops(rebalanced(), DAY + 1).desired(2), Step::Release { holder: id(OLD) })]
#[case::one_that_came_is_at_its_end(
    stops_in(DAY + 1).desired(2).instance(NEW, TERMINATING_WAIT, InstanceState::Running),
    Step::Complete { instance: id(NEW), transition: Transition::Terminating, result: ActionResult::Continue })]
#[case::ec2_does_not_say_when(retired().desired(2), Step::Done(Done::AwaitsCapacity { holder: id(OLD) }))]
#[case::the_group_is_too_small(stops_in(DAY + 1).at_most(1), too_small())]
// Then the group replaces it, whatever else.
#[case::a_day_before(stops_in(DAY), replace())]
#[case::an_hour_before(stops_in(3_600), replace())]
#[case::a_day_before_and_the_group_is_too_small(stops_in(DAY).at_most(1), replace())]
#[case::a_day_before_and_two_are_asked_for(stops_in(DAY).desired(2), Step::RestoreCapacity { holder: id(OLD) })]
#[case::a_day_before_and_two_are_asked_for_at_least(stops_in(DAY).desired(2).at_least(2), replace())]
#[case::a_day_before_and_the_group_rebalances(stops_in(DAY).rebalancing(), replace())]
#[case::a_day_before_and_the_group_wants_nobody(stops_in(DAY).desired(0), serves())]
#[case::the_group_was_at_something_else(stops_in(DAY).replacement_asked_ago(4), awaits_replacement())]
#[case::the_group_is_asked_again(stops_in(DAY).replacement_asked_ago(5), replace())]
#[case::a_successor_boots(
    stops(rebalanced().release(&[OLD], ReleaseState::NotStarted), DAY), Step::Wait(WaitFor::Booted { successor: id(NEW) }))]
#[case::a_successor_is_silent(
    stops(rebalanced().release(&[OLD], ReleaseState::NotStarted).launched_ago(NEW, 601), DAY),
    Step::Complete { instance: id(NEW), transition: Transition::Launching, result: ActionResult::Abandon })]
#[case::a_successor_has_booted(stops(rebalanced(), DAY), release())]
#[case::it_has_only_just_taken_over(
    stops(healthy().lifecycle(OLD, PENDING_WAIT), DAY),
    Step::Complete { instance: id(OLD), transition: Transition::Launching, result: ActionResult::Continue })]
// But nothing may end it if nothing can follow.
#[case::nothing_can_follow(stops_in(DAY).launch_suspended(), suspended())]
#[case::nothing_can_follow_and_time_is_short(stops_in(901).launch_suspended(), suspended())]
#[case::nothing_can_follow_and_it_is_another_nodes(
    stops_in(DAY).volume_of(Some("other")).launch_suspended(), suspended())]
// In the end it lets go.
#[case::a_quarter_of_an_hour_before(stops_in(900).launch_suspended(), release())]
#[case::it_was_stopped_when_nobody_could_ask_it(
    stops_in(900).launch_suspended().state(OLD, InstanceState::Dead), nobody())]
#[case::it_has_let_go(stops_in(800).launch_suspended().release(&[OLD], let_go_just_now()), detach())]
#[case::it_gets_nothing_back(stops_in(800).launch_suspended().free(), nobody())]
#[case::the_group_still_replaces_it(stops_in(900), replace())]
#[case::the_group_refuses_and_serving_is_worth_it(stops_in(341).replacement_asked_ago(1), awaits_replacement())]
#[case::the_group_refuses_to_the_end(stops_in(340).replacement_asked_ago(1), release())]
#[case::the_group_refuses_and_it_has_let_go_already(
    stops_in(341).replacement_asked_ago(1).release(&[OLD], let_go_just_now()), detach())]
#[case::its_successor_boots_and_serving_is_worth_it(
    stops(replaced_early(3_000).at_risk(OLD, RiskReason::Retirement, None).release(&[OLD], ReleaseState::NotStarted), 341),
    Step::Wait(WaitFor::Booted { successor: id(NEW) }))]
#[case::its_successor_boots_for_too_long(
    stops(replaced_early(3_000).at_risk(OLD, RiskReason::Retirement, None).release(&[OLD], ReleaseState::NotStarted), 340),
    release())]
#[case::another_node_has_its_volume_and_it_leaves_it_clean(
    stops_in(340).replacement_asked_ago(1).volume_of(Some("other")), release())]
fn the_less_time_is_left_the_less_a_successor_is_waited_for(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
    let marked = situation.at_risk(OLD, RiskReason::Retirement, None);
    assert_eq!(next_step(&marked.seen(), now()), expected, "marked");
}

/// EC2 may be late, and it may have put the stop off without a word.
#[rstest]
#[case::it_has_let_go_and_the_stop_may_still_come(3_599, nobody())]
#[case::it_has_let_go_and_serves_again(3_600, Step::Attach { successor: id(OLD) })]
fn an_instance_that_let_go_for_a_stop_gets_the_volume_back_after_an_hour(#[case] late: u64, #[case] expected: Step) {
    let late = healthy().free().launch_suspended().stops_at(OLD, ago(late));
    assert_eq!(next_step(&late.seen(), now()), expected);
}

/// A stop that was put off is one that is far away.
#[test]
fn a_stop_that_was_put_off_is_no_reason_to_hurry() {
    let seen = |seconds: u64| next_step(&stops_in(seconds).launch_suspended().free().seen(), now());
    assert_eq!(seen(800), nobody());
    assert_eq!(seen(7 * DAY), Step::Attach { successor: id(OLD) });
}

/// AWS has put the host right. The mark stays.
#[rstest]
#[case::it_serves(retired(), serves())]
#[case::two_were_asked_for(retired().desired(2).group_stands_for(121), Step::RestoreCapacity { holder: id(OLD) })]
#[case::its_successor_has_come(
    retired().desired(2).at_least(1).instance(NEW, PENDING_WAIT, InstanceState::Running),
    Step::EndSpare { instance: id(NEW), number: Number::Falls })]
#[case::its_key_is_disabled(retired().key(KeyProblem::Disabled), serves())]
fn a_retirement_that_was_called_off_moves_nothing(#[case] situation: Situation, #[case] expected: Step) {
    assert_ne!(next_step(&situation.seen(), now()), expected, "as long as nobody has asked EC2");
    assert_eq!(next_step(&situation.never_stops(OLD).seen(), now()), expected);
}

/// Of two newcomers, the one whose retirement was called off is no worse.
#[test]
fn a_newcomer_whose_retirement_was_called_off_is_like_any_other() {
    let two = replaced().without(OLD).free().instance(NEWEST, PENDING_WAIT, InstanceState::Running);
    let marked = two.at_risk(NEW, RiskReason::Retirement, None);
    assert_eq!(next_step(&marked.seen(), now()), Step::Attach { successor: id(NEWEST) });
    assert_eq!(next_step(&marked.never_stops(NEW).seen(), now()), Step::Attach { successor: id(NEW) });
}

/// Nobody makes way for an instance that EC2 is about to stop.
#[test]
fn a_newcomer_that_is_about_to_be_stopped_is_given_up() {
    let newcomer = |seconds: u64| next_step(&rebalanced().stops_at(NEW, in_s(seconds)).seen(), now());
    let given_up =
        Step::Complete { instance: id(NEW), transition: Transition::Launching, result: ActionResult::Abandon };
    assert_eq!(newcomer(900), given_up);
    assert_eq!(newcomer(901), release());
}

/// A reclaim that has not come is no deadline any more: the holder serves until its successor has booted.
#[rstest]
#[case::it_may_still_come(299, release())]
#[case::ec2_has_changed_its_mind(300, Step::Wait(WaitFor::Booted { successor: id(NEW) }))]
fn an_interruption_of_long_ago_is_no_reason_to_hurry(#[case] seconds: u64, #[case] expected: Step) {
    let booting = rebalanced().release(&[OLD], ReleaseState::NotStarted);
    let warned = booting.at_risk(OLD, RiskReason::Interruption, Some(ago(seconds)));
    assert_eq!(next_step(&warned.seen(), now()), expected);
}

/// Whichever comes next counts, and one that is over does not hide the other.
#[rstest]
#[case::the_reclaim_comes_first(in_s(40), 600, release())]
#[case::the_reclaim_comes_first_and_not_yet(in_s(41), 600, awaits_replacement())]
#[case::the_reclaim_is_over_and_the_stop_is_near(ago(60), 340, release())]
#[case::the_reclaim_may_still_come_at_any_moment(ago(60), 341, release())]
fn an_instance_that_is_interrupted_and_stopped_goes_at_the_next_of_both(
    #[case] reclaim: std::time::SystemTime,
    #[case] stop: u64,
    #[case] expected: Step,
) {
    let both = stops_in(stop).replacement_asked_ago(1).at_risk(OLD, RiskReason::Interruption, Some(reclaim));
    assert_eq!(next_step(&both.seen(), now()), expected);
}

/// The same for a holder that its group is ending: it is held from now on.
#[test]
fn a_holder_that_is_ended_long_after_its_interruption_is_held_anew() {
    let ending = healthy().lifecycle(OLD, TERMINATING_WAIT).release(&[OLD], ReleaseState::NotStarted);
    let warned = ending.at_risk(OLD, RiskReason::Interruption, Some(ago(300)));
    assert!(matches!(next_step(&warned.seen(), now()), Step::Mark { .. }));
}

/// The whole way to the stop, with nobody to follow until the last.
#[test]
fn a_node_that_gets_no_capacity_serves_as_long_as_it_can_and_leaves_a_clean_volume() {
    let stop = in_s(10 * DAY);
    let at = |before: u64, situation: Situation| {
        next_step(&situation.stops_at(OLD, stop).seen(), stop - std::time::Duration::from_secs(before))
    };
    let alone = || healthy().release(&[OLD], ReleaseState::NotStarted);
    assert_eq!(at(9 * DAY, alone()), Step::LaunchFirst { holder: id(OLD) });
    assert_eq!(at(8 * DAY, alone().desired(2)), Step::Done(Done::AwaitsCapacity { holder: id(OLD) }));
    let told = at(2 * DAY, alone().desired(2).group_stands_for(10_000));
    assert!(matches!(told, Step::Blocked(Blocked::NoCapacity { .. })), "{told:?}");
    assert_eq!(at(DAY, alone().desired(2)), Step::RestoreCapacity { holder: id(OLD) });
    assert_eq!(at(DAY, alone()), replace());
    let ending = alone().lifecycle(OLD, TERMINATING_WAIT);
    assert!(matches!(at(DAY - 10, ending.clone()), Step::Mark { .. }), "it is held for nine minutes");
    let held = |seconds: u64| {
        let until = stop - std::time::Duration::from_secs(DAY - 10 - seconds);
        ending.clone().at_risk(OLD, RiskReason::Terminating, Some(until))
    };
    assert_eq!(at(DAY - 10, held(540)), awaits_replacement());
    assert_eq!(at(DAY - 510, held(540)), release());
    let let_go = ReleaseState::Released { at: stop - std::time::Duration::from_secs(DAY - 520) };
    assert_eq!(at(DAY - 521, held(540).release(&[OLD], let_go)), detach());
    assert!(matches!(at(DAY - 525, held(540).free()), Step::Complete { .. }), "nothing keeps it any more");
}
