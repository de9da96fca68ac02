//! Images: made, copied, changed, deregistered.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::{Value, json};

use super::answers::done;
use super::launch_data::snapshot_devices;
use super::resources::image;
use super::tags;
use crate::iam::Caller;
use crate::time::Time;
use crate::wire::operation::{Operation, writes, writes_for};
use crate::wire::query::Params;
use crate::wire::resources::of_ec2;
use crate::world::World;
use crate::world::ec2::images::{CopyImage, CreateImage, LaunchPermission, RegisterImage};
use crate::world::error::{ApiError, ApiResult};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::ec2("CopyImage", COPY_PARAMETERS, writes(copy)),
    Operation::ec2("CreateImage", CREATE_PARAMETERS, writes(create)),
    Operation::ec2("DeregisterImage", &["DeleteAssociatedSnapshots", "ImageId"], writes_for(deregister).on(image))
        .limited(100, 5),
    Operation::ec2("DisableImage", &["ImageId"], writes(disable).on(image)),
    Operation::ec2("DisableImageDeprecation", &["ImageId"], writes(disable_deprecation).on(image)),
    Operation::ec2("DisableImageDeregistrationProtection", &["ImageId"], writes(disable_protection)),
    Operation::ec2("EnableImage", &["ImageId"], writes(enable).on(image)),
    Operation::ec2("EnableImageDeprecation", &["DeprecateAt", "ImageId"], writes(enable_deprecation).on(image)),
    Operation::ec2("EnableImageDeregistrationProtection", &["ImageId", "WithCooldown"], writes(enable_protection)),
    Operation::ec2("ModifyImageAttribute", MODIFY_PARAMETERS, writes(modify)),
    Operation::ec2("RegisterImage", REGISTER_PARAMETERS, writes(register)),
];

/// `NoReboot` is accepted: nothing reboots here.
const CREATE_PARAMETERS: &[&str] = &["Description", "InstanceId", "Name", "NoReboot", "TagSpecification"];

/// `ClientToken` is accepted and not remembered: a repeated call is refused for its name.
const COPY_PARAMETERS: &[&str] = &[
    "ClientToken",
    "CopyImageTags",
    "Description",
    "Encrypted",
    "Name",
    "SourceImageId",
    "SourceRegion",
    "TagSpecification",
];

const REGISTER_PARAMETERS: &[&str] = &[
    "Architecture",
    "BlockDeviceMapping",
    "Description",
    "EnaSupport",
    "Name",
    "RootDeviceName",
    "TagSpecification",
    "VirtualizationType",
];

const MODIFY_PARAMETERS: &[&str] = &[
    "Attribute",
    "Description",
    "ImageId",
    "LaunchPermission",
    "OperationType",
    "OrganizationArn",
    "UserGroup",
    "UserId",
    "Value",
];

fn create(world: &mut World, params: &Params) -> ApiResult<Value> {
    let id = world.create_image(CreateImage {
        name: params.required("Name")?.to_owned(),
        description: params.owned("Description"),
        instance_id: params.required("InstanceId")?.to_owned(),
        tags: tags::of_new(params, "image", &["snapshot"])?,
        snapshot_tags: tags::of_new(params, "snapshot", &["image"])?,
    })?;
    Ok(json!({"imageId": id}))
}

fn copy(world: &mut World, params: &Params) -> ApiResult<Value> {
    let id = world.copy_image(CopyImage {
        name: params.required("Name")?.to_owned(),
        description: params.owned("Description"),
        source_image_id: params.required("SourceImageId")?.to_owned(),
        source_region: params.required("SourceRegion")?.to_owned(),
        encrypted: params.flag("Encrypted")?.unwrap_or(false),
        copy_tags: params.flag("CopyImageTags")?.unwrap_or(false),
        tags: tags::of_new(params, "image", &["snapshot"])?,
        snapshot_tags: tags::of_new(params, "snapshot", &["image"])?,
    })?;
    Ok(json!({"imageId": id}))
}

fn register(world: &mut World, params: &Params) -> ApiResult<Value> {
    let root_device_name = params.required("RootDeviceName")?.to_owned();
    let devices = snapshot_devices(params, "BlockDeviceMapping");
    if !devices.iter().any(|(device, _)| *device == root_device_name) {
        let text = "The root device has to be mapped to a snapshot.";
        return Err(ApiError::new("InvalidBlockDeviceMapping", text));
    }
    let id = world.register_image(RegisterImage {
        name: params.required("Name")?.to_owned(),
        description: params.owned("Description"),
        architecture: params.owned("Architecture").unwrap_or_else(|| "i386".to_owned()),
        root_device_name,
        devices,
        tags: tags::of_new(params, "image", &[])?,
    })?;
    Ok(json!({"imageId": id}))
}

fn deregister(world: &mut World, caller: &Caller, params: &Params) -> ApiResult<Value> {
    let delete_snapshots = params.flag("DeleteAssociatedSnapshots")?.unwrap_or(false);
    let id = params.required("ImageId")?;
    let may_delete = |world: &mut World, snapshot: &str| {
        let check = of_ec2(world, "ec2:DeleteSnapshot", snapshot);
        world.iam.may(caller, &check)
    };
    let outcomes = world.deregister_image_for(id, delete_snapshots, may_delete)?.into_iter();
    let results: Value =
        outcomes.map(|(id, outcome)| json!({"snapshotId": id, "returnCode": outcome.name()})).collect();
    Ok(json!({"return": true, "deleteSnapshotResultSet": if delete_snapshots { results } else { Value::Null }}))
}

fn disable(world: &mut World, params: &Params) -> ApiResult<Value> {
    world.disable_image(params.required("ImageId")?)?;
    Ok(done())
}

fn enable(world: &mut World, params: &Params) -> ApiResult<Value> {
    world.enable_image(params.required("ImageId")?)?;
    Ok(done())
}

fn enable_deprecation(world: &mut World, params: &Params) -> ApiResult<Value> {
    let text = params.required("DeprecateAt")?;
    let millis = DateTime::from_str(text, Format::DateTime).ok().and_then(|time| time.to_millis().ok());
    let from = millis.map(Time).ok_or_else(|| params.invalid("DeprecateAt", text))?;
    world.enable_image_deprecation(params.required("ImageId")?, from)?;
    Ok(done())
}

fn disable_deprecation(world: &mut World, params: &Params) -> ApiResult<Value> {
    world.disable_image_deprecation(params.required("ImageId")?)?;
    Ok(done())
}

fn enable_protection(world: &mut World, params: &Params) -> ApiResult<Value> {
    let with_cooldown = params.flag("WithCooldown")?.unwrap_or(false);
    world.enable_image_deregistration_protection(params.required("ImageId")?, with_cooldown)?;
    Ok(done())
}

fn disable_protection(world: &mut World, params: &Params) -> ApiResult<Value> {
    world.disable_image_deregistration_protection(params.required("ImageId")?)?;
    Ok(done())
}

/// ModifyImageAttribute: a description or launch permissions, in either of the ways that they can be written.
fn modify(world: &mut World, params: &Params) -> ApiResult<Value> {
    let id = params.required("ImageId")?;
    let attribute = params.text("Attribute");
    let description = params.structure("Description").owned("Value");
    if let Some(text) = description.or_else(|| params.owned("Value").filter(|_| attribute == Some("description"))) {
        world.describe_image_as(id, &text)?;
        return Ok(done());
    }
    let permissions = params.structure("LaunchPermission");
    let (mut add, mut remove) = (permissions_in(&permissions, "Add")?, permissions_in(&permissions, "Remove")?);
    if attribute == Some("launchPermission") {
        let named = flat_permissions(params)?;
        match params.required("OperationType")? {
            "add" => add.extend(named),
            "remove" => remove.extend(named),
            other => return Err(params.invalid("OperationType", other)),
        }
    }
    if add.is_empty() && remove.is_empty() {
        return Err(ApiError::new("InvalidParameterCombination", "No attributes specified."));
    }
    world.modify_launch_permissions(id, &add, &remove)?;
    Ok(done())
}

fn permissions_in(params: &Params, list: &str) -> ApiResult<Vec<LaunchPermission>> {
    params.structures(list).iter().map(permission).collect()
}

fn permission(params: &Params) -> ApiResult<LaunchPermission> {
    match (params.text("Group"), params.owned("UserId"), params.owned("OrganizationArn")) {
        (Some("all"), None, None) => Ok(LaunchPermission::Everybody),
        (None, Some(account), None) => Ok(LaunchPermission::Account(account)),
        (None, None, Some(organization)) => Ok(LaunchPermission::Organization(organization)),
        _ => Err(ApiError::new(
            "InvalidParameterCombination",
            "A launch permission names one group, user or organization.",
        )),
    }
}

fn flat_permissions(params: &Params) -> ApiResult<Vec<LaunchPermission>> {
    if let Some(group) = params.list("UserGroup").iter().find(|group| *group != "all") {
        return Err(params.invalid("UserGroup", group));
    }
    let groups = params.list("UserGroup").into_iter().map(|_| LaunchPermission::Everybody);
    let accounts = params.list("UserId").into_iter().map(LaunchPermission::Account);
    let organizations = params.list("OrganizationArn").into_iter().map(LaunchPermission::Organization);
    Ok(groups.chain(accounts).chain(organizations).collect())
}
