//! Reading records. Nothing but the record depends on Route 53, so it is asked briefly, and what it does not answer is
//! [`Record::Unavailable`]: the volume does not wait for it.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_route53::operation::list_resource_record_sets::ListResourceRecordSetsOutput;
use aws_sdk_route53::types::{ResourceRecordSet, RrType};
use durin_decisions::node::{Record, RecordProblem};

use super::convert;
use crate::aws::{Aws, code, failed, within};
use crate::declaration::Declaration;
use crate::ids::HostedZoneId;

/// How long reading or writing a record may take, all attempts together: what waits for it is outage.
pub(super) const TIMEOUT: Duration = Duration::from_secs(4);

/// Route 53 allows an account five requests a second, and others may be asking too. (Route 53 Developer Guide, "Quotas".)
const BETWEEN_PAGES: Duration = Duration::from_millis(300);

/// The most that Route 53 lists at once.
const PAGE: i32 = 300;

/// The node's record.
pub(super) async fn record(aws: &Aws, node: &Declaration) -> Record {
    match list(aws, &node.zone, node.record.as_str(), 1).await {
        Ok(page) => convert::record(node.record.as_str(), page.resource_record_sets().first()),
        Err(problem) => Record::Unavailable(problem),
    }
}

/// The records of many nodes, in their order. A page holds many records, so nodes that share a zone cost few calls more than
/// one does: the next page begins at the first name that the last one has not covered.
pub(super) async fn records(aws: &Aws, nodes: &[&Declaration]) -> Vec<Record> {
    let mut by_zone: BTreeMap<&HostedZoneId, Vec<&str>> = BTreeMap::new();
    for node in nodes {
        by_zone.entry(&node.zone).or_default().push(node.record.as_str());
    }
    let mut found: BTreeMap<(&HostedZoneId, &str), Record> = BTreeMap::new();
    let mut calls = 0;
    for (zone, mut names) in by_zone {
        names.sort_by(|one, other| listing_order(one, other));
        names.dedup();
        let mut names = names.as_slice();
        while let Some(first) = names.first() {
            if calls > 0 {
                aws.clock.sleep(BETWEEN_PAGES).await;
            }
            calls += 1;
            let size = if names.len() == 1 { 1 } else { PAGE };
            let listed = list(aws, zone, first, size).await;
            let (covered, rest) = names.split_at(listed.as_ref().map_or(names.len(), |page| covered(page, names)));
            for name in covered {
                let record = match &listed {
                    Ok(page) => convert::record(name, answer(page, name)),
                    Err(problem) => Record::Unavailable(problem.clone()),
                };
                found.insert((zone, name), record);
            }
            names = rest;
        }
    }
    let unread = || Record::Unavailable(RecordProblem::Unanswered("it was not read".to_owned()));
    nodes.iter().map(|node| found.get(&(&node.zone, node.record.as_str())).cloned().unwrap_or_else(unread)).collect()
}

/// The name is only where the listing starts, so the first answer may be another name or type.
async fn list(
    aws: &Aws,
    zone: &HostedZoneId,
    from: &str,
    size: i32,
) -> Result<ListResourceRecordSetsOutput, RecordProblem> {
    let listed = aws
        .route53
        .list_resource_record_sets()
        .hosted_zone_id(zone.as_str())
        .start_record_name(from)
        .start_record_type(RrType::A)
        .max_items(size)
        .customize()
        .config_override(aws_sdk_route53::config::Builder::new().timeout_config(within(TIMEOUT)))
        .send()
        .await;
    listed.map_err(|error| {
        if let Some(problem) = zone_problem(code(&error)) {
            return problem;
        }
        let failure = failed("route53:ListResourceRecordSets")(error).chain();
        tracing::warn!(%zone, record = from, reason = failure, "a record cannot be read");
        RecordProblem::Unanswered(failure)
    })
}

/// What is wrong with the zone, if that is why Route 53 refuses. It says "access denied" of a zone that the roles do not
/// name, whether or not there is such a zone.
pub(super) fn zone_problem(code: &str) -> Option<RecordProblem> {
    match code {
        "NoSuchHostedZone" => Some(RecordProblem::NoSuchZone),
        "AccessDenied" => Some(RecordProblem::ZoneNotAllowed),
        _ => None,
    }
}

/// Of these names, in the order of the listing, how many the page has an answer to: at least the first, where it begins.
fn covered(page: &ListResourceRecordSetsOutput, names: &[&str]) -> usize {
    match page.next_record_name().filter(|_| page.is_truncated()) {
        None => names.len(),
        Some(next) => names.iter().filter(|name| listing_order(name, next) == Ordering::Less).count().max(1),
    }
}

/// Only these two types can stand in the way of an A record, and they come in this order.
fn answer<'a>(page: &'a ListResourceRecordSetsOutput, name: &str) -> Option<&'a ResourceRecordSet> {
    let of_name = |set: &&ResourceRecordSet| set.name() == name && matches!(set.r#type(), RrType::A | RrType::Cname);
    page.resource_record_sets().iter().find(of_name)
}

/// Route 53 lists names by their labels, the last one first. (Route 53 API Reference, ListResourceRecordSets.)
fn listing_order(one: &str, other: &str) -> Ordering {
    one.rsplit('.').cmp(other.rsplit('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_by_their_labels_from_the_last_to_the_first() {
        let mut names = ["b.example.com.", "a.b.example.com.", "example.com.", "c.example.com.", "z.a.com."];
        names.sort_by(|one, other| listing_order(one, other));
        assert_eq!(names, ["z.a.com.", "example.com.", "b.example.com.", "a.b.example.com.", "c.example.com."]);
    }

    #[test]
    fn a_page_covers_the_names_before_the_next_one_and_at_least_the_first() {
        let page = |next: Option<&str>| {
            ListResourceRecordSetsOutput::builder()
                .set_resource_record_sets(Some(Vec::new()))
                .is_truncated(next.is_some())
                .set_next_record_name(next.map(str::to_owned))
                .max_items(300)
                .build()
                .expect("a page")
        };
        let names = ["a.example.com.", "b.example.com.", "c.example.com."];
        assert_eq!(covered(&page(None), &names), 3);
        assert_eq!(covered(&page(Some("b.example.com.")), &names), 1);
        assert_eq!(covered(&page(Some("x.b.example.com.")), &names), 2);
        assert_eq!(covered(&page(Some("a.example.com.")), &names), 1, "however many sets the name has");
    }
}
