//! Resource record sets as they are listed.

use serde_json::{Value, json};

use super::resources::zone;
use crate::wire::element::invalid_input;
use crate::wire::operation::{Operation, reads};
use crate::wire::rest::RestRequest;
use crate::world::World;
use crate::world::error::ApiResult;
use crate::world::route53::{AliasTarget, RecordKey, RecordSet, check_labels};

pub(super) const OPERATIONS: &[Operation] = &[Operation::route53(
    "ListResourceRecordSets",
    "GET hostedzone/{Id}/rrset",
    &["identifier", "maxitems", "name", "type"],
    reads(list).on(zone),
)];

/// ListResourceRecordSets. `name`, `type` and `identifier` are a lower bound: the first record set listed may well be
/// another one.
fn list(world: &World, request: &RestRequest) -> ApiResult<Value> {
    let zone = world.route53.hosted_zone(&request.id)?;
    let limit = request.max_items(300)?;
    let (name, record_type, identifier) = (request.text("name"), request.text("type"), request.text("identifier"));
    if record_type.is_some() && name.is_none() {
        return Err(invalid_input(
            "The input is not valid: StartRecordType must not be specified without StartRecordName.",
        ));
    }
    if identifier.is_some() && record_type.is_none() {
        return Err(invalid_input(
            "The input is not valid: StartRecordIdentifier must not be specified without StartRecordType.",
        ));
    }
    name.map_or(Ok(()), |name| check_labels("InvalidInput", name))?;
    let start = name.map(|name| RecordKey::of(name, record_type.unwrap_or_default(), identifier));
    let mut record_sets =
        zone.record_sets.iter().filter(|(key, _)| start.as_ref().is_none_or(|start| *key >= start)).map(|(_, set)| set);
    let shown: Vec<Value> = record_sets.by_ref().take(limit).map(record_set_item).collect();
    let next = record_sets.next();
    Ok(json!({
        "ResourceRecordSets": {"ResourceRecordSet": shown},
        "IsTruncated": next.is_some(),
        "NextRecordName": next.map(|set| &set.name),
        "NextRecordType": next.map(|set| &set.record_type),
        "NextRecordIdentifier": next.and_then(|set| set.set_identifier.as_ref()),
        "MaxItems": limit.to_string(),
    }))
}

fn record_set_item(set: &RecordSet) -> Value {
    let records: Vec<Value> = set.values.iter().map(|value| json!({"Value": value})).collect();
    json!({
        "Name": set.name,
        "Type": set.record_type,
        "SetIdentifier": set.set_identifier,
        "Weight": set.weight,
        "TTL": set.ttl_s,
        "ResourceRecords": set.alias.is_none().then(|| json!({"ResourceRecord": records})),
        "AliasTarget": set.alias.as_ref().map(alias_item),
    })
}

fn alias_item(alias: &AliasTarget) -> Value {
    json!({
        "HostedZoneId": alias.hosted_zone_id,
        "DNSName": alias.dns_name,
        "EvaluateTargetHealth": alias.evaluate_target_health,
    })
}
