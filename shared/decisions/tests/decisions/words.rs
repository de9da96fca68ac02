//! What instances say of themselves, and what comes of it: before the hand-off, and after it.

use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{
    ActionResult, AttachmentState, Blocked, InstanceState, Lifecycle, Question, ReleaseState, Step, WaitFor, Word,
    next_step, word_matters,
};
use durin_decisions::risk::{Risk, RiskReason};
use rstest::rstest;

use crate::situation::*;

const UNFIT: &str = "there is no k3s.service: install k3s";

fn unfit() -> Word {
    Word::No { why: UNFIT.to_owned() }
}

fn not_yet() -> Word {
    Word::NotYet { why: "k3s does not answer".to_owned() }
}

fn absent() -> Word {
    Word::Absent { why: "there is no durin-node on this instance".to_owned() }
}

fn asked_ago(seconds: u64) -> Word {
    Word::Asked { since: ago(seconds) }
}

fn ask(instance: &str, question: Question) -> Step {
    Step::Ask { instance: id(instance), question }
}

fn release() -> Step {
    Step::Release { holder: id(OLD) }
}

fn awaits_word() -> Step {
    Step::Wait(WaitFor::Prepared { successor: id(NEW) })
}

fn launched(instance: &str, result: ActionResult) -> Step {
    Step::Complete { instance: id(instance), transition: Transition::Launching, result }
}

fn is_unfit() -> Step {
    let group = durin_decisions::ids::GroupName::new("k3s").expect("a group");
    Step::Blocked(Blocked::Unfit { group, newcomer: id(NEW), why: UNFIT.to_owned() })
}

/// The newcomer has booted beside a healthy holder.
fn says(word: Word) -> Situation {
    rebalanced().says(NEW, Question::Prepared, word)
}

#[rstest]
#[case::nobody_has_asked_it(says(Word::NotAsked), ask(NEW, Question::Prepared))]
#[case::asked_a_moment_ago(says(asked_ago(1)), awaits_word())]
#[case::asked_as_long_ago_as_it_may_take(says(asked_ago(159)).launched_ago(NEW, 601), awaits_word())]
#[case::it_has_had_its_time(says(asked_ago(160)), awaits_word())]
#[case::it_has_had_its_time_and_that_of_a_boot(
    says(asked_ago(160)).launched_ago(NEW, 601), launched(NEW, ActionResult::Abandon))]
#[case::it_is_prepared(says(Word::Yes), release())]
#[case::it_is_not_prepared_yet(says(not_yet()), ask(NEW, Question::Prepared))]
#[case::it_is_not_for_as_long_as_a_boot_may_take(
    says(not_yet()).launched_ago(NEW, 601), launched(NEW, ActionResult::Abandon))]
#[case::it_has_no_program(says(absent()), release())]
#[case::the_holder_cannot_be_asked_to_let_go(
    says(Word::NotAsked).release(&[NEW], ReleaseState::NotStarted), ask(NEW, Question::Prepared))]
#[case::such_a_holder_ends_for_one_that_is_prepared(
    says(Word::Yes).release(&[NEW], ReleaseState::NotStarted), Step::Terminate { holder: id(OLD) })]
#[case::its_agent_is_not_online(
    says(Word::NotAsked).release(&[OLD], ReleaseState::NotStarted),
    Step::Wait(WaitFor::Booted { successor: id(NEW) }))]
#[case::nobody_has_an_agent(
    says(Word::NotAsked).release(&[], ReleaseState::NotStarted).launched_ago(NEW, 121),
    Step::Terminate { holder: id(OLD) })]
fn a_healthy_holder_waits_for_its_successors_word(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

#[rstest]
#[case::it_serves_on(says(unfit()), is_unfit())]
#[case::it_has_let_go_and_takes_it_back(
    says(unfit()).release(&[OLD, NEW], let_go_ago(31)), Step::Resume { holder: id(OLD) })]
#[case::for_ten_minutes(says(unfit()).launched_ago(NEW, 600), is_unfit())]
#[case::and_then_another_may_be_launched(
    says(unfit()).launched_ago(NEW, 601), launched(NEW, ActionResult::Abandon))]
#[case::one_beside_it_is_fit(
    says(unfit()).instance(NEWEST, PENDING_WAIT, InstanceState::Running)
        .release(&[OLD, NEW, NEWEST], ReleaseState::NotStarted), release())]
#[case::its_group_ends_the_holder_which_is_held(
    says(unfit()).lifecycle(OLD, TERMINATING_WAIT),
    Step::Mark { instance: id(OLD), risk: Risk { reason: RiskReason::Terminating, until: Some(in_s(540)) } })]
#[case::and_serves_on(
    says(unfit()).lifecycle(OLD, TERMINATING_WAIT).at_risk(OLD, RiskReason::Terminating, Some(in_s(223))), is_unfit())]
#[case::a_run_stays_that_sees_it_go(
    says(unfit()).lifecycle(OLD, TERMINATING_WAIT).at_risk(OLD, RiskReason::Terminating, Some(in_s(222))),
    Step::Wait(WaitFor::Replacement { holder: id(OLD) }))]
#[case::until_its_hook_runs_out(
    says(unfit()).lifecycle(OLD, TERMINATING_WAIT).at_risk(OLD, RiskReason::Terminating, Some(in_s(40))), release())]
fn a_newcomer_that_is_not_fit_replaces_nobody(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

fn cannot_answer() -> Step {
    let group = durin_decisions::ids::GroupName::new("k3s").expect("a group");
    let why = "there is no durin-node on this instance".to_owned();
    Step::Blocked(Blocked::CannotAnswer { group, newcomer: id(NEW), holder: id(OLD), why })
}

/// The holder can be asked, so its successor has to be, too: its image is another.
#[rstest]
#[case::it_serves_on(says(absent()), cannot_answer())]
#[case::for_ten_minutes(says(absent()).launched_ago(NEW, 600), cannot_answer())]
#[case::and_then_another_may_be_launched(
    says(absent()).launched_ago(NEW, 601), launched(NEW, ActionResult::Abandon))]
#[case::one_beside_it_can_be_asked(
    says(absent()).instance(NEWEST, PENDING_WAIT, InstanceState::Running)
        .release(&[OLD, NEW, NEWEST], ReleaseState::NotStarted), release())]
#[case::it_has_let_go_and_takes_it_back(
    says(absent()).release(&[OLD, NEW], let_go_ago(31)), Step::Resume { holder: id(OLD) })]
#[case::its_host_retires_some_day(
    says(absent()).desired(2).at_risk(OLD, RiskReason::Retirement, None), cannot_answer())]
#[case::ec2_recommends_to_leave_it(says(absent()).at_risk(OLD, RiskReason::Rebalance, None), cannot_answer())]
#[case::it_is_set_aside(says(absent()).lifecycle(OLD, Lifecycle::Standby), cannot_answer())]
// What has to go anyway goes as if neither could be asked.
#[case::its_group_ends_it(says(absent()).lifecycle(OLD, TERMINATING_WAIT), release())]
#[case::ec2_takes_it(says(absent()).at_risk(OLD, RiskReason::Interruption, Some(in_s(100))), release())]
#[case::ec2_takes_it_at_any_moment(says(absent()).at_risk(OLD, RiskReason::Interruption, None), release())]
#[case::ec2_stops_it_soon(says(absent()).stops_at(OLD, in_s(800)), release())]
#[case::it_is_dead(says(absent()).state(OLD, InstanceState::Dead), Step::Wait(WaitFor::HolderGone { holder: id(OLD) }))]
#[case::the_volume_is_free(says(absent()).free().unasked(), Step::Attach { successor: id(NEW) })]
fn a_newcomer_that_cannot_be_asked_replaces_no_holder_that_can(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.has_answered(OLD).seen(), now()), expected);
}

/// Neither its own answers nor those of the instance that had the volume before it say anything of the holder.
#[rstest]
#[case::of_the_newcomer(NEW)]
#[case::of_another(NEWEST)]
fn only_the_holders_own_answers_count(#[case] has_answered: &str) {
    assert_eq!(next_step(&says(absent()).has_answered(has_answered).seen(), now()), release());
}

fn pressed(seconds: u64, word: Word) -> Situation {
    replaced_early(seconds).says(NEW, Question::Prepared, word)
}

/// EC2 takes the holder: then it lets go in time whatever its successor says, and the volume goes to whoever is there.
#[rstest]
#[case::not_asked(pressed(100, Word::NotAsked), ask(NEW, Question::Prepared))]
#[case::asked(pressed(100, asked_ago(1)), awaits_word())]
#[case::prepared(pressed(100, Word::Yes), release())]
#[case::not_prepared_yet(pressed(100, not_yet()).launched_ago(NEW, 601), ask(NEW, Question::Prepared))]
#[case::not_fit(pressed(100, unfit()), Step::Wait(WaitFor::Replacement { holder: id(OLD) }))]
#[case::no_time_is_left_and_it_was_not_asked(pressed(40, Word::NotAsked), release())]
#[case::no_time_is_left_and_it_has_not_answered(pressed(40, asked_ago(1)), release())]
#[case::no_time_is_left_and_it_is_not_fit(pressed(40, unfit()), release())]
#[case::the_holder_has_let_go_for_one_that_is_not_fit(
    pressed(30, unfit()).release(&[OLD, NEW], let_go_just_now()), Step::Detach { holder: id(OLD) })]
#[case::the_volume_is_free(
    pressed(30, unfit()).free().unasked(), Step::Attach { successor: id(NEW) })]
fn a_deadline_leaves_no_choice(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// It was given the volume so many seconds ago, and its agent is online.
fn has_it(seconds: u64, word: Word) -> Situation {
    taken_over().record_names(NEW).attached_ago(seconds).launched_ago(NEW, seconds + 40).booted(NEW).says(
        NEW,
        Question::Serves,
        word,
    )
}

fn is_let_in() -> Step {
    launched(NEW, ActionResult::Continue)
}

fn awaits_k3s() -> Step {
    Step::Wait(WaitFor::Serves { holder: id(NEW) })
}

#[rstest]
#[case::nobody_has_asked_it(has_it(2, Word::NotAsked), ask(NEW, Question::Serves))]
#[case::the_volume_is_on_its_way(
    has_it(2, Word::NotAsked).held_by(NEW, AttachmentState::Attaching), ask(NEW, Question::Serves))]
#[case::asked(has_it(9, asked_ago(5)), awaits_k3s())]
#[case::asked_while_the_volume_is_on_its_way(
    has_it(2, asked_ago(1)).held_by(NEW, AttachmentState::Attaching), awaits_k3s())]
#[case::it_serves(has_it(20, Word::Yes), is_let_in())]
#[case::not_yet(has_it(130, not_yet()), ask(NEW, Question::Serves))]
#[case::it_has_had_its_time(has_it(241, not_yet()), is_let_in())]
#[case::it_has_had_its_time_and_says_nothing(has_it(241, asked_ago(100)), is_let_in())]
#[case::its_time_is_not_over(has_it(240, asked_ago(100)), awaits_k3s())]
#[case::it_has_no_program(has_it(2, absent()), is_let_in())]
#[case::it_has_released_the_volume(has_it(60, unfit()), launched(NEW, ActionResult::Abandon))]
#[case::it_has_released_the_volume_long_after(has_it(300, unfit()), launched(NEW, ActionResult::Abandon))]
fn a_successor_goes_into_service_on_its_own_word(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// Nothing has been heard of its agent.
fn is_silent(launched: u64, attached: u64) -> Situation {
    taken_over().record_names(NEW).attached_ago(attached).launched_ago(NEW, launched).says(
        NEW,
        Question::Serves,
        Word::NotAsked,
    )
}

#[rstest]
#[case::it_boots(is_silent(20, 5), Step::Wait(WaitFor::Booted { successor: id(NEW) }))]
#[case::it_has_booted_long_ago_and_was_given_the_volume_just_now(
    is_silent(500, 120), Step::Wait(WaitFor::Booted { successor: id(NEW) }))]
#[case::two_minutes_later(is_silent(500, 121), is_let_in())]
#[case::launched_after_that(is_silent(121, 300), is_let_in())]
// EC2 takes it: only what is in service is replaced before it ends.
#[case::interrupted(
    is_silent(20, 5).at_risk(NEW, RiskReason::Interruption, Some(in_s(100))), is_let_in())]
fn a_successor_without_an_agent_goes_into_service_without_its_word(
    #[case] situation: Situation,
    #[case] expected: Step,
) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// Only a launch action waits for the word: silence replaces no holder.
#[rstest]
fn who_is_in_service_stays_whatever_it_says(#[values(Word::NotAsked, not_yet(), absent(), unfit())] word: Word) {
    let situation = has_it(500, word).lifecycle(NEW, Lifecycle::InService);
    assert!(matches!(next_step(&situation.seen(), now()), Step::Done(_)));
}

/// Each answer costs a call or more.
#[rstest]
#[case::beside_a_holder_that_serves(rebalanced().booted(NEW), Some((NEW, Question::Prepared)))]
#[case::it_has_not_booted(rebalanced().release(&[OLD], ReleaseState::NotStarted), None)]
#[case::the_holder_lets_go(
    rebalanced().booted(NEW).release(&[OLD, NEW], ReleaseState::Running { since: ago(2) }), None)]
#[case::the_holder_has_let_go(rebalanced().booted(NEW).release(&[OLD, NEW], let_go_just_now()), None)]
#[case::the_holder_is_dead(replaced().booted(NEW), None)]
#[case::the_record_has_to_follow_first(taken_over(), None)]
#[case::it_has_the_volume_and_the_record(taken_over().record_names(NEW), Some((NEW, Question::Serves)))]
#[case::it_is_in_service(taken_over().record_names(NEW).lifecycle(NEW, Lifecycle::InService), None)]
#[case::all_is_well(healthy(), None)]
fn a_word_is_asked_for_only_when_the_next_step_hangs_on_it(
    #[case] situation: Situation,
    #[case] expected: Option<(&str, Question)>,
) {
    assert_eq!(word_matters(&situation.seen(), now()), expected.map(|(instance, question)| (id(instance), question)));
}
