//! Marks: hundreds in one call, and a refusal of one of them does not hold up the others.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::Tag;
use durin_decisions::images::prune::Plan;
use durin_decisions::images::{Image, Mark, Snapshot};

use super::apply::{Applied, Attempt, Run};
use super::pruned::Pruned;
use super::refusal::passes;
use crate::ami::read::is_gone;
use crate::aws::{code, failed};
use crate::ids::{ParameterName, SnapshotId};
use crate::tags::{FAMILY, IMAGE_ID, STALE_SINCE};
use crate::times::timestamp;

/// How many ids one CreateTags may name. (EC2 API Reference: 1000.)
const IDS_A_CALL: usize = 1000;

/// A unit to tag: an image or snapshot, and the ids that get the tag for its sake.
struct Item<T> {
    of: T,
    id: String,
    resources: Vec<String>,
}

/// An image or a snapshot with our mark.
pub(super) struct Marked<T> {
    pub(super) of: T,
    id: String,
    mark: Mark,
}

impl<'i> Marked<&'i Image> {
    pub(super) fn image(image: &'i Image) -> Option<Self> {
        Some(Marked { of: image, id: image.id.to_string(), mark: image.mark()? })
    }
}

impl<'s> Marked<&'s Snapshot> {
    pub(super) fn snapshot(snapshot: &'s Snapshot) -> Option<Self> {
        Some(Marked { of: snapshot, id: snapshot.id.to_string(), mark: snapshot.mark()? })
    }
}

/// What to do about items for which there is no time left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Late {
    Leave,
    TagThemToo,
}

impl Run<'_> {
    /// Spends the marks of what is about to be removed, so that it soaks anew if it is ever here again: from the Recycle
    /// Bin, or because this run dies first. Returns the things whose mark is spent; nothing else may be removed.
    pub(super) async fn spend_marks<T>(&self, soaked: Vec<Marked<T>>, applied: &mut Applied) -> Vec<Marked<T>> {
        let now = self.aws.clock.now();
        let mut spent = Vec::new();
        for (mark, items) in alike(soaked, |mark| mark.spent(now)) {
            spent.extend(self.tag(items, (STALE_SINCE, mark), Late::Leave, applied).await);
        }
        spent
    }

    /// Puts the marks back of what EC2 has refused to remove, or what there was no time for, so that the next run tries
    /// again. Where that fails, it soaks anew.
    pub(super) async fn put_marks_back<T>(&self, left: Vec<Marked<T>>) {
        // It is reported for its removal already.
        let mut not_reported = Applied::default();
        for (mark, items) in alike(left, |mark| timestamp(mark.since)) {
            self.tag(items, (STALE_SINCE, mark), Late::TagThemToo, &mut not_reported).await;
        }
        let lost = not_reported.failures.iter().map(|(id, _)| id).chain(not_reported.pruned.refused.keys());
        lost.for_each(|id| tracing::info!(id, "its mark could not be put back, so it soaks anew"));
    }

    /// Marks images as stale, and their snapshots as the family's, so that these can be found and deleted once the
    /// image is gone. An image that is not marked is not disabled.
    pub(super) async fn mark_stale<'i>(
        &self,
        images: Vec<&'i Image>,
        plan: &Plan,
        applied: &mut Applied,
    ) -> Vec<&'i Image> {
        let ours: BTreeSet<&SnapshotId> =
            plan.snapshots.iter().map(|entry| &entry.snapshot).filter(|it| it.is_ours()).map(|it| &it.id).collect();
        let mut families: BTreeMap<ParameterName, Vec<Item<&Image>>> = BTreeMap::new();
        for image in images {
            let bare = image.snapshots.iter().filter(|id| !ours.contains(id)).map(ToString::to_string).collect();
            let item = Item { of: image, id: image.id.to_string(), resources: bare };
            if let Some(family) = image.family() {
                families.entry(family).or_default().push(item);
            }
        }
        let mut found_again = Vec::new();
        for (family, items) in families {
            found_again.extend(self.tag(items, (FAMILY, family.to_string()), Late::Leave, applied).await);
        }
        let items = found_again.into_iter().map(|image| {
            let id = image.id.to_string();
            Item { of: image, resources: vec![id.clone()], id }
        });
        self.tag(items.collect(), self.stale_now(), Late::Leave, applied).await
    }

    /// Marks newly found orphans.
    pub(super) async fn mark_orphans(&self, snapshots: Vec<&Snapshot>, applied: &mut Applied) {
        let items = snapshots.into_iter().map(|snapshot| {
            let id = snapshot.id.to_string();
            Item { of: (), resources: vec![id.clone()], id }
        });
        let marked = self.tag(items.collect(), self.stale_now(), Late::Leave, applied).await.len();
        applied.attempted += marked;
        applied.pruned.snapshots_marked += marked;
    }

    /// Tells snapshots of which images they are, for the day on which these are gone.
    pub(super) async fn tell_images(
        &self,
        untold: &[(SnapshotId, String)],
        tried: &BTreeSet<String>,
        applied: &mut Applied,
    ) {
        let mut alike: BTreeMap<&String, Vec<Item<()>>> = BTreeMap::new();
        for (snapshot, images) in untold.iter().filter(|(snapshot, _)| !tried.contains(snapshot.as_str())) {
            let id = snapshot.to_string();
            alike.entry(images).or_default().push(Item { of: (), resources: vec![id.clone()], id });
        }
        for (images, items) in alike {
            let told = self.tag(items, (IMAGE_ID, images.clone()), Late::Leave, applied).await.len();
            applied.attempted += told;
            applied.pruned.snapshots_told += told;
        }
    }

    fn stale_now(&self) -> (&'static str, String) {
        (STALE_SINCE, timestamp(self.aws.clock.now()))
    }

    /// Tags them all, and returns those that have the tag now. CreateTags is all or nothing, so a refused call is made
    /// again in halves, down to the things that the refusal is about: at most two calls a thing.
    async fn tag<T>(
        &self,
        items: Vec<Item<T>>,
        (key, value): (&str, String),
        late: Late,
        applied: &mut Applied,
    ) -> Vec<T> {
        let (mut tagged, mut chunks) = (Vec::new(), in_calls(items));
        while let Some(mut chunk) = chunks.pop() {
            if late == Late::Leave && !self.in_time() {
                applied.add(Attempt::NotBegun);
                break;
            }
            let ids: Vec<String> = chunk.iter().flat_map(|item| item.resources.clone()).collect();
            if ids.is_empty() {
                tagged.extend(chunk.into_iter().map(|item| item.of));
                continue;
            }
            let call = || {
                let tag = Tag::builder().key(key).value(&value).build();
                self.ec2.create_tags().set_resources(Some(ids.clone())).tags(tag).send()
            };
            match self.paced(&self.pace.tag, call).await {
                Ok(_) => tagged.extend(chunk.into_iter().map(|item| item.of)),
                Err(error) if !passes(code(&error)) && chunk.len() > 1 => {
                    let second = chunk.split_off(chunk.len() / 2);
                    chunks.extend([second, chunk]);
                }
                // It, or its snapshot, has gone in the meantime: the next look shows what is left.
                Err(error) if is_gone(code(&error)) || code(&error) == "InvalidSnapshot.NotFound" => {
                    chunk.iter().for_each(|_| applied.add(Attempt::Succeeded(Pruned::default())));
                }
                Err(error) => {
                    let failure = failed("ec2:CreateTags")(error);
                    chunk.into_iter().for_each(|item| applied.fail(item.id, &failure));
                }
            }
        }
        tagged
    }
}

/// Things that get the same mark. Those that were marked by one run do.
fn alike<T>(items: Vec<Marked<T>>, text: impl Fn(Mark) -> String) -> BTreeMap<String, Vec<Item<Marked<T>>>> {
    let mut alike: BTreeMap<String, Vec<Item<Marked<T>>>> = BTreeMap::new();
    for marked in items {
        let (text, id) = (text(marked.mark), marked.id.clone());
        alike.entry(text).or_default().push(Item { of: marked, resources: vec![id.clone()], id });
    }
    alike
}

/// As many things as one call can tag.
fn in_calls<T>(items: Vec<Item<T>>) -> Vec<Vec<Item<T>>> {
    let mut calls: Vec<Vec<Item<T>>> = Vec::new();
    let mut ids = 0;
    for item in items {
        ids += item.resources.len();
        match calls.last_mut() {
            Some(call) if ids <= IDS_A_CALL => call.push(item),
            _ => {
                ids = item.resources.len();
                calls.push(vec![item]);
            }
        }
    }
    calls
}
