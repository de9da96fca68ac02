//! The network that this world has: zones, one VPC, subnets.

use serde_json::{Value, json};

use super::filters::{Filters, NO_TAGS};
use super::listing::Listing;
use crate::wire::operation::{Operation, reads};
use crate::wire::query::Params;
use crate::world::ec2::network::{SUBNETS, VPC_ID, ZONES, subnet_in, zone_of};
use crate::world::error::{ApiError, ApiResult};
use crate::world::{ACCOUNT, REGION, World};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::ec2(
        "DescribeAvailabilityZones",
        &["AllAvailabilityZones", "Filter", "ZoneName"],
        reads(describe_availability_zones),
    ),
    Operation::ec2("DescribeSubnets", &["Filter", "MaxResults", "NextToken", "SubnetId"], reads(describe_subnets)),
    Operation::ec2("DescribeVpcs", &["Filter", "MaxResults", "NextToken", "VpcId"], reads(describe_vpcs)),
];

const SUBNET_LISTING: Listing = Listing {
    ids: "SubnetId",
    ids_in_errors: "subnetSet",
    filters: &[
        "availability-zone",
        "availabilityZone",
        "default-for-az",
        "ipv6-native",
        "state",
        "subnet-id",
        "tag",
        "vpc-id",
    ],
    set: "subnetSet",
    pages: 5..=1000,
};

const VPC_LISTING: Listing = Listing {
    ids: "VpcId",
    ids_in_errors: "vpcSet",
    filters: &["is-default", "isDefault", "state", "tag", "vpc-id"],
    set: "vpcSet",
    pages: 5..=1000,
};

fn describe_availability_zones(_: &World, params: &Params) -> ApiResult<Value> {
    let names = params.list("ZoneName");
    if let Some(name) = names.iter().find(|name| !ZONES.contains(&name.as_str())) {
        return Err(ApiError::new("InvalidParameterValue", format!("Invalid availability zone: [{name}]")));
    }
    let filters = Filters::parse(params, &["region-name", "state", "zone-id", "zone-name", "zone-type"])?;
    let items: Vec<Value> = ZONES
        .iter()
        .map(|zone| (zone_id(zone), *zone))
        .filter(|(_, zone)| names.is_empty() || names.iter().any(|name| name == zone))
        .filter(|(id, zone)| {
            filters.match_all(&NO_TAGS, |filter| match filter {
                "region-name" => vec![REGION.to_owned()],
                "state" => vec!["available".to_owned()],
                "zone-id" => vec![id.clone()],
                "zone-name" => vec![(*zone).to_owned()],
                _ => vec!["availability-zone".to_owned()],
            })
        })
        .map(|(id, zone)| zone_item(&id, zone))
        .collect();
    Ok(json!({"availabilityZoneInfo": items}))
}

fn describe_subnets(world: &World, params: &Params) -> ApiResult<Value> {
    let chosen = |ids: &[String]| {
        ids.iter().try_for_each(|id| zone_of(id).map(drop))?;
        let subnets = SUBNETS.iter().enumerate();
        Ok(subnets.filter(|(_, (id, _))| ids.is_empty() || ids.iter().any(|wanted| wanted == id)).collect::<Vec<_>>())
    };
    SUBNET_LISTING.describe(
        params,
        chosen,
        |(_, (id, zone)), filters| {
            filters.match_all(&NO_TAGS, |filter| match filter {
                "availability-zone" | "availabilityZone" => vec![(*zone).to_owned()],
                "default-for-az" => vec![is_default(id, zone).to_string()],
                "ipv6-native" => vec![world.ec2.is_ipv6_native(id).to_string()],
                "state" => vec!["available".to_owned()],
                "subnet-id" => vec![(*id).to_owned()],
                _ => vec![VPC_ID.to_owned()],
            })
        },
        |(index, (id, zone))| ((*id).to_owned(), subnet_item(world, index, zone, id)),
    )
}

fn describe_vpcs(_: &World, params: &Params) -> ApiResult<Value> {
    let chosen = |ids: &[String]| match ids.iter().find(|id| *id != VPC_ID) {
        Some(id) => Err(ApiError::new("InvalidVpcID.NotFound", format!("The vpc ID '{id}' does not exist"))),
        None => Ok([VPC_ID]),
    };
    VPC_LISTING.describe(
        params,
        chosen,
        |_, filters| {
            filters.match_all(&NO_TAGS, |filter| match filter {
                "is-default" | "isDefault" => vec!["true".to_owned()],
                "state" => vec!["available".to_owned()],
                _ => vec![VPC_ID.to_owned()],
            })
        },
        |id| (id.to_owned(), vpc_item()),
    )
}

/// The same zone in every account, whatever its name there.
fn zone_id(zone: &str) -> String {
    let index = ZONES.iter().position(|name| *name == zone).unwrap_or(0);
    format!("euc1-az{}", index + 1)
}

/// Whether the subnet is its zone's default.
fn is_default(id: &str, zone: &str) -> bool {
    subnet_in(zone).is_ok_and(|default| default == id)
}

fn zone_item(id: &str, zone: &str) -> Value {
    json!({
        "zoneName": zone,
        "zoneState": "available",
        "regionName": REGION,
        "messageSet": [],
        "zoneId": id,
        "zoneType": "availability-zone",
        "groupName": REGION,
        "networkBorderGroup": REGION,
        "optInStatus": "opt-in-not-required",
    })
}

fn subnet_item(world: &World, index: usize, zone: &str, id: &str) -> Value {
    let ipv6_native = world.ec2.is_ipv6_native(id);
    json!({
        "subnetId": id,
        "subnetArn": format!("arn:aws:ec2:{REGION}:{ACCOUNT}:subnet/{id}"),
        "state": "available",
        "ownerId": ACCOUNT,
        "vpcId": VPC_ID,
        "cidrBlock": (!ipv6_native).then(|| format!("10.0.{index}.0/24")),
        // The 256 addresses less the five that are reserved.
        "availableIpAddressCount": if ipv6_native { 0 } else { 251 },
        "availabilityZone": zone,
        "availabilityZoneId": zone_id(zone),
        "defaultForAz": is_default(id, zone),
        "mapPublicIpOnLaunch": false,
        "assignIpv6AddressOnCreation": ipv6_native,
        "ipv6Native": ipv6_native,
        "tagSet": [],
    })
}

fn vpc_item() -> Value {
    json!({
        "vpcId": VPC_ID,
        "ownerId": ACCOUNT,
        "state": "available",
        "cidrBlock": "10.0.0.0/16",
        "instanceTenancy": "default",
        "isDefault": true,
        "tagSet": [],
    })
}
