//! Which of a node's runs goes ahead, situation by situation: all runs see the same, and each knows its own event besides.

use std::time::SystemTime;

use durin_decisions::lifecycle::{Passage, Transition};
use durin_decisions::node::{
    AttachmentState, InstanceState, Lifecycle, Precedence, ReleaseState, precedence, urgent_from,
};
use durin_decisions::risk::{Risk, RiskReason};
use rstest::rstest;

use crate::situation::*;
use Others::{Follow, FollowBoth, KnowOfNobody};
use Run::{End, Launch, LaunchOfAnother, Schedule, Warning};

/// By what started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    /// The new instance waits in its launch hook.
    Launch,
    /// The same of an instance launched later.
    LaunchOfAnother,
    /// The old instance waits in its terminate hook.
    End,
    /// EC2 has warned the old instance.
    Warning,
    Schedule,
}

const ALL: [Run; 5] = [Launch, LaunchOfAnother, End, Warning, Schedule];

/// What those do that do not lead.
#[derive(Clone, Copy, Debug)]
enum Others {
    /// No event has told anybody.
    KnowOfNobody,
    Follow,
    /// The runs of the launch and of the warning are at work, so that of the end is not needed.
    FollowBoth,
}

impl Run {
    fn sees(self, situation: Situation) -> Situation {
        match self {
            Launch => situation.event(NEW, Transition::Launching, Passage::Service),
            LaunchOfAnother => situation.event(NEWEST, Transition::Launching, Passage::Service),
            End => situation.event(OLD, Transition::Terminating, Passage::Service),
            Warning => situation.warned(OLD, in_s(100)),
            Schedule => situation,
        }
    }
}

fn turn(seen: &Situation) -> Precedence {
    precedence(&seen.seen(), now())
}

#[track_caller]
fn assert_turns(situation: &Situation, leading: &[Run], others: Others) {
    for run in ALL {
        let expected = match (leading.contains(&run), others, run) {
            (true, _, _) => Precedence::Ours,
            (false, KnowOfNobody, _) => Precedence::Nobodys,
            (false, FollowBoth, End) => Precedence::TwoOthersRuns,
            (false, Follow | FollowBoth, _) => Precedence::AnothersRun,
        };
        assert_eq!(turn(&run.sees(situation.clone())), expected, "{run:?}");
    }
}

/// The group is ending the old instance, of its own accord.
fn ending() -> Situation {
    healthy().lifecycle(OLD, TERMINATING_WAIT).release(&[OLD], ReleaseState::NotStarted)
}

/// It has launched a replacement, which waits.
fn replaced_in_order() -> Situation {
    ending().instance(NEW, PENDING_WAIT, InstanceState::Running)
}

/// It has launched two, of which the older takes over.
fn two_newcomers() -> Situation {
    replaced_early(100).instance(NEWEST, PENDING_WAIT, InstanceState::Running)
}

/// The new instance has the volume, and the old one is still there.
fn taking_over() -> Situation {
    replaced_early(100).held_by(NEW, AttachmentState::Attached)
}

#[rstest]
// Nobody waits, and nobody goes at a given time. Only the run of the old instance's end knows of it before the group shows it.
#[case::all_is_well(healthy(), &[End], KnowOfNobody)]
#[case::its_host_retires(retired(), &[End], KnowOfNobody)]
#[case::ec2_recommends_to_leave_it(healthy().at_risk(OLD, RiskReason::Rebalance, None), &[End], KnowOfNobody)]
#[case::ec2_gives_no_time(healthy().at_risk(OLD, RiskReason::Interruption, None), &[End], KnowOfNobody)]
#[case::the_stop_of_its_host_is_near(retired().stops_at(OLD, in_s(100)), &[End], KnowOfNobody)]
// The run of the warning leads, also when the group ends the old instance meanwhile.
#[case::it_is_warned(interrupted(100), &[Warning], Follow)]
#[case::it_is_warned_and_set_aside(interrupted(100).lifecycle(OLD, Lifecycle::Standby), &[Warning], Follow)]
#[case::it_is_warned_and_its_action_has_not_begun(interrupted(100).lifecycle(OLD, TERMINATING), &[Warning], Follow)]
#[case::it_is_warned_and_its_group_ends_it(interrupted(100).lifecycle(OLD, TERMINATING_WAIT), &[Warning], Follow)]
#[case::its_time_is_a_second_away(interrupted(1).unasked(), &[Warning], Follow)]
#[case::its_time_has_come(interrupted(0).unasked(), &[End], KnowOfNobody)]
#[case::its_time_has_come_and_its_group_ends_it(
    interrupted(0).lifecycle(OLD, TERMINATING_WAIT).unasked(), &[End], Follow)]
#[case::it_is_warned_and_the_volume_is_free(interrupted(100).free(), &[], KnowOfNobody)]
#[case::ec2_does_not_list_the_warned_instance(interrupted(100).unlisted(OLD), &[End], KnowOfNobody)]
// Then that of its end.
#[case::its_action_has_not_begun(ending().lifecycle(OLD, TERMINATING), &[End], KnowOfNobody)]
#[case::its_group_ends_it(ending(), &[End], Follow)]
#[case::it_is_dead(replaced().without(NEW), &[End], Follow)]
#[case::its_action_is_completed(ending().completed(OLD, Transition::Terminating), &[], KnowOfNobody)]
#[case::another_run_has_completed_its_action(
    ending().lifecycle(OLD, TERMINATING).seen_waiting(OLD, Transition::Terminating), &[], KnowOfNobody)]
#[case::it_has_lost_the_volume(ending().free(), &[], KnowOfNobody)]
// Then that of its successor's launch.
#[case::its_successor_waits(replaced_in_order(), &[Launch], Follow)]
#[case::its_successor_waits_beside_it(rebalanced(), &[Launch], Follow)]
#[case::its_successor_waits_beside_a_warned_one(
    interrupted(100).instance(NEW, PENDING_WAIT, InstanceState::Running), &[Launch], FollowBoth)]
#[case::its_successor_waits_and_its_group_ends_the_warned_one(replaced_early(100), &[Launch], FollowBoth)]
#[case::its_successor_does_not_run_yet(replaced_early(100).state(NEW, InstanceState::Pending), &[Launch], FollowBoth)]
#[case::ec2_does_not_list_its_successor(replaced_early(100).unlisted(NEW), &[Launch], FollowBoth)]
#[case::its_group_does_not_list_its_successor_yet(replaced_in_order().not_a_member(NEW), &[End], Follow)]
#[case::the_successors_action_has_not_begun(replaced_in_order().lifecycle(NEW, PENDING), &[Launch, End], Follow)]
#[case::the_volume_is_free(replaced_early(100).free(), &[Launch], Follow)]
// Until the successor serves.
#[case::it_attaches(taking_over().held_by(NEW, AttachmentState::Attaching), &[Launch], Follow)]
#[case::it_has_taken_over(taking_over(), &[Launch], Follow)]
#[case::it_has_taken_over_and_is_warned(
    taking_over().at_risk(NEW, RiskReason::Interruption, Some(in_s(100))), &[Launch], Follow)]
#[case::its_launch_is_completed(taking_over().completed(NEW, Transition::Launching), &[], KnowOfNobody)]
#[case::another_run_has_completed_its_launch(
    taking_over().lifecycle(NEW, PENDING).seen_waiting(NEW, Transition::Launching), &[], KnowOfNobody)]
// Only of the launch of one that takes over.
#[case::it_is_the_older_of_two(two_newcomers(), &[Launch], FollowBoth)]
#[case::the_other_has_booted(
    two_newcomers().release(&[OLD, NEWEST], ReleaseState::NotStarted), &[LaunchOfAnother], FollowBoth)]
#[case::it_is_warned_before_it_takes_over(
    replaced_in_order().at_risk(NEW, RiskReason::Interruption, Some(in_s(100))), &[End], Follow)]
#[case::it_has_died(replaced_in_order().state(NEW, InstanceState::Dead), &[End], Follow)]
fn one_run_leads(#[case] situation: Situation, #[case] leading: &[Run], #[case] others: Others) {
    assert_turns(&situation, leading, others);
}

/// An event is about one instance, and about one end of its life.
#[rstest]
#[case::the_end_of_the_successor(replaced_early(100).event(NEW, Transition::Terminating, Passage::Service), Precedence::AnothersRun)]
#[case::the_launch_of_the_old_instance(ending().event(OLD, Transition::Launching, Passage::Service), Precedence::AnothersRun)]
#[case::the_end_of_an_instance_without_the_volume(ending().event(NEW, Transition::Terminating, Passage::Service), Precedence::AnothersRun)]
#[case::the_warning_of_another(interrupted(100).warned(NEW, in_s(100)), Precedence::AnothersRun)]
#[case::the_end_of_another_while_the_old_one_is_warned(
    interrupted(100).event(NEW, Transition::Terminating, Passage::Service), Precedence::AnothersRun)]
#[case::the_warning_of_one_beside_the_holder(
    healthy().instance(NEW, Lifecycle::InService, InstanceState::Running)
        .at_risk(NEW, RiskReason::Interruption, Some(in_s(100))).warned(NEW, in_s(100)), Precedence::Nobodys)]
#[case::the_warning_of_a_newcomer_that_has_the_volume(
    taken_over().completed(NEW, Transition::Launching).at_risk(NEW, RiskReason::Interruption, Some(in_s(100)))
        .warned(NEW, in_s(100)), Precedence::Ours)]
fn a_run_leads_only_for_what_its_event_is_about(#[case] seen: Situation, #[case] expected: Precedence) {
    assert_eq!(turn(&seen), expected);
}

/// The holder is asked to let go forty seconds before EC2 takes it. Ten seconds later all runs ask it.
#[rstest]
#[case::nine_seconds_late(31, false)]
#[case::ten_seconds_late(30, true)]
#[case::eleven_seconds_late(29, true)]
#[case::at_the_last_moment(1, true)]
fn nobody_waits_for_a_leader_that_is_late(#[case] left: u64, #[case] all_lead: bool) {
    assert_turns(&replaced_early(left), if all_lead { &ALL } else { &[Launch] }, FollowBoth);
    // The run of a warning that is news marks the instance first, and looks again.
    let all_others = [Launch, LaunchOfAnother, End, Schedule];
    let led = |leader| if all_lead { all_others.to_vec() } else { vec![leader] };
    assert_turns(&rebalanced().stops_at(OLD, in_s(left)), &led(Launch), Follow);
    assert_turns(&ending().stops_at(OLD, in_s(left)), &led(End), Follow);
}

/// Also one that has let go before, and has to be asked again.
#[rstest]
#[case::it_was_not_asked(ReleaseState::NotStarted, true)]
#[case::for_an_earlier_attachment(ReleaseState::Marked, true)]
#[case::so_long_ago_that_it_may_have_been_rebooted(let_go_ago(21), true)]
#[case::a_moment_ago(let_go_ago(19), false)]
fn what_is_due_decides_how_urgent_it_is(#[case] state: ReleaseState, #[case] all_lead: bool) {
    let situation = replaced_early(20).release(&[OLD, NEW], state);
    assert_turns(&situation, if all_lead { &ALL } else { &[Launch] }, FollowBoth);
}

/// It has looked at its newcomer more closely than anybody else.
#[test]
fn the_run_of_a_launch_gives_its_own_newcomer_up() {
    let died = replaced_early(100).state(NEW, InstanceState::Dead);
    assert_turns(&died, &[Launch, Warning], Follow);
}

/// The leader was not late: what it has done is on its way.
#[rstest]
#[case::it_is_letting_go(ReleaseState::Running { since: ago(5) })]
#[case::it_has_let_go(let_go_just_now())]
#[case::it_could_not(refused_ago(5))]
#[case::it_has_not_heard(ReleaseState::Undelivered { at: ago(5) })]
#[case::nobody_has_answered(unanswered_ago(5, 5))]
fn a_leader_that_has_asked_the_holder_is_not_late(#[case] state: ReleaseState) {
    assert_turns(&replaced_early(20).release(&[OLD, NEW], state), &[Launch], FollowBoth);
}

#[rstest]
#[case::systems_manager_was_not_asked(replaced_early(20).unasked(), FollowBoth)]
#[case::the_reclaim_is_over_and_may_still_come(
    replaced_early(20).at_risk(OLD, RiskReason::Interruption, Some(ago(1))), Follow)]
#[case::only_its_group_ends_it(replaced_early(20).at_risk(OLD, RiskReason::Terminating, Some(in_s(20))), Follow)]
#[case::it_has_no_time(replaced_early(20).at_risk(OLD, RiskReason::Interruption, None), Follow)]
#[case::the_holder_is_another(
    replaced_early(20).held_by(NEW, AttachmentState::Attached).release(&[NEW], ReleaseState::NotStarted), Follow)]
#[case::nobody_has_the_volume(replaced_early(20).free(), Follow)]
fn there_is_no_hurry_without_a_time(#[case] situation: Situation, #[case] others: Others) {
    assert_turns(&situation, &[Launch], others);
}

/// No other run knows of the action, and it has to be completed, whatever goes on meanwhile.
#[rstest]
fn a_run_of_an_action_that_moves_no_node_leads(
    #[values(Passage::WarmPool, Passage::InPlace)] passage: Passage,
    #[values(Transition::Launching, Transition::Terminating)] transition: Transition,
    #[values(healthy(), interrupted(100), ending(), replaced_in_order())] situation: Situation,
) {
    assert_eq!(turn(&situation.event(NEWEST, transition, passage)), Precedence::Ours);
}

/// A run that follows looks at that moment, whatever it waits for.
#[rstest]
#[case::ec2_takes_it(interrupted(100), Some(in_s(70)))]
#[case::it_should_have_been_asked(interrupted(20), Some(ago(10)))]
#[case::its_host_stops(retired().stops_at(OLD, in_s(100)), Some(in_s(70)))]
#[case::nobody_takes_it(healthy(), None)]
#[case::only_its_group_ends_it(ending().at_risk(OLD, RiskReason::Terminating, Some(in_s(100))), None)]
#[case::nobody_has_the_volume(interrupted(100).free(), None)]
fn the_release_is_everybodys_turn_thirty_seconds_before(
    #[case] situation: Situation,
    #[case] from: Option<SystemTime>,
) {
    assert_eq!(urgent_from(&situation.seen(), now()), from);
}

/// The recommendation may be read after the warning: whoever got it knows nothing of the time.
#[test]
fn the_run_of_a_recommendation_does_not_lead_for_the_warned() {
    let recommended = Risk { reason: RiskReason::Rebalance, until: None };
    let seen = interrupted(100).warned_of(OLD, recommended);
    assert_eq!(turn(&seen), Precedence::AnothersRun);
}
