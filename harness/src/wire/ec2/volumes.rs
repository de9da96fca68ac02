//! Volumes and their attachments.

use serde_json::{Value, json};

use super::answers::{done, past, whole_seconds};
use super::listing::Listing;
use super::resources;
use super::tags::{self, tag_set};
use crate::iam::Check;
use crate::wire::operation::{Operation, reads, writes};
use crate::wire::query::Params;
use crate::wire::resources::of_ec2;
use crate::world::World;
use crate::world::ec2::{Attachment, CreateVolume, Volume};
use crate::world::error::{ApiError, ApiResult};
use crate::world::ids::is_hex_id;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::ec2("AttachVolume", &["Device", "InstanceId", "VolumeId"], writes(attach).on(instance_and_volume)),
    Operation::ec2("CreateVolume", CREATE_PARAMETERS, writes(create)).limited(100, 5),
    Operation::ec2("DeleteVolume", &["VolumeId"], writes(delete).on(volume)).limited(100, 5),
    Operation::ec2("DescribeVolumes", &["Filter", "MaxResults", "NextToken", "VolumeId"], reads(describe))
        .heavy_unfiltered(),
    Operation::ec2(
        "DetachVolume",
        &["Device", "Force", "InstanceId", "VolumeId"],
        writes(detach).on(instance_and_volume),
    ),
];

/// `ClientToken` is accepted and not remembered: a repeated call makes a second volume.
const CREATE_PARAMETERS: &[&str] =
    &["AvailabilityZone", "ClientToken", "Encrypted", "KmsKeyId", "Size", "TagSpecification", "VolumeType"];

const LISTING: Listing = Listing {
    ids: "VolumeId",
    ids_in_errors: "volumeSet",
    filters: &[
        "attachment.device",
        "attachment.instance-id",
        "attachment.status",
        "availability-zone",
        "encrypted",
        "size",
        "status",
        "tag",
        "volume-id",
        "volume-type",
    ],
    set: "volumeSet",
    pages: 5..=1000,
};

fn describe(world: &World, params: &Params) -> ApiResult<Value> {
    LISTING.describe(
        params,
        |ids| chosen(world, ids),
        |volume, filters| filters.match_all(&volume.tags, |filter| filter_values(volume, filter)),
        |volume| (volume.id.clone(), volume_item(world, volume)),
    )
}

/// One unknown id fails the whole call.
fn chosen<'a>(world: &'a World, ids: &[String]) -> ApiResult<Vec<&'a Volume>> {
    if let Some(id) = ids.iter().find(|id| !is_hex_id(id, "vol")) {
        let text = format!("Value ({id}) for parameter volumes is invalid. Expected: 'vol-...'.");
        return Err(ApiError::new("InvalidParameterValue", text));
    }
    if let Some(id) = ids.iter().find(|id| !world.ec2.volumes().contains_key(*id)) {
        return Err(not_found(id));
    }
    Ok(world.ec2.volumes().values().filter(|volume| ids.is_empty() || ids.contains(&volume.id)).collect())
}

fn attach(world: &mut World, params: &Params) -> ApiResult<Value> {
    let volume = params.required("VolumeId")?;
    let attachment = world.attach_volume(volume, params.required("InstanceId")?, params.required("Device")?)?;
    // Only this answer has a fraction of a second.
    Ok(attachment_change(volume, &attachment, attachment.since.iso_millis().into()))
}

fn detach(world: &mut World, params: &Params) -> ApiResult<Value> {
    let volume = params.required("VolumeId")?;
    let force = params.flag("Force")?.unwrap_or(false);
    let attachment = world.detach_volume(volume, params.text("InstanceId"), params.text("Device"), force)?;
    Ok(attachment_change(volume, &attachment, whole_seconds(attachment.since).into()))
}

fn create(world: &mut World, params: &Params) -> ApiResult<Value> {
    let size = params.number("Size")?;
    let missing = || ApiError::new("MissingParameter", "The request must contain the parameter size/snapshot");
    let id = world.create_volume(CreateVolume {
        zone: params.required("AvailabilityZone")?.to_owned(),
        size_gib: size.ok_or_else(missing)?,
        volume_type: params.owned("VolumeType").unwrap_or_else(|| "gp2".to_owned()),
        encrypted: params.flag("Encrypted")?.unwrap_or(false),
        key: params.owned("KmsKeyId"),
        tags: tags::of_new(params, "volume", &[])?,
    })?;
    world.ec2.volume(&id).map(|volume| volume_item(world, volume)).ok_or_else(|| not_found(&id))
}

fn delete(world: &mut World, params: &Params) -> ApiResult<Value> {
    world.delete_volume(params.required("VolumeId")?)?;
    Ok(done())
}

/// Detached from whichever instance holds it, if the call does not say from which.
fn instance_and_volume(world: &World, params: &Params, action: &str) -> Vec<Check> {
    let holder = || {
        let volume = world.ec2.volume(params.text("VolumeId")?)?;
        Some(volume.attachment.as_ref()?.instance_id.as_str())
    };
    let instance = params.text("InstanceId").or_else(holder);
    instance.into_iter().chain(params.text("VolumeId")).map(|id| of_ec2(world, action, id)).collect()
}

fn volume(world: &World, params: &Params, action: &str) -> Vec<Check> {
    resources::one(world, params, "VolumeId", action)
}

fn volume_item(world: &World, volume: &Volume) -> Value {
    let attachments: Value =
        volume.attachment.iter().map(|attachment| attachment_item(world, &volume.id, attachment)).collect();
    json!({
        "volumeId": volume.id,
        "size": volume.size_gib,
        "snapshotId": "",
        "availabilityZone": volume.zone,
        "status": volume.state.name(),
        "createTime": volume.created.iso_millis(),
        "attachmentSet": attachments,
        "tagSet": tag_set(&volume.tags),
        "volumeType": volume.volume_type,
        "encrypted": volume.encrypted,
        "kmsKeyId": volume.key,
        "multiAttachEnabled": false,
    })
}

fn attachment_item(world: &World, volume_id: &str, attachment: &Attachment) -> Value {
    let mut item = attachment_change(volume_id, attachment, past(world, attachment.since));
    item["deleteOnTermination"] = attachment.delete_on_termination.into();
    item
}

/// What AttachVolume and DetachVolume answer (EC2 API Reference).
fn attachment_change(volume_id: &str, attachment: &Attachment, attach_time: Value) -> Value {
    json!({
        "volumeId": volume_id,
        "instanceId": attachment.instance_id,
        "device": attachment.device,
        "status": attachment.state.name(),
        "attachTime": attach_time,
    })
}

fn filter_values(volume: &Volume, filter: &str) -> Vec<String> {
    let attachment = volume.attachment.iter();
    match filter {
        "attachment.device" => attachment.map(|attachment| attachment.device.clone()).collect(),
        "attachment.instance-id" => attachment.map(|attachment| attachment.instance_id.clone()).collect(),
        "attachment.status" => attachment.map(|attachment| attachment.state.name().to_owned()).collect(),
        "availability-zone" => vec![volume.zone.clone()],
        "encrypted" => vec![volume.encrypted.to_string()],
        "size" => vec![volume.size_gib.to_string()],
        "status" => vec![volume.state.name().to_owned()],
        "volume-id" => vec![volume.id.clone()],
        "volume-type" => vec![volume.volume_type.clone()],
        _ => Vec::new(),
    }
}

fn not_found(id: &str) -> ApiError {
    ApiError::new("InvalidVolume.NotFound", format!("The volume '{id}' does not exist."))
}
