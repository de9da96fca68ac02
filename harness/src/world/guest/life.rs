//! Boot, mount, serve, release, power-off.

use std::time::Duration;

use super::{Guest, GuestEffect, GuestStep};
use crate::world::World;
use crate::world::agenda::Effect;
use crate::world::ec2::{AttachmentState, InstanceState};
use crate::world::history::What;

impl World {
    pub(in crate::world) fn carry_out_guest(&mut self, effect: GuestEffect) {
        let GuestEffect { instance, epoch, step } = effect;
        if self.instances.get(&instance).is_none_or(|it| it.guest.epoch != epoch) {
            return;
        }
        match step {
            GuestStep::Booted => self.guest_is_up(&instance),
            GuestStep::AgentOnline => self.agent_is_online(&instance),
            GuestStep::Mounted(volume) => self.guest_mounts(&instance, &volume),
            GuestStep::K3sUp(volume) => self.k3s_is_up(&instance, &volume),
            GuestStep::Unmounted => self.guest_unmounts(&instance),
        }
    }

    /// The instance is running: it boots.
    pub(in crate::world) fn guest_powers_on(&mut self, id: &str) {
        self.next_epoch(id);
        let delay = self.draw(self.latency.boot);
        self.schedule_guest(id, delay, GuestStep::Booted);
    }

    fn guest_is_up(&mut self, id: &str) {
        let now = self.now;
        if let Some(guest) = self.guest_mut(id) {
            guest.up_since = Some(now);
        }
        self.note_guest(id, "booted");
        let delay = self.draw(self.latency.agent_online);
        self.schedule_guest(id, delay, GuestStep::AgentOnline);
        let attached = self.attachments_of(id).find(|(_, held)| held.state == AttachmentState::Attached);
        if let Some(volume) = attached.map(|(volume, _)| volume.to_owned()) {
            self.guest_sees_device(id, &volume);
        }
    }

    fn agent_is_online(&mut self, id: &str) {
        let now = self.now;
        if let Some(guest) = self.guest_mut(id) {
            guest.agent_online_since = Some(now);
        }
        self.note_guest(id, "agent is online");
    }

    /// A volume has appeared: a guest that is up mounts it and starts k3s on it.
    pub(in crate::world) fn guest_sees_device(&mut self, id: &str, volume: &str) {
        let ready = self.instances.get(id).is_some_and(|it| {
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
        let free = self.instances.get(id).is_some_and(|it| it.guest.mounted.is_none() && !it.guest.releasing);
        if !still_there || !free {
            return;
        }
        self.settle();
        let elsewhere = self.mounted_on(volume).map(str::to_owned);
        let Some(data) = self.volumes.get_mut(volume).map(|volume| &mut volume.data) else { return };
        if data.dirty {
            data.unclean_mounts += 1;
        }
        data.dirty = true;
        data.corrupted |= elsewhere.is_some();
        let (found, acknowledged) = (data.durable, data.acknowledged);
        if let Some(guest) = self.guest_mut(id) {
            guest.mounted = Some(volume.to_owned());
        }
        self.note_guest(id, format!("mounted {volume}, found {found} writes"));
        if found < acknowledged {
            let lost = acknowledged - found;
            self.note(What::Violated(format!("{volume} lost {lost} acknowledged writes before {id} mounted it")));
        }
        if let Some(other) = elsewhere {
            self.note(What::Violated(format!("{id} mounted {volume} while {other} still had it mounted")));
        }
        let delay = self.draw(self.latency.k3s_start);
        self.schedule_guest(id, delay, GuestStep::K3sUp(volume.to_owned()));
    }

    fn k3s_is_up(&mut self, id: &str, volume: &str) {
        let now = self.now;
        let Some(guest) = self.guest_mut(id).filter(|guest| guest.mounted.as_deref() == Some(volume)) else { return };
        guest.serving_since = Some(now);
        guest.counted_until = Some(now);
        self.note_guest(id, "k3s is up");
    }

    /// k3s on the instance drains and stops, and the volume is unmounted; the answer is how long that takes.
    /// The instance goes on running, and mounts again when it boots or when a volume is attached to it.
    pub fn release(&mut self, id: &str) -> Duration {
        self.settle();
        let Some(guest) = self.guest_mut(id).filter(|guest| guest.up_since.is_some()) else { return Duration::ZERO };
        guest.releasing = true;
        // Whatever was being mounted or started is given up.
        guest.epoch += 1;
        if let Some(guest) = self.guest_mut(id) {
            stop_serving(guest);
        }
        let delay = self.draw(self.latency.release);
        self.note_guest(id, "stops k3s");
        self.schedule_guest(id, delay, GuestStep::Unmounted);
        delay
    }

    /// The operating system shuts down in good order; the answer is how long it needs.
    pub(in crate::world) fn guest_shuts_down(&mut self, id: &str) -> Duration {
        let up = self.instances.get(id).is_some_and(|it| it.guest.up_since.is_some());
        if up {
            self.release(id)
        } else {
            // A boot under way is given up.
            self.next_epoch(id);
            Duration::ZERO
        }
    }

    fn guest_unmounts(&mut self, id: &str) {
        let Some(guest) = self.guest_mut(id) else { return };
        guest.releasing = false;
        let Some(volume) = guest.mounted.take() else { return };
        if let Some(volume) = self.volumes.get_mut(&volume) {
            volume.data.dirty = false;
        }
        self.note_guest(id, format!("unmounted {volume}"));
        self.volume_is_unmounted(&volume);
    }

    /// The power is gone: what was mounted stays dirty. What k3s acknowledged was on the device before.
    pub(in crate::world) fn guest_powers_off(&mut self, id: &str) {
        self.settle();
        self.next_epoch(id);
        let Some(guest) = self.guest_mut(id) else { return };
        let before = std::mem::take(guest);
        guest.epoch = before.epoch;
        if let Some(volume) = before.mounted {
            self.note_guest(id, format!("lost power with {volume} mounted"));
            self.volume_is_unmounted(&volume);
        }
    }

    /// The device is pulled from under a mounted file system.
    pub(in crate::world) fn guest_loses_device(&mut self, id: &str, volume: &str) {
        self.settle();
        self.next_epoch(id);
        if let Some(guest) = self.guest_mut(id) {
            guest.mounted = None;
            guest.releasing = false;
            stop_serving(guest);
        }
        if let Some(volume) = self.volumes.get_mut(volume) {
            volume.data.corrupted = true;
        }
        self.note_guest(id, format!("I/O errors: {volume} vanished while mounted"));
        self.note(What::Violated(format!("{volume} was detached by force while {id} had it mounted")));
    }

    fn next_epoch(&mut self, id: &str) {
        if let Some(guest) = self.guest_mut(id) {
            guest.epoch += 1;
        }
    }

    fn schedule_guest(&mut self, id: &str, delay: Duration, step: GuestStep) {
        let Some(epoch) = self.instances.get(id).map(|it| it.guest.epoch) else { return };
        self.schedule(delay, Effect::Guest(GuestEffect { instance: id.to_owned(), epoch, step }));
    }

    fn guest_mut(&mut self, id: &str) -> Option<&mut Guest> {
        self.instances.get_mut(id).map(|instance| &mut instance.guest)
    }
}

fn stop_serving(guest: &mut Guest) {
    guest.serving_since = None;
    guest.counted_until = None;
}
