//! EventBridge, as far as anybody puts events on the default bus: JSON in, JSON out.

use serde_json::{Value, json};

use super::fields::{self, Fields};
use super::operation::{Operation, writes};
use crate::account::{ACCOUNT, REGION};
use crate::iam::Check;
use crate::world::World;
use crate::world::error::{ApiError, ApiResult};

pub(super) const TABLES: &[&[Operation]] = &[OPERATIONS];

const OPERATIONS: &[Operation] = &[Operation::events("PutEvents", &["Entries"], writes(put).on(bus))];

/// EventBridge API Reference (PutEvents).
const ENTRIES_AT_ONCE: usize = 10;

/// The call succeeds although entries fail: each has its own error.
fn put(world: &mut World, fields: &Fields) -> ApiResult<Value> {
    let entries = fields.structures("Entries")?;
    if !(1..=ENTRIES_AT_ONCE).contains(&entries.len()) {
        return Err(fields::invalid("entries", &entries.len().to_string()));
    }
    // EventBridge API Reference (PutEvents, NotAuthorizedForSource): AWS alone has sources that begin with `aws.`.
    if entries.iter().any(|entry| entry.text("Source").is_ok_and(|source| source.is_some_and(is_of_aws))) {
        return Err(ApiError::new("NotAuthorizedForSourceException", "Not authorized for the source."));
    }
    let answers: Vec<Value> = entries
        .iter()
        .map(|entry| match put_one(world, entry) {
            Ok(id) => json!({"EventId": id}),
            Err(error) => json!({"ErrorCode": error.code, "ErrorMessage": error.message}),
        })
        .collect();
    let failed = answers.iter().filter(|answer| answer["ErrorCode"].is_string()).count();
    Ok(json!({"FailedEntryCount": failed, "Entries": answers}))
}

fn put_one(world: &mut World, entry: &Fields) -> ApiResult<String> {
    let needed = |name: &str| match entry.text(name)?.filter(|text| !text.is_empty()) {
        Some(text) => Ok(text),
        None => {
            Err(ApiError::new("InvalidArgument", format!("Parameter {name} is not valid. Reason: it is required.")))
        }
    };
    let (source, detail_type, detail) = (needed("Source")?, needed("DetailType")?, needed("Detail")?);
    if let Some(other) = entry.text("EventBusName")?.filter(|bus| *bus != "default") {
        return Err(ApiError::new("ResourceNotFoundException", format!("Event bus {other} does not exist.")));
    }
    let detail = serde_json::from_str::<Value>(detail).ok().filter(Value::is_object);
    let detail = detail.ok_or_else(|| ApiError::new("MalformedDetail", "Detail is malformed."))?;
    let resources = entry.texts("Resources")?.into_iter().map(str::to_owned).collect();
    Ok(world.put_event(source, detail_type, resources, detail))
}

fn is_of_aws(source: &str) -> bool {
    source.starts_with("aws.")
}

fn bus(_: &World, fields: &Fields, action: &str) -> Vec<Check> {
    let entries = fields.structures("Entries").unwrap_or_default();
    let of = |entry: &Fields, name: &str| vec![entry.text(name).ok().flatten().unwrap_or_default().to_owned()];
    let check = |entry: &Fields| Check {
        keys: vec![("events:source", of(entry, "Source")), ("events:detail-type", of(entry, "DetailType"))],
        ..Check::new(action, format!("arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"))
    };
    entries.iter().map(check).collect()
}
