//! What is known, of when, and of whom: an old answer is not believed, no answer is not a "no", and a holder that serves
//! loses nothing to either.

use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{
    ActionResult, AttachmentState, Blocked, Done, InstanceState, KeyProblem, Lifecycle, Number, Question, Record,
    RecordProblem, ReleaseState, Step, WaitFor, Word, next_step, release_matters,
};
use durin_decisions::risk::RiskReason;
use rstest::rstest;

use crate::situation::*;

fn release() -> Step {
    Step::Release { holder: id(OLD) }
}

fn detach() -> Step {
    Step::Detach { holder: id(OLD) }
}

fn resume() -> Step {
    Step::Resume { holder: id(OLD) }
}

fn replace() -> Step {
    Step::Replace { holder: id(OLD) }
}

fn serves() -> Step {
    Step::Done(Done::Serves { holder: id(OLD) })
}

fn wait(wait: WaitFor) -> Step {
    Step::Wait(wait)
}

fn booted() -> Step {
    wait(WaitFor::Booted { successor: id(NEW) })
}

fn detached() -> Step {
    wait(WaitFor::Detached { holder: id(OLD) })
}

fn replacement() -> Step {
    wait(WaitFor::Replacement { holder: id(OLD) })
}

fn resumed() -> Step {
    wait(WaitFor::Resumed { holder: id(OLD) })
}

fn ask(newcomer: &str) -> Step {
    Step::Ask { instance: id(newcomer), question: Question::Prepared }
}

fn serves_not_yet() -> Step {
    Step::Blocked(Blocked::ServesNotYet { holder: id(OLD) })
}

fn neither_is_online() -> Step {
    let group = healthy().seen().declaration.group;
    Step::Blocked(Blocked::NeitherIsOnline { group, newcomer: id(NEW), holder: id(OLD) })
}

fn terminate(holder: &str) -> Step {
    Step::Terminate { holder: id(holder) }
}

fn end_spare(instance: &str) -> Step {
    Step::EndSpare { instance: id(instance), number: Number::Falls }
}

fn give_up(instance: &str) -> Step {
    Step::Complete { instance: id(instance), transition: Transition::Launching, result: ActionResult::Abandon }
}

/// Twenty seconds are too short for a reboot, after which the volume would be mounted again.
#[rstest]
#[case::a_moment_old(let_go_ago(19), detach())]
#[case::it_may_have_been_rebooted_since(let_go_ago(20), release())]
#[case::a_day_old(let_go_ago(86_400), release())]
#[case::of_an_earlier_attachment(ReleaseState::Marked, release())]
#[case::repeated_a_moment_ago(ReleaseState::Released { at: ago(1) }, detach())]
#[case::refused_in_this_hand_off(refused_ago(599), terminate(OLD))]
#[case::refused_in_another(refused_ago(600), release())]
#[case::not_heard_a_moment_ago(ReleaseState::Undelivered { at: ago(59) }, terminate(OLD))]
#[case::not_heard_a_minute_ago_and_its_agent_is_online(ReleaseState::Undelivered { at: ago(60) }, release())]
#[case::perhaps_it_was_never_sent(unanswered_ago(9, 9), wait(WaitFor::Released { holder: id(OLD) }))]
#[case::it_is_not_listed_and_is_asked_again(unanswered_ago(10, 10), release())]
#[case::perhaps_the_second_was_never_sent_either(unanswered_ago(59, 9), wait(WaitFor::Released { holder: id(OLD) }))]
#[case::nobody_has_answered_for_a_minute(unanswered_ago(60, 10), terminate(OLD))]
#[case::nobody_has_answered_and_nobody_was_asked_for_a_minute(unanswered_ago(119, 59), terminate(OLD))]
#[case::nobody_has_answered_and_its_agent_is_online(unanswered_ago(120, 60), release())]
#[case::on_its_way_to_serve_again(ReleaseState::Resuming { since: ago(239) }, resumed())]
#[case::it_does_not_come_to_serve_again(ReleaseState::Resuming { since: ago(240) }, terminate(OLD))]
#[case::it_did_not_come_to_serve_again_in_another_hand_off(ReleaseState::Resuming { since: ago(600) }, release())]
#[case::it_has_not_come_to_serve_again(ReleaseState::ResumeFailed { at: ago(599), times: 1 }, terminate(OLD))]
#[case::it_had_not_come_to_serve_again(ReleaseState::ResumeFailed { at: ago(600), times: 2 }, release())]
#[case::it_is_being_checked(still_resuming_ago(59), resumed())]
#[case::it_may_have_been_checked(still_resuming_ago(60), resume())]
#[case::it_was_checked_in_another_hand_off(still_resuming_ago(600), release())]
fn an_answer_is_believed_for_as_long_as_it_can_be_true(#[case] state: ReleaseState, #[case] expected: Step) {
    assert_eq!(next_step(&rebalanced().release(&[OLD, NEW], state).seen(), now()), expected);
}

/// What it did not hear a minute ago it may hear now. Only its agent says whether there is anybody to ask.
#[rstest]
#[case::with_its_agent(&[OLD], 60, release())]
#[case::too_soon(&[OLD], 59, replacement())]
#[case::without_its_agent(&[], 60, replacement())]
fn a_holder_that_has_not_heard_is_asked_again_in_time(
    #[case] online: &[&str],
    #[case] seconds: u64,
    #[case] expected: Step,
) {
    for unheard in [ReleaseState::Undelivered { at: ago(seconds) }, unanswered_ago(seconds + 60, seconds)] {
        assert_eq!(next_step(&interrupted(40).rebalancing().release(online, unheard).seen(), now()), expected);
    }
    let long_ago = ReleaseState::Undelivered { at: ago(seconds) };
    let beside = rebalanced().release(&[&[NEW], online].concat(), long_ago);
    let evicted = if expected == release() { release() } else { terminate(OLD) };
    assert_eq!(next_step(&beside.seen(), now()), evicted);
}

/// The successor that the holder has made way for has died, or does not come.
#[rstest]
#[case::perhaps_another_function_knows_better(let_go_ago(19), booted())]
#[case::another_functions_detachment_may_still_arrive(let_go_ago(29), booted())]
#[case::it_let_go_for_nothing(let_go_ago(30), resume())]
#[case::it_let_go_half_way(refused_ago(5), resume())]
#[case::it_has_just_failed_to_serve_again(ReleaseState::ResumeFailed { at: ago(59), times: 1 }, booted())]
#[case::it_is_asked_once_more(ReleaseState::ResumeFailed { at: ago(60), times: 1 }, resume())]
#[case::it_has_not_heard(ReleaseState::Undelivered { at: ago(5) }, booted())]
#[case::it_may_have_heard(unanswered_ago(5, 5), wait(WaitFor::Released { holder: id(OLD) }))]
#[case::it_would_have_answered(unanswered_ago(30, 30), booted())]
#[case::nobody_has_answered_for_a_minute(unanswered_ago(70, 10), booted())]
#[case::it_serves_again_soon(ReleaseState::Resuming { since: ago(5) }, resumed())]
#[case::it_is_being_checked(still_resuming_ago(59), resumed())]
#[case::it_may_have_been_checked(still_resuming_ago(60), resume())]
fn a_holder_without_a_deadline_serves_again_while_its_successor_boots(
    #[case] state: ReleaseState,
    #[case] expected: Step,
) {
    assert_eq!(next_step(&rebalanced().release(&[OLD], state).seen(), now()), expected);
}

#[rstest]
#[case::let_go(let_go_ago(5), detach())]
#[case::let_go_and_perhaps_rebooted(let_go_ago(60), release())]
#[case::refused(refused_ago(5), Step::Wait(WaitFor::Running { successor: id(NEW) }))]
#[case::perhaps_it_was_never_asked(unanswered_ago(9, 9), wait(WaitFor::Released { holder: id(OLD) }))]
fn a_holder_with_a_deadline_makes_way(#[case] state: ReleaseState, #[case] expected: Step) {
    let booting = rebalanced().state(NEW, InstanceState::Pending).release(&[OLD], state);
    let warned = booting.at_risk(OLD, RiskReason::Interruption, Some(in_s(100)));
    assert_eq!(next_step(&warned.seen(), now()), expected);
}

/// Nobody follows: the group has only the holder.
#[rstest]
#[case::it_never_let_go(ReleaseState::NotStarted, serves())]
#[case::it_has_not_heard(ReleaseState::Undelivered { at: ago(500) }, serves())]
#[case::it_may_have_heard(unanswered_ago(59, 59), wait(WaitFor::Released { holder: id(OLD) }))]
#[case::it_would_have_let_go_by_now(unanswered_ago(60, 60), serves())]
#[case::it_is_asked_by_somebody(ReleaseState::Running { since: ago(59) }, wait(WaitFor::Released { holder: id(OLD) }))]
#[case::it_was_asked_and_never_answered(ReleaseState::Running { since: ago(60) }, resume())]
#[case::it_has_just_let_go(let_go_ago(29), replacement())]
#[case::it_let_go_for_nothing(let_go_ago(30), resume())]
#[case::it_let_go_long_ago(let_go_ago(86_400), resume())]
#[case::it_let_go_of_an_earlier_attachment(ReleaseState::Marked, resume())]
#[case::it_has_just_failed_to_let_go(refused_ago(19), replacement())]
#[case::it_failed_to_let_go(refused_ago(20), resume())]
#[case::it_serves_again_soon(ReleaseState::Resuming { since: ago(239) }, resumed())]
#[case::it_takes_long_to_serve_again(ReleaseState::Resuming { since: ago(240) }, resume())]
#[case::it_has_just_failed_to_serve_again(ReleaseState::ResumeFailed { at: ago(59), times: 1 }, resumed())]
#[case::it_is_asked_once_more(ReleaseState::ResumeFailed { at: ago(60), times: 1 }, resume())]
#[case::it_cannot_serve_again(ReleaseState::ResumeFailed { at: ago(60), times: 2 }, replace())]
#[case::it_is_being_checked(still_resuming_ago(59), resumed())]
#[case::it_may_have_been_checked(still_resuming_ago(60), resume())]
#[case::it_could_not_serve_again_and_a_person_may_have_helped(ReleaseState::ResumeFailed { at: ago(600), times: 2 }, resume())]
fn a_holder_that_stays_serves_or_is_made_to(#[case] state: ReleaseState, #[case] expected: Step) {
    assert_eq!(next_step(&healthy().release(&[OLD], state).seen(), now()), expected);
}

#[rstest]
#[case::its_agent_is_gone(healthy().release(&[], let_go_ago(599)), replace())]
#[case::its_agent_is_gone_long_after(healthy().release(&[], let_go_ago(600)), resumed())]
#[case::its_agent_may_be_gone_for_long(healthy().release(&[], let_go_ago(839)), resumed())]
#[case::its_agent_is_gone_for_good(
    healthy().release(&[], let_go_ago(840)), Step::Blocked(Blocked::CannotBeAsked { holder: id(OLD) }))]
#[case::nothing_is_known_of_its_agent_long_after(healthy().agents_unknown(let_go_ago(86_400)), resumed())]
#[case::its_agent_is_gone_and_it_is_being_checked(
    healthy().release(&[], still_resuming_ago(60)), resumed())]
#[case::its_agent_is_gone_and_it_let_go_of_an_earlier_attachment(
    healthy().release(&[], ReleaseState::Marked), resumed())]
#[case::nothing_is_known_of_its_agent(healthy().agents_unknown(let_go_ago(60)), resumed())]
#[case::nobody_would_follow(
    healthy().release(&[], let_go_ago(60)).launch_suspended(),
    Step::Blocked(Blocked::LaunchSuspended { group: healthy().seen().declaration.group, holder: id(OLD) }))]
fn a_holder_that_cannot_be_asked_is_replaced_only_for_certain(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// A check may take hours, and somebody may be at work on the volume; but a person has to know that nobody serves.
#[rstest]
#[case::it_stays(healthy().release(&[OLD], ReleaseState::NotStarted), resume())]
#[case::its_newcomer_has_booted(rebalanced(), resume())]
#[case::its_agent_is_gone(rebalanced().agent_lost(OLD), serves_not_yet())]
fn a_holder_that_says_for_ten_minutes_that_it_cannot_serve_yet_is_reported(
    #[case] situation: Situation,
    #[case] a_minute_later: Step,
) {
    let step = |since, at| {
        let mut seen = situation.seen();
        let release = seen.release.as_mut().expect("Systems Manager was asked");
        release.state = ReleaseState::StillResuming { since: ago(since), at: ago(at) };
        next_step(&seen, now())
    };
    assert_eq!(step(599, 59), resumed());
    assert_eq!(step(600, 59), serves_not_yet());
    assert_eq!(step(600, 60), a_minute_later);
}

/// Its run goes on: nobody else would ask it in time to let go.
#[test]
fn nobody_stops_at_a_check_beside_a_deadline() {
    let state = ReleaseState::StillResuming { since: ago(3_000), at: ago(10) };
    let held = rebalanced().lifecycle(OLD, TERMINATING_WAIT).release(&[OLD, NEW], state);
    let held = |left| held.clone().at_risk(OLD, RiskReason::Terminating, Some(in_s(left))).seen();
    assert_eq!(next_step(&held(500), now()), resumed());
    assert_eq!(next_step(&held(40), now()), release());
}

/// Systems Manager is asked about a holder that stays only if it may have let go.
#[rstest]
#[case(healthy(), true)]
#[case(healthy().held_by(OLD, AttachmentState::Detaching), true)]
#[case(healthy().state(OLD, InstanceState::Dead), false)]
fn a_holder_that_stays_is_asked_about_if_it_may_have_let_go(#[case] situation: Situation, #[case] is_asked: bool) {
    assert!(release_matters(&situation.seen(), false, now()).is_none());
    assert_eq!(release_matters(&situation.seen(), true, now()).is_some(), is_asked);
}

/// A newcomer that gives no sign of life, beside a holder that serves.
#[rstest]
#[case::it_boots(rebalanced().release(&[OLD], ReleaseState::NotStarted).launched_ago(NEW, 121), booted())]
#[case::it_is_slow(rebalanced().release(&[OLD], ReleaseState::NotStarted).launched_ago(NEW, 600), booted())]
#[case::it_never_boots(rebalanced().release(&[OLD], ReleaseState::NotStarted).launched_ago(NEW, 601), give_up(NEW))]
#[case::it_never_boots_and_the_group_wants_two(
    rebalanced().desired(2).release(&[OLD], ReleaseState::NotStarted).launched_ago(NEW, 601), give_up(NEW))]
#[case::it_never_boots_and_the_group_wants_two_and_one_at_least(
    rebalanced().desired(2).at_least(1).release(&[OLD], ReleaseState::NotStarted).launched_ago(NEW, 601), end_spare(NEW))]
#[case::it_never_boots_beside_a_holder_whose_host_retires(
    rebalanced().desired(2).at_least(1).at_risk(OLD, RiskReason::Retirement, None)
        .release(&[OLD], ReleaseState::NotStarted).launched_ago(NEW, 601), end_spare(NEW))]
#[case::it_never_runs(
    rebalanced().state(NEW, InstanceState::Pending).release(&[OLD], ReleaseState::NotStarted).launched_ago(NEW, 601),
    give_up(NEW))]
#[case::it_never_boots_and_the_holder_does_not_come_to_serve_again(
    rebalanced().release(&[OLD], ReleaseState::ResumeFailed { at: ago(59), times: 3 }).launched_ago(NEW, 601), give_up(NEW))]
#[case::it_is_slow_and_the_holder_does_not_come_to_serve_again(
    rebalanced().release(&[OLD], ReleaseState::ResumeFailed { at: ago(59), times: 3 }).launched_ago(NEW, 600), booted())]
#[case::it_never_boots_and_the_holder_is_asked_to_serve_again(
    rebalanced().release(&[OLD], ReleaseState::ResumeFailed { at: ago(60), times: 3 }).launched_ago(NEW, 601), resume())]
#[case::its_hook_has_not_begun(
    rebalanced().lifecycle(NEW, PENDING).release(&[OLD], ReleaseState::NotStarted).launched_ago(NEW, 601), booted())]
#[case::nothing_is_known_of_agents(rebalanced().agents_unknown(ReleaseState::NotStarted).launched_ago(NEW, 7_000), booted())]
#[case::systems_manager_was_not_asked(rebalanced().unasked().launched_ago(NEW, 7_000), booted())]
#[case::neither_has_an_agent(
    rebalanced().release(&[], ReleaseState::NotStarted).launched_ago(NEW, 121), terminate(OLD))]
#[case::the_holder_had_one_a_moment_ago(
    rebalanced().release(&[], ReleaseState::NotStarted).booted(OLD).launched_ago(NEW, 300), booted())]
#[case::the_holder_had_one_and_a_person_has_to_know(
    rebalanced().release(&[], ReleaseState::NotStarted).booted(OLD).launched_ago(NEW, 301), neither_is_online())]
#[case::the_newcomer_had_one_a_moment_ago(
    rebalanced().release(&[], ReleaseState::NotStarted).booted(NEW).launched_ago(NEW, 121), booted())]
#[case::the_holder_has_to_go_anyway(
    replaced_early(600).release(&[OLD], ReleaseState::NotStarted).launched_ago(NEW, 121), release())]
#[case::the_holder_has_to_go_anyway_and_nothing_is_known_of_agents(
    replaced_early(100).agents_unknown(ReleaseState::NotStarted).launched_ago(NEW, 121),
    Step::Complete { instance: id(OLD), transition: Transition::Terminating, result: ActionResult::Continue })]
fn silence_takes_no_healthy_holder_down(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// Its image has an agent, which is not heard of for now: the holder serves, and a newcomer has to show that it can follow.
#[rstest]
#[case::it_boots(120, booted())]
#[case::it_is_slow(300, booted())]
#[case::a_person_has_to_know(301, neither_is_online())]
#[case::a_person_has_had_the_time_to_know(600, neither_is_online())]
#[case::it_never_boots(601, give_up(NEW))]
fn a_holder_whose_agent_is_lost_does_not_go_because_of_silence(#[case] launched: u64, #[case] expected: Step) {
    let silent = |state| rebalanced().release(&[], state).agent_lost(OLD).launched_ago(NEW, launched);
    for state in [ReleaseState::NotStarted, ReleaseState::Marked, ReleaseState::Undelivered { at: ago(90) }] {
        assert_eq!(next_step(&silent(state).seen(), now()), expected);
    }
    let in_service =
        silent(ReleaseState::NotStarted).lifecycle(NEW, Lifecycle::InService).lifecycle(OLD, Lifecycle::Standby);
    let ended = Step::EndSpare { instance: id(NEW), number: Number::Stays };
    assert_eq!(next_step(&in_service.seen(), now()), if expected == give_up(NEW) { ended } else { expected });
}

/// EC2 takes it: a run that went home would not be there when the newcomer runs.
#[test]
fn nobody_stops_at_silence_beside_a_deadline() {
    let taken = replaced_early(30).state(NEW, InstanceState::Pending).launched_ago(NEW, 400);
    let silent = taken.release(&[], ReleaseState::NotStarted).agent_lost(OLD);
    assert_eq!(next_step(&silent.seen(), now()), wait(WaitFor::Running { successor: id(NEW) }));
}

#[rstest]
#[case::its_newcomer_is_online(
    rebalanced().release(&[NEW], ReleaseState::NotStarted).agent_lost(OLD), terminate(OLD))]
#[case::its_group_ends_it(
    replaced_early(600).release(&[], ReleaseState::NotStarted).agent_lost(OLD).launched_ago(NEW, 121),
    Step::Complete { instance: id(OLD), transition: Transition::Terminating, result: ActionResult::Continue })]
#[case::its_newcomer_was_online_and_it_never_was(
    rebalanced().release(&[], ReleaseState::NotStarted).agent_lost(NEW).launched_ago(NEW, 121), booted())]
#[case::it_has_let_go_and_nobody_follows(healthy().release(&[], let_go_ago(60)).agent_lost(OLD), replace())]
fn an_agent_that_is_lost_says_that_the_image_has_one(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// What would come in the way of the successor is found out before anything is done to the holder, unless it goes anyway.
#[rstest]
#[case::another_zone(rebalanced().zone(NEW, "eu-central-1b"))]
#[case::another_device(rebalanced().device_taken(NEW))]
#[case::a_missing_tag(rebalanced().undeclared(NEW))]
#[case::a_disabled_key(rebalanced().key(KeyProblem::Disabled))]
#[case::three_are_wanted(rebalanced().desired(3))]
#[case::three_are_wanted_and_in_service(
    rebalanced().desired(3).lifecycle(NEW, Lifecycle::InService)
        .instance(NEWEST, Lifecycle::InService, InstanceState::Running))]
fn a_holder_that_has_to_go_lets_go_in_order_whatever_comes_after(#[case] mistaken: Situation) {
    assert!(matches!(next_step(&mistaken.seen(), now()), Step::Blocked(_)));
    let warned = |seconds| mistaken.clone().at_risk(OLD, RiskReason::Interruption, Some(in_s(seconds))).seen();
    assert_eq!(next_step(&warned(41), now()), replacement());
    assert_eq!(next_step(&warned(40), now()), release());
    let held = mistaken.clone().lifecycle(OLD, TERMINATING_WAIT).at_risk(OLD, RiskReason::Terminating, Some(in_s(30)));
    assert_eq!(next_step(&held.seen(), now()), release());
    let stopped = mistaken.stops_at(OLD, in_s(300));
    assert_eq!(next_step(&stopped.seen(), now()), release());
}

/// EC2 may never leave these states.
#[rstest]
#[case::it_leaves(rebalanced().held_by(OLD, AttachmentState::Detaching).release(&[OLD, NEW], let_go_ago(120)), detached())]
#[case::it_never_leaves(
    rebalanced().held_by(OLD, AttachmentState::Detaching).release(&[OLD, NEW], let_go_ago(121)), terminate(OLD))]
#[case::it_never_leaves_and_the_group_is_ending_the_holder(
    replaced_early(100).held_by(OLD, AttachmentState::Detaching).release(&[OLD, NEW], let_go_ago(121)),
    Step::Complete { instance: id(OLD), transition: Transition::Terminating, result: ActionResult::Continue })]
#[case::it_was_asked_again_and_leaves(
    rebalanced().held_by(OLD, AttachmentState::Detaching)
        .release(&[OLD, NEW], ReleaseState::Released { at: ago(3) }), detached())]
#[case::a_person_detached_it_and_it_is_mounted(
    rebalanced().held_by(OLD, AttachmentState::Detaching).release(&[OLD, NEW], ReleaseState::NotStarted), release())]
#[case::a_person_detached_it_and_the_holder_stays(
    healthy().held_by(OLD, AttachmentState::Detaching).release(&[OLD], ReleaseState::NotStarted), detached())]
#[case::it_never_leaves_and_the_holder_stays(
    healthy().held_by(OLD, AttachmentState::Detaching).release(&[OLD], let_go_ago(121)), replace())]
#[case::it_arrives(
    taken_over().held_by(NEW, AttachmentState::Attaching).record_names(NEW).attached_ago(120),
    wait(WaitFor::Attached { successor: id(NEW) }))]
#[case::it_never_arrives(
    taken_over().held_by(NEW, AttachmentState::Attaching).record_names(NEW).attached_ago(121), give_up(NEW))]
#[case::it_never_arrives_at_an_instance_in_service(
    healthy().held_by(OLD, AttachmentState::Attaching).attached_ago(121), replace())]
#[case::it_never_arrives_at_the_last_one(
    rebalanced().held_by(OLD, AttachmentState::Attaching).attached_ago(121), terminate(OLD))]
fn a_volume_that_is_stuck_is_freed_by_ending_an_instance(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

#[rstest]
#[case::it_is_asked_again_in_a_moment(100, 4, replacement())]
#[case::it_is_asked_again(100, 5, replace())]
#[case::but_the_release_does_not_wait(40, 4, release())]
fn a_group_that_is_at_something_else_delays_no_release(
    #[case] seconds: u64,
    #[case] refused: u64,
    #[case] expected: Step,
) {
    assert_eq!(next_step(&interrupted(seconds).replacement_asked_ago(refused).seen(), now()), expected);
}

/// Neither the volume nor the launch action waits for the record.
#[rstest]
#[case(Record::Foreign("an alias".into()))]
#[case(Record::Unavailable(RecordProblem::NoSuchZone))]
#[case(Record::Unavailable(RecordProblem::ZoneNotAllowed))]
#[case(Record::Unavailable(RecordProblem::Refused("no".into())))]
#[case(Record::Unavailable(RecordProblem::Unanswered("Throttling".into())))]
fn the_volume_moves_whatever_becomes_of_the_record(#[case] record: Record) {
    let step = |situation: Situation| next_step(&situation.record(record.clone()).seen(), now());
    assert_eq!(step(rebalanced()), release());
    assert_eq!(step(rebalanced().release(&[OLD, NEW], let_go_just_now())), detach());
    assert_eq!(step(replaced().without(OLD).free()), Step::Attach { successor: id(NEW) });
    let launched =
        Step::Complete { instance: id(NEW), transition: Transition::Launching, result: ActionResult::Continue };
    assert_eq!(step(taken_over()), launched);
    let reported = step(taken_over().completed(NEW, Transition::Launching));
    assert!(matches!(reported, Step::Blocked(_) | Step::Done(Done::ServesWithoutRecord { .. })), "{reported:?}");
    let ended =
        Step::Complete { instance: id(NEW), transition: Transition::Terminating, result: ActionResult::Continue };
    assert_eq!(step(healthy().instance(NEW, TERMINATING_WAIT, InstanceState::Dead)), ended);
}

/// It let go in this boot, and was given the volume again: it mounts nothing, and does not serve until it is asked to.
fn left_behind(situation: Situation) -> Situation {
    situation.release(&[OLD], ReleaseState::Marked)
}

fn ending(left: u64) -> Situation {
    rebalanced().lifecycle(OLD, TERMINATING_WAIT).at_risk(OLD, RiskReason::Terminating, Some(in_s(left)))
}

#[rstest]
#[case::it_is_in_service(healthy())]
#[case::it_is_in_its_hook(healthy().lifecycle(OLD, PENDING_WAIT))]
#[case::it_is_through_its_hook(healthy().lifecycle(OLD, PENDING_WAIT).completed(OLD, Transition::Launching))]
#[case::it_is_set_aside(healthy().lifecycle(OLD, Lifecycle::Standby))]
#[case::its_host_retires(healthy().at_risk(OLD, RiskReason::Retirement, None).desired(2))]
#[case::its_newcomer_boots(rebalanced())]
#[case::its_newcomer_starts(rebalanced().state(NEW, InstanceState::Pending))]
#[case::its_newcomer_is_silent(rebalanced().launched_ago(NEW, 601))]
#[case::its_newcomer_cannot_take_over(rebalanced().device_taken(NEW))]
#[case::its_group_ends_it_and_its_newcomer_boots(ending(281))]
#[case::its_group_ends_it_and_nobody_follows(ending(281).without(NEW))]
#[case::its_group_ends_it_and_its_newcomer_cannot_take_over(ending(281).zone(NEW, "eu-central-1b"))]
#[case::ec2_stops_it_in_a_while(rebalanced().stops_at(OLD, in_s(581)))]
#[case::three_are_wanted(rebalanced().desired(3))]
fn a_holder_that_let_go_before_it_was_given_the_volume_is_asked_to_serve(#[case] situation: Situation) {
    assert_eq!(next_step(&left_behind(situation).seen(), now()), resume());
}

/// To serve again may take four minutes, in which it is not asked to let go.
#[rstest]
#[case::its_group_ends_it_soon(ending(280), booted())]
#[case::ec2_stops_it_soon(rebalanced().stops_at(OLD, in_s(580)), booted())]
#[case::ec2_takes_it(replaced_early(119), booted())]
#[case::ec2_takes_it_in_a_moment(replaced_early(40), release())]
#[case::its_volume_leaves(rebalanced().held_by(OLD, AttachmentState::Detaching), booted())]
fn it_is_not_asked_to_serve_for_a_moment(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&left_behind(situation).seen(), now()), expected);
}

/// It may have been rebooted, and serve: a newcomer has to say that it can take over.
#[test]
fn a_holder_that_may_serve_waits_for_its_newcomers_word() {
    let booted = rebalanced().release(&[OLD, NEW], ReleaseState::Marked);
    assert_eq!(next_step(&booted.seen(), now()), release());
    let unasked = booted.says(NEW, Question::Prepared, Word::NotAsked);
    assert_eq!(next_step(&unasked.seen(), now()), Step::Ask { instance: id(NEW), question: Question::Prepared });
}

/// As far as is known nobody serves meanwhile: one that has nothing to wait for would have answered by then.
#[rstest]
#[case::it_was_asked_a_moment_ago(rebalanced(), Word::Asked { since: ago(14) }, wait(WaitFor::Prepared { successor: id(NEW) }))]
#[case::it_does_not_answer(rebalanced(), Word::Asked { since: ago(15) }, resume())]
#[case::it_is_not_prepared_yet(rebalanced(), Word::NotYet { why: String::new() }, resume())]
#[case::it_is_prepared(rebalanced(), Word::Yes, release())]
#[case::its_group_ends_it_in_a_while(ending(281), Word::Asked { since: ago(15) }, resume())]
#[case::its_group_ends_it_soon(
    ending(280), Word::Asked { since: ago(15) }, wait(WaitFor::Prepared { successor: id(NEW) }))]
#[case::ec2_takes_it(replaced_early(119), Word::NotYet { why: String::new() }, ask(NEW))]
#[case::its_volume_leaves(
    rebalanced().held_by(OLD, AttachmentState::Detaching), Word::Asked { since: ago(15) },
    wait(WaitFor::Prepared { successor: id(NEW) }))]
fn a_holder_that_does_not_serve_does_not_wait_long_for_its_newcomers_word(
    #[case] situation: Situation,
    #[case] word: Word,
    #[case] expected: Step,
) {
    let situation = situation.release(&[OLD, NEW], ReleaseState::Marked).says(NEW, Question::Prepared, word);
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// It has the volume since a moment ago, and is to go again.
#[rstest]
#[case::first_it_takes_over(taken_over().record_names(NEW), 100,
    Step::Complete { instance: id(NEW), transition: Transition::Launching, result: ActionResult::Continue })]
#[case::then_it_goes_into_service(taken_over().record_names(NEW).completed(NEW, Transition::Launching), 100,
    wait(WaitFor::InService { holder: id(NEW) }))]
#[case::then_the_group_replaces_it(taken_over().record_names(NEW).lifecycle(NEW, Lifecycle::InService), 100,
    Step::Replace { holder: id(NEW) })]
#[case::there_is_no_time_for_that(taken_over().record_names(NEW).release(&[NEW], ReleaseState::NotStarted), 40,
    Step::Release { holder: id(NEW) })]
#[case::the_volume_is_still_on_its_way(
    taken_over().held_by(NEW, AttachmentState::Attaching).record_names(NEW), 40,
    wait(WaitFor::Attached { successor: id(NEW) }))]
#[case::nobody_would_follow(
    taken_over().record_names(NEW).lifecycle(NEW, Lifecycle::InService).launch_suspended()
        .release(&[NEW], ReleaseState::NotStarted), 100,
    wait(WaitFor::Replacement { holder: id(NEW) }))]
fn a_newcomer_that_is_warned_lets_go_in_order(
    #[case] situation: Situation,
    #[case] seconds: u64,
    #[case] expected: Step,
) {
    let warned = situation.at_risk(NEW, RiskReason::Interruption, Some(in_s(seconds)));
    assert_eq!(next_step(&warned.seen(), now()), expected);
}

/// Its replacement comes first: it would serve for a minute, and may take longer than that to come back.
#[rstest]
#[case::it_let_go_of_an_earlier_attachment(ReleaseState::Marked)]
#[case::it_let_go(let_go_ago(60))]
#[case::it_is_on_its_way_to_serve_again(ReleaseState::Resuming { since: ago(5) })]
#[case::it_does_not_come_to_serve_again(ReleaseState::ResumeFailed { at: ago(5), times: 1 })]
#[case::it_is_being_checked(still_resuming_ago(5))]
fn a_newcomer_that_is_warned_goes_into_service_though_it_does_not_serve(#[case] state: ReleaseState) {
    let newcomer = taken_over().record_names(NEW).release(&[NEW], state);
    let unwarned = next_step(&newcomer.seen(), now());
    assert!(matches!(unwarned, Step::Resume { .. } | Step::Wait(WaitFor::Resumed { .. })), "{unwarned:?}");
    let warned = newcomer.clone().at_risk(NEW, RiskReason::Interruption, Some(in_s(100)));
    let launched =
        Step::Complete { instance: id(NEW), transition: Transition::Launching, result: ActionResult::Continue };
    assert_eq!(next_step(&warned.seen(), now()), launched);
    let through = warned.clone().completed(NEW, Transition::Launching);
    assert_eq!(next_step(&through.seen(), now()), wait(WaitFor::InService { holder: id(NEW) }));
    let in_service = warned.lifecycle(NEW, Lifecycle::InService);
    assert_eq!(next_step(&in_service.seen(), now()), Step::Replace { holder: id(NEW) });
    let late = newcomer.at_risk(NEW, RiskReason::Interruption, Some(ago(60)));
    assert_eq!(next_step(&late.seen(), now()), launched);
}
