//! Whether a volume may be released, whether it is, and whether a release may be taken back.

use durin_decisions::ids::VolumeId;

use super::first;
use super::marker::Marker;
use super::taking::{Access, writers};

/// A pod may have a hundred mounts.
const SHOWN: usize = 5;

/// What is known before anything is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    pub marker: Marker,
    /// What this instance serves from, by its own account.
    pub serves_from: Option<VolumeId>,
    pub use_of_it: UseOfIt,
}

/// Who has the volume's device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseOfIt {
    /// Where it, and what hangs on it, is mounted.
    pub mounted: Vec<String>,
    /// Processes in whose mount namespace it is mounted, as "sleep (123)".
    pub namespaces: Vec<String>,
    /// Processes that have something on it open.
    pub users: Vec<String>,
    pub access: Access,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    NothingToDo,
    LetGo,
    Refuse(NotReleased),
}

/// Why a volume is not released.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReleased {
    #[error("{0} is not attached: no NVMe device has its serial number")]
    NotAttached(VolumeId),
    #[error("{0} is attached, but this instance serves from {1}: correct the tag durin:volume-id")]
    AnotherVolume(VolumeId, VolumeId),
    #[error("{0} is the root file system")]
    Root(VolumeId),
    #[error("{0} is still mounted at {1}, used by {2}; k3s stays stopped")]
    Mounted(VolumeId, String, String),
    #[error("{0} is still mounted in the mount namespace of {1}; k3s stays stopped")]
    MountedElsewhere(VolumeId, String),
    #[error("{0} is mounted nowhere, but its file system lives on, used by {1}; k3s stays stopped")]
    Held(VolumeId, String),
    #[error("{0} is mounted nowhere, but its device is open for writing ({1}): end that; k3s stays stopped")]
    Written(VolumeId, String),
    #[error(
        "{0} is mounted nowhere, but what was written to its device is not on it yet (`sync` {1}): release it again; k3s \
         stays stopped"
    )]
    Unflushed(VolumeId, String),
    #[error("nobody can say whether {0} is in use: {1}; k3s stays stopped")]
    Unknown(VolumeId, String),
}

/// Decides what a release of this volume has to do.
pub fn begin(volume: &VolumeId, before: &Before) -> Begin {
    if before.use_of_it.mounted.iter().any(|point| point == "/") {
        return Begin::Refuse(NotReleased::Root(volume.clone()));
    }
    match &before.serves_from {
        Some(other) if other != volume => {
            return Begin::Refuse(NotReleased::AnotherVolume(volume.clone(), other.clone()));
        }
        Some(_) | None => {}
    }
    if before.marker.names(volume) && is_released(volume, &before.use_of_it).is_ok() {
        return Begin::NothingToDo;
    }
    Begin::LetGo
}

/// Whether nothing of the volume is left on this instance. Three witnesses have to agree: no list of mounts has it, the
/// kernel gives its device to one alone, and nobody has that open for writing. A list forgets what was unmounted lazily;
/// the device does not.
///
/// # Errors
/// When something still has it, or nobody can say.
pub fn is_released(volume: &VolumeId, now: &UseOfIt) -> Result<(), NotReleased> {
    let named = |names: &[String], nobody: &str| if names.is_empty() { nobody.to_owned() } else { first(names, SHOWN) };
    if !now.mounted.is_empty() {
        let users = named(&now.users, "nothing that has a file open");
        return Err(NotReleased::Mounted(volume.clone(), first(&now.mounted, SHOWN), users));
    }
    if !now.namespaces.is_empty() {
        return Err(NotReleased::MountedElsewhere(volume.clone(), first(&now.namespaces, SHOWN)));
    }
    match &now.access {
        Access::Alone => Ok(()),
        Access::Shared => Err(NotReleased::Held(volume.clone(), named(&now.users, "nothing that can be found"))),
        Access::Written(by) => Err(NotReleased::Written(volume.clone(), writers(by))),
        Access::Refused(why) => Err(NotReleased::Unknown(volume.clone(), why.clone())),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakeBack {
    NothingToDo,
    Serve,
    /// It was not released, or that was taken back before, and yet it is not mounted, or k3s does not run.
    ServeAgain,
    Refuse(NotResumed),
}

/// Why a release stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotResumed {
    #[error("{0} is not attached: no NVMe device has its serial number")]
    NotAttached(VolumeId),
    #[error("this instance has released {1}, not {0}: correct the tag durin:volume-id")]
    AnotherVolume(VolumeId, String),
    #[error("{0} has been released again meanwhile: `durin-node resume {0}` takes that back")]
    ReleasedAgain(VolumeId),
    #[error("{0}, and it stays released until nobody has it: then run `durin-node resume` again")]
    InUse(NotReleased),
    #[error("{0} does not mount, and a reboot would not change that ({1}): it stays released")]
    InVain(VolumeId, String),
    #[error("{0} is still being checked, mounted or released: ask again, and look at `journalctl -u durin-volume`")]
    UnderWay(VolumeId),
    #[error("{0} does not mount ({1}): look at `journalctl -u durin-volume`")]
    NotMounted(VolumeId, String),
    #[error("{0} is mounted, and k3s does not start ({1}): look at `journalctl -u durin-volume -u k3s`")]
    NotStarted(VolumeId, String),
}

/// The word for a reason that passes by itself, or with somebody's work. The functions wait for these, and take any other for
/// a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    UnderWay,
    InUse,
}

impl Obstacle {
    pub fn word(self) -> &'static str {
        match self {
            Obstacle::UnderWay => "under way",
            Obstacle::InUse => "in use",
        }
    }
}

impl NotResumed {
    pub fn obstacle(&self) -> Option<Obstacle> {
        match self {
            NotResumed::UnderWay(_) => Some(Obstacle::UnderWay),
            NotResumed::InUse(
                NotReleased::Mounted(..)
                | NotReleased::MountedElsewhere(..)
                | NotReleased::Held(..)
                | NotReleased::Written(..)
                | NotReleased::Unflushed(..),
            ) => Some(Obstacle::InUse),
            // Nobody may have it.
            NotResumed::InUse(
                NotReleased::Unknown(..)
                | NotReleased::NotAttached(_)
                | NotReleased::AnotherVolume(..)
                | NotReleased::Root(_),
            )
            | NotResumed::NotAttached(_)
            | NotResumed::AnotherVolume(..)
            | NotResumed::ReleasedAgain(_)
            | NotResumed::InVain(..)
            | NotResumed::NotMounted(..)
            | NotResumed::NotStarted(..) => None,
        }
    }
}

/// Decides whether this instance serves again from a volume that is attached, and that it has released unless that was
/// taken back before. `is_mounted` is the kernel's word, and `k3s_may_run` systemd's, asked only if it matters: a release that has failed stops k3s, and
/// leaves the volume mounted.
pub fn take_back(volume: &VolumeId, marker: &Marker, is_mounted: bool, k3s_may_run: impl FnOnce() -> bool) -> TakeBack {
    match marker {
        Marker::Absent | Marker::Stale => {
            if is_mounted && k3s_may_run() {
                TakeBack::NothingToDo
            } else {
                TakeBack::ServeAgain
            }
        }
        // One that names none says that the volume was released that this instance has.
        Marker::Released(released) if released != volume.as_str() && VolumeId::new(released.as_str()).is_ok() => {
            TakeBack::Refuse(NotResumed::AnotherVolume(volume.clone(), released.clone()))
        }
        Marker::Released(_) => TakeBack::Serve,
    }
}
