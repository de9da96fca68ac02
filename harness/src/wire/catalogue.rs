//! All operations of the local AWS, as the services list them.

use super::operation::{Operation, Protocol};
use super::service::Service;
use super::{autoscaling, ec2, events, kms, rest, route53, ssm, sts};

/// The operation that IAM calls `action`, for example `ec2:AttachVolume`, if the local AWS has it.
pub fn operation(action: &str) -> Option<&'static Operation> {
    let (_, name) = action.split_once(':')?;
    find(Service::of_action(action)?, name)
}

pub(super) fn find(service: Service, name: &str) -> Option<&'static Operation> {
    of(service).find(|operation| operation.name == name)
}

/// The operation of Route 53 that a method and a path (behind the version) mean.
pub(super) fn routed(method: &str, path: &str) -> Option<&'static Operation> {
    of(Service::Route53).find(|operation| match operation.protocol {
        Protocol::Rest(route, _) => rest::fits(route, method, path),
        Protocol::Form(..) | Protocol::Json(_) => false,
    })
}

pub(super) fn of(service: Service) -> impl Iterator<Item = &'static Operation> {
    let tables = match service {
        Service::Ec2 => ec2::TABLES,
        Service::AutoScaling => autoscaling::TABLES,
        Service::Route53 => route53::TABLES,
        Service::Ssm => ssm::TABLES,
        Service::Kms => kms::TABLES,
        Service::Events => events::TABLES,
        Service::Sts => sts::TABLES,
    };
    tables.iter().copied().flatten()
}
