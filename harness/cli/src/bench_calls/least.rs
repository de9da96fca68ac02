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
    row("autoscaling:DescribeAutoScalingGroups", [3, 3, 3, 2, 2, 3], "for each event: its group's tags name the node"),
    row("ec2:DescribeInstances", [4, 4, 4, 2, 2, 4], "whose instance is warned; who runs, for each event"),
    row("route53:ListResourceRecordSets", [1; 6], "a compare-and-swap has to name what it replaces"),
    row("ec2:DescribeVolumes", [3; 6], "who holds it; that it has left; that it has arrived"),
    row("kms:DescribeKey", [1; 6], "that it can be attached to another"),
    row("ssm:DescribeInstanceInformation", [1; 6], "that the new instance has booted, and can be asked"),
    row(
        "ssm:ListCommandInvocations",
        [3, 3, 3, 3, 1, 2],
        "that the new one is prepared, if the old one still serves; that the old one has unmounted the volume; that the \
         new one serves",
    ),
    row("ec2:CreateTags", [1, 1, 1, 0, 0, 1], "one function was warned, and all have to know"),
    row(
        "autoscaling:TerminateInstanceInAutoScalingGroup",
        [1, 0, 0, 0, 0, 1],
        "the group launches a successor, if it has not done so by itself",
    ),
    row("ssm:SendCommand durin-prepared", [1, 1, 1, 1, 0, 0], "the new instance says that it can take over"),
    row("ssm:SendCommand durin-release", [1, 1, 1, 1, 0, 1], "the old instance lets go"),
    row("ssm:SendCommand durin-serves", [1; 6], "the new instance says that it serves"),
    row("ec2:DetachVolume", [1, 1, 1, 1, 0, 1], "EBS attaches it to one instance at a time"),
    row("ec2:AttachVolume", [1; 6], "to the new instance"),
    row("route53:ChangeResourceRecordSets", [1; 6], "the record names the new instance"),
    row("events:PutEvents", [1; 6], "the owner hears of it"),
    row("autoscaling:CompleteLifecycleAction", [2; 6], "the old one's and the new one's"),
    row("ec2:DescribeInstanceStatus", [0; 6], "only if a host retires"),
];

/// A recorded event, a function that gets it, the least calls that it has to make alone, and what they are for.
type OfEvent = (&'static str, &'static str, u32, &'static str);

const PASSES: &str = "whose it is; its action";
const MOVES: &str = "all of a reclaim, for one event";
const LOOKS_AT_FAMILY: &str = "the images; whose the parameter is, and its value";
const PUBLISHES: &str = "the images; whose the parameter is, its value, and the new one; that AWS took it";

/// In the order in which they are printed.
pub(super) const LEAST_OF_EVENTS: [OfEvent; 24] = [
    ("ami-available", "durin-ami-publish", 5, PUBLISHES),
    ("bake-finished", "durin-ami-publish", 5, PUBLISHES),
    ("image-builder-available", "durin-ami-publish", 3, LOOKS_AT_FAMILY),
    (
        "instance-retirement",
        "durin-spot-interruption",
        7,
        "whose it is (2); its state; who holds the volume; when it stops; its mark; one more is wanted",
    ),
    ("instance-retirement-backup", "durin-spot-interruption", 0, "the other region's copy"),
    ("launch", "durin-node-lifecycle", 14, MOVES),
    ("launch", "durin-node-resync", 1, "whether it is the only run"),
    ("launch-of-another-group", "durin-node-lifecycle", 1, "whose it is"),
    ("launch-of-another-group", "durin-node-resync", 1, "whose it is"),
    ("rebalance-recommendation", "durin-node-resync", 4, "whose it is (2); its state; its mark"),
    ("rebalance-recommendation", "durin-spot-interruption", 4, "the same"),
    ("root-volume-launch", "durin-node-lifecycle", 2, PASSES),
    ("root-volume-launch", "durin-node-resync", 0, "nobody moves"),
    ("root-volume-terminate", "durin-node-lifecycle", 2, PASSES),
    ("schedule", "durin-ami-prune", 24, "12 to see what is in use; 3 whether they are shared; 9 to mark and disable 3"),
    ("schedule", "durin-ami-publish", 3, LOOKS_AT_FAMILY),
    (
        "schedule",
        "durin-node-resync",
        7,
        "groups; instances; records; volumes; who let go; who serves, asked and answered",
    ),
    ("spot-interruption-warning", "durin-node-resync", 23, "all of an interruption, for one event"),
    ("spot-interruption-warning", "durin-spot-interruption", 23, "the same"),
    ("terminate", "durin-node-lifecycle", 14, MOVES),
    ("warm-pool-launch", "durin-node-lifecycle", 2, PASSES),
    ("warm-pool-launch", "durin-node-resync", 0, "nobody moves"),
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
