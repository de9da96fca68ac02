//! Groups: created, changed, deleted.

use serde_json::Value;

use super::answers::done;
use super::hooks;
use super::launch_sources::launch_source;
use super::refresh::maintenance_policy;
use super::resources::group;
use super::tags::group_tag;
use crate::wire::operation::{Operation, writes};
use crate::wire::query::Params;
use crate::world::World;
use crate::world::autoscaling::{CreateAutoScalingGroup, UpdateAutoScalingGroup};
use crate::world::error::{ApiError, ApiResult};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::autoscaling("CreateAutoScalingGroup", PARAMETERS, writes(create).on(group))
        .also(&["LifecycleHookSpecificationList", "Tags"]),
    Operation::autoscaling(
        "DeleteAutoScalingGroup",
        &["AutoScalingGroupName", "ForceDelete"],
        writes(delete).on(group),
    ),
    Operation::autoscaling(
        "SetDesiredCapacity",
        &["AutoScalingGroupName", "DesiredCapacity", "HonorCooldown"],
        writes(set_desired_capacity).on(group),
    ),
    Operation::autoscaling("UpdateAutoScalingGroup", PARAMETERS, writes(update).on(group)),
];

/// Warm-ups and termination policies are accepted and have no effect on a group of one.
const PARAMETERS: &[&str] = &[
    "AutoScalingGroupName",
    "AvailabilityZones",
    "CapacityRebalance",
    "DefaultCooldown",
    "DefaultInstanceWarmup",
    "DesiredCapacity",
    "HealthCheckGracePeriod",
    "HealthCheckType",
    "InstanceMaintenancePolicy",
    "LaunchConfigurationName",
    "LaunchTemplate",
    "MaxSize",
    "MinSize",
    "MixedInstancesPolicy",
    "NewInstancesProtectedFromScaleIn",
    "ServiceLinkedRoleARN",
    "TerminationPolicies",
    "VPCZoneIdentifier",
];

fn create(world: &mut World, params: &Params) -> ApiResult<Value> {
    let name = params.required("AutoScalingGroupName")?;
    only_ec2_health_checks(params)?;
    let source = launch_source(world, params)?;
    let template = source.template;
    if template.id.is_none() && template.name.is_none() && source.configuration.is_none() {
        let text = "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or \
                    MixedInstancesPolicy parameter.";
        return Err(ApiError::new("ValidationError", text));
    }
    // Read before anything is made: a request that is wrong in part must not be carried out in part.
    let hooks = params
        .structures("LifecycleHookSpecificationList")
        .iter()
        .map(|hook| hooks::put_request(name, hook))
        .collect::<ApiResult<Vec<_>>>()?;
    world.create_auto_scaling_group(CreateAutoScalingGroup {
        name: name.to_owned(),
        min_size: params.required_number("MinSize")?,
        max_size: params.required_number("MaxSize")?,
        desired_capacity: params.number("DesiredCapacity")?,
        launch_template_id: template.id,
        launch_template_name: template.name,
        launch_template_version: template.version,
        mixed_instances_policy: source.policy,
        launch_configuration: source.configuration,
        zones: params.list("AvailabilityZones"),
        subnets: subnets(params),
        default_cooldown_s: params.number("DefaultCooldown")?,
        health_check_grace_period_s: params.number("HealthCheckGracePeriod")?.unwrap_or(0),
        capacity_rebalance: params.flag("CapacityRebalance")?.unwrap_or(false),
        maintenance_policy: maintenance_policy(params)?.flatten(),
        new_instances_protected_from_scale_in: params.flag("NewInstancesProtectedFromScaleIn")?.unwrap_or(false),
        tags: params.structures("Tags").iter().map(group_tag).collect::<ApiResult<_>>()?,
        hooks,
    })?;
    Ok(done())
}

fn update(world: &mut World, params: &Params) -> ApiResult<Value> {
    only_ec2_health_checks(params)?;
    let source = launch_source(world, params)?;
    let template = source.template;
    let subnets = subnets(params);
    let zones = params.list("AvailabilityZones");
    world.update_auto_scaling_group(UpdateAutoScalingGroup {
        name: params.required("AutoScalingGroupName")?.to_owned(),
        min_size: params.number("MinSize")?,
        max_size: params.number("MaxSize")?,
        desired_capacity: params.number("DesiredCapacity")?,
        launch_template_id: template.id,
        launch_template_name: template.name,
        launch_template_version: template.version,
        mixed_instances_policy: source.policy,
        launch_configuration: source.configuration,
        zones: (!zones.is_empty()).then_some(zones),
        subnets: (!subnets.is_empty()).then_some(subnets),
        default_cooldown_s: params.number("DefaultCooldown")?,
        health_check_grace_period_s: params.number("HealthCheckGracePeriod")?,
        capacity_rebalance: params.flag("CapacityRebalance")?,
        maintenance_policy: maintenance_policy(params)?,
        new_instances_protected_from_scale_in: params.flag("NewInstancesProtectedFromScaleIn")?,
    })?;
    Ok(done())
}

fn delete(world: &mut World, params: &Params) -> ApiResult<Value> {
    let force = params.flag("ForceDelete")?.unwrap_or(false);
    world.delete_auto_scaling_group(params.required("AutoScalingGroupName")?, force)?;
    Ok(done())
}

fn set_desired_capacity(world: &mut World, params: &Params) -> ApiResult<Value> {
    let name = params.required("AutoScalingGroupName")?;
    let desired = params.required_number("DesiredCapacity")?;
    if params.flag("HonorCooldown")?.unwrap_or(false) {
        world.check_cooldown(name)?;
    }
    world.set_desired_capacity(name, desired)?;
    Ok(done())
}

/// `VPCZoneIdentifier` is one text with commas.
fn subnets(params: &Params) -> Vec<String> {
    let text = params.text("VPCZoneIdentifier").unwrap_or_default();
    text.split(',').map(str::trim).filter(|subnet| !subnet.is_empty()).map(str::to_owned).collect()
}

fn only_ec2_health_checks(params: &Params) -> ApiResult<()> {
    match params.text("HealthCheckType") {
        None | Some("EC2") => Ok(()),
        Some(other) => Err(params.invalid("HealthCheckType", other)),
    }
}
