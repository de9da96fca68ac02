//! Scaling activities.

use serde_json::{Value, json};

use super::answers::{group_named, paged};
use crate::wire::operation::{Operation, reads};
use crate::wire::query::Params;
use crate::world::World;
use crate::world::autoscaling::{Activity, Group};
use crate::world::error::ApiResult;

pub(super) const OPERATIONS: &[Operation] =
    &[Operation::autoscaling("DescribeScalingActivities", DESCRIBE_PARAMETERS, reads(describe))];

const DESCRIBE_PARAMETERS: &[&str] =
    &["ActivityIds", "AutoScalingGroupName", "IncludeDeletedGroups", "MaxRecords", "NextToken"];

/// DescribeScalingActivities: newest first.
fn describe(world: &World, params: &Params) -> ApiResult<Value> {
    let ids = params.list("ActivityIds");
    let groups: Vec<&Group> = match params.text("AutoScalingGroupName") {
        Some(name) => vec![group_named(world, name)?],
        None => world.autoscaling.groups().values().collect(),
    };
    let items = groups
        .into_iter()
        .flat_map(|group| group.activities.iter().map(move |activity| (group, activity)))
        .filter(|(_, activity)| ids.is_empty() || ids.contains(&activity.id))
        .map(|(group, activity)| (activity.id.clone(), activity_item(group, activity)))
        .collect();
    paged(params, "Activities", 100, items)
}

pub(super) fn activity_item(group: &Group, activity: &Activity) -> Value {
    json!({
        "ActivityId": activity.id,
        "AutoScalingGroupName": group.name,
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": activity.started.iso_millis(),
        "EndTime": activity.ended.map(|ended| ended.iso_millis()),
        "StatusCode": activity.status,
        "StatusMessage": (!activity.status_message.is_empty()).then_some(&activity.status_message),
        "Progress": activity.progress,
        "Details": "{}",
        "AutoScalingGroupARN": group.arn(),
    })
}
