//! Time, as the functions see it: the clock that the SDK was configured with, so that a test or a simulation that gives
//! the SDK its own clock gives it to the whole function.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SharedTimeSource;

/// The clock that waits and deadlines go by.
#[derive(Clone, Debug)]
pub struct Clock {
    time: SharedTimeSource,
    sleep: SharedAsyncSleep,
}

impl Clock {
    /// The SDK's own clock and sleep; the system's where the configuration has none.
    pub fn of(config: &SdkConfig) -> Clock {
        Clock {
            time: config.time_source().unwrap_or_default(),
            sleep: config.sleep_impl().unwrap_or_else(|| SharedAsyncSleep::new(TokioSleep::new())),
        }
    }

    pub fn now(&self) -> SystemTime {
        self.time.now()
    }

    pub async fn sleep(&self, span: Duration) {
        self.sleep.sleep(span).await;
    }
}

/// The time by which an invocation must have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(SystemTime);

/// Time kept back for the answer and the last log lines: Lambda kills at the deadline without a word.
const MARGIN: Duration = Duration::from_secs(2);

impl Deadline {
    /// For an invocation that is killed at `killed_at`.
    pub fn before(killed_at: SystemTime) -> Deadline {
        Deadline(killed_at.checked_sub(MARGIN).unwrap_or(SystemTime::UNIX_EPOCH))
    }

    /// Whether a wait of `span` from `now` still ends in time.
    pub fn allows(self, now: SystemTime, span: Duration) -> bool {
        now.checked_add(span).is_some_and(|end| end <= self.0)
    }
}
