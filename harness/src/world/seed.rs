//! What a world begins with: nodes, each with its volume, record, launch template and group, as the template that a user
//! deploys for each node has them.

mod steady;

#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::Deserialize;
use serde_json::json;

use super::World;
use super::autoscaling::{CreateAutoScalingGroup, GroupTag};
use super::ec2::requests::Requests;
use super::ec2::{ImageSpec, network};
use super::error::ApiError;
use super::ssm::{IMAGE_DATA_TYPE, PutParameter};
use crate::templates::{NodeParameters, NodeTemplate, TemplateError};
use crate::time::Time;

/// The parameter that names the image of the next launch.
pub const IMAGE_PARAMETER: &str = "/durin/images/k3s";
/// The tag of an image that names the parameter it is a candidate for.
pub const FAMILY_TAG: &str = "durin:image-parameter";
/// How old the image of the first launch is.
const FIRST_BAKE_AGO: Duration = Duration::from_secs(4 * 24 * 60 * 60);

/// What a world begins with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    /// Of the randomness.
    pub seed: u64,
    /// When it begins, for example `2026-01-05T06:00:00Z`.
    pub start: Option<String>,
    /// The nodes in it.
    pub nodes: Vec<NodeSeed>,
    /// What else the account has.
    pub account: AccountSeed,
}

/// What an account has besides its nodes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountSeed {
    /// Seconds that deleted images and snapshots stay in the recycle bin; there is no rule without.
    pub recycle_bin_retention_s: Option<u64>,
    /// Fleets and spot requests.
    pub requests: Requests,
}

/// One node to begin with.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeSeed {
    /// Names the group and the launch template.
    pub name: String,
    /// The zone of its volume, and so of its instances.
    pub zone: String,
    /// GiB.
    pub volume_gib: u32,
    /// What its record is called.
    pub record_name: String,
    /// In which hosted zone; nodes with the same one share it.
    pub hosted_zone: String,
    /// The record's TTL, if its tag says so.
    pub record_ttl_s: Option<u32>,
    /// The type of its instances; the template's first unless said.
    pub instance_type: Option<String>,
    /// Whether its group has Capacity Rebalancing; as the template says unless said.
    pub capacity_rebalance: Option<bool>,
    /// Whether its instances are spot instances; as the template says unless said.
    pub spot: Option<bool>,
}

impl Default for NodeSeed {
    fn default() -> NodeSeed {
        NodeSeed {
            name: "k3s".to_owned(),
            zone: "eu-central-1a".to_owned(),
            volume_gib: 20,
            record_name: "k3s.durin.internal".to_owned(),
            hosted_zone: "durin.internal".to_owned(),
            record_ttl_s: None,
            instance_type: None,
            capacity_rebalance: None,
            spot: None,
        }
    }
}

/// Where a node's parts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeNames {
    /// Its Auto Scaling group.
    pub group: String,
    /// Its volume.
    pub volume: String,
    /// The hosted zone of its record.
    pub zone_id: String,
    /// Its record, as its tag names it.
    pub record_name: String,
    /// The record's TTL.
    pub record_ttl_s: u32,
}

/// The TTL of a node's record unless its tag says otherwise.
const RECORD_TTL_S: u32 = 10;

impl Seed {
    /// A world with one node, `k3s.durin.internal`.
    pub fn one_node() -> Seed {
        Seed { seed: 1, nodes: vec![NodeSeed::default()], ..Seed::default() }
    }

    /// The same, with Capacity Rebalancing on or off, whatever the template says.
    pub fn rebalancing(self, capacity_rebalance: bool) -> Seed {
        let set = |node| NodeSeed { capacity_rebalance: Some(capacity_rebalance), ..node };
        Seed { nodes: self.nodes.into_iter().map(set).collect(), ..self }
    }
}

impl World {
    /// A world with what the seed says, each node as `template` has it. Its groups launch their first instances as time
    /// passes, unless [`World::settle_nodes`] comes first.
    ///
    /// # Errors
    /// When the seed or the template is wrong.
    pub fn from_seed(seed: &Seed, template: &NodeTemplate) -> Result<World, String> {
        let mut world = World::new(seed.seed);
        if let Some(start) = &seed.start {
            let start = DateTime::from_str(start, Format::DateTimeWithOffset)
                .map_err(|error| format!("start `{start}` is not a time: {error}"))?;
            let millis = start.to_millis().map_err(|error| format!("start is out of range: {error}"))?;
            world.now = Time(millis);
        }
        world.ec2.recycle_bin.retention = seed.account.recycle_bin_retention_s.map(Duration::from_secs);
        world.ec2.requests = seed.account.requests.clone();
        for node in &seed.nodes {
            world.sow(node, template).map_err(|error| format!("node `{}`: {error}", node.name))?;
        }
        Ok(world)
    }

    /// What CloudFormation does with the template of one node.
    fn sow(&mut self, node: &NodeSeed, template: &NodeTemplate) -> Result<(), Unsown> {
        let zone_id = self.zone_named(&node.hosted_zone)?;
        if !self.ssm.parameters.contains_key(IMAGE_PARAMETER) {
            let baked = self.now - FIRST_BAKE_AGO;
            let image = ImageSpec::named("k3s-1").tagged(FAMILY_TAG, IMAGE_PARAMETER).created(baked);
            let value = self.add_image(image);
            // Without the wait for its validation: the first launch needs it.
            self.add_version(PutParameter {
                name: IMAGE_PARAMETER.to_owned(),
                value,
                parameter_type: Some("String".to_owned()),
                data_type: Some(IMAGE_DATA_TYPE.to_owned()),
                tags: [(FAMILY_TAG.to_owned(), IMAGE_PARAMETER.to_owned())].into(),
                ..PutParameter::default()
            });
        }
        let mut stack = template.stack(&node.parameters(&zone_id))?;
        stack.created("AWS::Route53::HostedZone", &zone_id);
        stack.created("AWS::EC2::VPC", network::VPC_ID);
        stack.created("AWS::EC2::Subnet", &node.subnet());
        if let Some(volume) = stack.volume()? {
            let volume = self.create_volume(volume)?;
            stack.created("AWS::EC2::Volume", &volume);
        }
        let (image, instance_type, spot) = stack.launch_template()?;
        let instance_type = node.instance_type.as_ref().unwrap_or(&instance_type);
        let launch = self.create_launch_template(&node.name, &image, instance_type, node.spot.unwrap_or(spot))?;
        stack.created("AWS::EC2::LaunchTemplate", &launch.id);
        let group = stack.group()?;
        let ttl = node.record_ttl_s.map(|ttl_s| GroupTag {
            key: "durin:record-ttl".to_owned(),
            value: ttl_s.to_string(),
            propagate_at_launch: true,
        });
        self.create_auto_scaling_group(CreateAutoScalingGroup {
            zones: vec![node.zone.clone()],
            capacity_rebalance: node.capacity_rebalance.unwrap_or(group.capacity_rebalance),
            tags: group.tags.into_iter().chain(ttl).collect(),
            ..group
        })?;
        Ok(())
    }

    fn zone_named(&mut self, name: &str) -> Result<String, ApiError> {
        let normal = super::route53::normalise_name(name);
        if let Some(zone) = self.route53.zones.values().find(|zone| zone.name == normal) {
            return Ok(zone.id.clone());
        }
        let (id, _) = self.create_hosted_zone(name, name, Some(network::VPC_ID.to_owned()), None)?;
        Ok(id)
    }
}

impl NodeSeed {
    /// What is said of this node when its template is deployed.
    pub(crate) fn parameters(&self, hosted_zone_id: &str) -> NodeParameters {
        let value = json!({
            "NodeName": self.name,
            "VpcId": network::VPC_ID,
            "SubnetId": self.subnet(),
            "AvailabilityZone": self.zone,
            "SecurityGroupId": "sg-0123456789abcdef0",
            "HostedZoneId": hosted_zone_id,
            "RecordName": self.record_name,
            "VolumeSizeGiB": self.volume_gib,
            "ImageParameter": IMAGE_PARAMETER,
        });
        value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn subnet(&self) -> String {
        network::subnet_in(&self.zone).unwrap_or_default().to_owned()
    }
}

/// Why a node could not be sown.
#[derive(Debug, thiserror::Error)]
enum Unsown {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Api(#[from] ApiError),
}
