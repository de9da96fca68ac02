//! Hosted zones, their record sets, and the transactional change batch.

mod batch;
mod change;
mod names;
mod refusals;
mod zones;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::World;
use super::ec2::throttles::{Limit, Throttles};
use crate::time::Time;

pub use change::Route53Change;
pub use names::normalise_name;
pub use refusals::check_labels;

/// The hosted zones of the account.
#[derive(Default)]
pub struct Route53 {
    /// By id (without `/hostedzone/`).
    pub(in crate::world) zones: BTreeMap<String, HostedZone>,
    /// By id (without `/change/`).
    pub(in crate::world) changes: BTreeMap<String, Change>,
    throttles: Throttles,
}

impl Route53 {
    pub fn zone(&self, id: &str) -> Option<&HostedZone> {
        self.zones.get(id)
    }

    pub fn zones(&self) -> &BTreeMap<String, HostedZone> {
        &self.zones
    }

    pub fn changes(&self) -> &BTreeMap<String, Change> {
        &self.changes
    }

    /// Whether there may be a call of `operation` now; if so, it is counted in the `bucket`.
    pub(crate) fn admit(&mut self, operation: &str, bucket: &str, limit: Limit, now: Time) -> bool {
        self.throttles.admit(operation, bucket, limit, now)
    }

    /// From now on calls are not counted.
    pub fn stop_throttling(&mut self) {
        self.throttles.on = false;
    }

    pub fn throttles(&self) -> &Throttles {
        &self.throttles
    }
}

#[derive(Clone, Debug)]
pub struct HostedZone {
    /// `Z` and upper-case letters and digits.
    pub id: String,
    /// Lower case, with the trailing dot.
    pub name: String,
    /// The idempotency token it was created with.
    pub caller_reference: String,
    pub comment: Option<String>,
    /// Whether it answers only inside VPCs.
    pub private: bool,
    /// The VPC of a private zone.
    pub vpc_id: Option<String>,
    /// In Route 53's order: by reversed labels, then type, then set identifier.
    pub record_sets: BTreeMap<RecordKey, RecordSet>,
}

/// What names a record set, in Route 53's order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordKey {
    /// Labels from the root down: `["", "com", "example", "www"]`.
    pub reversed_labels: Vec<String>,
    /// `A`, `CNAME`, …
    pub record_type: String,
    /// Of routing policies other than simple.
    pub set_identifier: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSet {
    /// Lower case, escaped as Route 53 does (`\052` for `*`), with the trailing dot.
    pub name: String,
    /// `A`, `CNAME`, …
    pub record_type: String,
    /// Of routing policies other than simple.
    pub set_identifier: Option<String>,
    /// Of weighted routing.
    pub weight: Option<u8>,
    /// Seconds; none for an alias.
    pub ttl_s: Option<u32>,
    /// Empty for an alias.
    pub values: Vec<String>,
    /// An alias has this instead of a TTL and values.
    pub alias: Option<AliasTarget>,
}

impl RecordSet {
    /// A simple record set with one value.
    pub fn simple(name: &str, record_type: &str, ttl_s: u32, value: &str) -> RecordSet {
        RecordSet {
            name: name.to_owned(),
            record_type: record_type.to_owned(),
            set_identifier: None,
            weight: None,
            ttl_s: Some(ttl_s),
            values: vec![value.to_owned()],
            alias: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasTarget {
    pub hosted_zone_id: String,
    pub dns_name: String,
    pub evaluate_target_health: bool,
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordChange {
    pub action: ChangeAction,
    pub record_set: RecordSet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeAction {
    /// Fails when it exists.
    Create,
    /// Fails unless it exists exactly so.
    Delete,
    /// Creates or replaces.
    Upsert,
}

/// A submitted batch on its way to all name servers.
#[derive(Clone, Debug)]
pub struct Change {
    /// `C` and upper-case letters and digits.
    pub id: String,
    /// `PENDING` until it is everywhere.
    pub in_sync: bool,
    pub submitted: Time,
    pub comment: Option<String>,
}

/// What happens in Route 53 without a call.
#[derive(Clone, Debug)]
pub enum Route53Effect {
    /// A change has reached all name servers.
    InSync(String),
}

impl World {
    pub(super) fn carry_out_route53(&mut self, effect: Route53Effect) {
        match effect {
            Route53Effect::InSync(id) => self.finish_change(&id),
        }
    }

    fn finish_change(&mut self, id: &str) {
        let change = self.route53.changes.get_mut(id).expect("a submitted change is never forgotten");
        change.in_sync = true;
        self.note_change(id, Route53Change::InSync);
    }
}
