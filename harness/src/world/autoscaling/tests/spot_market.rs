//! Spot capacity that is missing, or on loan.

use super::*;
use crate::world::latency::Range;

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_launch_without_capacity_is_told_and_tried_again() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    world.autoscaling.groups.get_mut("k3s").unwrap().capacity_failures = 2;
    world.reclaim(&old);
    world.pass_until(600, |world| world.members_in(LifecycleState::PendingWait).len() == 1);
    let failures = world.events("EC2 Instance Launch Unsuccessful");
    assert_eq!(failures.len(), 2);
    assert_eq!(failures[0]["detail"]["EC2InstanceId"], "");
    assert_eq!(failures[0]["resources"], serde_json::json!([world.autoscaling.groups["k3s"].arn()]));
    assert!(world.autoscaling.groups["k3s"].activities.iter().any(|activity| activity.status == "Failed"));
}

#[test]
fn without_capacity_for_hours_the_group_goes_on_trying() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    let until = world.now() + 5 * HOUR;
    world.autoscaling.fail_launches_until("k3s", until);
    world.reclaim(&old);
    world.pass(5 * 3600 - 60);
    assert!(world.members_in(LifecycleState::PendingWait).is_empty());
    assert!(world.events("EC2 Instance Launch Unsuccessful").len() >= 20);
    world.pass_until(20 * 60, |world| world.members_in(LifecycleState::PendingWait).len() == 1);
}

#[test]
fn after_a_day_without_a_launch_aws_suspends_launching() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    let until = world.now() + 30 * HOUR;
    world.autoscaling.fail_launches_until("k3s", until);
    world.reclaim(&old);
    world.pass(23 * 3600);
    assert!(!world.autoscaling.groups["k3s"].is_suspended(Process::Launch));
    world.pass(10 * 3600);
    let [suspended] = &world.autoscaling.groups["k3s"].suspended[..] else { panic!("one process") };
    assert_eq!(suspended.process, Process::Launch);
    assert!(suspended.reason.starts_with("Administratively suspended at "), "{}", suspended.reason);
    assert!(world.members_in(LifecycleState::PendingWait).is_empty(), "though there is capacity again");
    world.resume_processes("k3s", &[Process::Launch]).unwrap();
    world.pass_until(20 * 60, |world| world.members_in(LifecycleState::PendingWait).len() == 1);
}

#[test]
fn a_day_of_failures_begins_again_with_each_launch() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    let until = world.now() + 20 * HOUR;
    world.autoscaling.fail_launches_until("k3s", until);
    world.reclaim(&old);
    world.pass(20 * 3600);
    world.pass_until(20 * 60, |world| world.members_in(LifecycleState::PendingWait).len() == 1);
    let new = world.members_in(LifecycleState::PendingWait)[0].instance_id.clone();
    world.complete("durin-launch", &new, ActionResult::Continue).unwrap();
    world.pass_until_one(LifecycleState::InService);
    let until = world.now() + 10 * HOUR;
    world.autoscaling.fail_launches_until("k3s", until);
    world.reclaim(&new);
    world.pass(9 * 3600);
    assert!(!world.autoscaling.groups["k3s"].is_suspended(Process::Launch));
}

#[test]
fn recommendations_that_follow_every_launch_replace_for_ever() {
    let (mut world, old) = in_service(1, rebalancing());
    world.autoscaling.recommend_every_newcomer("k3s", Range::from_secs(60, 300));
    world.recommend_rebalance(&old);
    let mut seen = std::collections::BTreeSet::from([old]);
    for _ in 0..4 {
        world.pass_until(600, |world| world.members_in(LifecycleState::PendingWait).len() == 1);
        let new = world.members_in(LifecycleState::PendingWait)[0].instance_id.clone();
        assert!(seen.insert(new.clone()));
        world.complete("durin-launch", &new, ActionResult::Continue).unwrap();
        let leaving = world.pass_until_one(LifecycleState::TerminatingWait);
        world.complete("durin-terminate", &leaving, ActionResult::Continue).unwrap();
    }
    assert_eq!(world.events("EC2 Instance Rebalance Recommendation").len(), 4);
}
