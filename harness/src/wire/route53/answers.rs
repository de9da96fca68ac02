//! Changes, as Route 53 answers them.

use serde_json::{Value, json};

use crate::world::World;
use crate::world::error::{ApiError, ApiResult};
use crate::world::route53::Change;

pub(super) fn change_info(change: &Change) -> Value {
    json!({
        "Id": format!("/change/{}", change.id),
        "Status": if change.in_sync { "INSYNC" } else { "PENDING" },
        "SubmittedAt": change.submitted.iso_millis(),
        "Comment": change.comment,
    })
}

pub(super) fn find_change<'a>(world: &'a World, id: &str) -> ApiResult<&'a Change> {
    world
        .route53
        .changes()
        .get(id)
        .ok_or_else(|| ApiError::new("NoSuchChange", format!("Could not find resource with ID: {id}")).with_status(404))
}
