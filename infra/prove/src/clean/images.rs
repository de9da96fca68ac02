//! Images and snapshots.

use std::time::Duration;

use super::{Found, Thing, run_of, until};
use crate::answer::{Answer, answer};
use crate::bench::{Bench, TAG, filter};
use crate::probe::Trouble;

/// An image that is being copied, and a snapshot of one that has just been deregistered, have to be waited for.
const PATIENCE: Duration = Duration::from_secs(900);

pub(super) async fn images(bench: &Bench) -> Result<Vec<Found>, Trouble> {
    let call = bench.aws.ec2.describe_images().owners("self").include_disabled(true).include_deprecated(true);
    let mut pages = call.filters(filter("tag-key", TAG)).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        for image in page?.images.unwrap_or_default() {
            found.extend(image.image_id.zip(run_of(image.tags)).map(|(id, run)| Found { what: Thing::Image, id, run }));
        }
    }
    Ok(found)
}

pub(super) async fn deregister(bench: &Bench, id: &str) -> Result<(), Trouble> {
    let is_gone = || async {
        match answer(bench.aws.ec2.deregister_image().image_id(id).send().await)? {
            Answer::Taken(_) => Ok(true),
            Answer::Refused(refusal) if refusal.code == "InvalidAMIID.NotFound" => Ok(true),
            // Deregistered already, or not made yet.
            Answer::Refused(refusal) if refusal.code == "InvalidAMIID.Unavailable" => {
                let there = bench.aws.ec2.describe_images().owners("self").filters(filter("image-id", id)).send();
                Ok(there.await?.images().is_empty())
            }
            Answer::Refused(refusal) => Err(Trouble::Refused(refusal)),
        }
    };
    until(bench, PATIENCE, "is not deregistered", is_gone).await
}

pub(super) async fn snapshots(bench: &Bench) -> Result<Vec<Found>, Trouble> {
    let call = bench.aws.ec2.describe_snapshots().owner_ids("self").filters(filter("tag-key", TAG));
    let mut pages = call.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        for snapshot in page?.snapshots.unwrap_or_default() {
            let run = run_of(snapshot.tags);
            found.extend(snapshot.snapshot_id.zip(run).map(|(id, run)| Found { what: Thing::Snapshot, id, run }));
        }
    }
    Ok(found)
}

pub(super) async fn delete_snapshot(bench: &Bench, id: &str) -> Result<(), Trouble> {
    let is_gone = || async {
        match answer(bench.aws.ec2.delete_snapshot().snapshot_id(id).send().await)? {
            Answer::Taken(_) => Ok(true),
            Answer::Refused(refusal) if refusal.code == "InvalidSnapshot.NotFound" => Ok(true),
            Answer::Refused(refusal) if refusal.code == "InvalidSnapshot.InUse" => Ok(false),
            Answer::Refused(refusal) => Err(Trouble::Refused(refusal)),
        }
    };
    until(bench, PATIENCE, "is still in use", is_gone).await
}
