//! The part of the Service Authorization Reference ("Actions, resources, and condition keys for …") that the local AWS
//! knows: the actions, and the condition keys that each is asked with. Written from the reference as published in 2026,
//! for the needs of functions of nodes and images; a policy with an action that is missing here is refused.

use Asked::{OfEvents, OfRecords, OfService, Tagged, ToTag, Untagged};

/// An action, and the keys that it is asked with.
#[derive(Clone, Copy, Debug)]
pub struct Action {
    service: &'static str,
    operation: &'static str,
    asked: Asked,
}

/// The keys that an action is asked with, besides the global ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// No resource (`*`), or one without tags.
    Untagged,
    /// A resource with tags.
    Tagged,
    /// A resource with tags, and tags to give to it or take from it.
    ToTag,
    /// Record sets of a zone, which has no tags.
    OfRecords,
    /// Events for a bus.
    OfEvents,
    /// Called by a service in a caller's name.
    OfService,
}

/// A condition key that the local AWS knows. Names are the same in any case. (IAM User Guide, "Condition".)
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// `aws:ResourceTag/…`, and the services' older names for it.
    ResourceTag(String),
    /// `aws:RequestTag/…`
    RequestTag(String),
    /// `aws:TagKeys`
    TagKeys,
    /// `aws:RequestedRegion`
    RequestedRegion,
    /// `aws:SecureTransport`
    SecureTransport,
    /// `aws:PrincipalAccount`
    PrincipalAccount,
    /// `aws:PrincipalArn`
    PrincipalArn,
    /// Another one: its name here.
    Named(&'static str),
}

const ACTIONS: &[(&str, &[(&str, Asked)])] = &[
    (
        "ec2",
        &[
            ("AttachVolume", Tagged),
            ("CopyImage", ToTag),
            ("CopySnapshot", ToTag),
            ("CreateImage", ToTag),
            ("CreateSnapshot", ToTag),
            ("CreateSnapshots", ToTag),
            ("CreateTags", ToTag),
            ("CreateVolume", ToTag),
            ("DeleteSnapshot", Tagged),
            ("DeleteTags", ToTag),
            ("DeregisterImage", Tagged),
            ("DescribeFleets", Untagged),
            ("DescribeImageAttribute", Tagged),
            ("DescribeImageReferences", Untagged),
            ("DescribeImages", Untagged),
            ("DescribeInstanceStatus", Untagged),
            ("DescribeInstances", Untagged),
            ("DescribeLaunchTemplateVersions", Untagged),
            ("DescribeLaunchTemplates", Untagged),
            ("DescribeSnapshots", Untagged),
            ("DescribeSpotFleetRequests", Untagged),
            ("DescribeSpotInstanceRequests", Untagged),
            ("DescribeSubnets", Untagged),
            ("DescribeTags", Untagged),
            ("DescribeVolumes", Untagged),
            ("DetachVolume", Tagged),
            ("DisableImage", Tagged),
            ("DisableImageDeprecation", Tagged),
            ("EnableImage", Tagged),
            ("EnableImageDeprecation", Tagged),
            ("RegisterImage", ToTag),
            ("RunInstances", ToTag),
            ("StartInstances", Tagged),
            ("StopInstances", Tagged),
            ("TerminateInstances", Tagged),
        ],
    ),
    (
        "autoscaling",
        &[
            ("CompleteLifecycleAction", Tagged),
            ("CreateAutoScalingGroup", ToTag),
            ("CreateOrUpdateTags", ToTag),
            ("DeleteTags", ToTag),
            ("DescribeAutoScalingGroups", Untagged),
            ("DescribeAutoScalingInstances", Untagged),
            ("DescribeLaunchConfigurations", Untagged),
            ("DescribeLifecycleHooks", Untagged),
            ("DescribeScalingActivities", Untagged),
            ("RecordLifecycleActionHeartbeat", Tagged),
            ("ResumeProcesses", Tagged),
            ("SetDesiredCapacity", Tagged),
            ("SetInstanceHealth", Tagged),
            ("SuspendProcesses", Tagged),
            ("TerminateInstanceInAutoScalingGroup", Tagged),
        ],
    ),
    (
        "route53",
        &[
            ("ChangeResourceRecordSets", OfRecords),
            ("GetChange", Untagged),
            ("GetHostedZone", Untagged),
            ("ListResourceRecordSets", Untagged),
        ],
    ),
    (
        "ssm",
        &[
            ("AddTagsToResource", ToTag),
            ("DescribeDocument", Tagged),
            ("DescribeInstanceInformation", Untagged),
            ("DescribeParameters", Untagged),
            ("GetCommandInvocation", Untagged),
            ("GetParameter", Tagged),
            ("GetParameterHistory", Tagged),
            ("GetParameters", Tagged),
            ("ListCommandInvocations", Untagged),
            ("ListCommands", Untagged),
            ("ListTagsForResource", Tagged),
            ("PutParameter", ToTag),
            ("RemoveTagsFromResource", ToTag),
            ("SendCommand", Tagged),
        ],
    ),
    ("kms", &[("DescribeKey", Untagged)]),
    ("events", &[("PutEvents", OfEvents)]),
    (
        "imagebuilder",
        &[("GetContainerRecipe", Tagged), ("ListContainerRecipes", Untagged), ("ListImageRecipes", Untagged)],
    ),
    ("logs", &[("CreateLogStream", Untagged), ("PutLogEvents", Untagged)]),
    ("sns", &[("Publish", OfService)]),
    ("sqs", &[("SendMessage", OfService)]),
];

/// The keys by name.
const NAMED: &[(&str, Asked)] = &[
    ("ec2:CreateAction", ToTag),
    ("ssm:Overwrite", ToTag),
    ("route53:ChangeResourceRecordSetsActions", OfRecords),
    ("route53:ChangeResourceRecordSetsNormalizedRecordNames", OfRecords),
    ("route53:ChangeResourceRecordSetsRecordTypes", OfRecords),
    ("events:detail-type", OfEvents),
    ("events:source", OfEvents),
    ("aws:SourceAccount", OfService),
    ("aws:SourceArn", OfService),
];

/// All of them.
pub fn all() -> impl Iterator<Item = Action> {
    ACTIONS.iter().flat_map(|(service, actions)| {
        actions.iter().map(|(operation, asked)| Action { service, operation, asked: *asked })
    })
}

impl Action {
    /// For example `ec2:AttachVolume`.
    pub fn name(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }

    /// Whether the action is ever asked with the key.
    pub(super) fn has_key(&self, key: &Key) -> bool {
        match key {
            Key::RequestedRegion | Key::SecureTransport | Key::PrincipalAccount | Key::PrincipalArn => true,
            Key::ResourceTag(_) => matches!(self.asked, Tagged | ToTag),
            Key::RequestTag(_) | Key::TagKeys => self.asked == ToTag,
            Key::Named(name) => {
                let known = NAMED.iter().any(|(known, asked)| known == name && *asked == self.asked);
                let prefix = name.split(':').next().unwrap_or_default();
                known && (prefix == "aws" || prefix == self.service)
            }
        }
    }
}

impl Key {
    /// The key of that name, if the local AWS knows it.
    pub(super) fn parse(name: &str) -> Option<Key> {
        let below = |prefix: &str| {
            let (start, tag) = name.split_at_checked(prefix.len())?;
            (start.eq_ignore_ascii_case(prefix) && !tag.is_empty()).then(|| tag.to_owned())
        };
        let of_resource = ["aws:ResourceTag/", "ec2:ResourceTag/", "autoscaling:ResourceTag/", "ssm:resourceTag/"];
        if let Some(tag) = of_resource.into_iter().find_map(below) {
            return Some(Key::ResourceTag(tag));
        }
        if let Some(tag) = below("aws:RequestTag/") {
            return Some(Key::RequestTag(tag));
        }
        let globals: [(&str, Key); 5] = [
            ("aws:TagKeys", Key::TagKeys),
            ("aws:RequestedRegion", Key::RequestedRegion),
            ("aws:SecureTransport", Key::SecureTransport),
            ("aws:PrincipalAccount", Key::PrincipalAccount),
            ("aws:PrincipalArn", Key::PrincipalArn),
        ];
        let global = globals.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, key)| key);
        let named = || NAMED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        global.or_else(|| named().map(|(known, _)| Key::Named(known)))
    }

    /// Whether a request may have several values for it.
    pub(super) fn is_multi_valued(&self) -> bool {
        match self {
            Key::TagKeys => true,
            Key::Named(name) => name.starts_with("route53:"),
            Key::ResourceTag(_)
            | Key::RequestTag(_)
            | Key::RequestedRegion
            | Key::SecureTransport
            | Key::PrincipalAccount
            | Key::PrincipalArn => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_asked_with_its_own_keys() {
        let action = |name: &str| all().find(|action| action.name() == name).expect("an action");
        let asks = |name: &str, key: &str| action(name).has_key(&Key::parse(key).expect("a key"));
        assert!(asks("ec2:CreateTags", "ec2:CreateAction"));
        assert!(!asks("ssm:PutParameter", "ec2:CreateAction"));
        assert!(asks("route53:ChangeResourceRecordSets", "route53:ChangeResourceRecordSetsActions"));
        assert!(!asks("route53:ListResourceRecordSets", "route53:ChangeResourceRecordSetsActions"));
        assert!(asks("sqs:SendMessage", "aws:SourceArn"));
        assert!(!asks("ec2:DescribeVolumes", "aws:ResourceTag/a"));
    }
}
