//! EC2, Auto Scaling, Route 53 and SSM as the SDK and the AWS CLI speak them.
//!
//! One listener serves all four, so a request says itself whom it means: by its path, its `X-Amz-Target`, or the API
//! version in its form. Nothing here waits, fails at random or knows who is allowed to do what; that is laid around
//! [`handle`]. Only what a call goes on without is asked of IAM on the way, in the name of its caller.

mod action;
mod answer;
mod authorization;
mod autoscaling;
mod ec2;
mod element;
mod fields;
mod operation;
mod page;
mod query;
mod respond;
mod route53;
mod service;
mod ssm;
#[cfg(test)]
mod tests;
mod xml;

use http::{Request, Response};

use crate::iam::Caller;
use crate::world::World;
use crate::world::error::{ApiError, ApiResult};
use crate::world::history::What;

pub(crate) use authorization::authorize;
pub use operation::{Operation, operation};
pub use respond::{error_response, internal_error, throttled};
pub use service::Service;

use answer::Answer;
use respond::RequestId;

/// Answers one request, and writes into the history that it was made.
pub fn handle(world: &mut World, caller: &Caller, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
    let request_id = RequestId::next(world);
    let Some(operation) = operation(request) else {
        return respond::error(Service::Ec2, &not_an_aws_request(), &request_id);
    };
    let service = operation.service;
    let (about, result) = match operation::check_signature(request, service) {
        Ok(()) if is_throttled(world, &operation, request) => (String::new(), Err(throttled(service))),
        Ok(()) => answer(world, caller, &operation, request),
        Err(error) => (String::new(), Err(error)),
    };
    world.note(What::Called {
        caller: caller.clone(),
        operation: operation.to_string(),
        about,
        error: result.as_ref().err().map(|error| error.code.clone()),
    });
    match result {
        Ok(answer) => respond::success(&operation, answer, &request_id),
        Err(error) => respond::error(service, &error, &request_id),
    }
}

/// EC2 counts calls by operation; the other services' limits are not part of this world.
fn is_throttled(world: &mut World, operation: &Operation, request: &Request<Vec<u8>>) -> bool {
    let now = world.now();
    operation.service == Service::Ec2 && !world.ec2.throttles.admit(&operation.name, ec2::is_unfiltered(request), now)
}

/// What the call was about, and its answer.
fn answer(
    world: &mut World,
    caller: &Caller,
    operation: &Operation,
    request: &Request<Vec<u8>>,
) -> (String, ApiResult<Answer>) {
    match operation.service {
        Service::Ec2 => ec2::answer(world, caller, &operation.name, request),
        Service::AutoScaling => autoscaling::answer(world, caller, &operation.name, request),
        Service::Route53 => route53::answer(world, caller, &operation.name, request),
        Service::Ssm => ssm::answer(world, caller, &operation.name, request),
    }
}

fn not_an_aws_request() -> ApiError {
    ApiError::new(
        "MissingAction",
        "The request names no operation of a service that the local AWS has (EC2, Auto Scaling, Route 53, SSM).",
    )
}
