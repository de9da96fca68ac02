//! Reading names: the records, and who claims them. Nothing but the record depends on Route 53, so it is asked briefly, and
//! what it does not answer is [`Record::Unavailable`]: the volume does not wait for it.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_route53::operation::list_resource_record_sets::ListResourceRecordSetsOutput;
use aws_sdk_route53::types::{ResourceRecordSet, RrType};
use durin_decisions::node::{ARecord, Claim, Record, RecordProblem, claim_name};

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

/// How many sets are listed for one node: those of its name, and of names below it that come before its claim.
const ONE_NODE: i32 = 20;

/// The node's name in its zone.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) record: Record,
    pub(super) claim: Claim,
}

/// One call, unless many other names are below the node's: Route 53 lists these after it, and the claim among them.
pub(super) async fn name(aws: &Aws, node: &Declaration) -> Name {
    names(aws, &[node]).await.pop().unwrap_or_else(|| Name::unavailable(unread()))
}

/// The names of many nodes, in their order. A page holds many record sets, so nodes that share a zone cost few calls more
/// than one does: the next page begins at the first set that the last one has not covered.
pub(super) async fn names(aws: &Aws, nodes: &[&Declaration]) -> Vec<Name> {
    let claims: Vec<String> = nodes.iter().map(|node| claim_name(&node.record)).collect();
    let wanted = |index: usize| [(nodes[index].record.as_str(), Kind::Record), (claims[index].as_str(), Kind::Claim)];
    let mut by_zone: BTreeMap<&HostedZoneId, Vec<Wanted<'_>>> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        by_zone.entry(&node.zone).or_default().extend(wanted(index));
    }
    let page_size = if nodes.len() == 1 { ONE_NODE } else { PAGE };
    let mut found: BTreeMap<(&HostedZoneId, Wanted<'_>), Answer> = BTreeMap::new();
    let mut calls = 0;
    for (zone, mut wanted) in by_zone {
        wanted.sort_by(|one, other| listing_order(one.0, other.0).then(one.1.cmp(&other.1)));
        wanted.dedup();
        let mut wanted = wanted.as_slice();
        while let Some(first) = wanted.first() {
            if calls > 0 {
                aws.clock.sleep(BETWEEN_PAGES).await;
            }
            calls += 1;
            let size = if wanted.len() == 1 { 1 } else { page_size };
            let listed = list(aws, zone, *first, size).await;
            let (covered, rest) = wanted.split_at(listed.as_ref().map_or(wanted.len(), |page| covered(page, wanted)));
            for it in covered {
                let answer = listed.as_ref().map(|page| answer(page, *it).cloned()).map_err(RecordProblem::clone);
                found.insert((zone, *it), answer);
            }
            wanted = rest;
        }
    }
    let mut all = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        let [record, claim] =
            wanted(index).map(|it| found.get(&(&node.zone, it)).cloned().unwrap_or_else(|| Err(unread())));
        all.push(Name::of(node, record, claim));
    }
    all
}

/// A record set that is looked for in a zone: its name, and which of the node's it is.
type Wanted<'a> = (&'a str, Kind);

type Answer = Result<Option<ResourceRecordSet>, RecordProblem>;

/// In the order of the listing, if they had one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Record,
    Claim,
}

impl Kind {
    fn record_type(self) -> RrType {
        match self {
            Kind::Record => RrType::A,
            Kind::Claim => RrType::Txt,
        }
    }

    /// A CNAME record stands in the way of an A record, and there is never one beside the other.
    fn answers(self, found: &RrType) -> bool {
        match self {
            Kind::Record => matches!(found, RrType::A | RrType::Cname),
            Kind::Claim => *found == RrType::Txt,
        }
    }
}

impl Name {
    fn of(node: &Declaration, record: Answer, claim: Answer) -> Name {
        match (record, claim) {
            (Ok(record), Ok(claim)) => Name {
                record: convert::record(node.record.as_str(), record.as_ref()),
                claim: convert::claim(&node.group, claim.as_ref()),
            },
            // Without the claim nobody knows whose the record is.
            (Err(problem), _) | (_, Err(problem)) => Name::unavailable(problem),
        }
    }

    fn unavailable(problem: RecordProblem) -> Name {
        Name { record: Record::Unavailable(problem), claim: Claim::Absent }
    }
}

fn unread() -> RecordProblem {
    RecordProblem::Unanswered("it was not read".to_owned())
}

/// The name is only where the listing starts, so the first answer may be another name or type.
/// Probe: a-listing-begins-at-a-name.
async fn list(
    aws: &Aws,
    zone: &HostedZoneId,
    (name, kind): Wanted<'_>,
    size: i32,
) -> Result<ListResourceRecordSetsOutput, RecordProblem> {
    let listed = aws
        .route53
        .list_resource_record_sets()
        .hosted_zone_id(zone.as_str())
        .start_record_name(name)
        .start_record_type(kind.record_type())
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
        tracing::warn!(%zone, record = name, reason = failure, "a record cannot be read");
        RecordProblem::Unanswered(failure)
    })
}

/// What a person should know whose node's record has been set back.
pub(super) fn written_by_others(node: &Declaration, from: &ARecord, to: &ARecord) -> String {
    format!(
        "the record {} of {} named {}, which is not an instance of the node, so something else writes it; Durin has set it back to \
         {}: find out what writes it, and if a node of another region or account has the same record, give one of the two \
         another name (durin:record-name)",
        node.record, node.group, from.address, to.address
    )
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

/// Of these, in the order of the listing, how many the page has an answer to: at least the first, where it begins.
fn covered(page: &ListResourceRecordSetsOutput, wanted: &[Wanted<'_>]) -> usize {
    match page.next_record_name().filter(|_| page.is_truncated()) {
        None => wanted.len(),
        Some(next) => wanted.iter().filter(|it| listing_order(it.0, next) == Ordering::Less).count().max(1),
    }
}

fn answer<'a>(page: &'a ListResourceRecordSetsOutput, (name, kind): Wanted<'_>) -> Option<&'a ResourceRecordSet> {
    page.resource_record_sets().iter().find(|set| set.name() == name && kind.answers(set.r#type()))
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
        let names = ["a.example.com.", "b.example.com.", "c.example.com."].map(|name| (name, Kind::Record));
        assert_eq!(covered(&page(None), &names), 3);
        assert_eq!(covered(&page(Some("b.example.com.")), &names), 1);
        assert_eq!(covered(&page(Some("x.b.example.com.")), &names), 2);
        assert_eq!(covered(&page(Some("a.example.com.")), &names), 1, "however many sets the name has");
    }
}
