//! How a living holder goes, at the very second at which that changes.

use std::time::{Duration, SystemTime};

use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{
    AttachmentState, Done, InstanceState, Lifecycle, Question, RUN_LASTS, ReleaseState, Step, WaitFor, Word,
    if_unmarked, least_heartbeat, next_step, release_matters, word_matters,
};
use durin_decisions::risk::{Risk, RiskReason};
use rstest::rstest;

use crate::situation::*;

fn seconds_ago(seconds: u64) -> SystemTime {
    now() - Duration::from_secs(seconds)
}

/// `infra/node.yaml` has these timeouts, and the deployment is refused with shorter ones.
#[test]
fn a_hook_has_to_wait_for_a_quarter_of_an_hour() {
    assert_eq!(least_heartbeat(Transition::Launching), Duration::from_secs(900));
    assert_eq!(least_heartbeat(Transition::Terminating), Duration::from_secs(900));
}

/// Systems Manager is asked about these, and about no others.
#[rstest]
#[case::nothing_moves(healthy(), false)]
#[case::the_volume_is_free(rebalanced().free(), false)]
#[case::ec2_does_not_list_the_holder(rebalanced().unlisted(OLD), false)]
#[case::its_successor_runs(rebalanced(), true)]
#[case::its_successor_runs_and_it_is_not_a_member_any_more(rebalanced().not_a_member(OLD), true)]
#[case::its_successor_runs_and_only_the_group_says_that_it_is_ours(rebalanced().stranger(OLD), true)]
#[case::a_stranger(rebalanced().not_a_member(OLD).stranger(OLD), false)]
#[case::it_starts(rebalanced().state(OLD, InstanceState::Pending), true)]
#[case::it_is_stopping(rebalanced().state(OLD, InstanceState::Stopping), false)]
#[case::it_is_dead(rebalanced().state(OLD, InstanceState::Dead), false)]
#[case::it_still_attaches(rebalanced().held_by(OLD, AttachmentState::Attaching), false)]
#[case::it_lets_go(rebalanced().held_by(OLD, AttachmentState::Detaching), true)]
#[case::interrupted_and_nobody_follows(interrupted(100), true)]
#[case::at_risk_without_a_deadline(healthy().at_risk(OLD, RiskReason::Rebalance, None), false)]
fn a_living_holder_that_goes_may_have_to_release(#[case] situation: Situation, #[case] may_have_to: bool) {
    let asked = release_matters(&situation.seen(), false, now()).map(|attachment| attachment.instance.clone());
    assert_eq!(asked, may_have_to.then(|| id(OLD)));
}

fn release() -> Step {
    Step::Release { holder: id(OLD) }
}

fn serves() -> Step {
    Step::Done(Done::Serves { holder: id(OLD) })
}

fn awaits_replacement() -> Step {
    Step::Wait(WaitFor::Replacement { holder: id(OLD) })
}

fn let_go() -> Step {
    Step::Complete {
        instance: id(OLD),
        transition: Transition::Terminating,
        result: durin_decisions::node::ActionResult::Continue,
    }
}

#[rstest]
#[case::the_reclaim_is_a_second_away(1, release())]
#[case::the_reclaim_is_now(0, release())]
#[case::it_has_to_begin(40, release())]
#[case::it_may_serve_for_another_second(41, awaits_replacement())]
fn a_warned_holder_releases_forty_seconds_before_the_reclaim(#[case] seconds: u64, #[case] expected: Step) {
    assert_eq!(next_step(&interrupted(seconds).rebalancing().seen(), now()), expected);
}

/// EC2 has not taken it back: the warning came to nothing.
#[test]
fn a_reclaim_in_the_past_moves_nothing() {
    let past = healthy().at_risk(OLD, RiskReason::Interruption, Some(seconds_ago(1)));
    assert_eq!(next_step(&past.seen(), now()), serves());
}

#[rstest]
#[case::in_time(59, Step::Wait(WaitFor::Released { holder: id(OLD) }))]
#[case::too_long(60, let_go())]
fn a_release_is_given_up_after_a_minute(#[case] seconds: u64, #[case] expected: Step) {
    let state = ReleaseState::Running { since: seconds_ago(seconds) };
    assert_eq!(next_step(&replaced_early(100).release(&[OLD, NEW], state).seen(), now()), expected);
}

#[rstest]
#[case::in_time(120, Step::Wait(WaitFor::Booted { successor: id(NEW) }))]
#[case::too_long(121, release())]
fn a_newcomer_without_an_agent_counts_as_booted_after_two_minutes(#[case] seconds: u64, #[case] expected: Step) {
    let silent = replaced_early(600).release(&[OLD], ReleaseState::NotStarted).launched_ago(NEW, seconds);
    assert_eq!(next_step(&silent.seen(), now()), expected);
}

/// What only the group or only the tag says is enough to be ours; a dead holder, or one that is not in service, is not
/// replaced because of a warning.
#[rstest]
#[case::retired_and_dead(retired().state(OLD, InstanceState::Dead), Step::Done(Done::NoSuccessor))]
#[case::retired_and_in_standby(retired().lifecycle(OLD, Lifecycle::Standby), Step::Done(Done::NoSuccessor))]
#[case::interrupted_in_a_group_that_wants_nobody(interrupted(100).desired(0), release())]
fn a_warning_alone_replaces_only_who_is_in_service(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// It may still be taken back a little late; after five minutes EC2 has changed its mind.
#[rstest]
#[case::still_believed(299, Step::Replace { holder: id(OLD) })]
#[case::not_any_more(300, Step::Attach { successor: id(OLD) })]
fn a_warned_instance_gets_nothing_for_five_minutes_after_its_time(#[case] seconds: u64, #[case] expected: Step) {
    let freed = healthy().free().at_risk(OLD, RiskReason::Interruption, Some(seconds_ago(seconds)));
    assert_eq!(next_step(&freed.seen(), now()), expected);
}

/// An answer of Systems Manager is lost at the worst time: the holder is asked once more, and goes in order if it hears.
#[rstest]
#[case::it_may_have_heard(31, unanswered_ago(9, 9), Step::Wait(WaitFor::Released { holder: id(OLD) }))]
#[case::it_is_asked_again(30, unanswered_ago(10, 10), release())]
#[case::it_serves_to_the_end(1, unanswered_ago(60, 10), awaits_replacement())]
fn a_lost_answer_costs_a_warned_holder_ten_seconds(
    #[case] left: u64,
    #[case] state: ReleaseState,
    #[case] expected: Step,
) {
    assert_eq!(next_step(&interrupted(left).rebalancing().release(&[OLD], state).seen(), now()), expected);
}

/// The group is ending the old instance, and the new one gives no sign of life.
fn ending() -> Situation {
    rebalanced().lifecycle(OLD, TERMINATING_WAIT).release(&[OLD], ReleaseState::NotStarted)
}

/// Its hook has been waiting since before the first look, and has no more patience for one newcomer than for another.
#[rstest]
#[case::nobody_was_launched_yet(ending().without(NEW))]
#[case::its_newcomer_starts(ending().state(NEW, InstanceState::Pending))]
#[case::its_newcomer_boots(ending())]
#[case::its_newcomer_is_in_service_and_silent(ending().lifecycle(NEW, Lifecycle::InService))]
#[case::nothing_is_known_of_agents(ending().agents_unknown(ReleaseState::NotStarted))]
#[case::it_has_let_go_for_a_newcomer_that_has_died(
    ending().instance(NEWEST, PENDING_WAIT, InstanceState::Running).without(NEW).release(&[OLD], let_go_just_now()))]
#[case::a_newcomer_starts_though_nobody_is_wanted(ending().state(NEW, InstanceState::Pending).desired(0))]
fn a_holder_that_its_group_ends_is_held_from_the_first_look_on(#[case] situation: Situation) {
    let risk = Risk { reason: RiskReason::Terminating, until: Some(in_s(540)) };
    assert_eq!(next_step(&situation.seen(), now()), Step::Mark { instance: id(OLD), risk });
}

#[rstest]
#[case::its_newcomer_has_booted(ending().booted(NEW).release(&[OLD, NEW], ReleaseState::NotStarted))]
#[case::nobody_shall_follow(ending().without(NEW).desired(0))]
fn a_holder_that_nothing_keeps_is_not_held(#[case] situation: Situation) {
    assert_eq!(next_step(&situation.seen(), now()), release());
}

/// Its group has let it escape an end (`Terminating:Retained`), and ends it again: what it was marked with then is over.
#[rstest]
#[case::in_the_same_end(359, release())]
#[case::in_another(360, Step::Mark {
    instance: id(OLD), risk: Risk { reason: RiskReason::Terminating, until: Some(in_s(540)) } })]
#[case::a_day_later(86_400, Step::Mark {
    instance: id(OLD), risk: Risk { reason: RiskReason::Terminating, until: Some(in_s(540)) } })]
fn a_holder_that_is_ended_a_second_time_is_held_anew(#[case] seconds: u64, #[case] expected: Step) {
    let again = ending().without(NEW).at_risk(OLD, RiskReason::Terminating, Some(seconds_ago(seconds)));
    assert_eq!(next_step(&again.seen(), now()), expected);
}

/// The schedule has made up for a lost event, so a third of the hook's time is gone at the first look.
#[test]
fn silent_newcomers_do_not_outlast_the_terminate_hook_one_after_the_other() {
    let gone = Duration::from_secs(300);
    let mut situation = ending();
    for waited in (0..900).step_by(10) {
        let at = in_s(waited);
        let step = match next_step(&situation.seen(), at) {
            Step::Mark { risk, .. } => {
                situation = situation.at_risk(OLD, risk.reason, risk.until);
                next_step(&situation.seen(), at)
            }
            step => step,
        };
        match step {
            Step::Wait(_) => {}
            Step::Complete { instance, .. } if instance == id(NEW) => {
                situation = situation.without(NEW).instance(NEWEST, PENDING_WAIT, InstanceState::Pending);
            }
            step => {
                assert_eq!(step, release());
                let ends = gone + Duration::from_secs(waited) + Duration::from_secs(60);
                assert!(ends <= least_heartbeat(Transition::Terminating), "{waited}");
                return;
            }
        }
    }
    panic!("it has not let go");
}

/// For example with its fifty tags, or while EC2 does not say when it was launched: the next run would hold it from the beginning.
#[rstest]
#[case::nobody_was_launched(ending().without(NEW))]
#[case::its_newcomer_starts(ending().state(NEW, InstanceState::Pending))]
#[case::its_newcomer_is_in_another_zone(ending().zone(NEW, "eu-central-1b"))]
#[case::its_newcomer_is_not_fit(ending().says(NEW, Question::Prepared, Word::No { why: String::new() }))]
#[case::too_many_are_asked_for(ending().desired(3))]
#[case::it_escaped_an_end_before(ending().without(NEW).at_risk(OLD, RiskReason::Terminating, Some(seconds_ago(360))))]
fn a_holder_that_cannot_be_marked_lets_go_before_the_run_that_knows_of_it_ends(#[case] situation: Situation) {
    const REFUSED_AFTER_S: u64 = 8;
    let Step::Mark { risk, .. } = next_step(&situation.seen(), now()) else { panic!("it is held") };
    let held = if_unmarked(risk, in_s(REFUSED_AFTER_S));
    let seen = situation.at_risk(OLD, held.reason, held.until).seen();
    let mut looks = (REFUSED_AFTER_S..RUN_LASTS.as_secs()).map(|waited| (waited, next_step(&seen, in_s(waited))));
    let (lets_go, step) = looks.find(|(_, step)| !matches!(step, Step::Wait(_))).expect("it lets go");
    assert_eq!(step, release(), "{lets_go}");
    assert!((180..=RUN_LASTS.as_secs() - 60).contains(&lets_go), "{lets_go}");
}

/// What other runs do not know of, this one knows as it is.
#[rstest]
#[case(RiskReason::Interruption, Some(in_s(119)))]
#[case(RiskReason::Rebalance, None)]
#[case(RiskReason::Retirement, None)]
#[case(RiskReason::Terminating, Some(in_s(30)))]
fn a_mark_that_could_not_be_written_shortens_nothing_else(
    #[case] reason: RiskReason,
    #[case] until: Option<SystemTime>,
) {
    let risk = Risk { reason, until };
    assert_eq!(if_unmarked(risk, now()), risk);
}

/// The functions' manifests, by which the local AWS, too, ends a run.
#[test]
fn a_run_lasts_as_long_as_the_decisions_count_on() {
    for manifest in [
        include_str!("../../../../functions/node-lifecycle/Cargo.toml"),
        include_str!("../../../../functions/node-resync/Cargo.toml"),
        include_str!("../../../../functions/spot-interruption/Cargo.toml"),
    ] {
        let timeout = manifest.lines().find_map(|line| line.strip_prefix("timeout = ")?.parse().ok());
        assert_eq!(timeout.map(Duration::from_secs), Some(RUN_LASTS + Duration::from_secs(2)), "{manifest}");
    }
}

/// Nobody waits for a check of the file system that EC2 cuts off: the release waits behind it, and gets what time there is.
#[rstest]
#[case::on_its_way(ReleaseState::Resuming { since: ago(10) })]
#[case::on_its_way_for_long(ReleaseState::Resuming { since: ago(100) })]
#[case::being_checked(still_resuming_ago(10))]
fn a_holder_that_ec2_takes_lets_go_though_it_is_on_its_way_to_serve_again(#[case] state: ReleaseState) {
    let (release, resumed) = (Step::Release { holder: id(OLD) }, Step::Wait(WaitFor::Resumed { holder: id(OLD) }));
    let step = |situation: Situation| next_step(&situation.seen(), now());
    for left in [119, 60, 39, 20] {
        let ends = || replaced_early(left).release(&[OLD, NEW], state);
        let prepared = ends().says(NEW, Question::Prepared, Word::Yes);
        assert_eq!(step(prepared), release, "{left} s before its end, with a successor");
        let unheard =
            if left > 40 { Step::Ask { instance: id(NEW), question: Question::Prepared } } else { release.clone() };
        let silent = ends().says(NEW, Question::Prepared, Word::NotAsked);
        assert_eq!(step(silent), unheard, "{left} s before its end, with a successor that has said nothing");
        let alone = if left > 40 { resumed.clone() } else { release.clone() };
        assert_eq!(step(ends().release(&[OLD], state)), alone, "{left} s before its end, with one that boots");
        let newcomer = interrupted(left).rebalancing().release(&[OLD], state);
        assert_eq!(step(newcomer), alone, "{left} s before its end, with nobody");
    }
    // What is asked for now would be cut off.
    let long_ago = interrupted(119).rebalancing().release(&[OLD], still_resuming_ago(60));
    assert_eq!(step(long_ago), resumed);
    // There is time to serve again, and to let go after that.
    let early = replaced_early(600).release(&[OLD, NEW], state).says(NEW, Question::Prepared, Word::Yes);
    assert_eq!(step(early), resumed);
    let stays = rebalanced().release(&[OLD, NEW], state).says(NEW, Question::Prepared, Word::Yes);
    assert_eq!(step(stays), resumed);
}

/// Its word is listened to while there is time for it.
#[test]
fn a_newcomer_is_heard_while_the_holder_is_on_its_way_to_serve_again() {
    for state in [ReleaseState::Resuming { since: ago(10) }, still_resuming_ago(10)] {
        let seen = replaced_early(119).release(&[OLD, NEW], state).seen();
        assert_eq!(word_matters(&seen, now()), Some((id(NEW), Question::Prepared)));
    }
}
