//! The beginning of a world: nodes, each with its volume, record, launch template and group, as in the template that a
//! user deploys for each node.

mod file;
#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::{Deserialize, Serialize};

use crate::templates::{DescribedNode, NodeTemplate, TemplateError};
use crate::time::Time;
use crate::world::World;
use crate::world::autoscaling::{CreateAutoScalingGroup, GroupTag};
use crate::world::conventions::{FAMILY_TAG, TTL_TAG};
use crate::world::ec2::requests::Requests;
use crate::world::ec2::{ImageSpec, network};
use crate::world::error::ApiError;
use crate::world::ssm::{IMAGE_DATA_TYPE, PutParameter};

/// The parameter that names the image of the next launch.
pub const IMAGE_PARAMETER: &str = "/durin/image";
/// What can happen in a story.
pub const DEEDS: [&str; 9] =
    ["interrupt", "recommend", "reclaim", "retire", "stick-volume", "no-capacity", "bad-image", "lose-event", "bake"];
/// The age of the image of the first launch.
const FIRST_BAKE_AGO: Duration = Duration::from_secs(4 * 24 * 60 * 60);

/// The beginning of a world.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    pub seed: u64,
    /// When it begins, for example `2026-01-05T06:00:00Z`.
    pub start: Option<String>,
    pub nodes: Vec<NodeSeed>,
    /// The account's other resources.
    pub account: AccountSeed,
    /// What happens in it while it is served.
    pub story: Vec<Deed>,
}

/// Something that AWS does and no API of it can cause.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deed {
    /// Seconds after the world has settled.
    pub after_s: f64,
    /// The request that causes it, as after `POST /durin/`: `interrupt?node=home`.
    pub does: String,
}

/// An account's resources besides its nodes.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountSeed {
    /// Seconds that deleted images and snapshots stay in the recycle bin; there is no rule without.
    pub recycle_bin_retention_s: Option<u64>,
    /// Fleets and spot requests.
    pub requests: Requests,
}

/// One node to begin with.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeSeed {
    /// Names the group and the launch template.
    pub name: String,
    /// The zone of its volume, and so of its instances.
    pub zone: String,
    /// GiB.
    pub volume_gib: u32,
    /// The name of its record.
    pub record_name: String,
    /// The record's hosted zone; nodes with the same one share it.
    pub hosted_zone: String,
    /// The record's TTL, if its tag says so.
    pub record_ttl_s: Option<u32>,
    /// The type of its instances; the template's first unless set here.
    pub instance_type: Option<String>,
    /// Whether its group has Capacity Rebalancing; as in the template unless set here.
    pub capacity_rebalance: Option<bool>,
    /// Whether its instances are spot instances; as in the template unless set here.
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
    /// A world as the seed says, with each node as in `template`. Its groups launch their first instances as time
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
            world.begin_at(Time(millis));
        }
        world.ec2.keep_what_is_removed(seed.account.recycle_bin_retention_s.map(Duration::from_secs));
        world.ec2.add_requests(seed.account.requests.clone());
        for node in &seed.nodes {
            world.sow(node, template).map_err(|error| format!("node `{}`: {error}", node.name))?;
        }
        Ok(world)
    }

    /// Deploys the template of one node, as CloudFormation does.
    fn sow(&mut self, node: &NodeSeed, template: &NodeTemplate) -> Result<(), Unsown> {
        let zone_id = self.zone_named(&node.hosted_zone)?;
        if !self.ssm.parameters().contains_key(IMAGE_PARAMETER) {
            let baked = self.now() - FIRST_BAKE_AGO;
            let image = ImageSpec::named("k3s-1").tagged(FAMILY_TAG, IMAGE_PARAMETER).created(baked);
            let value = self.add_image(image);
            self.add_parameter(PutParameter {
                name: IMAGE_PARAMETER.to_owned(),
                value,
                parameter_type: Some("String".to_owned()),
                data_type: Some(IMAGE_DATA_TYPE.to_owned()),
                tags: [(FAMILY_TAG.to_owned(), IMAGE_PARAMETER.to_owned())].into(),
                ..PutParameter::default()
            });
        }
        let mut stack = template.stack(&node.described(&zone_id).parameters())?;
        stack.created("AWS::Route53::HostedZone", &zone_id);
        stack.created("AWS::EC2::VPC", network::VPC_ID);
        stack.created("AWS::EC2::Subnet", &node.subnet());
        if let Some(volume) = stack.volume()? {
            let volume = self.create_volume(volume)?;
            stack.created("AWS::EC2::Volume", &volume);
        }
        let mut launch = stack.launch_template()?;
        launch.spot = node.spot.unwrap_or(launch.spot);
        launch.instance_type = node.instance_type.clone().or(launch.instance_type);
        let launch = self.create_launch_template_with(&node.name, launch, None, Default::default())?;
        stack.created("AWS::EC2::LaunchTemplate", &launch.id);
        let group = stack.group()?;
        let ttl = node.record_ttl_s.map(|ttl_s| GroupTag {
            key: TTL_TAG.to_owned(),
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
        let normal = crate::world::route53::normalise_name(name);
        if let Some(zone) = self.route53.zones().values().find(|zone| zone.name == normal) {
            return Ok(zone.id.clone());
        }
        let (id, _) = self.create_hosted_zone(name, name, Some(network::VPC_ID.to_owned()), None)?;
        Ok(id)
    }
}

impl NodeSeed {
    /// This node as its template needs it.
    fn described(&self, hosted_zone_id: &str) -> DescribedNode {
        DescribedNode {
            name: self.name.clone(),
            zone: self.zone.clone(),
            subnet: self.subnet(),
            hosted_zone_id: hosted_zone_id.to_owned(),
            record_name: self.record_name.clone(),
            volume_gib: self.volume_gib,
            image_parameter: IMAGE_PARAMETER.to_owned(),
        }
    }

    fn subnet(&self) -> String {
        network::subnet_in(&self.zone).unwrap_or_default().to_owned()
    }
}

/// The reason why a node could not be sown.
#[derive(Debug, thiserror::Error)]
enum Unsown {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Api(#[from] ApiError),
}
