//! Which lifecycle actions wait: by what the event said, what the group has shown, and what Auto Scaling has denied.

use durin_decisions::lifecycle::{Passage, Transition};
use durin_decisions::node::{
    ActionResult, Blocked, Done, InstanceState, Lifecycle, Question, ReleaseState, Step, VolumeState, Word, next_step,
};
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

/// What a person has to mend about one instance is nothing that the action of another waits for.
#[rstest]
#[case::nothing_may_be_launched_beside_a_host_that_retires(retired().launch_suspended())]
#[case::two_are_there_and_nothing_may_be_launched(
    healthy().desired(2).launch_suspended().instance(NEWEST, Lifecycle::InService, InstanceState::Running))]
#[case::its_group_may_not_launch_first(retired().at_most(1))]
#[case::too_many_are_asked_for(healthy().desired(3))]
#[case::its_group_has_two_at_least(healthy().desired(2).at_least(2))]
#[case::the_next_is_in_another_zone(
    healthy().instance(NEWEST, PENDING_WAIT, InstanceState::Running).zone(NEWEST, "eu-central-1b"))]
#[case::the_next_is_not_fit(rebalanced_to(NEWEST).says(NEWEST, Question::Prepared, Word::No { why: String::new() }))]
#[case::a_stranger_has_the_volume(healthy().not_a_member(OLD).stranger(OLD))]
#[case::the_volume_is_another_nodes(healthy().free().volume_of(Some("other")))]
#[case::the_volume_is_broken(healthy().volume_state(VolumeState::Unusable("error".to_owned())))]
#[case::there_is_no_such_volume(healthy().no_volume())]
#[case::the_volume_has_two_attachments(healthy().also_held_by(NEWEST))]
fn an_action_of_a_dead_one_waits_for_no_person(#[case] blocked: Situation) {
    assert!(matches!(next_step(&blocked.seen(), now()), Step::Blocked(_)), "{:?}", next_step(&blocked.seen(), now()));
    let complete = |lifecycle, transition, result| {
        let step = next_step(&blocked.clone().instance(NEW, lifecycle, InstanceState::Dead).seen(), now());
        assert_eq!(step, Step::Complete { instance: id(NEW), transition, result });
    };
    complete(TERMINATING_WAIT, Transition::Terminating, ActionResult::Continue);
    complete(PENDING_WAIT, Transition::Launching, ActionResult::Abandon);
}

fn rebalanced_to(newcomer: &str) -> Situation {
    healthy()
        .instance(newcomer, PENDING_WAIT, InstanceState::Running)
        .release(&[OLD, newcomer], ReleaseState::NotStarted)
}

/// A slip of the group's tag, if the volume is not tagged for the node: what its instances have is another one.
fn elsewhere(node: Option<&str>) -> Situation {
    healthy().not_a_member(OLD).stranger(OLD).volume_of(node)
}

/// It needs nothing from anybody, unless it may have the volume.
#[rstest]
#[case::beside_the_holder(retired().launch_suspended(), true)]
#[case::which_volume_the_node_has_is_not_known(healthy().no_volume(), false)]
#[case::it_is_the_second_that_has_it(healthy().also_held_by(NEW), false)]
#[case::the_volume_is_another_nodes(healthy().free().volume_of(Some("other")), false)]
#[case::the_volume_is_nobodys(healthy().free().volume_of(None), false)]
#[case::the_volume_was_never_this_nodes_and_is_broken(
    healthy().volume_of(None).volume_state(VolumeState::Unusable("error".to_owned())), false)]
#[case::another_nodes_instance_has_it(elsewhere(Some("other")), false)]
#[case::a_stranger_has_a_volume_of_nobody(elsewhere(None), false)]
#[case::a_stranger_has_the_nodes(elsewhere(Some("k3s")), true)]
#[case::the_nodes_is_broken(healthy().volume_state(VolumeState::Unusable("error".to_owned())), true)]
#[case::the_group_has_had_it(healthy().free().volume_of(Some("other")).has_held(), true)]
#[case::the_holder_has_it_though_it_is_tagged_for_another(
    rebalanced_to(NEWEST).volume_of(Some("other")), true)]
fn the_end_of_one_without_the_volume_waits_for_no_person(#[case] blocked: Situation, #[case] is_completed: bool) {
    let step = next_step(&blocked.instance(NEW, TERMINATING_WAIT, InstanceState::Running).seen(), now());
    let completes =
        Step::Complete { instance: id(NEW), transition: Transition::Terminating, result: ActionResult::Continue };
    assert_eq!(step == completes, is_completed, "{step:?}");
}

/// Both were launched at once, and the old one was faster.
fn twins() -> Situation {
    healthy()
        .launched_ago(OLD, 160)
        .attached_ago(100)
        .instance(NEW, PENDING_WAIT, InstanceState::Running)
        .launched_ago(NEW, 150)
}

/// Whoever was beaten to it is given up, but not where a person hears that no instance is ended.
#[rstest]
#[case::one_is_wanted(twins(), true)]
#[case::one_is_wanted_and_its_tag_is_not_propagated(twins().not_propagated(), true)]
#[case::too_many_are_wanted(twins().desired(3), false)]
#[case::two_are_the_fewest(twins().desired(2).at_least(2), false)]
#[case::nothing_could_replace_it(twins().desired(2).launch_suspended(), false)]
fn a_twin_is_given_up_where_one_is_wanted(#[case] situation: Situation, #[case] is_given_up: bool) {
    let step = next_step(&situation.seen(), now());
    let (transition, result) = (Transition::Launching, ActionResult::Abandon);
    assert_eq!(step == Step::Complete { instance: id(NEW), transition, result }, is_given_up, "{step:?}");
    assert!(is_given_up || matches!(step, Step::Blocked(_)), "{step:?}");
}
