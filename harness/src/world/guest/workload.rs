//! What users run on the cluster: up some time after k3s, down as soon as the node is drained.

use super::Guest;
use super::GuestFact;
use crate::world::World;

impl World {
    /// The node on the instance is drained: what users run goes down at once, and does not come up again before k3s
    /// starts anew. k3s goes on serving.
    pub fn drain(&mut self, id: &str) {
        let Some(guest) = self.guest_mut(id).filter(|guest| guest.serving_since.is_some()) else { return };
        guest.drained = true;
        if guest.workload_up_since.take().is_some() {
            self.note_guest(id, GuestFact::Drained);
        }
    }

    /// The instance on which what users run on the volume's cluster is up.
    pub fn workload_serving(&self, volume: &str) -> Option<&str> {
        self.mounted_everywhere(volume).find(|id| self.ec2.instances[*id].guest.workload_up_since.is_some())
    }

    pub(super) fn workload_is_up(&mut self, id: &str) {
        let now = self.now;
        let ready = |guest: &&mut Guest| guest.serving_since.is_some() && !guest.drained;
        let Some(guest) = self.guest_mut(id).filter(ready) else { return };
        guest.workload_up_since = Some(now);
        self.note_guest(id, GuestFact::WorkloadUp);
    }
}
