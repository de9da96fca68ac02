//! Points on the world's clock.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// A point in the world's time: milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// When every world begins by default: 2026-01-05T06:00:00Z, a Monday morning.
    pub const GENESIS: Time = Time(1_767_592_800_000);

    /// The real present, to the second: for worlds that real processes with clocks of their own play in.
    pub fn real_now() -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time(i64::try_from(since.as_secs() * 1000).unwrap_or(i64::MAX))
    }

    /// As AWS prints times in XML: `2026-01-05T06:00:00.000Z`, always with milliseconds.
    pub fn iso_millis(self) -> String {
        format!("{}.{:03}Z", self.iso_seconds().trim_end_matches('Z'), self.0.rem_euclid(1000))
    }

    /// As EventBridge prints times: `2026-01-05T06:00:00Z`.
    pub fn iso_seconds(self) -> String {
        DateTime::from_secs(self.0.div_euclid(1000))
            .fmt(Format::DateTime)
            .unwrap_or_else(|_| "1970-01-01T00:00:00Z".to_owned())
    }

    /// As the AWS JSON protocols print times: seconds since the epoch, with a fraction.
    pub fn epoch_seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// How long after `earlier` this is; zero if it is not.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, span: Duration) -> Time {
        Time(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Time {
    type Output = Time;
    fn sub(self, span: Duration) -> Time {
        Time(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso_millis())
    }
}
