//! What a world begins with: nodes, each with its volume, record, launch template and group.

mod steady;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::Deserialize;

use super::World;
use super::autoscaling::{ActionResult, CreateAutoScalingGroup, GroupTag, PutLifecycleHook, Transition};
use super::ec2::{CreateVolume, network};
use super::error::ApiError;
use super::ssm::{PutParameter, RELEASE_DOCUMENT, RELEASE_DOCUMENT_CONTENT};
use crate::time::Time;

/// The parameter that names the image of the next launch.
const IMAGE_PARAMETER: &str = "/durin/images/k3s";

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
    /// The type of its instances.
    pub instance_type: String,
    /// Whether its group has Capacity Rebalancing.
    pub capacity_rebalance: bool,
    /// Whether its instances are spot instances.
    pub spot: bool,
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
            instance_type: "t3a.medium".to_owned(),
            capacity_rebalance: false,
            spot: true,
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
        Seed { seed: 1, start: None, nodes: vec![NodeSeed::default()] }
    }
}

impl World {
    /// A world with what the seed says. Its groups launch their first instances as time passes, unless
    /// [`World::settle_nodes`] comes first.
    pub fn from_seed(seed: &Seed) -> Result<World, String> {
        let mut world = World::new(seed.seed);
        if let Some(start) = &seed.start {
            let start = DateTime::from_str(start, Format::DateTimeWithOffset)
                .map_err(|error| format!("start `{start}` is not a time: {error}"))?;
            let millis = start.to_millis().map_err(|error| format!("start is out of range: {error}"))?;
            world.now = Time(millis);
        }
        for node in &seed.nodes {
            world.sow(node).map_err(|error| format!("node `{}`: {error}", node.name))?;
        }
        Ok(world)
    }

    fn sow(&mut self, node: &NodeSeed) -> Result<(), ApiError> {
        let zone_id = self.zone_named(&node.hosted_zone)?;
        if !self.parameters.contains_key(IMAGE_PARAMETER) {
            let value = self.hex_id("ami");
            self.put_parameter(PutParameter {
                name: IMAGE_PARAMETER.to_owned(),
                value,
                parameter_type: Some("String".to_owned()),
                data_type: Some("aws:ec2:image".to_owned()),
                ..PutParameter::default()
            })?;
        }
        if !self.documents.contains_key(RELEASE_DOCUMENT) {
            self.put_document(RELEASE_DOCUMENT, RELEASE_DOCUMENT_CONTENT)?;
        }
        let volume = self.create_volume(CreateVolume {
            zone: node.zone.clone(),
            size_gib: node.volume_gib,
            volume_type: "gp3".to_owned(),
            encrypted: true,
            tags: BTreeMap::from([("Name".to_owned(), node.name.clone())]),
        })?;
        let image = format!("resolve:ssm:{IMAGE_PARAMETER}");
        let template = self.create_launch_template(&node.name, &image, &node.instance_type, node.spot)?;
        let mut tags = vec![
            tag("durin:volume-id", &volume),
            tag("durin:hosted-zone-id", &zone_id),
            tag("durin:record-name", &node.record_name),
        ];
        tags.extend(node.record_ttl_s.map(|ttl_s| tag("durin:record-ttl", &ttl_s.to_string())));
        self.create_auto_scaling_group(CreateAutoScalingGroup {
            name: node.name.clone(),
            min_size: 1,
            max_size: 1,
            desired_capacity: Some(1),
            launch_template_id: Some(template.id),
            launch_template_version: Some("$Latest".to_owned()),
            zones: vec![node.zone.clone()],
            capacity_rebalance: node.capacity_rebalance,
            tags,
            hooks: vec![
                hook("durin-launch", Transition::Launching, 1800, ActionResult::Abandon),
                hook("durin-terminate", Transition::Terminating, 900, ActionResult::Continue),
            ],
            ..CreateAutoScalingGroup::default()
        })
    }

    fn zone_named(&mut self, name: &str) -> Result<String, ApiError> {
        let normal = super::route53::normalise_name(name);
        if let Some(zone) = self.zones.values().find(|zone| zone.name == normal) {
            return Ok(zone.id.clone());
        }
        let (id, _) = self.create_hosted_zone(name, name, Some(network::VPC_ID.to_owned()), None)?;
        Ok(id)
    }
}

fn tag(key: &str, value: &str) -> GroupTag {
    GroupTag { key: key.to_owned(), value: value.to_owned(), propagate_at_launch: true }
}

fn hook(name: &str, transition: Transition, timeout_s: u32, default_result: ActionResult) -> PutLifecycleHook {
    PutLifecycleHook {
        name: name.to_owned(),
        transition: Some(transition),
        heartbeat_timeout_s: Some(timeout_s),
        default_result: Some(default_result),
        ..PutLifecycleHook::default()
    }
}
