//! Every situation that a node can be seen in, and the one next step.

use std::time::{Duration, SystemTime};

use durin_decisions::lifecycle::{Passage, Transition};
use durin_decisions::node::{
    ActionResult, AttachmentState, Blocked, Claim, Done, InstanceState, Lifecycle, Record, ReleaseState, Step,
    VolumeState, WaitFor, next_step,
};
use durin_decisions::risk::{Risk, RiskReason};
use rstest::rstest;

use crate::situation::*;

fn serves(holder: &str) -> Step {
    Step::Done(Done::Serves { holder: id(holder) })
}

fn gone(holder: &str) -> Step {
    Step::Wait(WaitFor::HolderGone { holder: id(holder) })
}

fn running(successor: &str) -> Step {
    Step::Wait(WaitFor::Running { successor: id(successor) })
}

fn attach(successor: &str) -> Step {
    Step::Attach { successor: id(successor) }
}

fn terminate(holder: &str) -> Step {
    Step::Terminate { holder: id(holder) }
}

fn release(holder: &str) -> Step {
    Step::Release { holder: id(holder) }
}

fn replace(holder: &str) -> Step {
    Step::Replace { holder: id(holder) }
}

fn launch_first(holder: &str) -> Step {
    Step::LaunchFirst { holder: id(holder) }
}

fn detach(holder: &str) -> Step {
    Step::Detach { holder: id(holder) }
}

fn replacement_of(holder: &str) -> Step {
    Step::Wait(WaitFor::Replacement { holder: id(holder) })
}

fn booted(successor: &str) -> Step {
    Step::Wait(WaitFor::Booted { successor: id(successor) })
}

fn released(holder: &str) -> Step {
    Step::Wait(WaitFor::Released { holder: id(holder) })
}

fn mark(instance: &str, reason: RiskReason, until: SystemTime) -> Step {
    Step::Mark { instance: id(instance), risk: Risk { reason, until: Some(until) } }
}

fn launched(instance: &str) -> Step {
    Step::Complete { instance: id(instance), transition: Transition::Launching, result: ActionResult::Continue }
}

fn given_up(instance: &str) -> Step {
    Step::Complete { instance: id(instance), transition: Transition::Launching, result: ActionResult::Abandon }
}

fn let_go(instance: &str) -> Step {
    Step::Complete { instance: id(instance), transition: Transition::Terminating, result: ActionResult::Continue }
}

#[rstest]
// Nothing to do.
#[case::healthy(healthy(), serves(OLD))]
#[case::healthy_and_the_launch_hook_is_over(healthy().lifecycle(OLD, Lifecycle::Launching { waits: false }), serves(OLD))]
#[case::scaled_to_zero(Situation::default().desired(0).record_names(OLD), Step::Done(Done::NoSuccessor))]
#[case::the_holder_died_and_nobody_was_launched_yet(healthy().state(OLD, InstanceState::Dead), Step::Done(Done::NoSuccessor))]
#[case::the_root_volume_is_being_replaced_in_place(healthy().state(OLD, InstanceState::Pending), serves(OLD))]
#[case::two_in_service_and_the_group_has_not_chosen(healthy().instance(NEW, Lifecycle::InService, InstanceState::Running), serves(OLD))]
#[case::in_standby_and_nobody_else_wanted(healthy().desired(0).lifecycle(OLD, Lifecycle::Standby), Step::Done(Done::NoSuccessor))]
// The volume becomes free.
#[case::the_old_holder_is_dead_and_its_terminate_action_waits(replaced(), let_go(OLD))]
#[case::the_old_holder_is_dead(replaced().lifecycle(OLD, TERMINATING), gone(OLD))]
#[case::the_group_has_forgotten_the_dead_holder(replaced().not_a_member(OLD), gone(OLD))]
#[case::ec2_has_forgotten_the_dead_holder(replaced().without(OLD), gone(OLD))]
#[case::the_volume_leaves_the_old_holder(replaced().lifecycle(OLD, TERMINATING).held_by(OLD, AttachmentState::Detaching), gone(OLD))]
#[case::the_holder_is_stopping(replaced().lifecycle(OLD, TERMINATING).state(OLD, InstanceState::Stopping), gone(OLD))]
#[case::the_holder_is_stopped(replaced().lifecycle(OLD, TERMINATING).state(OLD, InstanceState::Stopped), detach(OLD))]
#[case::the_holder_is_stopped_but_the_successor_boots(
    replaced().lifecycle(OLD, TERMINATING).state(OLD, InstanceState::Stopped).state(NEW, InstanceState::Pending), running(NEW))]
#[case::the_holder_is_stopped_and_the_volume_on_its_way(
    replaced().lifecycle(OLD, TERMINATING).state(OLD, InstanceState::Stopped).held_by(OLD, AttachmentState::Detaching),
    Step::Wait(WaitFor::Detached { holder: id(OLD) }))]
#[case::the_holder_is_being_terminated(replaced().lifecycle(OLD, TERMINATING).state(OLD, InstanceState::Running).release(&[OLD, NEW], ReleaseState::NotStarted), release(OLD))]
// Make before break: the group ends a living holder.
#[case::the_group_ends_the_holder_and_nobody_was_launched(
    healthy().lifecycle(OLD, TERMINATING_WAIT).release(&[OLD], ReleaseState::NotStarted), mark(OLD, RiskReason::Terminating, in_s(540)))]
#[case::it_serves_until_somebody_comes(
    healthy().lifecycle(OLD, TERMINATING_WAIT).at_risk(OLD, RiskReason::Terminating, Some(in_s(500))).release(&[OLD], ReleaseState::NotStarted),
    replacement_of(OLD))]
#[case::it_serves_until_its_successor_runs(replaced_early(100).state(NEW, InstanceState::Pending), running(NEW))]
#[case::it_serves_until_its_successor_has_booted(replaced_early(100).release(&[OLD], ReleaseState::NotStarted), booted(NEW))]
#[case::its_successor_has_booted(replaced_early(100), release(OLD))]
#[case::the_group_is_scaled_to_zero(
    healthy().desired(0).lifecycle(OLD, TERMINATING_WAIT).release(&[OLD], ReleaseState::NotStarted), release(OLD))]
#[case::nobody_came_and_the_hook_is_about_to_time_out(
    healthy().lifecycle(OLD, TERMINATING_WAIT).at_risk(OLD, RiskReason::Terminating, Some(in_s(30))).release(&[OLD], ReleaseState::NotStarted),
    release(OLD))]
#[case::nobody_came_and_it_cannot_release(
    healthy().lifecycle(OLD, TERMINATING_WAIT).at_risk(OLD, RiskReason::Terminating, Some(in_s(30))).release(&[], ReleaseState::NotStarted),
    let_go(OLD))]
#[case::it_releases(replaced_early(100).release(&[OLD, NEW], ReleaseState::Running { since: now() }), released(OLD))]
#[case::it_has_released(replaced_early(100).release(&[OLD, NEW], let_go_just_now()), detach(OLD))]
#[case::it_has_released_and_the_volume_is_on_its_way(
    replaced_early(100).release(&[OLD, NEW], let_go_just_now()).held_by(OLD, AttachmentState::Detaching),
    Step::Wait(WaitFor::Detached { holder: id(OLD) }))]
#[case::its_release_failed(replaced_early(100).release(&[OLD, NEW], refused_ago(5)), let_go(OLD))]
#[case::its_release_hangs(
    replaced_early(100).release(&[OLD, NEW], ReleaseState::Running { since: now() - Duration::from_secs(61) }), let_go(OLD))]
#[case::it_was_let_go_and_dies(
    replaced_early(100).release(&[OLD, NEW], refused_ago(5)).completed(OLD, Transition::Terminating), gone(OLD))]
#[case::its_agent_is_offline_and_its_successor_has_booted(replaced_early(100).release(&[NEW], ReleaseState::NotStarted), let_go(OLD))]
#[case::its_agent_is_offline_and_it_serves_to_the_end(
    replaced_early(20).release(&[], ReleaseState::NotStarted), booted(NEW))]
#[case::no_agent_anywhere_and_the_successor_is_long_up(
    replaced_early(100).release(&[], ReleaseState::NotStarted).launched_ago(NEW, 121), let_go(OLD))]
#[case::no_agent_anywhere_and_nobody_knows_how_long_the_successor_is_up(
    replaced_early(100).release(&[], ReleaseState::NotStarted).launched_nobody_knows_when(NEW), booted(NEW))]
// Interruption.
#[case::warned(healthy().warned(OLD, in_s(110)), mark(OLD, RiskReason::Interruption, in_s(110)))]
#[case::warned_again(interrupted(100).warned(OLD, in_s(110)), replace(OLD))]
#[case::warned_when_it_was_dead(replaced().warned(OLD, in_s(110)), let_go(OLD))]
#[case::warned_too_late(healthy().warned(OLD, now()), serves(OLD))]
#[case::warned_after_a_warning_that_came_to_nothing(
    healthy().at_risk(OLD, RiskReason::Interruption, Some(now() - Duration::from_secs(1))).warned(OLD, in_s(110)),
    mark(OLD, RiskReason::Interruption, in_s(110)))]
#[case::interrupted(interrupted(110), replace(OLD))]
#[case::interrupted_and_the_group_replaces_it_by_itself(interrupted(110).rebalancing(), replacement_of(OLD))]
#[case::interrupted_and_time_is_just_enough(interrupted(40).rebalancing(), release(OLD))]
#[case::interrupted_and_time_is_just_enough_for_the_successor_boots(
    replaced_early(40).state(NEW, InstanceState::Pending), release(OLD))]
#[case::interrupted_released_and_nobody_is_there_yet(
    interrupted(20).rebalancing().release(&[OLD], let_go_just_now()), detach(OLD))]
#[case::it_does_not_take_back_what_it_has_released(interrupted(15).rebalancing().free(), Step::Done(Done::NoSuccessor))]
#[case::the_warning_came_to_nothing(
    healthy().free().at_risk(OLD, RiskReason::Interruption, Some(now() - Duration::from_secs(301))), attach(OLD))]
#[case::a_recommendation_alone_moves_nothing(
    healthy().at_risk(OLD, RiskReason::Rebalance, None), serves(OLD))]
#[case::the_newcomer_is_interrupted_while_it_waits(
    rebalanced().at_risk(NEW, RiskReason::Interruption, Some(in_s(100))), given_up(NEW))]
#[case::the_newcomer_is_interrupted_after_it_took_over(
    taken_over().record_names(NEW).at_risk(NEW, RiskReason::Interruption, Some(in_s(100))), launched(NEW))]
// Retirement.
#[case::retired(retired(), launch_first(OLD))]
#[case::retired_whatever_the_group_does_about_interruptions(retired().rebalancing(), launch_first(OLD))]
#[case::retired_and_its_group_is_ending_it(
    retired().lifecycle(OLD, TERMINATING_WAIT), mark(OLD, RiskReason::Terminating, in_s(540)))]
#[case::retired_and_replaced_by_the_group_already(
    rebalanced().at_risk(OLD, RiskReason::Retirement, None), release(OLD))]
#[case::the_retired_newcomer_takes_over_all_the_same(
    rebalanced().at_risk(NEW, RiskReason::Retirement, None), release(OLD))]
#[case::retired_in_a_group_that_wants_nobody(retired().desired(0), serves(OLD))]
// Eviction.
#[case::replaced_before_it_ends(rebalanced(), release(OLD))]
#[case::replaced_before_it_ends_but_nothing_is_known_of_its_agent(
    rebalanced().held_by(OLD, AttachmentState::Attaching).unasked(), Step::Wait(WaitFor::Attached { successor: id(OLD) }))]
#[case::replaced_before_it_ends_and_its_agent_is_offline(rebalanced().release(&[NEW], ReleaseState::NotStarted), terminate(OLD))]
#[case::replaced_before_it_ends_and_its_release_failed(rebalanced().release(&[OLD, NEW], refused_ago(5)), terminate(OLD))]
#[case::replaced_before_it_ends_and_it_has_released(rebalanced().release(&[OLD, NEW], let_go_just_now()), detach(OLD))]
#[case::replaced_before_it_ends_but_the_newcomer_starts(rebalanced().state(NEW, InstanceState::Pending), running(NEW))]
#[case::replaced_before_it_ends_but_the_newcomer_boots(rebalanced().release(&[OLD], ReleaseState::NotStarted), booted(NEW))]
#[case::replaced_before_it_ends_but_ec2_does_not_list_the_newcomer(rebalanced().unlisted(NEW), running(NEW))]
#[case::replaced_before_it_ends_and_the_newcomer_died(rebalanced().state(NEW, InstanceState::Dead), given_up(NEW))]
#[case::the_holder_was_put_into_standby(rebalanced().lifecycle(OLD, Lifecycle::Standby), release(OLD))]
#[case::the_holder_was_retained(rebalanced().lifecycle(OLD, Lifecycle::Retained), release(OLD))]
#[case::a_stranger_holds_the_volume(
    rebalanced().held_by(OLD, AttachmentState::Attached).not_a_member(OLD).stranger(OLD),
    Step::Blocked(Blocked::ForeignHolder { volume: volume(), holder: id(OLD) }))]
#[case::a_stranger_that_held_the_volume_is_dead(
    rebalanced().not_a_member(OLD).stranger(OLD).state(OLD, InstanceState::Dead), gone(OLD))]
// Attaching.
#[case::free(replaced().without(OLD).free(), attach(NEW))]
#[case::free_and_the_old_holder_still_waits_to_be_let_go(replaced().free(), attach(NEW))]
#[case::free_but_the_successor_boots(replaced().without(OLD).free().state(NEW, InstanceState::Pending), running(NEW))]
#[case::free_but_the_hook_has_not_begun(replaced().without(OLD).free().lifecycle(NEW, PENDING), attach(NEW))]
#[case::free_and_the_group_has_nobody(healthy().free().without(OLD), Step::Done(Done::NoSuccessor))]
#[case::free_though_somebody_is_in_service(healthy().free(), attach(OLD))]
#[case::still_being_created(healthy().volume_state(VolumeState::Creating), Step::Wait(WaitFor::Volume))]
#[case::the_successor_died_while_it_waited(
    replaced().without(OLD).free().state(NEW, InstanceState::Dead), given_up(NEW))]
#[case::the_successor_was_stopped_while_it_waited(
    replaced().without(OLD).free().state(NEW, InstanceState::Stopped), given_up(NEW))]
#[case::warm_instances_are_nobody(healthy().free().without(OLD).instance(NEW, Lifecycle::Elsewhere, InstanceState::Running), Step::Done(Done::NoSuccessor))]
// The volume's own tag.
#[case::free_and_untagged_but_the_group_has_just_had_it(
    replaced().without(OLD).free().volume_of(None).has_held(), attach(NEW))]
#[case::free_and_untagged_and_nobody_wants_it(healthy().free().without(OLD).volume_of(None), Step::Done(Done::NoSuccessor))]
#[case::held_and_untagged(healthy().volume_of(None), serves(OLD))]
#[case::held_and_untagged_and_replaced(rebalanced().volume_of(None), release(OLD))]
#[case::held_and_another_nodes(healthy().volume_of(Some("other")), serves(OLD))]
#[case::held_and_another_nodes_and_the_newcomer_has_it(
    taken_over().record_names(NEW).volume_of(Some("other")), launched(NEW))]
#[case::interrupted_and_another_nodes(interrupted(40).rebalancing().volume_of(Some("other")), release(OLD))]
#[case::interrupted_and_another_nodes_and_released(
    replaced_early(30).volume_of(Some("other")).release(&[OLD, NEW], let_go_just_now()), detach(OLD))]
#[case::its_group_is_ending_it_and_it_is_another_nodes(
    healthy().lifecycle(OLD, TERMINATING_WAIT).at_risk(OLD, RiskReason::Terminating, Some(in_s(30)))
        .release(&[OLD], ReleaseState::NotStarted).volume_of(Some("other")),
    release(OLD))]
#[case::dead_and_another_nodes(replaced().volume_of(Some("other")), let_go(OLD))]
#[case::free_and_another_node_declares_it_and_this_run_has_seen_it_come_free(
    replaced().without(OLD).free().volume_of(None).has_held().volume_shared(), attach(NEW))]
#[case::free_and_another_node_declares_it(replaced().without(OLD).free().volume_shared(), attach(NEW))]
// The record follows.
#[case::attached_and_another_node_declares_its_record(
    taken_over().record_shared(), Step::PointRecord { from: Some(a_record(OLD)), to: a_record(NEW) })]
#[case::attaching(taken_over().held_by(NEW, AttachmentState::Attaching), Step::PointRecord { from: Some(a_record(OLD)), to: a_record(NEW) })]
#[case::attaching_and_the_record_is_right(
    taken_over().held_by(NEW, AttachmentState::Attaching).record_names(NEW), Step::Wait(WaitFor::Attached { successor: id(NEW) }))]
#[case::attached(taken_over(), Step::PointRecord { from: Some(a_record(OLD)), to: a_record(NEW) })]
#[case::no_record_yet(taken_over().record(Record::Absent), Step::PointRecord { from: None, to: a_record(NEW) })]
#[case::no_record_yet_and_nobody_has_claimed_the_name(
    taken_over().record(Record::Absent).claim(Claim::Absent), Step::ClaimName)]
#[case::attaching_and_nobody_has_claimed_the_name(
    taken_over().held_by(NEW, AttachmentState::Attaching).claim(Claim::Absent), Step::ClaimName)]
#[case::the_name_cannot_be_claimed(
    taken_over().claim(Claim::Refused), Step::PointRecord { from: Some(a_record(OLD)), to: a_record(NEW) })]
#[case::it_serves_and_nobody_has_claimed_the_name(healthy().claim(Claim::Absent), Step::ClaimName)]
#[case::it_serves_and_the_name_cannot_be_claimed(healthy().claim(Claim::Refused), serves(OLD))]
#[case::the_volume_goes_first(replaced().without(OLD).free().claim(Claim::Absent), attach(NEW))]
#[case::the_ttl_is_not_as_the_tag_says(
    healthy().record(Record::Simple(with_ttl(a_record(OLD), 300))),
    Step::PointRecord { from: Some(with_ttl(a_record(OLD), 300)), to: a_record(OLD) })]
#[case::the_record_drifted(healthy().record_names(NEW), Step::PointRecord { from: Some(a_record(NEW)), to: a_record(OLD) })]
#[case::no_address_yet(
    taken_over().state(NEW, InstanceState::Pending).no_address(NEW), Step::Wait(WaitFor::Address { successor: id(NEW) }))]
#[case::a_person_detaches_it(
    healthy().held_by(OLD, AttachmentState::Detaching), Step::Wait(WaitFor::Detached { holder: id(OLD) }))]
// The action is completed last.
#[case::attached_and_the_record_is_right(taken_over().record_names(NEW), launched(NEW))]
#[case::completed_but_the_group_has_not_noticed(
    taken_over().record_names(NEW).completed(NEW, Transition::Launching), serves(NEW))]
#[case::the_group_does_not_show_the_action_yet_but_the_event_has_its_token(
    taken_over().record_names(NEW).lifecycle(NEW, PENDING).event(NEW, Transition::Launching, Passage::Service), launched(NEW))]
#[case::an_event_without_a_token_is_not_believed_against_the_group(
    healthy().event(OLD, Transition::Launching, Passage::Service).without_token(), serves(OLD))]
#[case::the_event_is_late(
    healthy().event(OLD, Transition::Launching, Passage::Service).completed(OLD, Transition::Launching), serves(OLD))]
// Terminate actions.
#[case::a_dead_instance_waits_after_the_successor_serves(
    healthy().instance(NEW, TERMINATING_WAIT, InstanceState::Dead), let_go(NEW))]
#[case::a_living_instance_without_the_volume_waits(
    healthy().instance(NEW, TERMINATING_WAIT, InstanceState::Running), let_go(NEW))]
#[case::a_stopped_holder_waits_and_nobody_follows(
    replaced().without(NEW).state(OLD, InstanceState::Stopped), let_go(OLD))]
#[case::a_stopped_holder_waits_and_its_successor_boots(
    replaced().state(OLD, InstanceState::Stopped).state(NEW, InstanceState::Pending), running(NEW))]
#[case::long_gone_from_the_group_but_the_event_has_a_token(
    healthy().event(NEW, Transition::Terminating, Passage::Service), let_go(NEW))]
#[case::the_terminate_event_of_the_holder_while_the_group_says_in_service(
    healthy().event(OLD, Transition::Terminating, Passage::Service), serves(OLD))]
// What moves no node.
#[case::back_to_the_warm_pool(healthy().event(OLD, Transition::Terminating, Passage::WarmPool), let_go(OLD))]
#[case::into_the_warm_pool(
    healthy().instance(NEW, Lifecycle::Elsewhere, InstanceState::Running).event(NEW, Transition::Launching, Passage::WarmPool), launched(NEW))]
#[case::root_volume_replacement_begins(healthy().event(OLD, Transition::Terminating, Passage::InPlace), let_go(OLD))]
#[case::root_volume_replacement_ends(
    healthy().lifecycle(OLD, PENDING_WAIT).event(OLD, Transition::Launching, Passage::InPlace), launched(OLD))]
#[case::root_volume_replacement_is_over(
    healthy().event(OLD, Transition::Launching, Passage::InPlace).completed(OLD, Transition::Launching),
    Step::Done(Done::NoMove { instance: id(OLD) }))]
fn the_next_step(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// What each step changes, as far as it can be seen; then the same step must not come again.
#[rstest]
#[case::attach(replaced().without(OLD).free(), replaced().without(OLD).held_by(NEW, AttachmentState::Attaching))]
#[case::detach(
    replaced().lifecycle(OLD, TERMINATING).state(OLD, InstanceState::Stopped),
    replaced().lifecycle(OLD, TERMINATING).state(OLD, InstanceState::Stopped).held_by(OLD, AttachmentState::Detaching))]
#[case::terminate(rebalanced().release(&[NEW], ReleaseState::NotStarted), rebalanced().state(OLD, InstanceState::Dead))]
#[case::release(rebalanced(), rebalanced().release(&[OLD, NEW], ReleaseState::Running { since: now() }))]
#[case::detach_after_release(
    rebalanced().release(&[OLD, NEW], let_go_just_now()),
    rebalanced().release(&[OLD, NEW], let_go_just_now()).held_by(OLD, AttachmentState::Detaching))]
#[case::replace(interrupted(110), interrupted(110).lifecycle(OLD, TERMINATING))]
#[case::launch_first(retired(), retired().desired(2))]
#[case::end_the_spare(
    healthy().desired(2).instance(NEW, Lifecycle::InService, InstanceState::Running),
    healthy().instance(NEW, TERMINATING, InstanceState::Running))]
#[case::restore_capacity(healthy().desired(2).group_stands_for(121), healthy())]
#[case::resume(
    healthy().release(&[OLD], let_go_ago(60)),
    healthy().release(&[OLD], ReleaseState::Resuming { since: now() }))]
#[case::mark(healthy().warned(OLD, in_s(110)), interrupted(110).warned(OLD, in_s(110)))]
#[case::point_record(taken_over(), taken_over().record_names(NEW))]
#[case::complete_launch(taken_over().record_names(NEW), taken_over().record_names(NEW).completed(NEW, Transition::Launching))]
#[case::complete_terminate(replaced(), replaced().completed(OLD, Transition::Terminating))]
#[case::abandon(rebalanced().state(NEW, InstanceState::Dead), rebalanced().state(NEW, InstanceState::Dead).completed(NEW, Transition::Launching))]
fn a_step_that_was_taken_is_not_taken_again(#[case] before: Situation, #[case] after: Situation) {
    let taken = next_step(&before.seen(), now());
    assert!(!matches!(taken, Step::Wait(_) | Step::Done(_) | Step::Blocked(_)), "{taken:?}");
    assert_ne!(next_step(&after.seen(), now()), taken);
}

#[rstest]
#[case::healthy(healthy(), false)]
#[case::at_risk(interrupted(60), false)]
#[case::attaching(taken_over().held_by(NEW, AttachmentState::Attaching), true)]
#[case::it_has_let_go(healthy().release(&[OLD], let_go_ago(500)), true)]
#[case::it_has_let_go_of_an_earlier_attachment(healthy().release(&[OLD], ReleaseState::Marked), true)]
#[case::it_serves_again(healthy().release(&[OLD], ReleaseState::Resuming { since: ago(5) }), true)]
#[case::it_does_not_serve_again(healthy().release(&[OLD], ReleaseState::ResumeFailed { at: ago(5), times: 2 }), true)]
#[case::it_is_asked_to_let_go(healthy().release(&[OLD], ReleaseState::Running { since: ago(5) }), false)]
#[case::it_did_not_let_go(healthy().release(&[OLD], refused_ago(5)), false)]
#[case::it_may_have_been_asked_to_let_go(healthy().release(&[OLD], unanswered_ago(5, 5)), false)]
#[case::free(healthy().free(), true)]
#[case::dead(replaced(), true)]
#[case::let_go(healthy().held_by(OLD, AttachmentState::Detaching), true)]
#[case::stopped(healthy().instance(OLD, Lifecycle::InService, InstanceState::Stopped), true)]
#[case::unlisted(healthy().unlisted(OLD), true)]
#[case::a_strangers(healthy().stranger(OLD).not_a_member(OLD), true)]
#[case::ours_by_its_tag(healthy().not_a_member(OLD), false)]
#[case::ours_by_its_group(healthy().stranger(OLD), false)]
#[case::at_rest(healthy().free().desired(0), false)]
fn a_node_that_is_nowhere_is_seen(#[case] situation: Situation, #[case] lacks_holder: bool) {
    assert_eq!(situation.seen().lacks_holder(), lacks_holder);
}
