//! Instances replaced without being dead: refreshed, unhealthy, in the wrong place.

use super::*;
use crate::world::ec2::network::SUBNETS;

fn start(world: &mut World, min_healthy: Option<u32>, max_healthy: Option<u32>) -> ApiResult<String> {
    let group = "k3s".to_owned();
    world.start_instance_refresh(StartInstanceRefresh { group, min_healthy, max_healthy, warmup_s: None })
}

fn status(world: &World) -> RefreshStatus {
    world.autoscaling.groups["k3s"].refreshes[0].status
}

fn lifecycle(world: &World, instance: &str) -> LifecycleState {
    world.autoscaling.groups["k3s"].member(instance).expect("a member").lifecycle
}

fn with_policy(seed: u64, min_healthy: u32, max_healthy: u32) -> (World, String) {
    let (mut world, old) = in_service(seed, NodeSeed::default());
    let policy = MaintenancePolicy::new(min_healthy, max_healthy).expect("a policy");
    let request = UpdateAutoScalingGroup {
        name: "k3s".to_owned(),
        maintenance_policy: Some(Some(policy)),
        ..UpdateAutoScalingGroup::default()
    };
    world.update_auto_scaling_group(request).unwrap();
    (world, old)
}

fn move_to(world: &mut World, subnets: &[&str]) {
    let subnets = Some(subnets.iter().map(|&subnet| subnet.to_owned()).collect());
    let request = UpdateAutoScalingGroup { name: "k3s".to_owned(), subnets, ..UpdateAutoScalingGroup::default() };
    world.update_auto_scaling_group(request).unwrap();
}

/// The old instance stays until the new one's launch action is completed, however long that takes.
fn is_replaced_first(world: &mut World, old: &str) -> String {
    let new = world.pass_until_one(LifecycleState::PendingWait);
    world.pass(900);
    assert_eq!(lifecycle(world, old), LifecycleState::InService);
    world.complete("durin-launch", &new, ActionResult::Continue).unwrap();
    assert_eq!(world.pass_until_one(LifecycleState::TerminatingWait), old);
    assert_eq!(lifecycle(world, &new), LifecycleState::InService);
    world.complete("durin-terminate", old, ActionResult::Continue).unwrap();
    world.pass(90);
    assert_eq!(world.autoscaling.groups["k3s"].members.len(), 1);
    new
}

/// The old instance goes at once, and the new one comes meanwhile.
fn goes_first(world: &mut World, old: &str) {
    assert_eq!(world.pass_until_one(LifecycleState::TerminatingWait), old);
    let new = world.pass_until_one(LifecycleState::PendingWait);
    assert_eq!(lifecycle(world, old), LifecycleState::TerminatingWait);
    world.complete("durin-terminate", old, ActionResult::Continue).unwrap();
    world.complete("durin-launch", &new, ActionResult::Continue).unwrap();
    world.pass(90);
    assert_eq!(world.autoscaling.groups["k3s"].members.len(), 1);
}

#[test]
fn a_refresh_that_launches_first_ends_the_old_instance_when_the_new_one_is_in_service() {
    for seed in 0..10 {
        let (mut world, old) = in_service(seed, NodeSeed::default());
        let id = start(&mut world, Some(100), Some(110)).unwrap();
        assert_eq!(status(&world), RefreshStatus::Pending);
        assert_eq!(code(start(&mut world, None, None)), "InstanceRefreshInProgress");
        is_replaced_first(&mut world, &old);
        assert_eq!(status(&world), RefreshStatus::Successful);
        assert_eq!(world.autoscaling.groups["k3s"].refreshes[0].percentage(), 100);
        for event in ["Started", "Succeeded"] {
            let events = world.events(&format!("EC2 Auto Scaling Instance Refresh {event}"));
            let detail = serde_json::json!({"InstanceRefreshId": id, "AutoScalingGroupName": "k3s"});
            assert_eq!(events.iter().map(|event| &event["detail"]).collect::<Vec<_>>(), [&detail]);
        }
        assert_eq!(check_always(&world), Vec::<String>::new());
    }
}

#[test]
fn a_refresh_without_a_maximum_terminates_and_launches_at_once() {
    for min_healthy in [None, Some(0), Some(90), Some(100)] {
        let (mut world, old) = in_service(1, NodeSeed::default());
        start(&mut world, min_healthy, None).unwrap();
        goes_first(&mut world, &old);
        assert_eq!(status(&world), RefreshStatus::Successful);
    }
}

#[test]
fn an_explicit_maximum_launches_first_unless_nothing_need_be_healthy() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    start(&mut world, Some(90), Some(100)).unwrap();
    is_replaced_first(&mut world, &old);
    let (mut world, old) = in_service(1, NodeSeed::default());
    start(&mut world, Some(0), Some(100)).unwrap();
    goes_first(&mut world, &old);
}

#[test]
fn a_refresh_follows_the_maintenance_policy_unless_told_otherwise() {
    let (mut world, old) = with_policy(1, 100, 200);
    start(&mut world, None, None).unwrap();
    let new = is_replaced_first(&mut world, &old);
    start(&mut world, Some(0), Some(100)).unwrap();
    goes_first(&mut world, &new);
}

#[test]
fn a_replacement_counts_when_it_is_warm() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    let request = StartInstanceRefresh { group: "k3s".into(), warmup_s: Some(600), ..Default::default() };
    world.start_instance_refresh(request).unwrap();
    goes_first(&mut world, &old);
    assert_eq!(status(&world), RefreshStatus::InProgress);
    world.pass(600);
    assert_eq!(status(&world), RefreshStatus::Successful);
}

#[test]
fn what_a_cancelled_refresh_has_begun_is_finished() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    let cancel = |world: &mut World| world.cancel_instance_refresh("k3s", true);
    assert_eq!(code(cancel(&mut world)), "ActiveInstanceRefreshNotFound");
    start(&mut world, Some(100), Some(110)).unwrap();
    world.pass_until_one(LifecycleState::PendingWait);
    cancel(&mut world).unwrap();
    assert_eq!(code(cancel(&mut world)), "ActiveInstanceRefreshNotFound");
    world.pass(5);
    assert_eq!(status(&world), RefreshStatus::Cancelling);
    is_replaced_first(&mut world, &old);
    assert_eq!(status(&world), RefreshStatus::Cancelled);
    assert_eq!(world.events("EC2 Auto Scaling Instance Refresh Cancelled").len(), 1);
}

#[test]
fn a_refresh_cancelled_before_it_launched_changes_nothing() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    world.autoscaling.groups.get_mut("k3s").unwrap().capacity_failures = 100;
    start(&mut world, Some(100), Some(110)).unwrap();
    world.pass_until(60, |world| status(world) == RefreshStatus::InProgress);
    world.cancel_instance_refresh("k3s", false).unwrap();
    assert_eq!(status(&world), RefreshStatus::Cancelled);
    world.autoscaling.groups.get_mut("k3s").unwrap().capacity_failures = 0;
    world.pass(3600);
    assert_eq!(
        (world.autoscaling.groups["k3s"].members.len(), lifecycle(&world, &old)),
        (1, LifecycleState::InService)
    );
}

#[test]
fn a_refresh_that_can_replace_nothing_fails_after_an_hour() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    world.autoscaling.groups.get_mut("k3s").unwrap().members[0].protected_from_scale_in = true;
    start(&mut world, Some(100), Some(110)).unwrap();
    world.pass(3550);
    assert_eq!(status(&world), RefreshStatus::InProgress);
    world.pass(100);
    assert_eq!(status(&world), RefreshStatus::Failed);
    assert!(world.autoscaling.groups["k3s"].refreshes[0].status_reason.is_some());
    assert_eq!(lifecycle(&world, &old), LifecycleState::InService);
}

#[test]
fn an_unhealthy_instance_stays_until_its_replacement_is_in_service_if_the_policy_says_so() {
    for seed in 0..10 {
        let (mut world, old) = with_policy(seed, 100, 110);
        world.set_instance_health(&old, false, false).unwrap();
        is_replaced_first(&mut world, &old);
    }
    let (mut world, old) = with_policy(1, 0, 100);
    world.set_instance_health(&old, false, false).unwrap();
    goes_first(&mut world, &old);
}

/// EC2 Auto Scaling User Guide: the policy does not apply to forced spot interruptions.
#[test]
fn a_reclaimed_instance_is_replaced_at_once_whatever_the_policy() {
    let (mut world, old) = with_policy(1, 100, 110);
    world.reclaim(&old);
    goes_first(&mut world, &old);
}

#[test]
fn bounds_that_contradict_each_other_are_refused() {
    for (min, max) in [(101, 150), (50, 99), (50, 151), (100, 201)] {
        assert_eq!(code(MaintenancePolicy::new(min, max)), "ValidationError", "{min} {max}");
    }
    let (mut world, _) = in_service(1, NodeSeed::default());
    assert_eq!(code(start(&mut world, None, Some(110))), "ValidationError");
    assert_eq!(code(start(&mut world, Some(50), Some(160))), "ValidationError");
}

#[test]
fn an_instance_outside_of_the_groups_subnets_is_replaced_by_one_inside() {
    for seed in 0..10 {
        let (mut world, old) = in_service(seed, NodeSeed::default());
        let full = UpdateAutoScalingGroup { name: "k3s".into(), max_size: Some(1), ..Default::default() };
        world.update_auto_scaling_group(full).unwrap();
        let (second, zone) = SUBNETS[3];
        move_to(&mut world, &[second]);
        let new = is_replaced_first(&mut world, &old);
        let instance = &world.ec2.instances[&new];
        assert_eq!((instance.subnet_id.as_str(), instance.zone.as_str()), (second, zone));
        assert!(instance.private_ip.starts_with("10.0.3."), "{}", instance.private_ip);
        world.pass(1000);
        assert_eq!(lifecycle(&world, &new), LifecycleState::InService, "and all is well");
    }
}

#[test]
fn one_more_subnet_moves_nobody() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    move_to(&mut world, &[SUBNETS[1].0, SUBNETS[0].0, SUBNETS[3].0]);
    world.pass(3600);
    assert_eq!(
        (world.autoscaling.groups["k3s"].members.len(), lifecycle(&world, &old)),
        (1, LifecycleState::InService)
    );
}

#[test]
fn subnets_changed_back_end_the_newcomer() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    move_to(&mut world, &[SUBNETS[1].0]);
    let new = world.pass_until_one(LifecycleState::PendingWait);
    move_to(&mut world, &[SUBNETS[0].0]);
    world.pass(30);
    assert!(world.autoscaling.groups["k3s"].member(&new).is_none_or(|member| member.lifecycle.is_terminating()));
    assert_eq!(lifecycle(&world, &old), LifecycleState::InService);
}
