//! The versions of launch templates.

use serde_json::{Value, json};

use super::answers::{paged_within, whole_seconds};
use super::filters::{Filters, NO_TAGS};
use super::launch_data::enabled;
use super::launch_templates::{created_by, data_of, named};
use crate::wire::operation::{Operation, reads, writes};
use crate::wire::query::Params;
use crate::world::World;
use crate::world::ec2::{LaunchTemplate, LaunchTemplateData, LaunchTemplateVersion, ShownAsSaid};
use crate::world::error::{ApiError, ApiResult};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::ec2("CreateLaunchTemplateVersion", CREATE_PARAMETERS, writes(create)),
    Operation::ec2("DescribeLaunchTemplateVersions", DESCRIBE_PARAMETERS, reads(describe)),
];

const CREATE_PARAMETERS: &[&str] = &[
    "ClientToken",
    "LaunchTemplateData",
    "LaunchTemplateId",
    "LaunchTemplateName",
    "SourceVersion",
    "VersionDescription",
];

const DESCRIBE_PARAMETERS: &[&str] = &[
    "Filter",
    "LaunchTemplateId",
    "LaunchTemplateName",
    "LaunchTemplateVersion",
    "MaxResults",
    "MaxVersion",
    "MinVersion",
    "NextToken",
    "ResolveAlias",
];

/// CreateLaunchTemplateVersion: what is not said is as the source version has it, if one is named.
fn create(world: &mut World, params: &Params) -> ApiResult<Value> {
    let template = named(world, params)?;
    let id = template.id.clone();
    let mut data = data_of(params)?;
    if let Some(source) = params.text("SourceVersion") {
        let source = template.version(Some(source))?.data.clone();
        data = LaunchTemplateData {
            image_id: data.image_id.or(source.image_id),
            instance_type: data.instance_type.or(source.instance_type),
            spot: data.spot || source.spot,
            tags_in_metadata: data.tags_in_metadata.or(source.tags_in_metadata),
            block_devices: if data.block_devices.is_empty() { source.block_devices } else { data.block_devices },
            shown: data.shown.or(source.shown),
        };
    }
    let number = world.create_launch_template_version(&id, data, params.owned("VersionDescription"))?;
    let template = world.ec2.launch_template(&id)?;
    let version = template.version(Some(&number.to_string()))?;
    Ok(json!({"launchTemplateVersion": item(world, template, version, false)?}))
}

/// DescribeLaunchTemplateVersions: of one template, or `$Latest` and `$Default` of all.
fn describe(world: &World, params: &Params) -> ApiResult<Value> {
    let filters = Filters::parse(params, &["image-id", "instance-type", "is-default-version"])?;
    let resolve = params.flag("ResolveAlias")?.unwrap_or(false);
    let mut items = Vec::new();
    for (template, version) in chosen(world, params)? {
        let is_meant = filters.match_all(&NO_TAGS, |filter| match filter {
            "image-id" => version.data.image_id.clone().into_iter().collect(),
            "instance-type" => version.data.instance_type.clone().into_iter().collect(),
            _ => vec![(version.number == template.default_version).to_string()],
        });
        if is_meant {
            // Padded, so that the order of the keys is the order of the versions.
            let key = format!("{} {:020}", template.id, version.number);
            items.push((key, item(world, template, version, resolve)?));
        }
    }
    paged_within(params, "launchTemplateVersionSet", 1..=200, items)
}

fn chosen<'a>(world: &'a World, params: &Params) -> ApiResult<Vec<(&'a LaunchTemplate, &'a LaunchTemplateVersion)>> {
    let wanted = params.list("LaunchTemplateVersion");
    let of_one = params.text("LaunchTemplateId").is_some() || params.text("LaunchTemplateName").is_some();
    let templates: Vec<_> =
        if of_one { vec![named(world, params)?] } else { world.ec2.launch_templates().values().collect() };
    if !of_one
        && (wanted.is_empty() || wanted.iter().any(|version| !["$Latest", "$Default"].contains(&version.as_str())))
    {
        let text = "Without a launch template, the versions can only be $Latest and $Default.";
        return Err(ApiError::new("InvalidParameterCombination", text));
    }
    let (least, most) = (params.number("MinVersion")?.unwrap_or(1), params.number("MaxVersion")?.unwrap_or(u64::MAX));
    let mut chosen = Vec::new();
    for template in templates {
        let mut versions = match wanted.as_slice() {
            [] => template.versions.iter().collect(),
            wanted => wanted.iter().map(|it| template.version(Some(it))).collect::<ApiResult<Vec<_>>>()?,
        };
        versions.sort_by_key(|version| version.number);
        versions.dedup_by_key(|version| version.number);
        versions.retain(|version| (least..=most).contains(&version.number));
        chosen.extend(versions.into_iter().map(|version| (template, version)));
    }
    Ok(chosen)
}

fn item(world: &World, template: &LaunchTemplate, version: &LaunchTemplateVersion, resolve: bool) -> ApiResult<Value> {
    let data = &version.data;
    let image_id = match &data.image_id {
        Some(image) if resolve => Some(world.resolve_image(image)?),
        image => image.clone(),
    };
    let devices = data.block_devices.iter();
    let devices: Vec<_> = devices.map(|(name, id)| json!({"deviceName": name, "ebs": {"snapshotId": id}})).collect();
    Ok(json!({
        "launchTemplateId": template.id,
        "launchTemplateName": template.name,
        "versionNumber": version.number,
        "versionDescription": version.description,
        "createTime": whole_seconds(version.created),
        "createdBy": created_by(),
        "defaultVersion": version.number == template.default_version,
        "launchTemplateData": {
            "imageId": image_id,
            "instanceType": data.instance_type,
            "instanceMarketOptions": data.spot.then(|| json!({"marketType": "spot"})),
            "metadataOptions": metadata_options(data),
            "iamInstanceProfile": profile(&data.shown),
            "blockDeviceMappingSet": if devices.is_empty() { Value::Null } else { devices.into() },
        },
    }))
}

/// None if nothing was said of them.
fn metadata_options(data: &LaunchTemplateData) -> Value {
    let ShownAsSaid { http_tokens, hop_limit, .. } = &data.shown;
    if data.tags_in_metadata.is_none() && http_tokens.is_none() && hop_limit.is_none() {
        return Value::Null;
    }
    json!({
        "httpTokens": http_tokens,
        "httpPutResponseHopLimit": hop_limit,
        "instanceMetadataTags": data.tags_in_metadata.map(enabled),
    })
}

fn profile(shown: &ShownAsSaid) -> Value {
    match (&shown.profile_arn, &shown.profile_name) {
        (None, None) => Value::Null,
        (arn, name) => json!({"arn": arn, "name": name}),
    }
}
