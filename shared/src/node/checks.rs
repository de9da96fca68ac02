//! Looking, while all is well, at what nobody misses before a hand-off fails of it: the group's lifecycle hooks, and whether
//! instance metadata shows tags.

use std::time::{Duration, SystemTime};

use aws_sdk_autoscaling::types::LifecycleHook;
use durin_decisions::node::{ActionResult, Blocked, Hook, Instance, LONGEST_PERIOD, hook_problem};

use super::observe::Node;
use crate::aws::{Aws, failed};
use crate::failure::Failure;
use crate::ids::GroupName;
use crate::lifecycle::Transition;

/// How often each node is looked at. Auto Scaling lists the hooks of one group at a call, so many nodes take turns.
const PERIOD: Duration = Duration::from_secs(3600);

/// Whether it is this node's turn, at this tick of the schedule.
pub(super) fn are_due(group: &GroupName, now: SystemTime) -> bool {
    is_turn(group.as_str().bytes().map(u64::from).sum(), now)
}

/// Whether it is the turn of what is looked at for all nodes at once.
pub(super) fn is_hourly(now: SystemTime) -> bool {
    is_turn(0, now)
}

fn is_turn(number: u64, now: SystemTime) -> bool {
    let turns = PERIOD.as_secs() / LONGEST_PERIOD.as_secs();
    now.duration_since(SystemTime::UNIX_EPOCH)
        .is_ok_and(|since| since.as_secs() / LONGEST_PERIOD.as_secs() % turns == number % turns)
}

/// What a person has to mend, if anything. An image may find its volume without tags, so that they are hidden is only logged.
pub(super) async fn of_node(aws: &Aws, node: &Node) -> Option<Blocked> {
    if node.view.instances.get().is_some_and(|known| known.values().any(Instance::hides_tags)) {
        tracing::warn!(
            node = %node.name(),
            "instance metadata shows no tags, by which an image learns which volume to mount: set InstanceMetadataTags to \
             enabled in the MetadataOptions of the launch template"
        );
    }
    of_hooks(aws, node.name()).await
}

/// Fail open: a function that may not ask knows of no problem.
async fn of_hooks(aws: &Aws, group: &GroupName) -> Option<Blocked> {
    match hooks(aws, group).await {
        Ok(hooks) => hook_problem(&hooks).map(|problem| Blocked::Hook { group: group.clone(), problem }),
        Err(failure) => {
            tracing::warn!(node = %group, reason = failure.chain(), "the lifecycle hooks cannot be read");
            None
        }
    }
}

pub(super) async fn hooks(aws: &Aws, group: &GroupName) -> Result<Vec<Hook>, Failure> {
    let described = aws.autoscaling.describe_lifecycle_hooks().auto_scaling_group_name(group.as_str()).send().await;
    let described = described.map_err(failed("autoscaling:DescribeLifecycleHooks"))?;
    Ok(described.lifecycle_hooks().iter().map(convert).collect())
}

fn convert(found: &LifecycleHook) -> Hook {
    Hook {
        name: found.lifecycle_hook_name().unwrap_or_default().to_owned(),
        transition: [Transition::Launching, Transition::Terminating]
            .into_iter()
            .find(|transition| found.lifecycle_transition() == Some(transition.name())),
        default_result: [ActionResult::Continue, ActionResult::Abandon]
            .into_iter()
            .find(|result| found.default_result() == Some(result.name())),
        heartbeat: found.heartbeat_timeout().and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs),
    }
}
