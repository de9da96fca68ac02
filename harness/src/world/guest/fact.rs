//! What happens inside an instance, as the history has it.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestFact {
    Booted,
    AgentOnline,
    AgentGone,
    Mounted {
        volume: String,
        found: u64,
    },
    /// It was blank, and declared new.
    Formatted {
        volume: String,
    },
    /// It is blank, and nobody has declared it new.
    NotDeclaredNew {
        volume: String,
    },
    /// The image's k3s is of an earlier minor version than the one that has served from it.
    OlderK3s {
        volume: String,
    },
    /// A release is taken back.
    Resumes {
        volume: String,
    },
    K3sUp,
    /// k3s has served from the volume since before the story began.
    Settled {
        volume: String,
    },
    WorkloadUp,
    /// A release has ended it.
    WorkloadDown,
    /// The datastore says that the node is cordoned: what users run is not scheduled.
    Cordoned,
    Drained,
    K3sStopped,
    Unmounted {
        volume: String,
    },
    CannotRelease,
    /// A process keeps it mounted.
    StillMounted {
        volume: String,
    },
    ReleaseGivenUp,
    /// A volume has appeared after a release in the same boot.
    MarkerHonoured {
        volume: String,
    },
    /// In good order.
    Reboots,
    KernelPanic,
    PowerLost {
        volume: String,
    },
    /// The device went from under a mounted file system.
    DeviceLost {
        volume: String,
    },
}

impl fmt::Display for GuestFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GuestFact::Booted => f.write_str("booted"),
            GuestFact::AgentOnline => f.write_str("agent is online"),
            GuestFact::AgentGone => f.write_str("agent is gone"),
            GuestFact::Mounted { volume, found } => write!(f, "mounted {volume}, found {found} writes"),
            GuestFact::Formatted { volume } => write!(f, "formatted {volume}"),
            GuestFact::NotDeclaredNew { volume } => {
                write!(f, "leaves {volume} alone: it is blank, and not declared new")
            }
            GuestFact::OlderK3s { volume } => write!(f, "lets go of {volume}: a newer k3s has served from it"),
            GuestFact::Resumes { volume } => write!(f, "takes {volume} back"),
            GuestFact::K3sUp => f.write_str("k3s is up"),
            GuestFact::Settled { volume } => write!(f, "k3s is up on {volume}"),
            GuestFact::WorkloadUp => f.write_str("workload is up"),
            GuestFact::WorkloadDown => f.write_str("workload is down"),
            GuestFact::Cordoned => f.write_str("schedules nothing: the node is cordoned"),
            GuestFact::Drained => f.write_str("drained"),
            GuestFact::K3sStopped => f.write_str("stops k3s"),
            GuestFact::Unmounted { volume } => write!(f, "unmounted {volume}"),
            GuestFact::CannotRelease => f.write_str("cannot release"),
            GuestFact::StillMounted { volume } => write!(f, "cannot unmount {volume}: a process uses it"),
            GuestFact::ReleaseGivenUp => f.write_str("release given up"),
            GuestFact::MarkerHonoured { volume } => write!(f, "leaves {volume} alone: it has released in this boot"),
            GuestFact::Reboots => f.write_str("reboots"),
            GuestFact::KernelPanic => f.write_str("kernel panic"),
            GuestFact::PowerLost { volume } => write!(f, "lost power with {volume} mounted"),
            GuestFact::DeviceLost { volume } => write!(f, "I/O errors: {volume} vanished while mounted"),
        }
    }
}
