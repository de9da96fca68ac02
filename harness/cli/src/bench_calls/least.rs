//! The least calls of a hand-off, operation by operation: what AWS's semantics leave to whoever hands a node over
//! without losing anything, if it knew when to look. Of what happens in between AWS tells nobody: the rest is looking.

use super::Situation;

/// An operation, how often it has to be called at the least, and why.
pub(super) struct Row {
    pub(super) operation: &'static str,
    /// In the order of [`Situation::ALL`].
    least: [usize; Situation::ALL.len()],
    pub(super) why: &'static str,
}

impl Row {
    pub(super) fn least(&self, situation: Situation) -> usize {
        Situation::ALL.iter().zip(self.least).find(|(it, _)| **it == situation).map_or(0, |(_, least)| least)
    }
}

const fn row(operation: &'static str, least: [usize; Situation::ALL.len()], why: &'static str) -> Row {
    Row { operation, least, why }
}

pub(super) const LEAST: [Row; 18] = [
    row(
        "autoscaling:DescribeAutoScalingGroups",
        [3, 3, 3, 2, 2, 3],
        "for each event, to find the node by its group's tags",
    ),
    row(
        "ec2:DescribeInstances",
        [4, 4, 4, 2, 2, 4],
        "to find whose instance is warned, and for each event which instances run",
    ),
    row("route53:ListResourceRecordSets", [1; 6], "a compare-and-swap has to name what it replaces"),
    row("ec2:DescribeVolumes", [3; 6], "to see who holds the volume, that it has left, and that it has arrived"),
    row("kms:DescribeKey", [1; 6], "to see that the volume's key lets another instance attach it"),
    row("ssm:DescribeInstanceInformation", [1; 6], "to see that the new instance has booted, and can be asked"),
    row(
        "ssm:ListCommandInvocations",
        [3, 3, 3, 3, 1, 2],
        "to see that the new one is prepared, if the old one still serves; that the old one has unmounted the volume; that the \
         new one serves",
    ),
    row("ec2:CreateTags", [1, 1, 1, 0, 0, 1], "to tell all functions of the warning that one of them received"),
    row(
        "autoscaling:TerminateInstanceInAutoScalingGroup",
        [1, 0, 0, 0, 0, 1],
        "to have the group launch a successor, if it has not done so already",
    ),
    row("ssm:SendCommand durin-prepared", [1, 1, 1, 1, 0, 0], "to ask the new instance whether it can take over"),
    row("ssm:SendCommand durin-release", [1, 1, 1, 1, 0, 1], "to have the old instance release the volume"),
    row("ssm:SendCommand durin-serves", [1; 6], "to ask the new instance whether it serves"),
    row("ec2:DetachVolume", [1, 1, 1, 1, 0, 1], "to take the volume from the old instance"),
    row("ec2:AttachVolume", [1; 6], "to give it to the new one"),
    row("route53:ChangeResourceRecordSets", [1; 6], "to point the record at the new one"),
    row("events:PutEvents", [1; 6], "to tell the owner"),
    row("autoscaling:CompleteLifecycleAction", [2; 6], "to end the lifecycle actions of the old and the new instance"),
    row("ec2:DescribeInstanceStatus", [0; 6], "only if a host retires"),
];

/// A recorded event, a function that gets it, the least calls that it has to make alone, and what they are for.
type OfEvent = (&'static str, &'static str, u32, &'static str);

const PASSES: &str = "whether the group is a node; to end the action";
const MOVES: &str = "a whole reclaim, from one event";
const LOOKS_AT_FAMILY: &str = "the images; the parameter's tags and its value";
const PUBLISHES: &str = "the images; the parameter's tags and its value; the new value, and whether AWS took it";

/// In the order in which they are printed.
pub(super) const LEAST_OF_EVENTS: [OfEvent; 24] = [
    ("ami-available", "durin-ami-publish", 5, PUBLISHES),
    ("bake-finished", "durin-ami-publish", 5, PUBLISHES),
    ("image-builder-available", "durin-ami-publish", 3, LOOKS_AT_FAMILY),
    (
        "instance-retirement",
        "durin-spot-interruption",
        7,
        "whose instance it is (2); its state; the volume's holder; when it stops; its mark; one more instance",
    ),
    ("instance-retirement-backup", "durin-spot-interruption", 0, "it is the other region's copy"),
    ("launch", "durin-node-lifecycle", 14, MOVES),
    ("launch", "durin-node-resync", 1, "whether it is the only run"),
    ("launch-of-another-group", "durin-node-lifecycle", 1, "whether the group is a node"),
    ("launch-of-another-group", "durin-node-resync", 1, "whether the group is a node"),
    ("rebalance-recommendation", "durin-node-resync", 4, "whose instance it is (2); its state; its mark"),
    ("rebalance-recommendation", "durin-spot-interruption", 4, "the same"),
    ("root-volume-launch", "durin-node-lifecycle", 2, PASSES),
    ("root-volume-launch", "durin-node-resync", 0, "no node moves"),
    ("root-volume-terminate", "durin-node-lifecycle", 2, PASSES),
    ("schedule", "durin-ami-prune", 24, "12 to see what is in use; 3 whether they are shared; 9 to mark and disable 3"),
    ("schedule", "durin-ami-publish", 3, LOOKS_AT_FAMILY),
    (
        "schedule",
        "durin-node-resync",
        7,
        "groups; instances; records; volumes; who has released; the question who serves, and the answers",
    ),
    ("spot-interruption-warning", "durin-node-resync", 23, "a whole interruption, from one event"),
    ("spot-interruption-warning", "durin-spot-interruption", 23, "the same"),
    ("terminate", "durin-node-lifecycle", 14, MOVES),
    ("warm-pool-launch", "durin-node-lifecycle", 2, PASSES),
    ("warm-pool-launch", "durin-node-resync", 0, "no node moves"),
    ("warm-pool-return", "durin-node-lifecycle", 2, PASSES),
    ("warm-pool-terminate", "durin-node-lifecycle", 2, PASSES),
];

#[cfg(test)]
mod tests {
    use super::super::fed;
    use super::*;

    #[test]
    fn each_event_that_a_function_gets_costs_at_least_the_least() {
        let fed = fed().expect("each is understood");
        let costs: Vec<_> = fed.iter().map(|it| (it.event.as_str(), it.cost.function.as_str())).collect();
        assert_eq!(costs, LEAST_OF_EVENTS.map(|(event, function, ..)| (event, function)));
        for (fed, (.., least, _)) in fed.iter().zip(LEAST_OF_EVENTS) {
            assert!((least..=60).contains(&fed.cost.calls) && fed.cost.chain <= fed.cost.calls, "{fed:?}");
        }
    }

    #[test]
    fn no_column_is_forgotten() {
        let columns = Situation::ALL.map(|it| LEAST.iter().map(|row| row.least(it)).sum::<usize>());
        assert!(columns.iter().all(|least| (17..=27).contains(least)), "{columns:?}");
    }
}
