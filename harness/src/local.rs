//! The local AWS as a whole: a world, the clock it runs by, and the way in for API calls.

mod by_hand;
mod connector;
mod functions;
mod page;
mod server;
mod story;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use http::{Request, Response};
use tokio::sync::watch;

use crate::clock::WorldClock;
use crate::wire::{self, Call, Kind, ResponseLost, Service};
use crate::world::history::Entry;
use crate::world::latency::Range;
use crate::world::machines::Order;
use crate::world::{REGION, World};

pub use by_hand::SPEEDS;
pub use functions::{Cost, FunctionError, Handler, Kill};
pub use page::{Page, Tell, Told};

/// A world that lives: time passes, calls are answered, events reach functions. Clones are the same world.
#[derive(Clone)]
pub struct LocalAws(Arc<Shared>);

struct Shared {
    world: Mutex<World>,
    clock: WorldClock,
    /// Counts up whenever the world was touched.
    touched: watch::Sender<u64>,
    kills: Mutex<Vec<Kill>>,
    /// Of all invocations, with the names of their functions.
    probes: Mutex<Vec<(String, Arc<functions::Probe>)>>,
}

impl LocalAws {
    /// Brings a world to life; with `speed` 10, ten of its seconds pass in one of tokio's.
    pub fn new(world: World, speed: f64) -> LocalAws {
        let clock = WorldClock::starting_at(world.now(), speed);
        LocalAws(Arc::new(Shared {
            world: Mutex::new(world),
            clock,
            touched: watch::Sender::new(0),
            kills: Mutex::default(),
            probes: Mutex::default(),
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
        self.0.clock.clone()
    }

    /// Waits until the world is as wanted; `false` if that takes longer than `limit` of its time.
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

    /// The history from the entry with this number on, as soon as there is any.
    pub async fn history_from(&self, number: usize) -> Vec<Entry> {
        let mut touched = self.0.touched.subscribe();
        loop {
            touched.mark_unchanged();
            let entries = self.peek(|world| world.history().get(number..).unwrap_or_default().to_vec());
            if !entries.is_empty() || touched.changed().await.is_err() {
                return entries;
            }
        }
    }

    /// What is to be done to machines, as soon as there is anything.
    pub async fn orders(&self) -> Vec<Order> {
        let mut touched = self.0.touched.subscribe();
        loop {
            touched.mark_unchanged();
            let orders = self.0.world.lock().unwrap_or_else(PoisonError::into_inner).take_orders();
            if !orders.is_empty() || touched.changed().await.is_err() {
                return orders;
            }
        }
    }

    /// Lets time pass for a while.
    pub async fn pass(&self, span: Duration) {
        let end = self.0.clock.time() + span;
        self.0.clock.wait_until(end).await;
        self.world(|_| {});
    }

    /// The SDK's configuration to talk to this world and live by its time, without a socket between. An access key that
    /// is the name of a function that has assumed a role makes its calls that function's; any other, a person's.
    pub fn sdk_config(&self, access_key: &str) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(
                Credentials::from_keys(access_key, "not-a-secret", None),
            ))
            .http_client(connector::InProcess::new(self.clone()))
            .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(self.clock()))
            .time_source(self.clock())
            .build()
    }

    /// Answers an API call, after the time that it takes on its way.
    ///
    /// # Errors
    /// When a planned fault loses the answer.
    pub async fn call(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, ResponseLost> {
        let pending = functions::begin_call();
        let read = self.world(|world| {
            let call = Call::read(&world.iam, &request)?;
            let latency = world.draw(latency_of(world, &call));
            Some((call, latency))
        });
        let Some((call, latency)) = read else { return Ok(self.world(|world| wire::refuse(world, &request))) };
        self.0.clock.wait(latency / 2).await;
        let answer = self.world(|world| wire::answer(world, &call));
        let silence = answer.as_ref().err().map_or(Duration::ZERO, |lost| lost.after);
        self.0.clock.wait(latency / 2 + silence).await;
        if let Some(pending) = pending {
            pending.answered().await;
        }
        answer
    }

    /// Looks without advancing or touching: for code that waits for touches.
    fn peek<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        let mut world = self.0.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance_to(self.0.clock.time());
        look(&world)
    }
}

fn latency_of(world: &World, call: &Call) -> Range {
    match (call.service, call.kind()) {
        (Service::Ec2, Some(Kind::Read) | None) => world.latency.ec2_read,
        (Service::Ec2, Some(Kind::Write)) => world.latency.ec2_write,
        (Service::AutoScaling | Service::Sts, _) => world.latency.autoscaling_call,
        (Service::Route53, _) => world.latency.route53_call,
        (Service::Ssm, _) => world.latency.ssm_call,
        (Service::Kms, _) => world.latency.kms_call,
        (Service::Events, _) => world.latency.events_call,
    }
}
