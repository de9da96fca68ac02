//! Snapshots: described, deleted.

use serde_json::{Value, json};

use super::answers::done;
use super::listing::Listing;
use super::resources;
use super::tags::tag_set;
use crate::iam::Check;
use crate::wire::operation::{Operation, reads, writes};
use crate::wire::query::Params;
use crate::world::ec2::Snapshot;
use crate::world::ec2::images::PUBLIC_OWNER;
use crate::world::error::ApiResult;
use crate::world::{ACCOUNT, World};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::ec2("DeleteSnapshot", &["SnapshotId"], writes(delete).on(snapshot)).limited(100, 5),
    Operation::ec2("DescribeSnapshots", DESCRIBE_PARAMETERS, reads(describe)).heavy_unfiltered(),
];

const DESCRIBE_PARAMETERS: &[&str] = &["Filter", "MaxResults", "NextToken", "Owner", "SnapshotId"];

const LISTING: Listing = Listing {
    ids: "SnapshotId",
    ids_in_errors: "snapshotIds",
    filters: &[
        "description",
        "encrypted",
        "owner-alias",
        "owner-id",
        "progress",
        "snapshot-id",
        "start-time",
        "status",
        "tag",
        "volume-id",
        "volume-size",
    ],
    set: "snapshotSet",
    pages: 5..=1000,
};

/// DescribeSnapshots. Without owners, what everybody may use too: here, the snapshots of public images.
fn describe(world: &World, params: &Params) -> ApiResult<Value> {
    let owners = params.list("Owner");
    LISTING.describe(
        params,
        |ids| chosen(world, ids),
        |snapshot, filters| {
            (owners.is_empty() || owners.iter().any(|owner| is_owned_by(snapshot, owner)))
                && filters.match_all(&snapshot.tags, |filter| filter_values(snapshot, filter))
        },
        |snapshot| (snapshot.id.clone(), snapshot_item(snapshot)),
    )
}

fn chosen<'a>(world: &'a World, ids: &[String]) -> ApiResult<Vec<&'a Snapshot>> {
    match ids {
        [] => Ok(world.ec2.snapshots().values().collect()),
        ids => ids.iter().map(|id| world.ec2.known_snapshot(id)).collect(),
    }
}

fn delete(world: &mut World, params: &Params) -> ApiResult<Value> {
    world.delete_snapshot(params.required("SnapshotId")?)?;
    Ok(done())
}

fn snapshot(world: &World, params: &Params, action: &str) -> Vec<Check> {
    resources::one(world, params, "SnapshotId", action)
}

fn is_owned_by(snapshot: &Snapshot, owner: &str) -> bool {
    match owner {
        "self" => snapshot.owner == ACCOUNT,
        "amazon" => snapshot.owner == PUBLIC_OWNER,
        id => snapshot.owner == id,
    }
}

pub(super) fn snapshot_item(snapshot: &Snapshot) -> Value {
    json!({
        "snapshotId": snapshot.id,
        "volumeId": snapshot.volume_id,
        "status": snapshot.state.name(),
        "startTime": snapshot.started.iso_millis(),
        "progress": snapshot.progress(),
        "ownerId": snapshot.owner,
        "volumeSize": snapshot.size_gib,
        "description": snapshot.description,
        "tagSet": tag_set(&snapshot.tags),
        "encrypted": snapshot.encrypted,
        "storageTier": "standard",
    })
}

fn filter_values(snapshot: &Snapshot, filter: &str) -> Vec<String> {
    match filter {
        "description" => vec![snapshot.description.clone()],
        "encrypted" => vec![snapshot.encrypted.to_string()],
        "owner-alias" if snapshot.owner == PUBLIC_OWNER => vec!["amazon".to_owned()],
        "owner-id" => vec![snapshot.owner.clone()],
        "progress" => vec![snapshot.progress().to_owned()],
        "snapshot-id" => vec![snapshot.id.clone()],
        "start-time" => vec![snapshot.started.iso_millis()],
        "status" => vec![snapshot.state.name().to_owned()],
        "volume-id" => vec![snapshot.volume_id.clone()],
        "volume-size" => vec![snapshot.size_gib.to_string()],
        _ => Vec::new(),
    }
}
