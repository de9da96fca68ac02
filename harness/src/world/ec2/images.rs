//! Images (AMIs): what they are, and the states in which they can be launched.

mod attributes;
mod creation;
mod deregistration;
mod references;
mod spec;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;

use super::Ec2;
use super::World;
use crate::time::Time;
use crate::world::error::{ApiError, ApiResult};
use crate::world::ids::is_hex_id;
use crate::world::{ACCOUNT, REGION};

pub use creation::{CopyImage, CreateImage, RegisterImage};
pub use deregistration::{Gone, SnapshotDeletion};
pub(crate) use references::VERSION_DEPTH;
pub use references::{ImageReference, ReferenceScope};
pub use spec::{ImageSpec, PUBLIC_IMAGE, PUBLIC_OWNER};

/// EC2 API Reference (Image, LastLaunchedTime): a launch is reported after this time.
const LAUNCH_REPORTED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The name of the device that an instance boots from. Its volume is not part of this world, but nothing else can be
/// attached there.
pub(super) const ROOT_DEVICE: &str = "/dev/xvda";

/// An Amazon Machine Image.
#[derive(Clone, Debug)]
pub struct Image {
    /// `ami-` and 17 hexadecimal digits.
    pub id: String,
    /// Unique among the owner's images in the region.
    pub name: String,
    /// Account id.
    pub owner: String,
    /// Where in its life it is.
    pub state: ImageState,
    /// Why it failed, if it did.
    pub failure: Option<String>,
    /// When it was asked for.
    pub created: Time,
    /// For example `x86_64`.
    pub architecture: String,
    pub description: Option<String>,
    /// For example `/dev/xvda`.
    pub root_device_name: String,
    /// The root device first.
    pub block_devices: Vec<BlockDevice>,
    pub tags: BTreeMap<String, String>,
    /// From when on it is deprecated.
    pub deprecated_from: Option<Time>,
    /// The instance that CreateImage made it from.
    pub source_instance_id: Option<String>,
    /// The image that it is a copy of, or that its source instance was launched from.
    pub source_image: Option<SourceImage>,
    /// Launches that matter for LastLaunchedTime, in order.
    pub launches: Vec<Time>,
    /// Who else may launch it.
    pub launch_permissions: BTreeSet<LaunchPermission>,
    /// Whether it may be deregistered.
    pub protection: DeregistrationProtection,
    /// How much of it is still seen, once it is deregistered.
    pub gone: Option<Gone>,
}

/// The states of an image, with EC2's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageState {
    /// Its snapshots are being made.
    Pending,
    Available,
    Invalid,
    /// Cannot be launched any more; soon not listed either.
    Deregistered,
    /// On its way between two states.
    Transient,
    Failed,
    Error,
    /// Not to be launched until enabled again.
    Disabled,
}

impl ImageState {
    /// EC2's name.
    pub fn name(self) -> &'static str {
        match self {
            ImageState::Pending => "pending",
            ImageState::Available => "available",
            ImageState::Invalid => "invalid",
            ImageState::Deregistered => "deregistered",
            ImageState::Transient => "transient",
            ImageState::Failed => "failed",
            ImageState::Error => "error",
            ImageState::Disabled => "disabled",
        }
    }
}

/// A device that an instance gets at launch, from a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockDevice {
    /// For example `/dev/xvda`.
    pub device_name: String,
    /// What the volume is made from.
    pub snapshot_id: String,
    /// GiB.
    pub size_gib: u32,
    pub encrypted: bool,
}

/// Where an image comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceImage {
    /// Its id there.
    pub id: String,
    /// For example `eu-central-1`.
    pub region: String,
}

/// Who may launch an image besides its owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LaunchPermission {
    /// The group `all`: the image is public.
    Everybody,
    /// An account, by id.
    Account(String),
    /// An organization, by ARN.
    Organization(String),
}

/// Whether an image may be deregistered. EC2 User Guide: protect an AMI from deregistration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DeregistrationProtection {
    /// It may.
    #[default]
    Disabled,
    /// It may not.
    Enabled {
        /// Whether it stays protected for 24 hours after protection was disabled.
        with_cooldown: bool,
    },
    /// Protection was disabled, and lasts until then.
    CoolingDown {
        /// From then on it may.
        until: Time,
    },
}

impl Image {
    /// Whether `account` owns it, or may launch it.
    pub fn is_launchable_by(&self, account: &str) -> bool {
        self.owner == account
            || self.is_public()
            || self.launch_permissions.contains(&LaunchPermission::Account(account.to_owned()))
    }

    /// Whether everybody may launch it.
    pub fn is_public(&self) -> bool {
        self.launch_permissions.contains(&LaunchPermission::Everybody)
    }

    /// The last launch as reported at `now`, a day late.
    pub fn last_launched(&self, now: Time) -> Option<Time> {
        self.launches.iter().rev().copied().find(|launch| *launch + LAUNCH_REPORTED_AFTER <= now)
    }

    /// Whether it is deprecated at `now`.
    pub fn is_deprecated(&self, now: Time) -> bool {
        self.deprecated_from.is_some_and(|from| from <= now)
    }

    fn note_launch(&mut self, now: Time) {
        let reported = self.launches.iter().rposition(|launch| *launch + LAUNCH_REPORTED_AFTER <= now);
        self.launches.drain(..reported.unwrap_or(0));
        self.launches.push(now);
    }
}

impl Ec2 {
    pub(super) fn insert_image(&mut self, image: Image) {
        for device in &image.block_devices {
            self.images_by_snapshot.entry(device.snapshot_id.clone()).or_default().insert(image.id.clone());
        }
        self.images.insert(image.id.clone(), image);
    }

    /// The images that are, or were, made from the snapshot.
    pub(in crate::world) fn images_from<'a>(&'a self, snapshot: &str) -> impl Iterator<Item = &'a Image> {
        let ids = self.images_by_snapshot.get(snapshot).into_iter().flatten();
        ids.filter_map(|id| self.images.get(id))
    }
}

impl World {
    /// The image, unless nothing is known about it (any more).
    pub fn image(&self, id: &str) -> Option<&Image> {
        self.ec2.images.get(id).filter(|image| image.gone.as_ref().is_none_or(|gone| self.is_remembered(image, gone)))
    }

    /// The image, or the error that EC2 answers for its id.
    pub(super) fn known_image(&self, id: &str) -> ApiResult<&Image> {
        if !is_hex_id(id, "ami") {
            let text = format!("Invalid id: \"{id}\" (expecting \"ami-...\")");
            return Err(ApiError::new("InvalidAMIID.Malformed", text));
        }
        match self.image(id) {
            None => Err(image_not_found(id)),
            Some(image) if image.gone.is_some() => Err(image_unavailable(id)),
            Some(image) => Ok(image),
        }
    }

    /// The image to change, which only its owner may.
    pub(super) fn own_image_mut(&mut self, id: &str) -> ApiResult<&mut Image> {
        let owner = &self.known_image(id)?.owner;
        if owner != ACCOUNT {
            return Err(ApiError::new("AuthFailure", format!("Not authorized for image:{id}")).with_status(403));
        }
        self.ec2.images.get_mut(id).ok_or_else(|| image_not_found(id))
    }

    /// Refuses an image that this account cannot launch now.
    pub(in crate::world) fn check_launchable(&self, id: &str) -> ApiResult<()> {
        let image = self.known_image(id)?;
        if !image.is_launchable_by(ACCOUNT) {
            return Err(image_not_found(id));
        }
        if image.state == ImageState::Available { Ok(()) } else { Err(image_unavailable(id)) }
    }

    /// Remembers that an instance was launched from the image.
    pub(in crate::world) fn note_launch(&mut self, id: &str) {
        let now = self.now;
        self.ec2.the_image_mut(id).note_launch(now);
    }

    /// EC2 User Guide: monitor AMI events.
    fn emit_image_state(&mut self, id: &str, state: ImageState, error: &str) {
        let request_id = self.uuid();
        self.emit(
            "aws.ec2",
            "EC2 AMI State Change",
            vec![format!("arn:aws:ec2:{REGION}::image/{id}")],
            json!({ "RequestId": request_id, "ImageId": id, "State": state.name(), "ErrorMessage": error }),
        );
    }
}

/// What EC2 answers for an id that no image has.
pub(crate) fn image_not_found(id: &str) -> ApiError {
    ApiError::new("InvalidAMIID.NotFound", format!("The image id '[{id}]' does not exist"))
}

fn image_unavailable(id: &str) -> ApiError {
    ApiError::new("InvalidAMIID.Unavailable", format!("The image ID '{id}' is not available"))
}

/// The root device's name, then `/dev/sdb`, `/dev/sdc`, …
fn device_name(number: usize) -> String {
    match u8::try_from(number).unwrap_or(u8::MAX) {
        0 => ROOT_DEVICE.to_owned(),
        number => format!("/dev/sd{}", char::from(b'a' + number.min(25))),
    }
}
