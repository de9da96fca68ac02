//! Which images and snapshots stay, which go, and why. Pure: the list itself is what a person reviews.

mod policy;
pub mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, SystemTime};

pub use policy::Policy;

use crate::ids::{ImageId, ParameterName, SnapshotId};
use crate::images::references::{Reference, References};
use crate::images::{Image, ImageState, Snapshot};
use crate::tags::{KEEP, STALE_SINCE};
use crate::times::timestamp;

/// All that is known of an account's images.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Its own images, the disabled ones too.
    pub images: Vec<Image>,
    /// Its own snapshots.
    pub snapshots: Vec<Snapshot>,
    pub references: References,
}

/// What to do with every image and snapshot.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The images, family by family, newest first.
    pub images: Vec<ImageEntry>,
    pub snapshots: Vec<SnapshotEntry>,
    /// What could not be read. While there is any, nothing goes.
    pub unread: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct ImageEntry {
    pub image: Image,
    pub family: Option<ParameterName>,
    pub age: Option<Duration>,
    pub verdict: ImageVerdict,
}

#[derive(Clone, Debug)]
pub struct SnapshotEntry {
    pub snapshot: Snapshot,
    pub age: Option<Duration>,
    pub verdict: SnapshotVerdict,
}

/// What becomes of an image, in order of reversibility.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageVerdict {
    Keep(Keep),
    /// We had disabled it, and it is needed after all.
    Enable(Keep),
    /// Nothing needs it. It cannot be launched from now on, but can be enabled again.
    Disable,
    /// It has soaked long enough, and still nothing needs it.
    Deregister,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotVerdict {
    Keep(Keep),
    /// Its image is gone.
    Delete,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It is of no family: not ours to judge.
    NotOurs,
    /// A person wants it.
    Tagged,
    /// It is not in a state that we know how to leave.
    State(String),
    /// EC2 does not say how old it is.
    AgeUnknown,
    Protected,
    Public,
    Referenced(BTreeSet<Reference>),
    /// These refer to this snapshot of it, which would go with it.
    SnapshotReferenced(SnapshotId, BTreeSet<Reference>),
    /// It is one of the newest of its family.
    Newest,
    Young,
    DisabledByOthers,
    /// It is disabled, and goes after this time.
    Soaking(SystemTime),
    /// This image has it, and takes it along when it goes.
    OfImage(ImageId),
    /// Nobody has looked closely enough to be certain that nothing needs it.
    NotExamined,
    /// Something could not be read, and might refer to it.
    Unread,
}

pub fn plan(account: &Account, policy: &Policy, now: SystemTime) -> Plan {
    let newest = newest(&account.images, policy.keep_newest);
    let mut images: Vec<ImageEntry> = account
        .images
        .iter()
        .map(|image| ImageEntry {
            family: image.family(),
            age: age(image.created, now),
            verdict: image_verdict(image, &newest, &account.references, policy, now),
            image: image.clone(),
        })
        .collect();
    images.sort_by_cached_key(|entry| {
        (entry.family.clone(), std::cmp::Reverse(entry.image.created), entry.image.id.clone())
    });
    let images_of: BTreeMap<&SnapshotId, &ImageId> =
        account.images.iter().flat_map(|image| image.snapshots.iter().map(move |id| (id, &image.id))).collect();
    let verdict = |snapshot: &Snapshot| match images_of.get(&snapshot.id) {
        Some(image) => SnapshotVerdict::Keep(Keep::OfImage((*image).clone())),
        None => orphan_verdict(snapshot, &account.references, policy, now),
    };
    let mut snapshots: Vec<SnapshotEntry> = account
        .snapshots
        .iter()
        .map(|snapshot| SnapshotEntry {
            age: age(snapshot.started, now),
            verdict: verdict(snapshot),
            snapshot: snapshot.clone(),
        })
        .collect();
    snapshots.sort_by(|one, other| one.snapshot.id.cmp(&other.snapshot.id));
    Plan { images, snapshots, unread: account.references.unread.clone() }
}

impl Plan {
    /// Whether there is something to do about an image or a snapshot.
    pub fn acts_on(&self, id: &str) -> bool {
        self.images.iter().any(|entry| entry.image.id.as_str() == id && !matches!(entry.verdict, ImageVerdict::Keep(_)))
            || self
                .snapshots
                .iter()
                .any(|entry| entry.snapshot.id.as_str() == id && entry.verdict == SnapshotVerdict::Delete)
    }

    /// The images that could go but for a closer look, those that have waited longest first.
    pub fn unexamined(&self) -> impl Iterator<Item = &ImageId> {
        let mut entries: Vec<_> =
            self.images.iter().filter(|entry| entry.verdict == ImageVerdict::Keep(Keep::NotExamined)).collect();
        // What is disabled is nearer to being gone, and costs money the longest.
        entries.sort_by_key(|entry| (entry.image.state != ImageState::Disabled, entry.image.created));
        entries.into_iter().map(|entry| &entry.image.id)
    }
}

fn image_verdict(
    image: &Image,
    newest: &BTreeSet<&ImageId>,
    references: &References,
    policy: &Policy,
    now: SystemTime,
) -> ImageVerdict {
    if image.family().is_none() {
        return ImageVerdict::Keep(Keep::NotOurs);
    }
    let disabled_since = match (&image.state, image.stale_since()) {
        (ImageState::Available, _) => None,
        (ImageState::Disabled, Some(since)) => Some(since),
        (ImageState::Disabled, None) => return ImageVerdict::Keep(Keep::DisabledByOthers),
        (ImageState::Pending, _) => return ImageVerdict::Keep(Keep::State("pending".to_owned())),
        (ImageState::Other(state), _) => return ImageVerdict::Keep(Keep::State(state.clone())),
    };
    match (needed(image, newest, references, policy, now), disabled_since) {
        // Not knowing is no reason to undo anything either.
        (Some(unknown @ (Keep::Unread | Keep::NotExamined)), _) => ImageVerdict::Keep(unknown),
        // Marked and not disabled: a run was cut short between the two, or a person has enabled it.
        (Some(reason), disabled) if disabled.is_some() || image.tags.contains_key(STALE_SINCE) => {
            ImageVerdict::Enable(reason)
        }
        (Some(reason), _) => ImageVerdict::Keep(reason),
        (None, None) if !references.examined.contains(&image.id) => ImageVerdict::Keep(Keep::NotExamined),
        (None, None) => ImageVerdict::Disable,
        (None, Some(since)) if now < since + policy.soak => ImageVerdict::Keep(Keep::Soaking(since + policy.soak)),
        (None, Some(_)) if !references.examined.contains(&image.id) => ImageVerdict::Keep(Keep::NotExamined),
        (None, Some(_)) => ImageVerdict::Deregister,
    }
}

/// Why an image must stay, if it must.
fn needed(
    image: &Image,
    newest: &BTreeSet<&ImageId>,
    references: &References,
    policy: &Policy,
    now: SystemTime,
) -> Option<Keep> {
    let snapshot = image.snapshots.iter().find_map(|id| Some((id, references.snapshots.get(id)?)));
    if let Some(by) = references.images.get(&image.id) {
        Some(Keep::Referenced(by.clone()))
    } else if let Some((snapshot, by)) = snapshot {
        Some(Keep::SnapshotReferenced(snapshot.clone(), by.clone()))
    } else if image.tags.contains_key(KEEP) {
        Some(Keep::Tagged)
    } else if image.protected {
        Some(Keep::Protected)
    } else if image.public {
        Some(Keep::Public)
    } else if newest.contains(&image.id) {
        Some(Keep::Newest)
    } else if !references.unread.is_empty() {
        Some(Keep::Unread)
    } else {
        young_or_unknown(image.created, policy, now)
    }
}

fn orphan_verdict(snapshot: &Snapshot, references: &References, policy: &Policy, now: SystemTime) -> SnapshotVerdict {
    let reason = if !snapshot.is_ours() {
        Keep::NotOurs
    } else if let Some(by) = references.snapshots.get(&snapshot.id) {
        Keep::Referenced(by.clone())
    } else if snapshot.tags.contains_key(KEEP) {
        Keep::Tagged
    } else if !snapshot.completed {
        Keep::State("not completed".to_owned())
    } else if !references.unread.is_empty() {
        Keep::Unread
    } else if let Some(reason) = young_or_unknown(snapshot.started, policy, now) {
        reason
    } else {
        return SnapshotVerdict::Delete;
    };
    SnapshotVerdict::Keep(reason)
}

fn young_or_unknown(since: Option<SystemTime>, policy: &Policy, now: SystemTime) -> Option<Keep> {
    match since {
        None => Some(Keep::AgeUnknown),
        Some(since) if now < since + policy.keep_younger => Some(Keep::Young),
        Some(_) => None,
    }
}

/// The newest images of each family and architecture: of those that could boot an instance, or could again. Those that we
/// have disabled count, should the newer ones be gone meanwhile; copies, which only look new, do not.
fn newest(images: &[Image], most: usize) -> BTreeSet<&ImageId> {
    let mut ages: BTreeMap<(ParameterName, &str), Vec<(SystemTime, &ImageId)>> = BTreeMap::new();
    for image in images {
        let bootable = image.state == ImageState::Available
            || (image.state == ImageState::Disabled && image.stale_since().is_some());
        if let (Some(family), Some(created), true, None) = (image.family(), image.created, bootable, &image.copy_of) {
            ages.entry((family, &image.architecture)).or_default().push((created, &image.id));
        }
    }
    let newest_of = |mut ages: Vec<(SystemTime, _)>| {
        ages.sort_by(|one, other| other.cmp(one));
        ages.into_iter().take(most).map(|(_, id)| id)
    };
    ages.into_values().flat_map(newest_of).collect()
}

fn age(since: Option<SystemTime>, now: SystemTime) -> Option<Duration> {
    now.duration_since(since?).ok()
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |by: &BTreeSet<Reference>| by.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match self {
            Keep::NotOurs => write!(f, "of no family"),
            Keep::Tagged => write!(f, "tagged {KEEP}"),
            Keep::State(state) => write!(f, "{state}"),
            Keep::AgeUnknown => write!(f, "age unknown"),
            Keep::Protected => write!(f, "protected from deregistration"),
            Keep::Public => write!(f, "public"),
            Keep::Referenced(by) => write!(f, "in use: {}", list(by)),
            Keep::SnapshotReferenced(snapshot, by) => write!(f, "{snapshot} in use: {}", list(by)),
            Keep::Newest => write!(f, "among the newest"),
            Keep::Young => write!(f, "young"),
            Keep::DisabledByOthers => write!(f, "disabled, but not by Durin"),
            Keep::Soaking(until) => write!(f, "disabled, goes after {}", timestamp(*until)),
            Keep::OfImage(image) => write!(f, "of {image}"),
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
            SnapshotVerdict::Delete => write!(f, "delete: its image is gone"),
        }
    }
}
