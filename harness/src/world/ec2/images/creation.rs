//! Images begin: created, copied, registered, and at last available or failed.

use std::collections::{BTreeMap, BTreeSet};

use super::{BlockDevice, DeregistrationProtection, Image, ImageState, ROOT_DEVICE, SourceImage, World, device_name};
use crate::world::ec2::Ec2Change;
use crate::world::ec2::{Ec2Effect, InstanceState, SnapshotSpec, SnapshotState};
use crate::world::error::{ApiError, ApiResult};
use crate::world::{ACCOUNT, REGION};

/// What CreateImage is asked for.
#[derive(Clone, Debug, Default)]
pub struct CreateImage {
    /// Unique among the account's images.
    pub name: String,
    pub description: Option<String>,
    /// Running or stopped. A reboot before the image is made is not part of this world.
    pub instance_id: String,
    /// Of the image.
    pub tags: BTreeMap<String, String>,
    /// Of its snapshots.
    pub snapshot_tags: BTreeMap<String, String>,
}

/// What CopyImage is asked for.
#[derive(Clone, Debug, Default)]
pub struct CopyImage {
    /// Unique among the account's images.
    pub name: String,
    pub description: Option<String>,
    /// In the source region.
    pub source_image_id: String,
    /// For example `eu-central-1`.
    pub source_region: String,
    /// Whether the copy is encrypted, whatever the source is.
    pub encrypted: bool,
    /// Whether the copy gets the source's tags.
    pub copy_tags: bool,
    /// Of the image.
    pub tags: BTreeMap<String, String>,
    /// Of its snapshots.
    pub snapshot_tags: BTreeMap<String, String>,
}

/// What RegisterImage is asked for: an image from snapshots that exist.
#[derive(Clone, Debug, Default)]
pub struct RegisterImage {
    /// Unique among the account's images.
    pub name: String,
    pub description: Option<String>,
    /// For example `x86_64`.
    pub architecture: String,
    /// For example `/dev/xvda`.
    pub root_device_name: String,
    /// Device names and snapshots.
    pub devices: Vec<(String, String)>,
    /// Of the image.
    pub tags: BTreeMap<String, String>,
}

/// GiB. This world does not have root volumes; their snapshots are as big as this.
const ROOT_GIB: u32 = 8;

impl World {
    /// CreateImage: the id of the new image, which is pending.
    pub fn create_image(&mut self, request: CreateImage) -> ApiResult<String> {
        self.check_image_name(&request.name)?;
        let instance = self.ec2.known_instance(&request.instance_id)?;
        if !matches!(instance.state, InstanceState::Running | InstanceState::Stopped) {
            let text = format!("Instance '{}' is not 'running' or 'stopped'.", request.instance_id);
            return Err(ApiError::new("IncorrectState", text));
        }
        let source_image = SourceImage { id: instance.image_id.clone(), region: REGION.to_owned() };
        let attached: Vec<_> =
            self.ec2.attachments_of(&request.instance_id).map(|(volume, _)| volume.to_owned()).collect();
        let mut volumes = vec![(None, ROOT_GIB, false)];
        volumes.extend(
            attached
                .iter()
                .filter_map(|id| self.ec2.volumes.get(id))
                .map(|volume| (Some(volume.id.clone()), volume.size_gib, volume.encrypted)),
        );
        let id = self.hex_id("ami");
        let description = format!("Created by CreateImage({}) for {id}", request.instance_id);
        let devices = self.begin_snapshots(&volumes, &description, &request.snapshot_tags);
        let mut image = self.new_image(&id, &request.name, devices);
        image.description = request.description;
        image.source_instance_id = Some(request.instance_id);
        image.source_image = Some(source_image);
        image.tags = request.tags;
        self.begin_image(image);
        Ok(id)
    }

    /// CopyImage: the id of the copy, which is pending. Other regions' images are not known here, and taken on trust.
    pub fn copy_image(&mut self, request: CopyImage) -> ApiResult<String> {
        self.check_image_name(&request.name)?;
        let (volumes, source_tags) = if request.source_region == REGION {
            self.check_launchable(&request.source_image_id)?;
            let source = self.known_image(&request.source_image_id)?;
            let devices = source.block_devices.iter();
            let volumes =
                devices.map(|device| (None, device.size_gib, device.encrypted || request.encrypted)).collect();
            (volumes, source.tags.clone())
        } else {
            (vec![(None, ROOT_GIB, request.encrypted)], BTreeMap::new())
        };
        let id = self.hex_id("ami");
        // As snapshots of copied images are described.
        let CopyImage { source_image_id, source_region, .. } = &request;
        let description =
            format!("Copied for DestinationAmi {id} from SourceAmi {source_image_id} in {source_region}.");
        let devices = self.begin_snapshots(&volumes, &description, &request.snapshot_tags);
        let mut image = self.new_image(&id, &request.name, devices);
        image.description = request.description;
        image.source_image = Some(SourceImage { id: request.source_image_id, region: request.source_region });
        image.tags = if request.copy_tags { source_tags } else { BTreeMap::new() };
        image.tags.extend(request.tags);
        self.begin_image(image);
        Ok(id)
    }

    /// RegisterImage: the id of the new image, which is available at once.
    pub fn register_image(&mut self, request: RegisterImage) -> ApiResult<String> {
        self.check_image_name(&request.name)?;
        let mut block_devices = Vec::new();
        for (device_name, snapshot_id) in request.devices {
            let snapshot = self.ec2.known_snapshot(&snapshot_id)?;
            if snapshot.state != SnapshotState::Completed {
                let text = format!("Snapshot '{snapshot_id}' is not in a 'completed' state.");
                return Err(ApiError::new("IncorrectState", text));
            }
            let (size_gib, encrypted) = (snapshot.size_gib, snapshot.encrypted);
            block_devices.push(BlockDevice { device_name, snapshot_id, size_gib, encrypted });
        }
        let id = self.hex_id("ami");
        let mut image = self.new_image(&id, &request.name, block_devices);
        image.description = request.description;
        image.architecture = request.architecture;
        image.root_device_name = request.root_device_name;
        image.tags = request.tags;
        self.ec2.insert_image(image);
        self.make_available(&id);
        Ok(id)
    }

    /// The image is complete, or has failed.
    pub(in crate::world) fn finish_image(&mut self, id: &str) {
        if self.ec2.the_image(id).state != ImageState::Pending {
            // Deregistered meanwhile: nothing comes of its bake either.
            self.bakes.remove(id);
            return;
        }
        let fails = self.ec2.image_failures > 0;
        self.ec2.image_failures = self.ec2.image_failures.saturating_sub(1);
        if fails || self.is_baked_in_vain(id) {
            self.fail_image(id, "Snapshot creation failed.");
        } else {
            self.make_available(id);
        }
        self.continue_bake(id);
    }

    /// An image is available, and says so.
    pub(super) fn make_available(&mut self, id: &str) {
        self.set_image_state(id, ImageState::Available, SnapshotState::Completed);
        self.emit_image_state(id, ImageState::Available, "");
    }

    fn fail_image(&mut self, id: &str, reason: &str) {
        self.set_image_state(id, ImageState::Failed, SnapshotState::Error);
        self.ec2.the_image_mut(id).failure = Some(reason.to_owned());
        self.emit_image_state(id, ImageState::Failed, reason);
    }

    fn set_image_state(&mut self, id: &str, state: ImageState, of_snapshots: SnapshotState) {
        let image = self.ec2.the_image_mut(id);
        image.state = state;
        let snapshots: Vec<_> = image.block_devices.iter().map(|device| device.snapshot_id.clone()).collect();
        for snapshot in snapshots {
            let snapshot = self.ec2.snapshots.get_mut(&snapshot);
            if let Some(snapshot) = snapshot.filter(|it| it.state == SnapshotState::Pending) {
                snapshot.state = of_snapshots;
            }
        }
        self.note_change(id, Ec2Change::Image(state));
    }

    fn begin_snapshots(
        &mut self,
        volumes: &[(Option<String>, u32, bool)],
        description: &str,
        tags: &BTreeMap<String, String>,
    ) -> Vec<BlockDevice> {
        let mut devices = Vec::new();
        for (number, (volume_id, size_gib, encrypted)) in volumes.iter().enumerate() {
            let snapshot_id = self.add_snapshot(SnapshotSpec {
                volume_id: volume_id.clone(),
                size_gib: Some(*size_gib),
                state: Some(SnapshotState::Pending),
                description: description.to_owned(),
                encrypted: *encrypted,
                tags: tags.clone(),
                ..SnapshotSpec::default()
            });
            let device_name = device_name(number);
            devices.push(BlockDevice { device_name, snapshot_id, size_gib: *size_gib, encrypted: *encrypted });
        }
        devices
    }

    fn begin_image(&mut self, image: Image) {
        let id = image.id.clone();
        self.note_change(&id, Ec2Change::ImagePending { name: image.name.clone() });
        self.ec2.insert_image(image);
        let delay = self.draw(self.latency.image_creation);
        self.schedule(delay, Ec2Effect::ImageFinished(id));
    }

    fn new_image(&self, id: &str, name: &str, block_devices: Vec<BlockDevice>) -> Image {
        Image {
            id: id.to_owned(),
            name: name.to_owned(),
            owner: ACCOUNT.to_owned(),
            state: ImageState::Pending,
            failure: None,
            created: self.now,
            architecture: "x86_64".to_owned(),
            description: None,
            root_device_name: ROOT_DEVICE.to_owned(),
            block_devices,
            tags: BTreeMap::new(),
            deprecated_from: None,
            source_instance_id: None,
            source_image: None,
            launches: Vec::new(),
            launch_permissions: BTreeSet::new(),
            protection: DeregistrationProtection::Disabled,
            gone: None,
        }
    }

    /// EC2 API Reference (CreateImage): 3 to 128 letters, digits and a few symbols; unique in account and region.
    fn check_image_name(&self, name: &str) -> ApiResult<()> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "()[] ./-'@_".contains(c);
        if !(3..=128).contains(&name.len()) || !name.chars().all(allowed) {
            let text = "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', \
                        ')', '.', '-', '/' and '_'";
            return Err(ApiError::new("InvalidAMIName.Malformed", text));
        }
        let namesake = |image: &&Image| image.gone.is_none() && image.owner == ACCOUNT && image.name == name;
        match self.ec2.images.values().find(namesake) {
            None => Ok(()),
            Some(Image { id, .. }) => {
                let text = format!("AMI name {name} is already in use by AMI {id}");
                Err(ApiError::new("InvalidAMIName.Duplicate", text))
            }
        }
    }
}
