//! The services of the local AWS, and the protocol of each.

use super::xml::Lists;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Instances, volumes, images, snapshots, launch templates.
    Ec2,
    /// Groups and their lifecycle hooks.
    AutoScaling,
    /// Hosted zones and their record sets.
    Route53,
    /// Parameters, documents and commands.
    Ssm,
    /// Keys.
    Kms,
    /// EventBridge, as far as events are put.
    Events,
    /// Who calls.
    Sts,
}

/// The prefix of each Route 53 operation's path.
pub(super) const ROUTE53_PATH_PREFIX: &str = "/2013-04-01/";

impl Service {
    pub(super) const ALL: [Service; 7] = [
        Service::Ec2,
        Service::AutoScaling,
        Service::Route53,
        Service::Ssm,
        Service::Kms,
        Service::Events,
        Service::Sts,
    ];

    /// As IAM writes an operation: `ec2:AttachVolume`.
    pub(super) fn action(self, operation: &str) -> String {
        format!("{}:{operation}", self.signing_name())
    }

    /// The service that `ec2:AttachVolume` is an operation of.
    pub(super) fn of_action(action: &str) -> Option<Service> {
        let (name, _) = action.split_once(':')?;
        Service::ALL.into_iter().find(|service| service.signing_name() == name)
    }

    /// As SigV4 scopes and IAM actions write it.
    pub fn signing_name(self) -> &'static str {
        match self {
            Service::Ec2 => "ec2",
            Service::AutoScaling => "autoscaling",
            Service::Route53 => "route53",
            Service::Ssm => "ssm",
            Service::Kms => "kms",
            Service::Events => "events",
            Service::Sts => "sts",
        }
    }

    /// The service whose forms have this `Version`.
    pub(super) fn of_version(version: &str) -> Option<Service> {
        match version {
            "2016-11-15" => Some(Service::Ec2),
            "2011-01-01" => Some(Service::AutoScaling),
            "2011-06-15" => Some(Service::Sts),
            _ => None,
        }
    }

    /// The service whose JSON calls have this before the operation's name in `X-Amz-Target`.
    pub(super) fn of_target(prefix: &str) -> Option<Service> {
        match prefix {
            "AmazonSSM" => Some(Service::Ssm),
            "TrentService" => Some(Service::Kms),
            "AWSEvents" => Some(Service::Events),
            _ => None,
        }
    }

    /// The namespace of its XML; none for a service that answers in JSON.
    pub(super) fn namespace(self) -> Option<&'static str> {
        match self {
            Service::Ec2 => Some("http://ec2.amazonaws.com/doc/2016-11-15/"),
            Service::AutoScaling => Some("http://autoscaling.amazonaws.com/doc/2011-01-01/"),
            Service::Route53 => Some("https://route53.amazonaws.com/doc/2013-04-01/"),
            Service::Ssm | Service::Kms | Service::Events => None,
            Service::Sts => Some("https://sts.amazonaws.com/doc/2011-06-15/"),
        }
    }

    /// How it writes lists in XML.
    pub(super) fn lists(self) -> Lists {
        match self {
            Service::Ec2 => Lists::Wrapped("item"),
            Service::AutoScaling | Service::Sts => Lists::Wrapped("member"),
            Service::Route53 | Service::Ssm | Service::Kms | Service::Events => Lists::Repeated,
        }
    }
}
