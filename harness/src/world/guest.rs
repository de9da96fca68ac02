//! What runs inside an instance: the operating system, k3s, and the writes that k3s acknowledges.

mod agent;
mod document;
mod documents;
mod fact;
mod life;
mod mount;
mod questions;
mod reboot;
mod release;
mod resume;
mod ways;
mod workload;
mod writes;

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::time::Time;

pub use agent::{Agent, AgentMode, Lost};
pub use document::{Answer, Facts, Outcome, Voice};
pub use fact::GuestFact;
pub use release::GRACE;
pub use ways::{Boot, GuestWays};

/// k3s acknowledges one numbered write in this time while it serves.
pub const WRITE_INTERVAL: Duration = Duration::from_millis(100);

/// The inside of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guest {
    /// How far it gets each time it boots.
    pub boot: Boot,
    /// The operating system is up since then.
    pub up_since: Option<Time>,
    /// The Systems Manager agent is online since then.
    pub agent_online_since: Option<Time>,
    /// The Systems Manager agent: how it behaves, and what it is about.
    pub agent: Agent,
    /// The volume that is mounted.
    pub mounted: Option<String>,
    /// k3s serves from the mounted volume since then.
    pub serving_since: Option<Time>,
    /// What users run on the cluster is up since then.
    pub workload_up_since: Option<Time>,
    /// A drain has begun: no workload comes up until k3s starts again.
    pub drained: bool,
    /// Writes have been counted up to then; see [`super::World::settle`].
    pub counted_until: Option<Time>,
    /// k3s is stopping; the volume will be unmounted.
    pub releasing: bool,
    /// The volume that a release has let go of in this boot, as `/run/durin-released` names it. While that file is there,
    /// nothing is mounted and k3s does not start, whatever the volume. Resuming removes it, and a reboot clears `/run`.
    pub marker: Option<String>,
    /// How long the steps of the last release took, and mounting did; when k3s was started.
    pub took: Vec<(&'static str, Duration)>,
    pub mount_took: Option<Duration>,
    pub k3s_begun: Option<Time>,
    /// A process that is no container has a file on the volume open.
    pub has_open_file: bool,
    /// What is read from the mounted volume and written to it comes to no end.
    pub has_hanging_volume: bool,
    /// Counts power-ons, power-offs and releases: what was begun in an earlier epoch does not come to pass.
    pub epoch: u32,
    /// Counts power-ons and power-offs only: what a release does not disturb ends with these.
    pub boots: u32,
}

/// What has been written to a volume by k3s, as far as invariants care.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// The highest numbered write on the device (numbers are contiguous from 1).
    pub durable: u64,
    /// The highest numbered write that k3s acknowledged to a client. Never higher than `durable` while all is well.
    pub acknowledged: u64,
    /// Two guests wrote at once, or the device vanished under a mounted file system by a forced detach.
    pub corrupted: bool,
    /// How often it was mounted after an unclean unmount (the journal is replayed; nothing durable is lost).
    pub unclean_mounts: u32,
    /// Whether it is mounted, or was when the power went: the next mount has to replay the journal.
    pub dirty: bool,
    /// The datastore says that nothing may be scheduled on the node, which goes by the same name on every instance. It
    /// travels with the volume.
    pub cordon: Option<Cordon>,
    /// The version of k3s that has served from it last, which durin-node keeps beside the datastore.
    pub served_by: Option<String>,
    /// Every byte is zero: there is no file system yet.
    pub blank: bool,
}

/// Whose a cordon is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cordon {
    /// A release has drained the node. The next start of k3s lifts it.
    Durins,
    /// A person has to lift it.
    Somebodys,
}

/// What happens inside instances without a call.
#[derive(Clone, Debug)]
pub struct GuestEffect {
    pub instance: String,
    /// Begun in which epoch of the guest, or after which power-on if a release does not undo it.
    pub epoch: u32,
    pub step: GuestStep,
}

/// The steps in a guest's life.
#[derive(Clone, Debug)]
pub enum GuestStep {
    /// The operating system is up.
    Booted,
    /// The Systems Manager agent is online.
    AgentOnline,
    Mounted(String),
    /// k3s serves from the volume.
    K3sUp(String),
    /// What users run on the cluster is up.
    WorkloadUp,
    /// k3s has stopped, and what users run is asked to end.
    WorkloadDown,
    /// k3s has stopped, everything is on the device, and the volume is unmounted.
    Unmounted,
    /// A release gives up, because a process keeps the volume mounted.
    StillMounted,
    /// The shutdown of a reboot is over.
    Restarts,
    /// A document has waited for a yes as long as it may.
    HasWaited {
        /// The command that asked for it.
        command: String,
    },
    /// A document that does not touch the volume has run to its end.
    DocumentEnds {
        /// The command that asked for it.
        command: String,
        outcome: Outcome,
    },
}

impl GuestStep {
    /// Whether the step comes to pass even if a release begins before.
    fn outlives_release(&self) -> bool {
        match self {
            GuestStep::AgentOnline
            | GuestStep::Restarts
            | GuestStep::HasWaited { .. }
            | GuestStep::DocumentEnds { .. } => true,
            GuestStep::Booted
            | GuestStep::Mounted(_)
            | GuestStep::K3sUp(_)
            | GuestStep::WorkloadUp
            | GuestStep::WorkloadDown
            | GuestStep::Unmounted
            | GuestStep::StillMounted => false,
        }
    }
}
