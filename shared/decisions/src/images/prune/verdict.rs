//! The fate of an image or a snapshot, and the reason, with a way to change it, for the person who reads the plan.

use std::collections::BTreeSet;
use std::fmt;
use std::time::SystemTime;

use super::Dispute;
use crate::ids::{ImageId, SnapshotId};
use crate::images::references::Reference;
use crate::tags::{BACKUP_OF, FAMILY, IMAGE_ID, KEEP, VOLUME};
use crate::times::timestamp;

/// The fate of an image, in order of reversibility.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageVerdict {
    Keep(Keep),
    /// We had disabled it, and it is needed after all.
    Enable(Keep),
    /// Nothing needs it. It cannot be launched from now on, but can be enabled again. Also one that is disabled already and
    /// has to soak anew, because it was removed and has come back.
    Disable,
    /// It has soaked long enough, and still nothing needs it.
    Deregister,
}

/// The fate of a snapshot, in order of reversibility.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotVerdict {
    Keep(Keep),
    /// We had marked it, and it is needed after all.
    Unmark(Keep),
    /// It has lost its image, and may be the only way back to it. It goes when it has soaked. Also one that has to soak
    /// anew, because it was removed and has come back.
    Mark,
    /// It has soaked long enough, and still nothing needs it or its image.
    Delete,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It belongs to no family: not ours to judge.
    NotOurs,
    /// A person wants it.
    Tagged,
    /// A person wants this snapshot of it, which would go with it.
    SnapshotTagged(SnapshotId),
    /// It is not in a state that we know how to leave.
    State(String),
    /// EC2 does not say how old it is.
    AgeUnknown,
    Protected,
    Public,
    Referenced(BTreeSet<Reference>),
    /// These refer to this snapshot of it, which would go with it.
    SnapshotReferenced(SnapshotId, BTreeSet<Reference>),
    /// These refer to the image that it is the only way back to.
    LostImageReferenced(ImageId, BTreeSet<Reference>),
    /// No tag says which images it was of, and these refer to this one, which is gone.
    MayBeWayBack(ImageId, BTreeSet<Reference>),
    /// It is one of the newest of its family.
    Newest,
    /// It is too young, until this time.
    Young(SystemTime),
    DisabledByOthers,
    /// It is disabled, or an orphan and marked, and goes after this time.
    Soaking(SystemTime),
    /// This image has it, and takes it along when it goes.
    OfImage(ImageId),
    /// It, or this snapshot of it, is a backup of a node's data, which our role may not touch.
    BackupOfData(Option<SnapshotId>),
    /// AWS Backup made it, and only AWS Backup may remove it.
    ManagedByBackup,
    /// It, or this snapshot of it, has as many tags as EC2 allows: without ours it would not be found again.
    NoRoomForTag(Option<SnapshotId>),
    /// Another family claims it too.
    Disputed(Dispute),
    /// We have not looked closely enough to be certain that nothing needs it.
    NotExamined,
    /// Something could not be read, and might refer to it.
    Unread,
}

impl SnapshotVerdict {
    pub(super) fn is_for_an_unknown_image(&self) -> bool {
        matches!(self, SnapshotVerdict::Keep(Keep::MayBeWayBack(..)) | SnapshotVerdict::Unmark(Keep::MayBeWayBack(..)))
    }
}

impl Keep {
    /// Whether the reason is that we do not know, which is not a reason to undo anything either.
    pub(super) fn is_ignorance(&self) -> bool {
        matches!(self, Keep::Unread | Keep::NotExamined)
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |by: &BTreeSet<Reference>| by.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let which = |snapshot: &Option<SnapshotId>| snapshot.as_ref().map(|it| format!("{it} ")).unwrap_or_default();
        match self {
            Keep::NotOurs => write!(f, "of no family; the tag {FAMILY} would name one"),
            Keep::Tagged => write!(f, "tagged {KEEP}"),
            Keep::SnapshotTagged(snapshot) => write!(f, "{snapshot} is tagged {KEEP}"),
            Keep::State(state) => write!(f, "{state}; judged once that is over"),
            Keep::AgeUnknown => write!(f, "age unknown; only a person can remove it"),
            Keep::Protected => write!(f, "protected from deregistration"),
            Keep::Public => write!(f, "public"),
            Keep::Referenced(by) => write!(f, "in use: {}", list(by)),
            Keep::SnapshotReferenced(snapshot, by) => write!(f, "{snapshot} in use: {}", list(by)),
            Keep::LostImageReferenced(image, by) => {
                write!(f, "the only way back to {image}, which is gone and in use: {}", list(by))
            }
            Keep::MayBeWayBack(image, by) => write!(
                f,
                "no tag {IMAGE_ID} says which images it was of, so it may be the only way back to {image}, which is gone and in \
                 use: {}; tag it {IMAGE_ID} with the image that it was of, or delete it",
                list(by)
            ),
            Keep::Newest => write!(f, "among the newest"),
            Keep::Young(until) => write!(f, "young until {}", timestamp(*until)),
            Keep::DisabledByOthers => write!(f, "disabled, but not by Durin; enable it, or deregister it yourself"),
            Keep::Soaking(until) => write!(f, "soaking, goes after {} unless tagged {KEEP}", timestamp(*until)),
            Keep::OfImage(image) => write!(f, "of {image}"),
            Keep::BackupOfData(snapshot) => {
                let which = which(snapshot);
                write!(f, "{which}is a backup of data, tagged {VOLUME} or {BACKUP_OF}; this removes none")
            }
            Keep::ManagedByBackup => write!(f, "managed by AWS Backup; remove it there"),
            Keep::NoRoomForTag(snapshot) => {
                write!(f, "{}has 50 tags and no room for Durin's; remove one", which(snapshot))
            }
            Keep::Disputed(dispute) => write!(f, "of two families: {dispute}"),
            Keep::NotExamined => write!(f, "not looked at closely yet"),
            Keep::Unread => write!(f, "something could not be read that may refer to it"),
        }
    }
}

impl fmt::Display for ImageVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImageVerdict::Keep(reason) => write!(f, "keep: {reason}"),
            ImageVerdict::Enable(reason) => write!(f, "enable again: {reason}"),
            ImageVerdict::Disable => write!(f, "disable"),
            ImageVerdict::Deregister => write!(f, "deregister"),
        }
    }
}

impl fmt::Display for SnapshotVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotVerdict::Keep(reason) => write!(f, "keep: {reason}"),
            SnapshotVerdict::Unmark(reason) => write!(f, "unmark: {reason}"),
            SnapshotVerdict::Mark => write!(f, "mark: its image is gone; it goes when it has soaked"),
            SnapshotVerdict::Delete => write!(f, "delete: its image is gone"),
        }
    }
}
