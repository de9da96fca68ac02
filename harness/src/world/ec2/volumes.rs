//! Volumes, and the one attachment that EBS allows each of them.

use std::collections::BTreeMap;

use super::Ec2;
use super::Ec2Change;
use super::images::ROOT_DEVICE;
use super::network::subnet_in;
use super::{Attachment, AttachmentState, Ec2Effect, InstanceState, Volume, VolumeState, World};
use crate::time::Time;
use crate::world::error::{ApiError, ApiResult};
use crate::world::guest::Data;
use crate::world::ids::is_hex_id;

/// What CreateVolume is asked for.
#[derive(Clone, Debug, Default)]
pub struct CreateVolume {
    /// For example `eu-central-1a`.
    pub zone: String,
    /// GiB.
    pub size_gib: u32,
    /// For example `gp3`.
    pub volume_type: String,
    /// Encrypted at rest.
    pub encrypted: bool,
    /// For the new volume.
    pub tags: BTreeMap<String, String>,
}

impl Ec2 {
    /// The reasons for which EC2 refuses to attach, in its order as far as that is known.
    fn may_attach(&self, volume_id: &str, instance_id: &str, device: &str) -> ApiResult<()> {
        let volume = self.known_volume(volume_id)?;
        let instance = self.known_instance(instance_id)?;
        let not_running = || ApiError::new("IncorrectState", format!("Instance '{instance_id}' is not 'running'."));
        if matches!(instance.state, InstanceState::ShuttingDown | InstanceState::Terminated) {
            return Err(not_running());
        }
        match volume.state {
            // hashicorp/terraform-provider-aws#8565 has the text.
            VolumeState::InUse => {
                let text = format!("{volume_id} is already attached to an instance");
                return Err(ApiError::new("VolumeInUse", text));
            }
            VolumeState::Creating => {
                return Err(ApiError::new("IncorrectState", format!("{volume_id} is not 'available'.")));
            }
            VolumeState::Available => {}
        }
        // EC2 API Reference: the instance has to be running or stopped.
        if !matches!(instance.state, InstanceState::Running | InstanceState::Stopped) {
            return Err(not_running());
        }
        if volume.zone != instance.zone {
            let text =
                format!("The volume '{volume_id}' is not in the same availability zone as instance '{instance_id}'");
            return Err(ApiError::new("InvalidVolume.ZoneMismatch", text));
        }
        let taken = self.attachments_of(instance_id).any(|(_, attachment)| attachment.device == device);
        if taken || device == ROOT_DEVICE {
            let text = format!("Invalid value '{device}' for unixDevice. Attachment point {device} is already in use");
            return Err(ApiError::new("InvalidParameterValue", text));
        }
        Ok(())
    }

    fn may_detach(&self, volume_id: &str, instance: Option<&str>, device: Option<&str>) -> ApiResult<Attachment> {
        let volume = self.known_volume(volume_id)?;
        let Some(held) = volume.attachment.clone() else {
            // kubernetes-sigs/aws-ebs-csi-driver#1801 has the text.
            let text = format!("Volume '{volume_id}' is in the '{}' state.", volume.state.name());
            return Err(ApiError::new("IncorrectState", text));
        };
        if instance.is_some_and(|id| id != held.instance_id) || device.is_some_and(|name| name != held.device) {
            let text = format!("The attachment of volume '{volume_id}' does not exist");
            return Err(ApiError::new("InvalidAttachment.NotFound", text));
        }
        match self.state_of(&held.instance_id) {
            None | Some(InstanceState::ShuttingDown | InstanceState::Terminated) => {
                // hashicorp/terraform#18965 has the text.
                let text = format!(
                    "Unable to detach volume '{volume_id}' from instance '{}'. The instance is not in a state in which \
                     volumes can be detached.",
                    held.instance_id
                );
                Err(ApiError::new("IncorrectInstanceState", text))
            }
            Some(
                InstanceState::Pending | InstanceState::Running | InstanceState::Stopping | InstanceState::Stopped,
            ) => Ok(held),
        }
    }

    /// What is attached to the instance, or on its way there or back, with the volumes' ids.
    pub fn attachments_of(&self, instance: &str) -> impl Iterator<Item = (&str, &Attachment)> {
        self.volumes.values().filter_map(move |volume| {
            let attachment = volume.attachment.as_ref().filter(|it| it.instance_id == instance)?;
            Some((volume.id.as_str(), attachment))
        })
    }

    /// Whether an effect is still about this attachment, in this state: the volume may have been freed, attached anew or
    /// deleted since the effect was scheduled.
    fn is_still(&self, state: AttachmentState, volume: &str, instance: &str, asked: Time) -> bool {
        let held = self.volumes.get(volume).and_then(|volume| volume.attachment.as_ref());
        held.is_some_and(|held| held.instance_id == instance && held.since == asked && held.state == state)
    }

    fn the_attachment(&self, volume: &str) -> &Attachment {
        self.the_volume(volume).attachment.as_ref().expect("the volume is attached")
    }

    fn the_attachment_mut(&mut self, volume: &str) -> &mut Attachment {
        self.the_volume_mut(volume).attachment.as_mut().expect("the volume is attached")
    }

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
    /// AttachVolume. EC2 API Reference: the volume is `in-use` at once, the attachment `attached` later.
    pub fn attach_volume(&mut self, volume: &str, instance: &str, device: &str) -> ApiResult<Attachment> {
        self.ec2.may_attach(volume, instance, device)?;
        let attachment = Attachment {
            instance_id: instance.to_owned(),
            device: device.to_owned(),
            state: AttachmentState::Attaching,
            since: self.now,
            delete_on_termination: false,
        };
        let found = self.ec2.the_volume_mut(volume);
        found.state = VolumeState::InUse;
        found.attachment = Some(attachment.clone());
        self.note_change(volume, Ec2Change::Attaching { instance: instance.to_owned() });
        let delay = self.draw(self.latency.attach);
        let (volume, instance) = (volume.to_owned(), instance.to_owned());
        self.schedule(delay, Ec2Effect::Attached { volume, instance, asked: self.now });
        Ok(attachment)
    }

    /// DetachVolume. EC2 API Reference: a volume that the guest has mounted stays `busy` until it is unmounted;
    /// `force` gives the guest no chance to write back what it has in memory.
    pub fn detach_volume(
        &mut self,
        volume: &str,
        instance: Option<&str>,
        device: Option<&str>,
        force: bool,
    ) -> ApiResult<Attachment> {
        let held = self.ec2.may_detach(volume, instance, device)?;
        let holder = held.instance_id.clone();
        let mounted = self.ec2.the_instance(&holder).guest.mounted.as_deref() == Some(volume);
        match (held.state, mounted) {
            // Told before; nothing new, unless it is forced now.
            (AttachmentState::Detaching, _) => return Ok(held),
            (AttachmentState::Busy | AttachmentState::Attached | AttachmentState::Attaching, true) if !force => {
                self.ec2.the_attachment_mut(volume).state = AttachmentState::Busy;
                if held.state != AttachmentState::Busy {
                    self.note_change(volume, Ec2Change::Busy { instance: holder });
                }
            }
            (AttachmentState::Busy | AttachmentState::Attached | AttachmentState::Attaching, _) => {
                if mounted {
                    self.lose_device(&holder, volume);
                }
                self.begin_detaching(volume);
            }
        }
        Ok(self.ec2.the_attachment(volume).clone())
    }

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
            created: self.now,
            attachment: None,
            tags: request.tags,
            data: Data::default(),
        };
        self.ec2.volumes.insert(id.clone(), volume);
        self.note_change(&id, Ec2Change::Volume(VolumeState::Creating));
        let delay = self.draw(self.latency.volume_creation);
        self.schedule(delay, Ec2Effect::VolumeAvailable(id.clone()));
        Ok(id)
    }

    /// DeleteVolume.
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

    pub(super) fn finish_attaching(&mut self, volume: &str, instance: &str, asked: Time) {
        if self.ec2.is_still(AttachmentState::Attaching, volume, instance, asked) {
            self.ec2.the_attachment_mut(volume).state = AttachmentState::Attached;
            self.note_change(volume, Ec2Change::Attached { instance: instance.to_owned() });
            self.on_device(instance, volume);
        }
    }

    pub(super) fn finish_detaching(&mut self, volume: &str, instance: &str, asked: Time) {
        if self.ec2.is_still(AttachmentState::Detaching, volume, instance, asked) {
            self.free_volume(volume);
        }
    }

    /// What the instance had attached is available again.
    pub(super) fn free_volumes_of(&mut self, instance: &str) {
        let held: Vec<_> = self.ec2.attachments_of(instance).map(|(volume, _)| volume.to_owned()).collect();
        for volume in held {
            self.free_volume(&volume);
        }
    }

    /// The guest does not have the volume mounted any more: a detachment that had to wait for that goes on.
    pub(crate) fn on_unmounted(&mut self, volume: &str) {
        let attachment = self.ec2.the_volume(volume).attachment.as_ref();
        if attachment.is_some_and(|held| held.state == AttachmentState::Busy) {
            self.begin_detaching(volume);
        }
    }

    fn begin_detaching(&mut self, volume: &str) {
        let held = self.ec2.the_attachment_mut(volume);
        held.state = AttachmentState::Detaching;
        let (instance, asked) = (held.instance_id.clone(), held.since);
        self.note_change(volume, Ec2Change::Detaching { instance: instance.clone() });
        let delay = self.draw(self.latency.detach);
        let volume = volume.to_owned();
        self.schedule(delay, Ec2Effect::Detached { volume, instance, asked });
    }

    fn free_volume(&mut self, id: &str) {
        let volume = self.ec2.the_volume_mut(id);
        // aws/aws-sdk-go#374: the attachment vanishes, `detached` is not seen.
        volume.attachment = None;
        volume.state = VolumeState::Available;
        self.note_change(id, Ec2Change::Volume(VolumeState::Available));
    }
}
