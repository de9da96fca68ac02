//! A group of one, as a node has it: what it launches from, and in which order it launches and ends.

use std::time::Duration;

use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance, LifecycleHookSpecification, LifecycleState};
use aws_sdk_ec2::types::InstanceStateName;

use super::calls::within;
use super::machines::state_of;
use super::parameters::image_ids;
use super::templates::{GroupSpec, group};
use crate::answer::{Answer, answer};
use crate::bench::{Bench, filter};
use crate::probe::{Finding, Here, Level, Probe, Rests, Trouble};

/// What each of them calls to have a group.
macro_rules! calls {
    ($($more:literal),* $(,)?) => {
        &[
            "autoscaling:CreateAutoScalingGroup",
            "autoscaling:DescribeAutoScalingGroups",
            $($more,)*
            "ec2:CreateLaunchTemplate",
            "ec2:DescribeImages",
            "ec2:DescribeSubnets",
            "ssm:GetParameter",
            "ssm:PutParameter",
        ]
    };
}

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "a-mixed-policy-launches-from-a-parameter",
        level: Level::Full,
        assumes: "A group with a mixed instances policy of explicit types launches a spot instance from the image that its launch \
                  template names by resolve:ssm.",
        rests_on: &[Rests {
            file: "infra/node.yaml",
            rule: "the node's group has such a policy; if it does not launch, the template needs a version for each image",
        }],
        calls: calls!("ec2:DescribeInstances"),
        expects: "an instance of that image",
        makes: "a parameter, a launch template and a group of one spot instance (t3a.nano)",
        cents: 1.0,
        seconds: 200,
        here: Here::Answers,
        ask: |bench| Box::pin(launches(bench)),
    },
    Probe {
        name: "two-are-there-before-one-ends",
        level: Level::Full,
        assumes: "A group of maximum 2 whose desired capacity is raised to 2 launches the second instance and leaves the first in \
                  service; TerminateInstanceInAutoScalingGroup then ends the one that it names and lowers the number to 1.",
        rests_on: &[Rests {
            file: "shared/src/node/apply.rs",
            rule: "a successor is had by asking for two, and the other is ended by name",
        }],
        calls: calls!("autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"),
        expects: "both in service, and then the second alone",
        makes: "a parameter, a launch template and a group of two spot instances (t3a.nano)",
        cents: 2.0,
        seconds: 400,
        here: Here::Answers,
        ask: |bench| Box::pin(two(bench)),
    },
    Probe {
        name: "a-group-acts-in-seconds",
        level: Level::Full,
        assumes: "A group whose desired capacity is raised shows the instance that it launches within 6 seconds.",
        rests_on: &[Rests { file: "harness/src/world/latency.rs", rule: "the range `group_reaction`" }],
        calls: calls!("autoscaling:SetDesiredCapacity"),
        expects: "an instance, within that time",
        makes: "a parameter, a launch template and a group of one spot instance (t3a.nano)",
        cents: 1.0,
        seconds: 120,
        here: Here::Answers,
        ask: |bench| Box::pin(acts(bench)),
    },
    Probe {
        name: "the-last-one-is-not-decremented",
        level: Level::Full,
        assumes: "TerminateInstanceInAutoScalingGroup that would lower the number below the group's minimum is refused as \
                  ValidationError, and ends nothing.",
        rests_on: &[Rests {
            file: "shared/src/node/apply.rs",
            rule: "two functions that each end another cannot take two to none",
        }],
        calls: calls!("autoscaling:TerminateInstanceInAutoScalingGroup"),
        expects: "ValidationError, and the instance in service",
        makes: "a parameter, a launch template and a group of one spot instance (t3a.nano)",
        cents: 1.0,
        seconds: 200,
        here: Here::Answers,
        ask: |bench| Box::pin(last(bench)),
    },
    Probe {
        name: "an-action-may-not-exist-yet",
        level: Level::Full,
        assumes: "CompleteLifecycleAction for an instance that its group shows in Pending:Wait is taken, or refused with \"No active \
                  Lifecycle Action found\" and taken a moment later.",
        rests_on: &[
            Rests { file: "shared/src/node/apply.rs", rule: "that text is believed only if the group agrees" },
            Rests { file: "harness/src/world/latency.rs", rule: "the range `lifecycle_action_exists`" },
        ],
        calls: calls!("autoscaling:CompleteLifecycleAction"),
        expects: "taken, at once or after that refusal",
        makes: "a parameter, a launch template and a group of one spot instance (t3a.nano)",
        cents: 1.0,
        seconds: 200,
        here: Here::Answers,
        ask: |bench| Box::pin(action(bench)),
    },
    Probe {
        name: "a-dead-instance-still-has-its-hook",
        level: Level::Full,
        assumes: "A group whose instance was terminated by EC2 notices it within a minute or so, and then runs its terminate hook \
                  although the instance is dead.",
        rests_on: &[
            Rests {
                file: "shared/decisions/src/node/next_step/actions.rs",
                rule: "the action of a dead instance is completed, too",
            },
            Rests { file: "harness/src/world/latency.rs", rule: "the range `health_check`" },
        ],
        calls: calls!("autoscaling:CompleteLifecycleAction", "ec2:DescribeInstances", "ec2:TerminateInstances"),
        expects: "Terminating:Wait within three minutes of its end, and no refusal when the action is completed",
        makes: "a parameter, a launch template and a group of one spot instance (t3a.nano)",
        cents: 1.0,
        seconds: 400,
        here: Here::Answers,
        ask: |bench| Box::pin(dead(bench)),
    },
];

const LOOK: Duration = Duration::from_secs(1);
/// Spot capacity may be long in coming.
const PATIENCE: Duration = Duration::from_secs(480);

async fn launches(bench: &Bench) -> Result<Finding, Trouble> {
    let [image, _] = image_ids(bench).await?;
    let asked = group(bench, "launches", GroupSpec::of(1)).await?;
    let Answer::Taken(()) = asked else { return Ok(Finding::of(false, asked.to_string())) };
    let id = in_service(bench, "launches", 1).await?.remove(0);
    let found = bench.aws.ec2.describe_instances().filters(filter("instance-id", id)).send().await?;
    let mut instances = found.reservations().iter().flat_map(|reservation| reservation.instances());
    let launched = instances.next();
    let from = launched.and_then(|it| it.image_id()).unwrap_or("no image").to_owned();
    let is_spot = launched.is_some_and(|it| it.instance_lifecycle().is_some());
    let kind = if is_spot { "a spot instance" } else { "an on-demand instance" };
    Ok(Finding::of(from == image && is_spot, format!("{kind} of {from}, with {image} in the parameter")))
}

async fn two(bench: &Bench) -> Result<Finding, Trouble> {
    made(bench, "two", GroupSpec::of(1)).await?;
    let first = in_service(bench, "two", 1).await?.remove(0);
    let name = bench.name("two");
    bench.aws.autoscaling.set_desired_capacity().auto_scaling_group_name(&name).desired_capacity(2).send().await?;
    let there = in_service(bench, "two", 2).await?;
    if !there.contains(&first) {
        return Ok(Finding::of(false, format!("{first} did not stay in service")));
    }
    let call = bench.aws.autoscaling.terminate_instance_in_auto_scaling_group().instance_id(&first);
    call.should_decrement_desired_capacity(true).send().await?;
    let look = || async {
        let group = shown(bench, "two").await?;
        let members = group.instances.unwrap_or_default();
        let is_gone = members.iter().all(|it| it.instance_id() != Some(first.as_str()));
        Ok(is_gone.then_some((members.len(), group.desired_capacity)))
    };
    let left = bench.until(("", bench.now()), (Duration::from_secs(3), PATIENCE), look).await?;
    match left {
        Some(((members, desired), _)) => {
            let saw = format!("both in service; then {members} left, desired capacity {}", desired.unwrap_or_default());
            Ok(Finding::of((members, desired) == (1, Some(1)), saw))
        }
        None => Ok(Finding::of(false, format!("{first} is still there after eight minutes"))),
    }
}

async fn acts(bench: &Bench) -> Result<Finding, Trouble> {
    made(bench, "acts", GroupSpec::of(0)).await?;
    let name = bench.name("acts");
    bench.aws.autoscaling.set_desired_capacity().auto_scaling_group_name(name).desired_capacity(1).send().await?;
    let begun = bench.now();
    let look = || async { Ok((!shown(bench, "acts").await?.instances().is_empty()).then_some(())) };
    match bench.until(("group_reaction", begun), (LOOK, PATIENCE), look).await? {
        Some(((), timing)) => Ok(within(6_000, vec![timing])),
        None => Err(Trouble::Lacking("no instance after eight minutes: there may be no spot capacity".to_owned())),
    }
}

async fn last(bench: &Bench) -> Result<Finding, Trouble> {
    made(bench, "last", GroupSpec::of(1)).await?;
    let id = in_service(bench, "last", 1).await?.remove(0);
    let call = bench.aws.autoscaling.terminate_instance_in_auto_scaling_group().instance_id(&id);
    let asked = answer(call.should_decrement_desired_capacity(true).send().await)?;
    let group = shown(bench, "last").await?;
    let stays = members(&group, &LifecycleState::InService).contains(&id);
    let saw = format!("{asked}; it is {} in service", if stays { "still" } else { "not" });
    Ok(Finding::of(asked.is_refusal("ValidationError") && stays, saw))
}

async fn action(bench: &Bench) -> Result<Finding, Trouble> {
    let hook = hook("durin-launch", "autoscaling:EC2_INSTANCE_LAUNCHING", "ABANDON");
    made(bench, "action", GroupSpec::of(1).with(hook)).await?;
    let id = waiting(bench, "action", &LifecycleState::PendingWait).await?;
    let begun = bench.now();
    let look = || complete(bench, "action", "durin-launch", &id);
    let patience = (LOOK, Duration::from_secs(60));
    match bench.until(("lifecycle_action_exists", begun), patience, look).await {
        Ok(Some(((), timing))) if timing.at_least_ms == 0 => Ok(Finding::of(true, "taken at once").timed([timing])),
        Ok(Some(((), timing))) => {
            let saw = format!("refused at first, and taken within {} ms", timing.at_most_ms);
            Ok(Finding::of(true, saw).timed([timing]))
        }
        Ok(None) => Ok(Finding::of(false, "still refused after a minute")),
        Err(Trouble::Refused(refusal)) => Ok(Finding::of(false, format!("AWS refused with {refusal}"))),
        Err(trouble) => Err(trouble),
    }
}

async fn dead(bench: &Bench) -> Result<Finding, Trouble> {
    let hook = hook("durin-terminate", "autoscaling:EC2_INSTANCE_TERMINATING", "CONTINUE");
    made(bench, "dead", GroupSpec::of(1).with(hook)).await?;
    let id = in_service(bench, "dead", 1).await?.remove(0);
    bench.aws.ec2.terminate_instances().instance_ids(&id).send().await?;
    let over = || async { Ok((state_of(bench, &id).await? == Some(InstanceStateName::Terminated)).then_some(())) };
    if bench.until(("", bench.now()), (LOOK, PATIENCE), over).await?.is_none() {
        return Err(Trouble::Lacking(format!("{id} has not ended after eight minutes")));
    }
    let begun = bench.now();
    let look = || async {
        let group = shown(bench, "dead").await?;
        Ok(members(&group, &LifecycleState::TerminatingWait).contains(&id).then_some(()))
    };
    let patience = (LOOK, Duration::from_secs(180));
    let Some(((), timing)) = bench.until(("health_check", begun), patience, look).await? else {
        return Ok(Finding::of(false, "no Terminating:Wait three minutes after its end"));
    };
    let taken = complete(bench, "dead", "durin-terminate", &id).await?;
    let saw = if taken.is_some() { "Terminating:Wait after its end, and completed" } else { "no action to complete" };
    Ok(Finding::of(taken.is_some(), saw).timed([timing]))
}

/// None if it is refused with the text that means "over, or not begun".
async fn complete(bench: &Bench, what: &str, hook: &str, id: &str) -> Result<Option<()>, Trouble> {
    let call = bench.aws.autoscaling.complete_lifecycle_action().auto_scaling_group_name(bench.name(what));
    let call = call.lifecycle_hook_name(hook).instance_id(id).lifecycle_action_result("CONTINUE");
    match answer(call.send().await)? {
        Answer::Taken(_) => Ok(Some(())),
        Answer::Refused(refusal) if refusal.text.contains("No active Lifecycle Action found") => Ok(None),
        Answer::Refused(refusal) => Err(Trouble::Refused(refusal)),
    }
}

fn hook(name: &str, transition: &str, otherwise: &str) -> LifecycleHookSpecification {
    let hook = LifecycleHookSpecification::builder().lifecycle_hook_name(name).lifecycle_transition(transition);
    hook.heartbeat_timeout(900).default_result(otherwise).build()
}

async fn made(bench: &Bench, what: &str, spec: GroupSpec) -> Result<(), Trouble> {
    match group(bench, what, spec).await? {
        Answer::Taken(()) => Ok(()),
        Answer::Refused(refusal) => Err(Trouble::Refused(refusal)),
    }
}

async fn shown(bench: &Bench, what: &str) -> Result<AutoScalingGroup, Trouble> {
    let call = bench.aws.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names(bench.name(what));
    let groups = call.send().await?.auto_scaling_groups.unwrap_or_default();
    groups.into_iter().next().ok_or_else(|| Trouble::Lacking("the group is gone".to_owned()))
}

fn members(group: &AutoScalingGroup, state: &LifecycleState) -> Vec<String> {
    let is_so = |it: &&Instance| it.lifecycle_state() == Some(state);
    group.instances().iter().filter(is_so).filter_map(|it| it.instance_id.clone()).collect()
}

/// As many as that.
async fn in_service(bench: &Bench, what: &str, count: usize) -> Result<Vec<String>, Trouble> {
    are(bench, what, &LifecycleState::InService, count).await
}

async fn waiting(bench: &Bench, what: &str, state: &LifecycleState) -> Result<String, Trouble> {
    Ok(are(bench, what, state, 1).await?.remove(0))
}

async fn are(bench: &Bench, what: &str, state: &LifecycleState, count: usize) -> Result<Vec<String>, Trouble> {
    let look = || async {
        let there = members(&shown(bench, what).await?, state);
        Ok((there.len() >= count).then_some(there))
    };
    let seen = bench.until(("", bench.now()), (LOOK, PATIENCE), look).await?;
    let why = format!("no {count} instances are {} after eight minutes: there may be no spot capacity", state.as_str());
    seen.map(|(there, _)| there).ok_or(Trouble::Lacking(why))
}
