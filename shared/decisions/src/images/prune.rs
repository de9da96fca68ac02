//! Which images and snapshots stay, which go, and why. Pure: a person reviews the list itself.

mod dispute;
mod judge;
mod policy;
pub mod table;
mod verdict;
mod way_back;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

pub use dispute::Dispute;
pub use policy::Policy;
pub use verdict::{ImageVerdict, Keep, SnapshotVerdict};

use crate::ids::{ImageId, ParameterName, SnapshotId};
use crate::images::references::References;
use crate::images::{Image, ImageState, Snapshot};
use judge::Judge;

/// Everything known about an account's images.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Its own images, including disabled ones.
    pub images: Vec<Image>,
    /// Its own snapshots.
    pub snapshots: Vec<Snapshot>,
    pub references: References,
}

/// The verdict on every image and snapshot.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The images, family by family, newest first.
    pub images: Vec<ImageEntry>,
    pub snapshots: Vec<SnapshotEntry>,
    /// Snapshots that do not say yet which images they are of, with what their tag [`crate::tags::IMAGE_ID`] should say.
    pub untold: Vec<(SnapshotId, String)>,
    /// The images in use that are not there, if a snapshot stays because it may be of one of them. Whether they are others'
    /// images is worth a look.
    pub unaccounted: BTreeSet<ImageId>,
    /// The sources that could not be read. While there is any, nothing goes.
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

pub fn plan(account: &Account, policy: &Policy, now: SystemTime) -> Plan {
    let judge = Judge::new(account, policy, now);
    let mut images: Vec<ImageEntry> = account
        .images
        .iter()
        .map(|image| ImageEntry {
            family: image.family(),
            age: age(image.created, now),
            verdict: judge.image(image),
            image: image.clone(),
        })
        .collect();
    images.sort_by_cached_key(|entry| {
        (entry.family.clone(), std::cmp::Reverse(entry.image.created), entry.image.id.clone())
    });
    let mut snapshots: Vec<SnapshotEntry> = account
        .snapshots
        .iter()
        .map(|snapshot| SnapshotEntry {
            age: age(snapshot.started, now),
            verdict: judge.snapshot(snapshot),
            snapshot: snapshot.clone(),
        })
        .collect();
    snapshots.sort_by(|one, other| one.snapshot.id.cmp(&other.snapshot.id));
    let untold = way_back::untold(account, &judge.images_of, &way_back::staying(&images));
    let unaccounted = match snapshots.iter().any(|entry| entry.verdict.is_for_an_unknown_image()) {
        true => judge.unaccounted.keys().copied().cloned().collect(),
        false => BTreeSet::new(),
    };
    Plan { images, snapshots, untold, unaccounted, unread: account.references.unread.clone() }
}

impl Plan {
    /// Whether the plan has something to do about an image or a snapshot.
    pub fn acts_on(&self, id: &str) -> bool {
        let images = self.images.iter().filter(|entry| !matches!(entry.verdict, ImageVerdict::Keep(_)));
        let snapshots = self.snapshots.iter().filter(|entry| !matches!(entry.verdict, SnapshotVerdict::Keep(_)));
        let mut untold = self.untold.iter();
        images.map(|entry| entry.image.id.as_str()).any(|acted_on| acted_on == id)
            || snapshots.map(|entry| entry.snapshot.id.as_str()).any(|acted_on| acted_on == id)
            || untold.any(|(snapshot, _)| snapshot.as_str() == id)
    }

    /// The images that could go, pending a closer look; those that have waited longest come first.
    pub fn unexamined(&self) -> impl Iterator<Item = &ImageId> {
        let mut entries: Vec<_> =
            self.images.iter().filter(|entry| entry.verdict == ImageVerdict::Keep(Keep::NotExamined)).collect();
        // A disabled image is nearer to being gone, and has cost money the longest.
        entries.sort_by_key(|entry| (entry.image.state != ImageState::Disabled, entry.image.created));
        entries.into_iter().map(|entry| &entry.image.id)
    }

    /// Whether anything could go, pending a closer look, or is on its way out and might be needed again.
    pub fn needs_a_closer_look(&self) -> bool {
        let at_stake = |reason: &Keep| matches!(reason, Keep::NotExamined | Keep::Soaking(_));
        let image = |entry: &ImageEntry| matches!(&entry.verdict, ImageVerdict::Keep(reason) if at_stake(reason));
        let snapshot = |entry: &SnapshotEntry| match &entry.verdict {
            SnapshotVerdict::Keep(reason) if at_stake(reason) => true,
            verdict => verdict.is_for_an_unknown_image(),
        };
        self.images.iter().any(image) || self.snapshots.iter().any(snapshot)
    }
}

fn age(since: Option<SystemTime>, now: SystemTime) -> Option<Duration> {
    now.duration_since(since?).ok()
}
