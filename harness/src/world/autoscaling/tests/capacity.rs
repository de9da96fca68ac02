//! A person sets the desired capacity, or ends an instance for good.

use super::*;

/// A group of one that may have two, and its instance.
fn with_room(seed: u64) -> (World, String) {
    let (mut world, old) = in_service(seed, NodeSeed::default());
    let update = UpdateAutoScalingGroup { name: "k3s".into(), max_size: Some(2), ..Default::default() };
    world.update_auto_scaling_group(update).unwrap();
    (world, old)
}

fn desired(world: &World) -> u32 {
    world.autoscaling.groups["k3s"].desired_capacity
}

#[test]
fn a_second_instance_comes_beside_the_first_and_either_can_go() {
    for (seed, newcomer_goes) in [(1, false), (2, true)] {
        let (mut world, old) = with_room(seed);
        world.set_desired_capacity("k3s", 2).unwrap();
        let new = world.pass_until_one(LifecycleState::PendingWait);
        world.pass(900);
        assert_eq!(world.members_in(LifecycleState::InService)[0].instance_id, old, "it stays");
        world.complete("durin-launch", &new, ActionResult::Continue).unwrap();
        world.pass_until(60, |world| world.members_in(LifecycleState::InService).len() == 2);

        let (goes, stays) = if newcomer_goes { (new, old) } else { (old, new) };
        world.terminate_instance_in_auto_scaling_group(&goes, true).unwrap();
        assert_eq!(desired(&world), 1);
        assert_eq!(world.pass_until_one(LifecycleState::TerminatingWait), goes);
        world.complete("durin-terminate", &goes, ActionResult::Continue).unwrap();
        world.pass(600);
        let members = &world.autoscaling.groups["k3s"].members;
        assert!(members.len() == 1 && members[0].instance_id == stays, "{members:?}");
    }
}

#[test]
fn the_named_instance_goes_even_while_the_other_is_on_its_way_in() {
    let (mut world, old) = with_room(1);
    world.set_desired_capacity("k3s", 2).unwrap();
    let new = world.pass_until_one(LifecycleState::PendingWait);
    world.terminate_instance_in_auto_scaling_group(&old, true).unwrap();
    assert_eq!(world.pass_until_one(LifecycleState::TerminatingWait), old);
    world.complete("durin-launch", &new, ActionResult::Continue).unwrap();
    world.complete("durin-terminate", &old, ActionResult::Continue).unwrap();
    world.pass(600);
    let members = &world.autoscaling.groups["k3s"].members;
    assert!(members.len() == 1 && members[0].instance_id == new, "{members:?}");
}

#[test]
fn the_desired_capacity_stays_between_its_bounds() {
    let (mut world, old) = with_room(1);
    let at_least = UpdateAutoScalingGroup { name: "k3s".into(), min_size: Some(1), ..Default::default() };
    world.update_auto_scaling_group(at_least).unwrap();
    let above = world.set_desired_capacity("k3s", 3).unwrap_err();
    assert_eq!(
        above.to_string(),
        "ValidationError: New SetDesiredCapacity value 3 is above max value 2 for the AutoScalingGroup."
    );
    let below = world.set_desired_capacity("k3s", 0).unwrap_err();
    assert_eq!(
        below.to_string(),
        "ValidationError: New SetDesiredCapacity value 0 is below min value 1 for the AutoScalingGroup."
    );
    let last = world.terminate_instance_in_auto_scaling_group(&old, true).unwrap_err();
    assert_eq!(
        last.to_string(),
        "ValidationError: Currently, desiredSize equals minSize (1). Terminating instance without replacement will \
         violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's \
         min size."
    );
    assert_eq!(desired(&world), 1);
    world.pass(60);
    assert_eq!(world.members_in(LifecycleState::InService).len(), 1, "nothing has happened");
}

#[test]
fn a_cooldown_begins_when_an_activity_ends_and_only_blocks_those_who_honour_it() {
    let (mut world, _) = with_room(1);
    world.check_cooldown("k3s").unwrap();
    world.set_desired_capacity("k3s", 2).unwrap();
    let new = world.pass_until_one(LifecycleState::PendingWait);
    let launch = world.autoscaling.groups["k3s"].activities[0].id.clone();
    let error = world.check_cooldown("k3s").unwrap_err();
    let text = format!("ScalingActivityInProgress: Scaling activity {launch} is in progress and blocks this action");
    assert_eq!((error.to_string(), error.status), (text, 400));
    world.complete("durin-launch", &new, ActionResult::Continue).unwrap();
    world.pass(290);
    assert_eq!(code(world.check_cooldown("k3s")), "ScalingActivityInProgress");
    world.pass(30);
    world.check_cooldown("k3s").unwrap();
}

#[test]
fn a_group_that_is_at_something_ends_no_instance_and_does_not_lower_its_capacity() {
    let (mut world, old) = with_room(1);
    world.set_desired_capacity("k3s", 2).unwrap();
    world.pass_until_one(LifecycleState::PendingWait);
    let launch = world.autoscaling.groups["k3s"].activities[0].id.clone();
    world.autoscaling.conflict_with_next("k3s", 2);
    for decrement in [true, false] {
        let error = world.terminate_instance_in_auto_scaling_group(&old, decrement).unwrap_err();
        let text = format!("ScalingActivityInProgress: Activity {launch} is in progress.");
        assert_eq!((error.to_string(), error.status), (text, 400));
    }
    world.pass(60);
    assert_eq!((desired(&world), world.members_in(LifecycleState::InService).len()), (2, 1));
    world.autoscaling.conflict_with_next("k3s", 7);
    world.autoscaling.end_conflicts();
    world.terminate_instance_in_auto_scaling_group(&old, true).unwrap();
    assert_eq!(world.pass_until_one(LifecycleState::TerminatingWait), old);
}

/// CloudFormation sets again what its template says, at every deployment.
#[test]
fn an_update_that_says_the_desired_capacity_sets_it_again() {
    let (mut world, old) = with_room(1);
    world.set_desired_capacity("k3s", 2).unwrap();
    let new = world.pass_until_one(LifecycleState::PendingWait);
    world.complete("durin-launch", &new, ActionResult::Continue).unwrap();
    world.pass_until(60, |world| world.members_in(LifecycleState::InService).len() == 2);
    let template = |desired| UpdateAutoScalingGroup {
        name: "k3s".into(),
        min_size: Some(0),
        max_size: Some(2),
        desired_capacity: desired,
        ..Default::default()
    };
    world.update_auto_scaling_group(template(None)).unwrap();
    world.pass(60);
    assert_eq!((desired(&world), world.members_in(LifecycleState::InService).len()), (2, 2), "it does not say");
    world.update_auto_scaling_group(template(Some(1))).unwrap();
    assert_eq!(desired(&world), 1);
    assert_eq!(world.pass_until_one(LifecycleState::TerminatingWait), old, "the oldest goes");
}

#[test]
fn a_desired_capacity_moves_with_its_bounds_unless_the_update_says_it() {
    let (mut world, _) = with_room(1);
    let update = |min_size, max_size, desired_capacity| UpdateAutoScalingGroup {
        name: "k3s".into(),
        min_size,
        max_size,
        desired_capacity,
        ..Default::default()
    };
    world.update_auto_scaling_group(update(Some(2), Some(3), None)).unwrap();
    assert_eq!(desired(&world), 2);
    world.update_auto_scaling_group(update(Some(0), Some(1), None)).unwrap();
    assert_eq!(desired(&world), 1);
    let refused = |world: &mut World, request| world.update_auto_scaling_group(request).unwrap_err().to_string();
    assert_eq!(
        refused(&mut world, update(None, None, Some(2))),
        "ValidationError: Desired capacity:2 must be between the specified min size:0 and max size:1"
    );
    assert_eq!(
        refused(&mut world, update(Some(2), None, None)),
        "ValidationError: Max bound, 1, must be greater than or equal to min bound, 2"
    );
    let group = &world.autoscaling.groups["k3s"];
    assert_eq!((group.min_size, group.max_size, group.desired_capacity), (0, 1, 1), "nothing of it is done");
}
