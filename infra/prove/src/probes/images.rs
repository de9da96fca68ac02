//! Images: what is said of a copy, and in which steps an image goes.

use std::time::Duration;

use aws_sdk_ec2::types::{Image, ImageState, ResourceType};
use durin::times;

use super::calls::within;
use super::parameters::images;
use super::volumes::both;
use crate::answer::{Answer, answer};
use crate::bench::{Bench, filter};
use crate::probe::{Finding, Here, Level, Probe, Rests, Timing, Trouble};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "a-copy-looks-new",
        level: Level::Cheap,
        assumes: "A copy of an image has a CreationDate of its own, later than its source's, names its source, and is available \
                  within 8 minutes.",
        rests_on: &[
            Rests {
                file: "shared/decisions/src/images/image.rs",
                rule: "a copy is not published, because its age says nothing",
            },
            Rests { file: "harness/src/world/latency.rs", rule: "the range `image_creation`" },
        ],
        calls: &["ec2:CopyImage", "ec2:DescribeImages"],
        expects: "a later date, the source, and that time",
        makes: "an image of 8 GiB with its snapshot",
        cents: 0.5,
        seconds: 300,
        here: Here::Answers,
        ask: |bench| Box::pin(copied(bench)),
    },
    Probe {
        name: "a-snapshot-in-use-stays",
        level: Level::Cheap,
        assumes: "DeleteSnapshot of an image's snapshot is refused as InvalidSnapshot.InUse, and taken within 5 seconds of the \
                  image's deregistration.",
        rests_on: &[
            Rests {
                file: "shared/src/ami/prune/refusal.rs",
                rule: "that code is about this snapshot and holds up nothing else",
            },
            Rests { file: "harness/src/world/latency.rs", rule: "the range `snapshots_held`" },
        ],
        calls: &["ec2:CopyImage", "ec2:DeleteSnapshot", "ec2:DeregisterImage", "ec2:DescribeImages"],
        expects: "InvalidSnapshot.InUse, and then no refusal within that time",
        makes: "an image of 8 GiB with its snapshot",
        cents: 0.5,
        seconds: 300,
        here: Here::Answers,
        ask: |bench| Box::pin(in_use(bench)),
    },
    Probe {
        name: "a-deregistered-image-is-gone",
        level: Level::Cheap,
        assumes: "DeregisterImage again is refused as InvalidAMIID.Unavailable or InvalidAMIID.NotFound, and DescribeImages by the \
                  id is an empty list or one of these.",
        rests_on: &[Rests {
            file: "shared/src/ami/read.rs",
            rule: "those codes and an empty list mean that the image is gone",
        }],
        calls: &["ec2:CopyImage", "ec2:DeregisterImage", "ec2:DescribeImages"],
        expects: "one of these, within a minute",
        makes: "an image of 8 GiB with its snapshot",
        cents: 0.5,
        seconds: 360,
        here: Here::Answers,
        ask: |bench| Box::pin(gone(bench)),
    },
];

const GONE: [&str; 2] = ["InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"];

async fn copied(bench: &Bench) -> Result<Finding, Trouble> {
    let copy = Copy::make(bench, "copied").await?;
    let date = |image: &Image| image.creation_date().and_then(times::instant);
    let is_later = date(&copy.image) > date(&copy.source);
    let names = copy.image.source_image_id() == copy.source.image_id();
    let saw = format!(
        "made {}, its source {}; {}",
        copy.image.creation_date().unwrap_or("?"),
        copy.source.creation_date().unwrap_or("?"),
        if names { "names its source" } else { "does not name its source" },
    );
    Ok(both(Finding::of(is_later && names, saw), within(480_000, vec![copy.timing])))
}

async fn in_use(bench: &Bench) -> Result<Finding, Trouble> {
    let copy = Copy::make(bench, "in-use").await?;
    let disks = copy.image.block_device_mappings().iter().filter_map(|mapping| mapping.ebs());
    let snapshot = disks.filter_map(|disk| disk.snapshot_id()).next();
    let snapshot = snapshot.ok_or_else(|| Trouble::Lacking("the image shows no snapshot".to_owned()))?;
    let before = answer(bench.aws.ec2.delete_snapshot().snapshot_id(snapshot).send().await)?;
    let first = Finding::of(before.is_refusal("InvalidSnapshot.InUse"), format!("before: {before}"));
    if before.refusal().is_none() {
        return Ok(first);
    }
    bench.aws.ec2.deregister_image().image_id(&copy.id).send().await?;
    let begun = bench.now();
    let look = || async {
        let asked = answer(bench.aws.ec2.delete_snapshot().snapshot_id(snapshot).send().await)?;
        Ok(asked.refusal().is_none().then_some(()))
    };
    let patience = (Duration::from_secs(1), Duration::from_secs(120));
    match bench.until(("snapshots_held", begun), patience, look).await? {
        Some((_, timing)) => Ok(both(first, within(5_000, vec![timing]))),
        None => Ok(Finding::of(false, "still refused two minutes after the deregistration")),
    }
}

async fn gone(bench: &Bench) -> Result<Finding, Trouble> {
    let copy = Copy::make(bench, "gone").await?;
    bench.aws.ec2.deregister_image().image_id(&copy.id).send().await?;
    let again = answer(bench.aws.ec2.deregister_image().image_id(&copy.id).send().await)?;
    let is_gone = again.refusal().is_some_and(|refusal| GONE.contains(&refusal.code.as_str()));
    let first = Finding::of(is_gone, format!("again: {again}"));
    let mut last = String::new();
    for _ in 0..12 {
        let asked = answer(bench.aws.ec2.describe_images().image_ids(&copy.id).send().await)?;
        last = match &asked {
            Answer::Taken(found) if found.images().is_empty() => {
                return Ok(both(first, Finding::of(true, "an empty list")));
            }
            Answer::Taken(_) => "still listed".to_owned(),
            Answer::Refused(refusal) if GONE.contains(&refusal.code.as_str()) => {
                return Ok(both(first, Finding::of(true, asked.to_string())));
            }
            Answer::Refused(refusal) => refusal.to_string(),
        };
        bench.pause(Duration::from_secs(5)).await;
    }
    Ok(both(first, Finding::of(false, format!("a minute later: {last}"))))
}

/// A copy of Amazon Linux that is available.
struct Copy {
    id: String,
    image: Image,
    source: Image,
    timing: Timing,
}

impl Copy {
    async fn make(bench: &Bench, what: &str) -> Result<Copy, Trouble> {
        let [source, _] = images(bench).await?;
        let id = source.image_id().unwrap_or_default();
        let region = bench.aws.ec2.config().region().map_or_else(String::new, ToString::to_string);
        let call = bench.aws.ec2.copy_image().name(bench.name(what)).source_image_id(id).source_region(region);
        let call = call.tag_specifications(bench.tags(ResourceType::Image));
        let made = call.tag_specifications(bench.tags(ResourceType::Snapshot)).send().await?;
        let begun = bench.now();
        let id = made.image_id.ok_or_else(|| Trouble::Lacking("the copy shows no id".to_owned()))?;
        let look = || async {
            let found = bench.aws.ec2.describe_images().owners("self").filters(filter("image-id", &id)).send().await?;
            let image = found.images.unwrap_or_default().into_iter().next();
            Ok(image.filter(|image| image.state() != Some(&ImageState::Pending)))
        };
        let patience = (Duration::from_secs(10), Duration::from_secs(1_200));
        match bench.until(("image_creation", begun), patience, look).await? {
            Some((image, timing)) => Ok(Copy { id, image, source, timing }),
            None => Err(Trouble::Lacking(format!("{id} is still pending after twenty minutes"))),
        }
    }
}
