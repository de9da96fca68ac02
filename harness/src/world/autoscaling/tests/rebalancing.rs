//! What a group makes of what EC2 says of its instances before they end.

use super::*;
use crate::world::latency::Range;

#[test]
fn without_capacity_rebalancing_a_warning_changes_nothing() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    world.recommend_rebalance(&old);
    world.interrupt(&old, SpotAction::Terminate);
    world.pass(119);
    assert_eq!(world.autoscaling.groups["k3s"].members.len(), 1);
}

#[test]
fn capacity_rebalancing_ends_the_old_one_only_after_the_new_one_is_in_service() {
    let (mut world, old) = in_service(1, rebalancing());
    world.recommend_rebalance(&old);
    let new = world.pass_until_one(LifecycleState::PendingWait);
    world.pass(1000);
    assert_eq!(world.members_in(LifecycleState::InService)[0].instance_id, old, "it waits for the new one for ever");
    world.complete("durin-launch", &new, ActionResult::Continue).unwrap();
    assert_eq!(world.pass_until_one(LifecycleState::TerminatingWait), old);
    world.complete("durin-terminate", &old, ActionResult::Continue).unwrap();
    world.pass(120);
    assert_eq!(world.autoscaling.groups["k3s"].members.len(), 1);
    assert_eq!(world.members_in(LifecycleState::InService)[0].instance_id, new);
}

/// The terminate hook is called while the instance lives, and the replacement comes meanwhile.
#[test]
fn with_the_two_minutes_notice_the_old_one_does_not_wait_for_the_new_one() {
    for seed in 0..10 {
        let (mut world, old) = in_service(seed, rebalancing());
        world.interrupt(&old, SpotAction::Terminate);
        assert_eq!(world.pass_until_one(LifecycleState::TerminatingWait), old);
        assert_eq!(world.ec2.state_of(&old), Some(InstanceState::Running));
        assert_eq!(world.events(TERMINATE_EVENT).len(), 1);
        let new = world.pass_until_one(LifecycleState::PendingWait);
        assert_eq!(world.ec2.state_of(&old), Some(InstanceState::Running), "seed {seed}");
        assert_eq!(world.autoscaling.groups["k3s"].members.len(), 2);
        world.complete("durin-terminate", &old, ActionResult::Continue).unwrap();
        world.complete("durin-launch", &new, ActionResult::Continue).unwrap();
        world.pass(120);
        assert_eq!(world.autoscaling.groups["k3s"].members.len(), 1);
    }
}

#[test]
fn a_notice_that_follows_a_recommendation_ends_the_wait_for_the_new_one() {
    let (mut world, old) = in_service(1, rebalancing());
    world.recommend_rebalance(&old);
    let new = world.pass_until_one(LifecycleState::PendingWait);
    world.interrupt(&old, SpotAction::Terminate);
    world.recommend_rebalance(&old);
    assert_eq!(world.pass_until_one(LifecycleState::TerminatingWait), old);
    assert_eq!(world.ec2.state_of(&old), Some(InstanceState::Running));
    world.pass(30);
    let members = &world.autoscaling.groups["k3s"].members;
    assert_eq!(members.len(), 2, "the replacement under way is the replacement: {members:?}");
    assert!(members.iter().any(|member| member.instance_id == new));
}

#[test]
fn a_scheduled_event_is_no_surprise_to_the_group() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    world.latency.retirement = Range::from_secs(3600, 3600);
    world.latency.health_check = Range::from_secs(900, 900);
    world.schedule_retirement(&old);
    world.pass(3599);
    assert!(world.autoscaling.groups["k3s"].member(&old).unwrap().healthy, "not before its time");
    world.pass(1);
    assert!(!world.autoscaling.groups["k3s"].member(&old).unwrap().healthy);
    world.pass(10);
    assert_eq!(world.members_in(LifecycleState::TerminatingWait)[0].instance_id, old, "long before a health check");
}
