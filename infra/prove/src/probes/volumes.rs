//! Volumes that no instance has.

use std::time::Duration;

use aws_sdk_ec2::types::{ResourceType, Tag, VolumeState, VolumeType};

use super::calls::within;
use crate::answer::answer;
use crate::bench::{Bench, filter};
use crate::probe::{Finding, Here, Level, Probe, Rests, Timing, Trouble, Verdict};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "a-free-volume-is-not-detached",
        level: Level::Cheap,
        assumes: "DetachVolume of a volume that is available is refused as IncorrectState.",
        rests_on: &[Rests {
            file: "shared/src/node/apply.rs",
            rule: "that code means that somebody else has detached it; look again",
        }],
        calls: &["ec2:CreateVolume", "ec2:DescribeSubnets", "ec2:DescribeVolumes", "ec2:DetachVolume"],
        expects: "IncorrectState",
        makes: "a volume of 1 GiB",
        cents: 0.1,
        seconds: 10,
        here: Here::Answers,
        ask: |bench| Box::pin(detached(bench)),
    },
    Probe {
        name: "a-volume-is-made-in-seconds",
        level: Level::Cheap,
        assumes: "A volume is available within 5 seconds of CreateVolume.",
        rests_on: &[Rests { file: "harness/src/world/latency.rs", rule: "the range `volume_creation`" }],
        calls: &["ec2:CreateVolume", "ec2:DescribeSubnets", "ec2:DescribeVolumes"],
        expects: "available, within that time",
        makes: "a volume of 1 GiB",
        cents: 0.1,
        seconds: 10,
        here: Here::Answers,
        ask: |bench| Box::pin(made(bench)),
    },
    Probe {
        name: "ec2-answers-a-write-in-time",
        level: Level::Cheap,
        assumes: "EC2 answers a write within 900 ms.",
        rests_on: &[Rests { file: "harness/src/world/latency.rs", rule: "the range `ec2_write`" }],
        calls: &["ec2:CreateTags", "ec2:CreateVolume", "ec2:DescribeSubnets", "ec2:DescribeVolumes"],
        expects: "ten answers, each within that; run it in the region, as the functions do",
        makes: "a volume of 1 GiB",
        cents: 0.1,
        seconds: 15,
        here: Here::Answers,
        ask: |bench| Box::pin(written(bench)),
    },
    Probe {
        name: "nobody-takes-no-volume",
        level: Level::Cheap,
        assumes: "AttachVolume to an instance that does not exist is refused as InvalidInstanceID.NotFound or IncorrectState.",
        rests_on: &[Rests {
            file: "shared/src/node/apply.rs",
            rule: "those codes mean that the successor is gone; look again",
        }],
        calls: &["ec2:AttachVolume", "ec2:CreateVolume", "ec2:DescribeSubnets", "ec2:DescribeVolumes"],
        expects: "one of those codes",
        makes: "a volume of 1 GiB",
        cents: 0.1,
        seconds: 10,
        here: Here::Answers,
        ask: |bench| Box::pin(nobody(bench)),
    },
];

const LOOK: Duration = Duration::from_millis(700);
const PATIENCE: Duration = Duration::from_secs(120);

async fn detached(bench: &Bench) -> Result<Finding, Trouble> {
    let (volume, _) = volume(bench).await?;
    let asked = answer(bench.aws.ec2.detach_volume().volume_id(volume).send().await)?;
    Ok(Finding::of(asked.is_refusal("IncorrectState"), asked.to_string()))
}

async fn made(bench: &Bench) -> Result<Finding, Trouble> {
    let (_, timing) = volume(bench).await?;
    Ok(within(5_000, vec![timing]))
}

async fn written(bench: &Bench) -> Result<Finding, Trouble> {
    let (volume, _) = volume(bench).await?;
    let mut timings = Vec::new();
    for number in 0..10 {
        let tag = Tag::builder().key("durin:proof-number").value(number.to_string()).build();
        let call = bench.aws.ec2.create_tags().resources(&volume).tags(tag);
        let call = async { Ok(call.send().await.map(drop)?) };
        timings.push(bench.timed("ec2_write", call).await?.1);
    }
    Ok(within(900, timings))
}

async fn nobody(bench: &Bench) -> Result<Finding, Trouble> {
    let (volume, _) = volume(bench).await?;
    let call = bench.aws.ec2.attach_volume().volume_id(volume).instance_id(bench.nothing("i")).device("/dev/sdf");
    let asked = answer(call.send().await)?;
    let is_as_assumed = asked.is_refusal("InvalidInstanceID.NotFound") || asked.is_refusal("IncorrectState");
    Ok(Finding::of(is_as_assumed, asked.to_string()))
}

/// One that is available, in the zone of the bench's subnet, and how long that took.
pub(super) async fn volume(bench: &Bench) -> Result<(String, Timing), Trouble> {
    let zone = bench.subnet().await?.availability_zone;
    let call = bench.aws.ec2.create_volume().set_availability_zone(zone).size(1).volume_type(VolumeType::Gp3);
    let made = call.tag_specifications(bench.tags(ResourceType::Volume)).send().await?;
    let begun = bench.now();
    let id = made.volume_id.ok_or_else(|| Trouble::Lacking("the volume shows no id".to_owned()))?;
    match until_is(bench, ("volume_creation", begun), &id, VolumeState::Available).await? {
        Some(timing) => Ok((id, timing)),
        None => Err(Trouble::Lacking(format!("{id} is not available after two minutes"))),
    }
}

/// Until the volume is in the state; by filter, because a new id may not be known everywhere yet.
pub(super) async fn until_is(
    bench: &Bench,
    since: (&str, std::time::SystemTime),
    id: &str,
    state: VolumeState,
) -> Result<Option<Timing>, Trouble> {
    let look = || async {
        let found = bench.aws.ec2.describe_volumes().filters(filter("volume-id", id)).send().await?;
        Ok(found.volumes().iter().any(|volume| volume.state() == Some(&state)).then_some(()))
    };
    Ok(bench.until(since, (LOOK, PATIENCE), look).await?.map(|(_, timing)| timing))
}

/// Proved if both are.
pub(super) fn both(first: Finding, second: Finding) -> Finding {
    let is_proved = first.verdict == Verdict::Proved && second.verdict == Verdict::Proved;
    Finding::of(is_proved, format!("{}; {}", first.saw, second.saw)).timed(first.timings).timed(second.timings)
}
