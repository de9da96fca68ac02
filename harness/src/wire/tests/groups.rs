//! The capacity of a group, as its requests and answers have it.

use super::*;
use crate::seed::NodeSeed;
use crate::testing::settled;

/// A settled group of one, which may have two.
fn with_room() -> World {
    let (mut world, _) = settled(1, NodeSeed::default());
    let (status, body) = call(&mut world, &group("UpdateAutoScalingGroup", "&MaxSize=2&DefaultCooldown=60"));
    assert_eq!(status, StatusCode::OK, "{body}");
    world
}

fn group(action: &str, parameters: &str) -> Request<Vec<u8>> {
    autoscaling(&format!("Action={action}&AutoScalingGroupName=k3s{parameters}"))
}

fn described(world: &mut World) -> String {
    call(world, &autoscaling("Action=DescribeAutoScalingGroups")).1
}

#[test]
fn the_desired_capacity_is_set_and_lowered_with_the_instance_that_goes() {
    let mut world = with_room();
    let old = world.autoscaling.groups()["k3s"].members[0].instance_id.clone();
    let (status, _) = call(&mut world, &group("SetDesiredCapacity", "&DesiredCapacity=2"));
    assert_eq!(status, StatusCode::OK);
    let (status, body) = call(&mut world, &group("SetDesiredCapacity", "&DesiredCapacity=3"));
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        body.contains("<Code>ValidationError</Code><Message>New SetDesiredCapacity value 3 is above max"),
        "{body}"
    );
    let terminate =
        format!("Action=TerminateInstanceInAutoScalingGroup&InstanceId={old}&ShouldDecrementDesiredCapacity=true");
    let (_, body) = call(&mut world, &autoscaling(&terminate));
    assert!(body.contains(&format!("<Description>Terminating EC2 instance: {old}</Description>")), "{body}");
    let body = described(&mut world);
    assert!(body.contains("<DesiredCapacity>1</DesiredCapacity>"), "{body}");
    assert!(body.contains("<DefaultCooldown>60</DefaultCooldown>"), "{body}");
}

#[test]
fn a_cooldown_is_honoured_on_request() {
    let mut world = with_room();
    let (_, body) = call(&mut world, &group("SetDesiredCapacity", "&DesiredCapacity=2&HonorCooldown=true"));
    assert!(!body.contains("<Error>"), "{body}");
    world.pass(30);
    let (status, body) = call(&mut world, &group("SetDesiredCapacity", "&DesiredCapacity=1&HonorCooldown=true"));
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("<Code>ScalingActivityInProgress</Code><Message>Scaling activity "), "{body}");
    let (_, body) = call(&mut world, &group("SetDesiredCapacity", "&DesiredCapacity=1"));
    assert!(!body.contains("<Error>"), "{body}");
}

#[test]
fn suspended_processes_are_shown_by_name_and_all_without_a_name() {
    let mut world = with_room();
    let (_, body) = call(&mut world, &group("SuspendProcesses", "&ScalingProcesses.member.1=AZRebalance"));
    assert!(!body.contains("<Error>"), "{body}");
    let body = described(&mut world);
    let shown =
        "<SuspendedProcesses><member><ProcessName>AZRebalance</ProcessName><SuspensionReason>User suspended at ";
    assert!(body.contains(shown), "{body}");
    let (status, body) = call(&mut world, &group("SuspendProcesses", "&ScalingProcesses.member.1=Launching"));
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("<Code>ValidationError</Code>") && body.contains("Launching"), "{body}");
    let _ = call(&mut world, &group("SuspendProcesses", ""));
    assert_eq!(described(&mut world).matches("<ProcessName>").count(), 9);
    let _ = call(&mut world, &group("ResumeProcesses", ""));
    assert_eq!(described(&mut world).matches("<ProcessName>").count(), 0);
}

#[test]
fn a_conflict_is_a_refusal_with_status_400() {
    let mut world = with_room();
    let old = world.autoscaling.groups()["k3s"].members[0].instance_id.clone();
    world.autoscaling.conflict_with_next("k3s", 1);
    let terminate =
        format!("Action=TerminateInstanceInAutoScalingGroup&InstanceId={old}&ShouldDecrementDesiredCapacity=false");
    let (status, body) = call(&mut world, &autoscaling(&terminate));
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("<Code>ScalingActivityInProgress</Code><Message>Activity "), "{body}");
    assert_eq!(call(&mut world, &autoscaling(&terminate)).0, StatusCode::OK);
}
