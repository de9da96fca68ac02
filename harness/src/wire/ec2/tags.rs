//! Tags of resources.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answers::{done, paged};
use super::filters::{Filters, NO_TAGS};
use super::resources;
use crate::iam::Check;
use crate::wire::operation::{Operation, reads, writes};
use crate::wire::query::Params;
use crate::world::World;
use crate::world::error::{ApiError, ApiResult};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::ec2("CreateTags", &["ResourceId", "Tag"], writes(create).on(tagged)).limited(100, 10),
    Operation::ec2("DeleteTags", &["ResourceId", "Tag"], writes(delete).on(tagged)).limited(100, 10),
    Operation::ec2("DescribeTags", &["Filter", "MaxResults", "NextToken"], reads(describe)),
];

/// As every resource shows its tags: without any, there is no list at all.
pub(super) fn tag_set(tags: &BTreeMap<String, String>) -> Value {
    if tags.is_empty() {
        return Value::Null;
    }
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

fn create(world: &mut World, params: &Params) -> ApiResult<Value> {
    let resources = params.list("ResourceId");
    if resources.is_empty() {
        return Err(ApiError::new("MissingParameter", "The request must contain the parameter resourceIdSet"));
    }
    let tags = pairs(params)?;
    world.create_tags(&resources, &tags)?;
    Ok(done())
}

fn delete(world: &mut World, params: &Params) -> ApiResult<Value> {
    let resources = params.required_list("ResourceId")?;
    let tags: Vec<(String, Option<String>)> = params
        .structures("Tag")
        .iter()
        .map(|tag| Ok((tag.required("Key")?.to_owned(), tag.owned("Value"))))
        .collect::<ApiResult<_>>()?;
    world.delete_tags(&resources, &tags)?;
    Ok(done())
}

fn describe(world: &World, params: &Params) -> ApiResult<Value> {
    let filters = Filters::parse(params, &["key", "resource-id", "resource-type", "value"])?;
    let instances = world.ec2.instances().values().map(|instance| (&instance.id, "instance", &instance.tags));
    let volumes = world.ec2.volumes().values().map(|volume| (&volume.id, "volume", &volume.tags));
    let images = world.ec2.images().values().filter(|image| world.is_listed(image));
    let images = images.map(|image| (&image.id, "image", &image.tags));
    let snapshots = world.ec2.snapshots().values().map(|snapshot| (&snapshot.id, "snapshot", &snapshot.tags));
    let mut items = Vec::new();
    for (id, resource_type, tags) in images.chain(instances).chain(snapshots).chain(volumes) {
        for (key, value) in tags {
            let meant = filters.match_all(&NO_TAGS, |filter| match filter {
                "key" => vec![key.clone()],
                "resource-id" => vec![id.clone()],
                "resource-type" => vec![resource_type.to_owned()],
                _ => vec![value.clone()],
            });
            if meant {
                let item = json!({"resourceId": id, "resourceType": resource_type, "key": key, "value": value});
                items.push((format!("{id}/{key}"), item));
            }
        }
    }
    paged(params, "tagSet", items)
}

fn tagged(world: &World, params: &Params, action: &str) -> Vec<Check> {
    let pair = |tag: &Params| (tag.owned("Key").unwrap_or_default(), tag.owned("Value").unwrap_or_default());
    let request_tags: Vec<_> = params.structures("Tag").iter().map(pair).collect();
    let mut checks = resources::each(world, params, "ResourceId", action);
    checks.iter_mut().for_each(|check| check.request_tags = request_tags.clone());
    checks
}

/// The tags that `TagSpecification` has for a new resource of `resource_type`. Specifications for other types are
/// refused unless they are for what is made along with it and not part of this world.
pub(super) fn of_new(
    params: &Params,
    resource_type: &str,
    along_with_it: &[&str],
) -> ApiResult<BTreeMap<String, String>> {
    let mut tags = BTreeMap::new();
    for specification in params.structures("TagSpecification") {
        let given = specification.required("ResourceType")?;
        if given == resource_type {
            tags.extend(pairs(&specification)?);
        } else if !along_with_it.contains(&given) {
            let text = format!("'{given}' is not a valid taggable resource type for this operation.");
            return Err(ApiError::new("InvalidParameterValue", text));
        }
    }
    Ok(tags)
}

fn pairs(params: &Params) -> ApiResult<Vec<(String, String)>> {
    params
        .structures("Tag")
        .iter()
        .map(|tag| Ok((tag.required("Key")?.to_owned(), tag.owned("Value").unwrap_or_default())))
        .collect()
}
