//! ChangeResourceRecordSets: all of a batch, or nothing of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::Route53Change;
use super::{Change, ChangeAction, HostedZone, RecordChange, RecordKey, RecordSet, World, normalise_name};
use crate::world::error::{ApiError, ApiResult};

impl ChangeAction {
    /// As on the wire.
    pub fn name(self) -> &'static str {
        match self {
            ChangeAction::Create => "CREATE",
            ChangeAction::Delete => "DELETE",
            ChangeAction::Upsert => "UPSERT",
        }
    }

    fn verb(self) -> &'static str {
        match self {
            ChangeAction::Create => "create",
            ChangeAction::Delete => "delete",
            ChangeAction::Upsert => "upsert",
        }
    }
}

impl World {
    /// ChangeResourceRecordSets. Route 53 API Reference: transactional; all problems are reported at once.
    pub fn change_resource_record_sets(
        &mut self,
        zone_id: &str,
        mut changes: Vec<RecordChange>,
        comment: Option<String>,
    ) -> ApiResult<Change> {
        let zone = self.route53.hosted_zone(zone_id)?;
        for change in &mut changes {
            check_shape(change)?;
            change.record_set.name = normalise_name(&change.record_set.name);
        }
        let mut problems = Vec::new();
        let mut record_sets = zone.record_sets.clone();
        for change in &changes {
            match problem(zone, &record_sets, change) {
                Some(text) => problems.push(text),
                None => apply(&mut record_sets, change),
            }
        }
        if !problems.is_empty() {
            return Err(ApiError::new("InvalidChangeBatch", format!("[{}]", problems.join(", "))));
        }
        self.route53.zones.get_mut(zone_id).expect("the zone was looked up").record_sets = record_sets;
        for change in changes {
            self.note_change(&change.record_set.name.clone(), Route53Change::Record(change));
        }
        Ok(self.submit_change(comment))
    }
}

fn apply(record_sets: &mut BTreeMap<RecordKey, RecordSet>, change: &RecordChange) {
    let key = key_of(&change.record_set);
    match change.action {
        ChangeAction::Create | ChangeAction::Upsert => {
            record_sets.insert(key, change.record_set.clone());
        }
        ChangeAction::Delete => {
            record_sets.remove(&key);
        }
    }
}

/// Why the change cannot be made on top of `record_sets`. awslabs/aws-sdk-kotlin#1433 has the texts of the first three.
fn problem(zone: &HostedZone, record_sets: &BTreeMap<RecordKey, RecordSet>, change: &RecordChange) -> Option<String> {
    let RecordChange { action, record_set } = change;
    let RecordSet { name, record_type, .. } = record_set;
    let identifier =
        record_set.set_identifier.as_ref().map(|id| format!(", set-identifier='{id}'")).unwrap_or_default();
    let tried =
        format!("Tried to {} resource record set [name='{name}', type='{record_type}'{identifier}]", action.verb());
    if *name != zone.name && !name.ends_with(&format!(".{}", zone.name)) {
        return Some(format!("RRSet with DNS name {name} is not permitted in zone {}", zone.name));
    }
    let current = record_sets.get(&key_of(record_set));
    match (action, current) {
        (ChangeAction::Delete, None) => return Some(format!("{tried} but it was not found")),
        (ChangeAction::Delete, Some(current)) if !same(current, record_set) => {
            return Some(format!("{tried} but the values provided do not match the current values"));
        }
        (ChangeAction::Delete, Some(current)) if zone.requires(current) => {
            return Some(match record_type.as_str() {
                "SOA" => "A HostedZone must contain exactly one SOA record.".to_owned(),
                _ => "A HostedZone must contain at least one NS record for the zone itself.".to_owned(),
            });
        }
        (ChangeAction::Delete, Some(_)) => return None,
        (ChangeAction::Create, Some(_)) => return Some(format!("{tried} but it already exists")),
        (ChangeAction::Create, None) | (ChangeAction::Upsert, _) => {}
    }
    if record_type == "CNAME" && *name == zone.name {
        return Some(format!(
            "RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {}",
            zone.name
        ));
    }
    let conflicts = record_sets
        .values()
        .any(|other| other.name == *name && (other.record_type == "CNAME") != (record_type == "CNAME"));
    if conflicts {
        return Some(format!(
            "RRSet of type {record_type} with DNS name {name} is not permitted as it conflicts with other records with \
             the same DNS name in zone {}",
            zone.name
        ));
    }
    record_set.values.iter().find_map(|value| bad_value(record_type, value))
}

fn bad_value(record_type: &str, value: &str) -> Option<String> {
    let (bad, fault) = match record_type {
        "A" => (value.parse::<Ipv4Addr>().is_err(), "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"),
        "AAAA" => {
            (value.parse::<Ipv6Addr>().is_err(), "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)")
        }
        _ => (false, ""),
    };
    bad.then(|| format!("Invalid Resource Record: 'FATAL problem: {fault} encountered with '{value}''"))
}

/// A record set is an alias, or it has a TTL and values. awslabs/aws-sdk-rust#924 has the text.
fn check_shape(change: &RecordChange) -> ApiResult<()> {
    let RecordChange { action, record_set } = change;
    let plain = (record_set.ttl_s.is_some(), !record_set.values.is_empty());
    let found = match (&record_set.alias, plain) {
        (Some(_), (false, false)) | (None, (true, true)) => return Ok(()),
        (Some(_), _) => "more than one",
        (None, _) => "none",
    };
    let text = format!(
        "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or \
         TrafficPolicyInstanceId], but found {found} in Change with [Action={}, Name={}, Type={}, SetIdentifier={}]",
        action.name(),
        record_set.name,
        record_set.record_type,
        record_set.set_identifier.as_deref().unwrap_or("null"),
    );
    Err(ApiError::new("InvalidInput", text))
}

/// Equal as Route 53 compares for a DELETE: the order of values does not matter.
fn same(current: &RecordSet, given: &RecordSet) -> bool {
    let values = |set: &RecordSet| set.values.iter().cloned().collect::<BTreeSet<_>>();
    current.ttl_s == given.ttl_s
        && current.weight == given.weight
        && current.alias == given.alias
        && values(current) == values(given)
}

fn key_of(set: &RecordSet) -> RecordKey {
    RecordKey::of(&set.name, &set.record_type, set.set_identifier.as_deref())
}
