//! Carrying a plan out, the most reversible step first: enable and unmark, tell snapshots of which images they are, deregister
//! images that have soaked, delete orphans that have soaked, mark new ones, disable. The mark of what goes is spent right
//! before: it may come back.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_sdk_ec2::error::SdkError;
use aws_sdk_ec2::types::{SnapshotReturnCodes, Tag};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use durin_decisions::images::prune::{ImageVerdict, Plan, SnapshotVerdict};
use durin_decisions::images::{Image, ImageState, Snapshot};
use futures_util::stream::{self, StreamExt};

use super::mark::Marked;
use super::pace::{Bucket, Pace};
use super::pruned::Pruned;
use super::refusal::{is_of_one_thing, passes, refused};
use crate::ami::read::is_gone;
use crate::aws::{Aws, code, failed};
use crate::clock::Deadline;
use crate::failure::Failure;
use crate::ids::SnapshotId;
use crate::tags::STALE_SINCE;

/// Enough for five calls a second, each of which may take three.
const AT_ONCE: usize = 16;
/// How often a call is tried that EC2 has throttled or failed to answer.
const ATTEMPTS: u32 = 6;
/// The pause after the first failed attempt; it doubles.
const BACK_OFF: Duration = Duration::from_secs(1);
/// A run needs this long to finish the calls on their way.
const WIND_UP: Duration = Duration::from_secs(10);
/// EC2 refuses a deprecation in the past, and rounds to the minute.
const A_MINUTE: Duration = Duration::from_secs(60);

/// The results of a plan.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub(super) pruned: Pruned,
    /// By image or snapshot.
    pub(super) failures: Vec<(String, String)>,
    /// How many images and snapshots the plan had something to do about.
    pub(super) attempted: usize,
}

/// The result for one image or snapshot.
pub(super) enum Attempt {
    Succeeded(Pruned),
    /// There was no time left to begin.
    NotBegun,
    Failed(String, Failure),
    /// A needed image or snapshot is not as it should be: a failure, whatever EC2's reason is.
    FailedInUse(String, Failure),
}

pub(super) struct Run<'a> {
    pub(super) aws: &'a Aws,
    /// EC2 without the SDK's own retries: each attempt has to wait for its token.
    pub(super) ec2: aws_sdk_ec2::Client,
    pub(super) pace: &'a Pace,
    deadline: Deadline,
}

/// Carries the plan out, except for anything that has failed or was refused before.
pub(super) async fn apply(
    aws: &Aws,
    plan: &Plan,
    tried: &BTreeSet<String>,
    pace: &Pace,
    deadline: Deadline,
) -> Applied {
    let config = aws.ec2.config().to_builder().retry_config(RetryConfig::disabled()).build();
    let run = &Run { aws, ec2: aws_sdk_ec2::Client::from_conf(config), pace, deadline };
    let images = |wanted: fn(&ImageVerdict) -> bool| -> Vec<&Image> {
        let entries = plan.images.iter().filter(|entry| wanted(&entry.verdict));
        entries.map(|entry| &entry.image).filter(|image| !tried.contains(image.id.as_str())).collect()
    };
    let snapshots = |wanted: fn(&SnapshotVerdict) -> bool| -> Vec<&Snapshot> {
        let entries = plan.snapshots.iter().filter(|entry| wanted(&entry.verdict));
        entries.map(|entry| &entry.snapshot).filter(|snapshot| !tried.contains(snapshot.id.as_str())).collect()
    };
    let mut applied = Applied::default();

    let needed = images(|verdict| matches!(verdict, ImageVerdict::Enable(_)));
    applied.each(needed.into_iter().map(|image| run.enable(image)).collect()).await;
    let needed = snapshots(|verdict| matches!(verdict, SnapshotVerdict::Unmark(_)));
    applied.each(needed.into_iter().map(|snapshot| run.unmark(&snapshot.id)).collect()).await;
    run.tell_images(&plan.untold, tried, &mut applied).await;
    let soaked = images(|verdict| *verdict == ImageVerdict::Deregister);
    let soaked = run.spend_marks(soaked.into_iter().filter_map(Marked::image).collect(), &mut applied).await;
    let left = applied.each(soaked.iter().map(|marked| run.deregister(marked.of)).collect()).await;
    run.put_marks_back(only(soaked, &left)).await;
    let soaked = snapshots(|verdict| *verdict == SnapshotVerdict::Delete);
    let soaked = run.spend_marks(soaked.into_iter().filter_map(Marked::snapshot).collect(), &mut applied).await;
    let left = applied.each(soaked.iter().map(|marked| run.delete(&marked.of.id)).collect()).await;
    run.put_marks_back(only(soaked, &left)).await;
    run.mark_orphans(snapshots(|verdict| *verdict == SnapshotVerdict::Mark), &mut applied).await;
    let stale = images(|verdict| *verdict == ImageVerdict::Disable);
    let marked = run.mark_stale(stale, plan, &mut applied).await;
    applied.each(marked.into_iter().map(|image| run.disable(image)).collect()).await;
    applied
}

/// The items at these places.
fn only<T>(items: Vec<T>, places: &BTreeSet<usize>) -> Vec<T> {
    items.into_iter().enumerate().filter(|(place, _)| places.contains(place)).map(|(_, item)| item).collect()
}

impl Applied {
    /// Returns the places of the attempts that have not succeeded.
    async fn each(&mut self, work: Vec<impl Future<Output = Attempt>>) -> BTreeSet<usize> {
        let work = work.into_iter().enumerate().map(|(place, attempt)| async move { (place, attempt.await) });
        // Collected first: a stream that maps as it goes cannot be proven to be Send.
        let work: Vec<_> = work.collect();
        let mut outcomes = stream::iter(work).buffer_unordered(AT_ONCE);
        let mut left = BTreeSet::new();
        while let Some((place, outcome)) = outcomes.next().await {
            if !matches!(outcome, Attempt::Succeeded(_)) {
                left.insert(place);
            }
            self.add(outcome);
        }
        left
    }

    pub(super) fn add(&mut self, attempt: Attempt) {
        match attempt {
            Attempt::Succeeded(pruned) => {
                self.attempted += 1;
                self.pruned.add(pruned);
            }
            Attempt::NotBegun => {
                self.attempted += 1;
                self.pruned.cut_short = true;
            }
            Attempt::Failed(id, failure) => self.fail(id, &failure),
            Attempt::FailedInUse(id, failure) => {
                self.attempted += 1;
                self.failures.push((id, failure.chain()));
            }
        }
    }

    pub(super) fn fail(&mut self, id: String, failure: &Failure) {
        self.attempted += 1;
        if is_of_one_thing(failure) {
            self.pruned.refused.insert(id, refused(failure));
        } else {
            self.failures.push((id, failure.chain()));
        }
    }
}

impl Run<'_> {
    /// The tag goes last: the next run puts right an image that is marked and not disabled.
    async fn enable(&self, image: &Image) -> Attempt {
        if !self.in_time() {
            return Attempt::NotBegun;
        }
        let id = image.id.as_str();
        // These are few, so without a pace, and with the SDK's retries.
        let ec2 = &self.aws.ec2;
        let enabled = async {
            if image.is_deprecated_by_us() {
                let call = ec2.disable_image_deprecation().image_id(id);
                call.send().await.map_err(failed("ec2:DisableImageDeprecation"))?;
            }
            if image.state == ImageState::Disabled {
                ec2.enable_image().image_id(id).send().await.map_err(failed("ec2:EnableImage"))?;
            }
            let mark = Tag::builder().key(STALE_SINCE).build();
            ec2.delete_tags().resources(id).tags(mark).send().await.map_err(failed("ec2:DeleteTags"))?;
            Ok(())
        };
        match enabled.await {
            Ok(()) => Attempt::Succeeded(Pruned { enabled: 1, ..Pruned::default() }),
            Err(failure) => Attempt::FailedInUse(id.to_owned(), failure),
        }
    }

    async fn unmark(&self, snapshot: &SnapshotId) -> Attempt {
        if !self.in_time() {
            return Attempt::NotBegun;
        }
        let mark = Tag::builder().key(STALE_SINCE).build();
        let call = self.aws.ec2.delete_tags().resources(snapshot.as_str()).tags(mark);
        let unmarked = call.send().await.map_err(failed("ec2:DeleteTags"));
        outcome(snapshot.as_str(), unmarked.map(|_| Pruned { snapshots_unmarked: 1, ..Pruned::default() }))
    }

    async fn disable(&self, image: &Image) -> Attempt {
        if !self.in_time() {
            return Attempt::NotBegun;
        }
        let id = image.id.as_str();
        let at = aws_sdk_ec2::primitives::DateTime::from(self.aws.clock.now() + A_MINUTE);
        let deprecate = || self.ec2.enable_image_deprecation().image_id(id).deprecate_at(at).send();
        let disable = || self.ec2.disable_image().image_id(id).send();
        let disabled = async {
            if image.deprecated.is_none() || image.is_deprecated_by_us() {
                self.paced(&self.pace.deprecate, deprecate).await.map_err(failed("ec2:EnableImageDeprecation"))?;
            }
            // One that soaks anew is disabled already.
            if image.state != ImageState::Disabled {
                self.paced(&self.pace.disable, disable).await.map_err(failed("ec2:DisableImage"))?;
            }
            Ok(())
        };
        outcome(id, disabled.await.map(|()| Pruned { disabled: 1, ..Pruned::default() }))
    }

    async fn deregister(&self, image: &Image) -> Attempt {
        if !self.in_time() {
            return Attempt::NotBegun;
        }
        let id = image.id.as_str();
        let call = || self.ec2.deregister_image().image_id(id).delete_associated_snapshots(true).send();
        let snapshots_left = match self.paced(&self.pace.deregister, call).await {
            Ok(answer) => {
                let results = answer.delete_snapshot_results().iter();
                let left = results.filter(|result| result.return_code() != Some(&SnapshotReturnCodes::Success));
                left.inspect(|result| tracing::info!(image = id, snapshot = ?result, "not deleted")).count()
            }
            // A lost answer, or a person, was faster. The snapshots that it left will be found as orphans.
            Err(error) if is_gone(code(&error)) => 0,
            Err(error) => return Attempt::Failed(id.to_owned(), failed("ec2:DeregisterImage")(error)),
        };
        Attempt::Succeeded(Pruned { deregistered: 1, snapshots_left, ..Pruned::default() })
    }

    async fn delete(&self, snapshot: &SnapshotId) -> Attempt {
        if !self.in_time() {
            return Attempt::NotBegun;
        }
        let id = snapshot.as_str();
        let call = || self.ec2.delete_snapshot().snapshot_id(id).send();
        match self.paced(&self.pace.delete_snapshot, call).await {
            Ok(_) => Attempt::Succeeded(Pruned { snapshots_deleted: 1, ..Pruned::default() }),
            // Probe: unknown-snapshot-is-refused.
            Err(error) if code(&error) == "InvalidSnapshot.NotFound" => Attempt::Succeeded(Pruned::default()),
            Err(error) => Attempt::Failed(id.to_owned(), failed("ec2:DeleteSnapshot")(error)),
        }
    }

    /// A call at its pace. If EC2 throttles it or does not answer, it is tried again, with longer and longer pauses.
    pub(super) async fn paced<T, E, R, F>(&self, bucket: &Bucket, call: impl Fn() -> F) -> Result<T, SdkError<E, R>>
    where
        F: Future<Output = Result<T, SdkError<E, R>>>,
        E: ProvideErrorMetadata,
    {
        let mut pause = BACK_OFF;
        for _ in 1..ATTEMPTS {
            bucket.take(&self.aws.clock).await;
            match call().await {
                Err(error) if passes(code(&error)) => {
                    if code(&error) == "RequestLimitExceeded" {
                        bucket.drain(&self.aws.clock).await;
                    }
                    if !self.deadline.allows(self.aws.clock.now(), pause) {
                        return Err(error);
                    }
                    self.aws.clock.sleep(pause).await;
                    pause *= 2;
                }
                answer => return answer,
            }
        }
        bucket.take(&self.aws.clock).await;
        call().await
    }

    /// Whether there is time for another call.
    pub(super) fn in_time(&self) -> bool {
        self.deadline.allows(self.aws.clock.now(), WIND_UP)
    }
}

fn outcome(id: &str, result: Result<Pruned, Failure>) -> Attempt {
    match result {
        Ok(pruned) => Attempt::Succeeded(pruned),
        Err(failure) => Attempt::Failed(id.to_owned(), failure),
    }
}
