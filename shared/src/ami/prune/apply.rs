//! Carrying a plan out, in order of reversibility: enable, deregister what has soaked, delete orphans, disable.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_sdk_ec2::error::SdkError;
use aws_sdk_ec2::types::{SnapshotReturnCodes, Tag};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use durin_decisions::images::prune::{ImageVerdict, Plan, SnapshotVerdict};
use durin_decisions::images::{Image, ImageState};
use futures_util::stream::{self, StreamExt};

use super::pace::{Bucket, Pace};
use super::pruned::Pruned;
use crate::ami::read::is_gone;
use crate::aws::{Aws, code, failed};
use crate::clock::Deadline;
use crate::failure::Failure;
use crate::ids::{ParameterName, SnapshotId};
use crate::tags::{FAMILY, STALE_SINCE};
use crate::times::timestamp;

/// Enough for five calls a second, each of which may take three.
const AT_ONCE: usize = 16;
/// How many ids one CreateTags may name. (EC2 API Reference: 1000.)
const IDS_A_CALL: usize = 1000;
/// How often a call is tried that EC2 has throttled or failed to answer.
const ATTEMPTS: u32 = 6;
/// The pause after the first failed attempt; it doubles.
const BACK_OFF: Duration = Duration::from_secs(1);
/// A run needs this long to finish what is on its way.
const WIND_UP: Duration = Duration::from_secs(10);
/// EC2 refuses a deprecation in the past, and rounds to the minute.
const A_MINUTE: Duration = Duration::from_secs(60);

/// What came of a plan.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub(super) pruned: Pruned,
    /// By image or snapshot.
    pub(super) failures: Vec<(String, String)>,
    /// How many images and snapshots there was something to do about.
    pub(super) attempted: usize,
}

/// What came of one image or snapshot.
enum Attempt {
    Succeeded(Pruned),
    /// There was no time left to begin.
    NotBegun,
    Failed(String, Failure),
}

struct Run<'a> {
    aws: &'a Aws,
    /// EC2 without the SDK's own retries: each attempt has to wait for its token.
    ec2: aws_sdk_ec2::Client,
    pace: &'a Pace,
    deadline: Deadline,
}

/// Does what the plan says, but for what has failed before.
pub(super) async fn apply(
    aws: &Aws,
    plan: &Plan,
    failed: &BTreeMap<String, String>,
    pace: &Pace,
    deadline: Deadline,
) -> Applied {
    let config = aws.ec2.config().to_builder().retry_config(RetryConfig::disabled()).build();
    let run = &Run { aws, ec2: aws_sdk_ec2::Client::from_conf(config), pace, deadline };
    let images = |wanted: fn(&ImageVerdict) -> bool| -> Vec<&Image> {
        let entries = plan.images.iter().filter(|entry| wanted(&entry.verdict));
        entries.map(|entry| &entry.image).filter(|image| !failed.contains_key(image.id.as_str())).collect()
    };
    let orphans: Vec<&SnapshotId> = plan
        .snapshots
        .iter()
        .filter(|entry| entry.verdict == SnapshotVerdict::Delete && !failed.contains_key(entry.snapshot.id.as_str()))
        .map(|entry| &entry.snapshot.id)
        .collect();
    let mut applied = Applied::default();

    let needed = images(|verdict| matches!(verdict, ImageVerdict::Enable(_)));
    each(&mut applied, needed.into_iter().map(|image| run.enable(image)).collect()).await;
    let soaked = images(|verdict| *verdict == ImageVerdict::Deregister);
    each(&mut applied, soaked.into_iter().map(|image| run.deregister(image)).collect()).await;
    each(&mut applied, orphans.into_iter().map(|snapshot| run.delete(snapshot)).collect()).await;
    let stale = images(|verdict| *verdict == ImageVerdict::Disable);
    for marked in run.mark(stale, &mut applied).await {
        each(&mut applied, marked.into_iter().map(|image| run.disable(image)).collect()).await;
    }
    applied
}

/// Collected first: a stream that maps as it goes cannot be proven to be Send.
async fn each(applied: &mut Applied, work: Vec<impl Future<Output = Attempt>>) {
    applied.attempted += work.len();
    let mut outcomes = stream::iter(work).buffer_unordered(AT_ONCE);
    while let Some(outcome) = outcomes.next().await {
        match outcome {
            Attempt::Succeeded(pruned) => applied.pruned.add(&pruned),
            Attempt::NotBegun => applied.pruned.cut_short = true,
            Attempt::Failed(id, failure) => applied.failures.push((id, failure.chain())),
        }
    }
}

impl Run<'_> {
    /// The tag goes last: an image that is marked and not disabled is put right by the next run.
    async fn enable(&self, image: &Image) -> Attempt {
        if !self.in_time() {
            return Attempt::NotBegun;
        }
        let id = image.id.as_str();
        // Few, so at no pace, and with the SDK's retries.
        let ec2 = &self.aws.ec2;
        let enabled = async {
            let call = ec2.disable_image_deprecation().image_id(id);
            call.send().await.map_err(failed("ec2:DisableImageDeprecation"))?;
            if image.state == ImageState::Disabled {
                ec2.enable_image().image_id(id).send().await.map_err(failed("ec2:EnableImage"))?;
            }
            let mark = Tag::builder().key(STALE_SINCE).build();
            ec2.delete_tags().resources(id).tags(mark).send().await.map_err(failed("ec2:DeleteTags"))?;
            Ok(())
        };
        outcome(id, enabled.await.map(|()| Pruned { enabled: 1, ..Pruned::default() }))
    }

    /// Marks images as stale, and their snapshots as ours, which is how those are found once the image is gone. What is
    /// not marked is not disabled.
    async fn mark<'i>(&self, images: Vec<&'i Image>, applied: &mut Applied) -> Vec<Vec<&'i Image>> {
        let mut marked = Vec::new();
        for (family, chunk) in by_family_and_call(images) {
            if !self.in_time() {
                applied.pruned.cut_short = true;
                break;
            }
            let ids = chunk.iter().flat_map(|image| resources(image)).collect();
            let tag = |key: &str, value: String| Tag::builder().key(key).value(value).build();
            let tags = vec![tag(FAMILY, family.to_string()), tag(STALE_SINCE, timestamp(self.aws.clock.now()))];
            let call = self.aws.ec2.create_tags().set_resources(Some(ids)).set_tags(Some(tags));
            match call.send().await.map_err(failed("ec2:CreateTags")) {
                Ok(_) => marked.push(chunk),
                Err(failure) => {
                    applied.attempted += chunk.len();
                    applied.failures.extend(chunk.iter().map(|image| (image.id.to_string(), failure.chain())));
                }
            }
        }
        marked
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
            self.paced(&self.pace.deprecate, deprecate).await.map_err(failed("ec2:EnableImageDeprecation"))?;
            self.paced(&self.pace.disable, disable).await.map_err(failed("ec2:DisableImage"))?;
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
            // A lost answer, or a person, was faster. What it has left is found as orphans.
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
            Err(error) if code(&error) == "InvalidSnapshot.NotFound" => Attempt::Succeeded(Pruned::default()),
            Err(error) => Attempt::Failed(id.to_owned(), failed("ec2:DeleteSnapshot")(error)),
        }
    }

    /// A call at its pace. What EC2 throttles or does not answer is tried again, with longer and longer pauses.
    async fn paced<T, E, R, F>(&self, bucket: &Bucket, call: impl Fn() -> F) -> Result<T, SdkError<E, R>>
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
    fn in_time(&self) -> bool {
        self.deadline.allows(self.aws.clock.now(), WIND_UP)
    }
}

fn outcome(id: &str, result: Result<Pruned, Failure>) -> Attempt {
    match result {
        Ok(pruned) => Attempt::Succeeded(pruned),
        Err(failure) => Attempt::Failed(id.to_owned(), failure),
    }
}

/// Whether an error passes. One without a code never reached EC2, or its answer never reached us.
fn passes(code: &str) -> bool {
    matches!(
        code,
        "" | "RequestLimitExceeded" | "InternalError" | "InternalFailure" | "ServiceUnavailable" | "Unavailable"
    )
}

/// An image and the snapshots behind it.
fn resources(image: &Image) -> impl Iterator<Item = String> + '_ {
    std::iter::once(image.id.to_string()).chain(image.snapshots.iter().map(SnapshotId::to_string))
}

/// Images of one family, as many as one call can mark.
fn by_family_and_call(images: Vec<&Image>) -> Vec<(ParameterName, Vec<&Image>)> {
    let mut families: BTreeMap<ParameterName, Vec<&Image>> = BTreeMap::new();
    for image in images {
        if let Some(family) = image.family() {
            families.entry(family).or_default().push(image);
        }
    }
    let mut calls: Vec<(ParameterName, Vec<&Image>)> = Vec::new();
    for (family, images) in families {
        let mut ids = IDS_A_CALL;
        for image in images {
            let needs = resources(image).count();
            match calls.last_mut() {
                Some((of, chunk)) if *of == family && ids + needs <= IDS_A_CALL => {
                    chunk.push(image);
                    ids += needs;
                }
                _ => {
                    calls.push((family.clone(), vec![image]));
                    ids = needs;
                }
            }
        }
    }
    calls
}
