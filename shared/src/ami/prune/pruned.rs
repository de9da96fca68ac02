//! The result of a run.

use std::collections::BTreeMap;

use serde::Serialize;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pruned {
    /// Images that were disabled: they go when they have soaked.
    pub disabled: usize,
    /// Images that were enabled again, because something refers to them after all.
    pub enabled: usize,
    /// Images that were deregistered, with their snapshots.
    pub deregistered: usize,
    /// Snapshots that have lost their image: they go when they have soaked.
    pub snapshots_marked: usize,
    /// Snapshots that soak no longer, because something needs them after all.
    pub snapshots_unmarked: usize,
    /// Snapshots that got a tag with the image that they are of, because their description does not name it.
    pub snapshots_told: usize,
    /// Snapshots that had lost their image, and were deleted.
    pub snapshots_deleted: usize,
    /// Snapshots that EC2 left when it deregistered their image. The next run finds them.
    pub snapshots_left: usize,
    /// Images and snapshots that EC2 refuses to remove, and why. They page nobody.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, String>,
    /// Whether the deadline came before everything was done. The next run resumes.
    pub cut_short: bool,
}

impl Pruned {
    pub(super) fn add(&mut self, more: Pruned) {
        self.disabled += more.disabled;
        self.enabled += more.enabled;
        self.deregistered += more.deregistered;
        self.snapshots_marked += more.snapshots_marked;
        self.snapshots_unmarked += more.snapshots_unmarked;
        self.snapshots_told += more.snapshots_told;
        self.snapshots_deleted += more.snapshots_deleted;
        self.snapshots_left += more.snapshots_left;
        self.refused.extend(more.refused);
        self.cut_short |= more.cut_short;
    }
}
