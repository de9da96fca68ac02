//! Launch templates, each with its one version.

use serde_json::{Value, json};

use super::filters::{Filters, NO_TAGS};
use super::instances::is_spot;
use super::{ids_or_pages, paged_within};
use crate::wire::query::Params;
use crate::world::ec2::LaunchTemplate;
use crate::world::error::{ApiError, ApiResult};
use crate::world::{ACCOUNT, World};

pub(super) const CREATE_PARAMETERS: &[&str] =
    &["ClientToken", "LaunchTemplateData", "LaunchTemplateName", "VersionDescription"];

pub(super) const DESCRIBE_PARAMETERS: &[&str] =
    &["Filter", "LaunchTemplateId", "LaunchTemplateName", "MaxResults", "NextToken"];

/// The first three decide what is launched; the others have no life in this world. Tags are not among them: instances
/// launched here would lack them.
const DATA: &[&str] = &[
    "ImageId",
    "InstanceType",
    "InstanceMarketOptions",
    "BlockDeviceMapping",
    "CreditSpecification",
    "EbsOptimized",
    "IamInstanceProfile",
    "InstanceInitiatedShutdownBehavior",
    "KeyName",
    "MetadataOptions",
    "Monitoring",
    "NetworkInterface",
    "SecurityGroup",
    "SecurityGroupId",
    "UserData",
];

pub(super) fn create(world: &mut World, params: &Params) -> ApiResult<Value> {
    let data = params.structure("LaunchTemplateData");
    data.only(DATA)?;
    let template = world.create_launch_template(
        params.required("LaunchTemplateName")?,
        data.required("ImageId")?,
        data.required("InstanceType")?,
        is_spot(&data)?,
    )?;
    Ok(json!({"launchTemplate": template_item(&template)}))
}

pub(super) fn describe(world: &World, params: &Params) -> ApiResult<Value> {
    let filters = Filters::parse(params, &["create-time", "launch-template-name"])?;
    let ids = params.list("LaunchTemplateId");
    let names = params.list("LaunchTemplateName");
    ids_or_pages(params, "launchTemplateIds", &ids)?;
    ids_or_pages(params, "launchTemplateNames", &names)?;
    for id_or_name in ids.iter().chain(&names) {
        world.launch_template(id_or_name)?;
    }
    let items = world
        .launch_templates
        .values()
        .filter(|template| ids.is_empty() || ids.contains(&template.id))
        .filter(|template| names.is_empty() || names.contains(&template.name))
        .filter(|template| {
            filters.match_all(&NO_TAGS, |filter| match filter {
                "create-time" => vec![template.created.iso_millis()],
                _ => vec![template.name.clone()],
            })
        })
        .map(|template| (template.id.clone(), template_item(template)))
        .collect();
    paged_within(params, "launchTemplates", 1..=200, items)
}

pub(super) fn delete(world: &mut World, params: &Params) -> ApiResult<Value> {
    let id = find(world, params)?.id.clone();
    let template = world.delete_launch_template(&id)?;
    Ok(json!({"launchTemplate": template_item(&template)}))
}

/// The template that `LaunchTemplateId` or `LaunchTemplateName` means, of either there must be exactly one.
pub(super) fn find<'a>(world: &'a World, params: &Params) -> ApiResult<&'a LaunchTemplate> {
    if let Some(version) = params.text("Version").filter(|version| !["$Latest", "$Default", "1"].contains(version)) {
        let text = format!("Could not find the specified version {version} for the launch template.");
        return Err(ApiError::new("InvalidLaunchTemplateId.VersionNotFound", text));
    }
    match (params.text("LaunchTemplateId"), params.text("LaunchTemplateName")) {
        (Some(id_or_name), None) | (None, Some(id_or_name)) => world.launch_template(id_or_name),
        _ => {
            let text = "You must specify either the launch template ID or its name, but not both.";
            Err(ApiError::new("InvalidParameterCombination", text))
        }
    }
}

fn template_item(template: &LaunchTemplate) -> Value {
    json!({
        "launchTemplateId": template.id,
        "launchTemplateName": template.name,
        "createTime": template.created.iso_millis(),
        "createdBy": format!("arn:aws:iam::{ACCOUNT}:root"),
        "defaultVersionNumber": 1,
        "latestVersionNumber": 1,
    })
}
