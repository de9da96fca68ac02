//! As fast as EC2 allows, and no faster: its token buckets, as far as AWS documents them.

use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use crate::clock::Clock;

/// The paces of the calls that a run makes many of. EC2 keeps a bucket for each operation, and one account's callers
/// share it. (EC2 Developer Guide, "Request throttling for the Amazon EC2 API".)
#[derive(Debug)]
pub(super) struct Pace {
    pub(super) deregister: Bucket,
    pub(super) delete_snapshot: Bucket,
    pub(super) disable: Bucket,
    pub(super) deprecate: Bucket,
    pub(super) tag: Bucket,
}

/// Tokens that come back with time. Each call takes one.
#[derive(Debug)]
pub(super) struct Bucket(Mutex<State>);

#[derive(Debug)]
struct State {
    tokens: f64,
    capacity: f64,
    per_second: f64,
    /// The time that `tokens` is of.
    at: SystemTime,
}

/// We use slightly fewer tokens than come back, so that a person who deregisters an image by hand is not throttled
/// because of us.
const SHARE: f64 = 0.99;
/// And we leave the last fifth of a full bucket, for the same reason. It also covers the run that begins straight after
/// one that was cut short.
const FILL: f64 = 0.8;

impl Pace {
    pub(super) fn new(now: SystemTime) -> Pace {
        Pace {
            deregister: Bucket::new(100.0, 5.0, now),
            delete_snapshot: Bucket::new(100.0, 5.0, now),
            // The guide's "other mutating actions".
            disable: Bucket::new(50.0, 5.0, now),
            deprecate: Bucket::new(50.0, 5.0, now),
            tag: Bucket::new(100.0, 10.0, now),
        }
    }
}

impl Bucket {
    /// Assumed to be full except for the tokens that we leave to others. If it is not, the first refusals show it, at
    /// most one for each call in flight.
    fn new(capacity: f64, per_second: f64, now: SystemTime) -> Bucket {
        let capacity = capacity * FILL;
        Bucket(Mutex::new(State { tokens: capacity, capacity, per_second: per_second * SHARE, at: now }))
    }

    /// Waits for a token and takes it. Waiters are served in order.
    pub(super) async fn take(&self, clock: &Clock) {
        let mut state = self.0.lock().await;
        state.refill(clock.now());
        if state.tokens < 1.0 {
            let missing = (1.0 - state.tokens) / state.per_second;
            clock.sleep(Duration::from_secs_f64(missing)).await;
            state.refill(clock.now());
        }
        state.tokens -= 1.0;
    }

    /// Empties the bucket, because EC2 has refused a call: others take from it too.
    pub(super) async fn drain(&self, clock: &Clock) {
        let mut state = self.0.lock().await;
        state.refill(clock.now());
        state.tokens = state.tokens.min(0.0);
    }
}

impl State {
    fn refill(&mut self, now: SystemTime) {
        let passed = now.duration_since(self.at).unwrap_or_default();
        self.tokens = (self.tokens + passed.as_secs_f64() * self.per_second).min(self.capacity);
        self.at = now.max(self.at);
    }
}
