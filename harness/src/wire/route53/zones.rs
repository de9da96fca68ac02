//! Hosted zones.

use serde_json::{Value, json};

use super::answers::{change_info, find_change};
use super::resources::zone;
use crate::wire::element::invalid_input;
use crate::wire::operation::{Operation, reads, writes};
use crate::wire::rest::RestRequest;
use crate::world::ec2::network::VPC_ID;
use crate::world::error::{ApiError, ApiResult};
use crate::world::route53::{HostedZone, RecordKey};
use crate::world::{REGION, World};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::route53("CreateHostedZone", "POST hostedzone", &[], writes(create).located(place)),
    Operation::route53("DeleteHostedZone", "DELETE hostedzone/{Id}", &[], writes(delete).on(zone)),
    Operation::route53("GetHostedZone", "GET hostedzone/{Id}", &[], reads(get).on(zone)),
    Operation::route53("ListHostedZones", "GET hostedzone", &["marker", "maxitems"], reads(list)),
    Operation::route53(
        "ListHostedZonesByName",
        "GET hostedzonesbyname",
        &["dnsname", "hostedzoneid", "maxitems"],
        reads(list_by_name),
    ),
    Operation::route53("ListTagsForResource", "GET tags/hostedzone/{Id}", &[], reads(list_tags).on(zone)),
];

fn create(world: &mut World, request: &RestRequest) -> ApiResult<Value> {
    let body = &request.body;
    body.only(&["CallerReference", "HostedZoneConfig", "Name", "VPC"])?;
    let vpc_id = match body.child("VPC") {
        Some(vpc) if vpc.required("VPCId")? == VPC_ID => Some(VPC_ID.to_owned()),
        Some(_) => return Err(ApiError::new("InvalidVPCId", "The VPC ID is invalid.")),
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
    let zone = world.route53.hosted_zone(&zone_id)?;
    Ok(json!({
        "HostedZone": zone_item(zone),
        "ChangeInfo": change_info(find_change(world, &change_id)?),
        "DelegationSet": delegation_set(zone),
        "VPC": vpc(zone),
    }))
}

fn place(answer: &Value) -> String {
    let id = answer["HostedZone"]["Id"].as_str().unwrap_or_default();
    format!("https://route53.amazonaws.com/2013-04-01{id}")
}

fn get(world: &World, request: &RestRequest) -> ApiResult<Value> {
    let zone = world.route53.hosted_zone(&request.id)?;
    let vpcs = zone.private.then(|| json!({"VPC": [vpc(zone)]}));
    Ok(json!({"HostedZone": zone_item(zone), "DelegationSet": delegation_set(zone), "VPCs": vpcs}))
}

fn delete(world: &mut World, request: &RestRequest) -> ApiResult<Value> {
    let change = world.delete_hosted_zone(&request.id)?;
    Ok(json!({"ChangeInfo": change_info(&change)}))
}

/// ListHostedZones: `marker` is the first zone of the page.
fn list(world: &World, request: &RestRequest) -> ApiResult<Value> {
    let limit = request.max_items(100)?;
    let marker = request.text("marker").unwrap_or_default();
    let mut zones = world.route53.zones().range(marker.to_owned()..).map(|(_, zone)| zone);
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
fn list_by_name(world: &World, request: &RestRequest) -> ApiResult<Value> {
    let limit = request.max_items(100)?;
    let from_name = request.text("dnsname");
    let from_id = request.text("hostedzoneid");
    if from_id.is_some() && from_name.is_none() {
        return Err(invalid_input("You can't specify HostedZoneId without DNSName."));
    }
    let place = |name: &str, id: &str| (RecordKey::of(name, "", None).reversed_labels, id.to_owned());
    let mut zones: Vec<&HostedZone> = world.route53.zones().values().collect();
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
fn list_tags(world: &World, request: &RestRequest) -> ApiResult<Value> {
    let zone = world.route53.hosted_zone(&request.id)?;
    Ok(json!({"ResourceTagSet": {"ResourceType": "hostedzone", "ResourceId": zone.id, "Tags": {}}}))
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
