//! Lifecycle hooks and actions.

use serde_json::{Value, json};

use super::answers::{done, group_named};
use super::resources::group;
use crate::wire::operation::{Operation, reads, writes};
use crate::wire::query::Params;
use crate::world::World;
use crate::world::autoscaling::{ActionResult, CompleteLifecycleAction, LifecycleHook, PutLifecycleHook, Transition};
use crate::world::error::ApiResult;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::autoscaling("CompleteLifecycleAction", COMPLETE_PARAMETERS, writes(complete).on(group)),
    Operation::autoscaling(
        "DeleteLifecycleHook",
        &["AutoScalingGroupName", "LifecycleHookName"],
        writes(delete).on(group),
    ),
    Operation::autoscaling("DescribeLifecycleHooks", &["AutoScalingGroupName", "LifecycleHookNames"], reads(describe)),
    Operation::autoscaling("PutLifecycleHook", PUT_PARAMETERS, writes(put).on(group)),
    Operation::autoscaling("RecordLifecycleActionHeartbeat", HEARTBEAT_PARAMETERS, writes(record_heartbeat).on(group)),
];

const COMPLETE_PARAMETERS: &[&str] =
    &["AutoScalingGroupName", "InstanceId", "LifecycleActionResult", "LifecycleActionToken", "LifecycleHookName"];

const HEARTBEAT_PARAMETERS: &[&str] =
    &["AutoScalingGroupName", "InstanceId", "LifecycleActionToken", "LifecycleHookName"];

const PUT_PARAMETERS: &[&str] = &[
    "AutoScalingGroupName",
    "DefaultResult",
    "HeartbeatTimeout",
    "LifecycleHookName",
    "LifecycleTransition",
    "NotificationMetadata",
];

fn complete(world: &mut World, params: &Params) -> ApiResult<Value> {
    world.complete_lifecycle_action(CompleteLifecycleAction {
        group: params.required("AutoScalingGroupName")?.to_owned(),
        hook: params.required("LifecycleHookName")?.to_owned(),
        token: params.owned("LifecycleActionToken"),
        instance: params.owned("InstanceId"),
        result: action_result(params, "LifecycleActionResult", params.required("LifecycleActionResult")?)?,
    })?;
    Ok(done())
}

fn record_heartbeat(world: &mut World, params: &Params) -> ApiResult<Value> {
    world.record_lifecycle_action_heartbeat(
        params.required("AutoScalingGroupName")?,
        params.required("LifecycleHookName")?,
        params.text("LifecycleActionToken"),
        params.text("InstanceId"),
    )?;
    Ok(done())
}

fn put(world: &mut World, params: &Params) -> ApiResult<Value> {
    let group = params.required("AutoScalingGroupName")?;
    world.put_lifecycle_hook(put_request(group, params)?)?;
    Ok(done())
}

fn delete(world: &mut World, params: &Params) -> ApiResult<Value> {
    world.delete_lifecycle_hook(params.required("AutoScalingGroupName")?, params.required("LifecycleHookName")?)?;
    Ok(done())
}

/// DescribeLifecycleHooks, the one list that has no pages.
fn describe(world: &World, params: &Params) -> ApiResult<Value> {
    let group = group_named(world, params.required("AutoScalingGroupName")?)?;
    let names = params.list("LifecycleHookNames");
    let hooks: Value = group
        .hooks
        .iter()
        .filter(|hook| names.is_empty() || names.contains(&hook.name))
        .map(|hook| hook_item(&group.name, hook))
        .collect();
    Ok(json!({"LifecycleHooks": hooks}))
}

/// A hook as PutLifecycleHook and CreateAutoScalingGroup spell it.
pub(super) fn put_request(group: &str, hook: &Params) -> ApiResult<PutLifecycleHook> {
    let transition = match hook.text("LifecycleTransition") {
        None => None,
        Some("autoscaling:EC2_INSTANCE_LAUNCHING") => Some(Transition::Launching),
        Some("autoscaling:EC2_INSTANCE_TERMINATING") => Some(Transition::Terminating),
        Some(other) => return Err(hook.invalid("LifecycleTransition", other)),
    };
    let default_result = match hook.text("DefaultResult") {
        None => None,
        Some(result) => Some(action_result(hook, "DefaultResult", result)?),
    };
    Ok(PutLifecycleHook {
        group: group.to_owned(),
        name: hook.required("LifecycleHookName")?.to_owned(),
        transition,
        heartbeat_timeout_s: hook.number("HeartbeatTimeout")?,
        default_result,
        notification_metadata: hook.owned("NotificationMetadata"),
    })
}

fn action_result(params: &Params, name: &str, result: &str) -> ApiResult<ActionResult> {
    match result {
        "CONTINUE" => Ok(ActionResult::Continue),
        "ABANDON" => Ok(ActionResult::Abandon),
        other => Err(params.invalid(name, other)),
    }
}

fn hook_item(group: &str, hook: &LifecycleHook) -> Value {
    json!({
        "LifecycleHookName": hook.name,
        "AutoScalingGroupName": group,
        "LifecycleTransition": hook.transition.name(),
        "NotificationMetadata": hook.notification_metadata,
        "HeartbeatTimeout": hook.heartbeat_timeout.as_secs(),
        "GlobalTimeout": hook.global_timeout().as_secs(),
        "DefaultResult": hook.default_result.name(),
    })
}
