//! Images that a world begins with.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    BlockDevice, DeregistrationProtection, Image, ImageState, LaunchPermission, ROOT_DEVICE, SourceImage, World,
    device_name,
};
use crate::time::Time;
use crate::world::ACCOUNT;
use crate::world::ec2::SnapshotSpec;

/// Every world has this public image, as a region has Amazon's.
pub const PUBLIC_IMAGE: &str = "ami-0123456789abcdef0";
/// The account that publishes it.
pub const PUBLIC_OWNER: &str = "137112412989";

/// An image to begin with. What is not given is as of an available image of this account's, made now, with one snapshot.
#[derive(Clone, Debug, Default)]
pub struct ImageSpec {
    /// Drawn unless given.
    pub id: Option<String>,
    /// `image-` and the digits of its id by default.
    pub name: Option<String>,
    /// Account id.
    pub owner: Option<String>,
    /// Where in its life it is.
    pub state: Option<ImageState>,
    /// When it was asked for.
    pub created: Option<Time>,
    /// Snapshots that exist; one of 8 GiB is made along with the image by default.
    pub snapshots: Option<Vec<String>>,
    /// Of the image, and of the snapshot that is made along with it.
    pub tags: BTreeMap<String, String>,
    pub description: Option<String>,
    /// Whether everybody may launch it.
    pub public: bool,
    /// From when on it is deprecated.
    pub deprecated_from: Option<Time>,
    /// The instance that it was made from.
    pub source_instance_id: Option<String>,
    /// The image that it is a copy of.
    pub source_image: Option<SourceImage>,
    /// When an instance was last launched from it.
    pub last_launched: Option<Time>,
    /// Whether it may be deregistered.
    pub protection: DeregistrationProtection,
}

impl ImageSpec {
    /// An image of that name.
    pub fn named(name: &str) -> ImageSpec {
        ImageSpec { name: Some(name.to_owned()), ..ImageSpec::default() }
    }

    /// The same with one more tag.
    #[must_use]
    pub fn tagged(mut self, key: &str, value: &str) -> ImageSpec {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// The same, asked for at that time.
    #[must_use]
    pub fn created(self, created: Time) -> ImageSpec {
        ImageSpec { created: Some(created), ..self }
    }
}

impl World {
    /// Puts an image into the world without anybody having made it: its id. No event is emitted.
    ///
    /// The snapshot made along with it has the digits of its id, so that it costs no randomness.
    pub fn add_image(&mut self, spec: ImageSpec) -> String {
        let id = spec.id.unwrap_or_else(|| self.hex_id("ami"));
        let digits = id.trim_start_matches("ami-").to_owned();
        let owner = spec.owner.unwrap_or_else(|| ACCOUNT.to_owned());
        let created = spec.created.unwrap_or(self.now);
        let source = spec.source_instance_id.clone().unwrap_or_else(|| format!("i-{digits}"));
        let snapshots = spec.snapshots.unwrap_or_else(|| {
            vec![self.add_snapshot(SnapshotSpec {
                id: Some(format!("snap-{digits}")),
                owner: Some(owner.clone()),
                volume_id: Some(format!("vol-{digits}")),
                started: Some(created),
                description: format!("Created by CreateImage({source}) for {id}"),
                tags: spec.tags.clone(),
                ..SnapshotSpec::default()
            })]
        });
        let image = Image {
            id: id.clone(),
            name: spec.name.unwrap_or_else(|| format!("image-{digits}")),
            owner,
            state: spec.state.unwrap_or(ImageState::Available),
            failure: None,
            created,
            architecture: "x86_64".to_owned(),
            description: spec.description,
            root_device_name: ROOT_DEVICE.to_owned(),
            block_devices: self.devices_from(&snapshots),
            tags: spec.tags,
            deprecated_from: spec.deprecated_from,
            source_instance_id: spec.source_instance_id,
            source_image: spec.source_image,
            launches: spec.last_launched.into_iter().collect(),
            launch_permissions: spec.public.then_some(LaunchPermission::Everybody).into_iter().collect::<BTreeSet<_>>(),
            protection: spec.protection,
            gone: None,
        };
        self.ec2.insert_image(image);
        id
    }

    /// What every region has: an image that somebody else has made public.
    pub(in crate::world) fn add_public_image(&mut self) {
        let created = Time(Time::GENESIS.0 - 24 * 24 * 60 * 60 * 1000);
        self.add_image(ImageSpec {
            id: Some(PUBLIC_IMAGE.to_owned()),
            owner: Some(PUBLIC_OWNER.to_owned()),
            public: true,
            ..ImageSpec::named("al2023-ami-2023.9.20251208.0-kernel-6.1-x86_64").created(created)
        });
    }

    /// Devices from these snapshots, the root device first.
    fn devices_from(&self, snapshots: &[String]) -> Vec<BlockDevice> {
        let device = |(number, id): (usize, &String)| BlockDevice {
            device_name: device_name(number),
            snapshot_id: id.clone(),
            size_gib: self.ec2.snapshots.get(id).map_or(8, |snapshot| snapshot.size_gib),
            encrypted: self.ec2.snapshots.get(id).is_some_and(|snapshot| snapshot.encrypted),
        };
        snapshots.iter().enumerate().map(device).collect()
    }
}
