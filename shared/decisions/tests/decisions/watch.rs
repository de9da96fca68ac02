//! Which runs may die without a watch, because another knows what they know.

use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{Group, InstanceState, Lifecycle, is_warned, launch_has_company, warning_has_company};
use durin_decisions::risk::{Risk, RiskReason, Warning};
use rstest::rstest;

use crate::situation::*;

/// It was warned, and marked.
fn marked() -> Situation {
    interrupted(100)
}

fn newcomer_beside(situation: Situation) -> Situation {
    situation.instance(NEW, PENDING_WAIT, InstanceState::Running)
}

#[rstest]
#[case::nothing_is_done(healthy().warned(OLD, in_s(100)), false)]
#[case::it_is_marked_and_nothing_was_asked_of_its_group(marked(), false)]
#[case::its_group_ends_it(marked().lifecycle(OLD, TERMINATING_WAIT), true)]
#[case::its_group_ends_it_and_nobody_has_marked_it(healthy().lifecycle(OLD, TERMINATING_WAIT), false)]
#[case::its_terminate_action_has_not_begun(marked().lifecycle(OLD, TERMINATING), false)]
#[case::its_successor_waits(newcomer_beside(marked()), true)]
#[case::its_successors_launch_action_has_not_begun(marked().instance(NEW, PENDING, InstanceState::Running), false)]
#[case::its_successor_waits_and_nobody_has_marked_it(newcomer_beside(healthy()), false)]
#[case::its_group_ends_another(
    marked().instance(NEW, TERMINATING_WAIT, InstanceState::Running), false)]
#[case::it_has_left_its_group(marked().not_a_member(OLD), true)]
#[case::it_was_recommended_before(healthy().at_risk(OLD, RiskReason::Rebalance, None).lifecycle(OLD, TERMINATING_WAIT), false)]
#[case::it_is_dead(healthy().state(OLD, InstanceState::Dead).not_a_member(OLD), true)]
fn a_warning_has_company_when_its_instance_is_marked_and_a_hook_holds_one(
    #[case] situation: Situation,
    #[case] has_company: bool,
) {
    let seen = situation.warned(OLD, in_s(100)).seen();
    let warning = seen.warning.clone().expect("a warning");
    let warned = &seen.instances[&warning.instance];
    assert_eq!(warning_has_company(&warning, warned, &seen.group, now()), has_company);
}

/// Nothing is lost until the schedule comes.
#[test]
fn a_recommendation_has_company_when_its_instance_is_marked() {
    let seen = healthy().at_risk(OLD, RiskReason::Rebalance, None).seen();
    let risk = Risk { reason: RiskReason::Rebalance, until: None };
    let recommended = Warning { instance: id(OLD), risk, sent: None };
    assert!(warning_has_company(&recommended, &seen.instances[&id(OLD)], &seen.group, now()));
    let seen = healthy().seen();
    assert!(
        !warning_has_company(&recommended, &seen.instances[&id(OLD)], &seen.group, now()),
        "nobody knows of it yet"
    );
}

#[rstest]
#[case::beside_one_that_serves(newcomer_beside(healthy()), false)]
#[case::alone(newcomer_beside(healthy()).not_a_member(OLD), false)]
#[case::beside_one_that_its_group_ends(newcomer_beside(healthy()).lifecycle(OLD, TERMINATING_WAIT), true)]
#[case::beside_one_whose_action_has_not_begun(newcomer_beside(healthy()).lifecycle(OLD, TERMINATING), false)]
#[case::it_is_in_service(newcomer_beside(healthy()).lifecycle(NEW, Lifecycle::InService), true)]
#[case::it_was_given_up(newcomer_beside(healthy()).lifecycle(NEW, TERMINATING_WAIT), true)]
#[case::it_is_gone(healthy(), true)]
fn a_launch_has_company_when_it_is_over_or_its_group_ends_another(
    #[case] situation: Situation,
    #[case] has_company: bool,
) {
    assert_eq!(launch_has_company(&id(NEW), &situation.seen().group), has_company);
}

#[test]
fn nothing_waits_in_a_group_that_is_gone() {
    assert!(launch_has_company(&id(NEW), &Group::gone()));
    assert_eq!(Group::gone().waiting().collect::<Vec<(_, Transition)>>(), []);
}

#[rstest]
#[case::its_reclaim_is_to_come(interrupted(1), true)]
#[case::its_reclaim_is_over(interrupted(0), false)]
#[case::it_has_no_time(healthy().at_risk(OLD, RiskReason::Interruption, None), false)]
#[case::its_group_ends_it(healthy().at_risk(OLD, RiskReason::Terminating, Some(in_s(100))), false)]
#[case::it_is_recommended_to_leave(healthy().at_risk(OLD, RiskReason::Rebalance, None), false)]
fn only_an_interruption_to_come_has_started_a_run(#[case] situation: Situation, #[case] has: bool) {
    assert_eq!(is_warned(&situation.seen().instances[&id(OLD)], now()), has);
}
