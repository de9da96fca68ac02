//! The local AWS as a whole: a world, the clock it runs by, and the way in for API calls.

mod connector;
mod functions;
mod server;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use http::{Request, Response};
use tokio::sync::watch;

use crate::clock::WorldClock;
use crate::iam::Caller;
use crate::wire::{self, Operation, Service};
use crate::world::error::ApiError;
use crate::world::faults::FaultKind;
use crate::world::history::What;
use crate::world::latency::Range;
use crate::world::{REGION, World};

pub use functions::{FunctionError, Handler, Kill};

/// A world that lives: time passes, calls are answered, events reach functions. Clones are the same world.
#[derive(Clone)]
pub struct LocalAws(Arc<Shared>);

struct Shared {
    world: Mutex<World>,
    clock: WorldClock,
    /// Counts up whenever the world was touched.
    touched: watch::Sender<u64>,
    kills: Mutex<Vec<Kill>>,
}

/// The connection broke before the answer came. Whether the call was carried out, nobody knows.
#[derive(Debug, thiserror::Error)]
#[error("the connection broke before the answer came")]
pub struct ResponseLost;

impl LocalAws {
    /// Lets a world live; with `speed` 10, ten of its seconds pass in one of tokio's.
    pub fn new(world: World, speed: f64) -> LocalAws {
        let clock = WorldClock::starting_at(world.now(), speed);
        LocalAws(Arc::new(Shared {
            world: Mutex::new(world),
            clock,
            touched: watch::Sender::new(0),
            kills: Mutex::new(Vec::new()),
        }))
    }

    /// Looks at the world, or changes it, at the present time.
    pub fn world<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        let result = {
            let mut world = self.0.world.lock().unwrap_or_else(PoisonError::into_inner);
            world.advance_to(self.0.clock.time());
            look(&mut world)
        };
        self.0.touched.send_modify(|count| *count += 1);
        result
    }

    /// The clock that the world runs by.
    pub fn clock(&self) -> WorldClock {
        self.0.clock
    }

    /// Waits until the world is as wanted; `false` if it is not so within `limit` of its time.
    pub async fn until(&self, limit: Duration, wanted: impl Fn(&World) -> bool) -> bool {
        let end = self.0.clock.time() + limit;
        let mut touched = self.0.touched.subscribe();
        loop {
            touched.mark_unchanged();
            let (is_so, now) = self.peek(|world| (wanted(world), world.now()));
            if is_so || now >= end {
                return is_so;
            }
            tokio::select! {
                biased;
                _ = touched.changed() => {}
                () = self.0.clock.wait_until(end) => {}
            }
        }
    }

    /// Lets the world go on for a while.
    pub async fn pass(&self, span: Duration) {
        let end = self.0.clock.time() + span;
        self.0.clock.wait_until(end).await;
        self.world(|_| {});
    }

    /// What the SDK needs to talk to this world and to live by its time, without a socket between. The access key says
    /// who calls, as in [`call`](LocalAws::call).
    pub fn sdk_config(&self, access_key: &str) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(
                Credentials::from_keys(access_key, "not-a-secret", None),
            ))
            .http_client(connector::InProcess::new(self.clone(), access_key))
            .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(self.0.clock))
            .time_source(self.0.clock)
            .build()
    }

    /// Answers an API call: after as long as it takes on its way, and with the faults that are planned. The caller is the
    /// function whose name the access key is, if one has assumed a role, and a person otherwise.
    ///
    /// # Errors
    /// When a planned fault loses the answer.
    pub async fn call(&self, access_key: &str, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, ResponseLost> {
        let operation = wire::operation(&request);
        let latency = self.world(|world| {
            let range = latency_of(world, operation.as_ref());
            world.draw(range)
        });
        self.0.clock.wait(latency / 2).await;
        let answer = self.world(|world| {
            let caller = world.iam.caller(access_key);
            answer(world, &caller, operation.as_ref(), &request)
        });
        self.0.clock.wait(latency / 2).await;
        functions::count_call().await;
        answer
    }

    /// Looks without advancing or touching: for those who wait for touches.
    fn peek<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        let mut world = self.0.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance_to(self.0.clock.time());
        look(&world)
    }
}

fn latency_of(world: &World, operation: Option<&Operation>) -> Range {
    match operation.map(|operation| (operation.service, operation.name.starts_with("Describe"))) {
        Some((Service::Ec2, true)) | None => world.latency.ec2_read,
        Some((Service::Ec2, false)) => world.latency.ec2_write,
        Some((Service::AutoScaling, _)) => world.latency.autoscaling_call,
        Some((Service::Route53, _)) => world.latency.route53_call,
        Some((Service::Ssm, _)) => world.latency.ssm_call,
    }
}

/// Who may, and what goes wrong, laid around the wire like decorators. AWS throttles before it asks who may.
fn answer(
    world: &mut World,
    caller: &Caller,
    operation: Option<&Operation>,
    request: &Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, ResponseLost> {
    let Some(operation) = operation else { return Ok(wire::handle(world, caller, request)) };
    let is_lost = match world.faults.strike(&operation.to_string()) {
        Some(FaultKind::Throttled) => return Ok(refuse(world, caller, operation, &wire::throttled(operation.service))),
        Some(FaultKind::InternalError) => {
            return Ok(refuse(world, caller, operation, &wire::internal_error(operation.service)));
        }
        Some(FaultKind::ResponseLost) => true,
        None => false,
    };
    let response = match wire::authorize(world, caller, operation, request) {
        Ok(()) => wire::handle(world, caller, request),
        Err(error) => refuse(world, caller, operation, &error),
    };
    if is_lost { Err(ResponseLost) } else { Ok(response) }
}

/// Answers a call that never reached its service.
fn refuse(world: &mut World, caller: &Caller, operation: &Operation, error: &ApiError) -> Response<Vec<u8>> {
    world.note(What::Called {
        caller: caller.clone(),
        operation: operation.to_string(),
        about: String::new(),
        error: Some(error.code.clone()),
    });
    wire::error_response(operation.service, error)
}
