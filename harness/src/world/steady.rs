//! The steady state of a node, brought about without any function's help.

use std::time::Duration;

use super::World;
use super::autoscaling::AutoScalingChange;
use super::autoscaling::{Group, LifecycleState, Member};
use super::conventions::{CLAIM_PREFIX, DEFAULT_TTL_S, RECORD_TAG, TTL_TAG, VOLUME_TAG, ZONE_TAG, claim_text};
use super::ec2::Ec2Change;
use super::ec2::{Attachment, AttachmentState, Instance, InstanceState, VolumeState};
use super::error::{ApiError, ApiResult};
use super::guest::Guest;
use super::guest::GuestFact;
use super::route53::{ChangeAction, RecordChange, RecordSet};

/// How long the steady state has lasted when the story begins.
pub const SETTLED_FOR: Duration = Duration::from_secs(10 * 60);

/// The device name that the holder has the volume under.
const DEVICE: &str = "/dev/sdf";

/// The ids of a node's parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeNames {
    pub group: String,
    pub volume: String,
    /// The hosted zone of its record.
    pub zone_id: String,
    /// Its record, as its tag names it.
    pub record_name: String,
    pub record_ttl_s: u32,
}

impl World {
    /// The nodes in this world: the groups whose tags declare one.
    pub fn nodes(&self) -> Vec<NodeNames> {
        self.autoscaling.groups.values().filter_map(declared_node).collect()
    }

    /// Brings every node into its steady state, and lets ten minutes pass. No event is emitted for the beginning.
    pub fn settle_nodes(&mut self) -> ApiResult<Vec<NodeNames>> {
        let nodes = self.nodes();
        for node in &nodes {
            self.settle_node(node)?;
        }
        self.advance_to(self.now + SETTLED_FOR);
        Ok(nodes)
    }

    /// Gives the node an InService instance that holds its volume and serves from it, and the records that say so.
    pub fn settle_node(&mut self, node: &NodeNames) -> ApiResult<()> {
        let instance = self.settled_instance(&node.group)?;
        let address = self.ec2.instances.get(&instance).map(|it| it.private_ip.clone()).unwrap_or_default();
        self.hold_volume(&instance, &node.volume)?;
        let record_set = RecordSet::simple(&node.record_name, "A", node.record_ttl_s, &address);
        let claim =
            RecordSet::simple(&format!("{CLAIM_PREFIX}{}", node.record_name), "TXT", 300, &claim_text(&node.group));
        let changes = [record_set, claim].map(|record_set| RecordChange { action: ChangeAction::Upsert, record_set });
        self.change_resource_record_sets(&node.zone_id, changes.to_vec(), None)?;
        Ok(())
    }

    fn settled_instance(&mut self, group: &str) -> ApiResult<String> {
        let now = self.now;
        let known = self.autoscaling.groups.get(group).ok_or_else(|| missing(group))?;
        let (zone, subnet_id) = known.zones.iter().zip(&known.subnets).next().ok_or_else(|| missing(group))?;
        let (zone, subnet_id, mut tags) = (zone.clone(), subnet_id.clone(), known.tags_for_instances());
        let template = self.ec2.launch_template(&known.launch_template_id)?;
        let version = template.version(Some(&known.launch_template_version))?;
        tags.extend(template.tags_for_instances(version.number));
        let data = version.data.clone();
        let image_id = self.resolve_image(&data.image_id.unwrap_or_default())?;
        let devices = self.ec2.devices_of_launch(&image_id, &data.block_devices);
        let instance_type = data.instance_type.unwrap_or_default();
        self.note_launch(&image_id);
        let id = self.hex_id("i");
        let private_ip = self.ec2.next_private_ips(&subnet_id, 1)?.remove(0);
        let guest = Guest::of_launch(self.guest_ways.of_launch(&image_id), self.ec2.agent_mode);
        let guest = Guest { up_since: Some(now), epoch: 1, boots: 1, ..guest };
        let instance = Instance {
            id: id.clone(),
            state: InstanceState::Running,
            instance_type: instance_type.clone(),
            image_id,
            zone: zone.clone(),
            subnet_id,
            private_ip,
            spot: data.spot,
            launched: now,
            transition_reason: String::new(),
            devices,
            scheduled_event: None,
            notice: None,
            is_protected: false,
            tags_in_metadata: data.tags_in_metadata.unwrap_or(false),
            tags,
            guest,
        };
        self.ec2.instances.insert(id.clone(), instance);
        self.note_change(&id, AutoScalingChange::Settled { group: group.to_owned() });
        self.on_agent_online(&id);
        let cause = format!("At {} the world began.", now.iso_seconds());
        let activity_id = self.add_launch(group, &id, &cause);
        let member = Member {
            instance_type,
            zone,
            lifecycle: LifecycleState::InService,
            in_service_since: Some(now),
            activity_id,
            ..Member::joining(&id, now)
        };
        self.autoscaling.groups.get_mut(group).ok_or_else(|| missing(group))?.members.push(member);
        Ok(id)
    }

    fn hold_volume(&mut self, instance: &str, volume: &str) -> ApiResult<()> {
        let now = self.now;
        let held = self.ec2.volumes.get_mut(volume).ok_or_else(|| missing(volume))?;
        held.state = VolumeState::InUse;
        held.attachment = Some(Attachment {
            instance_id: instance.to_owned(),
            device: DEVICE.to_owned(),
            state: AttachmentState::Attached,
            since: now,
            delete_on_termination: false,
            is_stuck: false,
        });
        (held.data.dirty, held.data.blank) = (true, false);
        let guest = &mut self.ec2.instances.get_mut(instance).ok_or_else(|| missing(instance))?.guest;
        guest.mounted = Some(volume.to_owned());
        guest.serving_since = Some(now);
        guest.counted_until = Some(now);
        guest.workload_up_since = Some(now);
        self.note_change(volume, Ec2Change::Attached { instance: instance.to_owned() });
        self.note_who_serves(instance, volume);
        self.note_guest(instance, GuestFact::Settled { volume: volume.to_owned() });
        Ok(())
    }
}

fn missing(what: &str) -> ApiError {
    ApiError::new("InternalError", format!("{what} is missing from the seed")).with_status(500)
}

fn declared_node(group: &Group) -> Option<NodeNames> {
    let tag = |key: &str| group.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.clone());
    Some(NodeNames {
        group: group.name.clone(),
        volume: tag(VOLUME_TAG)?,
        zone_id: tag(ZONE_TAG)?,
        record_name: tag(RECORD_TAG)?,
        record_ttl_s: tag(TTL_TAG).and_then(|ttl_s| ttl_s.parse().ok()).unwrap_or(DEFAULT_TTL_S),
    })
}
