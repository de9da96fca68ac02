//! EC2's token buckets: how many calls of an operation there may be. EC2 Developer Guide: request throttling.

use std::collections::BTreeMap;

use super::Ec2;
use crate::time::Time;

/// The buckets of one account in one region.
#[derive(Clone, Debug)]
pub struct Throttles {
    /// Whether calls are counted at all.
    pub on: bool,
    /// How many calls were refused, by operation.
    pub refused: BTreeMap<String, u64>,
    buckets: BTreeMap<String, Bucket>,
}

impl Default for Throttles {
    fn default() -> Throttles {
        Throttles { on: true, refused: BTreeMap::new(), buckets: BTreeMap::new() }
    }
}

impl Ec2 {
    /// Whether there may be a call of `operation` now; if so, it is counted in the `bucket`.
    pub(crate) fn admit(&mut self, operation: &str, bucket: &str, limit: Limit, now: Time) -> bool {
        self.throttles.admit(operation, bucket, limit, now)
    }

    /// From now on calls are not counted.
    pub fn stop_throttling(&mut self) {
        self.throttles.on = false;
    }
}

/// How big a bucket is, and how fast it fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Calls at once.
    pub burst: i64,
    /// Calls per second.
    pub rate: i64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Thousandths of a call.
    millis: i64,
    filled: Time,
}

/// What one call takes from a bucket that counts in thousandths.
const CALL: i64 = 1000;

impl Throttles {
    /// Whether there may be a call of `operation` now; if so, it is counted in the `bucket`.
    pub fn admit(&mut self, operation: &str, bucket: &str, limit: Limit, now: Time) -> bool {
        if !self.on {
            return true;
        }
        let bucket =
            self.buckets.entry(bucket.to_owned()).or_insert(Bucket { millis: limit.burst * CALL, filled: now });
        // Calls per second are thousandths of a call per millisecond.
        let refill = (now.0 - bucket.filled.0).max(0).saturating_mul(limit.rate);
        bucket.millis = bucket.millis.saturating_add(refill).min(limit.burst * CALL);
        bucket.filled = bucket.filled.max(now);
        let admitted = bucket.millis >= CALL;
        if admitted {
            bucket.millis -= CALL;
        } else {
            *self.refused.entry(operation.to_owned()).or_default() += 1;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn admitted(throttles: &mut Throttles, bucket: &str, now: Time) -> usize {
        let limit = Limit { burst: 100, rate: 5 };
        (0..1000).take_while(|_| throttles.admit("DeleteSnapshot", bucket, limit, now)).count()
    }

    #[test]
    fn a_bucket_empties_and_fills_again_up_to_its_brim() {
        let mut throttles = Throttles::default();
        let mut now = Time::GENESIS;
        assert_eq!(admitted(&mut throttles, "one", now), 100);
        now = now + Duration::from_secs(2);
        assert_eq!(admitted(&mut throttles, "one", now), 10);
        assert_eq!(admitted(&mut throttles, "another", now), 100);
        now = now + Duration::from_secs(3600);
        assert_eq!(admitted(&mut throttles, "one", now), 100);
        assert_eq!(throttles.refused["DeleteSnapshot"], 4);
    }
}
