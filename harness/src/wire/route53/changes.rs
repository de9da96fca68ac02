//! Change batches.

use std::str::FromStr;

use serde_json::{Value, json};

use super::answers::{change_info, find_change};
use super::resources;
use crate::iam::Check;
use crate::wire::element::{Element, invalid_input};
use crate::wire::operation::{Operation, reads, writes};
use crate::wire::rest::RestRequest;
use crate::world::World;
use crate::world::error::ApiResult;
use crate::world::route53::{AliasTarget, ChangeAction, RecordChange, RecordSet, normalise_name};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::route53(
        "ChangeResourceRecordSets",
        "POST hostedzone/{Id}/rrset",
        &[],
        writes(change).on(zone_and_changes),
    ),
    Operation::route53("GetChange", "GET change/{Id}", &[], reads(get).on(resources::change)),
];

/// ChangeResourceRecordSets.
fn change(world: &mut World, request: &RestRequest) -> ApiResult<Value> {
    request.body.only(&["ChangeBatch"])?;
    let batch = request.body.child("ChangeBatch").ok_or_else(|| invalid_input("ChangeBatch is missing"))?;
    batch.only(&["Changes", "Comment"])?;
    let changes = batch.list("Changes").iter().map(record_change).collect::<ApiResult<Vec<_>>>()?;
    if changes.is_empty() {
        return Err(invalid_input("Invalid XML ; Changes must have at least one Change"));
    }
    let comment = batch.text("Comment").filter(|comment| !comment.is_empty()).map(str::to_owned);
    let change = world.change_resource_record_sets(&request.id, changes, comment)?;
    Ok(json!({"ChangeInfo": change_info(&change)}))
}

fn get(world: &World, request: &RestRequest) -> ApiResult<Value> {
    Ok(json!({"ChangeInfo": change_info(find_change(world, &request.id)?)}))
}

/// A change is checked with its actions and their records. (Route 53 Developer Guide, "Using IAM policy conditions for
/// fine-grained access control".)
fn zone_and_changes(world: &World, request: &RestRequest, action: &str) -> Vec<Check> {
    let changes = request.body.child("ChangeBatch").map_or(&[][..], |batch| batch.list("Changes"));
    let of_set = |name| {
        let texts = changes.iter().filter_map(move |change| change.child("ResourceRecordSet")?.text(name));
        texts.map(str::to_owned).collect::<Vec<_>>()
    };
    let actions: Vec<_> = changes.iter().filter_map(|change| change.text("Action")).map(str::to_owned).collect();
    // In lower case and without the final dot.
    let normal = |name: String| name.to_ascii_lowercase().trim_end_matches('.').to_owned();
    let mut checks = resources::zone(world, request, action);
    for check in &mut checks {
        check.keys = vec![
            ("route53:ChangeResourceRecordSetsActions", actions.clone()),
            ("route53:ChangeResourceRecordSetsRecordTypes", of_set("Type")),
            ("route53:ChangeResourceRecordSetsNormalizedRecordNames", of_set("Name").into_iter().map(normal).collect()),
        ];
    }
    checks
}

fn record_change(change: &Element) -> ApiResult<RecordChange> {
    change.only(&["Action", "ResourceRecordSet"])?;
    let action = match change.required("Action")? {
        "CREATE" => ChangeAction::Create,
        "DELETE" => ChangeAction::Delete,
        "UPSERT" => ChangeAction::Upsert,
        other => return Err(invalid_input(format!("Invalid XML ; '{other}' is not a ChangeAction"))),
    };
    let set = change.child("ResourceRecordSet").ok_or_else(|| invalid_input("ResourceRecordSet is missing"))?;
    set.only(&["AliasTarget", "Name", "ResourceRecords", "SetIdentifier", "TTL", "Type", "Weight"])?;
    let values: Vec<String> = set
        .list("ResourceRecords")
        .iter()
        .map(|record| Ok(record.required("Value")?.to_owned()))
        .collect::<ApiResult<_>>()?;
    let record_set = RecordSet {
        name: set.required("Name")?.to_owned(),
        record_type: set.required("Type")?.to_owned(),
        set_identifier: set.text("SetIdentifier").map(str::to_owned),
        weight: number(set, "Weight")?,
        ttl_s: number(set, "TTL")?,
        values,
        alias: set.child("AliasTarget").map(alias_target).transpose()?,
    };
    Ok(RecordChange { action, record_set })
}

fn alias_target(alias: &Element) -> ApiResult<AliasTarget> {
    Ok(AliasTarget {
        hosted_zone_id: alias.required("HostedZoneId")?.to_owned(),
        dns_name: normalise_name(alias.required("DNSName")?),
        evaluate_target_health: alias.required("EvaluateTargetHealth")? == "true",
    })
}

fn number<N: FromStr>(set: &Element, name: &str) -> ApiResult<Option<N>> {
    let parse = |text: &str| {
        text.parse().map_err(|_| invalid_input(format!("Invalid XML ; '{text}' is not a valid value for {name}")))
    };
    set.text(name).map(parse).transpose()
}
