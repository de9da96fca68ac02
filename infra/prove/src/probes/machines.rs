//! Instances, and what a volume does with them.

use std::time::{Duration, SystemTime};

use aws_sdk_ec2::types::{
    IamInstanceProfileSpecification, InstanceStateName, InstanceType, ResourceType, VolumeAttachmentState, VolumeState,
};
use aws_sdk_ssm::types::InstanceInformationStringFilter;

use super::calls::within;
use super::parameters::image_ids;
use super::volumes::{both, until_is, volume};
use crate::answer::{Answer, answer};
use crate::bench::{Bench, filter};
use crate::probe::{Finding, Here, Level, Probe, Rests, Timing, Trouble};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "an-instance-starts-in-seconds",
        level: Level::Full,
        assumes: "An instance is running within 25 seconds of RunInstances.",
        rests_on: &[Rests { file: "harness/src/world/latency.rs", rule: "the range `instance_start`" }],
        calls: &["ec2:DescribeImages", "ec2:DescribeInstances", "ec2:DescribeSubnets", "ec2:RunInstances"],
        expects: "running, within that time",
        makes: "an instance (t3a.nano)",
        cents: 0.5,
        seconds: 90,
        here: Here::Answers,
        ask: |bench| Box::pin(starts(bench)),
    },
    Probe {
        name: "a-pending-instance-takes-no-volume",
        level: Level::Full,
        assumes: "AttachVolume to an instance that is pending is refused as IncorrectState.",
        rests_on: &[Rests {
            file: "shared/src/node/apply.rs",
            rule: "that code means that the successor does not run yet; look again",
        }],
        calls: &[
            "ec2:AttachVolume",
            "ec2:CreateVolume",
            "ec2:DescribeImages",
            "ec2:DescribeInstances",
            "ec2:DescribeSubnets",
            "ec2:DescribeVolumes",
            "ec2:RunInstances",
        ],
        expects: "IncorrectState, or InvalidInstanceID.NotFound in the first seconds",
        makes: "an instance (t3a.nano) and a volume of 1 GiB",
        cents: 0.5,
        seconds: 100,
        here: Here::Answers,
        ask: |bench| Box::pin(pending(bench)),
    },
    Probe {
        name: "a-volume-moves-in-seconds",
        level: Level::Full,
        assumes: "A volume that nothing has mounted is attached within 4 seconds of AttachVolume, and available within 5 seconds \
                  of DetachVolume.",
        rests_on: &[Rests { file: "harness/src/world/latency.rs", rule: "the ranges `attach` and `detach`" }],
        calls: &[
            "ec2:AttachVolume",
            "ec2:CreateVolume",
            "ec2:DescribeImages",
            "ec2:DescribeInstances",
            "ec2:DescribeSubnets",
            "ec2:DescribeVolumes",
            "ec2:DetachVolume",
            "ec2:RunInstances",
        ],
        expects: "three times of each, within these",
        makes: "an instance (t3a.nano) and a volume of 1 GiB",
        cents: 0.5,
        seconds: 150,
        here: Here::Answers,
        ask: |bench| Box::pin(moves(bench)),
    },
    Probe {
        name: "a-volume-in-use-stays-where-it-is",
        level: Level::Full,
        assumes: "AttachVolume of a volume that an instance has is refused as VolumeInUse, for another instance and for the same.",
        rests_on: &[Rests {
            file: "shared/src/node/apply.rs",
            rule: "that code means that somebody was faster, perhaps this run itself; look again",
        }],
        calls: &[
            "ec2:AttachVolume",
            "ec2:CreateVolume",
            "ec2:DescribeImages",
            "ec2:DescribeInstances",
            "ec2:DescribeSubnets",
            "ec2:DescribeVolumes",
            "ec2:RunInstances",
        ],
        expects: "VolumeInUse from both",
        makes: "two instances (t3a.nano) and a volume of 1 GiB",
        cents: 1.0,
        seconds: 120,
        here: Here::Answers,
        ask: |bench| Box::pin(in_use(bench)),
    },
    Probe {
        name: "the-end-of-an-instance-frees-its-volume",
        level: Level::Full,
        assumes: "While an instance shuts down, DetachVolume is refused as IncorrectState or IncorrectInstanceState; it is \
                  terminated within 60 seconds, and its volume is available within 15 more.",
        rests_on: &[
            Rests { file: "shared/src/node/apply.rs", rule: "those codes mean: wait until the end frees it" },
            Rests { file: "harness/src/world/latency.rs", rule: "the ranges `shutting_down` and `volumes_freed`" },
        ],
        calls: &[
            "ec2:AttachVolume",
            "ec2:CreateVolume",
            "ec2:DescribeImages",
            "ec2:DescribeInstances",
            "ec2:DescribeSubnets",
            "ec2:DescribeVolumes",
            "ec2:DetachVolume",
            "ec2:RunInstances",
            "ec2:TerminateInstances",
        ],
        expects: "one of those codes, and these times",
        makes: "an instance (t3a.nano) and a volume of 1 GiB",
        cents: 0.5,
        seconds: 180,
        here: Here::Answers,
        ask: |bench| Box::pin(freed(bench)),
    },
    Probe {
        name: "a-command-begins-in-seconds",
        level: Level::Full,
        assumes: "The agent of an instance is online within 47 seconds of running; a command is listed within 1.5 seconds of \
                  SendCommand, and one that takes no time has ended within 5.",
        rests_on: &[Rests {
            file: "harness/src/world/latency.rs",
            rule: "the ranges `boot` and `agent_online` together, `ssm_invocation_visible`, and `ssm_command_start`",
        }],
        calls: &[
            "ec2:DescribeImages",
            "ec2:DescribeInstances",
            "ec2:DescribeSubnets",
            "ec2:RunInstances",
            "ssm:DescribeInstanceInformation",
            "ssm:ListCommandInvocations",
            "ssm:SendCommand",
        ],
        expects: "three commands, within that time",
        makes: "an instance (t3a.nano)",
        cents: 0.5,
        seconds: 180,
        here: Here::Answers,
        ask: |bench| Box::pin(command(bench)),
    },
];

const DEVICE: &str = "/dev/sdf";
const LOOK: Duration = Duration::from_millis(700);
const QUICK_LOOK: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(300);

async fn starts(bench: &Bench) -> Result<Finding, Trouble> {
    let (_, timing) = running(bench).await?;
    Ok(within(25_000, vec![timing]))
}

async fn pending(bench: &Bench) -> Result<Finding, Trouble> {
    let (volume, _) = volume(bench).await?;
    let id = launch(bench).await?;
    let asked = attach(bench, &volume, &id).await?;
    let still = state_of(bench, &id).await?.is_none_or(|state| state == InstanceStateName::Pending);
    let code = asked.refusal().map(|refusal| refusal.code.as_str());
    match code {
        Some("IncorrectState" | "InvalidInstanceID.NotFound") => Ok(Finding::of(true, asked.to_string())),
        None if !still => Ok(Finding::inconclusive("it was running by then")),
        _ => Ok(Finding::of(false, asked.to_string())),
    }
}

async fn moves(bench: &Bench) -> Result<Finding, Trouble> {
    let (volume, _) = volume(bench).await?;
    let (id, _) = running(bench).await?;
    let (mut attached, mut detached) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        attached.push(attach_fully(bench, &volume, &id).await?);
        bench.aws.ec2.detach_volume().volume_id(&volume).instance_id(&id).send().await?;
        let since = ("detach", bench.now());
        let Some(timing) = until_is(bench, since, &volume, VolumeState::Available).await? else {
            return Ok(Finding::of(false, "not available two minutes after DetachVolume"));
        };
        detached.push(timing);
    }
    Ok(both(within(4_000, attached), within(5_000, detached)))
}

async fn in_use(bench: &Bench) -> Result<Finding, Trouble> {
    let (volume, _) = volume(bench).await?;
    let (first, _) = running(bench).await?;
    let (second, _) = running(bench).await?;
    attach_fully(bench, &volume, &first).await?;
    let other = attach(bench, &volume, &second).await?;
    let same = attach(bench, &volume, &first).await?;
    let is_as_assumed = other.is_refusal("VolumeInUse") && same.is_refusal("VolumeInUse");
    Ok(Finding::of(is_as_assumed, format!("to another: {other}; to the same: {same}")))
}

async fn freed(bench: &Bench) -> Result<Finding, Trouble> {
    let (volume, _) = volume(bench).await?;
    let (id, _) = running(bench).await?;
    attach_fully(bench, &volume, &id).await?;
    bench.aws.ec2.terminate_instances().instance_ids(&id).send().await?;
    let begun = bench.now();
    let detached = answer(bench.aws.ec2.detach_volume().volume_id(&volume).instance_id(&id).send().await)?;
    let code = detached.refusal().map(|refusal| refusal.code.as_str());
    let first = Finding::of(
        matches!(code, Some("IncorrectState" | "IncorrectInstanceState")),
        format!("DetachVolume while it shuts down: {detached}"),
    );
    let look = || async {
        let state = state_of(bench, &id).await?;
        Ok((state == Some(InstanceStateName::Terminated)).then_some(()))
    };
    let Some(((), down)) = bench.until(("shutting_down", begun), (LOOK, PATIENCE), look).await? else {
        return Ok(Finding::of(false, "not terminated after five minutes"));
    };
    let ended = bench.now();
    let Some(free) = until_is(bench, ("volumes_freed", ended), &volume, VolumeState::Available).await? else {
        return Ok(Finding::of(false, "the volume is not available two minutes after the end"));
    };
    let times = both(within(60_000, vec![down]), within(15_000, vec![free]));
    Ok(both(first, times))
}

async fn command(bench: &Bench) -> Result<Finding, Trouble> {
    let (id, _) = running(bench).await?;
    let begun = bench.now();
    let look = || async {
        let of_it = InstanceInformationStringFilter::builder().key("InstanceIds").values(&id).build()?;
        let found = bench.aws.ssm.describe_instance_information().filters(of_it).send().await?;
        let is_online =
            |it: &aws_sdk_ssm::types::InstanceInformation| it.ping_status().is_some_and(|it| it.as_str() == "Online");
        Ok(found.instance_information_list().iter().any(is_online).then_some(()))
    };
    // Both together: nothing shows from outside when an operating system is up.
    let Some(((), online)) =
        bench.until(("boot+agent_online", begun), (Duration::from_secs(2), PATIENCE), look).await?
    else {
        let why = "the agent was not online after five minutes: pass --instance-profile with a role that has \
                   AmazonSSMManagedInstanceCore, such as a node's, and a subnet from which it reaches Systems Manager";
        return Err(Trouble::Lacking(why.to_owned()));
    };
    let (mut visible, mut ended) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let call = bench.aws.ssm.send_command().document_name("AWS-RunShellScript").instance_ids(&id);
        let sent = call.parameters("commands", vec!["true".to_owned()]).send().await?;
        let begun = bench.now();
        let command = sent.command.and_then(|command| command.command_id).unwrap_or_default();
        let look = || async {
            let found = bench.aws.ssm.list_command_invocations().command_id(&command).send().await?;
            Ok((!found.command_invocations().is_empty()).then_some(()))
        };
        match bench.until(("ssm_invocation_visible", begun), (QUICK_LOOK, PATIENCE), look).await? {
            Some(((), timing)) => visible.push(timing),
            None => return Ok(Finding::of(false, "the command is not listed after five minutes")),
        }
        let look = || async {
            let found = bench.aws.ssm.list_command_invocations().command_id(&command).send().await?;
            let is_over =
                |it: &aws_sdk_ssm::types::CommandInvocation| it.status().is_some_and(|it| it.as_str() == "Success");
            Ok(found.command_invocations().iter().any(is_over).then_some(()))
        };
        match bench.until(("ssm_command_start+run", begun), (LOOK, PATIENCE), look).await? {
            Some(((), timing)) => ended.push(timing),
            None => return Ok(Finding::of(false, "the command has not ended after five minutes")),
        }
    }
    let command = both(within(1_500, visible), within(5_000, ended));
    Ok(both(within(47_000, vec![online]), command))
}

/// An instance of Amazon Linux; its id.
async fn launch(bench: &Bench) -> Result<String, Trouble> {
    let [image, _] = image_ids(bench).await?;
    let subnet = bench.subnet().await?;
    let call = bench.aws.ec2.run_instances().image_id(image).instance_type(InstanceType::T3aNano);
    let call = call.min_count(1).max_count(1).set_subnet_id(subnet.subnet_id);
    let call = call.tag_specifications(bench.tags(ResourceType::Instance));
    let call = call.tag_specifications(bench.tags(ResourceType::Volume));
    let profile = bench.profile.as_ref().map(|name| IamInstanceProfileSpecification::builder().name(name).build());
    let launched = call.set_iam_instance_profile(profile).send().await?.instances.unwrap_or_default();
    let id = launched.into_iter().next().and_then(|instance| instance.instance_id);
    id.ok_or_else(|| Trouble::Lacking("the instance shows no id".to_owned()))
}

async fn running(bench: &Bench) -> Result<(String, Timing), Trouble> {
    let id = launch(bench).await?;
    let begun = bench.now();
    let look = || async { Ok((state_of(bench, &id).await? == Some(InstanceStateName::Running)).then_some(())) };
    match bench.until(("instance_start", begun), (LOOK, PATIENCE), look).await? {
        Some(((), timing)) => Ok((id, timing)),
        None => Err(Trouble::Lacking(format!("{id} does not run after five minutes"))),
    }
}

/// By filter, because a new id may not be known everywhere yet.
pub(super) async fn state_of(bench: &Bench, id: &str) -> Result<Option<InstanceStateName>, Trouble> {
    let found = bench.aws.ec2.describe_instances().filters(filter("instance-id", id)).send().await?;
    let mut instances = found.reservations().iter().flat_map(|reservation| reservation.instances());
    Ok(instances.next().and_then(|instance| instance.state()?.name().cloned()))
}

async fn attach(bench: &Bench, volume: &str, id: &str) -> Result<Answer<()>, Trouble> {
    let call = bench.aws.ec2.attach_volume().volume_id(volume).instance_id(id).device(DEVICE);
    Ok(answer(call.send().await)?.map(drop))
}

/// Until the attachment says so: the volume is `in-use` before.
async fn attach_fully(bench: &Bench, volume: &str, id: &str) -> Result<Timing, Trouble> {
    bench.aws.ec2.attach_volume().volume_id(volume).instance_id(id).device(DEVICE).send().await?;
    let begun: SystemTime = bench.now();
    let look = || async {
        let found = bench.aws.ec2.describe_volumes().filters(filter("volume-id", volume)).send().await?;
        let mut attachments = found.volumes().iter().flat_map(|volume| volume.attachments());
        Ok(attachments.any(|it| it.state() == Some(&VolumeAttachmentState::Attached)).then_some(()))
    };
    match bench.until(("attach", begun), (LOOK, PATIENCE), look).await? {
        Some(((), timing)) => Ok(timing),
        None => Err(Trouble::Lacking(format!("{volume} is still attaching after five minutes"))),
    }
}
