//! A newcomer after another that ended without taking over.

use durin_decisions::node::{
    ActionResult, Blocked, Done, InstanceState, Lifecycle, Question, ReleaseState, Standstill, Step, WaitFor, Word,
    next_step,
};
use durin_decisions::risk::RiskReason;
use rstest::rstest;

use crate::situation::*;

/// The old one serves; the new one has been given up, and the newest has been silent for longer than a boot takes.
fn again() -> Situation {
    healthy()
        .launched_ago(OLD, 90_100)
        .attached_ago(90_000)
        .instance(NEW, TERMINATING, InstanceState::Dead)
        .launched_ago(NEW, 1_000)
        .instance(NEWEST, PENDING_WAIT, InstanceState::Running)
        .launched_ago(NEWEST, 301)
        .release(&[OLD], ReleaseState::NotStarted)
}

/// Its agent is online, and it has been asked.
fn says(word: Word) -> Situation {
    again().release(&[OLD, NEWEST], ReleaseState::NotStarted).says(NEWEST, Question::Prepared, word)
}

fn told() -> Step {
    let (group, holder, newcomer) = (healthy().seen().declaration.group, id(OLD), id(NEW));
    Step::Blocked(Blocked::FollowedInVain { group, holder, newcomer })
}

fn booted() -> Step {
    Step::Wait(WaitFor::Booted { successor: id(NEWEST) })
}

fn given_up() -> Step {
    let transition = durin_decisions::lifecycle::Transition::Launching;
    Step::Complete { instance: id(NEWEST), transition, result: ActionResult::Abandon }
}

#[rstest]
#[case::it_may_still_boot(again().launched_ago(NEWEST, 300), booted())]
#[case::it_is_silent_too(again(), told())]
#[case::it_has_had_its_time(again().launched_ago(NEWEST, 601), given_up())]
#[case::the_one_before_is_only_ending(again().state(NEW, InstanceState::Running), told())]
#[case::it_was_taken_before_it_could_be_given_up(again().launched_ago(NEW, 599), booted())]
#[case::and_never_had_the_volume(again().launched_ago(NEW, 500).attached_ago(500), booted())]
#[case::the_volume_has_come_back_since(again().launched_ago(NEW, 500).attached_ago(499), told())]
#[case::it_was_there_before_the_holder(again().launched_ago(OLD, 1_000).attached_ago(999), booted())]
#[case::the_one_before_has_not_ended(again().lifecycle(NEW, PENDING).state(NEW, InstanceState::Running), booted_first())]
#[case::it_was_asked_and_does_not_answer(says(Word::Asked { since: ago(20) }), told())]
#[case::it_is_asked_again(
    says(Word::NotYet { why: String::new() }), Step::Ask { instance: id(NEWEST), question: Question::Prepared })]
#[case::it_is_prepared(says(Word::Yes), Step::Release { holder: id(OLD) })]
#[case::the_holder_has_a_deadline(again().at_risk(OLD, RiskReason::Interruption, Some(in_s(100))), follows())]
#[case::the_holder_does_not_serve(
    again().release(&[OLD], ReleaseState::ResumeFailed { at: ago(30), times: 1 }), booted())]
#[case::systems_manager_does_not_answer(again().agents_unknown(ReleaseState::NotStarted), booted())]
fn a_person_hears_of_newcomers_that_are_silent_one_after_the_other(
    #[case] situation: Situation,
    #[case] expected: Step,
) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// Of two that are launched at once the older is waited for; it has been silent for too long.
fn booted_first() -> Step {
    Step::Wait(WaitFor::Booted { successor: id(NEW) })
}

/// It is old enough to be taken as booted beside a holder that has to go.
fn follows() -> Step {
    Step::Release { holder: id(OLD) }
}

const OTHERS: [&str; 3] = [NEW, NEWEST, "i-00000000000000004"];

/// Nobody is there but the old one, and those have ended that were launched so many seconds ago.
fn ended(launched: [u64; 3]) -> Situation {
    let serves = healthy().launched_ago(OLD, 90_000).attached_ago(80_000);
    OTHERS.iter().zip(launched).fold(serves, |situation, (id, ago)| {
        situation.instance(id, TERMINATING, InstanceState::Dead).launched_ago(id, ago)
    })
}

/// They die at their boot, or EC2 takes them.
#[rstest]
#[case::three_within_an_hour(ended([100, 200, 3_599]), Some(OTHERS[2]))]
#[case::three_within_more(ended([100, 200, 3_600]), None)]
#[case::its_group_has_forgotten_them(OTHERS.iter().fold(ended([100, 200, 300]), |it, id| it.not_a_member(id)), Some(OTHERS[2]))]
#[case::one_is_older_than_the_holder(ended([100, 200, 300]).launched_ago(OLD, 300), None)]
#[case::one_is_another_groups(ended([100, 200, 300]).not_a_member(NEW).stranger(NEW), None)]
#[case::one_serves_beside_it(
    ended([100, 200, 300]).lifecycle(NEW, Lifecycle::Standby).state(NEW, InstanceState::Running), None)]
fn a_person_hears_of_newcomers_that_end_one_after_the_other(#[case] situation: Situation, #[case] told: Option<&str>) {
    let (group, holder) = (healthy().seen().declaration.group, id(OLD));
    let expected = match told {
        Some(newcomer) => Step::Blocked(Blocked::FollowedInVain { group, holder, newcomer: id(newcomer) }),
        None => Step::Done(Done::Serves { holder }),
    };
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// Beside a host that retires the group is asked for two, and launches as many.
#[rstest]
#[case::two_have_ended(ended([100, 200, 300]).without(NEW), Step::LaunchFirst { holder: id(OLD) })]
#[case::three_have_ended(ended([100, 200, 300]), ended_in_vain())]
#[case::three_have_ended_and_two_are_asked_for(
    ended([100, 200, 300]).desired(2), Step::RestoreCapacity { holder: id(OLD) })]
#[case::an_hour_has_passed_since_the_first(ended([100, 200, 3_600]).without(NEW), Step::LaunchFirst { holder: id(OLD) })]
fn no_fourth_newcomer_is_launched_first_within_an_hour(#[case] situation: Situation, #[case] expected: Step) {
    let retired = situation.at_risk(OLD, RiskReason::Retirement, None).at_least(1);
    assert_eq!(next_step(&retired.seen(), now()), expected);
}

fn ended_in_vain() -> Step {
    let (group, holder, newcomer) = (healthy().seen().declaration.group, id(OLD), id(OTHERS[2]));
    Step::Blocked(Blocked::FollowedInVain { group, holder, newcomer })
}

/// A newcomer waits, and Systems Manager gives no answer: it has not said anything for so many seconds.
fn unheard(seconds: u64) -> Situation {
    again().without(NEW).agents_unknown(ReleaseState::NotStarted).silent_for(seconds)
}

fn nothing_is_heard() -> Step {
    let (group, holder, newcomer) = (healthy().seen().declaration.group, id(OLD), id(NEWEST));
    Step::Blocked(Blocked::NothingIsHeard { group, holder, newcomer })
}

#[rstest]
#[case::for_a_minute(unheard(61), nothing_is_heard())]
#[case::for_a_moment(unheard(60), booted())]
#[case::it_may_still_boot(unheard(61).launched_ago(NEWEST, 300), booted())]
#[case::it_is_not_given_up_for_that(unheard(61).launched_ago(NEWEST, 800), nothing_is_heard())]
#[case::a_host_retires(unheard(61).at_risk(OLD, RiskReason::Retirement, None).desired(2), nothing_is_heard())]
#[case::the_holder_has_a_deadline(unheard(61).at_risk(OLD, RiskReason::Interruption, Some(in_s(100))), booted_or_not())]
#[case::nobody_follows(
    unheard(61).without(NEWEST), Step::Done(Done::Serves { holder: id(OLD) }))]
fn a_person_hears_that_systems_manager_is_silent_while_a_newcomer_waits(
    #[case] situation: Situation,
    #[case] expected: Step,
) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// By its age, it has booted; and the holder that cannot be asked serves to the last moment.
fn booted_or_not() -> Step {
    Step::Terminate { holder: id(OLD) }
}

/// One answer is enough, and so is it that nothing has to be asked.
#[test]
fn silence_ends_with_an_answer() {
    let mut standstill = Standstill::default();
    let mut since = |situation: Situation, seconds: u64| {
        let mut seen = situation.seen();
        standstill.note_silence(&mut seen, in_s(seconds));
        seen.silent_since
    };
    let silent = || rebalanced().agents_unknown(ReleaseState::NotStarted);
    assert_eq!(since(rebalanced(), 0), None);
    assert_eq!(since(silent(), 1), Some(in_s(1)));
    assert_eq!(since(silent(), 2), Some(in_s(1)));
    assert_eq!(since(rebalanced(), 3), None);
    assert_eq!(since(silent(), 4), Some(in_s(4)));
    assert_eq!(since(silent().unasked(), 5), None);
    // Nobody has asked about the agents of one that stays.
    assert_eq!(since(healthy().agents_unknown(ReleaseState::NotStarted), 6), None);
    assert_eq!(since(silent(), 70), Some(in_s(70)));
}
