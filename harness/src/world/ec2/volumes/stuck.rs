//! Attachments that EC2 never brings to their end.

use std::collections::BTreeMap;

use super::AttachmentState;
use crate::world::ec2::Ec2;

/// What gets stuck next, by volume or by instance.
#[derive(Clone, Debug, Default)]
pub struct Stuck {
    attaching: BTreeMap<String, AttachmentState>,
    detaching: BTreeMap<String, AttachmentState>,
}

impl Ec2 {
    /// The next attachment of the volume, or to the instance, stays `attaching`. Nothing ends that but the end of the
    /// instance: detaching does not, and force does not either (kubernetes/kubernetes#31891, #36450).
    pub fn stick_attach(&mut self, volume_or_instance: &str) {
        self.stuck.attaching.insert(volume_or_instance.to_owned(), AttachmentState::Attaching);
    }

    /// The next detachment of the volume, or from the instance, stays `detaching` though nothing is mounted, until the
    /// instance ends (kubernetes/kubernetes#32881).
    pub fn stick_detach(&mut self, volume_or_instance: &str) {
        self.stuck.detaching.insert(volume_or_instance.to_owned(), AttachmentState::Detaching);
    }

    /// The same, and the volume shows `busy` (kubernetes-sigs/aws-ebs-csi-driver#1032).
    pub fn stick_busy(&mut self, volume_or_instance: &str) {
        self.stuck.detaching.insert(volume_or_instance.to_owned(), AttachmentState::Busy);
    }

    /// Whether the next detachment of the volume is going to stick.
    pub fn is_to_stick(&self, volume: &str) -> bool {
        self.stuck.detaching.contains_key(volume)
    }

    pub(super) fn sticks_attaching(&mut self, volume: &str, instance: &str) -> bool {
        take(&mut self.stuck.attaching, volume, instance).is_some()
    }

    /// In which state the detachment stays, if it does.
    pub(super) fn sticks_detaching(&mut self, volume: &str, instance: &str) -> Option<AttachmentState> {
        take(&mut self.stuck.detaching, volume, instance)
    }
}

fn take(planned: &mut BTreeMap<String, AttachmentState>, volume: &str, instance: &str) -> Option<AttachmentState> {
    planned.remove(volume).or_else(|| planned.remove(instance))
}
