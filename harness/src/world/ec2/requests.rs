//! Fleets and spot requests: those that a world is given. Nothing comes of them here; they are there to be
//! read, because they refer to images.

use serde::{Deserialize, Serialize};

use super::Ec2;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Requests {
    pub fleets: Vec<Fleet>,
    pub spot_fleets: Vec<SpotFleet>,
    pub spot_instances: Vec<SpotInstanceRequest>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fleet {
    /// `fleet-` and a UUID.
    pub id: String,
    /// For example `active`.
    pub state: String,
    /// What it launches from.
    pub configs: Vec<LaunchTemplateConfig>,
}

/// A Spot Fleet request: it has launch template configurations or launch specifications.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpotFleet {
    /// `sfr-` and a UUID.
    pub id: String,
    /// For example `active`.
    pub state: String,
    /// What it launches from.
    pub configs: Vec<LaunchTemplateConfig>,
    /// What it launches from without a launch template.
    pub specifications: Vec<LaunchSpecification>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpotInstanceRequest {
    /// `sir-` and eight letters and digits.
    pub id: String,
    /// For example `open`.
    pub state: String,
    /// What it launches from.
    pub specification: LaunchSpecification,
}

/// A launch template, and what is launched differently.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LaunchTemplateConfig {
    pub template_id: Option<String>,
    pub template_name: Option<String>,
    /// `$Latest`, `$Default` or a number.
    pub version: String,
    /// The image ids that overrides name instead of the template's. Spot Fleet overrides cannot.
    pub override_images: Vec<String>,
}

/// What is launched without a launch template.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LaunchSpecification {
    /// An image id.
    pub image_id: String,
    /// Device names and snapshots.
    pub block_devices: Vec<(String, String)>,
}

impl Ec2 {
    /// Adds fleets and spot requests.
    pub fn add_requests(&mut self, requests: Requests) {
        self.requests.fleets.extend(requests.fleets);
        self.requests.spot_fleets.extend(requests.spot_fleets);
        self.requests.spot_instances.extend(requests.spot_instances);
    }
}

impl Requests {
    /// The ids of those that name the image.
    pub(super) fn naming_image<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a str> {
        let overrides = move |configs: &[LaunchTemplateConfig]| {
            configs.iter().any(|config| config.override_images.iter().any(|image| image == id))
        };
        let fleets = self.fleets.iter().filter(move |it| overrides(&it.configs)).map(|it| it.id.as_str());
        let spot_fleets = self.spot_fleets.iter().filter(move |it| {
            overrides(&it.configs) || it.specifications.iter().any(|specification| specification.image_id == id)
        });
        let instances = self.spot_instances.iter().filter(move |it| it.specification.image_id == id);
        fleets.chain(spot_fleets.map(|it| it.id.as_str())).chain(instances.map(|it| it.id.as_str()))
    }

    /// The ids of those that name the snapshot.
    pub(super) fn naming_snapshot<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a str> {
        let names_it = move |it: &LaunchSpecification| it.block_devices.iter().any(|(_, snapshot)| snapshot == id);
        let fleets = self.spot_fleets.iter().filter(move |it| it.specifications.iter().any(names_it));
        let instances = self.spot_instances.iter().filter(move |it| names_it(&it.specification));
        fleets.map(|it| it.id.as_str()).chain(instances.map(|it| it.id.as_str()))
    }

    /// Templates, by id or name, and versions.
    pub(super) fn launch_template_specifications(&self) -> impl Iterator<Item = (&str, &str)> {
        let fleets = self.fleets.iter().flat_map(|fleet| &fleet.configs);
        let configs = fleets.chain(self.spot_fleets.iter().flat_map(|fleet| &fleet.configs));
        configs.filter_map(|config| {
            let template = config.template_id.as_deref().or(config.template_name.as_deref())?;
            Some((template, config.version.as_str()))
        })
    }
}
