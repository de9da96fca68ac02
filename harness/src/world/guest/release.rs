//! k3s is stopped in good order: drain, stop, sync and unmount.

use std::time::Duration;

use super::GuestFact;
use super::{GuestStep, Outcome};
use crate::world::World;

/// What a release meets on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Usual,
    /// Pods are slow to end.
    Slow,
    /// A process keeps a file open, so that the volume is never unmounted.
    Hanging,
    /// The operating system shuts down: nobody drains.
    Shutdown,
}

impl World {
    /// The node on the instance is drained, k3s stops, and the volume is unmounted; the answer is how long that takes.
    /// The instance goes on running, and mounts again when it boots or when a volume is attached to it.
    pub fn release(&mut self, id: &str) -> Duration {
        self.release_in(id, Manner::Usual)
    }

    /// The operating system shuts down in good order; the answer is how long it needs.
    pub(in crate::world) fn guest_shuts_down(&mut self, id: &str) -> Duration {
        // A boot under way is given up, and so is what the agent is about.
        self.next_boot(id);
        self.agent_stops(id);
        self.release_in(id, Manner::Shutdown)
    }

    pub(super) fn release_in(&mut self, id: &str, manner: Manner) -> Duration {
        self.settle();
        let Some(guest) = self.guest_mut(id).filter(|guest| guest.up_since.is_some()) else { return Duration::ZERO };
        guest.releasing = true;
        // Whatever was being mounted or started is given up.
        guest.epoch += 1;
        let (serving, populated) = (guest.serving_since.is_some(), guest.workload_up_since.is_some());
        let mounted = guest.mounted.is_some();
        let drain = match manner {
            Manner::Usual | Manner::Hanging if populated => self.draw(self.latency.drain),
            Manner::Slow if serving => self.draw(self.latency.slow_drain),
            Manner::Usual | Manner::Hanging | Manner::Slow | Manner::Shutdown => Duration::ZERO,
        };
        // There may be nothing to stop and to unmount any more.
        let stop_and_unmount = match mounted {
            true => self.draw(self.latency.k3s_stop) + self.draw(self.latency.unmount),
            false => Duration::ZERO,
        };
        if drain.is_zero() {
            self.k3s_stops(id);
        } else {
            self.drain(id);
            self.schedule_guest(id, drain, GuestStep::Drained);
        }
        if manner != Manner::Hanging || !mounted {
            self.schedule_guest(id, drain + stop_and_unmount, GuestStep::Unmounted);
        }
        drain + stop_and_unmount
    }

    pub(super) fn k3s_stops(&mut self, id: &str) {
        self.settle();
        let Some(guest) = self.guest_mut(id) else { return };
        guest.stop_serving();
        if guest.mounted.is_some() {
            self.note_guest(id, GuestFact::K3sStopped);
        }
    }

    pub(super) fn guest_unmounts(&mut self, id: &str) {
        let Some(guest) = self.guest_mut(id) else { return };
        guest.releasing = false;
        if let Some(volume) = guest.mounted.take() {
            if let Some(volume) = self.ec2.volumes.get_mut(&volume) {
                volume.data.dirty = false;
            }
            self.note_guest(id, GuestFact::Unmounted { volume: volume.clone() });
            self.volume_is_unmounted(&volume);
        }
        self.release_ends(id, Outcome::Success);
    }

    /// The script that releases is killed. What it has done stays done: a drained node stays drained, and k3s stays
    /// stopped.
    pub(super) fn give_release_up(&mut self, id: &str) {
        if let Some(guest) = self.guest_mut(id) {
            guest.releasing = false;
            guest.epoch += 1;
        }
        self.note_guest(id, GuestFact::ReleaseGivenUp);
    }
}
