//! ChangeResourceRecordSets: all of a batch, or nothing of it.

use std::collections::{BTreeMap, BTreeSet};

use super::Route53Change;
use super::refusals::{bad_values, check_labels, check_shape, check_size};
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
        check_size(&changes)?;
        for change in &mut changes {
            check_shape(change)?;
            check_labels("InvalidChangeBatch", &change.record_set.name)?;
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
    other_routing(record_sets, record_set).or_else(|| bad_values(record_set))
}

/// Record sets of one name and type are one simple set, or have identifiers and the same routing. chef-boneyard/route53#100
/// and kubernetes-sigs/external-dns#4345 have the texts.
fn other_routing(record_sets: &BTreeMap<RecordKey, RecordSet>, new: &RecordSet) -> Option<String> {
    let RecordSet { name, record_type, set_identifier, .. } = new;
    let others = record_sets.values().filter(|it| it.name == *name && it.record_type == *record_type);
    match set_identifier {
        None if others.clone().any(|it| it.set_identifier.is_some()) => Some(format!(
            "RRSet with DNS name {name}, type {record_type} cannot be created as other RRSets exist with the same name \
             and type."
        )),
        Some(id) if others.clone().any(|it| it.set_identifier.is_none()) => Some(format!(
            "RRSet with DNS name {name}, type {record_type}, SetIdentifier {id} cannot be created as a non-weighted set \
             exists with the same name and type."
        )),
        None | Some(_) => None,
    }
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
