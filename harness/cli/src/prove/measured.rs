//! What a proof has measured, as latencies of the local AWS.

use std::collections::BTreeMap;
use std::path::Path;

use durin_harness::world::latency::{Latencies, Range};
use durin_prove::proof::{self, Proof};

/// Latencies, some of which were measured on AWS.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    pub latencies: Latencies,
    /// When and where, by the names of those that were measured.
    origins: BTreeMap<String, String>,
}

impl Measured {
    /// Of the file that `just prove` has written.
    ///
    /// # Errors
    /// When it is not a proof, or not one of AWS.
    pub fn read(file: &Path) -> Result<Measured, String> {
        let proof = proof::read(file)?;
        if !proof.is_of_aws() {
            return Err(format!("{} did not come from AWS, and proves nothing about its latencies", file.display()));
        }
        Ok(Measured::of(&proof))
    }

    /// From the shortest to the longest that was seen; a span that was looked at now and then may have been anything between
    /// two looks.
    pub fn of(proof: &Proof) -> Measured {
        let mut measured = Measured::default();
        let mut spans: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for timing in proof.findings.values().flat_map(|found| &found.finding.timings) {
            let span = spans.entry(&timing.latency).or_insert((timing.at_least_ms, timing.at_most_ms));
            *span = (span.0.min(timing.at_least_ms), span.1.max(timing.at_most_ms));
        }
        for (name, (least, most)) in spans {
            if measured.latencies.prove(name, Range::from_millis(least, most)) {
                measured.origins.insert(name.to_owned(), format!("proved {} {}", proof.date, proof.region));
            }
        }
        measured
    }

    /// Where a range comes from that AWS publishes nothing about.
    pub fn origin(&self, latency: &str) -> &str {
        self.origins.get(latency).map_or("estimate", String::as_str)
    }
}
