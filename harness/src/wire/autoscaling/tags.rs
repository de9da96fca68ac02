//! Tags of groups.

use serde_json::{Value, json};

use super::answers::{done, paged};
use crate::wire::operation::{Operation, reads, writes};
use crate::wire::query::Params;
use crate::world::World;
use crate::world::autoscaling::GroupTag;
use crate::world::error::{ApiError, ApiResult};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::autoscaling("CreateOrUpdateTags", &["Tags"], writes(create_or_update)),
    Operation::autoscaling("DeleteTags", &["Tags"], writes(delete)),
    Operation::autoscaling("DescribeTags", &["Filters", "MaxRecords", "NextToken"], reads(describe)),
];

fn create_or_update(world: &mut World, params: &Params) -> ApiResult<Value> {
    let tags = params
        .structures("Tags")
        .iter()
        .map(|tag| Ok((group_of(tag)?.to_owned(), group_tag(tag)?)))
        .collect::<ApiResult<Vec<_>>>()?;
    world.create_or_update_tags(tags)?;
    Ok(done())
}

fn delete(world: &mut World, params: &Params) -> ApiResult<Value> {
    let tags = params
        .structures("Tags")
        .iter()
        .map(|tag| Ok((group_of(tag)?.to_owned(), tag.required("Key")?.to_owned())))
        .collect::<ApiResult<Vec<_>>>()?;
    world.delete_group_tags(tags)?;
    Ok(done())
}

fn describe(world: &World, params: &Params) -> ApiResult<Value> {
    let filters = params
        .structures("Filters")
        .iter()
        .map(|filter| match filter.required("Name")? {
            name @ ("auto-scaling-group" | "key" | "propagate-at-launch" | "value") => {
                Ok((name.to_owned(), filter.list("Values")))
            }
            name => {
                let text = format!(
                    "Filter type {name} is not correct. Allowed Filter types are: \
                     auto-scaling-group key propagate-at-launch value"
                );
                Err(ApiError::new("ValidationError", text))
            }
        })
        .collect::<ApiResult<Vec<_>>>()?;
    let meant = |group: &str, tag: &GroupTag| {
        filters.iter().all(|(name, values)| {
            let actual = match name.as_str() {
                "auto-scaling-group" => group,
                "key" => &tag.key,
                "propagate-at-launch" if tag.propagate_at_launch => "true",
                "propagate-at-launch" => "false",
                _ => &tag.value,
            };
            values.iter().any(|value| value == actual)
        })
    };
    let mut items: Vec<_> = world
        .autoscaling
        .groups()
        .values()
        .flat_map(|group| group.tags.iter().map(move |tag| (&group.name, tag)))
        .filter(|(group, tag)| meant(group, tag))
        .map(|(group, tag)| (format!("{group}/{}", tag.key), tag_item(group, tag)))
        .collect();
    items.sort_by(|(left, _), (right, _)| left.cmp(right));
    paged(params, "Tags", 50, items)
}

/// A tag in a request; a value left out is an empty one, and new instances get the tag unless told otherwise.
pub(super) fn group_tag(tag: &Params) -> ApiResult<GroupTag> {
    Ok(GroupTag {
        key: tag.required("Key")?.to_owned(),
        value: tag.owned("Value").unwrap_or_default(),
        propagate_at_launch: tag.flag("PropagateAtLaunch")?.unwrap_or(true),
    })
}

pub(super) fn tag_item(group: &str, tag: &GroupTag) -> Value {
    json!({
        "ResourceId": group,
        "ResourceType": "auto-scaling-group",
        "Key": tag.key,
        "Value": tag.value,
        "PropagateAtLaunch": tag.propagate_at_launch,
    })
}

/// Groups are all that Auto Scaling tags.
fn group_of(tag: &Params) -> ApiResult<&str> {
    match tag.text("ResourceType") {
        None | Some("auto-scaling-group") => tag.required("ResourceId"),
        Some(other) => Err(tag.invalid("ResourceType", other)),
    }
}
