//! Launch templates. Their versions are in the file beside this one.

use serde_json::{Value, json};

use super::answers::whole_seconds;
use super::launch_data::{is_spot, shown_as_said, snapshot_devices, tags_in_metadata};
use super::listing::{Listing, ids_or_pages};
use super::tags::{self, tag_set};
use crate::wire::operation::{Operation, reads, writes};
use crate::wire::query::Params;
use crate::world::ec2::{LaunchTemplate, LaunchTemplateData};
use crate::world::error::{ApiError, ApiResult};
use crate::world::{ACCOUNT, World};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::ec2("CreateLaunchTemplate", CREATE_PARAMETERS, writes(create)),
    Operation::ec2("DeleteLaunchTemplate", &["LaunchTemplateId", "LaunchTemplateName"], writes(delete)),
    Operation::ec2("DescribeLaunchTemplates", DESCRIBE_PARAMETERS, reads(describe)),
    Operation::ec2(
        "ModifyLaunchTemplate",
        &["ClientToken", "LaunchTemplateId", "LaunchTemplateName", "SetDefaultVersion"],
        writes(modify),
    ),
];

const CREATE_PARAMETERS: &[&str] =
    &["ClientToken", "LaunchTemplateData", "LaunchTemplateName", "TagSpecification", "VersionDescription"];

const DESCRIBE_PARAMETERS: &[&str] = &["Filter", "LaunchTemplateId", "LaunchTemplateName", "MaxResults", "NextToken"];

const LISTING: Listing = Listing {
    ids: "LaunchTemplateId",
    ids_in_errors: "launchTemplateIds",
    filters: &["create-time", "launch-template-name", "tag"],
    set: "launchTemplates",
    pages: 1..=200,
};

/// The first three decide what is launched, and the fourth may name snapshots; the others have no life in this world. Tags are not among them: instances
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

fn create(world: &mut World, params: &Params) -> ApiResult<Value> {
    let (name, data) = (params.required("LaunchTemplateName")?, data_of(params)?);
    let tags = tags::of_new(params, "launch-template", &[])?;
    let template = world.create_launch_template_with(name, data, params.owned("VersionDescription"), tags)?;
    Ok(json!({"launchTemplate": template_item(&template)}))
}

/// ModifyLaunchTemplate: all that it can change is which version is the default.
fn modify(world: &mut World, params: &Params) -> ApiResult<Value> {
    let id = named(world, params)?.id.clone();
    let template = world.set_default_version(&id, params.required("SetDefaultVersion")?)?;
    Ok(json!({"launchTemplate": template_item(&template)}))
}

/// `LaunchTemplateData`, as far as it matters here.
pub(super) fn data_of(params: &Params) -> ApiResult<LaunchTemplateData> {
    let data = params.structure("LaunchTemplateData");
    data.only(DATA)?;
    Ok(LaunchTemplateData {
        image_id: data.owned("ImageId"),
        instance_type: data.owned("InstanceType"),
        spot: is_spot(&data)?,
        tags_in_metadata: tags_in_metadata(&data)?,
        block_devices: snapshot_devices(&data, "BlockDeviceMapping"),
        shown: shown_as_said(&data)?,
    })
}

fn describe(world: &World, params: &Params) -> ApiResult<Value> {
    let names = params.list("LaunchTemplateName");
    ids_or_pages(params, "launchTemplateNames", &names)?;
    LISTING.describe(
        params,
        |ids| chosen(world, ids, &names),
        |template, filters| {
            filters.match_all(&template.tags, |filter| match filter {
                "create-time" => vec![whole_seconds(template.created)],
                _ => vec![template.name.clone()],
            })
        },
        |template| (template.id.clone(), template_item(template)),
    )
}

fn chosen<'a>(world: &'a World, ids: &[String], names: &[String]) -> ApiResult<Vec<&'a LaunchTemplate>> {
    for id_or_name in ids.iter().chain(names) {
        world.ec2.launch_template(id_or_name)?;
    }
    let templates = world.ec2.launch_templates().values();
    let templates = templates.filter(|template| ids.is_empty() || ids.contains(&template.id));
    Ok(templates.filter(|template| names.is_empty() || names.contains(&template.name)).collect())
}

fn delete(world: &mut World, params: &Params) -> ApiResult<Value> {
    let id = named(world, params)?.id.clone();
    let template = world.delete_launch_template(&id)?;
    Ok(json!({"launchTemplate": template_item(&template)}))
}

/// The template that `LaunchTemplateId` or `LaunchTemplateName` means, of either there must be exactly one.
pub(super) fn named<'a>(world: &'a World, params: &Params) -> ApiResult<&'a LaunchTemplate> {
    match (params.text("LaunchTemplateId"), params.text("LaunchTemplateName")) {
        (Some(id_or_name), None) | (None, Some(id_or_name)) => world.ec2.launch_template(id_or_name),
        _ => {
            let text = "You must specify either the launch template ID or its name, but not both.";
            Err(ApiError::new("InvalidParameterCombination", text))
        }
    }
}

/// Who made everything here.
pub(super) fn created_by() -> String {
    format!("arn:aws:iam::{ACCOUNT}:root")
}

fn template_item(template: &LaunchTemplate) -> Value {
    json!({
        "launchTemplateId": template.id,
        "launchTemplateName": template.name,
        "createTime": whole_seconds(template.created),
        "createdBy": created_by(),
        "defaultVersionNumber": template.default_version,
        "latestVersionNumber": template.latest_version(),
        "tagSet": tag_set(&template.tags),
    })
}
