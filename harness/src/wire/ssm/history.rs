//! Parameters without their values, and with all their versions.

use serde_json::{Value, json};

use super::answers::paged;
use super::resources::parameter;
use crate::wire::fields::{self, Fields};
use crate::wire::operation::{Operation, reads};
use crate::world::error::{ApiError, ApiResult};
use crate::world::ssm::{Parameter, ParameterVersion};
use crate::world::{ACCOUNT, World};

pub(super) const OPERATIONS: &[Operation] = &[
    // Three a second, unless an account has bought more. (AWS General Reference, Systems Manager quotas.)
    Operation::ssm("DescribeParameters", &["MaxResults", "NextToken", "ParameterFilters"], reads(describe))
        .limited(3, 3),
    Operation::ssm(
        "GetParameterHistory",
        &["MaxResults", "Name", "NextToken", "WithDecryption"],
        reads(get_history).on(parameter),
    ),
];

/// DescribeParameters. It filters after paging, so a page may be short, or empty, and still have a next one.
fn describe(world: &World, fields: &Fields) -> ApiResult<Value> {
    let filters = fields.structures("ParameterFilters")?.iter().map(Filter::parse).collect::<ApiResult<Vec<_>>>()?;
    let items = world.ssm.parameters().values().filter_map(|parameter| {
        let newest = parameter.versions.last()?;
        let is_meant = filters.iter().all(|filter| filter.matches(parameter));
        let mut item = Value::Null;
        if is_meant {
            item = metadata(parameter, newest);
            item["ARN"] = parameter.arn().into();
        }
        Some((parameter.name.clone(), item))
    });
    let mut answer = paged(fields, "Parameters", 1..=50, items.collect())?;
    if let Some(page) = answer["Parameters"].as_array_mut() {
        page.retain(|item| !item.is_null());
    }
    Ok(answer)
}

/// GetParameterHistory: oldest first.
fn get_history(world: &World, fields: &Fields) -> ApiResult<Value> {
    let parameter =
        world.ssm.parameter(fields.required("Name")?).ok_or_else(|| ApiError::new("ParameterNotFound", ""))?;
    let items = parameter
        .versions
        .iter()
        .map(|version| {
            let mut item = metadata(parameter, version);
            item["Value"] = version.value.as_str().into();
            item["Labels"] = version.labels.clone().into();
            // Padded, so that the order of the keys is the order of the versions.
            (format!("{:020}", version.version), item)
        })
        .collect();
    paged(fields, "Parameters", 1..=50, items)
}

fn metadata(parameter: &Parameter, version: &ParameterVersion) -> Value {
    let mut item = json!({
        "Name": parameter.name,
        "Type": parameter.parameter_type,
        "LastModifiedDate": version.modified.epoch_seconds(),
        "LastModifiedUser": format!("arn:aws:iam::{ACCOUNT}:root"),
        "Version": version.version,
        "Tier": "Standard",
        "Policies": [],
        "DataType": parameter.data_type,
    });
    if let Some(description) = &version.description {
        item["Description"] = description.as_str().into();
    }
    item
}

/// One of the values has to match.
struct Filter {
    attribute: Attribute,
    how: How,
    values: Vec<String>,
}

enum Attribute {
    Name,
    Type,
    DataType,
    Tag(String),
}

enum How {
    Equals,
    BeginsWith,
    Contains,
}

impl Filter {
    fn parse(filter: &Fields) -> ApiResult<Filter> {
        let key = filter.required("Key")?;
        let attribute = match (key, key.strip_prefix("tag:")) {
            (_, Some(tag)) => Attribute::Tag(tag.to_owned()),
            ("Name", _) => Attribute::Name,
            ("Type", _) => Attribute::Type,
            ("DataType", _) => Attribute::DataType,
            (other, None) => {
                let text = format!("The following filter key is not valid: {other}.");
                return Err(ApiError::new("InvalidFilterKey", text));
            }
        };
        let how = match filter.text("Option")? {
            None | Some("Equals") => How::Equals,
            Some("BeginsWith") => How::BeginsWith,
            Some("Contains") => How::Contains,
            Some(other) => return Err(fields::invalid("Option", other)),
        };
        let values = filter.texts("Values")?.into_iter().map(str::to_owned).collect();
        Ok(Filter { attribute, how, values })
    }

    fn matches(&self, parameter: &Parameter) -> bool {
        let actual = match &self.attribute {
            Attribute::Name => Some(&parameter.name),
            Attribute::Type => Some(&parameter.parameter_type),
            Attribute::DataType => Some(&parameter.data_type),
            Attribute::Tag(key) => parameter.tags.get(key),
        };
        actual.is_some_and(|actual| {
            self.values.iter().any(|value| match self.how {
                How::Equals => actual == value,
                How::BeginsWith => actual.starts_with(value),
                How::Contains => actual.contains(value),
            })
        })
    }
}
