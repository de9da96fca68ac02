//! What a group launches from: a launch template, several in a mixed instances policy, or a launch configuration.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::AutoScalingChange;
use super::{Group, World, validation_error};
use crate::time::Time;
use crate::world::ec2::RunInstances;
use crate::world::error::{ApiError, ApiResult};
use crate::world::{ACCOUNT, REGION};

/// What came before launch templates, and still works for those who have it.
#[derive(Clone, Debug)]
pub struct LaunchConfiguration {
    /// Unique in the region.
    pub name: String,
    /// The UUID in its ARN.
    pub uuid: String,
    /// An image id.
    pub image_id: String,
    /// For example `t3a.medium`.
    pub instance_type: String,
    /// Whether it asks for spot instances.
    pub spot: bool,
    /// Device names and snapshots, of the mappings that name a snapshot.
    pub block_devices: Vec<(String, String)>,
    pub created: Time,
}

impl LaunchConfiguration {
    pub fn arn(&self) -> String {
        let LaunchConfiguration { uuid, name, .. } = self;
        format!("arn:aws:autoscaling:{REGION}:{ACCOUNT}:launchConfiguration:{uuid}:launchConfigurationName/{name}")
    }
}

/// What CreateLaunchConfiguration is asked for.
#[derive(Clone, Debug, Default)]
pub struct CreateLaunchConfiguration {
    /// Unique in the region.
    pub name: String,
    /// An image id.
    pub image_id: String,
    /// For example `t3a.medium`.
    pub instance_type: String,
    /// Whether it asks for spot instances.
    pub spot: bool,
    /// Device names and snapshots.
    pub block_devices: Vec<(String, String)>,
}

/// What a group may launch besides what its launch template says, which is the group's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MixedInstancesPolicy {
    /// In order of preference; this world always has capacity for the first.
    pub overrides: Vec<Override>,
    /// Whether what is launched are spot instances: `OnDemandPercentageAboveBaseCapacity` 0.
    pub spot: bool,
}

/// What is launched differently. What is not said is as the group's template has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Override {
    /// For example `t3a.medium`.
    pub instance_type: Option<String>,
    /// Another template, by id, and its version.
    pub launch_template: Option<(String, String)>,
    /// Another image: an id, or `resolve:ssm:` and the name of a parameter.
    pub image_id: Option<String>,
}

impl Group {
    /// The images that overrides name.
    pub(in crate::world) fn override_images(&self) -> impl Iterator<Item = &str> {
        let overrides = self.mixed_instances_policy.iter().flat_map(|policy| &policy.overrides);
        overrides.filter_map(|it| it.image_id.as_deref())
    }

    /// Templates by id, and versions.
    pub(in crate::world) fn launch_template_specifications(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = (self.launch_template_id.as_str(), self.launch_template_version.as_str());
        let overrides = self.mixed_instances_policy.iter().flat_map(|policy| &policy.overrides);
        let others = overrides.filter_map(|it| it.launch_template.as_ref());
        std::iter::once(own).chain(others.map(|(id, version)| (id.as_str(), version.as_str())))
    }

    /// What the next instance is launched from.
    pub(super) fn next_launch(
        &self,
        configurations: &BTreeMap<String, LaunchConfiguration>,
    ) -> ApiResult<RunInstances> {
        if let Some(name) = &self.launch_configuration {
            let configuration = configurations.get(name).ok_or_else(|| no_configuration(name))?;
            return Ok(RunInstances {
                image_id: Some(configuration.image_id.clone()),
                instance_type: Some(configuration.instance_type.clone()),
                spot: configuration.spot,
                ..RunInstances::default()
            });
        }
        let own = (self.launch_template_id.clone(), self.launch_template_version.clone());
        let policy = self.mixed_instances_policy.clone().unwrap_or_default();
        let preferred = policy.overrides.into_iter().next().unwrap_or_default();
        let (template, version) = preferred.launch_template.unwrap_or(own);
        Ok(RunInstances {
            launch_template_id: Some(template),
            launch_template_version: Some(version),
            image_id: preferred.image_id,
            instance_type: preferred.instance_type,
            spot: policy.spot,
            ..RunInstances::default()
        })
    }
}

impl World {
    pub fn create_launch_configuration(&mut self, request: CreateLaunchConfiguration) -> ApiResult<()> {
        let CreateLaunchConfiguration { name, image_id, instance_type, spot, block_devices } = request;
        if self.autoscaling.launch_configurations.contains_key(&name) {
            let text = format!(
                "Launch Configuration by this name already exists - A launch configuration already exists with the name {name}"
            );
            return Err(ApiError::new("AlreadyExists", text));
        }
        let (uuid, created) = (self.uuid(), self.now);
        self.note_change(&name, AutoScalingChange::LaunchConfigurationCreated);
        let created =
            LaunchConfiguration { name: name.clone(), uuid, image_id, instance_type, spot, block_devices, created };
        self.autoscaling.launch_configurations.insert(name, created);
        Ok(())
    }

    /// DeleteLaunchConfiguration. One that a group uses stays.
    pub fn delete_launch_configuration(&mut self, name: &str) -> ApiResult<()> {
        if self.autoscaling.groups.values().any(|group| group.launch_configuration.as_deref() == Some(name)) {
            let text =
                format!("Cannot delete launch configuration {name} because it is attached to an AutoScalingGroup");
            return Err(ApiError::new("ResourceInUse", text));
        }
        self.autoscaling.launch_configurations.remove(name).ok_or_else(|| no_configuration(name))?;
        self.note_change(name, AutoScalingChange::Deleted);
        Ok(())
    }
}

pub(super) fn no_configuration(name: &str) -> ApiError {
    validation_error(format!("Launch configuration name not found - {name}"))
}
