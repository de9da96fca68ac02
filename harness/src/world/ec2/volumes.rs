//! Volumes.

mod attachment;
mod key;
mod stuck;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::network::subnet_in;
use super::{Ec2, Ec2Change, Ec2Effect, World};
use crate::time::Time;
use crate::world::error::{ApiError, ApiResult};
use crate::world::guest::Data;
use crate::world::ids::is_hex_id;
pub use attachment::{Attachment, AttachmentState};
pub use stuck::Stuck;

/// EC2 User Guide (volume limits): 28 on most Nitro types, of which the network interface takes one.
pub(super) const DEVICES_AT_MOST: usize = 27;

#[derive(Clone, Debug)]
pub struct Volume {
    /// `vol-` and 17 hexadecimal digits.
    pub id: String,
    /// `creating`, `available`, `in-use`.
    pub state: VolumeState,
    /// GiB.
    pub size_gib: u32,
    /// For example `gp3`.
    pub volume_type: String,
    /// For example `eu-central-1a`.
    pub zone: String,
    pub encrypted: bool,
    /// The ARN of the key that encrypts it.
    pub key: Option<String>,
    pub created: Time,
    /// The one attachment that EBS allows.
    pub attachment: Option<Attachment>,
    pub tags: BTreeMap<String, String>,
    /// What has been written to it.
    pub data: Data,
}

/// The states of a volume, with EC2's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeState {
    Creating,
    /// Attached to nothing.
    Available,
    /// Attached, or on the way there or back.
    InUse,
}

impl VolumeState {
    /// EC2's name.
    pub fn name(self) -> &'static str {
        match self {
            VolumeState::Creating => "creating",
            VolumeState::Available => "available",
            VolumeState::InUse => "in-use",
        }
    }
}

/// What CreateVolume is asked for.
#[derive(Clone, Debug, Default)]
pub struct CreateVolume {
    /// For example `eu-central-1a`.
    pub zone: String,
    /// GiB.
    pub size_gib: u32,
    /// For example `gp3`.
    pub volume_type: String,
    pub encrypted: bool,
    /// The ARN of a customer managed key. Without one, an encrypted volume gets the account's `aws/ebs`.
    pub key: Option<String>,
    pub tags: BTreeMap<String, String>,
}

impl Ec2 {
    /// The volume, or the error that EC2 answers for its id.
    pub(super) fn known_volume(&self, id: &str) -> ApiResult<&Volume> {
        if !is_hex_id(id, "vol") {
            let text = format!("Value ({id}) for parameter volume is invalid. Expected: 'vol-...'.");
            return Err(ApiError::new("InvalidParameterValue", text));
        }
        self.volumes
            .get(id)
            .ok_or_else(|| ApiError::new("InvalidVolume.NotFound", format!("The volume '{id}' does not exist.")))
    }
}

impl World {
    /// CreateVolume: the id of the new volume.
    pub fn create_volume(&mut self, request: CreateVolume) -> ApiResult<String> {
        if subnet_in(&request.zone).is_err() {
            // Other calls have InvalidParameterValue for this (EC2 API Reference: error codes).
            let text = format!("The zone '{}' does not exist.", request.zone);
            return Err(ApiError::new("InvalidZone.NotFound", text));
        }
        if request.size_gib == 0 {
            return Err(ApiError::new("MissingParameter", "The request must contain the parameter size or snapshotId"));
        }
        let id = self.hex_id("vol");
        let volume = Volume {
            id: id.clone(),
            state: VolumeState::Creating,
            size_gib: request.size_gib,
            volume_type: request.volume_type,
            zone: request.zone,
            encrypted: request.encrypted,
            key: request.encrypted.then(|| request.key.unwrap_or_else(|| self.kms.aws_managed_key_of_ebs().arn())),
            created: self.now,
            attachment: None,
            tags: request.tags,
            data: Data { blank: true, ..Data::default() },
        };
        self.ec2.volumes.insert(id.clone(), volume);
        self.note_change(&id, Ec2Change::Volume(VolumeState::Creating));
        let delay = self.draw(self.latency.volume_creation);
        self.schedule(delay, Ec2Effect::VolumeAvailable(id.clone()));
        Ok(id)
    }

    pub fn delete_volume(&mut self, id: &str) -> ApiResult<()> {
        if let Some(held) = &self.ec2.known_volume(id)?.attachment {
            let text = format!("Volume {id} is currently attached to {}", held.instance_id);
            return Err(ApiError::new("VolumeInUse", text));
        }
        self.ec2.volumes.remove(id);
        self.note_change(id, Ec2Change::Deleted);
        Ok(())
    }

    /// The volume is available, unless it was deleted before.
    pub(super) fn finish_creating(&mut self, id: &str) {
        let still_creating = |volume: &&mut Volume| volume.state == VolumeState::Creating;
        let Some(volume) = self.ec2.volumes.get_mut(id).filter(still_creating) else { return };
        volume.state = VolumeState::Available;
        self.note_change(id, Ec2Change::Volume(VolumeState::Available));
    }
}
