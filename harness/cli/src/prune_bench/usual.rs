//! The usual tools at their best: list the images, then for each DeregisterImage, and DeleteSnapshot for each of its
//! snapshots; several images at a time, with the retries of their SDK.

use std::time::Duration;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::Filter;
use durin::tags::STALE_SINCE;
use futures_util::stream::{self, StreamExt};

use super::BenchError;
use super::measure::RATE;
use crate::stage::Stage;

/// How often a tool is started again for the images that it has failed at.
const MOST_PASSES: u32 = 50;

/// A tool in the manner of its language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UsualTool {
    /// Its name in reports.
    pub name: &'static str,
    /// How many images it handles at a time; `None` means just enough to empty EC2's buckets, a number that nobody
    /// knows.
    workers: Option<usize>,
    /// How often its SDK tries a call.
    attempts: i32,
    /// The first pause of its SDK, in seconds, is drawn between none and this; it doubles.
    back_off_s: f64,
}

impl Eq for UsualTool {}

impl UsualTool {
    /// With the defaults of aws-sdk-go-v2 (`retry.Standard`: 3 attempts, jitter times 2 to the power of the attempt).
    pub const GO: UsualTool = UsualTool { name: "the usual Go tool", workers: None, attempts: 3, back_off_s: 2.0 };
    /// With the defaults of boto3 (botocore's `legacy` mode: 5 attempts, jitter times 2 to the power of those before).
    pub const PYTHON: UsualTool =
        UsualTool { name: "the usual Python tool", workers: None, attempts: 5, back_off_s: 1.0 };
    /// The same with as many threads as boto3 has connections (botocore's `max_pool_connections`).
    pub const PYTHON_UNTUNED: UsualTool =
        UsualTool { name: "  with 10 threads", workers: Some(10), ..UsualTool::PYTHON };

    /// Removes every image that was disabled as stale, with its snapshots. Returns the number of passes.
    pub(super) async fn run(self, ec2: &Client, stage: &Stage) -> Result<u32, BenchError> {
        let config = ec2.config().to_builder().retry_config(RetryConfig::disabled()).build();
        let removal = Removal { tool: self, ec2: Client::from_conf(config), stage };
        let mut left = removal.list().await?;
        let workers = self.workers.unwrap_or_else(|| removal.enough(&left));
        for pass in 1..=MOST_PASSES {
            let work: Vec<_> = left.into_iter().map(|image| removal.remove(image)).collect();
            let outcomes: Vec<Option<OldImage>> = stream::iter(work).buffer_unordered(workers).collect().await;
            left = outcomes.into_iter().flatten().collect();
            if left.is_empty() {
                return Ok(pass);
            }
        }
        Err(BenchError::Run(format!("{} is not done after {MOST_PASSES} passes", self.name)))
    }
}

/// The rest of an image: it may be gone, and its snapshots not.
struct OldImage {
    id: Option<String>,
    snapshots: Vec<String>,
}

struct Removal<'a> {
    tool: UsualTool,
    ec2: Client,
    stage: &'a Stage,
}

impl Removal<'_> {
    /// How many workers empty the fuller bucket: one makes all calls of an image, and then those of the next.
    fn enough(&self, images: &[OldImage]) -> usize {
        let call = self.stage.aws.world(|world| (world.latency.ec2_write.min + world.latency.ec2_write.max) / 2);
        let snapshots: usize = images.iter().map(|image| image.snapshots.len()).sum();
        let most = snapshots.max(images.len());
        let seconds = (images.len() + snapshots) as f64 * call.as_secs_f64();
        (RATE * seconds / most.max(1) as f64).ceil() as usize
    }

    async fn list(&self) -> Result<Vec<OldImage>, BenchError> {
        let stale = Filter::builder().name("tag-key").values(STALE_SINCE).build();
        let call = self.ec2.describe_images().owners("self").filters(stale).include_disabled(true).max_results(1000);
        let images = call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let images = images.map_err(|error| BenchError::Aws(format!("DescribeImages: {:?}", error.code())))?;
        let old = |image: &aws_sdk_ec2::types::Image| OldImage {
            id: image.image_id().map(str::to_owned),
            snapshots: image
                .block_device_mappings()
                .iter()
                .filter_map(|it| Some(it.ebs()?.snapshot_id()?.to_owned()))
                .collect(),
        };
        Ok(images.iter().map(old).collect())
    }

    /// The rest of it, if any: the tool's SDK has given up.
    async fn remove(&self, mut image: OldImage) -> Option<OldImage> {
        if let Some(id) = &image.id {
            let gone = self.tried(|| self.ec2.deregister_image().image_id(id).send()).await;
            if !gone {
                return Some(image);
            }
            image.id = None;
        }
        let mut left = Vec::new();
        for id in image.snapshots {
            if !self.tried(|| self.ec2.delete_snapshot().snapshot_id(&id).send()).await {
                left.push(id);
            }
        }
        (!left.is_empty()).then_some(OldImage { id: None, snapshots: left })
    }

    /// Whether a call succeeds, with as many attempts as the SDK makes.
    async fn tried<T, E, R, F>(&self, call: impl Fn() -> F) -> bool
    where
        F: Future<Output = Result<T, SdkError<E, R>>>,
    {
        let mut longest_s = self.tool.back_off_s;
        for _ in 1..self.tool.attempts {
            if call().await.is_ok() {
                return true;
            }
            self.stage.aws.clock().wait(Duration::from_secs_f64(fastrand::f64() * longest_s)).await;
            longest_s *= 2.0;
        }
        call().await.is_ok()
    }
}
