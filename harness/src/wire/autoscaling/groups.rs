//! Groups: created, changed, deleted.

use serde_json::Value;

use super::refresh::maintenance_policy;
use super::tags::group_tag;
use super::{done, hooks};
use crate::wire::query::Params;
use crate::world::World;
use crate::world::autoscaling::{CreateAutoScalingGroup, UpdateAutoScalingGroup};
use crate::world::error::{ApiError, ApiResult};

/// Cooldowns, warm-ups and termination policies are accepted and have no effect on a group of one.
pub(super) const CREATE_PARAMETERS: &[&str] = &[
    "AutoScalingGroupName",
    "AvailabilityZones",
    "CapacityRebalance",
    "DefaultCooldown",
    "DefaultInstanceWarmup",
    "DesiredCapacity",
    "HealthCheckGracePeriod",
    "HealthCheckType",
    "InstanceMaintenancePolicy",
    "LaunchTemplate",
    "LifecycleHookSpecificationList",
    "MaxSize",
    "MinSize",
    "NewInstancesProtectedFromScaleIn",
    "ServiceLinkedRoleARN",
    "Tags",
    "TerminationPolicies",
    "VPCZoneIdentifier",
];

pub(super) const UPDATE_PARAMETERS: &[&str] = &[
    "AutoScalingGroupName",
    "AvailabilityZones",
    "CapacityRebalance",
    "DefaultCooldown",
    "DefaultInstanceWarmup",
    "DesiredCapacity",
    "HealthCheckGracePeriod",
    "HealthCheckType",
    "InstanceMaintenancePolicy",
    "LaunchTemplate",
    "MaxSize",
    "MinSize",
    "NewInstancesProtectedFromScaleIn",
    "ServiceLinkedRoleARN",
    "TerminationPolicies",
    "VPCZoneIdentifier",
];

pub(super) fn create(world: &mut World, params: &Params) -> ApiResult<Value> {
    let name = params.required("AutoScalingGroupName")?;
    only_ec2_health_checks(params)?;
    let template = launch_template(params)?;
    if template.id.is_none() && template.name.is_none() {
        return Err(ApiError::new("ValidationError", "Valid requests must contain the LaunchTemplate parameter."));
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
        zones: params.list("AvailabilityZones"),
        subnets: subnets(params),
        health_check_grace_period_s: params.number("HealthCheckGracePeriod")?.unwrap_or(0),
        capacity_rebalance: params.flag("CapacityRebalance")?.unwrap_or(false),
        maintenance_policy: maintenance_policy(params)?.flatten(),
        new_instances_protected_from_scale_in: params.flag("NewInstancesProtectedFromScaleIn")?.unwrap_or(false),
        tags: params.structures("Tags").iter().map(group_tag).collect::<ApiResult<_>>()?,
        hooks,
    })?;
    Ok(done())
}

pub(super) fn update(world: &mut World, params: &Params) -> ApiResult<Value> {
    only_ec2_health_checks(params)?;
    let template = launch_template(params)?;
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
        zones: (!zones.is_empty()).then_some(zones),
        subnets: (!subnets.is_empty()).then_some(subnets),
        health_check_grace_period_s: params.number("HealthCheckGracePeriod")?,
        capacity_rebalance: params.flag("CapacityRebalance")?,
        maintenance_policy: maintenance_policy(params)?,
        new_instances_protected_from_scale_in: params.flag("NewInstancesProtectedFromScaleIn")?,
    })?;
    Ok(done())
}

pub(super) fn delete(world: &mut World, params: &Params) -> ApiResult<Value> {
    let force = params.flag("ForceDelete")?.unwrap_or(false);
    world.delete_auto_scaling_group(params.required("AutoScalingGroupName")?, force)?;
    Ok(done())
}

pub(super) fn set_desired_capacity(world: &mut World, params: &Params) -> ApiResult<Value> {
    let name = params.required("AutoScalingGroupName")?;
    world.set_desired_capacity(name, params.required_number("DesiredCapacity")?)?;
    Ok(done())
}

/// The template that a request names, by id or by name; neither if it names none. The world resolves it.
#[derive(Default)]
struct NamedTemplate {
    id: Option<String>,
    name: Option<String>,
    version: Option<String>,
}

fn launch_template(params: &Params) -> ApiResult<NamedTemplate> {
    let given = params.structure("LaunchTemplate");
    if given.is_empty() {
        return Ok(NamedTemplate::default());
    }
    given.only(&["LaunchTemplateId", "LaunchTemplateName", "Version"])?;
    if let Some(version) = given.text("Version").filter(|version| !["$Latest", "$Default", "1"].contains(version)) {
        return Err(given.invalid("Version", version));
    }
    match (given.owned("LaunchTemplateId"), given.owned("LaunchTemplateName")) {
        (Some(_), Some(_)) | (None, None) => {
            let text = "Valid requests must contain either launchTemplateId or LaunchTemplateName";
            Err(ApiError::new("ValidationError", text))
        }
        (id, name) => Ok(NamedTemplate { id, name, version: given.owned("Version") }),
    }
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
