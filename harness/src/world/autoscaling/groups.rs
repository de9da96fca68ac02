//! Groups are created, updated and deleted.

use super::AutoScaling;
use super::AutoScalingChange;
use super::launch_sources::no_configuration;
use super::{Group, GroupTag, MaintenancePolicy, MixedInstancesPolicy, PutLifecycleHook, World, validation_error};
use crate::world::ec2::network::{subnet_in, zone_of};
use crate::world::error::{ApiError, ApiResult};

/// What CreateAutoScalingGroup is asked for.
#[derive(Clone, Debug, Default)]
pub struct CreateAutoScalingGroup {
    /// Unique in the region.
    pub name: String,
    pub min_size: u32,
    pub max_size: u32,
    /// How many instances there should be; the minimum by default.
    pub desired_capacity: Option<u32>,
    pub launch_template_id: Option<String>,
    pub launch_template_name: Option<String>,
    /// Its version; `$Default` by default.
    pub launch_template_version: Option<String>,
    /// What is launched differently from what the template says.
    pub mixed_instances_policy: Option<MixedInstancesPolicy>,
    /// What to launch from instead of a template.
    pub launch_configuration: Option<String>,
    /// Where, by subnet.
    pub subnets: Vec<String>,
    /// Where, by zone, if no subnet is named.
    pub zones: Vec<String>,
    /// 300 by default.
    pub default_cooldown_s: Option<u32>,
    /// Seconds after InService in which health checks do not count.
    pub health_check_grace_period_s: u32,
    /// Whether instances at risk are replaced before they end.
    pub capacity_rebalance: bool,
    pub maintenance_policy: Option<MaintenancePolicy>,
    /// Whether new instances are protected from scale-in.
    pub new_instances_protected_from_scale_in: bool,
    pub tags: Vec<GroupTag>,
    pub hooks: Vec<PutLifecycleHook>,
}

/// What UpdateAutoScalingGroup is asked for: what is not said stays.
#[derive(Clone, Debug, Default)]
pub struct UpdateAutoScalingGroup {
    pub name: String,
    pub min_size: Option<u32>,
    pub max_size: Option<u32>,
    /// How many instances there should be.
    pub desired_capacity: Option<u32>,
    pub launch_template_id: Option<String>,
    pub launch_template_name: Option<String>,
    /// The version of a template named here; `$Default` by default.
    pub launch_template_version: Option<String>,
    /// What is launched differently from what the template named here says.
    pub mixed_instances_policy: Option<MixedInstancesPolicy>,
    /// What to launch from instead of a template.
    pub launch_configuration: Option<String>,
    /// Where, by subnet.
    pub subnets: Option<Vec<String>>,
    /// Where, by zone.
    pub zones: Option<Vec<String>>,
    pub default_cooldown_s: Option<u32>,
    /// Seconds after InService in which health checks do not count.
    pub health_check_grace_period_s: Option<u32>,
    /// Whether instances at risk are replaced before they end.
    pub capacity_rebalance: Option<bool>,
    /// How instances are replaced; `Some(None)` clears it.
    pub maintenance_policy: Option<Option<MaintenancePolicy>>,
    /// Whether new instances are protected from scale-in.
    pub new_instances_protected_from_scale_in: Option<bool>,
}

/// EC2 Auto Scaling API Reference (CreateAutoScalingGroup, DefaultCooldown).
const DEFAULT_COOLDOWN_S: u32 = 300;

impl AutoScaling {
    pub(super) fn known_group(&self, name: &str) -> ApiResult<&Group> {
        self.groups.get(name).ok_or_else(|| no_group(name))
    }

    pub(super) fn known_group_mut(&mut self, name: &str) -> ApiResult<&mut Group> {
        self.groups.get_mut(name).ok_or_else(|| no_group(name))
    }

    fn check_launch_configuration(&self, name: &str) -> ApiResult<()> {
        self.launch_configurations.get(name).map(|_| ()).ok_or_else(|| no_configuration(name))
    }
}

impl World {
    pub fn create_auto_scaling_group(&mut self, request: CreateAutoScalingGroup) -> ApiResult<()> {
        if self.autoscaling.groups.contains_key(&request.name) {
            let text = format!(
                "AutoScalingGroup by this name already exists - A group with the name {} already exists",
                request.name
            );
            return Err(ApiError::new("AlreadyExists", text));
        }
        let desired_capacity = request.desired_capacity.unwrap_or(request.min_size);
        check_bounds(request.min_size, request.max_size, desired_capacity)?;
        let template = request.launch_template_id.as_ref().or(request.launch_template_name.as_ref());
        let launch_template_id = match &request.launch_configuration {
            Some(name) => self.autoscaling.check_launch_configuration(name).map(|()| String::new())?,
            None => self.template_for_group(template.map_or("", String::as_str))?,
        };
        let places = places(&request.subnets, &request.zones)?;
        let group = Group {
            name: request.name.clone(),
            uuid: self.uuid(),
            min_size: request.min_size,
            max_size: request.max_size,
            desired_capacity,
            launch_template_id,
            launch_template_version: request.launch_template_version.unwrap_or_else(default_version),
            mixed_instances_policy: request.mixed_instances_policy,
            launch_configuration: request.launch_configuration,
            subnets_named: !request.subnets.is_empty(),
            zones: places.iter().map(|(zone, _)| zone.clone()).collect(),
            subnets: places.into_iter().map(|(_, subnet)| subnet).collect(),
            created: self.now,
            default_cooldown_s: request.default_cooldown_s.unwrap_or(DEFAULT_COOLDOWN_S),
            health_check_grace_period_s: request.health_check_grace_period_s,
            capacity_rebalance: request.capacity_rebalance,
            maintenance_policy: request.maintenance_policy,
            refreshes: Vec::new(),
            new_instances_protected_from_scale_in: request.new_instances_protected_from_scale_in,
            members: Vec::new(),
            suspended: Vec::new(),
            hooks: Vec::new(),
            tags: request.tags,
            activities: Vec::new(),
            deleting: false,
            reconcile_due: None,
            capacity_failures: 0,
            no_capacity_until: None,
            recommended_after: None,
            conflicts: 0,
            failed_launches: 0,
            failing_since: None,
            no_launch_before: None,
        };
        self.autoscaling.groups.insert(request.name.clone(), group);
        for hook in request.hooks {
            let hook = PutLifecycleHook { group: request.name.clone(), ..hook };
            if let Err(error) = self.put_lifecycle_hook(hook) {
                self.autoscaling.groups.remove(&request.name);
                return Err(error);
            }
        }
        self.note_change(&request.name, AutoScalingChange::Created { desired_capacity });
        self.reconcile_soon(&request.name);
        Ok(())
    }

    /// UpdateAutoScalingGroup. Instances that run outside of changed subnets are replaced, see [`super::Replacement::Zones`].
    pub fn update_auto_scaling_group(&mut self, request: UpdateAutoScalingGroup) -> ApiResult<()> {
        let group = self.autoscaling.known_group(&request.name)?;
        let (min, max) = (request.min_size.unwrap_or(group.min_size), request.max_size.unwrap_or(group.max_size));
        // EC2 Auto Scaling API Reference: a desired capacity that no new bound allows any more moves to that bound.
        let moved = group.desired_capacity.max(min).min(max);
        let desired = request.desired_capacity.unwrap_or(moved);
        check_bounds(min, max, desired)?;
        let template = match request.launch_template_id.as_ref().or(request.launch_template_name.as_ref()) {
            Some(template) => Some(self.template_for_group(template)?),
            None => None,
        };
        if let Some(name) = &request.launch_configuration {
            self.autoscaling.check_launch_configuration(name)?;
        }
        let subnets_named = request.subnets.is_some();
        let places = if request.subnets.is_some() || request.zones.is_some() {
            Some(places(&request.subnets.unwrap_or_default(), &request.zones.unwrap_or_default())?)
        } else {
            None
        };
        let group = self.autoscaling.known_group_mut(&request.name)?;
        group.min_size = min;
        group.max_size = max;
        group.desired_capacity = desired;
        if let Some(template) = template {
            group.launch_template_id = template;
            group.launch_template_version = request.launch_template_version.unwrap_or_else(default_version);
            group.mixed_instances_policy = request.mixed_instances_policy;
            group.launch_configuration = None;
        }
        if request.launch_configuration.is_some() {
            group.launch_configuration = request.launch_configuration;
            group.launch_template_id.clear();
            group.mixed_instances_policy = None;
        }
        if let Some(places) = places {
            (group.zones, group.subnets) = places.into_iter().unzip();
            group.subnets_named = subnets_named;
        }
        group.default_cooldown_s = request.default_cooldown_s.unwrap_or(group.default_cooldown_s);
        group.health_check_grace_period_s =
            request.health_check_grace_period_s.unwrap_or(group.health_check_grace_period_s);
        group.capacity_rebalance = request.capacity_rebalance.unwrap_or(group.capacity_rebalance);
        group.maintenance_policy = request.maintenance_policy.unwrap_or(group.maintenance_policy);
        group.new_instances_protected_from_scale_in =
            request.new_instances_protected_from_scale_in.unwrap_or(group.new_instances_protected_from_scale_in);
        self.note_change(&request.name, AutoScalingChange::Updated { desired_capacity: desired });
        self.reconcile_soon(&request.name);
        Ok(())
    }

    /// DeleteAutoScalingGroup. EC2 Auto Scaling User Guide: a forced deletion ends the instances without their hooks.
    pub fn delete_auto_scaling_group(&mut self, name: &str, force: bool) -> ApiResult<()> {
        let group = self.autoscaling.known_group_mut(name)?;
        if !group.members.is_empty() && !force {
            let text = "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance \
                        request(s) still in the group.";
            return Err(ApiError::new("ResourceInUse", text));
        }
        group.deleting = true;
        group.desired_capacity = 0;
        group.min_size = 0;
        let members: Vec<_> = group.members.iter().map(|member| member.instance_id.clone()).collect();
        for instance in members {
            self.end_without_hooks(name, &instance);
        }
        self.forget_empty_group(name);
        Ok(())
    }

    pub(super) fn forget_empty_group(&mut self, name: &str) {
        if self.autoscaling.groups.get(name).is_some_and(|group| group.deleting && group.members.is_empty()) {
            self.autoscaling.groups.remove(name);
            self.note_change(name, AutoScalingChange::Deleted);
        }
    }

    fn template_for_group(&self, id_or_name: &str) -> ApiResult<String> {
        let template = self.ec2.launch_template(id_or_name).map_err(|error| {
            let text = format!("You must use a valid fully-formed launch template. {}", error.message);
            validation_error(text)
        })?;
        Ok(template.id.clone())
    }
}

/// EC2 Auto Scaling API Reference (LaunchTemplateSpecification).
fn default_version() -> String {
    "$Default".to_owned()
}

fn no_group(name: &str) -> ApiError {
    validation_error(format!("AutoScalingGroup name not found - AutoScalingGroup '{name}' not found"))
}

fn check_bounds(min: u32, max: u32, desired: u32) -> ApiResult<()> {
    if min > max {
        return Err(validation_error(format!("Max bound, {max}, must be greater than or equal to min bound, {min}")));
    }
    if !(min..=max).contains(&desired) {
        return Err(validation_error(format!(
            "Desired capacity:{desired} must be between the specified min size:{min} and max size:{max}"
        )));
    }
    Ok(())
}

/// Zones with their subnets.
fn places(subnets: &[String], zones: &[String]) -> ApiResult<Vec<(String, String)>> {
    let mut places = Vec::new();
    for subnet in subnets {
        places.push((zone_of(subnet)?.to_owned(), subnet.clone()));
    }
    if places.is_empty() {
        for zone in zones {
            places.push((zone.clone(), subnet_in(zone)?.to_owned()));
        }
    }
    if places.is_empty() {
        return Err(validation_error("At least one Availability Zone or VPC Subnet is required."));
    }
    Ok(places)
}
