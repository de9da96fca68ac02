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
