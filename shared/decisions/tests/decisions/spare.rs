//! The second of two instances goes, and the group is never asked for none.

use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{
    ActionResult, AttachmentState, Blocked, Done, InstanceState, Lifecycle, Number, Observed, ReleaseState, Step,
    WaitFor, next_step,
};
use durin_decisions::risk::RiskReason;
use rstest::rstest;

use crate::situation::*;

/// Two are asked for and serve, and nobody has to go.
fn two() -> Situation {
    healthy().desired(2).instance(NEW, Lifecycle::InService, InstanceState::Running)
}

/// The second is still being launched.
fn launching() -> Situation {
    rebalanced().desired(2)
}

fn end(instance: &str, number: Number) -> Step {
    Step::EndSpare { instance: id(instance), number }
}

fn given_up(instance: &str) -> Step {
    Step::Complete { instance: id(instance), transition: Transition::Launching, result: ActionResult::Abandon }
}

fn going(instance: &str) -> Step {
    Step::Wait(WaitFor::SpareGone { instance: id(instance) })
}

fn refused() -> Step {
    Step::Blocked(Blocked::EndRefused { group: healthy().seen().declaration.group, instance: id(NEW) })
}

fn minimum(min: i32) -> Step {
    Step::Blocked(Blocked::MinimumTooLarge { group: healthy().seen().declaration.group, min })
}

fn restore() -> Step {
    Step::RestoreCapacity { holder: id(OLD) }
}

#[rstest]
// The number falls with a name only where Auto Scaling lets it fall no further than one.
#[case::one_at_least(two().at_least(1), end(NEW, Number::Falls))]
#[case::none_at_least(two(), end(NEW, Number::Stays))]
#[case::two_at_least(two().at_least(2), minimum(2))]
#[case::two_at_least_and_the_second_has_not_come(healthy().desired(2).at_least(2), minimum(2))]
#[case::two_at_least_and_the_holder_has_to_go(
    retired().desired(2).at_least(2), Step::Done(Done::AwaitsCapacity { holder: id(OLD) }))]
#[case::two_at_least_and_the_newcomer_is_silent(
    launching().at_least(2).release(&[OLD], ReleaseState::NotStarted).launched_ago(NEW, 601)
        .at_risk(OLD, RiskReason::Retirement, None), given_up(NEW))]
#[case::then_the_number_alone(two().lifecycle(NEW, TERMINATING), restore())]
// Among several, the same for all who look, and the number stays.
#[case::two_spares(
    two().at_least(1).instance(NEWEST, Lifecycle::InService, InstanceState::Running), end(NEW, Number::Stays))]
#[case::two_spares_and_the_oldest_is_unknown_to_ec2(
    two().at_least(1).instance(NEWEST, Lifecycle::InService, InstanceState::Running).unlisted(NEW),
    end(NEWEST, Number::Stays))]
#[case::the_holder_is_neither_the_oldest_nor_the_newest(
    two().instance(NEWEST, Lifecycle::InService, InstanceState::Running).held_by(NEW, AttachmentState::Attached)
        .record_names(NEW), end(OLD, Number::Stays))]
// A newcomer is given up by its launch action.
#[case::it_waits_for_its_launch_action(launching(), given_up(NEW))]
#[case::its_launch_action_has_not_begun(launching().lifecycle(NEW, PENDING), end(NEW, Number::Stays))]
#[case::it_was_given_up(launching().completed(NEW, Transition::Launching), going(NEW))]
#[case::it_went_into_service_a_moment_ago(two().completed(NEW, Transition::Launching), end(NEW, Number::Stays))]
#[case::it_waits_and_the_number_should_fall(launching().at_least(1), end(NEW, Number::Falls))]
#[case::the_group_refuses_for_a_while(launching().at_least(1).end_refused_for(NEW, 59), end(NEW, Number::Falls))]
#[case::the_group_refuses_too_long(launching().at_least(1).end_refused_for(NEW, 60), given_up(NEW))]
#[case::the_group_refused_and_it_was_given_up(
    launching().at_least(1).end_refused_for(NEW, 60).completed(NEW, Transition::Launching), going(NEW))]
// What is left is a person.
#[case::the_group_refuses_to_end_one_in_service(two().end_refused_for(NEW, 59), end(NEW, Number::Stays))]
#[case::the_group_never_ends_one_in_service(two().end_refused_for(NEW, 60), refused())]
#[case::the_group_never_ends_one_in_service_and_the_number_should_fall(
    two().at_least(1).end_refused_for(NEW, 60), refused())]
#[case::the_group_never_ends_a_newcomer_without_an_action(
    launching().lifecycle(NEW, PENDING).end_refused_for(NEW, 60), refused())]
#[case::another_was_refused(two().end_refused_for(NEWEST, 60), end(NEW, Number::Stays))]
fn the_second_of_two_goes(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

/// A group as Auto Scaling keeps it, as far as its number is concerned.
struct AutoScaling {
    min: i32,
    desired: i32,
    gone: Vec<String>,
}

impl AutoScaling {
    /// Carries out what a function has decided, whenever its call arrives.
    fn take(&mut self, step: &Step) {
        match step {
            Step::EndSpare { instance, number } => {
                let is_new = !self.gone.contains(&instance.to_string());
                let lowered = self.desired - 1;
                match number {
                    Number::Falls if is_new && lowered < self.min => return,
                    Number::Falls if is_new => self.desired = lowered,
                    Number::Falls | Number::Stays => {}
                }
                self.gone.push(instance.to_string());
            }
            Step::RestoreCapacity { .. } => self.desired = self.min.max(1),
            Step::Complete { instance, .. } => self.gone.push(instance.to_string()),
            other => panic!("{other:?}"),
        }
    }
}

/// One function has looked and stalls, the volume moves, another function looks, and both calls arrive, in either order
/// and twice.
#[rstest]
fn two_functions_that_take_different_instances_for_the_spare_never_ask_for_none(
    #[values(0, 1)] min: i32,
    #[values(false, true)] is_launching: bool,
    #[values(false, true)] the_stalled_one_first: bool,
) {
    let before = if is_launching { launching() } else { two() }.at_least(min);
    let after = two().at_least(min).held_by(NEW, AttachmentState::Attached).record_names(NEW);
    let decide = |seen: Observed| next_step(&seen, now());
    let (stalled, other) = (decide(before.seen()), decide(after.seen()));
    let restored = decide(after.lifecycle(OLD, TERMINATING).seen());
    let mut group = AutoScaling { min, desired: 2, gone: Vec::new() };
    let calls = if the_stalled_one_first { [&stalled, &other] } else { [&other, &stalled] };
    for step in calls.into_iter().chain([&restored]).chain(calls) {
        group.take(step);
        assert!(group.desired >= 1, "{stalled:?} {other:?}");
    }
    assert_eq!(group.desired, 1);
}

/// A newer instance that only one of them sees does not make them choose differently.
#[test]
fn two_functions_of_which_one_sees_more_choose_the_same() {
    let chosen = |situation: Situation| match next_step(&situation.seen(), now()) {
        Step::EndSpare { instance, .. } => instance,
        other => panic!("{other:?}"),
    };
    let sees_more = two().instance(NEWEST, PENDING_WAIT, InstanceState::Running);
    assert_eq!(chosen(two()), chosen(sees_more.clone()));
    assert_eq!(chosen(two()), chosen(sees_more.unlisted(NEWEST)));
}

/// What a person reads says what to do.
#[rstest]
#[case(refused(), "--instance-id i-00000000000000002 --should-decrement-desired-capacity")]
#[case(minimum(2), "--min-size 1")]
fn a_person_can_act_on_it(#[case] blocked: Step, #[case] advice: &str) {
    assert!(blocked.reason().contains(advice), "{}", blocked.reason());
}
