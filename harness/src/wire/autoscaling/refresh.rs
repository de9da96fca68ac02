//! Instance refreshes, and the maintenance policy that they follow.

use serde_json::{Value, json};

use super::answers::{group_named, paged};
use super::resources::group;
use crate::wire::operation::{Operation, reads, writes};
use crate::wire::query::Params;
use crate::world::World;
use crate::world::autoscaling::{Group, InstanceRefresh, MaintenancePolicy, StartInstanceRefresh};
use crate::world::error::{ApiError, ApiResult};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::autoscaling("CancelInstanceRefresh", CANCEL_PARAMETERS, writes(cancel).on(group)),
    Operation::autoscaling("DescribeInstanceRefreshes", DESCRIBE_PARAMETERS, reads(describe)),
    Operation::autoscaling("StartInstanceRefresh", START_PARAMETERS, writes(start).on(group)),
];

const START_PARAMETERS: &[&str] = &["AutoScalingGroupName", "Preferences", "Strategy"];
const DESCRIBE_PARAMETERS: &[&str] = &["AutoScalingGroupName", "InstanceRefreshIds", "MaxRecords", "NextToken"];
const CANCEL_PARAMETERS: &[&str] = &["AutoScalingGroupName", "WaitForTransitioningInstances"];

/// StartInstanceRefresh. Replacing root volumes in place is not part of this world.
fn start(world: &mut World, params: &Params) -> ApiResult<Value> {
    if let Some(strategy) = params.text("Strategy").filter(|strategy| *strategy != "Rolling") {
        return Err(params.invalid("Strategy", strategy));
    }
    let preferences = params.structure("Preferences");
    preferences.only(&["InstanceWarmup", "MaxHealthyPercentage", "MinHealthyPercentage"])?;
    let id = world.start_instance_refresh(StartInstanceRefresh {
        group: params.required("AutoScalingGroupName")?.to_owned(),
        min_healthy: preferences.number("MinHealthyPercentage")?,
        max_healthy: preferences.number("MaxHealthyPercentage")?,
        warmup_s: preferences.number("InstanceWarmup")?,
    })?;
    Ok(json!({"InstanceRefreshId": id}))
}

/// CancelInstanceRefresh.
fn cancel(world: &mut World, params: &Params) -> ApiResult<Value> {
    let wait = params.flag("WaitForTransitioningInstances")?.unwrap_or(true);
    let id = world.cancel_instance_refresh(params.required("AutoScalingGroupName")?, wait)?;
    Ok(json!({"InstanceRefreshId": id}))
}

/// DescribeInstanceRefreshes: newest first.
fn describe(world: &World, params: &Params) -> ApiResult<Value> {
    let group = group_named(world, params.required("AutoScalingGroupName")?)?;
    let ids = params.list("InstanceRefreshIds");
    let items = group
        .refreshes
        .iter()
        .filter(|refresh| ids.is_empty() || ids.contains(&refresh.id))
        .map(|refresh| (refresh.id.clone(), item(group, refresh)))
        .collect();
    paged(params, "InstanceRefreshes", 50, items)
}

fn item(group: &Group, refresh: &InstanceRefresh) -> Value {
    json!({
        "InstanceRefreshId": refresh.id,
        "AutoScalingGroupName": group.name,
        "Status": refresh.status.name(),
        "StatusReason": refresh.status_reason,
        "StartTime": refresh.started.map(|started| started.iso_millis()),
        "EndTime": refresh.ended.map(|ended| ended.iso_millis()),
        "PercentageComplete": refresh.percentage(),
        "InstancesToUpdate": refresh.left.len(),
        "Preferences": {
            "MinHealthyPercentage": refresh.min_healthy,
            "MaxHealthyPercentage": refresh.max_healthy,
            "InstanceWarmup": refresh.warmup_s,
        },
        "Strategy": "Rolling",
    })
}

/// The maintenance policy that a request sets; `Some(None)` clears it, as -1 for both bounds does.
pub(super) fn maintenance_policy(params: &Params) -> ApiResult<Option<Option<MaintenancePolicy>>> {
    let given = params.structure("InstanceMaintenancePolicy");
    if given.is_empty() {
        return Ok(None);
    }
    given.only(&["MaxHealthyPercentage", "MinHealthyPercentage"])?;
    let bounds = (given.number::<i64>("MinHealthyPercentage")?, given.number::<i64>("MaxHealthyPercentage")?);
    match bounds {
        (Some(-1), Some(-1)) => Ok(Some(None)),
        (Some(min), Some(max)) => {
            let percentage =
                |name, value: i64| u32::try_from(value).map_err(|_| given.invalid(name, &value.to_string()));
            let min = percentage("MinHealthyPercentage", min)?;
            let max = percentage("MaxHealthyPercentage", max)?;
            Ok(Some(Some(MaintenancePolicy::new(min, max)?)))
        }
        (Some(_) | None, None) | (None, Some(_)) => {
            let text = "Both MinHealthyPercentage and MaxHealthyPercentage must be specified.";
            Err(ApiError::new("ValidationError", text))
        }
    }
}

/// A group's maintenance policy, as DescribeAutoScalingGroups shows it.
pub(super) fn maintenance_policy_item(group: &Group) -> Option<Value> {
    let policy = group.maintenance_policy?;
    Some(json!({"MinHealthyPercentage": policy.min_healthy, "MaxHealthyPercentage": policy.max_healthy}))
}
