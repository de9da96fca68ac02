//! The one attachment that EBS allows each volume.

use super::{DEVICES_AT_MOST, VolumeState};
use crate::time::Time;
use crate::world::World;
use crate::world::ec2::images::ROOT_DEVICE;
use crate::world::ec2::{Ec2, Ec2Change, Ec2Effect, InstanceState};
use crate::world::error::{ApiError, ApiResult};
use crate::world::machines::Order;

/// A volume's attachment to an instance.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// The holder.
    pub instance_id: String,
    /// For example `/dev/sdf`.
    pub device: String,
    pub state: AttachmentState,
    /// When it was asked for.
    pub since: Time,
    /// Whether the volume ends with the instance (false for a volume attached later).
    pub delete_on_termination: bool,
    /// Whether it stays in its state until the instance ends.
    pub is_stuck: bool,
}

/// The states of an attachment, with EC2's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachmentState {
    /// On the way to the instance.
    Attaching,
    /// The instance sees the device.
    Attached,
    /// On the way back.
    Detaching,
    /// Detaching was asked for, but the guest has it mounted.
    Busy,
}

impl AttachmentState {
    /// EC2's name.
    pub fn name(self) -> &'static str {
        match self {
            AttachmentState::Attaching => "attaching",
            AttachmentState::Attached => "attached",
            AttachmentState::Detaching => "detaching",
            AttachmentState::Busy => "busy",
        }
    }
}

impl World {
    /// AttachVolume. EC2 API Reference: the volume is `in-use` at once, the attachment `attached` later.
    pub fn attach_volume(&mut self, volume: &str, instance: &str, device: &str) -> ApiResult<Attachment> {
        self.ec2.may_attach(volume, instance, device)?;
        self.check_key(self.ec2.the_volume(volume))?;
        let is_stuck = self.ec2.sticks_attaching(volume, instance);
        let attachment = Attachment {
            instance_id: instance.to_owned(),
            device: device.to_owned(),
            state: AttachmentState::Attaching,
            since: self.now,
            delete_on_termination: false,
            is_stuck,
        };
        let found = self.ec2.the_volume_mut(volume);
        found.state = VolumeState::InUse;
        found.attachment = Some(attachment.clone());
        self.note_change(volume, Ec2Change::Attaching { instance: instance.to_owned() });
        let delay = self.draw(self.latency.attach);
        if !is_stuck {
            let (volume, instance) = (volume.to_owned(), instance.to_owned());
            self.schedule(delay, Ec2Effect::Attached { volume, instance, asked: self.now });
        }
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
            // Asked for before: nothing new.
            (AttachmentState::Detaching, _) => return Ok(held),
            (AttachmentState::Busy, false) if held.is_stuck => return Ok(held),
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
                self.begin_detaching(volume, force);
            }
        }
        Ok(self.ec2.the_attachment(volume).clone())
    }

    pub(in crate::world::ec2) fn finish_attaching(&mut self, volume: &str, instance: &str, asked: Time) {
        if !self.ec2.is_still(AttachmentState::Attaching, volume, instance, asked) {
            return;
        }
        if self.unusable_key(self.ec2.the_volume(volume)).is_some() {
            self.fail_attaching(volume);
        } else {
            self.ec2.the_attachment_mut(volume).state = AttachmentState::Attached;
            self.note_change(volume, Ec2Change::Attached { instance: instance.to_owned() });
            self.on_device(instance, volume);
        }
    }

    pub(in crate::world::ec2) fn finish_detaching(&mut self, volume: &str, instance: &str, asked: Time) {
        if self.ec2.is_still(AttachmentState::Detaching, volume, instance, asked) {
            self.free_volume(volume);
        }
    }

    /// What the instance had attached is available again.
    pub(in crate::world::ec2) fn free_volumes_of(&mut self, instance: &str) {
        let held: Vec<_> = self.ec2.attachments_of(instance).map(|(volume, _)| volume.to_owned()).collect();
        // Before another instance can have them.
        let uses_one = self.ec2.the_instance(instance).guest.mounted.is_some();
        if uses_one || (self.has_machines() && !held.is_empty()) {
            self.power_off(instance);
        }
        for volume in held {
            self.free_volume(&volume);
        }
    }

    /// The guest does not have the volume mounted any more: a detachment that had to wait for that goes on.
    pub(crate) fn on_unmounted(&mut self, volume: &str) {
        let attachment = self.ec2.the_volume(volume).attachment.as_ref();
        if attachment.is_some_and(|held| held.state == AttachmentState::Busy && !held.is_stuck) {
            self.begin_detaching(volume, false);
        }
    }

    fn begin_detaching(&mut self, volume: &str, by_force: bool) {
        let instance = self.ec2.the_attachment(volume).instance_id.clone();
        let sticks_in = self.ec2.sticks_detaching(volume, &instance);
        let held = self.ec2.the_attachment_mut(volume);
        held.state = sticks_in.unwrap_or(AttachmentState::Detaching);
        held.is_stuck |= sticks_in.is_some();
        let (is_stuck, asked) = (held.is_stuck, held.since);
        self.note_change(volume, Ec2Change::Detaching { instance: instance.clone() });
        let delay = self.draw(self.latency.detach);
        if !is_stuck && self.has_machines() {
            self.order(|| Order::Unplug { instance, volume: volume.to_owned(), by_force });
        } else if !is_stuck {
            let volume = volume.to_owned();
            self.schedule(delay, Ec2Effect::Detached { volume, instance, asked });
        }
    }

    pub(in crate::world) fn free_volume(&mut self, id: &str) {
        let volume = self.ec2.the_volume_mut(id);
        // aws/aws-sdk-go#374: the attachment vanishes, `detached` is not seen.
        volume.attachment = None;
        volume.state = VolumeState::Available;
        self.note_change(id, Ec2Change::Volume(VolumeState::Available));
    }
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
        if taken || device == ROOT_DEVICE || instance.devices.contains(device) {
            let text = format!("Invalid value '{device}' for unixDevice. Attachment point {device} is already in use");
            return Err(ApiError::new("InvalidParameterValue", text));
        }
        let most = self.devices_at_most.unwrap_or(DEVICES_AT_MOST);
        if instance.devices.len() + self.attachments_of(instance_id).count() >= most {
            // kubernetes-sigs/aws-ebs-csi-driver#2500 has the text.
            let text = format!(
                "You may attach up to {most} devices for this instance type. Please use a larger instance size to attach \
                 more volumes."
            );
            return Err(ApiError::new("AttachmentLimitExceeded", text));
        }
        Ok(())
    }

    /// Lets no instance have more devices than so many.
    pub fn limit_devices(&mut self, most: usize) {
        self.devices_at_most = Some(most);
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

    pub(in crate::world) fn the_attachment_mut(&mut self, volume: &str) -> &mut Attachment {
        self.the_volume_mut(volume).attachment.as_mut().expect("the volume is attached")
    }
}
