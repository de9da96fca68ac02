//! The Recycle Bin: what is deregistered or deleted stays restorable for a while, if there is a retention rule.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Ec2Change;
use super::{Ec2, Ec2Effect, Image, Snapshot, World};
use crate::time::Time;
use crate::world::error::ApiResult;

/// The bin, with its one rule for all images and snapshots of the account.
#[derive(Clone, Debug, Default)]
pub struct RecycleBin {
    /// How long things stay; there is no rule without.
    pub retention: Option<Duration>,
    /// Images in it, by id.
    pub images: BTreeMap<String, Recycled<Image>>,
    /// Snapshots in it, by id.
    pub snapshots: BTreeMap<String, Recycled<Snapshot>>,
}

/// Something in the bin.
#[derive(Clone, Debug)]
pub struct Recycled<T> {
    /// As it was.
    pub item: T,
    pub entered: Time,
    /// When it is gone for good.
    pub exits: Time,
}

impl Ec2 {
    /// Sets the retention rule: how long what is removed can be restored; there is no rule without.
    pub fn keep_what_is_removed(&mut self, retention: Option<Duration>) {
        self.recycle_bin.retention = retention;
    }
}

impl World {
    /// RestoreImageFromRecycleBin: as it was, snapshots not included.
    pub fn restore_image(&mut self, id: &str) -> ApiResult<()> {
        let recycled = self.ec2.recycle_bin.images.remove(id).ok_or_else(|| super::images::image_not_found(id))?;
        self.bring_image_back(recycled.item);
        Ok(())
    }

    /// RestoreSnapshotFromRecycleBin.
    pub fn restore_snapshot(&mut self, id: &str) -> ApiResult<&Snapshot> {
        let recycled =
            self.ec2.recycle_bin.snapshots.remove(id).ok_or_else(|| super::snapshots::snapshot_not_found(id))?;
        self.note_change(id, Ec2Change::Restored);
        let snapshot = self.ec2.snapshots.entry(id.to_owned()).or_insert(recycled.item);
        Ok(snapshot)
    }

    /// The image is about to be deregistered: the bin gets it as it is now.
    pub(super) fn recycle_image(&mut self, id: &str) {
        let Some(retention) = self.ec2.recycle_bin.retention else { return };
        let item = self.ec2.the_image(id).clone();
        let (entered, exits) = (self.now, self.now + retention);
        self.ec2.recycle_bin.images.insert(id.to_owned(), Recycled { item, entered, exits });
        self.schedule(retention, Ec2Effect::LeavesRecycleBin(id.to_owned()));
    }

    pub(super) fn recycle_snapshot(&mut self, item: Snapshot) {
        let Some(retention) = self.ec2.recycle_bin.retention else { return };
        let (entered, exits) = (self.now, self.now + retention);
        let id = item.id.clone();
        self.ec2.recycle_bin.snapshots.insert(id.clone(), Recycled { item, entered, exits });
        self.schedule(retention, Ec2Effect::LeavesRecycleBin(id));
    }

    /// The retention of what is in the bin under that id may be over: not if it was restored and came again.
    pub(super) fn leave_recycle_bin(&mut self, id: &str) {
        let now = self.now;
        let bin = &mut self.ec2.recycle_bin;
        let image = bin.images.get(id).is_some_and(|it| it.exits <= now) && bin.images.remove(id).is_some();
        let snapshot = bin.snapshots.get(id).is_some_and(|it| it.exits <= now) && bin.snapshots.remove(id).is_some();
        if image || snapshot {
            self.note_change(id, Ec2Change::GoneForGood);
        }
    }
}
