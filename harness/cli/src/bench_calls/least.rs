//! The least calls of an interruption, operation by operation: what AWS's semantics leave to whoever hands a node over
//! without losing anything, if it knew when to look. Of what happens in between AWS tells nobody: the rest is looking.

/// An operation, how often it has to be called at the least, and why.
pub(super) const LEAST: [(&str, usize, &str); 17] = [
    ("autoscaling:DescribeAutoScalingGroups", 3, "for each event: its group's tags name the node"),
    ("ec2:DescribeInstances", 4, "whose instance is warned; who runs, for each event"),
    ("route53:ListResourceRecordSets", 1, "a compare-and-swap has to name what it replaces"),
    ("ec2:DescribeVolumes", 3, "who holds it; that it has left; that it has arrived"),
    ("kms:DescribeKey", 1, "that it can be attached to another"),
    ("ssm:DescribeInstanceInformation", 1, "that the new instance has booted"),
    (
        "ssm:ListCommandInvocations",
        3,
        "that the new one is prepared; that the old one has unmounted it; that the new one serves",
    ),
    ("ec2:CreateTags", 1, "one function was warned, and all have to know"),
    ("autoscaling:TerminateInstanceInAutoScalingGroup", 1, "the group launches a successor"),
    ("ssm:SendCommand durin-prepared", 1, "the new instance says that it can take over"),
    ("ssm:SendCommand durin-release", 1, "the old instance lets go"),
    ("ssm:SendCommand durin-serves", 1, "the new instance says that it serves"),
    ("ec2:DetachVolume", 1, "EBS attaches it to one instance at a time"),
    ("ec2:AttachVolume", 1, "to the new instance"),
    ("route53:ChangeResourceRecordSets", 1, "the record names the new instance"),
    ("autoscaling:CompleteLifecycleAction", 2, "the old one's and the new one's"),
    ("ec2:DescribeInstanceStatus", 0, "only if a host retires"),
];
