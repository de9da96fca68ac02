//! Before the instance is ended that the holder has taken over from, the holder says that it serves.

use durin_decisions::node::{
    AttachmentState, Blocked, InstanceState, Lifecycle, Number, Question, Step, WaitFor, Word, next_step, word_matters,
};
use durin_decisions::risk::RiskReason;
use rstest::rstest;

use crate::situation::*;

/// The host of the old one retires some day, and the new one has taken over from it and is in service.
fn has_taken_over(word: Word) -> Situation {
    healthy()
        .at_risk(OLD, RiskReason::Retirement, None)
        .launched_ago(OLD, 90_000)
        .desired(2)
        .at_least(1)
        .instance(NEW, Lifecycle::InService, InstanceState::Running)
        .launched_ago(NEW, 400)
        .held_by(NEW, AttachmentState::Attached)
        .attached_ago(241)
        .record_names(NEW)
        .booted(NEW)
        .says(NEW, Question::Serves, word)
}

fn not_yet() -> Word {
    Word::NotYet { why: "k3s does not answer".to_owned() }
}

fn end() -> Step {
    Step::EndSpare { instance: id(OLD), number: Number::Falls }
}

fn ask() -> Step {
    Step::Ask { instance: id(NEW), question: Question::Serves }
}

fn told() -> Step {
    let (group, holder, spare) = (healthy().seen().declaration.group, id(NEW), id(OLD));
    Step::Blocked(Blocked::NotKnownToServe { group, holder, spare })
}

#[rstest]
#[case::it_serves(has_taken_over(Word::Yes), end())]
#[case::it_cannot_be_asked(has_taken_over(Word::Absent { why: String::new() }), end())]
#[case::it_was_not_asked(has_taken_over(Word::NotAsked), ask())]
#[case::it_was_asked(has_taken_over(Word::Asked { since: ago(159) }), Step::Wait(WaitFor::Serves { holder: id(NEW) }))]
#[case::it_does_not_answer(has_taken_over(Word::Asked { since: ago(160) }), told())]
#[case::it_does_not_serve(has_taken_over(not_yet()), told())]
#[case::it_says_that_it_has_let_go(has_taken_over(Word::No { why: String::new() }), told())]
#[case::it_has_no_agent(unheard(121), told())]
// Then the other could not serve in its place.
#[case::the_other_was_launched_later(has_taken_over(not_yet()).launched_ago(OLD, 300), end())]
#[case::ec2_takes_the_other(has_taken_over(not_yet()).at_risk(OLD, RiskReason::Interruption, Some(in_s(90))), end())]
#[case::the_other_is_stopped(has_taken_over(not_yet()).state(OLD, InstanceState::Stopped), end())]
#[case::the_other_is_in_another_zone(has_taken_over(not_yet()).zone(OLD, "eu-central-1b"), end())]
#[case::the_other_has_not_come_into_service(has_taken_over(not_yet()).lifecycle(OLD, PENDING), end())]
fn one_that_could_serve_is_not_ended_for_one_that_is_not_known_to(
    #[case] situation: Situation,
    #[case] expected: Step,
) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// Nothing has been heard of its agent since it was given the volume.
fn unheard(seconds: u64) -> Situation {
    has_taken_over(Word::NotAsked).attached_ago(seconds).unheard_of(NEW)
}

/// Each answer costs a call or more.
#[rstest]
#[case::beside_the_one_before(has_taken_over(Word::NotAsked), true)]
#[case::beside_one_that_could_not_serve(has_taken_over(Word::NotAsked).state(OLD, InstanceState::Dead), false)]
#[case::one_is_asked_for(has_taken_over(Word::NotAsked).desired(1), false)]
#[case::the_record_has_to_follow_first(has_taken_over(Word::NotAsked).record_names(OLD), false)]
fn its_word_matters_when_the_one_before_would_be_ended(#[case] situation: Situation, #[case] matters: bool) {
    let expected = matters.then(|| (id(NEW), Question::Serves));
    assert_eq!(word_matters(&situation.seen(), now()), expected);
}
