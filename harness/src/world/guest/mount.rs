//! What comes of a volume that has arrived.
//!
//! An instance with the tag `durin:volume-id` is a node's, and its image has durin-node. Any other has an image of
//! somebody else's, which mounts whatever comes and formats what is blank; but a probe's (`durin:proof`) has Amazon's, which mounts nothing.

use super::release::Manner;
use super::{Boot, GuestFact, GuestStep};
use crate::world::World;
use crate::world::conventions::{NEW_VOLUME_TAG, PROOF_TAG, VOLUME_TAG};
use crate::world::ec2::{AttachmentState, Instance, InstanceState};
use crate::world::machines::Order;
use crate::world::violation::Violation;

impl World {
    /// A volume has appeared: a guest that is up mounts it and starts k3s on it, unless it has released in this boot. A
    /// volume that is not the node's is left alone.
    pub(in crate::world) fn on_device(&mut self, id: &str, volume: &str) {
        if self.order(|| Order::Plug { instance: id.to_owned(), volume: volume.to_owned() }) {
            return;
        }
        let Instance { state, guest, .. } = self.ec2.the_instance(id);
        let is_ready = guest.up_since.is_some() && guest.boot.mounts();
        let is_own = match self.tag_of(id, VOLUME_TAG) {
            Some(own) => own == volume,
            None => self.tag_of(id, PROOF_TAG).is_none(),
        };
        if *state != InstanceState::Running || !is_ready || guest.mounted.is_some() || !is_own {
            return;
        }
        if guest.marker.is_some() {
            self.note_guest(id, GuestFact::MarkerHonoured { volume: volume.to_owned() });
            return;
        }
        self.begin_mounting(id, volume);
    }

    pub(super) fn begin_mounting(&mut self, id: &str, volume: &str) {
        let delay = self.draw(self.latency.mount);
        self.the_guest_mut(id).mount_took = Some(delay);
        self.schedule_guest(id, delay, GuestStep::Mounted(volume.to_owned()));
    }

    /// Mounts the volume, unless the device has gone meanwhile, or it is blank and nobody has said that it is new.
    pub(super) fn mount(&mut self, id: &str, volume: &str) {
        let guest = &self.ec2.the_instance(id).guest;
        if guest.mounted.is_some() || guest.releasing || guest.marker.is_some() {
            return;
        }
        if !self.sees(id, volume) {
            self.on_resume_failed(id);
            return;
        }
        if self.ec2.the_volume(volume).data.blank {
            if !self.may_format(id, volume) {
                self.note_guest(id, GuestFact::NotDeclaredNew { volume: volume.to_owned() });
                self.on_resume_failed(id);
                return;
            }
            self.ec2.the_volume_mut(volume).data.blank = false;
            self.note_guest(id, GuestFact::Formatted { volume: volume.to_owned() });
        }
        self.on_mounted(id, volume);
    }

    /// A person, or the template of a node, has to say it, and name the volume.
    pub(super) fn may_format(&self, id: &str, volume: &str) -> bool {
        self.tag_of(id, VOLUME_TAG).is_none() || self.tag_of(id, NEW_VOLUME_TAG) == Some(volume)
    }

    fn on_mounted(&mut self, id: &str, volume: &str) {
        self.settle();
        let elsewhere = self.mounted_on(volume).map(str::to_owned);
        let data = &mut self.ec2.the_volume_mut(volume).data;
        if data.dirty {
            data.unclean_mounts += 1;
        }
        data.dirty = true;
        data.corrupted |= elsewhere.is_some();
        let (found, acknowledged) = (data.durable, data.acknowledged);
        self.the_guest_mut(id).mounted = Some(volume.to_owned());
        self.note_guest(id, GuestFact::Mounted { volume: volume.to_owned(), found });
        if found < acknowledged {
            let lost = acknowledged - found;
            self.note_violation(Violation::WritesLost { volume: volume.to_owned(), instance: id.to_owned(), lost });
        }
        if let Some(other) = elsewhere {
            let (volume, instance) = (volume.to_owned(), id.to_owned());
            self.note_violation(Violation::MountedTwice { volume, instance, other });
        }
        if self.has_older_k3s(id, volume) {
            self.note_guest(id, GuestFact::OlderK3s { volume: volume.to_owned() });
            self.release_in(id, Manner::Usual);
            return;
        }
        self.begin_starting_k3s(id, volume);
        self.on_resumed(id);
    }

    /// It would not start on what a newer minor version has served from. One that does not say its version starts.
    fn has_older_k3s(&self, id: &str, volume: &str) -> bool {
        let own = minor(self.k3s_version(id));
        let served_by = self.ec2.the_volume(volume).data.served_by.as_deref();
        !own.is_empty() && served_by.is_some_and(|served_by| own < minor(served_by))
    }

    pub(in crate::world) fn note_who_serves(&mut self, id: &str, volume: &str) {
        self.ec2.the_volume_mut(volume).data.served_by = Some(self.k3s_version(id).to_owned());
    }

    pub(super) fn k3s_version(&self, id: &str) -> &str {
        self.guest_ways.k3s_of(&self.ec2.the_instance(id).image_id)
    }

    pub(super) fn begin_starting_k3s(&mut self, id: &str, volume: &str) {
        let (now, delay) = (self.now, self.draw(self.latency.k3s_start));
        let guest = self.the_guest_mut(id);
        guest.k3s_begun = Some(now);
        match guest.boot {
            Boot::Whole => self.schedule_guest(id, delay, GuestStep::K3sUp(volume.to_owned())),
            Boot::Unfit | Boot::WithoutApi | Boot::Never | Boot::WithoutK3s => {}
        }
    }

    /// Whether the device is there.
    pub(super) fn sees(&self, id: &str, volume: &str) -> bool {
        let visible = |state| matches!(state, AttachmentState::Attached | AttachmentState::Busy);
        self.ec2.attachments_of(id).any(|(attached, held)| attached == volume && visible(held.state))
    }

    pub(super) fn tag_of(&self, id: &str, key: &str) -> Option<&str> {
        self.ec2.the_instance(id).tags.get(key).map(String::as_str)
    }
}

/// The numbers before the second dot of a version such as `v1.36.4+k3s1`.
fn minor(version: &str) -> Vec<u32> {
    version.trim_start_matches('v').split('.').take(2).filter_map(|number| number.parse().ok()).collect()
}
