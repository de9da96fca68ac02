//! Refusals of a change batch that do not depend on the zone.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{ChangeAction, RecordChange, RecordSet, normalise_name};
use crate::world::error::{ApiError, ApiResult};

/// Route 53 API Reference (ChangeResourceRecordSets): how many ResourceRecord elements a request may have, and how many
/// characters all their values; an UPSERT counts twice.
const RECORDS_AT_MOST: usize = 1000;
const CHARACTERS_AT_MOST: usize = 32_000;
/// Route 53 Developer Guide (quotas): the records of one set.
const VALUES_AT_MOST: usize = 400;

/// Route 53 Developer Guide (DNS domain name format): bytes of a label, and of a name.
const LABEL_AT_MOST: usize = 63;
const NAME_AT_MOST: usize = 255;

/// A record set has one of these.
const CONTENT: &str = "AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId";

/// DNSControl/dnscontrol#508 and octodns/octodns-route53#17 have the texts, rancher/rancher#10253 the last one.
pub(super) fn check_size(changes: &[RecordChange]) -> ApiResult<()> {
    let times = |action| if action == ChangeAction::Upsert { 2 } else { 1 };
    let values = |change: &RecordChange| change.record_set.values.clone();
    let records: usize = changes.iter().map(|it| values(it).len() * times(it.action)).sum();
    let characters: usize =
        changes.iter().map(|it| values(it).iter().map(String::len).sum::<usize>() * times(it.action)).sum();
    let text = if records > RECORDS_AT_MOST {
        format!("[Number of records limit of {RECORDS_AT_MOST} exceeded.]")
    } else if characters > CHARACTERS_AT_MOST {
        format!("[Number of characters limit of {CHARACTERS_AT_MOST} exceeded.]")
    } else if changes.iter().any(|it| values(it).len() > VALUES_AT_MOST) {
        format!("[Cannot have more than {VALUES_AT_MOST} records in a RRSet.]")
    } else {
        return Ok(());
    };
    Err(ApiError::new("InvalidChangeBatch", text))
}

/// Refuses a name that is none, with `code`. ministryofjustice/cloud-platform#4294 and sorah/acmesmith#65 have the texts;
/// the one for a long name is by analogy.
///
/// # Errors
/// When a label is empty or too long, or the name is too long.
pub fn check_labels(code: &str, name: &str) -> ApiResult<()> {
    let normal = normalise_name(name);
    let whole = normal.trim_end_matches('.');
    // An escaped byte is one.
    let bytes = |label: &str| label.len() - 3 * label.matches('\\').count();
    let labels: Vec<_> = normal.strip_suffix('.').unwrap_or(&normal).split('.').collect();
    let (fault, found) = if labels.contains(&"") {
        ("DomainLabelEmpty (Domain label is empty)", name)
    } else if let Some(long) = labels.iter().find(|label| bytes(label) > LABEL_AT_MOST) {
        ("DomainLabelTooLong (Domain label is too long)", *long)
    } else if bytes(whole) > NAME_AT_MOST {
        ("DomainNameTooLong (Domain name is too long)", name)
    } else {
        return Ok(());
    };
    Err(ApiError::new(code, format!("FATAL problem: {fault} encountered with '{found}'")))
}

/// A record set is an alias, or it has a TTL and values. awslabs/aws-sdk-rust#924 has the text; those about routing are by
/// analogy.
pub(super) fn check_shape(change: &RecordChange) -> ApiResult<()> {
    let RecordChange { action, record_set } = change;
    let plain = (record_set.ttl_s.is_some(), !record_set.values.is_empty());
    let problem = match (&record_set.alias, plain, &record_set.set_identifier, record_set.weight) {
        (Some(_), (false, false), None, None) | (None, (true, true), None, None) => return Ok(()),
        (Some(_), (false, false), Some(_), Some(_)) | (None, (true, true), Some(_), Some(_)) => return Ok(()),
        (Some(_), (false, false), None, Some(_)) | (None, (true, true), None, Some(_)) => {
            "Missing field 'SetIdentifier'".to_owned()
        }
        (Some(_), (false, false), Some(_), None) | (None, (true, true), Some(_), None) => {
            exactly_one_of("Weight, Region, Failover, GeoLocation, or MultiValueAnswer", "none")
        }
        (Some(_), _, _, _) => exactly_one_of(CONTENT, "more than one"),
        (None, _, _, _) => exactly_one_of(CONTENT, "none"),
    };
    let text = format!(
        "Invalid request: {problem} in Change with [Action={}, Name={}, Type={}, SetIdentifier={}]",
        action.name(),
        record_set.name,
        record_set.record_type,
        record_set.set_identifier.as_deref().unwrap_or("null"),
    );
    Err(ApiError::new("InvalidInput", text))
}

fn exactly_one_of(fields: &str, found: &str) -> String {
    format!("Expected exactly one of [{fields}], but found {found}")
}

/// kubernetes-sigs/external-dns#1929 has the text about doubled values, one for each.
pub(super) fn bad_values(record_set: &RecordSet) -> Option<String> {
    let RecordSet { record_type, values, .. } = record_set;
    let mut seen = BTreeSet::new();
    let doubled = values.iter().filter(|value| !seen.insert(value.as_str()));
    let doubled: Vec<_> = doubled.map(|value| format!("Duplicate Resource Record: '{value}'")).collect();
    let malformed = values.iter().find_map(|value| bad_value(record_type, value));
    malformed.or_else(|| (!doubled.is_empty()).then(|| doubled.join(", ")))
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
