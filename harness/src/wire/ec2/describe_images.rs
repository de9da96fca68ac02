//! Images as the Describe calls show them.

use serde_json::{Value, json};

use super::answers::whole_seconds;
use super::listing::Listing;
use super::resources::image;
use super::tags::tag_set;
use crate::wire::operation::{Operation, reads};
use crate::wire::query::Params;
use crate::world::ec2::images::{
    BlockDevice, DeregistrationProtection, LaunchPermission, PUBLIC_OWNER, image_not_found,
};
use crate::world::ec2::{Image, ImageState};
use crate::world::error::{ApiError, ApiResult};
use crate::world::ids::is_hex_id;
use crate::world::{ACCOUNT, World};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::ec2("DescribeImageAttribute", &["Attribute", "ImageId"], reads(attribute).on(image)),
    Operation::ec2("DescribeImages", DESCRIBE_PARAMETERS, reads(images)),
];

/// `ExecutableBy` is not among them: who may launch what is not looked up that way here.
const DESCRIBE_PARAMETERS: &[&str] =
    &["Filter", "ImageId", "IncludeDeprecated", "IncludeDisabled", "MaxResults", "NextToken", "Owner"];

const LISTING: Listing = Listing {
    ids: "ImageId",
    ids_in_errors: "imagesSet",
    filters: &[
        "architecture",
        "block-device-mapping.snapshot-id",
        "creation-date",
        "description",
        "image-id",
        "image-type",
        "is-public",
        "name",
        "owner-alias",
        "owner-id",
        "root-device-name",
        "root-device-type",
        "source-image-id",
        "source-instance-id",
        "state",
        "tag",
        "virtualization-type",
    ],
    set: "imagesSet",
    pages: 1..=1000,
};

/// DescribeImages, in the order of their ids, which says nothing about their age.
fn images(world: &World, params: &Params) -> ApiResult<Value> {
    let owners = params.list("Owner");
    let disabled_too = params.flag("IncludeDisabled")?.unwrap_or(false);
    let deprecated_too = params.flag("IncludeDeprecated")?.unwrap_or(false) || !params.list(LISTING.ids).is_empty();
    let wants_disabled = params.structures("Filter").iter().any(|filter| {
        filter.text("Name") == Some("state") && filter.list("Value").iter().any(|value| value == "disabled")
    });
    // terraform-provider-aws, aws_ami. Probe: disabled-images-are-asked-for.
    if wants_disabled && !disabled_too {
        let text = "The filter 'state' can have the value 'disabled' only with IncludeDisabled.";
        return Err(ApiError::new("InvalidParameter", text));
    }
    let is_shown = |image: &Image| {
        let is_own = image.owner == ACCOUNT;
        world.is_listed(image)
            && (image.state != ImageState::Disabled || (disabled_too && is_own))
            && (is_own || (image.is_launchable_by(ACCOUNT) && (deprecated_too || !image.is_deprecated(world.now()))))
            && (owners.is_empty() || owners.iter().any(|owner| is_owned_by(image, owner)))
    };
    LISTING.describe(
        params,
        |ids| if ids.is_empty() { Ok(world.ec2.images().values().collect()) } else { by_ids(world, ids) },
        |image, filters| is_shown(image) && filters.match_all(&image.tags, |filter| filter_values(image, filter)),
        |image| (image.id.clone(), image_item(world, image)),
    )
}

/// DescribeImageAttribute: one at a time.
fn attribute(world: &World, params: &Params) -> ApiResult<Value> {
    let id = params.required("ImageId")?;
    let image = own(world, id)?;
    let mut answer = json!({"imageId": id});
    match params.required("Attribute")? {
        "description" => answer["description"] = json!({"value": image.description}),
        "launchPermission" => {
            answer["launchPermission"] = image.launch_permissions.iter().map(permission_item).collect();
        }
        "deregistrationProtection" => {
            answer["deregistrationProtection"] = json!({"value": protection(world, image)});
        }
        "lastLaunchedTime" => {
            let time = image.last_launched(world.now()).map(|time| time.iso_seconds());
            answer["lastLaunchedTime"] = json!({"value": time});
        }
        other => return Err(params.invalid("Attribute", other)),
    }
    Ok(answer)
}

/// Everything about one image of this account's, or why not.
fn own<'a>(world: &'a World, id: &str) -> ApiResult<&'a Image> {
    match by_ids(world, &[id.to_owned()])?.first() {
        Some(image) if image.owner == ACCOUNT => Ok(image),
        _ => Err(ApiError::new("AuthFailure", format!("Not authorized for image:{id}")).with_status(403)),
    }
}

/// One id that nothing is known about (any more) fails the whole call.
fn by_ids<'a>(world: &'a World, ids: &[String]) -> ApiResult<Vec<&'a Image>> {
    if let Some(id) = ids.iter().find(|id| !is_hex_id(id, "ami")) {
        let text = format!("Invalid id: \"{id}\" (expecting \"ami-...\")");
        return Err(ApiError::new("InvalidAMIID.Malformed", text));
    }
    let mut found = Vec::new();
    for id in ids {
        let image = world.image(id).filter(|image| image.is_launchable_by(ACCOUNT));
        found.push(image.ok_or_else(|| image_not_found(id))?);
    }
    found.sort_by(|left, right| left.id.cmp(&right.id));
    found.dedup_by(|left, right| left.id == right.id);
    Ok(found)
}

fn is_owned_by(image: &Image, owner: &str) -> bool {
    match owner {
        "self" => image.owner == ACCOUNT,
        "amazon" => image.owner == PUBLIC_OWNER,
        id => image.owner == id,
    }
}

fn image_item(world: &World, image: &Image) -> Value {
    let is_own = image.owner == ACCOUNT;
    let alias = (image.owner == PUBLIC_OWNER).then_some("amazon");
    let last_launched = image.last_launched(world.now()).filter(|_| is_own).map(|time| time.iso_seconds());
    json!({
        "imageId": image.id,
        "imageLocation": format!("{}/{}", alias.unwrap_or(&image.owner), image.name),
        "imageState": image.state.name(),
        "imageOwnerId": image.owner,
        "imageOwnerAlias": alias,
        "creationDate": whole_seconds(image.created),
        "isPublic": image.is_public(),
        "architecture": image.architecture,
        "imageType": "machine",
        "platformDetails": "Linux/UNIX",
        "usageOperation": "RunInstances",
        "stateReason": image.failure.as_ref().map(|text| json!({"code": "Client.InternalError", "message": text})),
        "name": image.name,
        "description": image.description,
        "rootDeviceType": "ebs",
        "rootDeviceName": image.root_device_name,
        "blockDeviceMapping": image.block_devices.iter().map(device_item).collect::<Value>(),
        "virtualizationType": "hvm",
        "tagSet": tag_set(&image.tags),
        "hypervisor": "xen",
        "enaSupport": true,
        "deprecationTime": image.deprecated_from.map(|time| time.iso_millis()),
        "sourceInstanceId": image.source_instance_id,
        "sourceImageId": image.source_image.as_ref().map(|source| source.id.as_str()),
        "sourceImageRegion": image.source_image.as_ref().map(|source| source.region.as_str()),
        "lastLaunchedTime": last_launched,
        "deregistrationProtection": is_own.then(|| protection(world, image)),
    })
}

fn device_item(device: &BlockDevice) -> Value {
    json!({
        "deviceName": device.device_name,
        "ebs": {
            "snapshotId": device.snapshot_id,
            "volumeSize": device.size_gib,
            "deleteOnTermination": true,
            "volumeType": "gp3",
            "encrypted": device.encrypted,
        },
    })
}

fn permission_item(permission: &LaunchPermission) -> Value {
    match permission {
        LaunchPermission::Everybody => json!({"group": "all"}),
        LaunchPermission::Account(id) => json!({"userId": id}),
        LaunchPermission::Organization(arn) => json!({"organizationArn": arn}),
    }
}

/// The model declares a text without values; these are not verified. No probe: any other text than
/// `disabled` protects.
fn protection(world: &World, image: &Image) -> &'static str {
    match image.protection {
        DeregistrationProtection::Enabled { with_cooldown: false } => "enabled",
        DeregistrationProtection::Enabled { with_cooldown: true } => "enabled-with-cooldown",
        DeregistrationProtection::CoolingDown { until } if world.now() < until => "enabled-with-cooldown",
        DeregistrationProtection::CoolingDown { .. } | DeregistrationProtection::Disabled => "disabled",
    }
}

fn filter_values(image: &Image, filter: &str) -> Vec<String> {
    match filter {
        "architecture" => vec![image.architecture.clone()],
        "block-device-mapping.snapshot-id" => image.block_devices.iter().map(|it| it.snapshot_id.clone()).collect(),
        "creation-date" => vec![whole_seconds(image.created)],
        "description" => image.description.clone().into_iter().collect(),
        "image-id" => vec![image.id.clone()],
        "image-type" => vec!["machine".to_owned()],
        "is-public" => vec![image.is_public().to_string()],
        "name" => vec![image.name.clone()],
        "owner-alias" if image.owner == PUBLIC_OWNER => vec!["amazon".to_owned()],
        "owner-id" => vec![image.owner.clone()],
        "root-device-name" => vec![image.root_device_name.clone()],
        "root-device-type" => vec!["ebs".to_owned()],
        "source-image-id" => image.source_image.iter().map(|source| source.id.clone()).collect(),
        "source-instance-id" => image.source_instance_id.clone().into_iter().collect(),
        "state" => vec![image.state.name().to_owned()],
        "virtualization-type" => vec!["hvm".to_owned()],
        _ => Vec::new(),
    }
}
