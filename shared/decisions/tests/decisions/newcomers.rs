//! Two newcomers at once: one takes over, and there is one hand-off.

use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{
    ActionResult, AttachmentState, Done, InstanceState, Lifecycle, Number, ReleaseState, Step, WaitFor, has_successor,
    next_step,
};
use durin_decisions::risk::RiskReason;
use rstest::rstest;

use crate::situation::*;

/// Both wait for their launch actions beside a holder that serves; so many have booted.
fn both(booted: &[&str]) -> Situation {
    let agents: Vec<&str> = [&[OLD], booted].concat();
    rebalanced().instance(NEWEST, PENDING_WAIT, InstanceState::Running).release(&agents, ReleaseState::NotStarted)
}

/// The volume is free, and both wait for it.
fn both_and_free() -> Situation {
    both(&[]).without(OLD).free().unasked()
}

/// The first has taken over and is in that state; the second waits.
fn one_has_it(lifecycle: Lifecycle) -> Situation {
    both(&[])
        .without(OLD)
        .unasked()
        .lifecycle(NEW, lifecycle)
        .held_by(NEW, AttachmentState::Attached)
        .record_names(NEW)
        .attached_ago(10)
}

fn booted(newcomer: &str) -> Step {
    Step::Wait(WaitFor::Booted { successor: id(newcomer) })
}

fn release(holder: &str) -> Step {
    Step::Release { holder: id(holder) }
}

fn attach(newcomer: &str) -> Step {
    Step::Attach { successor: id(newcomer) }
}

fn complete(instance: &str, result: ActionResult) -> Step {
    Step::Complete { instance: id(instance), transition: Transition::Launching, result }
}

fn launched(instance: &str) -> Step {
    complete(instance, ActionResult::Continue)
}

fn given_up(instance: &str) -> Step {
    complete(instance, ActionResult::Abandon)
}

fn serves(holder: &str) -> Step {
    Step::Done(Done::Serves { holder: id(holder) })
}

#[rstest]
// The holder makes way for the one that boots first.
#[case::neither_has_booted(both(&[]), booted(NEW))]
#[case::the_first_has_booted(both(&[NEW]), release(OLD))]
#[case::the_second_has_booted(both(&[NEWEST]), release(OLD))]
#[case::the_first_is_silent(both(&[]).launched_ago(NEW, 601), given_up(NEW))]
#[case::the_first_is_silent_and_the_second_has_booted(both(&[NEWEST]).launched_ago(NEW, 601), release(OLD))]
#[case::the_first_dies(both(&[]).state(NEW, InstanceState::Dead), given_up(NEW))]
#[case::the_first_has_died(both(&[]).without(NEW), booted(NEWEST))]
#[case::the_first_is_interrupted(
    both(&[NEW]).at_risk(NEW, RiskReason::Interruption, Some(in_s(100))), given_up(NEW))]
#[case::the_first_is_interrupted_and_the_second_has_booted(
    both(&[NEW, NEWEST]).at_risk(NEW, RiskReason::Interruption, Some(in_s(100))), release(OLD))]
// It is the one that gets the volume, also when Systems Manager is not asked any more.
#[case::free_and_nothing_is_known(both_and_free(), attach(NEW))]
#[case::free_and_the_second_has_booted(both_and_free().booted(NEWEST), attach(NEWEST))]
#[case::free_and_both_have_booted(both_and_free().booted(NEW).booted(NEWEST), attach(NEW))]
#[case::free_and_only_the_second_runs(both_and_free().state(NEW, InstanceState::Pending), attach(NEWEST))]
#[case::free_and_ec2_does_not_list_the_first(both_and_free().unlisted(NEW), attach(NEWEST))]
#[case::free_and_neither_runs_and_ec2_does_not_list_the_second(
    both_and_free().state(NEW, InstanceState::Pending).unlisted(NEWEST),
    Step::Wait(WaitFor::Running { successor: id(NEW) }))]
// It keeps it.
#[case::the_first_has_it(one_has_it(PENDING_WAIT), launched(NEW))]
#[case::the_first_has_it_and_the_second_has_booted(one_has_it(PENDING_WAIT).booted(NEWEST), launched(NEW))]
#[case::the_first_has_it_and_is_on_its_way(
    one_has_it(PENDING_WAIT).completed(NEW, Transition::Launching).booted(NEWEST), serves(NEW))]
#[case::the_first_is_attaching(
    one_has_it(PENDING_WAIT).held_by(NEW, AttachmentState::Attaching), Step::Wait(WaitFor::Attached { successor: id(NEW) }))]
#[case::it_never_arrives_at_the_first(
    one_has_it(PENDING_WAIT).held_by(NEW, AttachmentState::Attaching).attached_ago(121), given_up(NEW))]
// The second is given up when the first is in service, and not before: the first may die.
#[case::the_first_is_in_service(one_has_it(Lifecycle::InService), given_up(NEWEST))]
#[case::the_first_is_in_service_and_the_second_has_no_action_yet(
    one_has_it(Lifecycle::InService).lifecycle(NEWEST, PENDING), serves(NEW))]
#[case::the_first_dies_before_it_is_in_service(
    one_has_it(PENDING_WAIT).completed(NEW, Transition::Launching).state(NEW, InstanceState::Dead),
    Step::Wait(WaitFor::HolderGone { holder: id(NEW) }))]
#[case::the_first_is_in_service_and_two_are_asked_for(one_has_it(Lifecycle::InService).desired(2), given_up(NEWEST))]
#[case::the_first_is_in_service_and_two_are_asked_for_and_one_at_least(
    one_has_it(Lifecycle::InService).desired(2).at_least(1),
    Step::EndSpare { instance: id(NEWEST), number: Number::Falls })]
// Unless the first has to go again: then the second is there already.
#[case::the_first_is_interrupted_in_service(
    one_has_it(Lifecycle::InService).at_risk(NEW, RiskReason::Interruption, Some(in_s(100)))
        .release(&[NEW, NEWEST], ReleaseState::NotStarted), release(NEW))]
#[case::the_first_is_interrupted_on_its_way(
    one_has_it(PENDING_WAIT).at_risk(NEW, RiskReason::Interruption, Some(in_s(100)))
        .release(&[NEW, NEWEST], ReleaseState::NotStarted), release(NEW))]
fn one_of_two_newcomers_takes_over(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// What is launched after the holder was given the volume, or long before, replaces it: the group waits for that one.
#[rstest]
#[case::it_was_launched_with_the_holder(57, 60, 10, given_up(NEWEST))]
#[case::it_was_launched_before_the_holder(60, 57, 10, given_up(NEWEST))]
#[case::it_was_launched_in_the_second_of_the_attachment(57, 10, 10, release(NEW))]
#[case::it_was_launched_after_the_attachment(57, 9, 10, release(NEW))]
#[case::it_was_launched_just_recently_enough(57, 610, 10, given_up(NEWEST))]
#[case::it_comes_from_a_warm_pool(57, 611, 10, release(NEW))]
#[case::the_holder_is_old_and_was_given_the_volume_again(700, 57, 10, release(NEW))]
fn a_replacement_is_no_twin(#[case] holder: u64, #[case] newcomer: u64, #[case] attached: u64, #[case] expected: Step) {
    let seen = one_has_it(Lifecycle::InService).launched_ago(NEW, holder).launched_ago(NEWEST, newcomer);
    let seen = seen.attached_ago(attached).release(&[NEW, NEWEST], ReleaseState::NotStarted);
    assert_eq!(next_step(&seen.seen(), now()), expected);
}

#[rstest]
#[case::of_the_newcomer(one_has_it(Lifecycle::InService).launched_nobody_knows_when(NEWEST))]
#[case::of_the_holder(one_has_it(Lifecycle::InService).launched_nobody_knows_when(NEW))]
#[case::of_the_attachment(one_has_it(Lifecycle::InService).attached(None))]
fn without_its_time_nothing_is_a_twin(#[case] situation: Situation) {
    let seen = situation.release(&[NEW, NEWEST], ReleaseState::NotStarted);
    assert_eq!(next_step(&seen.seen(), now()), release(NEW));
}

/// From the launch of both to the end: the volume moves once.
#[test]
fn two_newcomers_make_one_hand_off() {
    let at = |situation: Situation| next_step(&situation.seen(), now());
    assert_eq!(at(both(&[NEWEST])), release(OLD));
    let released = both(&[NEWEST]).release(&[OLD, NEWEST], let_go_just_now());
    assert_eq!(at(released), Step::Detach { holder: id(OLD) });
    let free = both(&[]).free().unasked().booted(NEWEST);
    assert_eq!(at(free.clone()), attach(NEWEST));
    let held = free.held_by(NEWEST, AttachmentState::Attached).attached_ago(5);
    assert!(matches!(at(held.clone()), Step::PointRecord { .. }));
    let held = held.record_names(NEWEST);
    assert_eq!(at(held.clone()), launched(NEWEST));
    let in_service = held.lifecycle(NEWEST, Lifecycle::InService);
    assert_eq!(at(in_service.clone()), given_up(NEW), "and the group may now end the first holder");
    assert_eq!(at(in_service.lifecycle(NEW, TERMINATING)), serves(NEWEST));
}

#[test]
fn nobody_follows_a_holder_that_its_group_ends_until_it_launches_another() {
    let ending = || both(&[]).lifecycle(OLD, TERMINATING_WAIT);
    assert!(has_successor(&ending().seen(), now()));
    assert!(!has_successor(&ending().without(NEW).without(NEWEST).seen(), now()));
}
