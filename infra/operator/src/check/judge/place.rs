//! Where the node is: its record, its hosted zone, its subnets, its region.

use std::collections::BTreeSet;

use durin::ids::RecordName;
use durin::tags::{HOSTED_ZONE_ID, RECORD_NAME};
use durin_decisions::node::{claim_name, claim_text};

use super::{missing, named, unknown};
use crate::check::list::Verdict;
use crate::check::read::Facts;

pub(in crate::check) fn functions(facts: &Facts) -> Verdict {
    match &facts.documents {
        Ok(true) => Verdict::Present,
        Ok(false) => missing("the document durin-release is not in this region", "just deploy"),
        Err(why) => unknown(why),
    }
}

pub(in crate::check) fn record(facts: &Facts) -> Verdict {
    let Some(record) = facts.tag(RECORD_NAME).and_then(|name| RecordName::from_tag(name).ok()) else {
        return unknown("no tag names the record");
    };
    let zone = match (&facts.zone, facts.tag(HOSTED_ZONE_ID)) {
        (Ok(Some(zone)), _) => zone,
        (Err(why), _) => return unknown(why),
        (Ok(None), None) => return unknown("no tag names the hosted zone"),
        (Ok(None), Some(id)) => {
            return missing(format!("there is no hosted zone {id}"), format!("correct the tag {HOSTED_ZONE_ID}"));
        }
    };
    let (name, shown) = (record.as_str(), record.as_str().trim_end_matches('.'));
    if name != zone && !name.ends_with(&format!(".{zone}")) {
        return missing(
            format!("{shown} is not in the hosted zone, whose name is {}", zone.trim_end_matches('.')),
            format!("correct the tag {RECORD_NAME} or {HOSTED_ZONE_ID}"),
        );
    }
    let standing = match &facts.record {
        Ok(standing) => standing,
        Err(why) => return unknown(why),
    };
    let claim = claim_text(&facts.name);
    if standing.claim.contains(&claim) || (standing.claim.is_empty() && standing.records.is_empty()) {
        return Verdict::Present;
    }
    let is = if standing.claim.is_empty() { standing.records.join(", ") } else { standing.claim.join(" ") };
    missing(
        format!("{shown} is another's already ({is})"),
        format!(
            "delete that record, name another, or, if it is this node's, create the TXT record {} with the value {claim}",
            claim_name(&record).trim_end_matches('.')
        ),
    )
}

/// The functions write the claim, so where it stands, they may.
pub(in crate::check) fn zone_allowed(facts: &Facts) -> Verdict {
    let is_claimed = facts.record.as_ref().is_ok_and(|standing| standing.claim.contains(&claim_text(&facts.name)));
    match facts.tag(HOSTED_ZONE_ID) {
        Some(_) if is_claimed => Verdict::Present,
        Some(zone) => Verdict::Unknown(format!(
            "only the functions' roles say so; `just deploy` lists their zones, and `just deploy --hosted-zone {zone}` adds it"
        )),
        None => unknown("no tag names the hosted zone"),
    }
}

pub(in crate::check) fn subnets(facts: &Facts) -> Verdict {
    let zone = match &facts.volume {
        Ok(volume) => volume.as_ref().and_then(|volume| volume.availability_zone()),
        Err(why) => return unknown(why),
    };
    let subnets = match &facts.subnets {
        Ok(subnets) => subnets,
        Err(why) => return unknown(why),
    };
    let give = || {
        let zone = zone.unwrap_or("the volume's zone");
        format!(
            "give it subnets in {zone}: aws autoscaling update-auto-scaling-group {} --vpc-zone-identifier subnet-…",
            named(facts)
        )
    };
    if let Some(subnet) = subnets.iter().find(|subnet| subnet.ipv6_native() == Some(true)) {
        return missing(format!("the subnet {} has no IPv4", subnet.subnet_id().unwrap_or_default()), give());
    }
    let Some(zone) = zone else { return unknown("no tag names a volume that EC2 lists") };
    let zones: BTreeSet<&str> = facts.group.availability_zones().iter().map(String::as_str).collect();
    match zones.iter().find(|other| **other != zone) {
        Some(other) => missing(format!("the group launches in {other}, and the volume is in {zone}"), give()),
        None => Verdict::Present,
    }
}
