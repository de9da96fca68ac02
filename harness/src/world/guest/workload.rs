//! What users run on the cluster: up some time after k3s, down as soon as the node is drained or released.

use super::{Cordon, GuestFact};
use crate::world::World;
use crate::world::conventions::DRAIN_TAG;

impl World {
    /// The node on the instance is drained: what users run goes down at once, and does not come up again before k3s
    /// starts anew. k3s goes on serving.
    pub fn drain(&mut self, id: &str) {
        let guest = self.the_guest_mut(id);
        if guest.serving_since.is_none() {
            return;
        }
        guest.drained = true;
        if guest.workload_up_since.take().is_some() {
            self.note_guest(id, GuestFact::Drained);
        }
    }

    /// The instance on which what users run on the volume's cluster is up.
    pub fn workload_serving(&self, volume: &str) -> Option<&str> {
        self.mounted_everywhere(volume).find(|id| self.ec2.instances[*id].guest.workload_up_since.is_some())
    }

    /// A release drains the node if a tag asks for that, and so cordons it, in its datastore. It leaves a mark that the
    /// cordon is Durin's; one that somebody else has made stays theirs.
    pub(super) fn cordon(&mut self, id: &str) {
        let drains =
            self.tag_of(id, DRAIN_TAG).is_some_and(|seconds| seconds.parse().is_ok_and(|seconds: u32| seconds > 0));
        let guest = &self.ec2.the_instance(id).guest;
        let Some(volume) = guest.mounted.clone().filter(|_| drains && guest.serving_since.is_some()) else { return };
        self.ec2.the_volume_mut(&volume).data.cordon.get_or_insert(Cordon::Durins);
    }

    /// The node may schedule again, as soon as k3s answers.
    pub(super) fn lift_own_cordon(&mut self, volume: &str) {
        let cordon = &mut self.ec2.the_volume_mut(volume).data.cordon;
        cordon.take_if(|cordon| *cordon == Cordon::Durins);
    }

    fn is_cordoned(&self, id: &str) -> bool {
        let mounted = self.ec2.the_instance(id).guest.mounted.as_ref();
        mounted.is_some_and(|volume| self.ec2.the_volume(volume).data.cordon.is_some())
    }

    pub(super) fn on_workload_up(&mut self, id: &str) {
        let now = self.now;
        let guest = self.the_guest_mut(id);
        assert!(guest.serving_since.is_some(), "what stops k3s gives up the start of its workload");
        if guest.drained {
            return;
        }
        if self.is_cordoned(id) {
            self.note_guest(id, GuestFact::Cordoned);
            return;
        }
        let guest = self.the_guest_mut(id);
        guest.workload_up_since = Some(now);
        self.note_guest(id, GuestFact::WorkloadUp);
    }
}
