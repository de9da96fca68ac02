//! A release is taken back: durin-node removes the marker and has the volume mounted again.

use super::Boot;
use super::GuestFact;
use super::document::{Answer, Outcome};
use super::documents::{SHORT_RUN, not_attached};
use crate::world::World;

impl World {
    pub(super) fn begin_resume_for(&mut self, id: &str, command: &str) {
        let named = self.volume_of_command(command);
        let unseen = named.as_ref().filter(|volume| !self.sees(id, volume));
        if let Some(volume) = unseen {
            return self.refuse(id, command, "resume", not_attached(volume));
        }
        let guest = &self.ec2.the_instance(id).guest;
        match (guest.marker.clone(), named) {
            (None, Some(named)) if guest.mounted.as_ref() != Some(&named) => self.mount_again(id, command, &named),
            (None, _) => {
                self.answer(id, command, Answer::of("resume", "nothing to do", None));
                self.schedule_end(id, command, SHORT_RUN, Outcome::Success);
            }
            (Some(released), Some(named)) if released != named => {
                let why =
                    format!("this instance has released {released}, not {named}: correct the tag durin:volume-id");
                self.refuse(id, command, "resume", why);
            }
            (Some(released), _) => self.take_back(id, &released),
        }
    }

    /// Taken back before, or never released, and yet not mounted: it mounts now, or the answer is no.
    fn mount_again(&mut self, id: &str, command: &str, volume: &str) {
        let is_in_order = !self.ec2.the_volume(volume).data.blank || self.may_format(id, volume);
        if self.ec2.the_instance(id).guest.boot.mounts() && is_in_order {
            self.begin_mounting(id, volume);
        } else {
            self.refuse(id, command, "resume", does_not_mount(volume));
        }
    }

    fn take_back(&mut self, id: &str, volume: &str) {
        self.the_guest_mut(id).marker = None;
        self.note_guest(id, GuestFact::Resumes { volume: volume.to_owned() });
        let guest = &self.ec2.the_instance(id).guest;
        match (guest.boot, &guest.mounted) {
            // A release that has ended before it came to unmount.
            (Boot::Whole | Boot::Unfit | Boot::WithoutApi, Some(mounted)) => {
                let mounted = mounted.clone();
                self.begin_starting_k3s(id, &mounted);
                self.on_resumed(id);
            }
            (Boot::Whole | Boot::Unfit | Boot::WithoutApi, None) => self.begin_mounting(id, volume),
            (Boot::WithoutK3s | Boot::Never, _) => self.on_resume_failed(id),
        }
    }

    /// The volume is mounted: that is all that a document that resumes waits for.
    pub(super) fn on_resumed(&mut self, id: &str) {
        if let Some(command) = self.running_resume(id) {
            self.answer(id, &command, Answer::of("resume", "resumed", None));
            self.finish_document(id, &command, Outcome::Success);
        }
    }

    /// The volume does not mount: durin-node has Systems Manager reboot the instance.
    pub(super) fn on_resume_failed(&mut self, id: &str) {
        if let Some(command) = self.running_resume(id) {
            self.end_after_reboot(id, &command);
            self.reboot(id);
        }
    }
}

/// What durin-node says of a volume that does not mount in the boot after the reboot either.
pub(super) fn does_not_mount(volume: &str) -> String {
    format!("{volume} does not mount (the unit has ended without it): look at `journalctl -u durin-volume`")
}
