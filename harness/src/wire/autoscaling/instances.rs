//! What can be done to an instance of a group.

use serde_json::{Value, json};

use super::activities::activity_item;
use super::answers::{done, group_named};
use super::resources::{group, group_of_instance};
use crate::wire::operation::{Operation, writes};
use crate::wire::query::Params;
use crate::world::World;
use crate::world::autoscaling::Activity;
use crate::world::error::ApiResult;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::autoscaling("DetachInstances", LEAVE_PARAMETERS, writes(detach).on(group)),
    Operation::autoscaling("EnterStandby", LEAVE_PARAMETERS, writes(enter_standby).on(group)),
    Operation::autoscaling("ExitStandby", &["AutoScalingGroupName", "InstanceIds"], writes(exit_standby).on(group)),
    Operation::autoscaling(
        "SetInstanceHealth",
        &["HealthStatus", "InstanceId", "ShouldRespectGracePeriod"],
        writes(set_health).on(group_of_instance),
    ),
    Operation::autoscaling(
        "TerminateInstanceInAutoScalingGroup",
        &["InstanceId", "ShouldDecrementDesiredCapacity"],
        writes(terminate).on(group_of_instance),
    ),
];

const LEAVE_PARAMETERS: &[&str] = &["AutoScalingGroupName", "InstanceIds", "ShouldDecrementDesiredCapacity"];

fn set_health(world: &mut World, params: &Params) -> ApiResult<Value> {
    let instance = params.required("InstanceId")?;
    let healthy = match params.required("HealthStatus")? {
        "Healthy" => true,
        "Unhealthy" => false,
        other => return Err(params.invalid("HealthStatus", other)),
    };
    let respect_grace_period = params.flag("ShouldRespectGracePeriod")?.unwrap_or(true);
    world.set_instance_health(instance, healthy, respect_grace_period)?;
    Ok(done())
}

fn terminate(world: &mut World, params: &Params) -> ApiResult<Value> {
    let instance = params.required("InstanceId")?;
    let decrement = params.required_flag("ShouldDecrementDesiredCapacity")?;
    let group = group_of(world, instance);
    let activity = world.terminate_instance_in_auto_scaling_group(instance, decrement)?;
    let item = group.and_then(|group| Some(activity_item(world.autoscaling.group(&group)?, &activity)));
    Ok(json!({"Activity": item}))
}

fn enter_standby(world: &mut World, params: &Params) -> ApiResult<Value> {
    let group = params.required("AutoScalingGroupName")?;
    let decrement = params.required_flag("ShouldDecrementDesiredCapacity")?;
    let activities = world.enter_standby(group, &params.required_list("InstanceIds")?, decrement)?;
    activity_items(world, group, &activities)
}

fn exit_standby(world: &mut World, params: &Params) -> ApiResult<Value> {
    let group = params.required("AutoScalingGroupName")?;
    let activities = world.exit_standby(group, &params.required_list("InstanceIds")?)?;
    activity_items(world, group, &activities)
}

fn detach(world: &mut World, params: &Params) -> ApiResult<Value> {
    let group = params.required("AutoScalingGroupName")?;
    let decrement = params.required_flag("ShouldDecrementDesiredCapacity")?;
    let activities = world.detach_instances(group, &params.required_list("InstanceIds")?, decrement)?;
    activity_items(world, group, &activities)
}

fn activity_items(world: &World, group: &str, activities: &[Activity]) -> ApiResult<Value> {
    let group = group_named(world, group)?;
    let items: Value = activities.iter().map(|activity| activity_item(group, activity)).collect();
    Ok(json!({"Activities": items}))
}

fn group_of(world: &World, instance: &str) -> Option<String> {
    let mut groups = world.autoscaling.groups().values();
    let group = groups.find(|group| group.members.iter().any(|member| member.instance_id == instance))?;
    Some(group.name.clone())
}
