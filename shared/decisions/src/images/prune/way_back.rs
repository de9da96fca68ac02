//! What leads back to an image that is gone: a snapshot that says that it was of that image.

use std::collections::{BTreeMap, BTreeSet};

use super::{Account, ImageEntry, ImageVerdict, Keep};
use crate::ids::{ImageId, SnapshotId};
use crate::images::references::Reference;
use crate::images::{Snapshot, is_full};
use crate::tags::IMAGE_ID;

/// A tag's value is at most 256 characters long, and an id is 21.
const MOST_IDS: usize = 11;

/// The images that something refers to, and that neither are there nor have a snapshot that says it was theirs. A snapshot
/// whose tag names no image may be of any of them.
pub(super) fn unaccounted(account: &Account) -> BTreeMap<&ImageId, &BTreeSet<Reference>> {
    let references = &account.references;
    let mut unaccounted: BTreeMap<_, _> = references.images.iter().collect();
    account.images.iter().map(|image| &image.id).chain(&references.of_others).for_each(|image| {
        unaccounted.remove(image);
    });
    account.snapshots.iter().flat_map(Snapshot::images_named).for_each(|image| {
        unaccounted.remove(&image);
    });
    unaccounted
}

/// The images that stay. One that nothing needs is on its way out, and nothing will look for a way back to it.
pub(super) fn staying(images: &[ImageEntry]) -> BTreeSet<&ImageId> {
    let stays = |verdict: &ImageVerdict| match verdict {
        ImageVerdict::Keep(reason) => !matches!(reason, Keep::Soaking(_) | Keep::NotExamined),
        ImageVerdict::Enable(_) => true,
        ImageVerdict::Disable | ImageVerdict::Deregister => false,
    };
    images.iter().filter(|entry| stays(&entry.verdict)).map(|entry| &entry.image.id).collect()
}

/// The snapshots of ours that do not say yet which images they are of, and the tag that will.
pub(super) fn untold(
    account: &Account,
    images_of: &BTreeMap<&SnapshotId, Vec<&ImageId>>,
    staying: &BTreeSet<&ImageId>,
) -> Vec<(SnapshotId, String)> {
    let tag = |snapshot: &Snapshot| {
        let images = images_of.get(&snapshot.id)?;
        let has_room = !is_full(&snapshot.tags) || snapshot.tags.contains_key(IMAGE_ID);
        if !snapshot.is_touchable() || !has_room {
            return None;
        }
        let of: BTreeSet<&ImageId> = images.iter().copied().filter(|image| staying.contains(image)).collect();
        let named = snapshot.images_named();
        if of.iter().all(|image| named.contains(*image)) {
            return None;
        }
        let before: Vec<ImageId> = snapshot.images_tagged().collect();
        let in_use = before.iter().filter(|image| account.references.images.contains_key(*image));
        let ids: BTreeSet<&str> = of.into_iter().chain(in_use).map(ImageId::as_str).collect();
        (ids.len() <= MOST_IDS).then(|| ids.into_iter().collect::<Vec<_>>().join(" "))
    };
    account.snapshots.iter().filter_map(|snapshot| Some((snapshot.id.clone(), tag(snapshot)?))).collect()
}
