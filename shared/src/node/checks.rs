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

const HOUR_S: u64 = 3600;

/// How many nodes are looked at in an hour, more or less. Auto Scaling lists the hooks of one group at a call, so more take turns.
const NODES_IN_AN_HOUR: usize = 25;

/// Whether it is the turn of one of so many nodes, at a tick of the schedule that was due then: at that tick of an hour at which
/// the owner hears of what fails. What another finds would be reported to nobody. ([`crate::news::Occasion`].)
pub(super) fn are_due(group: &GroupName, nodes: usize, due: SystemTime) -> bool {
    let turns = u64::try_from(nodes.div_ceil(NODES_IN_AN_HOUR)).unwrap_or(u64::MAX).max(1);
    let number: u64 = group.as_str().bytes().map(u64::from).sum();
    is_hourly(due) && since_epoch_s(due) / HOUR_S % turns == number % turns
}

/// Whether it is the turn of what is looked at for all nodes at once.
pub(super) fn is_hourly(now: SystemTime) -> bool {
    since_epoch_s(now) % HOUR_S < LONGEST_PERIOD.as_secs()
}

fn since_epoch_s(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The hours of two days, and the minute in each, at which a node is looked at.
    fn turns(name: &str, nodes: usize) -> Vec<(u64, u64)> {
        let group = GroupName::new(name).expect("a group");
        let ticks = (0..48 * 60).step_by(5);
        let at = |minute: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(minute * 60 + 17);
        ticks.filter(|minute| are_due(&group, nodes, at(*minute))).map(|minute| (minute / 60, minute % 60)).collect()
    }

    #[test]
    fn a_node_is_looked_at_once_an_hour_when_the_owner_hears_of_it() {
        for name in ["k3s", "home", "away", "n"] {
            for nodes in [1, NODES_IN_AN_HOUR] {
                assert_eq!(turns(name, nodes), (0..48).map(|hour| (hour, 0)).collect::<Vec<_>>(), "{name}, {nodes}");
            }
        }
    }

    #[test]
    fn many_nodes_take_turns() {
        let names: Vec<String> = (0..100).map(|number| format!("node-{number}")).collect();
        let turns: Vec<Vec<(u64, u64)>> = names.iter().map(|name| turns(name, names.len())).collect();
        assert!(turns.iter().all(|it| it.len() == 12 && it.iter().all(|(_, minute)| *minute == 0)), "{turns:?}");
        let at_once = |hour| turns.iter().filter(|it| it.contains(&(hour, 0))).count();
        assert!((0..48).all(|hour| at_once(hour) < 40), "{turns:?}");
    }
}
