//! Hosted zones.

use serde_json::{Value, json};

use super::{Input, change_info, invalid_input};
use crate::world::error::{ApiError, ApiResult};
use crate::world::route53::{Change, HostedZone, RecordKey};
use crate::world::{REGION, World};

pub(super) fn create(world: &mut World, input: &Input) -> ApiResult<Value> {
    let body = &input.body;
    body.only(&["CallerReference", "HostedZoneConfig", "Name", "VPC"])?;
    let vpc_id = match body.child("VPC") {
        Some(vpc) => Some(vpc.required("VPCId")?.to_owned()),
        None => None,
    };
    let config = body.child("HostedZoneConfig");
    if vpc_id.is_none() && config.and_then(|config| config.text("PrivateZone")) == Some("true") {
        return Err(invalid_input("When you're creating a private hosted zone, you must specify a VPC."));
    }
    let comment = config.and_then(|config| config.text("Comment")).filter(|comment| !comment.is_empty());
    let (zone_id, change_id) = world.create_hosted_zone(
        body.required("Name")?,
        body.required("CallerReference")?,
        vpc_id,
        comment.map(str::to_owned),
    )?;
    let zone = world.hosted_zone(&zone_id)?;
    Ok(json!({
        "HostedZone": zone_item(zone),
        "ChangeInfo": change_info(find_change(world, &change_id)?),
        "DelegationSet": delegation_set(zone),
        "VPC": vpc(zone),
    }))
}

pub(super) fn get(world: &World, input: &Input) -> ApiResult<Value> {
    let zone = world.hosted_zone(&input.id)?;
    let vpcs = zone.private.then(|| json!({"VPC": [vpc(zone)]}));
    Ok(json!({"HostedZone": zone_item(zone), "DelegationSet": delegation_set(zone), "VPCs": vpcs}))
}

pub(super) fn delete(world: &mut World, input: &Input) -> ApiResult<Value> {
    let change = world.delete_hosted_zone(&input.id)?;
    Ok(json!({"ChangeInfo": change_info(&change)}))
}

/// ListHostedZones: `marker` is the first zone of the page.
pub(super) fn list(world: &World, input: &Input) -> ApiResult<Value> {
    let limit = input.max_items(100)?;
    let marker = input.text("marker").unwrap_or_default();
    let mut zones = world.route53.zones.range(marker.to_owned()..).map(|(_, zone)| zone);
    let shown: Vec<Value> = zones.by_ref().take(limit).map(zone_item).collect();
    let next = zones.next().map(|zone| zone.id.clone());
    Ok(json!({
        "HostedZones": {"HostedZone": shown},
        "Marker": marker,
        "IsTruncated": next.is_some(),
        "NextMarker": next,
        "MaxItems": limit.to_string(),
    }))
}

/// ListHostedZonesByName: in the order of names; `dnsname` and `hostedzoneid` are the first zone of the page.
pub(super) fn list_by_name(world: &World, input: &Input) -> ApiResult<Value> {
    let limit = input.max_items(100)?;
    let from_name = input.text("dnsname");
    let from_id = input.text("hostedzoneid");
    if from_id.is_some() && from_name.is_none() {
        return Err(invalid_input("You can't specify HostedZoneId without DNSName."));
    }
    let place = |name: &str, id: &str| (RecordKey::of(name, "", None).reversed_labels, id.to_owned());
    let mut zones: Vec<&HostedZone> = world.route53.zones.values().collect();
    zones.sort_by_key(|zone| place(&zone.name, &zone.id));
    let start = from_name.map(|name| place(name, from_id.unwrap_or_default()));
    let mut zones =
        zones.into_iter().filter(|zone| start.as_ref().is_none_or(|start| place(&zone.name, &zone.id) >= *start));
    let shown: Vec<Value> = zones.by_ref().take(limit).map(zone_item).collect();
    let next = zones.next();
    Ok(json!({
        "HostedZones": {"HostedZone": shown},
        "DNSName": from_name,
        "HostedZoneId": from_id,
        "IsTruncated": next.is_some(),
        "NextDNSName": next.map(|zone| &zone.name),
        "NextHostedZoneId": next.map(|zone| &zone.id),
        "MaxItems": limit.to_string(),
    }))
}

/// ListTagsForResource: zones have no tags here, but Terraform asks.
pub(super) fn list_tags(world: &World, input: &Input) -> ApiResult<Value> {
    let zone = world.hosted_zone(&input.id)?;
    Ok(json!({"ResourceTagSet": {"ResourceType": "hostedzone", "ResourceId": zone.id, "Tags": {}}}))
}

pub(super) fn find_change<'a>(world: &'a World, id: &str) -> ApiResult<&'a Change> {
    world
        .route53
        .changes
        .get(id)
        .ok_or_else(|| ApiError::new("NoSuchChange", format!("Could not find resource with ID: {id}")).with_status(404))
}

fn zone_item(zone: &HostedZone) -> Value {
    json!({
        "Id": format!("/hostedzone/{}", zone.id),
        "Name": zone.name,
        "CallerReference": zone.caller_reference,
        "Config": {"Comment": zone.comment, "PrivateZone": zone.private},
        "ResourceRecordSetCount": zone.record_sets.len(),
    })
}

/// Private zones have a VPC, public ones have name servers.
fn vpc(zone: &HostedZone) -> Value {
    match &zone.vpc_id {
        Some(id) => json!({"VPCRegion": REGION, "VPCId": id}),
        None => Value::Null,
    }
}

fn delegation_set(zone: &HostedZone) -> Value {
    if zone.private {
        return Value::Null;
    }
    let name_servers: Value = zone
        .record_set(&zone.name, "NS")
        .iter()
        .flat_map(|servers| &servers.values)
        .map(|server| json!(server.trim_end_matches('.')))
        .collect();
    json!({"NameServers": {"NameServer": name_servers}})
}
