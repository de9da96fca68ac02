//! Images and snapshots as the decisions see them: without AWS's types.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use super::mark::Mark;
use super::references::images_in;
use crate::ids::{ImageId, ParameterName, SnapshotId};
use crate::tags::{BACKUP_OF, FAMILY, IMAGE_ID, KEEP, STALE_SINCE, VOLUME};

/// How many tags a resource can have. (EC2 User Guide, "Tag restrictions".)
const MOST_TAGS: usize = 50;

/// How long after its mark an image is deprecated by the run that marked it: a run takes at most a quarter of an hour, and
/// the deprecation begins a minute after the call.
const DEPRECATES_WITHIN: Duration = Duration::from_secs(3600);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pub id: ImageId,
    pub name: String,
    pub state: ImageState,
    /// When it was registered; unknown if EC2 writes it in a way that we do not understand.
    pub created: Option<SystemTime>,
    /// The time from which it is deprecated, if any.
    pub deprecated: Option<SystemTime>,
    /// `x86_64`, `arm64`
    pub architecture: String,
    /// `hvm`, `paravirtual`
    pub virtualization: String,
    /// The image that it was copied from. CreateImage also names a source image, but along with an instance.
    pub copy_of: Option<String>,
    /// Whether deregistration protection is on, or was so recently that it still counts.
    pub protected: bool,
    pub public: bool,
    pub snapshots: Vec<SnapshotId>,
    /// The size of all its volumes together, in GiB.
    pub gib: u64,
    pub tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub id: SnapshotId,
    /// Whether it is complete: not pending, failed, or in the Recycle Bin.
    pub completed: bool,
    pub started: Option<SystemTime>,
    /// The image that it was made for, as its description says; EC2's text there stays when the image is gone.
    pub lost_image: Option<ImageId>,
    /// The size of its volume, in GiB: more than it costs, since snapshots are incremental.
    pub gib: u64,
    pub tags: BTreeMap<String, String>,
}

/// The states of an image. (EC2 API Reference, `Image`: `imageState`.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageState {
    Pending,
    /// Can be launched.
    Available,
    /// Cannot be launched, until it is enabled again.
    Disabled,
    /// Anything else, as EC2 calls it: none of these can be launched, and none is ever touched.
    Other(String),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unpublishable {
    /// It cannot be launched, or not yet.
    #[error("it is not available")]
    NotAvailable,
    /// A person has said that it should not be used any more.
    #[error("it is deprecated")]
    Deprecated,
    /// A copy is as old as its source, but EC2 reports it as new. Probe: a-copy-looks-new.
    #[error("it is a copy of {0}")]
    Copy(String),
    /// Its age decides.
    #[error("EC2 does not say when it was created")]
    AgeUnknown,
}

impl Image {
    /// The family that it belongs to. `None` for other people's images, and for a tag that names no parameter.
    pub fn family(&self) -> Option<ParameterName> {
        family(&self.tags)
    }

    /// The time when it was created, if it can be published.
    ///
    /// # Errors
    /// When it cannot, with the reason.
    pub fn publishable(&self, now: SystemTime) -> Result<SystemTime, Unpublishable> {
        if self.state != ImageState::Available {
            return Err(Unpublishable::NotAvailable);
        }
        if self.deprecated.is_some_and(|from| from <= now) {
            return Err(Unpublishable::Deprecated);
        }
        if let Some(source) = &self.copy_of {
            return Err(Unpublishable::Copy(source.clone()));
        }
        self.created.ok_or(Unpublishable::AgeUnknown)
    }

    /// Whether it could be published, or could again once we enable it.
    pub(super) fn is_fallback(&self, now: SystemTime) -> bool {
        let can_boot = match self.state {
            ImageState::Available => true,
            ImageState::Disabled => self.mark().is_some(),
            ImageState::Pending | ImageState::Other(_) => false,
        };
        let is_withdrawn = self.deprecated.is_some_and(|from| from <= now) && !self.is_deprecated_by_us();
        can_boot && !is_withdrawn && self.copy_of.is_none()
    }

    /// Whether its deprecation is the one that came with our disabling it, and goes with that. A person's stays.
    pub fn is_deprecated_by_us(&self) -> bool {
        let within = |since: SystemTime, at: SystemTime| since <= at && at <= since + DEPRECATES_WITHIN;
        self.mark().zip(self.deprecated).is_some_and(|(mark, at)| within(mark.since, at))
    }

    pub fn is_managed_by_backup(&self) -> bool {
        is_managed_by_backup(&self.tags)
    }

    /// When we disabled it, or were about to.
    pub fn mark(&self) -> Option<Mark> {
        mark(&self.tags, self.created)
    }
}

impl Snapshot {
    /// The family of the image that it belongs to, or belonged to. `None` for other people's snapshots, and for a tag that
    /// names no parameter.
    pub fn family(&self) -> Option<ParameterName> {
        family(&self.tags)
    }

    pub fn is_ours(&self) -> bool {
        self.family().is_some()
    }

    /// When we first saw it without its image.
    pub fn mark(&self) -> Option<Mark> {
        mark(&self.tags, self.started)
    }

    /// The images that it is of, or was: as EC2 has said in its description, and as we have in its tag. Only CreateImage and
    /// CopyImage write such a description; RegisterImage, and imports, write none, or another image's.
    pub fn images_named(&self) -> BTreeSet<ImageId> {
        self.lost_image.iter().cloned().chain(self.images_tagged()).collect()
    }

    pub(super) fn images_tagged(&self) -> impl Iterator<Item = ImageId> {
        images_in(self.tags.get(IMAGE_ID).map_or("", String::as_str))
    }

    pub fn is_backup_of_data(&self) -> bool {
        self.tags.contains_key(VOLUME) || self.tags.contains_key(BACKUP_OF)
    }

    pub fn is_managed_by_backup(&self) -> bool {
        is_managed_by_backup(&self.tags)
    }

    /// Whether our role may take a mark off it.
    pub(super) fn is_touchable(&self) -> bool {
        self.is_ours() && !self.is_backup_of_data()
    }
}

fn family(tags: &BTreeMap<String, String>) -> Option<ParameterName> {
    ParameterName::new(tags.get(FAMILY)?).ok()
}

/// One that is older than the image or snapshot was copied from another.
fn mark(tags: &BTreeMap<String, String>, made: Option<SystemTime>) -> Option<Mark> {
    let mark = Mark::read(tags.get(STALE_SINCE)?)?;
    made.is_none_or(|made| made <= mark.since).then_some(mark)
}

/// Whether a person wants it to stay. A tag in another spelling still counts: in doubt, it stays.
pub(super) fn is_kept(tags: &BTreeMap<String, String>) -> bool {
    tags.keys().any(|key| key.trim().eq_ignore_ascii_case(KEEP))
}

/// Whether EC2 refuses another tag. AWS's own do not count.
pub(super) fn is_full(tags: &BTreeMap<String, String>) -> bool {
    tags.keys().filter(|key| !key.starts_with("aws:")).count() >= MOST_TAGS
}

/// AWS Backup's recovery points have tags that only AWS can write.
fn is_managed_by_backup(tags: &BTreeMap<String, String>) -> bool {
    tags.keys().any(|key| key.starts_with("aws:backup:"))
}
