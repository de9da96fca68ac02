//! Launch configurations.

use serde_json::{Value, json};

use super::answers::{done, paged};
use crate::wire::operation::{Operation, reads, writes};
use crate::wire::query::Params;
use crate::world::World;
use crate::world::autoscaling::{CreateLaunchConfiguration, LaunchConfiguration};
use crate::world::error::ApiResult;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::autoscaling("CreateLaunchConfiguration", CREATE_PARAMETERS, writes(create)),
    Operation::autoscaling("DeleteLaunchConfiguration", &["LaunchConfigurationName"], writes(delete)),
    Operation::autoscaling(
        "DescribeLaunchConfigurations",
        &["LaunchConfigurationNames", "MaxRecords", "NextToken"],
        reads(describe),
    ),
];

/// The image, the type, the spot price and snapshots matter here; the others have no life in this world.
const CREATE_PARAMETERS: &[&str] = &[
    "AssociatePublicIpAddress",
    "BlockDeviceMappings",
    "EbsOptimized",
    "IamInstanceProfile",
    "ImageId",
    "InstanceMonitoring",
    "InstanceType",
    "KeyName",
    "LaunchConfigurationName",
    "MetadataOptions",
    "SecurityGroups",
    "SpotPrice",
    "UserData",
];

fn create(world: &mut World, params: &Params) -> ApiResult<Value> {
    let mappings = params.structures("BlockDeviceMappings");
    let device = |mapping: &Params| Some((mapping.owned("DeviceName")?, mapping.structure("Ebs").owned("SnapshotId")?));
    world.create_launch_configuration(CreateLaunchConfiguration {
        name: params.required("LaunchConfigurationName")?.to_owned(),
        image_id: params.required("ImageId")?.to_owned(),
        instance_type: params.required("InstanceType")?.to_owned(),
        spot: params.text("SpotPrice").is_some(),
        block_devices: mappings.iter().filter_map(device).collect(),
    })?;
    Ok(done())
}

/// DescribeLaunchConfigurations. Unknown names are missing from the answer, without an error.
fn describe(world: &World, params: &Params) -> ApiResult<Value> {
    let names = params.list("LaunchConfigurationNames");
    let known = world.autoscaling.launch_configurations().values();
    let asked = known.filter(|configuration| names.is_empty() || names.contains(&configuration.name));
    let items = asked.map(|configuration| (configuration.name.clone(), item(configuration))).collect();
    paged(params, "LaunchConfigurations", 50, items)
}

fn delete(world: &mut World, params: &Params) -> ApiResult<Value> {
    world.delete_launch_configuration(params.required("LaunchConfigurationName")?)?;
    Ok(done())
}

fn item(configuration: &LaunchConfiguration) -> Value {
    let devices = configuration.block_devices.iter();
    let devices = devices.map(|(name, snapshot)| json!({"DeviceName": name, "Ebs": {"SnapshotId": snapshot}}));
    json!({
        "LaunchConfigurationName": configuration.name,
        "LaunchConfigurationARN": configuration.arn(),
        "ImageId": configuration.image_id,
        "InstanceType": configuration.instance_type,
        "BlockDeviceMappings": devices.collect::<Value>(),
        "CreatedTime": configuration.created.iso_millis(),
    })
}
