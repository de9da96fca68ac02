//! Which lifecycle actions wait: by what the event said, what the group has shown, and what Auto Scaling has denied.

use durin_decisions::lifecycle::{Passage, Transition};
use durin_decisions::node::{ActionResult, Blocked, Done, InstanceState, Lifecycle, Step, next_step};
use rstest::rstest;

use crate::situation::*;

/// The new instance serves, and this run is the one that was told of its launch.
fn told_of_its_launch() -> Situation {
    taken_over().record_names(NEW).event(NEW, Transition::Launching, Passage::Service)
}

/// The old instance serves, the new one is going, and this run was told of its end.
fn told_of_its_end() -> Situation {
    healthy().instance(NEW, TERMINATING_WAIT, InstanceState::Running).event(
        NEW,
        Transition::Terminating,
        Passage::Service,
    )
}

#[track_caller]
fn assert_waits(situation: &Situation, transition: Transition, waits: bool) {
    let completes = Step::Complete { instance: id(NEW), transition, result: ActionResult::Continue };
    assert_eq!(next_step(&situation.seen(), now()) == completes, waits);
}

/// Auto Scaling denies an action that is over, and also one that has not begun.
#[rstest]
#[case::the_group_shows_it(told_of_its_launch().denied_ago(NEW, Transition::Launching, 9), true)]
#[case::the_group_shows_it_for_another_hook(told_of_its_launch().denied_ago(NEW, Transition::Launching, 10), false)]
#[case::the_group_shows_none(
    told_of_its_launch().lifecycle(NEW, Lifecycle::InService).denied_ago(NEW, Transition::Launching, 1), false)]
fn an_action_is_over_when_the_group_agrees(#[case] situation: Situation, #[case] waits: bool) {
    assert_waits(&situation, Transition::Launching, waits);
}

/// The run that its event has started fails, and is tried again: nobody else may come in time.
#[rstest]
#[case::in_vain(10, true)]
#[case::in_time(9, false)]
fn a_run_whose_own_action_is_denied_does_not_end_as_if_it_were_over(#[case] seconds: u64, #[case] fails: bool) {
    let fails_at = |situation: Situation, instance: &str, transition: Transition| {
        let expected =
            Blocked::ActionDenied { group: situation.seen().declaration.group, instance: id(instance), transition };
        next_step(&situation.seen(), now()) == Step::Blocked(expected)
    };
    let launch = told_of_its_launch().denied_ago(NEW, Transition::Launching, seconds);
    assert_eq!(fails_at(launch, NEW, Transition::Launching), fails);
    let end = told_of_its_end().denied_ago(NEW, Transition::Terminating, seconds);
    assert_eq!(fails_at(end, NEW, Transition::Terminating), fails);
}

/// Another run's, or one that is over.
#[rstest]
#[case::no_event_told_of_it(taken_over().record_names(NEW))]
#[case::another_event(
    taken_over().record_names(NEW).event(OLD, Transition::Terminating, Passage::Service).completed(OLD, Transition::Terminating))]
#[case::the_group_shows_none(told_of_its_launch().lifecycle(NEW, Lifecycle::InService))]
#[case::it_was_completed(told_of_its_launch().completed(NEW, Transition::Launching))]
fn a_denial_that_is_nobodys_trouble_fails_no_run(#[case] situation: Situation) {
    let denied = situation.denied_ago(NEW, Transition::Launching, 60);
    assert_eq!(next_step(&denied.seen(), now()), Step::Done(Done::Serves { holder: id(NEW) }));
}

/// The group shows it late. One that it has shown, and shows no more, another run has completed.
#[rstest]
#[case::the_group_does_not_show_it_yet(told_of_its_launch().lifecycle(NEW, PENDING), true)]
#[case::the_group_shows_it(told_of_its_launch().seen_waiting(NEW, Transition::Launching), true)]
#[case::it_goes_on(told_of_its_launch().lifecycle(NEW, PENDING).seen_waiting(NEW, Transition::Launching), false)]
#[case::it_is_in_service(
    told_of_its_launch().lifecycle(NEW, Lifecycle::InService).seen_waiting(NEW, Transition::Launching), false)]
#[case::its_other_action_was_shown(
    told_of_its_launch().lifecycle(NEW, PENDING).seen_waiting(NEW, Transition::Terminating), true)]
#[case::anothers_action_was_shown(
    told_of_its_launch().lifecycle(NEW, PENDING).seen_waiting(OLD, Transition::Launching), true)]
fn a_launch_that_the_group_has_shown_is_over_when_the_group_says_so(#[case] situation: Situation, #[case] waits: bool) {
    assert_waits(&situation, Transition::Launching, waits);
}

/// The same at the other end.
#[rstest]
#[case::the_group_does_not_show_it_yet(told_of_its_end().lifecycle(NEW, TERMINATING), true)]
#[case::the_group_shows_it(told_of_its_end().seen_waiting(NEW, Transition::Terminating), true)]
#[case::it_goes_on(told_of_its_end().lifecycle(NEW, TERMINATING).seen_waiting(NEW, Transition::Terminating), false)]
#[case::it_is_gone(told_of_its_end().not_a_member(NEW).seen_waiting(NEW, Transition::Terminating), false)]
#[case::its_launch_was_shown(
    told_of_its_end().lifecycle(NEW, TERMINATING).seen_waiting(NEW, Transition::Launching), true)]
fn an_end_that_the_group_has_shown_is_over_when_the_group_says_so(#[case] situation: Situation, #[case] waits: bool) {
    assert_waits(&situation, Transition::Terminating, waits);
}

/// It may show those of other hooks too.
#[test]
fn a_group_shows_the_actions_that_wait() {
    let group = replaced_early(100).instance(NEWEST, PENDING, InstanceState::Pending).seen().group;
    let waiting: Vec<_> = group.waiting().map(|(instance, transition)| (instance.clone(), transition)).collect();
    assert_eq!(waiting, [(id(OLD), Transition::Terminating), (id(NEW), Transition::Launching)]);
    let at_work = healthy().lifecycle(OLD, TERMINATING).instance(NEW, Lifecycle::InService, InstanceState::Running);
    assert_eq!(at_work.seen().group.waiting().count(), 0);
}
