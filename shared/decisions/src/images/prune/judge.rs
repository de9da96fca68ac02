//! The verdict on one image or snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use super::dispute::Claims;
use super::{Account, ImageVerdict, Keep, Policy, SnapshotVerdict, way_back};
use crate::ids::{ImageId, ParameterName, SnapshotId};
use crate::images::references::Reference;
use crate::images::{Image, ImageState, Snapshot, is_full, is_kept};
use crate::tags::{FAMILY, STALE_SINCE};

/// Everything that a verdict rests on.
pub(super) struct Judge<'a> {
    account: &'a Account,
    policy: &'a Policy,
    now: SystemTime,
    newest: BTreeSet<&'a ImageId>,
    snapshots: BTreeMap<&'a SnapshotId, &'a Snapshot>,
    pub(super) images_of: BTreeMap<&'a SnapshotId, Vec<&'a ImageId>>,
    claims: Claims<'a>,
    pub(super) unaccounted: BTreeMap<&'a ImageId, &'a BTreeSet<Reference>>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(account: &'a Account, policy: &'a Policy, now: SystemTime) -> Judge<'a> {
        let mut images_of: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for image in &account.images {
            image.snapshots.iter().for_each(|id| images_of.entry(id).or_default().push(&image.id));
        }
        Judge {
            account,
            policy,
            now,
            newest: newest(&account.images, policy.keep_newest, now),
            snapshots: account.snapshots.iter().map(|snapshot| (&snapshot.id, snapshot)).collect(),
            images_of,
            claims: Claims::new(account),
            unaccounted: way_back::unaccounted(account),
        }
    }

    pub(super) fn image(&self, image: &Image) -> ImageVerdict {
        let Some(family) = image.family() else { return ImageVerdict::Keep(Keep::NotOurs) };
        let disabled = match (&image.state, image.mark()) {
            (ImageState::Available, _) => None,
            (ImageState::Disabled, Some(mark)) => Some(mark),
            (ImageState::Disabled, None) => return ImageVerdict::Keep(Keep::DisabledByOthers),
            (ImageState::Pending, _) => return ImageVerdict::Keep(Keep::State("pending".to_owned())),
            (ImageState::Other(state), _) => return ImageVerdict::Keep(Keep::State(state.clone())),
        };
        let examined = self.account.references.examined.contains(&image.id);
        let soaks_until = disabled.and_then(|mark| mark.soaks_until(self.policy.soak, self.now));
        match (self.why_needed(image), disabled) {
            (Some(unknown), _) if unknown.is_ignorance() => ImageVerdict::Keep(unknown),
            // Marked and not disabled: a run was cut short between the two, or a person has enabled it.
            (Some(reason), mark) if mark.is_some() || image.tags.contains_key(STALE_SINCE) => {
                ImageVerdict::Enable(reason)
            }
            (Some(reason), _) => ImageVerdict::Keep(reason),
            (None, _) if let Some(dispute) = self.claims.other(image, &family, &self.snapshots) => {
                ImageVerdict::Keep(Keep::Disputed(dispute))
            }
            // Ours came with a deprecation: a person has taken that off to use the image, and has disabled it again since. If
            // they have left it on, the mark is believed: EC2 says neither when an image was disabled nor by whom.
            (None, Some(_)) if image.deprecated.is_none() => ImageVerdict::Keep(Keep::DisabledByOthers),
            (None, _) => match soaks_until {
                Some(until) if self.now < until => ImageVerdict::Keep(Keep::Soaking(until)),
                _ if !examined => ImageVerdict::Keep(Keep::NotExamined),
                Some(_) => ImageVerdict::Deregister,
                None => ImageVerdict::Disable,
            },
        }
    }

    fn why_needed(&self, image: &Image) -> Option<Keep> {
        let references = &self.account.references;
        let referenced = image.snapshots.iter().find_map(|id| Some((id, references.snapshots.get(id)?)));
        let snapshot = |is: fn(&Snapshot) -> bool| {
            let own = image.snapshots.iter().filter_map(|id| self.snapshots.get(id));
            own.copied().find(|snapshot| is(snapshot)).map(|snapshot| snapshot.id.clone())
        };
        if let Some(by) = references.images.get(&image.id) {
            Some(Keep::Referenced(by.clone()))
        } else if let Some((snapshot, by)) = referenced {
            Some(Keep::SnapshotReferenced(snapshot.clone(), by.clone()))
        } else if is_kept(&image.tags) {
            Some(Keep::Tagged)
        } else if let Some(tagged) = snapshot(|snapshot| is_kept(&snapshot.tags)) {
            Some(Keep::SnapshotTagged(tagged))
        } else if image.protected {
            Some(Keep::Protected)
        } else if image.public {
            Some(Keep::Public)
        } else if image.is_managed_by_backup() {
            Some(Keep::ManagedByBackup)
        } else if let Some(backup) = snapshot(Snapshot::is_backup_of_data) {
            Some(Keep::BackupOfData(Some(backup)))
        } else if self.newest.contains(&image.id) {
            Some(Keep::Newest)
        } else if !references.unread.is_empty() {
            Some(Keep::Unread)
        } else if let Some(reason) = self.young_or_unknown(image.created) {
            Some(reason)
        } else if is_full(&image.tags) && !image.tags.contains_key(STALE_SINCE) {
            Some(Keep::NoRoomForTag(None))
        } else {
            // The family's tag takes the place of one that names no parameter.
            snapshot(|it| is_full(&it.tags) && !it.tags.contains_key(FAMILY)).map(|full| Keep::NoRoomForTag(Some(full)))
        }
    }

    pub(super) fn snapshot(&self, snapshot: &Snapshot) -> SnapshotVerdict {
        let mark = snapshot.mark();
        let soaks_until = mark.and_then(|mark| mark.soaks_until(self.policy.soak, self.now));
        match (self.why_kept(snapshot), mark) {
            (Some(unknown), _) if unknown.is_ignorance() || !snapshot.is_touchable() => SnapshotVerdict::Keep(unknown),
            // If the mark stayed, the snapshot would count as an orphan of long ago when it becomes one again.
            (Some(reason), Some(_)) => SnapshotVerdict::Unmark(reason),
            (Some(reason), None) => SnapshotVerdict::Keep(reason),
            (None, None) if is_full(&snapshot.tags) && !snapshot.tags.contains_key(STALE_SINCE) => {
                SnapshotVerdict::Keep(Keep::NoRoomForTag(None))
            }
            (None, _) => match soaks_until {
                Some(until) if self.now < until => SnapshotVerdict::Keep(Keep::Soaking(until)),
                _ if !self.account.references.texts_read => SnapshotVerdict::Keep(Keep::NotExamined),
                Some(_) => SnapshotVerdict::Delete,
                None => SnapshotVerdict::Mark,
            },
        }
    }

    fn why_kept(&self, snapshot: &Snapshot) -> Option<Keep> {
        let references = &self.account.references;
        let lost = || snapshot.images_named().into_iter().find_map(|id| Some((references.images.get(&id)?, id)));
        if let Some(image) = self.images_of.get(&snapshot.id).and_then(|images| images.last()) {
            Some(Keep::OfImage((*image).clone()))
        } else if !snapshot.is_ours() {
            Some(Keep::NotOurs)
        } else if let Some(by) = references.snapshots.get(&snapshot.id) {
            Some(Keep::Referenced(by.clone()))
        } else if let Some((by, image)) = lost() {
            Some(Keep::LostImageReferenced(image, by.clone()))
        } else if is_kept(&snapshot.tags) {
            Some(Keep::Tagged)
        } else if snapshot.is_backup_of_data() {
            Some(Keep::BackupOfData(None))
        } else if snapshot.is_managed_by_backup() {
            Some(Keep::ManagedByBackup)
        } else if !snapshot.completed {
            Some(Keep::State("not completed".to_owned()))
        } else if !references.unread.is_empty() {
            Some(Keep::Unread)
        } else {
            self.young_or_unknown(snapshot.started).or_else(|| self.may_be_way_back(snapshot))
        }
    }

    /// Whether it may be the only way back to an image in use, because no tag of ours says which image it is of. Its
    /// description names the image that it was made for, and others may have been registered from it since.
    fn may_be_way_back(&self, snapshot: &Snapshot) -> Option<Keep> {
        let (image, by) = self.unaccounted.first_key_value()?;
        let reason = || Keep::MayBeWayBack((*image).clone(), (*by).clone());
        snapshot.images_tagged().next().is_none().then(reason)
    }

    fn young_or_unknown(&self, since: Option<SystemTime>) -> Option<Keep> {
        match since {
            None => Some(Keep::AgeUnknown),
            Some(since) => {
                let until = since + self.policy.keep_younger;
                (self.now < until).then_some(Keep::Young(until))
            }
        }
    }
}

/// The newest images of each family and architecture that could be published: of those that could boot an instance, or
/// could again. Those that we have disabled count, in case the newer ones are gone by then; copies, which only look new,
/// and those that a person has withdrawn do not.
fn newest(images: &[Image], most: usize, now: SystemTime) -> BTreeSet<&ImageId> {
    let mut ages: BTreeMap<(ParameterName, &str), Vec<(SystemTime, &ImageId)>> = BTreeMap::new();
    for image in images {
        if let (Some(family), Some(created), true) = (image.family(), image.created, image.is_fallback(now)) {
            ages.entry((family, &image.architecture)).or_default().push((created, &image.id));
        }
    }
    let newest_of = |mut ages: Vec<(SystemTime, _)>| {
        ages.sort_by(|one, other| other.cmp(one));
        ages.into_iter().take(most).map(|(_, id)| id)
    };
    ages.into_values().flat_map(newest_of).collect()
}
