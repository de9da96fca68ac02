//! Hosted zones.

use std::collections::BTreeMap;

use super::Route53;
use super::Route53Change;
use super::{Change, HostedZone, RecordKey, RecordSet, Route53Effect, World, normalise_name};
use crate::world::error::{ApiError, ApiResult};

impl Route53 {
    /// The zone, or the error that Route 53 answers for its id.
    pub fn hosted_zone(&self, id: &str) -> ApiResult<&HostedZone> {
        self.zones.get(id).ok_or_else(|| {
            ApiError::new("NoSuchHostedZone", format!("No hosted zone found with ID: {id}")).with_status(404)
        })
    }
}

impl World {
    /// CreateHostedZone: the ids of the zone and of the change.
    pub fn create_hosted_zone(
        &mut self,
        name: &str,
        caller_reference: &str,
        vpc_id: Option<String>,
        comment: Option<String>,
    ) -> ApiResult<(String, String)> {
        if self.route53.zones.values().any(|zone| zone.caller_reference == caller_reference) {
            let text = "A hosted zone has already been created with the specified caller reference.";
            return Err(ApiError::new("HostedZoneAlreadyExists", text).with_status(409));
        }
        let id = self.zone_id();
        let name = normalise_name(name);
        let record_sets = apex(&name).map(|set| (RecordKey::of(&name, &set.record_type, None), set));
        let zone = HostedZone {
            id: id.clone(),
            name: name.clone(),
            caller_reference: caller_reference.to_owned(),
            comment,
            private: vpc_id.is_some(),
            vpc_id,
            record_sets: BTreeMap::from(record_sets),
        };
        self.route53.zones.insert(id.clone(), zone);
        self.note_change(&id, Route53Change::ZoneCreated { name });
        let change = self.submit_change(None);
        Ok((id, change.id))
    }

    pub fn delete_hosted_zone(&mut self, id: &str) -> ApiResult<Change> {
        let zone = self.route53.hosted_zone(id)?;
        if zone.record_sets.values().any(|set| !zone.requires(set)) {
            let text =
                "The specified hosted zone contains non-required resource record sets  and so cannot be deleted.";
            return Err(ApiError::new("HostedZoneNotEmpty", text));
        }
        self.route53.zones.remove(id);
        self.note_change(id, Route53Change::Deleted);
        Ok(self.submit_change(None))
    }

    /// A change on its way to all name servers.
    pub(super) fn submit_change(&mut self, comment: Option<String>) -> Change {
        let change = Change { id: self.change_id(), in_sync: false, submitted: self.now, comment };
        self.route53.changes.insert(change.id.clone(), change.clone());
        let delay = self.draw(self.latency.change_in_sync);
        self.schedule(delay, Route53Effect::InSync(change.id.clone()));
        change
    }
}

impl HostedZone {
    /// Whether the zone cannot do without the record set: NS and SOA at the apex.
    pub(super) fn requires(&self, set: &RecordSet) -> bool {
        set.name == self.name && matches!(set.record_type.as_str(), "NS" | "SOA")
    }

    /// The record set of that name and type, with simple routing.
    pub fn record_set(&self, name: &str, record_type: &str) -> Option<&RecordSet> {
        self.record_sets.get(&RecordKey::of(name, record_type, None))
    }
}

/// What Route 53 puts into every new zone.
fn apex(name: &str) -> [RecordSet; 2] {
    let servers =
        ["ns-1536.awsdns-00.co.uk.", "ns-0.awsdns-00.com.", "ns-1024.awsdns-00.org.", "ns-512.awsdns-00.net."];
    let soa = "ns-1536.awsdns-00.co.uk. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400";
    let set = |record_type: &str, ttl_s, values: &[&str]| RecordSet {
        name: name.to_owned(),
        record_type: record_type.to_owned(),
        set_identifier: None,
        weight: None,
        ttl_s: Some(ttl_s),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        alias: None,
    };
    [set("NS", 172_800, &servers), set("SOA", 900, &[soa])]
}
