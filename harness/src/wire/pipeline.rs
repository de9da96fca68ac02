//! The stages of a call, in AWS's order.

use std::time::Duration;

use http::Response;

use super::call::{Asked, Call};
use super::service::Service;
use super::{refusals, respond};
use crate::iam::Caller;
use crate::world::World;
use crate::world::error::{ApiError, ApiResult};
use crate::world::faults::FaultKind;
use crate::world::history::Fact;

/// The connection broke before the answer came. The caller cannot know whether the call was carried out.
#[derive(Debug, thiserror::Error)]
#[error("the connection broke before the answer came")]
pub struct ResponseLost {
    /// How long the caller does not know.
    pub(crate) after: Duration,
}

/// Longer than anybody waits.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

/// How the caller gets the answer.
#[derive(Clone, Copy, PartialEq)]
enum Delivery {
    Delivered,
    Lost,
    Silent,
    InOldForm,
}

pub(crate) fn answer(world: &mut World, call: &Call) -> Result<Response<Vec<u8>>, ResponseLost> {
    let request_id = respond::RequestId::next(world);
    let admitted = admit(world, call);
    let delivery = *admitted.as_ref().unwrap_or(&Delivery::Delivered);
    let result = admitted.and_then(|_| call.asked()?.run(world, &call.caller));
    record(world, call, result.as_ref().err());
    match delivery {
        Delivery::Lost => Err(ResponseLost { after: Duration::ZERO }),
        Delivery::Silent => Err(ResponseLost { after: FOR_EVER }),
        Delivery::Delivered => Ok(respond::respond(call, result, &request_id)),
        Delivery::InOldForm => Ok(respond::respond_in_old_form(call, result, &request_id)),
    }
}

/// A call that is refused at one stage reaches no later one: one that is not signed costs no token, one that its caller
/// may not make costs one, and neither uses up a fault that is planned for the service itself.
fn admit(world: &mut World, call: &Call) -> ApiResult<Delivery> {
    call.authenticate()?;
    let asked = call.asked()?;
    throttle(world, asked)?;
    authorize(world, &call.caller, asked)?;
    strike(world, asked)
}

fn throttle(world: &mut World, Asked { operation, input }: &Asked) -> ApiResult<()> {
    let now = world.now();
    let Some((bucket, limit)) = operation.bucket(input.is_unfiltered()) else { return Ok(()) };
    let is_admitted = match operation.service {
        Service::Ec2 => world.ec2.admit(operation.name, &bucket, limit, now),
        Service::Route53 => world.route53.admit(operation.name, &bucket, limit, now),
        Service::Ssm => world.ssm.admit(operation.name, &bucket, limit, now),
        Service::AutoScaling | Service::Kms | Service::Events | Service::Sts => true,
    };
    if is_admitted { Ok(()) } else { Err(refusals::throttled(operation.service)) }
}

fn authorize(world: &mut World, caller: &Caller, asked: &Asked) -> ApiResult<()> {
    // STS API Reference (GetCallerIdentity): no permissions are required.
    if !caller.is_function() || asked.operation.service == Service::Sts {
        return Ok(());
    }
    let checks = asked.checks(world);
    world.iam.authorize(caller, &checks).map_err(|denial| refusals::denied(asked.operation.service, &denial))
}

fn strike(world: &mut World, Asked { operation, .. }: &Asked) -> ApiResult<Delivery> {
    let now = world.now();
    match world.faults.strike(&operation.action(), now) {
        Some(FaultKind::Throttled) => Err(refusals::throttled(operation.service)),
        Some(FaultKind::InternalError) => Err(refusals::internal_error(operation.service)),
        Some(FaultKind::ResponseLost) => Ok(Delivery::Lost),
        Some(FaultKind::Silent) => Ok(Delivery::Silent),
        Some(FaultKind::OldErrorBody) => Ok(Delivery::InOldForm),
        None => Ok(Delivery::Delivered),
    }
}

fn record(world: &mut World, call: &Call, error: Option<&ApiError>) {
    world.note(Fact::Called {
        caller: call.caller.clone(),
        parameters: call.parameters(),
        operation: call.service.action(&call.name),
        error: error.map(|error| error.code.clone()),
    });
}
