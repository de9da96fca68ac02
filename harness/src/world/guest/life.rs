//! Boot, mount, serve, power-off. How k3s is stopped in good order is in `release.rs`.

use std::time::Duration;

use super::GuestFact;
use super::{Guest, GuestEffect, GuestStep, Outcome};
use crate::world::World;
use crate::world::ec2::{AttachmentState, InstanceState};
use crate::world::violation::Violation;

impl World {
    pub(in crate::world) fn carry_out_guest(&mut self, effect: GuestEffect) {
        let GuestEffect { instance, epoch, step } = effect;
        if self.ec2.instances.get(&instance).is_none_or(|it| it.guest.epoch_of(&step) != epoch) {
            return;
        }
        match step {
            GuestStep::Booted => self.guest_is_up(&instance),
            GuestStep::AgentOnline => self.agent_is_online(&instance),
            GuestStep::Mounted(volume) => self.guest_mounts(&instance, &volume),
            GuestStep::K3sUp(volume) => self.k3s_is_up(&instance, &volume),
            GuestStep::WorkloadUp => self.workload_is_up(&instance),
            GuestStep::Drained => self.k3s_stops(&instance),
            GuestStep::Unmounted => self.guest_unmounts(&instance),
            GuestStep::DocumentEnds { command, outcome } => self.document_ends(&instance, &command, outcome),
        }
    }

    /// The instance is running: it boots.
    pub(in crate::world) fn guest_powers_on(&mut self, id: &str) {
        self.next_boot(id);
        let delay = self.draw(self.latency.boot);
        self.schedule_guest(id, delay, GuestStep::Booted);
    }

    fn guest_is_up(&mut self, id: &str) {
        let now = self.now;
        if let Some(guest) = self.guest_mut(id) {
            guest.up_since = Some(now);
        }
        self.note_guest(id, GuestFact::Booted);
        self.agent_will_be_online(id);
        let attached = self.attachments_of(id).find(|(_, held)| held.state == AttachmentState::Attached);
        if let Some(volume) = attached.map(|(volume, _)| volume.to_owned()) {
            self.guest_sees_device(id, &volume);
        }
    }

    /// A volume has appeared: a guest that is up mounts it and starts k3s on it.
    pub(in crate::world) fn guest_sees_device(&mut self, id: &str, volume: &str) {
        let ready = self.ec2.instances.get(id).is_some_and(|it| {
            it.state == InstanceState::Running && it.guest.up_since.is_some() && it.guest.mounted.is_none()
        });
        if ready {
            let delay = self.draw(self.latency.mount);
            self.schedule_guest(id, delay, GuestStep::Mounted(volume.to_owned()));
        }
    }

    fn guest_mounts(&mut self, id: &str, volume: &str) {
        let still_there = self
            .attachments_of(id)
            .any(|(attached, held)| attached == volume && held.state == AttachmentState::Attached);
        let free = self.ec2.instances.get(id).is_some_and(|it| it.guest.mounted.is_none() && !it.guest.releasing);
        if !still_there || !free {
            return;
        }
        self.settle();
        let elsewhere = self.mounted_on(volume).map(str::to_owned);
        let Some(data) = self.ec2.volumes.get_mut(volume).map(|volume| &mut volume.data) else { return };
        if data.dirty {
            data.unclean_mounts += 1;
        }
        data.dirty = true;
        data.corrupted |= elsewhere.is_some();
        let (found, acknowledged) = (data.durable, data.acknowledged);
        if let Some(guest) = self.guest_mut(id) {
            guest.mounted = Some(volume.to_owned());
        }
        self.note_guest(id, GuestFact::Mounted { volume: volume.to_owned(), found });
        if found < acknowledged {
            let lost = acknowledged - found;
            self.note_violation(Violation::WritesLost { volume: volume.to_owned(), instance: id.to_owned(), lost });
        }
        if let Some(other) = elsewhere {
            let (volume, instance) = (volume.to_owned(), id.to_owned());
            self.note_violation(Violation::MountedTwice { volume, instance, other });
        }
        let delay = self.draw(self.latency.k3s_start);
        self.schedule_guest(id, delay, GuestStep::K3sUp(volume.to_owned()));
    }

    fn k3s_is_up(&mut self, id: &str, volume: &str) {
        let now = self.now;
        let Some(guest) = self.guest_mut(id).filter(|guest| guest.mounted.as_deref() == Some(volume)) else { return };
        guest.serving_since = Some(now);
        guest.counted_until = Some(now);
        guest.drained = false;
        self.note_guest(id, GuestFact::K3sUp);
        let delay = self.draw(self.latency.pod_start);
        self.schedule_guest(id, delay, GuestStep::WorkloadUp);
    }

    /// The power is gone: what was mounted stays dirty. What k3s acknowledged was on the device before.
    pub(in crate::world) fn guest_powers_off(&mut self, id: &str) {
        self.settle();
        self.next_boot(id);
        self.agent_stops(id);
        let Some(guest) = self.guest_mut(id) else { return };
        let before = std::mem::take(guest);
        (guest.epoch, guest.boots, guest.agent) = (before.epoch, before.boots, before.agent);
        if let Some(volume) = before.mounted {
            self.note_guest(id, GuestFact::PowerLost { volume: volume.clone() });
            self.volume_is_unmounted(&volume);
        }
    }

    /// The device is pulled from under a mounted file system.
    pub(in crate::world) fn guest_loses_device(&mut self, id: &str, volume: &str) {
        self.settle();
        self.next_epoch(id);
        if let Some(guest) = self.guest_mut(id) {
            guest.mounted = None;
            guest.stop_serving();
            if std::mem::take(&mut guest.releasing) {
                self.release_ends(id, Outcome::Failed(1));
            }
        }
        if let Some(volume) = self.ec2.volumes.get_mut(volume) {
            volume.data.corrupted = true;
        }
        self.note_guest(id, GuestFact::DeviceLost { volume: volume.to_owned() });
        self.note_violation(Violation::DetachedByForce { volume: volume.to_owned(), instance: id.to_owned() });
    }

    pub(super) fn next_epoch(&mut self, id: &str) {
        if let Some(guest) = self.guest_mut(id) {
            guest.epoch += 1;
        }
    }

    pub(super) fn next_boot(&mut self, id: &str) {
        if let Some(guest) = self.guest_mut(id) {
            guest.epoch += 1;
            guest.boots += 1;
        }
    }

    pub(super) fn schedule_guest(&mut self, id: &str, delay: Duration, step: GuestStep) {
        let Some(epoch) = self.ec2.instances.get(id).map(|it| it.guest.epoch_of(&step)) else { return };
        self.schedule(delay, GuestEffect { instance: id.to_owned(), epoch, step });
    }

    pub(super) fn guest_mut(&mut self, id: &str) -> Option<&mut Guest> {
        self.ec2.instances.get_mut(id).map(|instance| &mut instance.guest)
    }
}

impl Guest {
    fn epoch_of(&self, step: &GuestStep) -> u32 {
        if step.outlives_release() { self.boots } else { self.epoch }
    }

    pub(super) fn stop_serving(&mut self) {
        self.serving_since = None;
        self.counted_until = None;
        self.workload_up_since = None;
    }
}
