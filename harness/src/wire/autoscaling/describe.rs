//! Groups and their instances as the Describe calls show them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::answers::paged;
use super::launch_sources::{launch_template, policy_item};
use super::processes::suspended_processes;
use super::refresh::maintenance_policy_item;
use super::tags::tag_item;
use crate::wire::operation::{Operation, reads};
use crate::wire::query::Params;
use crate::world::autoscaling::{Group, Member};
use crate::world::error::{ApiError, ApiResult};
use crate::world::{ACCOUNT, World};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::autoscaling("DescribeAutoScalingGroups", GROUPS_PARAMETERS, reads(groups)),
    Operation::autoscaling(
        "DescribeAutoScalingInstances",
        &["InstanceIds", "MaxRecords", "NextToken"],
        reads(instances),
    ),
];

const GROUPS_PARAMETERS: &[&str] = &["AutoScalingGroupNames", "Filters", "IncludeInstances", "MaxRecords", "NextToken"];

/// DescribeAutoScalingGroups. Unknown names are missing from the answer, without an error.
fn groups(world: &World, params: &Params) -> ApiResult<Value> {
    let names = params.list("AutoScalingGroupNames");
    let with_instances = params.flag("IncludeInstances")?.unwrap_or(true);
    let filters = TagFilter::parse(params)?;
    let items = world
        .autoscaling
        .groups()
        .values()
        .filter(|group| names.is_empty() || names.contains(&group.name))
        .filter(|group| filters.iter().all(|filter| filter.matches(group)))
        .map(|group| (group.name.clone(), group_item(world, group, with_instances)))
        .collect();
    paged(params, "AutoScalingGroups", 50, items)
}

/// DescribeAutoScalingInstances. Unknown ids are missing from the answer, without an error.
/// Probe: unknown-member-is-left-out.
fn instances(world: &World, params: &Params) -> ApiResult<Value> {
    let ids = params.list("InstanceIds");
    if ids.len() > 50 {
        let text = "The number of instance ids that may be passed in is limited to 50";
        return Err(ApiError::new("ValidationError", text));
    }
    let mut items: Vec<_> = world
        .autoscaling
        .groups()
        .values()
        .flat_map(|group| group.members.iter().map(move |member| (group, member)))
        .filter(|(_, member)| ids.is_empty() || ids.contains(&member.instance_id))
        .map(|(group, member)| (member.instance_id.clone(), instance_item(world, group, member)))
        .collect();
    items.sort_by(|(left, _), (right, _)| left.cmp(right));
    paged(params, "AutoScalingInstances", 50, items)
}

fn group_item(world: &World, group: &Group, with_instances: bool) -> Value {
    let members: Value = group.members.iter().map(|member| member_item(world, member)).collect();
    json!({
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn(),
        "LaunchConfigurationName": group.launch_configuration,
        "LaunchTemplate": match &group.mixed_instances_policy {
            None => launch_template(world, &group.launch_template_id, &group.launch_template_version),
            Some(_) => Value::Null,
        },
        "MixedInstancesPolicy": group.mixed_instances_policy.as_ref().map(|policy| policy_item(world, group, policy)),
        "MinSize": group.min_size,
        "MaxSize": group.max_size,
        "DesiredCapacity": group.desired_capacity,
        "DefaultCooldown": group.default_cooldown_s,
        "AvailabilityZones": group.zones.iter().collect::<BTreeSet<_>>(),
        "LoadBalancerNames": [],
        "TargetGroupARNs": [],
        "HealthCheckType": "EC2",
        "HealthCheckGracePeriod": group.health_check_grace_period_s,
        "Instances": if with_instances { members } else { json!([]) },
        "CreatedTime": group.created.iso_millis(),
        "SuspendedProcesses": suspended_processes(group),
        // A group that was told zones does not show subnets: Terraform's aws_autoscaling_group relies on it.
        "VPCZoneIdentifier": if group.subnets_named { group.subnets.join(",") } else { String::new() },
        "EnabledMetrics": [],
        "Status": group.deleting.then_some("Delete in progress"),
        "Tags": group.tags.iter().map(|tag| tag_item(&group.name, tag)).collect::<Value>(),
        "TerminationPolicies": ["Default"],
        "NewInstancesProtectedFromScaleIn": group.new_instances_protected_from_scale_in,
        "ServiceLinkedRoleARN": format!(
            "arn:aws:iam::{ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
        ),
        "CapacityRebalance": group.capacity_rebalance,
        "InstanceMaintenancePolicy": maintenance_policy_item(group),
        "TrafficSources": [],
        // What nobody can change here, as recorded of groups whose owners never said anything about it.
        "AvailabilityZoneDistribution": {"CapacityDistributionStrategy": "balanced-best-effort"},
        "CapacityReservationSpecification": {"CapacityReservationPreference": "default"},
        "InstanceLifecyclePolicy": {"RetentionTriggers": {"TerminateHookAbandon": "terminate"}},
    })
}

fn member_item(world: &World, member: &Member) -> Value {
    json!({
        "InstanceId": member.instance_id,
        "InstanceType": member.instance_type,
        "AvailabilityZone": member.zone,
        "LifecycleState": member.lifecycle.name(),
        "HealthStatus": if member.healthy { "Healthy" } else { "Unhealthy" },
        "LaunchTemplate": launched_from(world, member),
        "ProtectedFromScaleIn": member.protected_from_scale_in,
    })
}

/// Like [`member_item`], but this call shouts about health.
fn instance_item(world: &World, group: &Group, member: &Member) -> Value {
    json!({
        "InstanceId": member.instance_id,
        "InstanceType": member.instance_type,
        "AutoScalingGroupName": group.name,
        "AvailabilityZone": member.zone,
        "LifecycleState": member.lifecycle.name(),
        "HealthStatus": if member.healthy { "HEALTHY" } else { "UNHEALTHY" },
        "LaunchTemplate": launched_from(world, member),
        "ProtectedFromScaleIn": member.protected_from_scale_in,
    })
}

/// Groups name a version as they were told, their instances by the number that it was at launch. EC2 keeps both as
/// tags of the instance.
fn launched_from(world: &World, member: &Member) -> Value {
    let tags = world.ec2.instance(&member.instance_id).map(|instance| &instance.tags);
    let tag = |key| tags.and_then(|tags| tags.get(key)).map(String::as_str);
    match (tag("aws:ec2launchtemplate:id"), tag("aws:ec2launchtemplate:version")) {
        (Some(id), Some(version)) => launch_template(world, id, version),
        _ => Value::Null,
    }
}

/// Filters of groups: all have to match, each with one of its values.
enum TagFilter {
    /// Has a tag with one of these keys.
    Keys(Vec<String>),
    /// Has a tag with one of these values.
    Values(Vec<String>),
    /// Has this tag with one of these values.
    Tag { key: String, values: Vec<String> },
}

impl TagFilter {
    fn parse(params: &Params) -> ApiResult<Vec<TagFilter>> {
        let filters = params.structures("Filters");
        filters
            .iter()
            .map(|filter| {
                let values = filter.list("Values");
                match filter.required("Name")? {
                    "tag-key" => Ok(TagFilter::Keys(values)),
                    "tag-value" => Ok(TagFilter::Values(values)),
                    name => match name.strip_prefix("tag:") {
                        Some(key) => Ok(TagFilter::Tag { key: key.to_owned(), values }),
                        None => {
                            let text = format!("Filter name {name} is not one of tag-key, tag-value, tag:<key>.");
                            Err(ApiError::new("ValidationError", text))
                        }
                    },
                }
            })
            .collect()
    }

    fn matches(&self, group: &Group) -> bool {
        group.tags.iter().any(|tag| match self {
            TagFilter::Keys(keys) => keys.contains(&tag.key),
            TagFilter::Values(values) => values.contains(&tag.value),
            TagFilter::Tag { key, values } => *key == tag.key && values.contains(&tag.value),
        })
    }
}
