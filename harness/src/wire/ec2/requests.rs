//! Fleets and spot requests, as the Describe calls show them.

use serde_json::{Value, json};

use super::answers::paged_within;
use super::filters::{Filters, NO_TAGS};
use crate::wire::operation::{Operation, reads};
use crate::wire::query::Params;
use crate::world::World;
use crate::world::ec2::requests::{LaunchSpecification, LaunchTemplateConfig, SpotFleet};
use crate::world::error::{ApiError, ApiResult};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::ec2("DescribeFleets", &["Filter", "FleetId", "MaxResults", "NextToken"], reads(fleets)),
    Operation::ec2("DescribeSpotFleetRequests", &["MaxResults", "NextToken", "SpotFleetRequestId"], reads(spot_fleets)),
    Operation::ec2(
        "DescribeSpotInstanceRequests",
        &["Filter", "MaxResults", "NextToken", "SpotInstanceRequestId"],
        reads(spot_instances),
    )
    .heavy_unfiltered(),
];

/// DescribeFleets.
fn fleets(world: &World, params: &Params) -> ApiResult<Value> {
    let ids = params.list("FleetId");
    let filters = Filters::parse(params, &["fleet-state"])?;
    let known = &world.ec2.requests().fleets;
    check_known(&ids, |id| known.iter().any(|fleet| fleet.id == id), "InvalidFleetId.NotFound")?;
    let items = known
        .iter()
        .filter(|fleet| ids.is_empty() || ids.contains(&fleet.id))
        .filter(|fleet| filters.match_all(&NO_TAGS, |_| vec![fleet.state.clone()]))
        .map(|fleet| {
            let item = json!({
                "fleetId": fleet.id,
                "fleetState": fleet.state,
                "launchTemplateConfigs": fleet.configs.iter().map(config_item).collect::<Value>(),
            });
            (fleet.id.clone(), item)
        });
    paged_within(params, "fleetSet", 1..=1000, in_order(items))
}

/// DescribeSpotFleetRequests.
fn spot_fleets(world: &World, params: &Params) -> ApiResult<Value> {
    let ids = params.list("SpotFleetRequestId");
    let known = &world.ec2.requests().spot_fleets;
    check_known(&ids, |id| known.iter().any(|fleet| fleet.id == id), "InvalidSpotFleetRequestId.NotFound")?;
    let asked = known.iter().filter(|fleet| ids.is_empty() || ids.contains(&fleet.id));
    paged_within(params, "spotFleetRequestConfigSet", 1..=1000, in_order(asked.map(spot_fleet_item)))
}

/// DescribeSpotInstanceRequests.
fn spot_instances(world: &World, params: &Params) -> ApiResult<Value> {
    let ids = params.list("SpotInstanceRequestId");
    let filters = Filters::parse(params, &["launch.image-id", "state"])?;
    let known = &world.ec2.requests().spot_instances;
    check_known(&ids, |id| known.iter().any(|it| it.id == id), "InvalidSpotInstanceRequestID.NotFound")?;
    let items = known
        .iter()
        .filter(|request| ids.is_empty() || ids.contains(&request.id))
        .filter(|request| {
            filters.match_all(&NO_TAGS, |filter| match filter {
                "state" => vec![request.state.clone()],
                _ => vec![request.specification.image_id.clone()],
            })
        })
        .map(|request| {
            let item = json!({
                "spotInstanceRequestId": request.id,
                "state": request.state,
                "launchSpecification": specification_item(&request.specification),
            });
            (request.id.clone(), item)
        });
    paged_within(params, "spotInstanceRequestSet", 5..=1000, in_order(items))
}

fn spot_fleet_item(fleet: &SpotFleet) -> (String, Value) {
    let item = json!({
        "spotFleetRequestId": fleet.id,
        "spotFleetRequestState": fleet.state,
        "spotFleetRequestConfig": {
            "iamFleetRole": "arn:aws:iam::123456789012:role/aws-ec2-spot-fleet-tagging-role",
            "targetCapacity": 1,
            "launchTemplateConfigs": fleet.configs.iter().map(config_item).collect::<Value>(),
            "launchSpecifications": fleet.specifications.iter().map(specification_item).collect::<Value>(),
        },
    });
    (fleet.id.clone(), item)
}

fn config_item(config: &LaunchTemplateConfig) -> Value {
    json!({
        "launchTemplateSpecification": {
            "launchTemplateId": config.template_id,
            "launchTemplateName": config.template_name,
            "version": config.version,
        },
        "overrides": config.override_images.iter().map(|image| json!({"imageId": image})).collect::<Value>(),
    })
}

fn specification_item(specification: &LaunchSpecification) -> Value {
    let devices = specification.block_devices.iter();
    json!({
        "imageId": specification.image_id,
        "blockDeviceMapping":
            devices.map(|(name, id)| json!({"deviceName": name, "ebs": {"snapshotId": id}})).collect::<Value>(),
    })
}

fn check_known(ids: &[String], is_known: impl Fn(&str) -> bool, code: &str) -> ApiResult<()> {
    match ids.iter().find(|id| !is_known(id)) {
        Some(id) => Err(ApiError::new(code, format!("The request ID '{id}' does not exist."))),
        None => Ok(()),
    }
}

fn in_order(items: impl Iterator<Item = (String, Value)>) -> Vec<(String, Value)> {
    let mut items: Vec<_> = items.collect();
    items.sort_by(|(left, _), (right, _)| left.cmp(right));
    items
}
