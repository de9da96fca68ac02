//! What IAM is asked about a call: which action, on which resources, with which condition keys. From the Service
//! Authorization Reference ("Actions, resources, and condition keys for Amazon EC2", and so on).

mod autoscaling;
mod ec2;
mod route53;
mod ssm;
#[cfg(test)]
mod tests;

use http::Request;

use super::operation::Operation;
use super::service::Service;
use crate::iam::{Caller, Check, Denial};
use crate::world::error::ApiError;
use crate::world::{ACCOUNT, REGION, World};

/// Refuses a call that its caller's role does not allow.
///
/// What does not exist has no tags, so a policy that asks for tags refuses it. Whether AWS says "not found" instead, and
/// for which operations, is not documented.
///
/// # Errors
/// As the service would answer.
pub(crate) fn authorize(
    world: &mut World,
    caller: &Caller,
    operation: &Operation,
    request: &Request<Vec<u8>>,
) -> Result<(), ApiError> {
    if !caller.is_function() {
        return Ok(());
    }
    let checks = checks(world, operation, request);
    world.iam.authorize(caller, &checks).map_err(|denial| denied(operation.service, &denial))
}

/// Whether the caller may delete this snapshot along with its image.
pub(super) fn may_delete_snapshot(world: &mut World, caller: &Caller, id: &str) -> bool {
    let check = ec2::of_resource(world, "DeleteSnapshot", id);
    world.iam.may(caller, &check)
}

fn checks(world: &World, operation: &Operation, request: &Request<Vec<u8>>) -> Vec<Check> {
    let name = operation.name.as_str();
    let mut checks = match operation.service {
        Service::Ec2 => ec2::checks(world, name, request.body()),
        Service::AutoScaling => autoscaling::checks(world, name, request.body()),
        Service::Route53 => route53::checks(name, request),
        Service::Ssm => ssm::checks(world, name, request.body()),
    };
    if checks.is_empty() {
        // No resources, or none that the local AWS can tell: only a policy for `*` allows it.
        checks.push(Check::new(operation.to_string(), "*"));
    }
    checks
}

/// How each service says that its caller may not.
fn denied(service: Service, denial: &Denial) -> ApiError {
    let message = &denial.message;
    match service {
        Service::Ec2 => {
            let text = format!("You are not authorized to perform this operation. {message}");
            ApiError::new("UnauthorizedOperation", text).with_status(403)
        }
        Service::AutoScaling | Service::Route53 => ApiError::new("AccessDenied", message).with_status(403),
        Service::Ssm => ApiError::new("AccessDeniedException", message),
    }
}

/// `arn:aws:SERVICE:REGION:ACCOUNT:rest`
fn arn(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}")
}
