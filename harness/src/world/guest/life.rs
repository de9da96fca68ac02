//! Boot, serve, power-off. How a volume is mounted is in `mount.rs`, how k3s is stopped in good order in `release.rs`.

use std::time::Duration;

use super::GuestFact;
use super::{Boot, Guest, GuestEffect, GuestStep, Outcome};
use crate::world::World;
use crate::world::ec2::AttachmentState;
use crate::world::machines::Order;
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
            GuestStep::StillMounted => self.on_still_mounted(&instance),
            GuestStep::Restarts => self.restart(&instance),
            GuestStep::HasWaited { command } => self.on_waited(&instance, &command),
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
        if self.has_machines() {
            return self.power_on_machine(id);
        }
        let delay = self.draw(self.latency.boot);
        match self.ec2.the_instance(id).guest.boot {
            Boot::Whole | Boot::WithoutK3s | Boot::Unfit | Boot::WithoutApi => {
                self.schedule_guest(id, delay, GuestStep::Booted)
            }
            Boot::Never => {}
        }
    }

    fn on_booted(&mut self, id: &str) {
        self.the_guest_mut(id).up_since = Some(self.now);
        self.note_guest(id, GuestFact::Booted);
        self.schedule_agent(id);
        let attached = self.ec2.attachments_of(id).filter(|(_, held)| held.state == AttachmentState::Attached);
        let volumes: Vec<_> = attached.map(|(volume, _)| volume.to_owned()).collect();
        volumes.iter().for_each(|volume| self.on_device(id, volume));
    }

    fn on_k3s_up(&mut self, id: &str, volume: &str) {
        let now = self.now;
        let guest = self.the_guest_mut(id);
        assert_eq!(guest.mounted.as_deref(), Some(volume), "what unmounts gives up the start of k3s");
        guest.serving_since = Some(now);
        guest.counted_until = Some(now).filter(|_| !guest.has_hanging_volume);
        guest.drained = false;
        self.note_who_serves(id, volume);
        self.note_guest(id, GuestFact::K3sUp);
        self.answer_waiting(id);
        self.lift_own_cordon(volume);
        let delay = self.draw(self.latency.pod_start);
        self.schedule_guest(id, delay, GuestStep::WorkloadUp);
    }

    /// The power is gone: what was mounted stays dirty. What k3s acknowledged was on the device before.
    pub(in crate::world) fn power_off(&mut self, id: &str) {
        self.settle();
        self.order(|| Order::CutPower { instance: id.to_owned() });
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
        guest.has_hanging_volume = false;
        guest.stop_serving();
        guest.workload_up_since = None;
        if std::mem::take(&mut guest.releasing) {
            let why = format!("{volume} is mounted nowhere, but its file system lives on; k3s stays stopped");
            self.finish_release(id, Outcome::Failed(1), Some(why));
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
