//! The clock that a world runs by: tokio's, so that a paused runtime plays in virtual time (it jumps to the next timer
//! whenever every task is idle) and a running one in real or scaled time.

use std::time::{Duration, SystemTime};

use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use tokio::time::Instant;

use crate::time::Time;

/// A world's present time, and how fast it runs.
#[derive(Clone, Copy, Debug)]
pub struct WorldClock {
    begun: Instant,
    genesis: Time,
    speed: f64,
}

impl WorldClock {
    /// A clock that shows `genesis` now. With `speed` 10, ten seconds of the world pass in one of tokio's.
    pub fn starting_at(genesis: Time, speed: f64) -> WorldClock {
        WorldClock { begun: Instant::now(), genesis, speed }
    }

    /// The world's time.
    pub fn time(&self) -> Time {
        self.genesis + self.begun.elapsed().mul_f64(self.speed)
    }

    /// Waits until the world's time is `until`.
    pub async fn wait_until(&self, until: Time) {
        // Timers have a resolution of a millisecond and the world too: rounding up keeps the wait from ending early.
        let span = until.since(self.genesis).div_f64(self.speed) + Duration::from_micros(1);
        tokio::time::sleep_until(self.begun + span).await;
    }

    /// Waits for a span of the world's time.
    pub async fn wait(&self, span: Duration) {
        tokio::time::sleep(span.div_f64(self.speed)).await;
    }
}

impl TimeSource for WorldClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.time().since(Time(0))
    }
}

impl AsyncSleep for WorldClock {
    fn sleep(&self, span: Duration) -> Sleep {
        let clock = *self;
        Sleep::new(async move { clock.wait(span).await })
    }
}
