mod actions;
mod capacity;
mod processes;
mod rebalancing;
mod replacing;
mod spot_market;

use std::time::Duration;

use super::*;
use crate::seed::NodeSeed;
use crate::testing::{code, settled};
use crate::world::ec2::{InstanceState, SpotAction};
use crate::world::error::ApiResult;
use crate::world::invariants::check_always;

const LAUNCH_EVENT: &str = "EC2 Instance-launch Lifecycle Action";
const TERMINATE_EVENT: &str = "EC2 Instance-terminate Lifecycle Action";

fn rebalancing() -> NodeSeed {
    NodeSeed { capacity_rebalance: Some(true), ..NodeSeed::default() }
}

/// A settled world and the id of the instance in service.
fn in_service(seed: u64, node: NodeSeed) -> (World, String) {
    let (world, _) = settled(seed, node);
    let id = world.autoscaling.groups["k3s"].members[0].instance_id.clone();
    (world, id)
}

#[test]
fn a_reclaimed_instance_is_replaced_and_its_terminate_hook_runs_after_its_death() {
    for seed in 0..20 {
        let (mut world, old) = in_service(seed, NodeSeed::default());
        world.reclaim(&old);
        assert_eq!(
            world.autoscaling.groups["k3s"].member(&old).unwrap().lifecycle,
            LifecycleState::InService,
            "not noticed yet"
        );
        assert_eq!(world.pass_until_one(LifecycleState::TerminatingWait), old);
        world.pass(60);
        assert_eq!(world.ec2.state_of(&old), Some(InstanceState::Terminated));
        assert_eq!(world.members_in(LifecycleState::TerminatingWait).len(), 1, "it waits, though it is dead");
        let event = world.events(TERMINATE_EVENT).remove(0);
        assert_eq!(event["detail"]["EC2InstanceId"], old.as_str());
        assert_eq!(event["detail"]["Origin"], "AutoScalingGroup");
        assert_eq!(event["detail"]["Destination"], "EC2");
        let new = world.pass_until_one(LifecycleState::PendingWait);
        assert_ne!(new, old);
        world.complete("durin-terminate", &old, ActionResult::Continue).unwrap();
        world.complete("durin-launch", &new, ActionResult::Continue).unwrap();
        world.pass(60);
        assert_eq!(world.autoscaling.groups["k3s"].members.len(), 1);
        assert_eq!(world.members_in(LifecycleState::InService)[0].instance_id, new);
        assert_eq!(world.events("EC2 Instance Terminate Successful").len(), 1);
        assert_eq!(world.events("EC2 Instance Launch Successful").len(), 1);
    }
}

#[test]
fn the_launch_event_has_aws_s_fields() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    world
        .put_lifecycle_hook(PutLifecycleHook {
            group: "k3s".into(),
            name: "durin-launch".into(),
            notification_metadata: Some("hello".into()),
            ..PutLifecycleHook::default()
        })
        .unwrap();
    world.reclaim(&old);
    let new = world.pass_until_one(LifecycleState::PendingWait);
    let event = world.events(LAUNCH_EVENT).remove(0);
    assert_eq!(event["source"], "aws.autoscaling");
    assert_eq!(event["resources"], serde_json::json!([world.autoscaling.groups["k3s"].arn()]));
    let token = &world.autoscaling.groups["k3s"].member(&new).unwrap().action.as_ref().unwrap().token;
    assert_eq!(
        event["detail"],
        serde_json::json!({
            "LifecycleActionToken": token,
            "AutoScalingGroupName": "k3s",
            "LifecycleHookName": "durin-launch",
            "EC2InstanceId": new,
            "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
            "NotificationMetadata": "hello",
            "Origin": "EC2",
            "Destination": "AutoScalingGroup",
        })
    );
    let hook = &world.autoscaling.groups["k3s"].hooks[0];
    assert_eq!(hook.heartbeat_timeout, Duration::from_secs(1800), "what was not said stays");
    assert!(!world.events(TERMINATE_EVENT)[0]["detail"].as_object().unwrap().contains_key("NotificationMetadata"));
}

#[test]
fn the_launch_event_comes_sometimes_before_running_and_sometimes_after() {
    let state = |seed| {
        let (mut world, old) = in_service(seed, NodeSeed::default());
        world.reclaim(&old);
        let new = world.pass_until_one(LifecycleState::PendingWait);
        world.ec2.state_of(&new).unwrap()
    };
    let states: std::collections::BTreeSet<_> = (0..20).map(state).collect();
    assert_eq!(states.into_iter().collect::<Vec<_>>(), [InstanceState::Pending, InstanceState::Running]);
}

#[test]
fn an_abandoned_launch_is_replaced_and_slows_the_group_down() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    world.reclaim(&old);
    let mut launched = Vec::new();
    for _ in 0..6 {
        world.pass_until(1800, |world| world.members_in(LifecycleState::PendingWait).len() == 1);
        let member = world.members_in(LifecycleState::PendingWait)[0];
        launched.push(member.joined);
        let id = member.instance_id.clone();
        world.complete("durin-launch", &id, ActionResult::Abandon).unwrap();
        let activity = world.autoscaling.groups["k3s"].activities.iter().find(|it| it.status == "Cancelled").unwrap();
        assert!(activity.status_message.ends_with("was abandoned: Lifecycle Action Completed with ABANDON Result"));
    }
    let gaps: Vec<_> = launched.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    assert!(gaps[4] > gaps[0] * 2, "{gaps:?}");
    assert_eq!(world.events("EC2 Instance Launch Unsuccessful").len(), 6);
}

#[test]
fn an_action_that_nobody_completes_times_out_with_the_default_result() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    world.reclaim(&old);
    let new = world.pass_until_one(LifecycleState::PendingWait);
    world.pass(1795);
    assert_eq!(world.autoscaling.groups["k3s"].member(&new).unwrap().lifecycle, LifecycleState::PendingWait);
    assert!(
        world.autoscaling.groups["k3s"].member(&old).is_none(),
        "the default of durin-terminate is CONTINUE, after 900 s"
    );
    world.pass(10);
    assert!(world.autoscaling.groups["k3s"].member(&new).is_none_or(|member| member.lifecycle.is_terminating()));
    let activity = world.autoscaling.groups["k3s"].activities.iter().find(|it| it.status == "Cancelled").unwrap();
    assert!(activity.status_message.ends_with("was abandoned: Heartbeat Timeout"));
}

#[test]
fn a_heartbeat_gives_the_whole_timeout_again() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    world.reclaim(&old);
    let new = world.pass_until_one(LifecycleState::PendingWait);
    world.pass(1000);
    world.record_lifecycle_action_heartbeat("k3s", "durin-launch", None, Some(&new)).unwrap();
    world.pass(1790);
    assert_eq!(world.autoscaling.groups["k3s"].member(&new).unwrap().lifecycle, LifecycleState::PendingWait);
    world.pass(20);
    assert!(world.autoscaling.groups["k3s"].member(&new).is_none_or(|member| member.lifecycle.is_terminating()));
}

#[test]
fn completing_twice_finds_no_active_action() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    world.reclaim(&old);
    let new = world.pass_until_one(LifecycleState::PendingWait);
    world.complete("durin-launch", &new, ActionResult::Continue).unwrap();
    let error = world.complete("durin-launch", &new, ActionResult::Continue).unwrap_err();
    let text = format!("ValidationError: No active Lifecycle Action found with instance ID {new}");
    assert_eq!((error.to_string(), error.status), (text, 400));
    let mut request = CompleteLifecycleAction {
        group: "k3s".into(),
        hook: "durin-launch".into(),
        token: Some("87654321-4321-4321-4321-210987654321".into()),
        instance: Some(new),
        result: ActionResult::Continue,
    };
    let error = world.complete_lifecycle_action(request.clone()).unwrap_err();
    let text = "No active Lifecycle Action found with token 87654321-4321-4321-4321-210987654321";
    assert_eq!(error.message, text);
    request.group = "other".into();
    let error = world.complete_lifecycle_action(request).unwrap_err();
    assert_eq!(error.message, "AutoScalingGroup name not found - AutoScalingGroup 'other' not found");
}

#[test]
fn a_group_ends_a_living_instance_only_after_its_hook() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    let volume = world.nodes()[0].volume.clone();
    let activity = world.terminate_instance_in_auto_scaling_group(&old, false).unwrap();
    assert_eq!(activity.description, format!("Terminating EC2 instance: {old}"));
    assert_eq!(world.pass_until_one(LifecycleState::TerminatingWait), old);
    world.pass(600);
    assert_eq!(world.serving(&volume), Some(old.as_str()), "it serves on while the hook waits");
    world.complete("durin-terminate", &old, ActionResult::Abandon).unwrap();
    world.pass_until_terminated(&old);
    assert!(world.autoscaling.groups["k3s"].member(&old).is_none());
    assert!(check_always(&world).is_empty() && !world.ec2.volumes[&volume].data.dirty);
}

#[test]
fn an_image_that_cannot_be_resolved_fails_the_launch() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    world.delete_parameter("/durin/image").unwrap();
    world.reclaim(&old);
    world.pass(300);
    assert!(!world.events("EC2 Instance Launch Unsuccessful").is_empty());
    assert!(world.members_in(LifecycleState::PendingWait).is_empty());
}

#[test]
fn desired_capacity_is_followed_both_ways() {
    let (mut world, _) = in_service(1, NodeSeed::default());
    assert_eq!(
        world.set_desired_capacity("k3s", 3).unwrap_err().message,
        "New SetDesiredCapacity value 3 is above max value 2 for the AutoScalingGroup."
    );
    world.set_desired_capacity("k3s", 2).unwrap();
    let new = world.pass_until_one(LifecycleState::PendingWait);
    world.complete("durin-launch", &new, ActionResult::Continue).unwrap();
    world.pass(60);
    assert_eq!(world.members_in(LifecycleState::InService).len(), 2);
    let none = UpdateAutoScalingGroup { name: "k3s".into(), min_size: Some(0), ..Default::default() };
    world.update_auto_scaling_group(none).unwrap();
    world.set_desired_capacity("k3s", 0).unwrap();
    world.pass(60);
    assert_eq!(world.members_in(LifecycleState::TerminatingWait).len(), 2);
}

#[test]
fn an_unhealthy_verdict_is_followed() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    assert_eq!(code(world.set_instance_health("i-00000000000000000", false, true)), "ValidationError");
    world.set_instance_health(&old, false, true).unwrap();
    assert_eq!(world.pass_until_one(LifecycleState::TerminatingWait), old);
    assert_eq!(world.ec2.state_of(&old), Some(InstanceState::Running), "EC2 does not know yet");
}

#[test]
fn standby_is_replaced_unless_the_capacity_shrinks() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    let ids = [old.clone()];
    let at_least = |world: &mut World, min_size| {
        let update = UpdateAutoScalingGroup { name: "k3s".into(), min_size: Some(min_size), ..Default::default() };
        world.update_auto_scaling_group(update).unwrap();
    };
    at_least(&mut world, 1);
    assert_eq!(code(world.enter_standby("k3s", &ids, true)), "ValidationError");
    at_least(&mut world, 0);
    world.enter_standby("k3s", &ids, true).unwrap();
    world.pass(60);
    assert_eq!(world.autoscaling.groups["k3s"].members.len(), 1);
    world.exit_standby("k3s", &ids).unwrap();
    assert_eq!(world.members_in(LifecycleState::InService).len(), 1);
    world.detach_instances("k3s", &ids, false).unwrap();
    assert_ne!(world.pass_until_one(LifecycleState::PendingWait), old);
    assert_eq!(world.ec2.state_of(&old), Some(InstanceState::Running));
}

#[test]
fn a_group_is_deleted_when_it_is_empty_or_by_force() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    assert_eq!(code(world.delete_auto_scaling_group("k3s", false)), "ResourceInUse");
    world.delete_auto_scaling_group("k3s", true).unwrap();
    world.pass_until_terminated(&old);
    assert!(world.autoscaling.groups.is_empty());
    assert!(world.events(TERMINATE_EVENT).is_empty(), "its hooks do not run");
}

#[test]
fn a_deleted_hook_lets_those_that_wait_go() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    world.terminate_instance_in_auto_scaling_group(&old, false).unwrap();
    world.pass_until_one(LifecycleState::TerminatingWait);
    world.delete_lifecycle_hook("k3s", "durin-terminate").unwrap();
    world.pass_until_terminated(&old);
}

#[test]
fn hooks_are_checked() {
    let (mut world, _) = in_service(1, NodeSeed::default());
    let hook = |name: &str, seconds| PutLifecycleHook {
        group: "k3s".into(),
        name: name.into(),
        heartbeat_timeout_s: Some(seconds),
        ..PutLifecycleHook::default()
    };
    assert_eq!(code(world.put_lifecycle_hook(hook("durin-launch", 29))), "ValidationError");
    assert_eq!(code(world.put_lifecycle_hook(hook("new", 30))), "ValidationError");
    world.put_lifecycle_hook(hook("durin-launch", 7200)).unwrap();
}

#[test]
fn two_hooks_of_a_transition_both_have_to_be_completed() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    world
        .put_lifecycle_hook(PutLifecycleHook {
            group: "k3s".into(),
            name: "other".into(),
            transition: Some(Transition::Terminating),
            ..PutLifecycleHook::default()
        })
        .unwrap();
    world.terminate_instance_in_auto_scaling_group(&old, false).unwrap();
    world.pass_until_one(LifecycleState::TerminatingWait);
    world.complete("durin-terminate", &old, ActionResult::Continue).unwrap();
    world.pass(10);
    assert_eq!(world.ec2.state_of(&old), Some(InstanceState::Running));
    world.complete("other", &old, ActionResult::Continue).unwrap();
    world.pass_until_terminated(&old);
}

/// Somebody names an instance twice: it is one.
#[test]
fn an_instance_that_is_named_twice_leaves_once() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    let activities = world.detach_instances("k3s", &[old.clone(), old.clone()], false).unwrap();
    assert_eq!(activities.len(), 1);
    world.pass(600);
    let members = &world.autoscaling.groups["k3s"].members;
    assert!(members.len() == 1 && members[0].instance_id != old, "{members:?}");
}
