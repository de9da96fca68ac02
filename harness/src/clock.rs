//! The clock that a world runs by: tokio's, so that a paused runtime plays in virtual time (it jumps to the next timer
//! whenever every task is idle) and a running one in real or scaled time.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::time::Time;

/// A world's present time, and how fast it runs. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct WorldClock(Arc<watch::Sender<Pace>>);

/// How time has passed since the speed was last changed.
#[derive(Clone, Copy, Debug)]
struct Pace {
    begun: Instant,
    genesis: Time,
    /// 0 while it stands still.
    speed: f64,
}

impl WorldClock {
    /// A clock that shows `genesis` now. With `speed` 10, ten seconds of the world pass in one of tokio's.
    pub fn starting_at(genesis: Time, speed: f64) -> WorldClock {
        WorldClock(Arc::new(watch::Sender::new(Pace { begun: Instant::now(), genesis, speed })))
    }

    /// The world's time.
    pub fn time(&self) -> Time {
        self.0.borrow().time()
    }

    /// How many of its seconds pass in one of tokio's; 0 while it stands still.
    pub fn speed(&self) -> f64 {
        self.0.borrow().speed
    }

    /// Has time run at another speed from now on, or, at 0, stand still.
    pub fn run_at(&self, speed: f64) {
        self.0.send_modify(|pace| *pace = Pace { begun: Instant::now(), genesis: pace.time(), speed });
    }

    /// Waits until the world's time is `until`.
    pub async fn wait_until(&self, until: Time) {
        let mut paces = self.0.subscribe();
        loop {
            let pace = *paces.borrow_and_update();
            tokio::select! {
                biased;
                () = pace.wait_until(until) => return,
                _ = paces.changed() => {}
            }
        }
    }

    /// Waits for a span of the world's time.
    pub async fn wait(&self, span: Duration) {
        let mut paces = self.0.subscribe();
        let mut left = span;
        loop {
            let (pace, since) = (*paces.borrow_and_update(), Instant::now());
            tokio::select! {
                biased;
                () = pace.wait(left) => return,
                _ = paces.changed() => left = left.saturating_sub(since.elapsed().mul_f64(pace.speed)),
            }
        }
    }
}

impl Pace {
    fn time(&self) -> Time {
        self.genesis + self.begun.elapsed().mul_f64(self.speed)
    }

    async fn wait_until(&self, until: Time) {
        if self.speed == 0.0 && until > self.genesis {
            return pending().await;
        }
        let span = match until.since(self.genesis) {
            Duration::ZERO => Duration::ZERO,
            span => span.div_f64(self.speed),
        };
        // Timers have a resolution of a millisecond and the world too: rounding up keeps the wait from ending early.
        tokio::time::sleep_until(self.begun + span + Duration::from_micros(1)).await;
    }

    async fn wait(&self, span: Duration) {
        if self.speed == 0.0 {
            return pending().await;
        }
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
        let clock = self.clone();
        Sleep::new(async move { clock.wait(span).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wait_goes_by_the_new_speed() {
        let clock = WorldClock::starting_at(Time(0), 1.0);
        let begun = Instant::now();
        let (until, span) = (clock.clone(), clock.clone());
        let until = tokio::spawn(async move { until.wait_until(Time(100_000)).await });
        let span = tokio::spawn(async move { span.wait(Duration::from_secs(100)).await });
        tokio::time::sleep(Duration::from_secs(50)).await;
        clock.run_at(10.0);
        for waiting in [until, span] {
            waiting.await.expect("an end");
            assert_eq!(begun.elapsed().as_millis() / 100, 550, "half of it ten times as fast");
        }
        assert_eq!(clock.time().0 / 1000, 100);
    }

    #[tokio::test(start_paused = true)]
    async fn while_it_stands_still_nothing_comes_to_its_end() {
        let clock = WorldClock::starting_at(Time(0), 1.0);
        let waiting = clock.clone();
        let waiting = tokio::spawn(async move { waiting.wait(Duration::from_secs(10)).await });
        tokio::time::sleep(Duration::from_secs(4)).await;
        clock.run_at(0.0);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!((clock.time(), waiting.is_finished()), (Time(4000), false));
        clock.run_at(1.0);
        tokio::time::sleep(Duration::from_secs(7)).await;
        assert!(waiting.is_finished());
    }
}
