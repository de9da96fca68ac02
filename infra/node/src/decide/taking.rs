//! What becomes of a volume that has arrived.

use durin_decisions::ids::VolumeId;

use super::contents::{Contents, FileSystem};
use super::first;
use super::fsck::Checked;
use super::marker::Marker;
use durin_decisions::k3s::Version;

/// What was seen of this node's volume. The slow looks are taken only when [`next`] asks for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub marker: Marker,
    pub access: Access,
    /// Partitions, logical volumes and the like, by name.
    pub on_top: Vec<String>,
    pub contents: Contents,
    /// Somebody has said that this very volume is new.
    pub declared_new: bool,
    /// Whether the device is zero from head to tail.
    pub blank: Option<Blank>,
    pub checked: Option<Checked>,
}

/// How the kernel answers who asks for the device alone (`O_EXCL`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    Alone,
    /// A file system, a logical volume or an array has it.
    Shared,
    /// None of those, and yet it is written to: by whom, as "dd (123)". By nobody that was found, if it has been written to
    /// at this very moment.
    Written(Vec<String>),
    /// It cannot be opened: why.
    Refused(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blank {
    Yes,
    No,
    /// It cannot be read: why.
    Unread(String),
}

/// The next thing to do with the volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Find out whether it is blank.
    ReadWhole,
    /// Check its file system.
    Check(FileSystem),
    Format,
    Mount(FileSystem),
    Refuse(Refusal),
}

/// Why a volume is left as it is. Nothing was written to it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this instance has released {0} in this boot: `durin-node resume {0}` takes the release back")]
    Released(String),
    #[error(
        "this runs in a mount namespace of its own: run it with `nsenter --target 1 --mount`, or its unit without what makes \
         one (`systemctl cat`: PrivateTmp, ProtectSystem and the like)"
    )]
    OwnNamespace,
    #[error("several devices call themselves {0}: detach all but the right one")]
    SeveralDevices(VolumeId),
    #[error("{0} is not the device that the kernel calls {1}: udev has to make its node anew (`udevadm trigger`)")]
    AnotherDevice(String, String),
    #[error("something else has it ({0}): look with `lsblk`, `findmnt` and `fuser`, and let go of it")]
    InUse(String),
    #[error("it cannot be opened ({0}): look at `dmesg`")]
    Unopened(String),
    #[error("it holds {0}, and Durin mounts ext4 and xfs only, on the whole volume: attach the node's own volume")]
    Foreign(String),
    #[error("it holds {0}: look at it with `wipefs --no-act` before anything writes to it")]
    Unknown(String),
    #[error(
        "it has no file system that can be read, and is not blank: it is damaged, or not this node's. Look with \
         `e2fsck -n -b 32768` or `xfs_repair -n`, or restore a snapshot. If it has never served, its first formatting was \
         cut off: `blkdiscard --zeroout` on its device makes it blank, for good"
    )]
    NotBlank,
    #[error("it cannot be read from head to tail ({0}): look at `dmesg`, and restore a snapshot if it is lost")]
    Unread(String),
    #[error(
        "it has no file system that can be read, and nobody has said that it is new. If it is new and blank, tag the \
         group and this instance with durin:new-volume={0}, and run `systemctl restart durin-prepare durin-volume` here. \
         Else it is damaged, or not this node's: look with `e2fsck -n -b 32768` or `xfs_repair -n`, restore a snapshot, \
         or attach the volume that has the data"
    )]
    NotDeclaredNew(VolumeId),
    #[error(
        "e2fsck leaves errors in it ({0}): look at `dmesg`, for reads may fail for a while. Else take a snapshot, then run \
         `e2fsck -f` by hand, which the next try finds, or restore an older snapshot"
    )]
    Damaged(String),
    #[error(
        "this image's e2fsck is too old to check it (it has {0}), and it was not unmounted cleanly: bake an image with the \
         e2fsprogs of the one that made it, or with newer ones"
    )]
    TooNew(String),
    #[error("it does not mount: {0}. Take a snapshot before you repair it")]
    NotMounted(String),
    #[error("its device is read-only: look at `lsblk --output NAME,RO`, and make it writable with `blockdev --setrw`")]
    WriteProtected,
    #[error("it is mounted at {0}, used by {1}, and not by Durin: unmount it, and Durin checks and mounts it")]
    MountedByAnother(String, String),
    #[error(
        "it is mounted read-only at {0}: if nobody has done that, the kernel has met an error (look at `dmesg`), and a \
         reboot has it checked; else unmount it"
    )]
    MountedReadOnly(String),
    #[error(
        "it is mounted at {0}, and the kernel has shut its file system down after an error (look at `dmesg`): stop k3s and \
         unmount it, and Durin checks and mounts it, as a reboot has it do"
    )]
    ShutDown(String),
    #[error("{0} is mounted at {1}: unmount it")]
    SomethingElseIsThere(String, String),
    #[error(
        "its k3s has an embedded etcd ({0}), which knows its members by address and does not start at another one: \
         move to SQLite by a backup and a restore"
    )]
    EmbeddedEtcd(String),
    #[error(
        "k3s {served} has served from it, and this image has {own}: a datastore does not go back to an earlier minor version. \
         Launch from an image with {} or newer (`just unpin`), or, if you have restored a backup that {} or an older one has made, \
         remove durin/k3s-version from the volume", .served.minor(), .own.minor()
    )]
    OlderK3s { served: Version, own: Version },
}

impl Refusal {
    /// By the marker, which may name none: then it is this one.
    pub fn released(marked: &str, volume: &VolumeId) -> Refusal {
        Refusal::Released(VolumeId::new(marked).as_ref().unwrap_or(volume).to_string())
    }

    /// Whether it may mount after a reboot, though nobody does anything else.
    pub fn may_pass_with_a_reboot(&self) -> bool {
        match self {
            Refusal::AnotherDevice(..)
            | Refusal::Unopened(_)
            | Refusal::Unread(_)
            | Refusal::Damaged(_)
            | Refusal::NotMounted(_)
            | Refusal::MountedReadOnly(_)
            | Refusal::ShutDown(_)
            | Refusal::SomethingElseIsThere(..) => true,
            Refusal::Released(_)
            | Refusal::OwnNamespace
            | Refusal::SeveralDevices(_)
            | Refusal::InUse(_)
            | Refusal::Foreign(_)
            | Refusal::Unknown(_)
            | Refusal::NotBlank
            | Refusal::NotDeclaredNew(_)
            | Refusal::TooNew(_)
            | Refusal::WriteProtected
            | Refusal::MountedByAnother(..)
            | Refusal::EmbeddedEtcd(_)
            | Refusal::OlderK3s { .. } => false,
        }
    }

    /// Whether another instance may serve from it, so that this one lets go of it.
    pub fn is_of_this_image(&self) -> bool {
        matches!(self, Refusal::OlderK3s { .. })
    }
}

/// Who writes to it, for people.
pub fn writers(by: &[String]) -> String {
    if by.is_empty() { "somebody who was gone at once".to_owned() } else { first(by, 5) }
}

/// Decides about a volume that is not mounted yet. Whatever is in doubt is refused; only what is zero throughout and
/// declared new is ever formatted.
pub fn next(volume: &VolumeId, seen: &Seen) -> Next {
    if let Marker::Released(released) = &seen.marker {
        return Next::Refuse(Refusal::released(released, volume));
    }
    match &seen.access {
        Access::Alone => {}
        Access::Shared => return Next::Refuse(Refusal::InUse("it is mounted or held".to_owned())),
        Access::Written(by) => return Next::Refuse(Refusal::InUse(format!("open for writing: {}", writers(by)))),
        Access::Refused(why) => return Next::Refuse(Refusal::Unopened(why.clone())),
    }
    if !seen.on_top.is_empty() {
        return Next::Refuse(Refusal::Foreign(seen.on_top.join(", ")));
    }
    match &seen.contents {
        Contents::Foreign(what) => Next::Refuse(Refusal::Foreign(what.clone())),
        Contents::Unknown(what) => Next::Refuse(Refusal::Unknown(what.clone())),
        Contents::Nothing => of_nothing_known(volume, seen),
        // xfs checks what it reads, and replays its log at a mount. Its checker cannot replay the log.
        Contents::Ours(FileSystem::Xfs) => Next::Mount(FileSystem::Xfs),
        Contents::Ours(FileSystem::Ext4) => match &seen.checked {
            None => Next::Check(FileSystem::Ext4),
            Some(Checked::Sound | Checked::TooNew { is_clean: true, .. }) => Next::Mount(FileSystem::Ext4),
            Some(Checked::TooNew { features, is_clean: false }) => Next::Refuse(Refusal::TooNew(features.clone())),
            Some(Checked::Damaged(code)) => {
                let status = code.map_or("it was killed".to_owned(), |code| format!("exit status {code}"));
                Next::Refuse(Refusal::Damaged(status))
            }
        },
    }
}

fn of_nothing_known(volume: &VolumeId, seen: &Seen) -> Next {
    match &seen.blank {
        // To read all of it takes minutes, and it is refused in any case.
        None if !seen.declared_new => Next::Refuse(Refusal::NotDeclaredNew(volume.clone())),
        None => Next::ReadWhole,
        Some(Blank::Unread(why)) => Next::Refuse(Refusal::Unread(why.clone())),
        Some(Blank::No) => Next::Refuse(Refusal::NotBlank),
        Some(Blank::Yes) if !seen.declared_new => Next::Refuse(Refusal::NotDeclaredNew(volume.clone())),
        Some(Blank::Yes) => Next::Format,
    }
}
