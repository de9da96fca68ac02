//! Boot, mount, serve, power-off. How k3s is stopped in good order is in `release.rs`.

use std::time::Duration;

use super::GuestFact;
use super::{Boot, Guest, GuestEffect, GuestStep, Outcome};
use crate::world::World;
use crate::world::ec2::{AttachmentState, Instance, InstanceState};
use crate::world::violation::Violation;

impl World {
    pub(in crate::world) fn carry_out_guest(&mut self, effect: GuestEffect) {
        if !self.is_still_due(&effect) {
            return;
        }
        let GuestEffect { instance, step, .. } = effect;
        match step {
            GuestStep::Booted => self.on_booted(&instance),
            GuestStep::AgentOnline => self.on_agent_online(&instance),
            GuestStep::Mounted(volume) => self.mount(&instance, &volume),
            GuestStep::K3sUp(volume) => self.on_k3s_up(&instance, &volume),
            GuestStep::WorkloadUp => self.on_workload_up(&instance),
            GuestStep::WorkloadDown => self.end_workload(&instance),
            GuestStep::Unmounted => self.unmount(&instance),
            GuestStep::Restarts => self.restart(&instance),
            GuestStep::DocumentEnds { command, outcome } => self.finish_document(&instance, &command, outcome),
        }
    }

    /// What was begun in an earlier epoch, or in an instance that EC2 has forgotten, does not come to pass.
    fn is_still_due(&self, effect: &GuestEffect) -> bool {
        let instance = self.ec2.instance(&effect.instance);
        instance.is_some_and(|it| it.guest.epoch_of(&effect.step) == effect.epoch)
    }

    /// The instance is running: it boots.
    pub(in crate::world) fn power_on(&mut self, id: &str) {
        self.next_boot(id);
        let delay = self.draw(self.latency.boot);
        match self.ec2.the_instance(id).guest.boot {
            Boot::Whole | Boot::WithoutK3s => self.schedule_guest(id, delay, GuestStep::Booted),
            Boot::Never => {}
        }
    }

    fn on_booted(&mut self, id: &str) {
        self.the_guest_mut(id).up_since = Some(self.now);
        self.note_guest(id, GuestFact::Booted);
        self.schedule_agent(id);
        let attached = self.ec2.attachments_of(id).find(|(_, held)| held.state == AttachmentState::Attached);
        if let Some(volume) = attached.map(|(volume, _)| volume.to_owned()) {
            self.on_device(id, &volume);
        }
    }

    /// A volume has appeared: a guest that is up mounts it and starts k3s on it, unless it has released in this boot.
    pub(in crate::world) fn on_device(&mut self, id: &str, volume: &str) {
        let Instance { state, guest, .. } = self.ec2.the_instance(id);
        let is_ready = guest.up_since.is_some() && guest.boot == Boot::Whole;
        if *state != InstanceState::Running || !is_ready || guest.mounted.is_some() {
            return;
        }
        if guest.marker.is_some() {
            self.note_guest(id, GuestFact::MarkerHonoured { volume: volume.to_owned() });
            return;
        }
        let delay = self.draw(self.latency.mount);
        self.schedule_guest(id, delay, GuestStep::Mounted(volume.to_owned()));
    }

    /// Mounts the volume, unless the device has gone meanwhile.
    fn mount(&mut self, id: &str, volume: &str) {
        let still_there = self
            .ec2
            .attachments_of(id)
            .any(|(attached, held)| attached == volume && held.state == AttachmentState::Attached);
        let guest = &self.ec2.the_instance(id).guest;
        if !still_there || guest.mounted.is_some() || guest.releasing || guest.marker.is_some() {
            return;
        }
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
        let delay = self.draw(self.latency.k3s_start);
        self.schedule_guest(id, delay, GuestStep::K3sUp(volume.to_owned()));
    }

    fn on_k3s_up(&mut self, id: &str, volume: &str) {
        let now = self.now;
        let guest = self.the_guest_mut(id);
        assert_eq!(guest.mounted.as_deref(), Some(volume), "what unmounts gives up the start of k3s");
        guest.serving_since = Some(now);
        guest.counted_until = Some(now);
        guest.drained = false;
        self.note_guest(id, GuestFact::K3sUp);
        let delay = self.draw(self.latency.pod_start);
        self.schedule_guest(id, delay, GuestStep::WorkloadUp);
    }

    /// The power is gone: what was mounted stays dirty. What k3s acknowledged was on the device before.
    pub(in crate::world) fn power_off(&mut self, id: &str) {
        self.settle();
        self.next_boot(id);
        self.stop_agent(id);
        let guest = self.the_guest_mut(id);
        let before = std::mem::take(guest);
        (guest.epoch, guest.boots, guest.agent) = (before.epoch, before.boots, before.agent);
        guest.boot = before.boot;
        if let Some(volume) = before.mounted {
            self.note_guest(id, GuestFact::PowerLost { volume: volume.clone() });
            self.on_unmounted(&volume);
        }
    }

    /// The device is pulled from under a mounted file system.
    pub(in crate::world) fn lose_device(&mut self, id: &str, volume: &str) {
        self.settle();
        let guest = self.the_guest_mut(id);
        guest.epoch += 1;
        guest.mounted = None;
        guest.stop_serving();
        guest.workload_up_since = None;
        if std::mem::take(&mut guest.releasing) {
            self.finish_release(id, Outcome::Failed(1));
        }
        self.ec2.the_volume_mut(volume).data.corrupted = true;
        self.note_guest(id, GuestFact::DeviceLost { volume: volume.to_owned() });
        self.note_violation(Violation::DetachedByForce { volume: volume.to_owned(), instance: id.to_owned() });
    }

    pub(super) fn next_boot(&mut self, id: &str) {
        let guest = self.the_guest_mut(id);
        guest.epoch += 1;
        guest.boots += 1;
    }

    pub(super) fn schedule_guest(&mut self, id: &str, delay: Duration, step: GuestStep) {
        let epoch = self.ec2.the_instance(id).guest.epoch_of(&step);
        self.schedule(delay, GuestEffect { instance: id.to_owned(), epoch, step });
    }

    pub(super) fn the_guest_mut(&mut self, id: &str) -> &mut Guest {
        &mut self.ec2.the_instance_mut(id).guest
    }
}

impl Guest {
    fn epoch_of(&self, step: &GuestStep) -> u32 {
        if step.outlives_release() { self.boots } else { self.epoch }
    }

    /// The containers of the workload run on.
    pub(super) fn stop_serving(&mut self) {
        self.serving_since = None;
        self.counted_until = None;
    }
}
