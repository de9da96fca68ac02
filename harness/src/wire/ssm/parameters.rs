//! Parameters: put, got, deleted.

use serde_json::{Value, json};

use super::answers::paged;
use super::resources::{parameter, parameters, tagged};
use crate::iam::{Caller, Check};
use crate::wire::fields::{self, Fields};
use crate::wire::operation::{Operation, reads, writes, writes_for};
use crate::world::World;
use crate::world::error::{ApiError, ApiResult};
use crate::world::ssm::{Parameter, ParameterVersion, PutParameter};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::ssm("AddTagsToResource", &["ResourceId", "ResourceType", "Tags"], writes(add_tags)),
    Operation::ssm("DeleteParameter", &["Name"], writes(delete).on(parameter)),
    Operation::ssm("GetParameter", &["Name", "WithDecryption"], reads(get).on(parameter)),
    Operation::ssm("GetParameters", &["Names", "WithDecryption"], reads(get_many).on(parameters)),
    Operation::ssm(
        "GetParametersByPath",
        &["MaxResults", "NextToken", "Path", "Recursive", "WithDecryption"],
        reads(get_by_path),
    ),
    Operation::ssm("LabelParameterVersion", &["Labels", "Name", "ParameterVersion"], writes(label)),
    Operation::ssm("ListTagsForResource", &["ResourceId", "ResourceType"], reads(list_tags).on(tagged)),
    Operation::ssm("PutParameter", PUT_PARAMETERS, writes_for(put).on(parameter_and_tags)),
    Operation::ssm("RemoveTagsFromResource", &["ResourceId", "ResourceType", "TagKeys"], writes(remove_tags)),
    Operation::ssm("UnlabelParameterVersion", &["Labels", "Name", "ParameterVersion"], writes(unlabel)),
];

const PUT_PARAMETERS: &[&str] = &["DataType", "Description", "Name", "Overwrite", "Tags", "Tier", "Type", "Value"];

fn put(world: &mut World, caller: &Caller, fields: &Fields) -> ApiResult<Value> {
    let tier = fields.text("Tier")?.unwrap_or("Standard");
    if tier != "Standard" {
        return Err(fields::invalid("Tier", tier));
    }
    let tags = tags(fields)?.into_iter().collect();
    let name = fields.required("Name")?;
    let version = world.put_parameter(PutParameter {
        name: name.to_owned(),
        value: fields.required("Value")?.to_owned(),
        parameter_type: fields.owned("Type")?,
        data_type: fields.owned("DataType")?,
        overwrite: fields.flag("Overwrite")?,
        description: fields.owned("Description")?,
        tags,
    })?;
    // Systems Manager User Guide (native parameter support for AMI IDs): who puts it needs `ec2:DescribeImages`.
    let describe_images = Check::new("ec2:DescribeImages", "*");
    if world.ssm.is_validating(name) && !world.iam.may(caller, &describe_images) {
        world.ssm.forbid_describing(name);
    }
    Ok(json!({"Version": version, "Tier": tier}))
}

fn parameter_and_tags(world: &World, fields: &Fields, action: &str) -> Vec<Check> {
    let mut checks = parameter(world, fields, action);
    for check in &mut checks {
        check.keys = vec![("ssm:Overwrite", vec![fields.flag("Overwrite").unwrap_or_default().to_string()])];
        check.request_tags = tags(fields).unwrap_or_default();
    }
    checks
}

fn get(world: &World, fields: &Fields) -> ApiResult<Value> {
    let selector = fields.required("Name")?;
    let (parameter, version) = world.ssm.get_parameter(selector)?;
    Ok(json!({"Parameter": parameter_item(selector, parameter, version)}))
}

/// GetParameters: names that are unknown are listed rather than refused.
fn get_many(world: &World, fields: &Fields) -> ApiResult<Value> {
    let selectors = fields.texts("Names")?;
    if !(1..=10).contains(&selectors.len()) {
        return Err(fields::invalid("Names", &format!("{selectors:?}")));
    }
    let mut found = Vec::new();
    let mut invalid = Vec::new();
    for selector in selectors {
        match world.ssm.get_parameter(selector) {
            Ok((parameter, version)) => found.push(parameter_item(selector, parameter, version)),
            Err(_) => invalid.push(selector),
        }
    }
    Ok(json!({"Parameters": found, "InvalidParameters": invalid}))
}

/// GetParametersByPath: what is directly below the path, or everything below it.
fn get_by_path(world: &World, fields: &Fields) -> ApiResult<Value> {
    let path = fields.required("Path")?;
    if !path.starts_with('/') {
        let text = "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a \
                    forward slash \"/\".";
        return Err(ApiError::new("ValidationException", text));
    }
    let prefix = format!("{}/", path.trim_end_matches('/'));
    let recursive = fields.flag("Recursive")?;
    let items = world
        .ssm
        .parameters()
        .values()
        .filter(|parameter| parameter.name.strip_prefix(&prefix).is_some_and(|rest| recursive || !rest.contains('/')))
        .filter_map(|parameter| {
            let version = parameter.versions.last()?;
            Some((parameter.name.clone(), parameter_item(&parameter.name, parameter, version)))
        })
        .collect();
    paged(fields, "Parameters", 1..=10, items)
}

fn delete(world: &mut World, fields: &Fields) -> ApiResult<Value> {
    world.delete_parameter(fields.required("Name")?)?;
    Ok(json!({}))
}

/// LabelParameterVersion.
fn label(world: &mut World, fields: &Fields) -> ApiResult<Value> {
    let version = fields.number("ParameterVersion")?;
    let (version, invalid) = world.label_parameter_version(fields.required("Name")?, version, &labels(fields)?)?;
    Ok(without_empty_lists(json!({"ParameterVersion": version, "InvalidLabels": invalid})))
}

/// UnlabelParameterVersion.
fn unlabel(world: &mut World, fields: &Fields) -> ApiResult<Value> {
    let version = fields.number("ParameterVersion")?.ok_or_else(|| fields::invalid("ParameterVersion", "null"))?;
    let (removed, invalid) = world.unlabel_parameter_version(fields.required("Name")?, version, &labels(fields)?)?;
    Ok(without_empty_lists(json!({"RemovedLabels": removed, "InvalidLabels": invalid})))
}

/// AddTagsToResource.
fn add_tags(world: &mut World, fields: &Fields) -> ApiResult<Value> {
    only_parameters(fields)?;
    world.tag_parameter(fields.required("ResourceId")?, tags(fields)?, &[])?;
    Ok(json!({}))
}

/// RemoveTagsFromResource.
fn remove_tags(world: &mut World, fields: &Fields) -> ApiResult<Value> {
    only_parameters(fields)?;
    let keys: Vec<_> = fields.texts("TagKeys")?.into_iter().map(str::to_owned).collect();
    world.tag_parameter(fields.required("ResourceId")?, Vec::new(), &keys)?;
    Ok(json!({}))
}

fn list_tags(world: &World, fields: &Fields) -> ApiResult<Value> {
    only_parameters(fields)?;
    let name = fields.required("ResourceId")?;
    let parameter = world.ssm.parameter(name).ok_or_else(|| ApiError::new("InvalidResourceId", ""))?;
    let tags: Value = parameter.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    Ok(json!({"TagList": tags}))
}

fn only_parameters(fields: &Fields) -> ApiResult<()> {
    match fields.required("ResourceType")? {
        "Parameter" => Ok(()),
        other => Err(ApiError::new("InvalidResourceType", format!("Not a resource type here: {other}"))),
    }
}

fn tags(fields: &Fields) -> ApiResult<Vec<(String, String)>> {
    let tags = fields.structures("Tags")?;
    let pair = |tag: &Fields| Ok((tag.required("Key")?.to_owned(), tag.owned("Value")?.unwrap_or_default()));
    tags.iter().map(pair).collect()
}

/// Systems Manager API Reference: from 1 to 10, each of up to 100 characters. What is wrong with a label beyond that is no
/// error; it is named in the answer.
fn labels(fields: &Fields) -> ApiResult<Vec<String>> {
    let labels = fields.texts("Labels")?;
    if !(1..=10).contains(&labels.len()) {
        return Err(fields::invalid("Labels", &format!("{labels:?}")));
    }
    if let Some(label) = labels.iter().find(|label| !(1..=100).contains(&label.chars().count())) {
        return Err(fields::invalid("Labels", label));
    }
    Ok(labels.into_iter().map(str::to_owned).collect())
}

/// Lists of labels have at least one element.
fn without_empty_lists(mut answer: Value) -> Value {
    if let Value::Object(members) = &mut answer {
        members.retain(|_, value| value.as_array().is_none_or(|elements| !elements.is_empty()));
    }
    answer
}

fn parameter_item(selector: &str, parameter: &Parameter, version: &ParameterVersion) -> Value {
    let mut item = json!({
        "Name": parameter.name,
        "Type": parameter.parameter_type,
        "Value": version.value,
        "Version": version.version,
        "LastModifiedDate": version.modified.epoch_seconds(),
        "ARN": parameter.arn(),
        "DataType": parameter.data_type,
    });
    let named = selector.strip_prefix(&parameter.arn()).or_else(|| selector.strip_prefix(&parameter.name));
    if let Some(selected) = named.filter(|selected| !selected.is_empty()) {
        item["Selector"] = selected.into();
    }
    item
}
