//! What IAM is asked about a call: which action, on which resources, with which condition keys. From the Service
//! Authorization Reference ("Actions, resources, and condition keys for Amazon EC2", and so on).

mod autoscaling;
mod ec2;
mod route53;
mod ssm;
#[cfg(test)]
mod tests;

use super::call::{Asked, Input};
use super::refusals;
use super::service::Service;
use crate::iam::{Caller, Check};
use crate::world::error::ApiError;
use crate::world::{ACCOUNT, REGION, World};

/// Refuses a call that its caller's role does not allow.
///
/// What does not exist has no tags, so a policy that asks for tags refuses it. Whether AWS says "not found" instead, and
/// for which operations, is not documented.
///
/// # Errors
/// As the service would answer.
pub(super) fn authorize(world: &mut World, caller: &Caller, asked: &Asked) -> Result<(), ApiError> {
    if !caller.is_function() {
        return Ok(());
    }
    let checks = checks(world, asked);
    world.iam.authorize(caller, &checks).map_err(|denial| refusals::denied(asked.operation.service, &denial))
}

/// Whether the caller may delete this snapshot along with its image.
pub(super) fn may_delete_snapshot(world: &mut World, caller: &Caller, id: &str) -> bool {
    let check = ec2::of_resource(world, "DeleteSnapshot", id);
    world.iam.may(caller, &check)
}

fn checks(world: &World, Asked { operation, input }: &Asked) -> Vec<Check> {
    let name = operation.name;
    let mut checks = match input {
        Input::Form(_, params) if operation.service == Service::Ec2 => ec2::checks(world, name, params),
        Input::Form(_, params) => autoscaling::checks(world, name, params),
        Input::Rest(_, request) => route53::checks(name, request),
        Input::Json(_, fields) => ssm::checks(world, name, fields),
    };
    if checks.is_empty() {
        // No resources, or none that the local AWS can tell: only a policy for `*` allows it.
        checks.push(Check::new(operation.action(), "*"));
    }
    checks
}

/// `arn:aws:SERVICE:REGION:ACCOUNT:rest`
fn arn(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}")
}
