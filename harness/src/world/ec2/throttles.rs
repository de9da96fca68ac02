//! EC2's token buckets: how many calls of an operation there may be. EC2 Developer Guide: request throttling.

use std::collections::BTreeMap;

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

/// How big a bucket is, and how fast it fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit {
    /// Calls at once.
    burst: i64,
    /// Calls per second.
    rate: i64,
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
    /// Whether there may be a call of `operation` now; if so, it is counted. `unfiltered`: it asks for everything at
    /// once, with neither a filter nor pages.
    pub fn admit(&mut self, operation: &str, unfiltered: bool, now: Time) -> bool {
        if !self.on {
            return true;
        }
        let unfiltered = unfiltered && HEAVY_UNFILTERED.contains(&operation);
        let key = if unfiltered { format!("{operation}, unfiltered") } else { operation.to_owned() };
        let limit = limit_of(operation, unfiltered);
        let bucket = self.buckets.entry(key).or_insert(Bucket { millis: limit.burst * CALL, filled: now });
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

/// Operations with a smaller bucket for calls with neither filters nor pages.
const HEAVY_UNFILTERED: [&str; 5] = [
    "DescribeInstanceStatus",
    "DescribeInstances",
    "DescribeSnapshots",
    "DescribeSpotInstanceRequests",
    "DescribeVolumes",
];

fn limit_of(operation: &str, unfiltered: bool) -> Limit {
    let reads = ["Describe", "Get", "List", "Search"];
    match operation {
        _ if unfiltered => Limit { burst: 50, rate: 10 },
        "CreateTags" | "DeleteTags" => Limit { burst: 100, rate: 10 },
        "CreateSnapshot" | "CreateVolume" | "DeleteSnapshot" | "DeleteVolume" | "DeregisterImage" => {
            Limit { burst: 100, rate: 5 }
        }
        read if reads.iter().any(|prefix| read.starts_with(prefix)) => Limit { burst: 100, rate: 20 },
        _ => Limit { burst: 50, rate: 5 },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn admitted(throttles: &mut Throttles, operation: &str, unfiltered: bool, now: Time) -> usize {
        (0..1000).take_while(|_| throttles.admit(operation, unfiltered, now)).count()
    }

    #[test]
    fn a_bucket_empties_and_fills_again_up_to_its_brim() {
        let mut throttles = Throttles::default();
        let mut now = Time::GENESIS;
        assert_eq!(admitted(&mut throttles, "DeleteSnapshot", false, now), 100);
        now = now + Duration::from_secs(2);
        assert_eq!(admitted(&mut throttles, "DeleteSnapshot", false, now), 10);
        now = now + Duration::from_secs(3600);
        assert_eq!(admitted(&mut throttles, "DeleteSnapshot", false, now), 100);
        assert_eq!(throttles.refused["DeleteSnapshot"], 3);
    }

    #[test]
    fn each_operation_has_a_bucket_of_its_own() {
        let mut throttles = Throttles::default();
        for (operation, unfiltered, burst) in [
            ("CreateTags", false, 100),
            ("DeregisterImage", false, 100),
            ("DisableImage", false, 50),
            ("DescribeImages", true, 100),
            ("DescribeInstances", true, 50),
            ("DescribeInstances", false, 100),
        ] {
            assert_eq!(admitted(&mut throttles, operation, unfiltered, Time::GENESIS), burst, "{operation}");
        }
    }
}
