//! A volume is released in good order: k3s stops, its workload ends, sync and unmount.

use std::time::Duration;

use super::GuestFact;
use super::{AgentMode, GuestStep, Outcome};
use crate::world::World;
use crate::world::ec2::AttachmentState;

/// What a release meets on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Usual,
    /// Pods are slow to end.
    Slow,
    /// Unmounting hangs inside the kernel.
    Hanging,
    /// The operating system shuts down: the workload ends with k3s, and no marker is written.
    Shutdown,
}

/// For so long a release tries to unmount. (`infra/node/src/commands/release.rs`.)
const UNMOUNT: Duration = Duration::from_secs(3);

/// After so long a release gives up, whatever it waits for. (The same.)
const BOUND: Duration = Duration::from_secs(38);

/// How long a release leaves containers to end before it kills them. (`infra/node/src/commands/release.rs`.)
pub const GRACE: Duration = Duration::from_secs(5);

impl World {
    /// A process that is no container opens a file on the volume, or closes it. While it has one open, a release fails.
    ///
    /// # Panics
    /// When EC2 does not list the instance.
    pub fn set_open_file(&mut self, id: &str, is_open: bool) {
        self.the_guest_mut(id).has_open_file = is_open;
    }

    /// From now on, what the instance reads from its volume and writes to it comes to no end, or to one again. Until then
    /// nothing is acknowledged, k3s is not said to serve, and a release fails.
    ///
    /// # Panics
    /// When EC2 does not list the instance, or it has no volume mounted.
    pub fn set_hanging_volume(&mut self, id: &str, hangs: bool) {
        self.settle();
        let now = self.now;
        let guest = self.the_guest_mut(id);
        assert!(guest.mounted.is_some(), "only a mounted volume hangs");
        guest.has_hanging_volume = hangs;
        guest.counted_until = guest.serving_since.map(|_| now).filter(|_| !hangs);
        self.answer_waiting(id);
    }

    /// k3s on the instance stops, its workload ends, and the volume is unmounted; the answer is how long that takes.
    /// The instance goes on running, and mounts nothing before it resumes or boots again.
    pub fn release(&mut self, id: &str) -> Duration {
        self.release_in(id, Manner::Usual)
    }

    /// The operating system shuts down in good order; the answer is how long it needs.
    pub(in crate::world) fn shut_down(&mut self, id: &str) -> Duration {
        // A boot under way is given up, and so is what the agent is about.
        self.next_boot(id);
        self.stop_agent(id);
        if self.has_machines() {
            return self.shut_machine_down(id);
        }
        self.release_in(id, Manner::Shutdown)
    }

    pub(super) fn release_in(&mut self, id: &str, manner: Manner) -> Duration {
        self.settle();
        let guest = self.the_guest_mut(id);
        if guest.up_since.is_none() {
            return Duration::ZERO;
        }
        guest.releasing = true;
        // Whatever was being mounted or started is given up.
        guest.epoch += 1;
        let (serving, populated) = (guest.serving_since.is_some(), guest.workload_up_since.is_some());
        let mounted = guest.mounted.is_some();
        let end = match manner {
            Manner::Usual | Manner::Hanging if populated => self.draw(self.latency.drain).min(GRACE),
            Manner::Slow if serving => self.draw(self.latency.slow_drain),
            Manner::Usual | Manner::Hanging | Manner::Slow | Manner::Shutdown => Duration::ZERO,
        };
        if manner != Manner::Shutdown {
            self.cordon(id);
            // From here on nothing is mounted, even if the release is killed.
            self.write_marker(id);
        }
        // There may be nothing to stop and to unmount any more.
        let (stop, unmount) = match mounted {
            true => (self.draw(self.latency.k3s_stop), self.draw(self.latency.unmount)),
            false => (Duration::ZERO, Duration::ZERO),
        };
        self.stop_k3s(id);
        if manner == Manner::Shutdown {
            self.the_guest_mut(id).workload_up_since = None;
        } else {
            self.schedule_guest(id, stop, GuestStep::WorkloadDown);
        }
        // What hangs inside the kernel keeps a shutdown from unmounting, too: the power goes first.
        let guest = self.the_guest_mut(id);
        let has_hanging_volume = mounted && guest.has_hanging_volume;
        let hangs = (guest.agent.mode == AgentMode::Hanging || has_hanging_volume) && manner == Manner::Shutdown;
        self.the_guest_mut(id).took = vec![("stop k3s", stop), ("end the containers", end), ("unmount", unmount)];
        let keeps = mounted && manner != Manner::Shutdown && self.the_guest_mut(id).has_open_file;
        match manner {
            Manner::Hanging if mounted => {}
            Manner::Shutdown if mounted && hangs => {}
            Manner::Usual | Manner::Slow | Manner::Shutdown if has_hanging_volume => {
                self.schedule_guest(id, BOUND, GuestStep::StillMounted);
            }
            Manner::Usual | Manner::Slow | Manner::Hanging | Manner::Shutdown if keeps => {
                self.schedule_guest(id, stop + end + UNMOUNT, GuestStep::StillMounted);
            }
            Manner::Usual | Manner::Slow | Manner::Hanging | Manner::Shutdown => {
                self.schedule_guest(id, stop + end + unmount, GuestStep::Unmounted);
            }
        }
        stop + end + unmount
    }

    /// A release gives up before it writes anything if it cannot see the volume.
    fn write_marker(&mut self, id: &str) {
        let seen = self.ec2.attachments_of(id).find(|(_, held)| held.state != AttachmentState::Attaching);
        let seen = seen.map(|(volume, _)| volume.to_owned());
        let guest = self.the_guest_mut(id);
        if let Some(volume) = guest.mounted.clone().or(seen) {
            guest.marker = Some(volume);
            self.answer_waiting(id);
        }
    }

    /// k3s dies on an instance that runs on, and does not come back: a full disk, a broken datastore.
    pub fn break_k3s(&mut self, id: &str) {
        self.stop_k3s(id);
    }

    fn stop_k3s(&mut self, id: &str) {
        self.settle();
        let guest = self.the_guest_mut(id);
        guest.stop_serving();
        if guest.mounted.is_some() {
            self.note_guest(id, GuestFact::K3sStopped);
        }
    }

    /// The containers have been running on without k3s. Now they are asked to end, and answer nobody from then on.
    pub(super) fn end_workload(&mut self, id: &str) {
        if self.the_guest_mut(id).workload_up_since.take().is_some() {
            self.note_guest(id, GuestFact::WorkloadDown);
        }
    }

    pub(super) fn unmount(&mut self, id: &str) {
        let guest = self.the_guest_mut(id);
        if guest.has_hanging_volume {
            return self.on_still_mounted(id);
        }
        guest.releasing = false;
        if let Some(volume) = guest.mounted.take() {
            self.ec2.the_volume_mut(&volume).data.dirty = false;
            self.note_guest(id, GuestFact::Unmounted { volume: volume.clone() });
            self.on_unmounted(&volume);
        }
        self.finish_release(id, Outcome::Success, None);
    }

    /// A process keeps the volume mounted, or the volume hangs. k3s stays stopped, and the marker stays.
    pub(super) fn on_still_mounted(&mut self, id: &str) {
        let guest = self.the_guest_mut(id);
        guest.releasing = false;
        let volume = guest.mounted.clone().unwrap_or_default();
        let user = if guest.has_hanging_volume { "sync" } else { "sleep" };
        self.note_guest(id, GuestFact::StillMounted { volume: volume.clone() });
        let why = format!("{volume} is still mounted at /data, used by {user} (4711); k3s stays stopped");
        self.finish_release(id, Outcome::Failed(1), Some(why));
    }

    /// The program that releases is killed. What it has done stays done: k3s stays stopped, what has ended does not come
    /// back, and the marker stays.
    pub(super) fn give_release_up(&mut self, id: &str) {
        let guest = self.the_guest_mut(id);
        guest.releasing = false;
        guest.epoch += 1;
        self.note_guest(id, GuestFact::ReleaseGivenUp);
    }
}
