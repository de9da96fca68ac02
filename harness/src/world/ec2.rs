//! EC2: its instances, volumes, images and the rest are in the files beside this one; here is the room that keeps them,
//! and what happens in it without a call.

mod change;
pub mod images;
mod instances;
mod launch_templates;
pub mod network;
pub mod recycle_bin;
pub mod requests;
mod snapshots;
mod tags;
pub mod throttles;
mod volumes;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::World;
use super::guest::AgentMode;
use crate::time::Time;

pub use change::Ec2Change;
pub use images::{Image, ImageSpec, ImageState};
pub use instances::{Instance, InstanceState, RunInstances, ScheduledEvent, SpotAction, StateChange};
pub(crate) use instances::{Shutdown, instance_arn};
pub use launch_templates::{LaunchTemplate, LaunchTemplateData, LaunchTemplateVersion, ShownAsSaid};
pub use snapshots::{Snapshot, SnapshotHold, SnapshotSpec, SnapshotState};
pub use volumes::{Attachment, AttachmentState, CreateVolume, Stuck, Volume, VolumeState};

/// The instances, volumes and images of the account, and what else EC2 keeps.
#[derive(Default)]
pub struct Ec2 {
    /// By id, the terminated ones included until EC2 forgets them.
    pub(in crate::world) instances: BTreeMap<String, Instance>,
    /// By id.
    pub(in crate::world) volumes: BTreeMap<String, Volume>,
    /// Whether the Describe calls leave out when something was launched or attached.
    pub(in crate::world) hides_times: bool,
    /// How many devices an instance may have; [`volumes::DEVICES_AT_MOST`] unless set.
    pub(in crate::world) devices_at_most: Option<usize>,
    /// Attachments and detachments to come that never end.
    pub(in crate::world) stuck: Stuck,
    /// By id.
    pub(in crate::world) launch_templates: BTreeMap<String, LaunchTemplate>,
    /// By id, the deregistered ones included.
    pub(in crate::world) images: BTreeMap<String, Image>,
    pub(in crate::world) images_by_snapshot: BTreeMap<String, BTreeSet<String>>,
    /// By id.
    pub(in crate::world) snapshots: BTreeMap<String, Snapshot>,
    /// How many of the next images that are being made fail.
    pub(in crate::world) image_failures: u32,
    pub(in crate::world) recycle_bin: recycle_bin::RecycleBin,
    /// Fleets and spot requests.
    pub(in crate::world) requests: requests::Requests,
    pub(in crate::world) throttles: throttles::Throttles,
    /// The last octet given to an instance, by subnet.
    pub(in crate::world) last_host: [u8; network::SUBNETS.len()],
    /// The subnets without IPv4.
    pub(in crate::world) ipv6_native: BTreeSet<String>,
    /// How the Systems Manager agents of instances to come behave.
    pub(in crate::world) agent_mode: AgentMode,
}

impl Ec2 {
    /// The instance, if EC2 still lists it.
    pub fn instance(&self, id: &str) -> Option<&Instance> {
        self.instances.get(id)
    }

    pub fn volume(&self, id: &str) -> Option<&Volume> {
        self.volumes.get(id)
    }

    pub fn snapshot(&self, id: &str) -> Option<&Snapshot> {
        self.snapshots.get(id)
    }

    /// Whether the instance runs, or is about to.
    pub(in crate::world) fn is_alive(&self, id: &str) -> bool {
        matches!(self.state_of(id), Some(InstanceState::Pending | InstanceState::Running))
    }

    pub(in crate::world) fn the_instance(&self, id: &str) -> &Instance {
        self.instances.get(id).expect("EC2 lists the instance")
    }

    pub(in crate::world) fn the_instance_mut(&mut self, id: &str) -> &mut Instance {
        self.instances.get_mut(id).expect("EC2 lists the instance")
    }

    pub(in crate::world) fn the_volume(&self, id: &str) -> &Volume {
        self.volumes.get(id).expect("the volume exists")
    }

    pub(in crate::world) fn the_volume_mut(&mut self, id: &str) -> &mut Volume {
        self.volumes.get_mut(id).expect("the volume exists")
    }

    /// Deregistered ones included: none is ever forgotten altogether.
    pub(in crate::world) fn the_image(&self, id: &str) -> &Image {
        self.images.get(id).expect("the image was made")
    }

    pub(in crate::world) fn the_image_mut(&mut self, id: &str) -> &mut Image {
        self.images.get_mut(id).expect("the image was made")
    }

    pub fn instances(&self) -> &BTreeMap<String, Instance> {
        &self.instances
    }

    pub fn volumes(&self) -> &BTreeMap<String, Volume> {
        &self.volumes
    }

    pub fn launch_templates(&self) -> &BTreeMap<String, LaunchTemplate> {
        &self.launch_templates
    }

    pub fn images(&self) -> &BTreeMap<String, Image> {
        &self.images
    }

    pub fn snapshots(&self) -> &BTreeMap<String, Snapshot> {
        &self.snapshots
    }

    pub fn recycle_bin(&self) -> &recycle_bin::RecycleBin {
        &self.recycle_bin
    }

    pub fn requests(&self) -> &requests::Requests {
        &self.requests
    }

    /// How the Systems Manager agents of instances that are launched from now on behave.
    pub fn launch_with_agents(&mut self, mode: AgentMode) {
        self.agent_mode = mode;
    }

    /// From now on the Describe calls do not say when something was launched or attached. Their models have both as optional.
    pub fn hide_times(&mut self) {
        self.hides_times = true;
    }

    pub fn hides_times(&self) -> bool {
        self.hides_times
    }

    pub fn throttles(&self) -> &throttles::Throttles {
        &self.throttles
    }
}

/// What happens to instances, volumes and images without a call.
#[derive(Clone, Debug)]
pub enum Ec2Effect {
    /// A pending image is available, or has failed.
    ImageFinished(String),
    /// The retention of an image or a snapshot in the recycle bin is over.
    LeavesRecycleBin(String),
    /// A pending instance is running.
    Running(String),
    /// A stopping instance is stopped.
    Stopped(String),
    /// An instance that is shutting down is terminated.
    Terminated(String),
    /// The volumes of an instance that is terminated, or nearly so, are freed.
    VolumesFreed(String),
    /// A terminated instance is not listed any more.
    Forgotten(String),
    /// The spot capacity under an instance is taken back.
    Reclaimed { instance: String, action: SpotAction },
    /// The host under an instance retires.
    Retired(String),
    /// A volume that was being created is available.
    VolumeAvailable(String),
    /// The volume's attachment to the instance is complete.
    Attached {
        volume: String,
        instance: String,
        /// When it was asked for: which distinguishes this attachment from a later one of the same pair.
        asked: Time,
    },
    /// The volume has left the instance.
    Detached {
        volume: String,
        instance: String,
        /// When the attachment was asked for.
        asked: Time,
    },
}

impl World {
    pub(super) fn carry_out_ec2(&mut self, effect: Ec2Effect) {
        match effect {
            Ec2Effect::ImageFinished(id) => self.finish_image(&id),
            Ec2Effect::LeavesRecycleBin(id) => self.leave_recycle_bin(&id),
            Ec2Effect::Running(id) => self.on_running(&id),
            Ec2Effect::Stopped(id) => self.on_stopped(&id),
            Ec2Effect::Terminated(id) => self.on_terminated(&id),
            Ec2Effect::VolumesFreed(id) => self.free_volumes_of(&id),
            Ec2Effect::Forgotten(id) => self.forget_instance(&id),
            Ec2Effect::Reclaimed { instance, action } => self.take_capacity_back(&instance, action),
            Ec2Effect::Retired(id) => self.retire(&id),
            Ec2Effect::VolumeAvailable(id) => self.finish_creating(&id),
            Ec2Effect::Attached { volume, instance, asked } => self.finish_attaching(&volume, &instance, asked),
            Ec2Effect::Detached { volume, instance, asked } => self.finish_detaching(&volume, &instance, asked),
        }
    }
}
