//! The writes of k3s, counted when somebody looks: nothing is simulated write by write.

use super::WRITE_INTERVAL;
use crate::world::World;

impl World {
    /// Counts the writes that k3s has acknowledged until now, everywhere. Here an acknowledged write is durable at once, and
    /// both numbers go up together. k3s's SQLite syncs later (WAL, synchronous NORMAL): of a node whose power fails while it
    /// writes, the last ones are missing, which only a machine shows (`just rehearse reclaim`).
    pub fn settle(&mut self) {
        let now = self.now;
        for instance in self.ec2.instances.values_mut() {
            let guest = &mut instance.guest;
            let (Some(since), Some(volume)) = (guest.counted_until, &guest.mounted) else { continue };
            let volume = self.ec2.volumes.get_mut(volume).expect("what is mounted exists");
            let interval = WRITE_INTERVAL.as_millis();
            let writes = u64::try_from(now.since(since).as_millis() / interval).unwrap_or(0);
            volume.data.durable += writes;
            volume.data.acknowledged += writes;
            guest.counted_until = Some(since + WRITE_INTERVAL * u32::try_from(writes).unwrap_or(u32::MAX));
        }
    }

    /// The instance on which k3s serves from the volume.
    pub fn serving(&self, volume: &str) -> Option<&str> {
        self.mounted_everywhere(volume).find(|id| self.ec2.instances[*id].guest.serving_since.is_some())
    }

    /// The instance that has the volume mounted.
    pub fn mounted_on(&self, volume: &str) -> Option<&str> {
        self.mounted_everywhere(volume).next()
    }

    /// All instances that have the volume mounted: at most one, or data is lost.
    pub(in crate::world) fn mounted_everywhere(&self, volume: &str) -> impl Iterator<Item = &str> {
        self.ec2
            .instances
            .values()
            .filter(move |instance| instance.guest.mounted.as_deref() == Some(volume))
            .map(|instance| instance.id.as_str())
    }
}
