//! What Systems Manager knows of the agents.

use super::World;
use crate::world::ec2::Instance;

/// Whether an agent is heard of. `Inactive` is no longer used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingStatus {
    /// It is, or it fell silent a short time ago.
    Online,
    /// Not for some minutes.
    ConnectionLost,
}

impl PingStatus {
    /// Systems Manager's name.
    pub fn name(self) -> &'static str {
        match self {
            PingStatus::Online => "Online",
            PingStatus::ConnectionLost => "ConnectionLost",
        }
    }
}

impl World {
    /// Whether the instance's agent is heard of, if it ever registered.
    pub fn ping_status(&self, instance: &Instance) -> Option<PingStatus> {
        let agent = &instance.guest.agent;
        agent.registered?;
        match agent.lost {
            Some(lost) if lost.noticed <= self.now => Some(PingStatus::ConnectionLost),
            Some(_) | None => Some(PingStatus::Online),
        }
    }

    /// The instances whose agents ever registered, for as long as EC2 lists them.
    pub fn managed_instances(&self) -> impl Iterator<Item = (&Instance, PingStatus)> {
        self.ec2.instances.values().filter_map(|instance| Some((instance, self.ping_status(instance)?)))
    }
}
