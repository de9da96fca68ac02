//! What a group shows of a lifecycle action, before there is one and after it is over.

use super::*;
use crate::world::latency::Range;

fn waiting(seed: u64) -> (World, String) {
    let (mut world, old) = in_service(seed, NodeSeed::default());
    world.reclaim(&old);
    let new = world.pass_until_one(LifecycleState::PendingWait);
    (world, new)
}

fn lifecycle(world: &World, instance: &str) -> LifecycleState {
    world.autoscaling.groups["k3s"].member(instance).unwrap().lifecycle
}

#[test]
fn a_group_may_show_that_an_instance_waits_before_there_is_an_action() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    world.latency.lifecycle_action_exists = Range::from_secs(3, 3);
    world.reclaim(&old);
    let new = world.pass_until_one(LifecycleState::PendingWait);
    assert_eq!(world.events(LAUNCH_EVENT).len(), 1);
    let text = format!("ValidationError: No active Lifecycle Action found with instance ID {new}");
    let error = world.complete("durin-launch", &new, ActionResult::Continue).unwrap_err();
    assert_eq!(error.to_string(), text);
    let heartbeat = world.record_lifecycle_action_heartbeat("k3s", "durin-launch", None, Some(&new)).unwrap_err();
    assert_eq!(heartbeat.to_string(), text);
    assert_eq!(lifecycle(&world, &new), LifecycleState::PendingWait, "nothing is completed");
    world.pass(3);
    world.complete("durin-launch", &new, ActionResult::Continue).unwrap();
    world.pass_until_one(LifecycleState::InService);
}

#[test]
fn a_group_may_show_that_an_instance_waits_after_its_action_is_completed() {
    let (mut world, new) = waiting(1);
    world.latency.lifecycle_action_shown = Range::from_secs(5, 5);
    world.complete("durin-launch", &new, ActionResult::Continue).unwrap();
    assert_eq!(code(world.complete("durin-launch", &new, ActionResult::Continue)), "ValidationError");
    world.pass(4);
    assert_eq!(lifecycle(&world, &new), LifecycleState::PendingWait);
    world.pass_until_one(LifecycleState::InService);

    let [leaving] = &world.members_in(LifecycleState::TerminatingWait)[..] else { panic!("the old one waits") };
    let leaving = leaving.instance_id.clone();
    world.complete("durin-terminate", &leaving, ActionResult::Abandon).unwrap();
    world.pass(4);
    assert_eq!(lifecycle(&world, &leaving), LifecycleState::TerminatingWait);
    world.pass(60);
    assert!(world.autoscaling.groups["k3s"].member(&leaving).is_none());
}

#[test]
fn an_instance_that_is_ended_while_its_wait_is_still_shown_waits_in_its_terminate_hook() {
    let mut waiting_still = 0;
    for seed in 0..10 {
        let (mut world, new) = waiting(seed);
        world.latency.lifecycle_action_shown = Range::from_secs(30, 30);
        world.complete("durin-launch", &new, ActionResult::Continue).unwrap();
        world.terminate_instance_in_auto_scaling_group(&new, false).unwrap();
        world.pass(120);
        let member = world.autoscaling.groups["k3s"].member(&new);
        assert!(member.is_none_or(|member| member.lifecycle.is_terminating()), "seed {seed}");
        waiting_still += usize::from(member.is_some_and(|member| member.lifecycle == LifecycleState::TerminatingWait));
    }
    // Whether terminate hooks run for an instance that never came into service, is left to chance.
    assert!(waiting_still > 0);
}
