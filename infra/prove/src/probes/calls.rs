//! What a call as such does, and how long it takes.

use std::future::Future;
use std::time::Duration;

use crate::answer::answer;
use crate::bench::{Bench, filter};
use crate::probe::{Finding, Here, Level, Probe, Rests, Timing, Trouble};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "dry-run-is-a-refusal",
        level: Level::Read,
        assumes: "A call of EC2 with DryRun that would succeed is refused as DryRunOperation with HTTP 412.",
        rests_on: &[Rests { file: "harness/src/wire/call.rs", rule: "the local AWS answers a dry run in this way" }],
        calls: &["ec2:DescribeInstances"],
        expects: "DryRunOperation, HTTP 412",
        makes: "",
        cents: 0.0,
        seconds: 1,
        here: Here::Answers,
        ask: |bench| Box::pin(dry_run(bench)),
    },
    Probe {
        name: "disabled-images-are-asked-for",
        level: Level::Read,
        assumes: "DescribeImages with a filter for disabled images and without IncludeDisabled is refused as \
                  InvalidParameter.",
        rests_on: &[Rests {
            file: "harness/src/wire/ec2/describe_images.rs",
            rule: "the local AWS refuses the filter without the flag",
        }],
        calls: &["ec2:DescribeImages"],
        expects: "InvalidParameter",
        makes: "",
        cents: 0.0,
        seconds: 1,
        here: Here::Answers,
        ask: |bench| Box::pin(disabled(bench)),
    },
    Probe {
        name: "ec2-answers-a-read-in-time",
        level: Level::Read,
        assumes: "EC2 answers a read within 250 ms.",
        rests_on: &[Rests { file: "harness/src/world/latency.rs", rule: "the range `ec2_read`" }],
        calls: &["ec2:DescribeAvailabilityZones"],
        expects: "ten answers, each within that; run it in the region, as the functions do",
        makes: "",
        cents: 0.0,
        seconds: 3,
        here: Here::Answers,
        ask: |bench| Box::pin(ec2(bench)),
    },
    Probe {
        name: "auto-scaling-answers-in-time",
        level: Level::Read,
        assumes: "Auto Scaling answers within 400 ms.",
        rests_on: &[Rests { file: "harness/src/world/latency.rs", rule: "the range `autoscaling_call`" }],
        calls: &["autoscaling:DescribeAutoScalingGroups"],
        expects: "ten answers, each within that; run it in the region, as the functions do",
        makes: "",
        cents: 0.0,
        seconds: 3,
        here: Here::Answers,
        ask: |bench| Box::pin(autoscaling(bench)),
    },
    Probe {
        name: "route-53-answers-in-time",
        level: Level::Read,
        assumes: "Route 53 answers within 500 ms.",
        rests_on: &[Rests { file: "harness/src/world/latency.rs", rule: "the range `route53_call`" }],
        calls: &["route53:ListHostedZonesByName"],
        expects: "ten answers, each within that; run it in the region, as the functions do",
        makes: "",
        cents: 0.0,
        seconds: 6,
        here: Here::Answers,
        ask: |bench| Box::pin(route53(bench)),
    },
    Probe {
        name: "systems-manager-answers-in-time",
        level: Level::Read,
        assumes: "Systems Manager answers within 250 ms.",
        rests_on: &[Rests { file: "harness/src/world/latency.rs", rule: "the range `ssm_call`" }],
        calls: &["ssm:DescribeInstanceInformation"],
        expects: "ten answers, each within that; run it in the region, as the functions do",
        makes: "",
        cents: 0.0,
        seconds: 3,
        here: Here::Answers,
        ask: |bench| Box::pin(ssm(bench)),
    },
    Probe {
        name: "kms-answers-in-time",
        level: Level::Read,
        assumes: "KMS answers within 60 ms, and knows the alias aws/ebs.",
        rests_on: &[Rests { file: "harness/src/world/latency.rs", rule: "the range `kms_call`" }],
        calls: &["kms:DescribeKey"],
        expects: "ten answers, each within that; run it in the region, as the functions do",
        makes: "",
        cents: 0.0,
        seconds: 3,
        here: Here::Answers,
        ask: |bench| Box::pin(kms(bench)),
    },
];

/// How often each service is asked how long it takes; the first call, which also connects, does not count.
const CALLS: usize = 10;
/// Route 53 allows an account five requests a second, and others may be asking too.
const BETWEEN: Duration = Duration::from_millis(250);

async fn dry_run(bench: &Bench) -> Result<Finding, Trouble> {
    let asked = answer(bench.aws.ec2.describe_instances().dry_run(true).send().await)?;
    let is_as_assumed =
        asked.refusal().is_some_and(|refusal| refusal.code == "DryRunOperation" && refusal.status == 412);
    Ok(Finding::of(is_as_assumed, asked.to_string()))
}

async fn disabled(bench: &Bench) -> Result<Finding, Trouble> {
    let call = bench.aws.ec2.describe_images().owners("self").filters(filter("state", "disabled"));
    let asked = answer(call.send().await)?;
    Ok(Finding::of(asked.is_refusal("InvalidParameter"), asked.to_string()))
}

async fn ec2(bench: &Bench) -> Result<Finding, Trouble> {
    let call = || async { Ok(bench.aws.ec2.describe_availability_zones().send().await.map(drop)?) };
    answers_within(bench, ("ec2_read", 250), call).await
}

async fn autoscaling(bench: &Bench) -> Result<Finding, Trouble> {
    let groups = || bench.aws.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names(bench.name("nobody"));
    let call = || async { Ok(groups().send().await.map(drop)?) };
    answers_within(bench, ("autoscaling_call", 400), call).await
}

async fn route53(bench: &Bench) -> Result<Finding, Trouble> {
    let zones = || bench.aws.route53.list_hosted_zones_by_name().max_items(1);
    let call = || async { Ok(zones().send().await.map(drop)?) };
    answers_within(bench, ("route53_call", 500), call).await
}

async fn ssm(bench: &Bench) -> Result<Finding, Trouble> {
    let call = || async { Ok(bench.aws.ssm.describe_instance_information().send().await.map(drop)?) };
    answers_within(bench, ("ssm_call", 250), call).await
}

async fn kms(bench: &Bench) -> Result<Finding, Trouble> {
    let call = || async { Ok(bench.aws.kms.describe_key().key_id("alias/aws/ebs").send().await.map(drop)?) };
    answers_within(bench, ("kms_call", 60), call).await
}

async fn answers_within<C>(
    bench: &Bench,
    (latency, most): (&str, u64),
    call: impl Fn() -> C,
) -> Result<Finding, Trouble>
where
    C: Future<Output = Result<(), Trouble>>,
{
    call().await?;
    let mut timings = Vec::new();
    for _ in 0..CALLS {
        bench.pause(BETWEEN).await;
        timings.push(bench.timed(latency, call()).await?.1);
    }
    Ok(within(most, timings))
}

/// Whether each span can have been as short as that, in milliseconds, as far as the looks show it. One that is shorter than the
/// local AWS's range begins does no harm.
pub(super) fn within(most: u64, timings: Vec<Timing>) -> Finding {
    let can_be = |timing: &Timing| timing.at_least_ms <= most;
    let shortest = timings.iter().map(|timing| timing.at_most_ms).min().unwrap_or_default();
    let longest = timings.iter().map(|timing| timing.at_most_ms).max().unwrap_or_default();
    let saw = match timings.len() {
        _ if shortest == longest => format!("{longest} ms"),
        count => format!("{shortest} to {longest} ms in {count} tries"),
    };
    Finding::of(timings.iter().all(can_be), saw).timed(timings)
}
