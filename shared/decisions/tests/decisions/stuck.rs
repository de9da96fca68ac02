//! What becomes of each state that AWS never leaves, at the very second at which the patience ends.

use std::time::{Duration, SystemTime};

use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{
    ActionResult, AttachmentState, Blocked, Done, InstanceState, Lifecycle, Number, ReleaseState, Standstill, Step,
    VolumeState, WaitFor, next_step,
};
use durin_decisions::risk::{Risk, RiskReason};
use rstest::rstest;

use crate::situation::*;

fn terminate() -> Step {
    Step::Terminate { holder: id(OLD) }
}

fn gone() -> Step {
    Step::Wait(WaitFor::HolderGone { holder: id(OLD) })
}

fn detached() -> Step {
    Step::Wait(WaitFor::Detached { holder: id(OLD) })
}

fn let_go() -> Step {
    Step::Complete { instance: id(OLD), transition: Transition::Terminating, result: ActionResult::Continue }
}

fn given_up() -> Step {
    Step::Complete { instance: id(NEW), transition: Transition::Launching, result: ActionResult::Abandon }
}

fn hold() -> Step {
    Step::Mark { instance: id(OLD), risk: Risk { reason: RiskReason::Terminating, until: Some(in_s(540)) } }
}

fn never_freed() -> Step {
    Step::Blocked(Blocked::NeverFreed { volume: volume(), holder: id(OLD) })
}

/// The group is ending the old instance, which is in that state, and the new one runs.
fn ending(state: InstanceState) -> Situation {
    replaced().lifecycle(OLD, TERMINATING).state(OLD, state)
}

fn leaving(state: InstanceState) -> Situation {
    ending(state).held_by(OLD, AttachmentState::Detaching)
}

#[rstest]
#[case::stopped_and_it_leaves(leaving(InstanceState::Stopped).stands_for(120), detached())]
#[case::stopped_and_it_never_leaves(leaving(InstanceState::Stopped).stands_for(121), terminate())]
#[case::stopped_and_its_terminate_action_waits(
    leaving(InstanceState::Stopped).lifecycle(OLD, TERMINATING_WAIT).stands_for(121), let_go())]
#[case::stopped_and_the_successor_boots(
    leaving(InstanceState::Stopped).state(NEW, InstanceState::Pending).stands_for(121),
    Step::Wait(WaitFor::Running { successor: id(NEW) }))]
#[case::stopped_and_nobody_follows(
    leaving(InstanceState::Stopped).without(NEW).stands_for(121), Step::Done(Done::NoSuccessor))]
#[case::stopped_and_nothing_has_been_noted(leaving(InstanceState::Stopped), detached())]
#[case::stopped_and_it_has_not_arrived(
    ending(InstanceState::Stopped).held_by(OLD, AttachmentState::Attaching).attached_ago(120),
    Step::Detach { holder: id(OLD) })]
#[case::stopped_and_it_never_arrived(
    ending(InstanceState::Stopped).held_by(OLD, AttachmentState::Attaching).attached_ago(121), terminate())]
#[case::stopped_and_attached_for_long(
    ending(InstanceState::Stopped).stands_for(10_000), Step::Detach { holder: id(OLD) })]
#[case::it_stops(ending(InstanceState::Stopping).stands_for(180), gone())]
#[case::it_never_stops(ending(InstanceState::Stopping).stands_for(181), terminate())]
#[case::it_never_stops_and_is_leaving(leaving(InstanceState::Stopping).stands_for(181), terminate())]
#[case::dead(ending(InstanceState::Dead).stands_for(240), gone())]
#[case::dead_and_never_freed(ending(InstanceState::Dead).stands_for(241), never_freed())]
#[case::dead_and_never_freed_and_nobody_would_take_it(
    ending(InstanceState::Dead).without(NEW).stands_for(241), Step::Done(Done::NoSuccessor))]
#[case::unlisted(replaced().without(OLD).stands_for(240), gone())]
#[case::unlisted_and_never_freed(replaced().without(OLD).stands_for(241), never_freed())]
#[case::unlisted_in_service_without_a_record(
    healthy().unlisted(OLD).record_names(NEW).stands_for(241), never_freed())]
#[case::it_never_arrives_and_ec2_does_not_say_since_when(
    healthy().held_by(OLD, AttachmentState::Attaching).attached(None).stands_for(121), Step::Replace { holder: id(OLD) })]
#[case::it_arrives_and_ec2_does_not_say_since_when(
    healthy().held_by(OLD, AttachmentState::Attaching).attached(None),
    Step::Wait(WaitFor::Attached { successor: id(OLD) }))]
#[case::it_leaves_a_holder_that_failed_to_let_go(
    healthy().held_by(OLD, AttachmentState::Detaching).release(&[OLD], refused_ago(300)).stands_for(121),
    Step::Replace { holder: id(OLD) })]
#[case::it_leaves_a_newcomer_that_let_go(
    taken_over().held_by(NEW, AttachmentState::Detaching).release(&[NEW], let_go_ago(300)), given_up())]
#[case::it_let_go_and_its_successor_boots(
    rebalanced().held_by(OLD, AttachmentState::Detaching).release(&[OLD], let_go_ago(121)), terminate())]
#[case::its_group_never_ends_it(
    replaced_early(100).lifecycle(OLD, TERMINATING).release(&[OLD, NEW], refused_ago(5)).stands_for(120), gone())]
#[case::its_group_never_ends_it_and_it_does_not_let_go(
    replaced_early(100).lifecycle(OLD, TERMINATING).release(&[OLD, NEW], refused_ago(5)).stands_for(121), terminate())]
#[case::the_volume_is_on_no_instance_and_not_free(
    healthy().volume_state(VolumeState::InUse).stands_for(240), Step::Wait(WaitFor::Volume))]
#[case::the_volume_never_becomes_free(
    healthy().volume_state(VolumeState::InUse).stands_for(241),
    Step::Blocked(Blocked::NeverAvailable { volume: volume() }))]
#[case::a_person_has_detached_it(
    healthy().held_by(OLD, AttachmentState::Detaching).release(&[OLD], ReleaseState::NotStarted).stands_for(120), detached())]
#[case::a_person_has_detached_it_and_it_is_mounted(
    healthy().held_by(OLD, AttachmentState::Detaching).release(&[OLD], ReleaseState::NotStarted).stands_for(121),
    Step::Blocked(Blocked::DetachedWhileMounted { volume: volume(), holder: id(OLD) }))]
#[case::systems_manager_does_not_say_whether_it_can_be_asked(
    healthy().agents_unknown(let_go_ago(60)).stands_for(241), Step::Blocked(Blocked::CannotBeAsked { holder: id(OLD) }))]
#[case::its_agent_has_been_gone_for_longer_than_it_let_go(
    healthy().release(&[], let_go_ago(86_400)).stands_for(241),
    Step::Blocked(Blocked::CannotBeAsked { holder: id(OLD) }))]
#[case::its_agent_is_gone_and_it_has_let_go_before(
    healthy().release(&[], ReleaseState::Marked).stands_for(241),
    Step::Blocked(Blocked::CannotBeAsked { holder: id(OLD) }))]
#[case::the_holder_never_gets_an_address(
    taken_over().state(NEW, InstanceState::Pending).no_address(NEW).completed(NEW, Transition::Launching).stands_for(241),
    Step::Blocked(Blocked::NoAddress { group: healthy().seen().declaration.group, holder: id(NEW) }))]
fn every_state_that_aws_may_never_leave_has_an_end(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// A person detaches it from a holder that was asked to let go in another hand-off, and has been rebooted since perhaps: then
/// it serves, and lets go when it is asked.
#[rstest]
#[case::of_this_hand_off(599, terminate(), Step::Replace { holder: id(OLD) })]
#[case::of_another(600, Step::Release { holder: id(OLD) }, detached())]
#[case::of_yesterday(86_400, Step::Release { holder: id(OLD) }, detached())]
fn a_release_of_another_hand_off_ends_no_holder(#[case] ago: u64, #[case] evicted: Step, #[case] alone: Step) {
    let leaves = |situation: Situation| situation.held_by(OLD, AttachmentState::Detaching);
    let beside = leaves(rebalanced()).release(&[OLD, NEW], let_go_ago(ago));
    assert_eq!(next_step(&beside.seen(), now()), evicted);
    let stays = leaves(healthy()).release(&[OLD], let_go_ago(ago));
    assert_eq!(next_step(&stays.seen(), now()), alone);
    let stands = stays.stands_for(121);
    assert_eq!(next_step(&stands.seen(), now()), Step::Replace { holder: id(OLD) });
}

/// Nothing is mounted again that EC2 is taking away.
#[rstest]
#[case::it_let_go_long_ago(let_go_ago(86_400))]
#[case::it_let_go_half_way(refused_ago(5))]
#[case::it_has_not_come_to_serve_again(ReleaseState::ResumeFailed { at: ago(60), times: 1 })]
fn a_holder_whose_volume_leaves_is_not_asked_to_serve_again(#[case] state: ReleaseState) {
    let leaves = rebalanced().held_by(OLD, AttachmentState::Detaching).release(&[OLD], state);
    assert_eq!(next_step(&leaves.seen(), now()), Step::Wait(WaitFor::Booted { successor: id(NEW) }));
    let silent = leaves.launched_ago(NEW, 601);
    assert_eq!(next_step(&silent.seen(), now()), given_up());
}

/// A stopped instance that can hibernate may have the volume mounted in its memory: nothing is detached from it.
#[rstest]
#[case::its_successor_runs(ending(InstanceState::Stopped), terminate())]
#[case::it_was_still_attaching(ending(InstanceState::Stopped).held_by(OLD, AttachmentState::Attaching), terminate())]
#[case::its_terminate_action_waits(ending(InstanceState::Stopped).lifecycle(OLD, TERMINATING_WAIT), let_go())]
#[case::it_is_no_member_any_more(ending(InstanceState::Stopped).not_a_member(OLD), terminate())]
#[case::its_successor_boots(
    ending(InstanceState::Stopped).state(NEW, InstanceState::Pending), Step::Wait(WaitFor::Running { successor: id(NEW) }))]
#[case::nobody_follows(ending(InstanceState::Stopped).without(NEW), Step::Done(Done::NoSuccessor))]
#[case::nobody_follows_and_its_group_ends_it(
    ending(InstanceState::Stopped).without(NEW).lifecycle(OLD, TERMINATING_WAIT), let_go())]
#[case::a_person_detaches_it(leaving(InstanceState::Stopped).stands_for(120), detached())]
#[case::a_person_detached_it_in_vain(leaving(InstanceState::Stopped).stands_for(121), terminate())]
#[case::it_is_stopping(ending(InstanceState::Stopping), gone())]
#[case::it_is_dead(ending(InstanceState::Dead), gone())]
#[case::it_runs_again(
    ending(InstanceState::Running).release(&[OLD, NEW], ReleaseState::NotStarted), Step::Release { holder: id(OLD) })]
fn nothing_is_detached_from_an_instance_that_may_hibernate(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.hibernates(OLD).seen(), now()), expected);
}

/// Ending an instance is no more allowed than detaching from it, if no successor would get the volume.
#[test]
fn a_stopped_holder_of_another_nodes_volume_is_not_ended() {
    let another = leaving(InstanceState::Stopped).volume_of(Some("other")).stands_for(121);
    assert!(matches!(next_step(&another.seen(), now()), Step::Blocked(Blocked::VolumeOfAnotherNode { .. })));
}

/// It runs and is in service, or it never even comes to run; and its agent never shows.
#[rstest]
#[case::it_never_runs_and_the_volume_is_free(
    replaced().without(OLD).free().state(NEW, InstanceState::Pending).launched_ago(NEW, 601), given_up())]
#[case::it_is_slow_to_run(
    replaced().without(OLD).free().state(NEW, InstanceState::Pending).launched_ago(NEW, 600),
    Step::Wait(WaitFor::Running { successor: id(NEW) }))]
#[case::it_never_runs_beside_a_stopped_holder(
    ending(InstanceState::Stopped).state(NEW, InstanceState::Pending).launched_ago(NEW, 601), given_up())]
#[case::in_service_beside_a_holder_in_standby(
    rebalanced().lifecycle(OLD, Lifecycle::Standby).lifecycle(NEW, Lifecycle::InService)
        .release(&[OLD], ReleaseState::NotStarted).launched_ago(NEW, 601),
    Step::EndSpare { instance: id(NEW), number: Number::Stays })]
#[case::in_service_beside_a_holder_that_its_group_is_ending(
    rebalanced().lifecycle(OLD, TERMINATING_WAIT).lifecycle(NEW, Lifecycle::InService)
        .release(&[OLD], ReleaseState::NotStarted).launched_ago(NEW, 601), hold())]
#[case::nothing_is_known_of_agents_and_the_group_is_ending_the_holder(
    rebalanced().lifecycle(OLD, TERMINATING_WAIT).agents_unknown(ReleaseState::NotStarted).launched_ago(NEW, 601), hold())]
#[case::and_then_the_holder_goes_in_order(
    rebalanced().lifecycle(OLD, TERMINATING_WAIT).lifecycle(NEW, Lifecycle::InService)
        .at_risk(OLD, RiskReason::Terminating, Some(in_s(540))).release(&[OLD], ReleaseState::NotStarted)
        .launched_ago(NEW, 601), Step::Release { holder: id(OLD) })]
#[case::beside_a_holder_that_let_go_and_cannot_be_asked(
    rebalanced().release(&[], let_go_ago(60)).launched_ago(NEW, 601).at_risk(OLD, RiskReason::Rebalance, None), terminate())]
#[case::beside_a_holder_that_is_interrupted_and_cannot_be_asked(
    rebalanced().release(&[], ReleaseState::NotStarted).at_risk(OLD, RiskReason::Interruption, Some(ago(60)))
        .state(NEW, InstanceState::Pending).launched_ago(NEW, 601), given_up())]
fn a_successor_that_never_shows_is_not_waited_for(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

#[test]
fn what_changes_does_not_stand_still() {
    let mut standstill = Standstill::default();
    let mut since = |situation: Situation, at: SystemTime| {
        let mut seen = situation.seen();
        standstill.note(&mut seen, at);
        seen.volume_stands_since
    };
    let stopped = || leaving(InstanceState::Stopped);
    assert_eq!(since(stopped(), now()), Some(now()));
    assert_eq!(since(stopped().record_names(NEW), in_s(60)), Some(now()), "the record is something else");
    assert_eq!(since(stopped().state(OLD, InstanceState::Dead), in_s(61)), Some(in_s(61)));
    assert_eq!(since(stopped(), in_s(62)), Some(in_s(62)), "it is not as before, but again");
    assert_eq!(since(stopped().held_by(OLD, AttachmentState::Attached), in_s(63)), Some(in_s(63)));
    assert_eq!(since(stopped().free(), in_s(64)), Some(in_s(64)));
    assert_eq!(since(stopped().no_volume(), in_s(65)), Some(in_s(65)));
    assert_eq!(since(stopped().no_volume(), in_s(66) + Duration::from_secs(1)), Some(in_s(65)));
}
