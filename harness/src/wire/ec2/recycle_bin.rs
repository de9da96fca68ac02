//! The Recycle Bin: listed, restored from.

use serde_json::{Value, json};

use super::answers::{done, paged, paged_within};
use super::snapshots::snapshot_item;
use crate::wire::operation::{Operation, reads, writes};
use crate::wire::query::Params;
use crate::world::World;
use crate::world::error::ApiResult;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::ec2("ListImagesInRecycleBin", &["ImageId", "MaxResults", "NextToken"], reads(images)),
    Operation::ec2("ListSnapshotsInRecycleBin", &["MaxResults", "NextToken", "SnapshotId"], reads(snapshots)),
    Operation::ec2("RestoreImageFromRecycleBin", &["ImageId"], writes(restore_image)),
    Operation::ec2("RestoreSnapshotFromRecycleBin", &["SnapshotId"], writes(restore_snapshot)),
];

/// ListImagesInRecycleBin. Unknown ids are missing from the answer.
fn images(world: &World, params: &Params) -> ApiResult<Value> {
    let ids = params.list("ImageId");
    let items = world.ec2.recycle_bin().images.iter().filter(|(id, _)| ids.is_empty() || ids.contains(id));
    let items = items.map(|(id, recycled)| {
        let item = json!({
            "imageId": id,
            "name": recycled.item.name,
            "description": recycled.item.description,
            "recycleBinEnterTime": recycled.entered.iso_millis(),
            "recycleBinExitTime": recycled.exits.iso_millis(),
        });
        (id.clone(), item)
    });
    paged_within(params, "imageSet", 1..=1000, items.collect())
}

/// ListSnapshotsInRecycleBin. Unknown ids are missing from the answer.
fn snapshots(world: &World, params: &Params) -> ApiResult<Value> {
    let ids = params.list("SnapshotId");
    let items = world.ec2.recycle_bin().snapshots.iter().filter(|(id, _)| ids.is_empty() || ids.contains(id));
    let items = items.map(|(id, recycled)| {
        let item = json!({
            "snapshotId": id,
            "volumeId": recycled.item.volume_id,
            "description": recycled.item.description,
            "recycleBinEnterTime": recycled.entered.iso_millis(),
            "recycleBinExitTime": recycled.exits.iso_millis(),
        });
        (id.clone(), item)
    });
    paged(params, "snapshotSet", items.collect())
}

fn restore_image(world: &mut World, params: &Params) -> ApiResult<Value> {
    world.restore_image(params.required("ImageId")?)?;
    Ok(done())
}

fn restore_snapshot(world: &mut World, params: &Params) -> ApiResult<Value> {
    let mut item = snapshot_item(world.restore_snapshot(params.required("SnapshotId")?)?);
    for member in ["tagSet", "storageTier"] {
        item[member] = Value::Null;
    }
    Ok(item)
}
